"""Engine: runs the phases against a server, and makes findings of what they notice: shrunk, and tried again.

It knows how a run goes, and nothing of what a phase sends.
"""

import asyncio
import json
import ssl
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, WebSocketException

from contract.addresses import UrlError, base, known_sets, shown, target
from contract.boundaries import Case, boundaries
from contract.breaking import breakages
from contract.conversation import Conversation, Terms
from contract.covering import Covering
from contract.credentials import Credentials, CredentialsError, given, ways
from contract.handshakes import good_connect
from contract.judge import Request
from contract.model import (
    BY_COMPARISON,
    BY_TIME,
    DEFAULT_PHASES,
    PHASES,
    Connect,
    Data,
    Finding,
    PhaseName,
    PhaseResult,
    Result,
    Secret,
    Send,
    Step,
    Violation,
)
from contract.pool import Pool
from contract.refusing import Malformed
from contract.reproduce import conceal_text
from contract.shrinking import shortest, simpler_values
from contract.spec import Channel, Message, Schema, Spec
from contract.telling import Told, is_refusal, parse
from contract.values import Unmakeable, generate
from contract.ways import without

_REPEATS = 3
_SHRINK_S = 12.0
_MOST_OF_A_RULE = 6
_CHANCES = 4  # a finding that didn't come again is looked into so often, to have a better one
_KEPT_REQUESTS = 30
_AT_ONCE = 4
_SEE_S = 0.15
_OVER = 1.05  # times the time of a run: what isn't done by then is cut off
_COMEBACKS, _COMEBACK_S = 16, 0.25
_GONE = "The server ended in the middle of the run: nothing listens there any more."
_LOOK = "Look into its log for what it was doing; connection-lost, if it is found, has what was sent last."
_MORE_TIME = "See whether the server answers handshakes and frames, or give more by --max-time."
_WHAT_TO_GIVE = "Give a token that is good for it by --token, and values that exist under [values] by --config."

_SHARES: Mapping[PhaseName, int] = {
    "examples": 2,
    "boundaries": 3,
    "valid": 2,
    "invalid": 3,
    "stateful": 5,
    "handshake": 3,
    "limits": 3,
}
"""How the time of a run is shared out; what a phase leaves goes to those behind it."""


class CannotRun(Exception):
    """The tester can't do its work; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is asked to do. Times are seconds; `rate` is frames a second, None for the document's own limit.

    `values`: by the name of a parameter or member, or by `CHANNEL.NAME`, values that the server knows. `unreachable`:
    by the name of something of the document, why it can't be provoked.
    """

    url: str
    token: str | None = None
    secret: str | None = None
    phases: tuple[PhaseName, ...] = DEFAULT_PHASES
    seed: int = 0
    max_time: float | None = None
    timeout: float = 2.0
    rate: float | None = None
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    unreachable: Mapping[str, str] = field(default_factory=dict)
    enough: Callable[[Finding], bool] | None = None  # after which finding to stop


class Display(Protocol):
    """Who is told how it goes."""

    def phase(self, name: PhaseName, total: int | None) -> None:
        """A phase begins."""

    def advance(self, cases: int, frames: int) -> None:
        """So many more cases and frames were sent."""

    def found(self, finding: Finding) -> None:
        """Something was found."""

    def secret(self, secret: Secret) -> None:
        """A credential of the run, which is not to be shown."""


Key: TypeAlias = tuple[str, str, str]


