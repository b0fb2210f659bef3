"""The command: arguments, files and exit codes, as a user has them."""

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import jwt
import pytest
from rich.console import Console
from websockets.asyncio.server import ServerConnection

from contract.__main__ import main, read_config
from contract.engine import CannotRun, Options, Run, run_async
from contract.model import PHASES
from contract.phases import WORK
from contract.report import Display, write_reports
from contract.spec import load_spec
from tests.contract.unit.gate import DOCUMENT as GATE
from tests.contract.unit.gate import SECRET as GATE_SECRET
from tests.contract.unit.gate import Gate
from tests.contract.unit.kiosk import DOCUMENT, Frame, Kiosk, kiosk, kiosk_file, running
from tests.contract.unit.test_handshake_faults import running as gate_running

ROOT = Path(__file__).parents[3]


@contextmanager
def served(server: Kiosk) -> Iterator[str]:
    """Run a server in a thread; gives its url."""
    url: list[str] = []
    ready, stop = threading.Event(), threading.Event()

    async def run() -> None:
        async with running(server) as found:
            url.append(found)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(5)
    try:
        yield url[0]
    finally:
        stop.set()
        thread.join()


class Wrong(Kiosk):
    """Tells the price as a number."""

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        if value["type"] == "buy":
            await self.send(connection, {"type": "sold", "id": value["id"], "price": 5})
        else:
            await super().asked(connection, value)


class Telling(Kiosk):
    """Tells the token where the price should be a text."""

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        await self.send(connection, {"type": "sold", "id": value.get("id"), "price": ["token-of-mine-123"]})


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the tester's own variables out of the environment."""
    for name in ("CONTRACT_TOKEN", "CONTRACT_TOKEN_SECRET"):
        monkeypatch.delenv(name, raising=False)


def test_a_right_server_is_0_and_a_wrong_one_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code says what was found, and the output what it was."""
    path = str(kiosk_file(tmp_path))
    spec = kiosk(tmp_path)
    with served(Kiosk(spec)) as url:
        assert main([path, "--url", url, "--phase", "examples", "--seed", "1"]) == 0
    with served(Wrong(spec)) as url:
        assert main([path, "--url", url, "--phase", "examples", "--seed", "1"]) == 1
    out = capsys.readouterr()
    assert "frame-invalid" in out.out
    assert "Traceback" not in out.out + out.err


def test_reports_are_written_and_no_secret_stands_in_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind is made in its folder, with the finding, and without what the environment gave."""
    monkeypatch.setenv("CONTRACT_TOKEN", "token-of-mine-123")  # which the server tells everybody
    files = {kind: tmp_path / "out" / f"r.{kind}" for kind in ("junit", "json", "html")}
    with served(Telling(kiosk(tmp_path))) as url:
        report = ",".join(f"{kind}={path}" for kind, path in files.items())
        path = str(kiosk_file(tmp_path))
        assert main([path, "--url", url, "--phase", "valid", "--report", report, "--seed", "3"]) == 1
    found = json.loads(files["json"].read_text())
    assert (found["seed"], "frame-invalid" in {item["rule"] for item in found["findings"]}) == (3, True)
    captured = capsys.readouterr()
    for told in (*(path.read_text() for path in files.values()), captured.out, captured.err):
        assert "of-mine" not in told
    assert all("frame-invalid" in path.read_text() for path in files.values())


URL = ["--url", "ws://127.0.0.1:1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--url"),
        ([*URL, "--phase", "all-of-it"], "invalid choice"),
        ([*URL, "--max-time", "0"], "write seconds above 0"),
        ([*URL, "--max-time", "nan"], "write seconds above 0"),
        ([*URL, "--timeout", "-1"], "write seconds above 0"),
        ([*URL, "--timeout", "soon"], "soon is no time: write seconds above 0"),
        ([*URL, "--rate", "much"], "much is no rate"),
        ([*URL, "--rate", "-1"], "0 for no limit"),
        ([*URL, "--report", "pdf=x"], "--report pdf=x: write one of"),
        ([*URL, "--report", "junit"], "--report junit: write one of"),
        ([*URL], "Nothing answers at ws://127.0.0.1:1"),
        (["--url", "ftp://x"], "Write ws://HOST:PORT"),
        (["--url", "ws://127.0.0.1:99999"], "Write ws://HOST:PORT"),
        (["--url", "ws://[::1:80"], "'ws://[::1:80' is no url of a WebSocket server"),
        ([*URL, "--report", "json=."], "--report json=.: . is a folder"),
        ([*URL, "--report", "json=pyproject.toml/x.json"], "pyproject.toml is no folder"),
        ([*URL, "--report", "json=x,junit=x"], "each to a file of its own"),
        ([*URL, "--config", "none.toml"], "none.toml can't be read"),
        ([*URL, "--token", "a\nb"], ""),
    ],
)
def test_what_cannot_run_is_2_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """Bad arguments, and a server that isn't there, are one clear answer."""
    assert main([str(kiosk_file(tmp_path)), *arguments]) == 2
    out = capsys.readouterr()
    assert said in out.err
    assert "Traceback" not in out.err


