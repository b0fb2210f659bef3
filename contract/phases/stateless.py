"""Stateless: the phases that send one message after another: examples, boundary values, generated good and bad ones."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from contract.boundaries import Case
from contract.breaking import generate_breakages, malformed, spoilt
from contract.conversation import Conversation
from contract.engine import Run
from contract.model import Send, Wait
from contract.phases.refreshing import refresh_of
from contract.phases.sending import Driver, example_of, of_case, probe, request, sendable
from contract.spec import Channel, Message, Operation
from contract.telling import is_tagged, parse
from contract.values import Unmakeable
from contract.ways import put

_WATCH_S = 0.4
_VALID = 60
_VALID_LONG = 200
_RANDOM_BREAKAGES = 40
_TWICE = 2
_CALIBRATED_IN_VAIN = 5
_CALIBRATED = 10  # operations, of which each may refuse in words of its own


async def _each(run: Run, work: Callable[[Driver], Awaitable[None]]) -> None:
    """Do something with a driver for every channel."""

    async def one(channel: Channel) -> None:
        entry = run.entry(channel)
        if entry is not None:
            driver = Driver(run, channel, entry)
            await work(driver)
            await driver.finish()

    await run.each_channel(one)


def _in_turn(parts: Iterable[Iterator[Send]]) -> Iterator[Send]:
    """Yield the first of each, then the second of each: where the time ends early, each had its share."""
    left = list(parts)
    while left:
        for part in tuple(left):
            step = next(part, None)
            if step is None:
                left.remove(part)
            else:
                yield step


def _requests(run: Run, channel: Channel) -> Iterator[tuple[Operation, Message]]:
    for operation in channel.operations:
        for message in sendable(run, operation):
            yield operation, message


async def examples(run: Run) -> None:
    """Send the document's examples, and see what is pushed meanwhile."""

    async def one(channel: Channel) -> None:
        await calibrate(run, channel)
        await _look_in(run, channel)
        entry = run.entry(channel)
        if entry is None:
            return
        driver = Driver(run, channel, entry)
        subscribes = {item.subscribe.operation for item in channel.streams if item.subscribe is not None}
        for operation, message in _requests(run, channel):
            for name in message.unfit:
                run.remark(f"{channel.id}/{message.key}: {name} doesn't fit its own schema, and isn't sent: mend one.")
            for name, value, _ in message.examples:
                await driver.send(request(operation, message, value, f"example {name}"))
                if operation.id in subscribes:
                    await driver.watch(_WATCH_S)
            if not message.examples:
                await driver.all(request(operation, message, value) for value in run.made(message, 1))
        await driver.all(_refreshes(run, channel))
        await driver.finish()
        for operation, message in _requests(run, channel):
            if run.accepted.get((channel.id, operation.id)) and not run.over():
                await _alone(run, channel, operation, message)

    await run.each_channel(one)


def _refreshes(run: Run, channel: Channel) -> Iterator[Send]:
    """Yield what renews the token of a connection, with the token that is good: no example can have that."""
    token = run.credentials.good(channel)
    operation, way = refresh_of(channel)
    if operation is None or token is None:
        return
    for message in sendable(run, operation):
        yield request(operation, message, put(example_of(run, channel, operation, message), way, token), "a good token")


async def _alone(run: Run, channel: Channel, operation: Operation, message: Message) -> None:
    """Find out whether the server takes a request that nothing came before."""
    entry = run.entry(channel)
    conversation = Conversation(run.terms)
    if entry is None or not await run.enter(conversation, entry):
        return
    answer = await conversation.send(request(operation, message, run.accepted[channel.id, operation.id][0]))
    if answer is not None and answer.taken:
        run.easy[channel.id].add(operation.id)
    await run.examine(conversation)


async def _look_in(run: Run, channel: Channel) -> None:
    """Open the channel with each set of parameters that is known, and see what comes."""
    for number in range(run.entries(channel)):
        entry = run.entry(channel, number)
        if entry is None or run.over():
            return
        conversation = Conversation(run.terms)
        if number == 0:
            if not await run.enter(conversation, entry):
                return
        else:
            outcome = await conversation.connect(entry)
            if outcome.status is not None or outcome.lost:
                run.remark(f"{channel.id}: {entry.target.partition('?')[0]} was refused with {outcome.status}.")
                await conversation.end()
                continue
        run.case()
        if channel.pushed:
            await conversation.wait(Wait(_WATCH_S))
        await run.examine(conversation)


