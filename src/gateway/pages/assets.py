"""Assets: which files of which npm packages are fetched at set-up, and where they lie. It never fetches anything.

The versions are exact, and the integrity is the one that the npm registry gives for them (`npm view NAME dist`): a
changed package is refused instead of served.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Package:
    """One npm package at one version.

    `integrity` is its tarball's, as the registry writes it (`sha512-` and base64). `files` maps each file wanted to its
    path in the package.
    """

    name: str
    version: str
    integrity: str
    files: tuple[tuple[str, str], ...]

    @property
    def spec(self) -> str:
        """How npm calls it: `name@version`."""
        return f"{self.name}@{self.version}"

    @property
    def folder(self) -> str:
        """The folder that holds it. It names the version, so that its content never changes."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}"

    def is_present(self, parent: Path) -> bool:
        """Say whether every file lies in `parent`."""
        return all((parent / self.folder / file).is_file() for file, _ in self.files)


# The page at /asyncapi. The standalone bundle holds React and the parser; the licences of both are served beside it.
REACT_COMPONENT = Package(
    name="@asyncapi/react-component",
    version="3.2.1",
    integrity="sha512-k5ZqJd6+oxYaQ2o6F3rGWJ1MTIjXdpsUYB3NKQbVqr4yzrN0Ovj5c7eZx8NGd3wfKPhbOrLREtYl9K2OPfnSsA==",
    files=(
        ("standalone.js", "browser/standalone/index.js"),
        ("default.min.css", "styles/default.min.css"),
        ("LICENSE.txt", "LICENSE"),
        ("index.js.LICENSE.txt", "browser/standalone/index.js.LICENSE.txt"),
    ),
)

# The official JSON Schemas of AsyncAPI, for the test that judges the document by them; the server never reads them.
SPECS = Package(
    name="@asyncapi/specs",
    version="6.11.1",
    integrity="sha512-A3WBLqAKGoJ2+6FWFtpjBlCQ1oFCcs4GxF7zsIGvNqp/klGUHjlA3aAcZ9XMMpLGE8zPeYDz2x9FmO6DSuKraQ==",
    files=(
        ("3.0.0.json", "schemas/3.0.0-without-$id.json"),
        ("3.1.0.json", "schemas/3.1.0-without-$id.json"),
        ("LICENSE.txt", "LICENSE"),
    ),
)