def test_a_document_that_is_wrong_or_missing_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its faults are told with their lines."""
    path = kiosk_file(tmp_path, DOCUMENT.replace("messages/tick'", "messages/tock'"))
    assert main([str(path), *URL]) == 2
    assert "kiosk.yaml:" in capsys.readouterr().err
    assert main([str(tmp_path / "none.yaml"), *URL]) == 2
    assert "none.yaml" in capsys.readouterr().err


def test_a_fault_of_the_tester_is_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails, it is a sentence."""
    monkeypatch.setattr("contract.__main__.load_spec", lambda *_, **__: 1 // 0)
    assert main([str(kiosk_file(tmp_path)), *URL]) == 2
    assert capsys.readouterr().err.startswith("The tester itself failed at test_command.py:")


def test_a_fault_within_a_phase_keeps_what_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The findings are told and the reports written, and the answer says what failed."""

    async def fails(run: Run) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setitem(cast("dict[str, object]", WORK), "boundaries", fails)
    report = tmp_path / "r.json"
    with served(Wrong(kiosk(tmp_path))) as url:
        assert main([str(kiosk_file(tmp_path)), "--url", url, "--report", f"json={report}"]) == 2
    out = capsys.readouterr()
    assert "1 finding. " in out.out
    assert out.err.startswith("The tester itself failed at test_command.py:")
    value = json.loads(report.read_text())
    assert "on purpose" in value["failed"]
    assert [finding["rule"] for finding in value["findings"]] == ["frame-invalid"]
    assert [(phase["name"], phase["complete"]) for phase in value["phases"]] == [
        ("examples", True),
        ("boundaries", False),
    ]


def test_a_report_that_fails_takes_no_other_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither another one, nor what the console tells."""
    monkeypatch.setattr("contract.report.html.render", lambda *_: 1 // 0)
    monkeypatch.setattr("contract.report.console._coverage", lambda *_: 1 // 0)
    files = [tmp_path / "r.html", tmp_path / "r.json"]
    with served(Kiosk(kiosk(tmp_path))) as url:
        report = ",".join(f"{path.suffix[1:]}={path}" for path in files)
        code = main([str(kiosk_file(tmp_path)), "--url", url, "--phase", "examples", "--report", report])
    assert (code, [path.exists() for path in files]) == (2, [False, True])
    assert capsys.readouterr().err.count("The tester itself failed at test_command.py:") == 2


def test_what_the_config_excuses_must_be_in_the_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is nobody's is told."""
    path = tmp_path / "c.toml"
    path.write_text("[unreachable]\nnobody = 'it stops'\n")
    with served(Kiosk(kiosk(tmp_path))) as url:
        command = [str(kiosk_file(tmp_path)), "--url", url, "--phase", "examples", "--config", str(path)]
        assert main(command) == 0
    assert "[unreachable] names 'nobody'" in capsys.readouterr().out


def test_a_login_in_the_url_is_shown_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither while it runs, nor in what it finds, nor where nothing answers."""
    report = tmp_path / "r.json"
    with served(Wrong(kiosk(tmp_path))) as url:
        address = url.replace("ws://", "ws://bob:hunter2@")
        command = [str(kiosk_file(tmp_path)), "--phase", "examples", "--report", f"json={report}"]
        assert main([*command, "--url", address, "--timeout", "3"]) == 1
    assert main([*command, "--url", "ws://bob:hunter2@127.0.0.1:1"]) == 2
    out = capsys.readouterr()
    for text in (out.out, out.err, report.read_text()):
        assert "hunter2" not in text
        assert "Ym9i" not in text
    (found,) = json.loads(report.read_text())["findings"]
    assert 'ws://"${URL_LOGIN}"@127.0.0.1:' in found["reproduction"]["command"]
    assert found["reproduction"]["command"].endswith(" --timeout 3")


async def test_no_report_holds_a_token_that_a_server_could_take(tmp_path: Path) -> None:
    """A token that lacks a scope is let in: what was signed with the user's key is nowhere, and how to sign it is."""
    path = tmp_path / "gate.yaml"
    path.write_text(GATE)
    spec = load_spec(path)
    gate = Gate("one scope is not asked for")
    gate.pass_time(time.time() - gate.now)
    out = io.StringIO()
    targets = {kind: tmp_path / f"r.{kind}" for kind in ("junit", "json", "html")}
    async with gate_running(gate) as url:
        with Display(spec, url, console=Console(file=out, soft_wrap=True)) as display:
            result = await run_async(spec, Options(url, secret=GATE_SECRET, phases=("handshake",)), display)
            display.done(result)
    write_reports(result, spec, targets)
    assert any("without" in finding.violation.subject for finding in result.findings)
    now = time.time()
    for text in (out.getvalue(), *(target.read_text() for target in targets.values())):
        assert GATE_SECRET not in text
        assert "TOKEN_WITHOUT_CHAT_" in text
        for token in set(re.findall(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*", text)):
            try:
                claims = jwt.decode(token, GATE_SECRET, ["HS256"], options={"verify_exp": False, "verify_nbf": False})
            except jwt.InvalidTokenError:
                continue
            assert claims["exp"] < now


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[values", "can't be read"),
        ("[vaules]\nx = ['a']", "'vaules' is unknown"),
        ("[values]\nx = 'a'", "each member of [values] is a list"),
        ("[values]\nx = []", "each member of [values] is a list"),
        ("values = 1", "each member of [values] is a list"),
        ("[unreachable]\nx = 1", "a text that says why"),
    ],
)
def test_a_config_file_that_is_wrong_is_told(tmp_path: Path, text: str, said: str) -> None:
    """What is wrong with it, and how to write it."""
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(CannotRun) as error:
        read_config(path)
    assert said in str(error.value)


def test_a_config_file_is_read(tmp_path: Path) -> None:
    """Values by name, and reasons by code."""
    path = tmp_path / "c.toml"
    path.write_text("[values]\nsymbol = ['A', 1]\n[unreachable]\n4001 = 'it stops'\n")
    config = read_config(path)
    assert (config.values, config.unreachable) == ({"symbol": ["A", 1]}, {"4001": "it stops"})


def environment() -> dict[str, str]:
    """Return an environment in which the project is found."""
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}:{ROOT / 'clients' / 'python'}"}


def test_tapecast_has_it_too(tmp_path: Path) -> None:
    """`tapecast contract` takes the same arguments and gives the same exit codes."""
    command = [sys.executable, "-c", "from gateway.cli import main; main()", "contract", str(kiosk_file(tmp_path))]
    with served(Wrong(kiosk(tmp_path))) as url:
        done = subprocess.run(
            [*command, "--url", url, "--phase", "examples"],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, "frame-invalid" in done.stdout, done.stderr) == (1, True, "")


class Slow(Kiosk):
    """Never answers."""

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        pass


@contextmanager
def started(tmp_path: Path, url: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Start the command against the kiosk, with pipes."""
    command = [sys.executable, "-u", "-m", "contract", str(kiosk_file(tmp_path)), "--url", url, *arguments]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process


def test_ctrl_c_stops_it(tmp_path: Path) -> None:
    """It ends at once, with 2 and without a traceback, where nothing was found."""
    server = Slow(kiosk(tmp_path))
    with served(server) as url, started(tmp_path, url) as process:
        until = time.monotonic() + 20
        while not server.connections and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, said = process.communicate(timeout=20)
    assert process.returncode == 2
    assert said.strip() in ("Stopped before anything was found.", "Stopped before a channel was open.")
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_was_found(tmp_path: Path, ending: signal.Signals) -> None:
    """What was found by then is told, and the reports are written: they say that the run was stopped."""
    report = tmp_path / "r.json"
    with (
        served(Wrong(kiosk(tmp_path))) as url,
        started(tmp_path, url, "--report", f"json={report}") as process,
    ):
        assert process.stdout is not None
        told = ""
        while "found " not in told:
            told = process.stdout.readline()
            assert told, "it ended before it found anything"
        process.send_signal(ending)
        rest, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (1, "")
    assert "1 finding. " in rest
    assert "Stopped before its end" in rest
    value = json.loads(report.read_text())
    assert value["stopped"] is True
    assert [finding["rule"] for finding in value["findings"]] == ["frame-invalid"]
    assert value["phases"][-1]["complete"] is False
    assert {phase["name"] for phase in value["phases"]} < set(PHASES)
