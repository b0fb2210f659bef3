"""Releases: the documents that clients were made from are kept, and `make check` holds today's against the last one."""

import re
from pathlib import Path

import pytest
import yaml

from codegen.__main__ import main
from tests.codegen.test_drift import Copy

ROOT = Path(__file__).parents[3]
RELEASES = sorted((ROOT / "docs" / "releases").glob("asyncapi-*.yaml"))


def test_each_release_is_named_after_its_version() -> None:
    """A kept document says the version that its name does; there is at least one."""
    assert RELEASES
    for path in RELEASES:
        assert path.stem == f"asyncapi-{yaml.safe_load(path.read_text())['info']['version']}"


def test_make_compatible_fails_until_the_version_allows_it(tmp_path: Path) -> None:
    """A break of the last release's clients fails with its line; a version that allows it makes the check pass."""
    copy = Copy(tmp_path / "project")
    done = copy.make("compatible")
    assert done.returncode == 0, done.stdout + done.stderr
    copy.edit()
    version = yaml.safe_load(copy.document.read_text())["info"]["version"]
    (copy.folder / "docs" / "releases" / f"asyncapi-{version}.yaml").write_text(copy.document.read_text())  # released
    done = copy.make("compatible")
    assert done.returncode == 0, done.stdout + done.stderr
    broken = (r"(?m)^  frame_bytes: \d+$", "  frame_bytes: 16")
    copy.edit(broken)
    done = copy.make("compatible")
    assert done.returncode != 0
    assert re.search(r"^asyncapi.yaml:\d+:\d+ breaking limit-lowered ", done.stdout, re.MULTILINE)
    copy.edit(broken, (r"(?m)^  version: 0\.\d+\.", "  version: 0.99."))
    done = copy.make("compatible")
    assert done.returncode == 0
    assert "The version allows it." in done.stdout


@pytest.mark.parametrize("path", RELEASES, ids=lambda path: path.stem)
def test_each_release_can_be_read(path: Path) -> None:
    """The diff reads every kept document: beside itself it has no finding."""
    assert main(["diff", str(path), str(path)]) == 0
