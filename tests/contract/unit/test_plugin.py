"""The plugin: a test file of three lines tests a server, and fails with what was found."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.unit.kiosk import Kiosk, kiosk, kiosk_file
from tests.contract.unit.test_command import Slow, Wrong, environment, served


def run_pytest(folder: Path, url: str, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run pytest over a test file in a folder of its own."""
    written = f"from contract.plugin import contract_test\n\ntest_api = contract_test('kiosk.yaml', url='{url}')\n"
    (folder / "test_api.py").write_text(text or written)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, *arguments]
    return subprocess.run(
        [*command, f"--rootdir={folder}", "test_api.py"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the document."""
    kiosk_file(tmp_path)
    return tmp_path


def test_a_right_server_is_green(folder: Path) -> None:
    """Each phase is a test that passes."""
    with served(Kiosk(kiosk(folder))) as url:
        done = run_pytest(folder, url)
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


def test_a_wrong_server_is_red_and_says_why(folder: Path) -> None:
    """The phase that found it fails with the finding's text; options give the seed and write reports."""
    with served(Wrong(kiosk(folder))) as url:
        done = run_pytest(folder, url, "--contract-seed", "5", "--contract-report", "out")
    assert done.returncode == 1
    assert "frame-invalid: " in done.stdout
    assert "--seed 5" in done.stdout
    assert "Traceback" not in done.stdout
    assert {path.name for path in (folder / "out").iterdir()} == {"kiosk.html", "kiosk.json", "kiosk.xml"}


def test_a_url_may_be_a_fixture(folder: Path) -> None:
    """Its name is enough; so are some of the phases."""
    text = """\
import pytest
from contract.plugin import contract_test

@pytest.fixture
def address():
    return {url!r}

test_api = contract_test("kiosk.yaml", url="address", token="anything", phases=("examples",))
"""
    with served(Kiosk(kiosk(folder))) as url:
        done = run_pytest(folder, url, text=text.format(url=url))
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_what_cannot_run_fails_in_a_sentence(folder: Path) -> None:
    """No server, and no right document, are said without a traceback."""
    phases = "from contract.plugin import contract_test\n"
    phases += "test_api = contract_test('kiosk.yaml', url='ws://127.0.0.1:1', phases=('valid',))\n"
    done = run_pytest(folder, "", text=phases)
    assert (done.returncode, "Nothing answers" in done.stdout, "Traceback" in done.stdout) == (1, True, False)
    (folder / "kiosk.yaml").write_text("asyncapi: 3.0.0\n")
    done = run_pytest(folder, "ws://127.0.0.1:1")
    assert (done.returncode, "kiosk.yaml:" in done.stdout, "DocumentError" in done.stdout) == (1, True, False)


def test_a_phase_without_time_is_skipped_and_remarks_are_told(folder: Path) -> None:
    """Nothing passes by not being tried."""
    text = """\
from contract.plugin import contract_test

test_api = contract_test(
    "kiosk.yaml", url={url!r}, max_time=1, perspective="server", lenient=True, unreachable={{"nobody": "x"}}
)
"""
    with served(Slow(kiosk(folder))) as url:
        done = run_pytest(folder, url, "-rs", text=text.format(url=url))
    assert "no time was left for this phase" in done.stdout
    assert re.search(r"\d skipped", done.stdout)
    assert "Note: [unreachable] names 'nobody'" in done.stdout