class Run:
    """One run: what all phases share."""

    def __init__(self, spec: Spec, options: Options, display: Display | None = None) -> None:
        self._display = display
        self.options = options
        try:
            self.credentials = Credentials(options.token, options.secret, time.time, scopes=_scopes(spec))
            self.base = base(options.url, spec.channels)
        except (CredentialsError, UrlError) as error:
            raise CannotRun(str(error)) from None
        self.parameters = {name: [_text(item) for item in items] for name, items in options.values.items()}
        self.covering = Covering(spec)
        self.pools = {channel.id: Pool() for channel in spec.channels}  # apart, so that each channel's run is its own
        self.result = Result(spec.file, spec.title, options.url, options.seed, time.time())
        self.result.coverage = self.covering.coverage
        self.result.asked = options.phases
        shows = {"--token": ("TOKEN", options.token), "--token-secret": ("TOKEN_SECRET", options.secret)}
        self.result.credentials = {option: name for option, (name, value) in shows.items() if value}
        for secret in given(options.token, options.secret, options.url):
            self._keep(secret)
        self.credentials.keep = self._keep
        self.refused: set[str] = set()
        self._entered: set[str] = set()
        self.accepted: dict[tuple[str, str], list[Any]] = {}
        self.easy: dict[str, set[str]] = {channel.id: set() for channel in spec.channels}  # need nothing before them
        self._made: dict[tuple[Schema, int], list[Any]] = {}
        self.spec = spec = replace(spec, channels=tuple(map(self._makeable, spec.channels)))
        self._cases: dict[tuple[str, Schema], Sequence[Case]] = {}
        self.stopped = False
        self.gone = False  # the server was there, and no longer is
        self.muted = False
        self._found: dict[Key, Finding] = {}
        self._began = time.monotonic()
        self._phase = PhaseResult("examples")
        self._phase_end: float | None = None
        self._examined: Counter[Key] = Counter()
        limit = spec.limits.get("frames_per_second", 0) * 0.8 if options.rate is None else options.rate
        self.terms = Terms(
            spec=spec,
            base=self.base,
            timeout=options.timeout,
            rate=limit,
            malformed=Malformed(),
            observe=self._observe,
            sent=self._sent,
            closed=self.covering.closed,
        )
        for name, pool in self.pools.items():
            for channel in spec.channels:
                for message in (*channel.sent, *channel.received):
                    for example in message.example_values:
                        pool.learn(message, example)
            for key, items in options.values.items():
                holder, _, member = key.rpartition(".")
                if holder in ("", name):
                    pool.add(member, items)

    # what happens

    def _observe(self, channel: Channel, told: Told, data: Data) -> None:
        if told.message is not None and not told.fault:
            self.covering.received(channel.id, told.message.key, told.value)
            if not is_refusal(told.message, told.value):
                self.pools[channel.id].learn(told.message, told.value)

    def _sent(self, channel: Channel, step: Send) -> None:
        self._phase.frames += 1
        if step.operation is not None and self._phase.tried is not None:
            self._phase.tried.add(f"{channel.id}/{step.operation}")
        self.covering.sent(channel.id, step.operation, step.message, step.covers, step.good, step.data)
        if self._display is not None:
            self._display.advance(0, 1)

    def made(self, message: Message, count: int) -> list[Any]:
        """Return so many generated payloads that fit; always the same for a seed."""
        key = (message.schema, count)
        if key not in self._made:
            seed = self.seed("made", message.key, str(count))
            try:
                self._made[key] = list(islice(generate(message.schema.value, seed), count))
            except Unmakeable as error:
                self.remark(f"{message.title} is only sent by its examples, if it has any: {error}.")
                self._made[key] = message.example_values[:count]
        return self._made[key]

    def _makeable(self, channel: Channel) -> Channel:
        """Return a channel without the messages that can't be made, and the operations that have no other."""
        operations = []
        for operation in channel.operations:
            messages = tuple(message for message in operation.messages if self._can_make(channel, message))
            if messages:
                operations.append(replace(operation, messages=messages))
        return replace(channel, operations=tuple(operations))

    def _can_make(self, channel: Channel, message: Message) -> bool:
        if self.made(message, 1):
            return True
        self.remark(f"{channel.id}/{message.key} isn't sent: no value is found that fits its schema. Mend that.")
        return False

    def boundaries(self, message: Message) -> Sequence[Case]:
        """Return a message at each boundary of its schema. Channels that share a message share them."""
        key = ("boundaries", message.schema)
        if key not in self._cases:
            self._cases[key] = _ranked(boundaries(message.schema.value, message.example_values))
        return self._cases[key]

    def breakages(self, message: Message) -> Sequence[Case]:
        """Return a message with each one thing broken."""
        key = ("breakages", message.schema)
        if key not in self._cases:
            self._cases[key] = _ranked(breakages(message.schema.value, frozenset(message.tags), message.example_values))
        return self._cases[key]

    def too_long(self, data: Data) -> bool:
        """Tell whether a frame is longer than the document's limit: that isn't wrong with what it says."""
        limit = self.spec.limits.get("frame_bytes", float("inf"))
        return len(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data) > limit

    def given(self, channel: Channel, name: str) -> Sequence[Any]:
        """Return the values that the user names for a member of a channel's messages; `CHANNEL.NAME` goes first."""
        values = self.options.values
        return values.get(f"{channel.id}.{name}") or values.get(name) or ()

    def taken(self, channel: Channel, request: Request) -> None:
        """Take note of a request that the server took."""
        if request.message is None or request.operation is None or request.message.form != "json":
            return
        kept = self.accepted.setdefault((channel.id, request.operation.id), [])
        way = request.message.correlation
        known = [without(value, way) for value in kept]
        if len(kept) < _KEPT_REQUESTS and without(request.value, way) not in known:
            kept.append(request.value)
            self.pools[channel.id].learn(request.message, request.value)

    def case(self) -> None:
        """Count a case."""
        self._phase.cases += 1
        if self._display is not None:
            self._display.advance(1, 0)

    def remark(self, text: str) -> None:
        """Say something that is no finding, once."""
        if text not in self.result.remarks:
            self.result.remarks.append(text)

    # time

    @property
    def left(self) -> float:
        """Return the seconds that the present phase has left."""
        return self._phase_end - time.monotonic() if self._phase_end is not None else float("inf")

    @property
    def _all_left(self) -> float:
        """Return the seconds that the whole run has left."""
        most = self.options.max_time
        return most - (time.monotonic() - self._began) if most is not None else float("inf")

    def over(self) -> bool:
        """Tell whether the phase's time is over; it then is not complete."""
        if self.left > 0 and not self.stopped:
            return False
        self._phase.complete = False
        return True

    def random(self, *names: str) -> Random:
        """Return random numbers that depend on the seed and on names alone."""
        return Random(self.seed(*names))

    def seed(self, *names: str) -> int:
        """Return a seed that depends on the run's and on names alone."""
        return zlib.crc32("\0".join((str(self.options.seed), *names)).encode())

    # connections

    def entry(self, channel: Channel, number: int = 0) -> Connect | None:
        """Return how to open a channel as the document wants it: with the `number`th known values of its parameters.

        None where that isn't known: it wants credentials, or a value, and there is none.
        """
        if channel.id in self.refused:
            self._phase.complete = False
            self._phase.note = f"{channel.id} could not be opened"
            return None
        security = channel.security
        token = self.credentials.good(channel)
        if security is not None and not security.optional and token is None:
            self.remark(f"{channel.id} wants credentials: give some by --token or --token-secret to test it.")
            return None
        try:
            connect = good_connect(channel, self.credentials, self.parameters)
        except LookupError as error:
            self.remark(str(error.args[0]))
            return None
        sets = known_sets(channel, self.parameters)
        if number and number < len(sets):
            query = urlsplit(connect.target).query
            path = target(channel, sets[number])
            return replace(connect, target=f"{path}?{query}" if query else path)
        return connect

    def _keep(self, secret: Secret) -> None:
        """Take note of a credential that nobody may be shown."""
        if secret.value and secret.value not in self.result.secrets:
            self.result.secrets[secret.value] = secret
            if self._display is not None:
                self._display.secret(secret)

    def entries(self, channel: Channel) -> int:
        """Return how many sets of values are known for a channel's address."""
        return max(1, min(len(known_sets(channel, self.parameters)), 3))

    async def enter(self, conversation: Conversation, entry: Connect) -> bool:
        """Open a connection that must be accepted; what stands against it is found. Returns whether it is open."""
        outcome = await conversation.connect(entry)
        if outcome.lost and self._entered:
            if not await self.is_there():
                await conversation.end()
                return False
            outcome = await conversation.connect(entry)
        socket = conversation.sockets.get(entry.socket)
        channel = self.spec.channel(entry.channel)
        if socket is not None and channel.id not in self._entered:
            # A server may refuse by a close code, for clients that can't see an HTTP answer.
            await conversation.until(socket, lambda: bool(socket.received), _SEE_S)
        if socket is not None and socket.is_open:
            self._entered.add(channel.id)
            if channel.security is not None and channel.parameters:
                self.credentials.proven = True
            return True
        if channel.id in self._entered and socket is not None:
            await self.examine(conversation)
            return False
        if not self.muted:
            self.refused.add(channel.id)
        how = (
            f"with {outcome.status}: {outcome.body[:200]}" if outcome.status else f"without an answer ({outcome.body})"
        )
        if socket is not None:
            how = f"with close code {socket.code} ({socket.reason})"
        if outcome.status in (429, 503):
            self.remark(f"{channel.id} was not tested to its end: its handshakes were refused {how} for a while.")
        elif entry.accepted:
            text = f"A good handshake was refused {how}."
            conversation.tell(Violation("handshake-refused", text, channel.id, "good", mark=channel.mark))
        else:
            self.remark(f"{channel.id} could not be tested: its handshake was refused {how}. {_WHAT_TO_GIVE}")
        await self.examine(conversation)
        return False

    def has_entered(self, channel: Channel) -> bool:
        """Tell whether a channel was open once: its usual handshake is let in, whatever its values stand for."""
        return channel.id in self._entered

    async def is_there(self) -> bool:
        """Tell whether the server listens, now or in a while: what watches it may start it again. Else the run ends."""
        for _ in range(_COMEBACKS):
            if self.gone:
                break
            if await _listens(self.base) is None:
                return True
            await asyncio.sleep(_COMEBACK_S)
        if not self.gone:
            self.gone = self.stopped = True
            self._phase.complete = False
            self.remark(f"{_GONE} {_LOOK}")
        return False

    async def each_channel(self, work: Callable[[Channel], Awaitable[None]]) -> None:
        """Do something for every channel, for several at a time: much of it is waiting for what doesn't come."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(channel: Channel) -> None:
            async with places:
                if not self.over():
                    try:
                        await work(channel)
                    except Unmakeable as error:
                        self.remark(f"{channel.id}: {error}.")

        async with asyncio.TaskGroup() as group:
            for channel in self.spec.channels:
                group.create_task(one(channel))

    # findings

    async def examine(self, conversation: Conversation) -> None:
        """Make findings of what a conversation shows."""
        await conversation.end()
        for violation in () if self.muted else conversation.violations:
            key = (violation.rule, violation.channel, violation.subject)
            self._examined[key] += 1
            kept = self._found.get(key)
            poor = kept is not None and kept.tried and not kept.seen and self._examined[key] <= _CHANCES
            if self._examined[key] > 1 and not poor:
                continue  # found before, or looked into just now, by another conversation
            alike = [item for item in self._found.values() if _alike(item.violation, violation)]
            finding = Finding(
                violation=violation,
                phase=self._phase.name,
                seed=self.options.seed,
                steps=conversation.kept_steps(),
                transcript=tuple(conversation.events),
                seen=0,
                tried=0,
            )
            if len(alike) >= _MOST_OF_A_RULE:
                self._examined[_key(alike[0].violation)] += 1
                continue
            if violation in conversation.told:
                pass  # a phase told of it, which no step shows by itself: it isn't repeated
            elif len(alike) < 2 or poor:
                if violation.rule not in BY_TIME and not poor:
                    self._found[key] = finding  # as it is, in case that the run is stopped meanwhile
                finding = await self._shrunk(finding)
            unsure = not finding.seen and len(alike) < 2 and violation.rule in (*BY_TIME, *BY_COMPARISON)
            if unsure and (finding.tried or not (violation.rule in BY_COMPARISON or self._never_answered(violation))):
                # The time of an answer is the machine's as well as the server's, and what is refused may be so for
                # what another connection did: once, and never again, is no fault.
                why = "It didn't happen again when that was repeated" if finding.tried else "No time was left for that"
                self.remark(f"{violation.channel}: {violation.text} {why}.")
                del self._examined[key]
                if not poor:
                    self._found.pop(key, None)
                continue
            if poor and not finding.seen:
                continue
            self._found[key] = finding
            if self._display is not None:
                self._display.found(finding)
            if self.options.enough is not None and self.options.enough(finding):
                self.stopped = True

    def _never_answered(self, violation: Violation) -> bool:
        """Tell whether nothing of what may answer an operation ever came: that is no matter of time."""
        channel = self.spec.channel(violation.channel)
        replies = [reply for item in channel.operations if item.id == violation.operation for reply in item.replies]
        counts = self.covering.coverage.received.counts
        return not any(counts.get(f"{channel.id}/{message.key}") for message in (*replies, *channel.errors))

    async def _shrunk(self, finding: Finding) -> Finding:
        """Return a finding with the shortest conversation that shows it, as far as there is time to look for it."""
        best: tuple[tuple[Step, ...], Conversation] | None = None
        violation = finding.violation
        seen = tried = 0

        async def fails(steps: Sequence[Step]) -> bool:
            nonlocal best
            shown = await self._replay(steps, violation)
            if shown is not None:
                best = (tuple(steps), shown)
            return shown is not None

        budget = min(_SHRINK_S, max(2.0, self.left / 3), max(0.0, self._all_left))
        deadline = time.monotonic() + budget
        steps = finding.steps
        starts = [index for index, step in enumerate(steps) if isinstance(step, Send)]
        simpler = partial(self._simpler, self.spec.channel(violation.channel))
        limit = asyncio.timeout(self._to_end())
        try:
            async with limit:
                for count in (1, 2, 4, 8, 16, 32):
                    # Most faults show with the last few frames alone: that is tried before anything else.
                    if count >= len(starts) or time.monotonic() > deadline:
                        break
                    tail = steps[starts[-count] :]
                    short = (*(step for step in steps[: starts[-count]] if isinstance(step, Connect)), *tail)
                    if len(short) < len(steps) and await fails(short):
                        steps = short
                        break
                if best is not None or await fails(steps):
                    await shortest(steps, fails, simpler, deadline)
                seen, tried = int(best is not None), 1
                while best is not None and tried < _REPEATS:
                    again = await self._replay(best[0], violation)
                    seen, tried = seen + (again is not None), tried + 1
        except TimeoutError:
            if not limit.expired():
                raise
        if best is None:
            return replace(finding, tried=tried)
        steps, shown = best
        mine = next((item for item in shown.violations if _same(item, violation)), violation)
        seen, tried = max(seen, 1), max(tried, 1)
        return replace(finding, violation=mine, steps=steps, transcript=tuple(shown.events), seen=seen, tried=tried)

    async def _replay(self, steps: Sequence[Step], violation: Violation) -> Conversation | None:
        """Play steps anew; returns the conversation if it shows the same."""
        conversation = Conversation(self.terms.unseen)
        if violation.rule == "connection-lost" and not await self.is_there():
            return None
        try:
            await conversation.play(steps)
        finally:
            await conversation.end()
        return conversation if any(_same(item, violation) for item in conversation.violations) else None

    def _simpler(self, channel: Channel, step: Send) -> Sequence[Send]:
        """Return simpler frames that are as good, or as bad, as one."""
        if not isinstance(step.data, str) or step.message is None or step.links:
            return ()
        message = next((item for item in channel.sent if item.key == step.message), None)
        is_json, value = parse(step.data)
        if message is None or not is_json or not step.good:
            return ()
        made = simpler_values(value, message.schema.fits)
        return [replace(step, data=json.dumps(item, ensure_ascii=False)) for item in made]

    # the run

    async def phase(self, name: PhaseName, work: Callable[["Run"], Awaitable[None]], share: float) -> None:
        """Run one phase. `share`: the part of what time is left that it may take."""
        self._phase = PhaseResult(name, tried=set())
        self.result.phases.append(self._phase)
        began = time.monotonic()
        if self.options.max_time is not None:
            self._phase_end = began + max(0.5, (self.options.max_time - (began - self._began)) * share)
        if self._display is not None:
            self._display.phase(name, None)
        try:
            await self._in_time(work)
        except BaseException:
            self._phase.complete = False
            raise
        finally:
            self._phase.seconds = time.monotonic() - began

    async def prepare(self, work: Callable[["Run"], Awaitable[None]], share: float) -> None:
        """Do what the phases build on, without making findings of it."""
        if self.options.max_time is not None:
            self._phase_end = self._began + max(0.5, self.options.max_time * share)
        self.muted = True
        await self._in_time(work)
        self.muted = False

    def _to_end(self, over: float = 1.0) -> float | None:
        """Return the seconds that the run has left, with so much more; None where it may take as long as it takes."""
        if self.options.max_time is None:
            return None
        return max(0.0, self._began + self.options.max_time * over - time.monotonic())

    async def _in_time(self, work: Callable[["Run"], Awaitable[None]]) -> None:
        limit = asyncio.timeout(self._to_end(_OVER))
        try:
            async with limit:
                await work(self)
        except TimeoutError:
            if not limit.expired():
                raise
            self._phase.complete = False
            await self.close()

    async def close(self) -> None:
        """Cut the connections that are still open."""
        living = list(self.terms.living)
        for conversation in living:
            conversation.abort()
        await asyncio.gather(*(conversation.end() for conversation in living), return_exceptions=True)

    def finish(self) -> Result:
        """Return the whole result. Raises CannotRun where no channel could be opened, though none had to be."""
        if self.gone and not self._found:
            raise CannotRun(f"{_GONE} {_LOOK}")
        if not self._entered and not self._found:
            if self.result.stopped:
                raise CannotRun("Stopped before a channel was open.")
            if self.result.failed:
                raise CannotRun(self.result.failed)
            why = " ".join(self.result.remarks) or f"The time was over before one was known to work. {_MORE_TIME}"
            raise CannotRun(f"No channel could be tested. {why}")
        self.result.seconds = time.monotonic() - self._began
        self.result.findings = [replace(item, count=self._examined[key]) for key, item in self._found.items()]
        for name, reason in self.options.unreachable.items():
            if not self.covering.excuse(name, reason):
                self.remark(f"[unreachable] names {name!r}, and the document has nothing that is called so. Mend that.")
        return self.result


def _ranked(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Return cases with one for each keyword at each place first, then a second one of each, and so on."""
    ranks: Counter[tuple[tuple[str | int, ...], str]] = Counter()
    ranked: list[tuple[int, Case]] = []
    for case in cases:
        ranked.append((ranks[case.pointer, case.keyword], case))
        ranks[case.pointer, case.keyword] += 1
    return tuple(case for _, case in sorted(ranked, key=lambda item: item[0]))


