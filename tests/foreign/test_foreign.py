"""Foreign documents: whatever lies in TAPECAST_FOREIGN_DOCS generates sound code, or is refused with a reason."""

import os
from pathlib import Path

import pytest

from tests.foreign.run import find, run, table

FOLDER = os.environ.get("TAPECAST_FOREIGN_DOCS", "")


@pytest.mark.skipif(not FOLDER, reason="TAPECAST_FOREIGN_DOCS names no folder")
def test_every_document_is_generated_or_refused(tmp_path: Path) -> None:
    """Each document's outputs import, are typed and come out alike twice; a refusal names its line."""
    results = run(Path(FOLDER), tmp_path)
    told = table(results)
    assert results, f"there is no document below {FOLDER}"
    assert all(result.is_fine for result in results), told


def test_a_sound_document_and_a_bad_one(tmp_path: Path) -> None:
    """The run finds documents, tells a refusal from a result, and sees what a type checker would."""
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "good.yaml").write_text("asyncapi: 3.0.0\ninfo: {title: t, version: '1'}\nchannels: {a: {address: /a}}\n")
    (folder / "bad.json").write_text('{"asyncapi": "9.9.9"}')
    (folder / "other.yaml").write_text("a: {asyncapi: 1}\n")
    assert [path.name for path in find(folder)] == ["bad.json", "good.yaml"]
    results = {(item.document, item.target): item for item in run(folder, tmp_path / "made")}
    good, bad = results["good.yaml", "server"], results["bad.json", "server"]
    assert (good.outcome, good.problems, good.is_fine) == ("ok", [], True)
    assert (bad.outcome, bad.is_fine) == ("refused", True)
    assert "bad.json:1:14 version" in bad.told
