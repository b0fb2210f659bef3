"""Reproduce: a finding's conversation as a Python script and as `websocat` lines. It opens no connection itself."""

import base64
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final
from urllib.parse import urlsplit

from contract.addresses import login
from contract.concealing import Form, Names, conceal_text, python_runs, shell_runs, shell_signing, signing
from contract.model import RULES, Close, Connect, Data, Event, Finding, Secret, Send, Step, Violation, Wait
from contract.spec import Spec
from contract.wording import cut, visible

__all__ = ["conceal", "conceal_text", "python_script", "shell_url", "shell_word", "websocat"]

_JWT: Final = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")
_AT_ONCE: Final = 0.005
_MANY: Final = 20
_PIECE: Final = 65_000


@dataclass(frozen=True, slots=True)
class _Timed:
    """A step and the seconds that pass after it, before the next. `data` is what was sent, with its links filled in."""

    step: Step
    pause: float
    data: Data = ""


def _names(secrets: Sequence[Secret | str], url: str = "") -> Names:
    """Return the names of secrets, and of who logs in by a url."""
    pair = login(url)
    known = {secret for secret in secrets if isinstance(secret, str)} | {
        secret.value for secret in secrets if not isinstance(secret, str)
    }
    return Names([*secrets, *([Secret(pair, "URL_LOGIN")] if pair and pair not in known else [])])


def conceal(finding: Finding, secrets: Sequence[Secret | str]) -> Finding:
    """Return the finding with `$TOKEN` wherever one of the run's own `secrets` stood, in steps, events and texts."""
    if not secrets:
        return finding
    names = Names(secrets)
    return replace(
        finding,
        violation=_conceal_violation(finding.violation, names),
        steps=tuple(_conceal_step(step, names) for step in finding.steps),
        transcript=tuple(
            replace(
                event,
                data=_conceal_data(event.data, names) if event.data is not None else None,
                text=names.conceal(event.text),
                note=names.conceal(event.note),
            )
            for event in finding.transcript
        ),
    )


def _conceal_violation(violation: Violation, names: Names) -> Violation:
    return replace(violation, text=names.conceal(violation.text), subject=names.conceal(violation.subject))


def _conceal_step(step: Step, names: Names) -> Step:
    match step:
        case Connect():
            return replace(
                step,
                target=names.conceal(step.target),
                headers=tuple((name, names.conceal(value)) for name, value in step.headers),
                subprotocols=tuple(names.conceal(value) for value in step.subprotocols),
                note=names.conceal(step.note),
            )
        case Send():
            return replace(step, data=_conceal_data(step.data, names), note=names.conceal(step.note))
        case _:
            return step


def _conceal_data(data: Data, names: Names) -> Data:
    return names.conceal(data) if isinstance(data, str) else names.conceal_bytes(data)


def _logged_in(finding: Finding, url: str) -> Finding:
    """Return the finding with the header that whoever stands before a url's host becomes in each handshake."""
    pair = login(url)
    if pair is None:
        return finding
    header = ("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    steps = (
        replace(step, headers=(header, *step.headers)) if isinstance(step, Connect) else step for step in finding.steps
    )
    return replace(finding, steps=tuple(steps))


def python_script(finding: Finding, url: str, *, secrets: Sequence[Secret | str] = (), spec: Spec | None = None) -> str:
    """Return a script that plays the finding's steps and prints what happens; it needs `websockets`.

    `url` says where the server is; a step's target goes behind its path. Each of `secrets` is read from the
    environment; one that the tester signed is signed anew, which needs `pyjwt`. `spec` tells a linked message by its
    tags; without it, any frame that has the member is taken.
    """
    names = _names(secrets, url)
    finding = _logged_in(finding, url)
    timed = list(_timed(finding))
    linked = any(isinstance(item.step, Send) and item.step.links for item in timed)
    body = list(_python_steps(timed, names, _tags(finding, spec)))
    forms = names.used(_texts(finding.steps))
    variables, signed = names.given(forms), names.signed(forms)
    lines = [*_python_head(finding, variables, "websockets pyjwt" if signed else "websockets")]
    lines += [*_made_tokens(finding, names), ""]
    imports = {form.needs for form in forms} | {"import asyncio", "import time"}
    imports |= {"import json"} if linked else set()
    imports |= {"import os"} if variables else set()
    lines += sorted(item for item in imports if item.startswith("import "))
    lines += sorted(item for item in imports if item.startswith("from "))
    lines += ["", *(["import jwt"] if signed else []), "from websockets.asyncio.client import connect"]
    lines += ["from websockets.exceptions import ConnectionClosed, InvalidStatus", ""]
    lines += [*_PYTHON_GIVEN.strip("\n").split("\n"), "", ""] if variables else []
    lines += [f"URL = {_base(url)!r}"]
    lines += [f"{name} = given({name!r})" for name in variables]
    lines += ["NOW = int(time.time())"] if signed else []
    lines += [f"{name} = {signing(secret, secret.key, 'NOW')}" for name, secret in signed.items()]
    lines += [_PYTHON_BODY.strip("\n")]
    if any(isinstance(step, Close) for step in finding.steps):
        lines += ["", "", _PYTHON_LEAVE.strip("\n")]
    lines += ["", "", _PYTHON_LINKS.strip("\n")] if linked else []
    lines += ["", "", "async def main():"]
    lines += [f"    {line}" for line in body]
    lines += [f"    print({'Look for: ' + names.conceal(finding.violation.text)!r})", "", "", "asyncio.run(main())"]
    return "\n".join(lines) + "\n"