def _scopes(spec: Spec) -> tuple[str, ...]:
    return tuple(sorted({scope for item in spec.channels if item.security for scope in item.security.scopes}))


def _text(value: Any) -> str:
    """Return a parameter's value as an address has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _key(violation: Violation) -> Key:
    return violation.rule, violation.channel, violation.subject


def _alike(one: Violation, other: Violation) -> bool:
    return (one.rule, one.message, one.operation) == (other.rule, other.message, other.operation)


def _same(one: Violation, other: Violation) -> bool:
    """Tell whether two violations are one fault: what is broken in a frame may be another member in simpler input."""
    return _key(one) == _key(other)


async def run_async(spec: Spec, options: Options, display: Display | None = None, *, keeps: bool = False) -> Result:
    """Run the phases that are asked for. `keeps`: to cancel it ends it, and what it found by then is returned.

    So is it where a phase fails by a fault of the tester's own: `Result.failed` says which.

    Raises CannotRun where the server can't be reached at all, or no channel of it, or the tester itself fails.
    """
    if not spec.channels:
        raise CannotRun(f"{spec.file} has no channel that can be reached by WebSocket: there is nothing to test.")
    run = Run(spec, options, display)
    try:
        await _reachable(run)
        await _speaks(run)
        for channel in spec.channels:
            await _choose_way(run, channel)
        try:
            await _all_phases(run)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not keeps or task is None:
                raise
            task.uncancel()
            run.result.stopped = True
        except CannotRun:
            raise
        except Exception as error:
            if not keeps:
                raise
            text = internal_fault(error, options.seed)
            run.result.failed = conceal_text(text, tuple(run.result.secrets.values()))
        return run.finish()
    except CannotRun as error:
        raise CannotRun(conceal_text(str(error), tuple(run.result.secrets.values()))) from None
    except Exception as error:
        raise CannotRun(
            conceal_text(internal_fault(error, options.seed), tuple(run.result.secrets.values()))
        ) from error
    finally:
        await run.close()


def internal_fault(error: BaseException, seed: int | None = None) -> str:
    """Return what to tell a user where the tester itself fails: what, where, and what to do."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    places = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    again = f" and --seed {seed}" if seed is not None else ""
    said = f"{type(error).__name__}: {error}"[:300]
    return f"The tester itself failed{where} ({said}). Please report that, with the document{again}."


