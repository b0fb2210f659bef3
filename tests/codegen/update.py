"""Update: `python -m tests.codegen.update` writes what the golden cases give now. Read the diff afterwards."""

from codegen.output import compare
from tests.codegen.support import GOLDEN, names, shown


def main() -> None:
    """Write the expected files of every case, and remove those that are no more."""
    for group in names():
        for case in group:
            folder = GOLDEN / case / "expected"
            for difference in compare(folder, shown(case)):
                path = folder / difference.path
                if difference.kind == "extra":
                    path.unlink()
                else:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(shown(case)[difference.path].encode())


if __name__ == "__main__":
    main()