_PYTHON_GIVEN: Final = """
def given(name):
    if not os.environ.get(name):
        raise SystemExit(f"Set the environment variable {name}: it holds a secret of the run.")
    return os.environ[name]
"""

_PYTHON_BODY: Final = """
BEGAN = time.monotonic()
sockets, came, listening = {}, [], []


def tell(socket, text):
    print(f"{time.monotonic() - BEGAN:8.3f} s  [{socket}]  {text}", flush=True)


async def listen(socket, ws):
    try:
        async for frame in ws:
            came.append(frame)
            tell(socket, f"<- {frame!r}")
    except ConnectionClosed:
        pass
    got = ws.protocol.close_rcvd
    tell(socket, f"closed by the server: {got.code} {got.reason}" if got else "ended without the server's close frame")


async def join(socket, target, headers=(), subprotocols=None):
    if socket in sockets:
        await sockets.pop(socket).close()
    options = {"compression": None, "max_size": None, "ping_interval": None, "proxy": None, "user_agent_header": None}
    try:
        ws = await connect(URL + target, additional_headers=headers, subprotocols=subprotocols, **options)
    except InvalidStatus as error:
        return tell(socket, f"refused: HTTP {error.response.status_code} {bytes(error.response.body)!r}")
    except Exception as error:
        late = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, TimeoutError)
        if isinstance(error, OSError) and not isinstance(error, late) and not listening:
            raise SystemExit(f"Nothing answers at {URL}: {error}. Start the server first.")
        return tell(socket, f"no handshake: {error!r}")
    tell(socket, f"opened, subprotocol {ws.subprotocol}")
    sockets[socket] = ws
    listening.append(asyncio.create_task(listen(socket, ws)))


async def send(socket, frame):
    try:
        await sockets[socket].send(frame)
        tell(socket, f"-> {frame!r}")
    except (ConnectionClosed, KeyError):
        tell(socket, f"not connected any more: -> {frame!r}")
"""

_PYTHON_LEAVE: Final = """
async def leave(socket, code=None):
    if socket in sockets and code is None:
        sockets[socket].transport.abort()
    elif socket in sockets:
        await sockets[socket].close(code)
"""

_PYTHON_LINKS: Final = """
def newest(tags, way):
    for frame in reversed(came):
        try:
            value = found = json.loads(frame)
            for part in way:
                value = value[part]
            if all(found[name] == tag for name, tag in tags.items()):
                return [value]
        except (ValueError, LookupError, TypeError):
            pass


async def filled(frame, *links):
    data = json.loads(frame)
    for into, tags, way in links:
        for _ in range(100):  # five seconds, if it hasn't come yet
            if found := newest(tags, way):
                break
            await asyncio.sleep(0.05)
        else:
            raise SystemExit(f"No frame came with {way}, which the next one needs.")
        holder = data
        for part in into[:-1]:
            holder = holder[part]
        holder[into[-1]] = found[0]
    return json.dumps(data)
"""


def _python_head(finding: Finding, variables: Sequence[str], packages: str) -> list[str]:
    violation = finding.violation
    command = " ".join([*(f"{name}=..." for name in variables), "python", "reproduction.py"])
    head = [f"{violation.rule}: {RULES.get(violation.rule, '')}".rstrip(), f"On channel {violation.channel}."]
    if violation.mark is not None:
        head.append(f"The document: {_where(finding)}")
    head.append(f"Run: pip install {packages}; {command}")
    return ["# " + visible(line) for line in head]