async def _all_phases(run: Run) -> None:
    from contract.phases import WORK

    options = run.options
    chosen: list[PhaseName] = [name for name in PHASES if name in options.phases]
    if "examples" not in chosen:
        # All phases build on what the server made of the examples, and of what is plainly malformed.
        await run.prepare(WORK["examples"], _SHARES["examples"] / sum(_SHARES[name] for name in ("examples", *chosen)))
    for index, name in enumerate(chosen):
        if run.stopped:
            break
        left = sum(_SHARES[other] for other in chosen[index:])
        await run.phase(name, WORK[name], _SHARES[name] / left)


async def _reachable(run: Run) -> None:
    problem = await _listens(run.base)
    if problem is not None:
        raise CannotRun(f"Nothing answers at {shown(run.options.url)} ({problem}). Start the server, or mend --url.")


async def _listens(address: str) -> str | None:
    """Return None where something takes connections, else what is wrong, in a few words."""
    url = urlsplit(address)
    try:
        port = url.port or (443 if url.scheme == "wss" else 80)
        async with asyncio.timeout(10):
            _, writer = await asyncio.open_connection(url.hostname, port)
    except (OSError, TimeoutError, ValueError) as error:
        return str(error) or type(error).__name__
    writer.close()
    return None


async def _choose_way(run: Run, channel: Channel) -> None:
    """Find out in which of several ways a channel takes the token: a key and a bearer token may be two things."""
    token = run.credentials.good(channel)
    possible = ways(channel, token)
    if token is None or run.credentials.is_jwt or len(possible) < 2:
        return
    for way in possible:
        run.credentials.ways[channel.id] = way
        entry = run.entry(channel)
        conversation = Conversation(run.terms)
        outcome = await conversation.connect(entry) if entry is not None else None
        socket = conversation.sockets.get(0)
        if socket is not None:
            await conversation.until(socket, lambda: False, _SEE_S)
        lets_in = outcome is not None and outcome.status not in (401, 403) and (socket is None or socket.is_open)
        await conversation.end()
        if lets_in:
            return
    del run.credentials.ways[channel.id]