async def calibrate(run: Run, channel: Channel) -> None:
    """Learn how the server refuses what is plainly malformed. What is wrong with that, the invalid phase finds."""
    entry = run.entry(channel)
    if entry is None or not channel.errors:
        return
    steps = [Send(text, None, None, False, note) for text, note in malformed(channel.sent_tag) if "JSON" in note][:3]
    jsons = [item for item in _requests(run, channel) if item[1].form == "json"]
    for operation, message in sorted(jsons, key=lambda item: item[1].schema.size)[:_CALIBRATED]:
        wrong = [case for case in run.breakages(message) if case.keyword in ("type", "required")]
        wrong.sort(key=lambda case: not is_tagged(message, case.value))  # so that it is known which operation it is
        steps += [of_case(operation, message, case, 1) for case in wrong[:3]]
    seen: Counter[tuple[str, str | None]] = Counter()
    silent = 0
    for step in steps:
        if silent >= _CALIBRATED_IN_VAIN:
            return  # each takes the time of an answer, and the phases find that nothing comes
        # Each alone: what many frames get may be for their number. And once may be chance.
        conversation = Conversation(run.terms)
        try:
            outcome = await conversation.connect(entry)
            if outcome.status is not None or outcome.lost:
                return
            answer = await conversation.send(step)
        finally:
            await conversation.end()
        signature = answer.signature if answer is not None else None
        silent += answer is None or not answer.answers
        if signature is not None:
            seen[signature] += 1
            if seen[signature] == _TWICE:
                run.terms.malformed.learn(channel.id, signature)


async def boundaries(run: Run) -> None:
    """Send every boundary value of every keyword."""

    async def one(driver: Driver) -> None:
        await driver.all(
            _in_turn(
                _cases(operation, message, run.boundaries(message))
                for operation, message in _requests(run, driver.channel)
                if message.form == "json"
            )
        )

    await _each(run, one)


def _cases(operation: Operation, message: Message, cases: Iterable[Case]) -> Iterator[Send]:
    for index, case in enumerate(cases):
        yield of_case(operation, message, case, index + 1)


async def valid(run: Run) -> None:
    """Send generated messages that fit."""
    count = _VALID if run.options.max_time is not None and run.options.max_time < 120 else _VALID_LONG

    async def one(driver: Driver) -> None:
        await driver.all(
            _in_turn(
                _generated(operation, message, run.made(message, count))
                for operation, message in _requests(run, driver.channel)
            )
        )

    await _each(run, one)


def _generated(operation: Operation, message: Message, values: Iterable[Any]) -> Iterator[Send]:
    for value in values:
        yield request(operation, message, value, "generated")


async def invalid(run: Run) -> None:
    """Send messages of which one thing is broken, and frames that are no message at all."""

    async def one(driver: Driver) -> None:
        channel = driver.channel
        for operation, message in _requests(run, channel):
            # One good answer first: a request that is known to be taken shows that the server is through with the rest.
            await driver.send(request(operation, message, example_of(run, channel, operation, message), "probe"))
        # What isn't even JSON, or names no message, says nothing about any one operation.
        await driver.all(Send(data, None, None, False, note) for data, note in malformed(channel.sent_tag))
        good = probe(run, channel)
        if good is not None and isinstance(good.data, str) and parse(good.data)[0]:
            await driver.all(Send(data, None, None, False, note) for data, note in spoilt(good.data))
        if channel.errors and not any(message.form == "binary" for message in channel.sent):
            await driver.send(Send(b"\x00\x01", None, None, False, "a binary frame", ends=True))
        jsons = [(operation, message) for operation, message in _requests(run, channel) if message.form == "json"]
        await driver.all(_in_turn(_cases(operation, message, run.breakages(message)) for operation, message in jsons))
        await driver.all(_in_turn(_random(run, channel, operation, message) for operation, message in jsons))

    await _each(run, one)


def _random(run: Run, channel: Channel, operation: Operation, message: Message) -> Iterator[Send]:
    seed = run.seed("invalid", channel.id, operation.id, message.key)
    drawn = generate_breakages(message.schema.value, seed, frozenset(message.tags))
    try:
        yield from _cases(operation, message, islice(drawn, _RANDOM_BREAKAGES))
    except Unmakeable:
        return
