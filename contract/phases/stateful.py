"""Stateful: conversations. Operations in every order of three, several sockets, reconnects, subscriptions, resumes.

Requests are filled with what the server told: see pool.py. What is sent is kept as it was, so that a conversation can
be played again, and shortened.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any
from urllib.parse import urlencode

from codegen import ir
from contract.conversation import Conversation
from contract.engine import Run
from contract.judge import Request
from contract.model import Close, Connect, Link, Send, Wait
from contract.phases.sending import BAD_IN_A_ROW, encode, example_of, probe, request, sendable
from contract.pool import Pool, enrich
from contract.resuming import Recording, compare, resume_query, resume_request
from contract.spec import Channel, Message, Operation
from contract.streaming import Key, Position, StreamName, name_of
from contract.telling import is_refusal, numbered, parse
from contract.values import Unmakeable
from contract.ways import ABSENT, at, put, without

_SHORTEST, _LONGEST = 6, 26
_ROUNDS = 60
_QUICK_WAIT, _LONG_WAIT = 0.06, 0.3
_RESUME_WAIT = 6.0
_COUNTED = 2
_FOLLOWED = 10
_BROKEN = 2
_MOST_BROKEN = 80
_TRIES = 60
_AT_ONCE = 6
_MOST_ORDERS = 700
_ORDERS = 0.6  # of its time the phase has to have left behind the orders
_MOST_FAILURES = 6


async def stateful(run: Run) -> None:
    """Hold conversations on each channel, several at a time, until the time is over or each channel had its share."""
    places = asyncio.Semaphore(_AT_ONCE)
    walkers = [Walker(run, channel) for channel in run.spec.channels if run.entry(channel) is not None]

    async def held(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async with places:
            if not run.over():
                try:
                    await work()
                except Unmakeable as error:
                    run.remark(f"A stream could not be tried: {error}.")

    async def all_of(todo: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
        async with asyncio.TaskGroup() as group:
            for work in todo:
                group.create_task(held(work))

    # What goes in a fixed order comes first: what it finds is the same each time, however quick the server is.
    await all_of([walker.crowd for walker in walkers])
    await all_of([partial(walker.orders, run.left * _ORDERS) for walker in walkers])
    todo = [partial(_resume, run, walker.channel, stream) for walker in walkers for stream in walker.channel.streams]
    for number in range(_ROUNDS):
        todo += [partial(walker.walk, number) for walker in walkers if number < walker.rounds]
    await all_of(todo)


class Walker:
    """Walks through the operations of a channel, so that each order of three is met."""

    def __init__(self, run: Run, channel: Channel) -> None:
        self._run = run
        self.channel = channel
        self._tried: Counter[tuple[str, bool]] = Counter()  # by operation, and whether it was taken just before
        self._easy = run.easy[channel.id]
        self._orders: Counter[tuple[str, ...]] = Counter()
        self._subscribes = {item.subscribe.operation for item in channel.streams if item.subscribe is not None}
        self._ends = {item.unsubscribe.operation for item in channel.streams if item.unsubscribe is not None}
        self._pushes = bool(channel.pushed)
        self._operations = [item for item in channel.operations if sendable(run, item)]
        count = len(self._operations)
        self.rounds = min(_ROUNDS, 3 + count * count) if count else 1

    async def walk(self, number: int) -> None:
        """Hold one conversation."""
        run, channel = self._run, self.channel
        random = run.random("stateful", channel.id, str(number))
        conversation = Conversation(run.terms)
        pool = Pool()
        entry = run.entry(channel)
        if entry is None or not await run.enter(conversation, entry):
            return
        run.case()
        recent: tuple[str, ...] = ()
        for turn in range(random.randint(_SHORTEST, _LONGEST)):
            if conversation.violations or run.over():
                break
            socket = await self._socket(conversation, entry, random)
            if socket is None:
                break
            if not self._operations:
                await conversation.wait(Wait(_LONG_WAIT, socket))
                break
            operation = self._next(recent, random)
            self._orders[(*recent, operation.id)[-3:]] += 1
            recent = (*recent, operation.id)[-2:]
            await self._ask(conversation, operation, socket, pool, random, number * 1000 + turn)
        if not conversation.violations and self._pushes:
            await conversation.wait(Wait(_LONG_WAIT))
        await run.examine(conversation)

    async def orders(self, until: float = 0.0) -> None:
        """Send what the server took before, plainly, in every order of four; of three or two, where those are many.

        `until`: the seconds that the phase has to have left for it to go on.
        """
        run, channel = self._run, self.channel
        entry = run.entry(channel)
        taken = [
            (item, message, run.accepted[channel.id, item.id][0])
            for item in self._operations
            for message in item.messages[:1]
            if item.replies and run.accepted.get((channel.id, item.id))
        ]
        length = next((length for length in (4, 3, 2) if len(taken) ** length <= _MOST_ORDERS), 0)
        conversation: Conversation | None = None
        failures = 0
        for number, index in enumerate(every_order(len(taken), length) if length and len(taken) > 1 else ()):
            if entry is None or run.over() or failures >= _MOST_FAILURES or run.left < until:
                break
            if conversation is None:
                run.case()
                conversation = Conversation(run.terms)
                if not await run.enter(conversation, entry):
                    return
            operation, message, value = taken[index]
            await conversation.send(request(operation, message, numbered(message, value, 1_000_000 + number)))
            if conversation.violations or not conversation.sockets[0].is_open:
                failures += 1
                await run.examine(conversation)
                conversation = None
        if conversation is not None:
            await run.examine(conversation)

    async def crowd(self) -> None:
        """Ask several things at once, over one connection and over two: only ids tell the replies apart."""
        run, channel = self._run, self.channel
        entry = run.entry(channel)
        conversation = Conversation(run.terms)
        if entry is None or not await run.enter(conversation, entry):
            return
        run.case()
        await conversation.connect(replace(entry, socket=1))
        for index, operation in enumerate(channel.operations):
            if conversation.violations or not operation.replies or operation not in self._operations:
                continue
            message = sendable(run, operation)[0]
            if message.form != "json":
                continue
            value = example_of(run, channel, operation, message)
            step = request(operation, message, value)
            await self._burst(conversation, operation, message, value, step, 10 * index + 1, sockets=(0, 1))
        await run.examine(conversation)

    async def _socket(self, conversation: Conversation, entry: Connect, random: Random) -> int | None:
        """Return the socket that the next request goes over, after what may happen to sockets."""
        chance = random.random()
        first = conversation.sockets.get(0)
        if first is None or not first.is_open:
            if first is not None and not first.closing:
                return None  # the server ended it, which the judge has seen
            await conversation.connect(entry)
        elif chance < 0.05:
            await conversation.close(Close(1000 if random.random() < 0.5 else None, 0))
            await conversation.connect(entry)
            if self._pushes:
                await conversation.wait(Wait(_QUICK_WAIT))
        elif chance < 0.10 and 1 not in conversation.sockets:
            await conversation.connect(replace(entry, socket=1))
            if self._pushes:
                await conversation.wait(Wait(_QUICK_WAIT, 1))
        opened = [number for number, socket in conversation.sockets.items() if socket.is_open]
        return opened[random.randrange(len(opened))] if opened else None

    def _next(self, recent: tuple[str, ...], random: Random) -> Operation:
        """Return the operation whose order with those before it was met least."""
        counts = [self._orders[(*recent, item.id)] for item in self._operations]
        least = [item for item, count in zip(self._operations, counts, strict=True) if count == min(counts)]
        return random.choice(least if random.random() < 0.8 else self._operations)

    async def _ask(
        self, conversation: Conversation, operation: Operation, socket: int, pool: Pool, random: Random, number: int
    ) -> None:
        run, channel = self._run, self.channel
        message = random.choice(sendable(run, operation))
        value, links = self._value(operation, message, pool, random)
        if message.form == "json" and random.random() < 0.7:
            value = numbered(message, value, number)
        step = request(operation, message, value)
        step = Send(step.data, step.operation, step.message, socket=socket, links=links)
        if operation.id not in self._easy and self._owed(operation, message) and random.random() < 0.5:
            # Before the good one, since that may be the last that the server takes: what is closed is closed.
            broken = self._broken(operation, message, value, links, socket, taken=False)
            if broken is not None:
                await conversation.send(broken)
                if conversation.violations or not conversation.sockets[socket].is_open:
                    return
        several = operation.replies and message.correlation and random.random() < 0.1
        if several and at(value, message.correlation) == number:
            await self._burst(conversation, operation, message, value, step, number)
            return
        before = len(conversation.sockets[socket].received)
        answer = await conversation.send(step)
        current = conversation.sockets.get(socket)
        if current is not None:
            for key, item in current.received[before:]:
                found = next((message for message in channel.received if message.key == key), None)
                if found is not None and not is_refusal(found, item):
                    pool.learn(found, item, received=True)
        if answer is not None and answer.taken:
            run.taken(channel, answer)
            pool.learn(message, answer.value)
            for count in range(self._owed(operation, message)):
                # What the server took a moment ago, but for one thing, shows best whether it sees that one.
                broken = self._broken(operation, message, answer.value, links, socket, taken=True)
                if broken is None or conversation.violations or run.over():
                    break
                await conversation.send(broken)
                good = probe(run, channel) if count % BAD_IN_A_ROW == BAD_IN_A_ROW - 1 else None
                if good is not None:
                    await conversation.send(replace(good, socket=socket))  # many bad ones in a row may end it
        if operation.id in self._subscribes or (self._pushes and random.random() < 0.15):
            await conversation.wait(Wait(_QUICK_WAIT if random.random() < 0.7 else _LONG_WAIT, socket))
        elif operation.id in self._ends and random.random() < 0.7:
            await conversation.wait(Wait(_QUICK_WAIT * 2, socket))

    def _owed(self, operation: Operation, message: Message) -> int:
        """Return how many broken messages to send now that the server takes good ones.

        Of one that needs what another operation made, the phase `invalid` could send none that would else have been
        taken: each of its cases is owed.
        """
        if not self.channel.errors or message.form != "json":
            return 0
        if operation.id in self._easy:
            return _BROKEN
        left = len(self._run.breakages(message)) - self._tried[operation.id, True]
        return min(max(_BROKEN, left), _MOST_BROKEN)

    def _broken(
        self, operation: Operation, message: Message, value: Any, links: tuple[Link, ...], socket: int, *, taken: bool
    ) -> Send | None:
        """Return a request with the next thing broken that can be broken in it, as a case of the phase `invalid` is."""
        cases = self._run.breakages(message)
        for _ in range(min(len(cases), _TRIES)):
            case = cases[self._tried[operation.id, taken] % len(cases)]
            self._tried[operation.id, taken] += 1
            inner = case.pointer
            if not inner or inner[0] in message.tags or inner == message.correlation:
                continue
            held = at(case.value, inner)
            changed = without(value, inner) if held is ABSENT else put(value, inner, held)
            faults = message.schema.faults(changed)
            near = all(path[: len(inner)] == inner or inner[: len(path)] == path for path, _, _ in faults)
            if faults and near and not self._run.too_long(encode(message, changed)):
                kept = tuple(link for link in links if link.into[: len(inner)] != inner)
                data, mark = encode(message, changed), message.schema.mark(inner)
                return Send(data, operation.id, message.key, False, case.what, mark, socket, kept)
        return None

    async def _burst(
        self,
        conversation: Conversation,
        operation: Operation,
        message: Message,
        value: Any,
        step: Send,
        number: int,
        sockets: tuple[int, ...] = (),
    ) -> None:
        """Send several requests before the first is answered: replies are told apart by their ids alone."""
        sent: list[tuple[int, Request | None]] = []
        for index in range(2):
            for socket in sockets or (step.socket,):
                again = numbered(message, value, number + 100_000 * (len(sent) + 1))
                if index and not (
                    message.correlation and at(again, message.correlation) != at(value, message.correlation)
                ):
                    continue  # without ids of their own, one at a time
                asked = Send(encode(message, again), step.operation, step.message, socket=socket)
                sent.append((socket, await conversation.send(asked, settle=False)))
        for socket, item in sent:
            opened = conversation.sockets.get(socket)
            if item is not None and opened is not None and opened.is_open and not conversation.violations:
                await conversation.settle(opened, item)

    def _value(self, operation: Operation, message: Message, pool: Pool, random: Random) -> tuple[Any, tuple[Any, ...]]:
        """Return what is sent: what was taken before, an example, or something generated; with known values in it."""
        run, channel = self._run, self.channel
        chance = random.random()
        taken = run.accepted.get((channel.id, operation.id), [])
        if chance < 0.4 and taken:
            value = random.choice(taken)
        elif chance < 0.8 and message.examples:
            value = random.choice(message.examples)[1]
        else:
            value = random.choice(run.made(message, 20) or message.example_values)
        if message.form != "json":
            return value, ()
        return enrich(message, value, (pool, run.pools[channel.id]), random, frozenset(message.tags), 0.6)


def every_order(count: int, length: int) -> list[int]:
    """Return numbers below `count` in which each row of `length` of them stands: a de Bruijn sequence, and its wrap.

    It has `count ** length + length - 1` numbers, as few as can be.
    """
    row = [0] * (length + 1)
    found: list[int] = []

    def extend(at: int, period: int) -> None:
        if at > length:
            if length % period == 0:
                found.extend(row[1 : period + 1])
            return
        row[at] = row[at - period]
        extend(at + 1, period)
        for number in range(row[at - period] + 1, count):
            row[at] = number
            extend(at + 1, at)

    extend(1, 1)
    return (found * length)[: len(found) + length - 1]


# resuming


async def _resume(run: Run, channel: Channel, stream: ir.Stream) -> None:
    """Cut a connection that follows a stream, come back with its position, and compare with one that was never cut."""
    if stream.resume is None:
        return
    entry = run.entry(channel)
    conversation = Conversation(run.terms)
    if entry is None or not await run.enter(conversation, entry):
        return
    run.case()
    await _Resuming(run, channel, stream, conversation, entry).play()
    await run.examine(conversation)


class _Resuming:
    """Socket 0 is the witness, which is never cut; socket 1 is cut, and comes back."""

    def __init__(
        self, run: Run, channel: Channel, stream: ir.Stream, conversation: Conversation, entry: Connect
    ) -> None:
        self._run = run
        self._channel = channel
        self._stream = stream
        self._conversation = conversation
        self._entry = entry
        self._asked: dict[Key, Send] = {}

    async def play(self) -> None:
        """Follow, cut, come back, compare."""
        conversation = self._conversation
        await conversation.connect(replace(self._entry, socket=1))
        await self._follow()
        name = await self._busiest()
        cut = conversation.sockets.get(1)
        if conversation.violations or cut is None or not cut.is_open:
            return
        if name is None:
            # Too little moves to compare what came, but where it stands it told all the same.
            name = next((item for item in cut.judge.streams.positions() if item.stream == self._name), None)
            if name is not None:
                await self._elsewhere(self._asked.get(name.key), cut.judge.streams.positions()[name])
            return
        asked = self._asked.get(name.key)
        position = cut.judge.streams.positions()[name]
        await conversation.close(Close(None, 1))
        seen = len(self._recorded(0, name.key).counted)
        await self._wait_for(0, lambda: len(self._recorded(0, name.key).counted) >= seen + _COUNTED)
        if conversation.violations:
            return
        await self._come_back(1, asked, position)
        until = self._recorded(0, name.key).last
        await self._wait_for(
            1, lambda: (self._recorded(1, name.key).last or 0) >= (until or 0), 2 * self._run.terms.timeout
        )
        if 1 not in conversation.sockets:
            return
        for violation in compare(position, self._recorded(0, name.key), self._recorded(1, name.key), until=until):
            conversation.tell(violation)
        if not conversation.violations:
            await self._elsewhere(asked, position)

    async def _follow(self) -> None:
        """Subscribe on both sockets, to several things: which of them move, only the server knows."""
        if self._stream.subscribe is None:
            return
        run, channel, conversation = self._run, self._channel, self._conversation
        operation = channel.operation(self._stream.subscribe.operation)
        message = operation.messages[0]
        random = run.random("resume", channel.id, operation.id)
        values = [example_of(run, channel, operation, message), *message.example_values]
        for taken in run.accepted.get((channel.id, operation.id), [])[:_FOLLOWED]:
            values += [taken, enrich(message, taken, (run.pools[channel.id],), random, frozenset(message.tags), 0.7)[0]]
        for value in values:
            if conversation.violations or len(self._asked) >= _FOLLOWED:
                return
            step = request(operation, message, self._plain(value))
            before = self._open()
            answer = await conversation.send(replace(step, socket=1))
            made = self._open() - before
            if answer is not None and made:
                self._asked[next(iter(made)).key] = step
                await conversation.send(step)

    def _plain(self, value: Any) -> Any:
        """Return a subscription that begins now: one that resumes comes later."""
        resume = self._stream.resume
        return without(value, resume.seq[:-1] or resume.seq) if resume is not None else value

    def _open(self) -> set[StreamName]:
        socket = self._conversation.sockets.get(1)
        opened = socket.judge.streams.subscriptions() if socket is not None else ()
        return {name for name in opened if name.stream == self._name}

    async def _busiest(self) -> StreamName | None:
        """Return what has counted frames first; None where nothing has any in time."""

        def moving() -> list[StreamName]:
            socket = self._conversation.sockets.get(1)
            names = [name for name in socket.judge.streams.positions() if name.stream == self._name] if socket else []
            return [name for name in names if len(self._recorded(1, name.key).counted) >= _COUNTED]

        await self._wait_for(1, lambda: bool(moving()))
        return next(iter(moving()), None)

    async def _elsewhere(self, asked: Send | None, position: Position) -> None:
        """Come back with a position that the server can't know: it must say so, which the judge sees."""
        foreign = self._foreign(asked, position)
        if foreign is None:
            return
        await self._come_back(2, asked, foreign)
        await self._conversation.wait(Wait(_LONG_WAIT, 2))
        words = {frame.id for frame in (self._stream.reset, self._stream.gap and self._stream.gap.frame) if frame}
        socket = self._conversation.sockets.get(2)
        if words and socket is not None and not any(key in words for key, _ in socket.received):
            # That it isn't told of what it lost shows when counted frames go on.
            positions = socket.judge.streams.positions
            await self._wait_for(2, lambda: any(len(self._recorded(2, name.key).counted) > 1 for name in positions()))

    def _foreign(self, asked: Send | None, position: Position) -> Position | None:
        """Return a position of an epoch that isn't the server's, but fits the schema; None where there is none."""
        epoch = position.epoch or ""
        for made in dict.fromkeys((epoch[::-1], epoch[1:] + epoch[:1], f"{epoch}0", f"{epoch}a")) if epoch else ():
            found = Position(made, position.seq)
            if made == epoch:
                continue
            if asked is None:
                return found
            operation = self._channel.operation(asked.operation or "")
            value = resume_request(self._stream, parse(asked.data)[1], found)
            if operation.messages[0].schema.fits(value):
                return found
        return None

    async def _come_back(self, socket: int, asked: Send | None, position: Position) -> None:
        entry = replace(self._entry, socket=socket)
        if asked is None:
            query = resume_query(self._stream, position)
            await self._conversation.connect(replace(entry, target=_with_query(entry.target, query)))
            return
        await self._conversation.connect(entry)
        value = resume_request(self._stream, parse(asked.data)[1], position)
        await self._conversation.send(replace(asked, data=json.dumps(value, ensure_ascii=False), socket=socket))

    @property
    def _name(self) -> str:
        return name_of(self._stream)

    def _recorded(self, number: int, key: Key) -> Recording:
        socket = self._conversation.sockets.get(number)
        recording = Recording(self._channel, self._stream, key)
        for message, value in socket.received if socket is not None else ():
            recording.add(message, value)
        return recording

    async def _wait_for(self, number: int, done: Callable[[], bool], seconds: float | None = None) -> None:
        """Wait until something holds for a socket, or too long."""
        conversation = self._conversation
        limit = min(_RESUME_WAIT, max(0.5, self._run.left / 8)) if seconds is None else seconds
        waited = 0.0
        socket = conversation.sockets.get(number)
        while socket is not None and socket.is_open and not done() and waited < limit and not conversation.violations:
            await conversation.wait(Wait(0.1, number))
            waited += 0.1


def _with_query(target: str, query: Any) -> str:
    return f"{target}{'&' if '?' in target else '?'}{urlencode(query)}"