async def _speaks(run: Run) -> None:
    """See that what listens speaks WebSocket, whatever it says to this handshake."""
    entry = next((entry for entry in map(run.entry, run.spec.channels) if entry is not None), None)
    address = shown(run.options.url)
    for last in (False, False, True):
        try:
            target = entry.target if entry is not None else "/"
            seconds = min(5.0, (run.options.max_time or 20.0) / 4)
            async with connect(f"{run.base}{target}", open_timeout=seconds, close_timeout=seconds, proxy=None):
                return
        except ssl.SSLError as error:
            why = f"TLS failed: {getattr(error, 'verify_message', '') or error.reason or error}"
            hint = "For an authority of your own, name its certificate by the variable SSL_CERT_FILE."
            raise CannotRun(f"{address} can't be reached. {why}. {hint}") from None
        except InvalidMessage:
            if last:
                text = f"What listens at {address} doesn't answer as HTTP does. Mend --url: wss:// is for TLS."
                raise CannotRun(text) from None
        except (OSError, WebSocketException, EOFError, TimeoutError) as error:
            if not (isinstance(error, ConnectionResetError) and run.base.startswith("wss:")):
                return  # whatever it is, the phases see it too
            if last:
                text = f"{address} can't be reached. TLS failed: it hangs up. Mend --url: ws:// is without TLS."
                raise CannotRun(text) from None