def _made_tokens(finding: Finding, names: Names) -> Iterator[str]:
    """Yield comments on the tokens that were made for a run and have an end: when they are read, it may have come."""
    for token in dict.fromkeys(_JWT.findall(" ".join(map(names.conceal, _texts(finding.steps))))):
        claims = token.split(".")[1]
        try:
            told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        except ValueError:
            continue
        if isinstance(told, dict) and "exp" in told:
            yield f"# The token ...{token[-8:]} was made for this: {cut(json.dumps(told), 400)}"
            yield "# If it is over by now and mustn't be, sign the same claims with another exp."


def _where(finding: Finding) -> str:
    mark = finding.violation.mark
    return f"{mark.file}:{mark.line}:{mark.column}" if mark is not None else ""


def _python_steps(timed: Sequence[_Timed], names: Names, tags: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for (line, pause), group in groupby(timed, key=lambda item: (_python_step(item.step, names, tags), item.pause)):
        count = len(list(group))
        lines = [line] if line else []
        if pause:
            lines.append(f"await asyncio.sleep({pause:g})")
        if count > 1 and lines:
            yield f"for _ in range({count}):"
            lines = [f"    {inner}" for inner in lines]
        yield from lines


def _python_step(step: Step, names: Names, tags: Mapping[str, Mapping[str, str]]) -> str:
    match step:
        case Connect():
            line = f"await join({step.socket}, {_python_text(step.target, names)}"
            if step.headers:
                pairs = (f"({name!r}, {_python_text(value, names)})" for name, value in step.headers)
                line += f", headers=[{', '.join(pairs)}]"
            if step.subprotocols:
                line += f", subprotocols=[{', '.join(_python_text(value, names) for value in step.subprotocols)}]"
            return line + ")" + _python_note(step.note, names)
        case Send():
            frame = (
                _python_bytes(names.conceal_bytes(step.data))
                if isinstance(step.data, bytes)
                else _python_text(step.data, names)
            )
            if step.links:
                links = (f"({link.into!r}, {dict(tags.get(link.message, {}))!r}, {link.way!r})" for link in step.links)
                frame = f"await filled({frame}, {', '.join(links)})"
            return f"await send({step.socket}, {frame})" + _python_note(step.note, names)
        case Close(code=None):
            return f"await leave({step.socket})  # as a lost network would"
        case Close():
            return f"await leave({step.socket}, {step.code})"
        case Wait():
            return ""


def _python_note(note: str, names: Names) -> str:
    return f"  # {visible(names.conceal(note))}" if note else ""


def _python_text(text: str, names: Names) -> str:
    """Return an expression for a text: secrets as variables, long runs of one character as a product."""
    parts: list[str] = []
    for part in names.split(text):
        parts += [part.python] if isinstance(part, Form) else python_runs(part)
    return " + ".join(parts) or "''"


def _python_bytes(data: bytes) -> str:
    return f"bytes({len(data)})" if len(data) > _MANY and not any(data) else repr(data)


def _tags(finding: Finding, spec: Spec | None) -> dict[str, Mapping[str, str]]:
    """Return the tags by which a linked message is known, by its name."""
    channels = {step.channel for step in finding.steps if isinstance(step, Connect)}
    return {
        message.key: message.tags
        for channel in (spec.channels if spec is not None else ())
        if channel.id in channels
        for message in channel.received
    }


def _texts(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        match step:
            case Connect():
                yield step.target
                yield from (value for _, value in step.headers)
                yield from step.subprotocols
            case Send(data=str(data)):
                yield data
            case _:
                pass


def _base(url: str) -> str:
    """Return the URL that a step's target goes behind, without whoever may stand before its `@`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


_KINDS: Final[Mapping[type[Step], tuple[str, ...]]] = {
    Connect: ("opened", "refused"),
    Send: ("sent",),
    Close: ("closing",),
    Wait: (),
}


def _timed(finding: Finding) -> Iterator[_Timed]:
    """Yield the steps with the pauses that lay between them when they showed the finding, a little longer rather.

    Steps that went out at once, with nothing heard between them, go out at once again.
    """
    events = list(_matched(finding.steps, finding.transcript))
    end = max((event.at for event in finding.transcript), default=0.0)
    for index, (step, event) in enumerate(zip(finding.steps, events, strict=True)):
        data: Data = event.data if event is not None and event.data is not None and isinstance(step, Send) else ""
        if isinstance(step, Wait):
            yield _Timed(step, _up(step.seconds))
            continue
        following = next((later for later in events[index + 1 :] if later is not None), None)
        waited = sum(item.seconds for item in _waits(finding.steps[index + 1 :]))
        last = not any(not isinstance(item, Wait) for item in finding.steps[index + 1 :])
        if event is None:
            yield _Timed(step, 0.2 if isinstance(step, Send) or last else 0.0, data)
        elif last:
            yield _Timed(step, max(_up(end - event.at - waited), 0.0 if waited >= 1 else 1.0), data)
        elif following is None:
            yield _Timed(step, 0.2, data)
        else:
            gap = following.at - event.at
            heard = any(
                item.kind in ("received", "closed") and event.at <= item.at <= following.at
                for item in finding.transcript
            )
            yield _Timed(step, 0.0 if gap < _AT_ONCE and not heard else _up(max(gap - waited, 0.0)), data)


def _waits(steps: Iterable[Step]) -> Iterator[Wait]:
    for step in steps:
        if not isinstance(step, Wait):
            return
        yield step


def _up(seconds: float) -> float:
    return math.ceil(round(seconds * 10, 3)) / 10


def _matched(steps: Iterable[Step], transcript: Sequence[Event]) -> Iterator[Event | None]:
    """Yield for each step the event that it was, where there is one."""
    start = 0
    for step in steps:
        kinds = _KINDS[type(step)]
        found = None
        for index in range(start, len(transcript)):
            if transcript[index].kind in kinds and transcript[index].socket == step.socket:
                found, start = transcript[index], index + 1
                break
        yield found


def websocat(finding: Finding, url: str, *, secrets: Sequence[Secret | str] = ()) -> str:
    """Return lines for `sh` that play the finding's steps with `websocat` 1.x; what it can't do is said in a comment.

    Sockets that are open together run beside one another, by the clock. Each of `secrets` is a variable of the shell;
    one that the tester signed is signed anew, with Python and `pyjwt`.
    """
    names = _names(secrets, url)
    finding = _logged_in(finding, url)
    lives = _lives(finding)
    lines = list(_made_tokens(finding, names))
    for name, secret in names.signed(names.used(_texts(finding.steps))).items():
        lines.append(f"# {name} is signed anew with ${secret.key}: pip install pyjwt")
        lines.append(shell_signing(name, secret))
    for life in lives:
        lines += life.remarks
    if any(life.linked for life in lives):
        lines.append(
            "# websocat can't take a value from an answer into the next frame: what stands here is what it was"
        )
        lines.append("# when this was found. The Python script fills it in.")
    if len(lives) > 1:
        lines.append("# The connections keep time by the clock alone: nothing waits for an answer of another.")
    if any(len(data) > _PIECE for life in lives for _, data in life.sends if isinstance(data, str)):
        lines.append("# websocat leaves the line's end on a frame of more than 64 KiB.")
    for life in lives:
        command = _websocat_life(life, _base(url), names)
        lines.append(f"({command}) &" if len(lives) > 1 else command)
    if len(lives) > 1:
        lines.append("wait")
    if not lives:
        lines.append("# No connection is opened.")
    return "\n".join(lines) + "\n"


@dataclass(slots=True)
class _Life:
    """One connection from its handshake to its end: `sends` are (seconds before it, frame)."""

    begins: float
    connect: Connect
    sends: list[tuple[float, Data]]
    closes: Close | None
    rest: float
    linked: bool
    remarks: list[str]


def _lives(finding: Finding) -> list[_Life]:
    lives: list[_Life] = []
    living: dict[int, tuple[_Life, float]] = {}  # and when something was last done with it
    now = 0.0
    crowded = sum(isinstance(step, Send) for step in finding.steps) > _MANY
    for timed in _timed(finding):
        step = timed.step
        if isinstance(step, Connect):
            if step.socket in living:  # the number is given anew: the old connection ends
                life, since = living.pop(step.socket)
                life.rest = max(round(now - since, 3), 0.1)
            living[step.socket] = _Life(now, step, [], None, 0.0, False, []), now
            lives.append(living[step.socket][0])
        elif isinstance(step, Send) and step.socket in living:
            life, since = living[step.socket]
            data = timed.data if step.links and timed.data else step.data
            life.linked = life.linked or bool(step.links)
            if data:
                life.sends.append((round(now - since, 3), data))
                living[step.socket] = life, now
            else:
                life.remarks.append("# websocat can't send an empty frame: one is left out.")
        elif isinstance(step, Close) and step.socket in living:
            life, since = living.pop(step.socket)
            life.closes, life.rest = step, max(round(now - since, 3), 0.1)
        # What comes in one piece, websocat takes for one frame, unless each line may keep its end.
        now += timed.pause if crowded else max(timed.pause, 0.1)
    for life, since in living.values():
        life.rest = max(round(now - since, 3), 0.5)
    return lives


def _websocat_life(life: _Life, base: str, names: Names) -> str:
    texts = [data for _, data in life.sends if isinstance(data, str)]
    null = any("\n" in text for text in texts)
    # What can't be seen, in a terminal, doesn't survive being copied either.
    coded = any(not (text.isprintable() or text.replace("\n", "").isprintable()) for text in texts)
    end = r"\0" if null and not coded else r"\n"
    parts = [f"sleep {life.begins:g}"] if life.begins else []
    for (gap, data), group in groupby(life.sends):
        count = len(list(group))
        inner = [f"sleep {max(gap, 0.1) if not parts else gap:g}"] if gap else []
        inner.append(f"printf '%s{end}' {_shell_frame(data, names, coded=coded)}")
        command = "; ".join(inner)
        parts.append(f"for i in $(seq {count}); do {command}; done" if count > 1 else command)
    parts.append(f"sleep {life.rest:g}")
    options = ["-t"]
    if len(life.sends) <= _MANY:
        options.append("--linemode-strip-newlines")
    if null and not coded:
        options.append("-0")
    if coded:
        options += ["--base64-text", "--text-prefix=text64:"]
    if any(isinstance(data, bytes) for _, data in life.sends):
        options += ["--base64", "--binary-prefix=base64:"]
    size = max(
        (len(data.encode("utf-8", "replace") if isinstance(data, str) else data) for _, data in life.sends), default=0
    )
    if size > 40_000:
        options.append(f"-B {size * 2}")
    if life.closes is not None and life.closes.code is None:
        options += ["-n", "-E"]
    elif life.closes is not None:
        options.append(f"--close-status-code {life.closes.code}")
    options.append("-v")  # says how it was closed
    if life.connect.subprotocols:
        options.append(f"--protocol={_shell(', '.join(life.connect.subprotocols), names)}")
    options += [f"-H={_shell(f'{name}: {value}', names)}" for name, value in life.connect.headers]
    lead, rest = ([parts[0] + "; "], parts[1:]) if life.begins else ([], parts)
    command = f"{{ {'; '.join(rest)}; }} | websocat {' '.join(options)} {_shell(base + life.connect.target, names)}"
    return "".join(lead) + command + (r" | tr '\0' '\n'" if null and not coded else "")


def _shell_frame(data: Data, names: Names, *, coded: bool) -> str:
    if isinstance(data, bytes):
        return "base64:" + base64.b64encode(names.conceal_bytes(data)).decode()
    if coded:  # a variable can't stand in Base64: its name does
        return "text64:" + base64.b64encode(names.conceal(data).encode("utf-8", "replace")).decode()
    return _shell(data, names)


def shell_word(text: str, secrets: Sequence[Secret | str] = ()) -> str:
    """Return a text as one word of a shell, with variables in the place of `secrets`."""
    return _shell(text, Names(secrets))


def shell_url(url: str, secrets: Sequence[Secret | str] = ()) -> str:
    """Return a url as one word of a shell; who logs in is the variable `URL_LOGIN`."""
    pair = login(url)
    if pair is None:
        return shell_word(url, secrets)
    parts = urlsplit(url)
    (name,) = (form.name for form in _names(secrets, url).used([pair]))
    rest = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().partition("//")[2]
    before = parts.netloc.rpartition("@")[0]
    return f"{parts.scheme}://{Form(name, 'plain' if before == pair else 'login').shell}@{shell_word(rest, secrets)}"


def _shell(text: str, names: Names) -> str:
    """Return a word of the shell: secrets as variables, long runs of one character as what prints them."""
    text = text.encode("utf-8", "replace").decode()  # half a surrogate pair is no text that could be sent
    return "".join(part.shell if isinstance(part, Form) else shell_runs(part) for part in names.split(text)) or "''"
