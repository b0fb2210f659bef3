# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Tracking: follows streams by their positions: what was missed, what came twice, and where to go on.

It is what the document's `x-stream` asks of a client, in general; `streams` has the document's own. A position is what
is *held*: the `seq` of the last counted frame, within an `epoch`. Whatever is missed is told as a `Missed`, between the
two messages that it lies between.
"""

import asyncio
import base64
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel

from .codec import Incoming, MessageT, Read, Request, at, body_of, build, put
from .connection import LOG, Connection, Pending, Route, Settings, _Call
from .faults import ClientError, InvalidMessage, UnexpectedReply
from .sockets import Socket

Key: TypeAlias = tuple[str | int | None, ...]
"""What tells subscriptions, and symbols and the like within one, apart."""

_AT_ONCE: Final = 16  # subscriptions that are sent again without waiting for the first answers
_PACE_S: Final = 0.05
"""How long to wait between two, once the server has said that they come too fast; twice as long each time."""
_TRIES: Final = 8
_LEAST_S: Final = 1.0  # between two attempts at a new token


@dataclass(frozen=True, slots=True)
class Missed:
    """Frames of a stream that this client doesn't have, and won't get.

    `told`: the server said so; else it was found by the positions. `key`: of what; None: of everything. `first` and
    `last` are positions, both ends included, None where that isn't known: then any number may be missing.
    `why`: `gap` and `reset`: the message of that role (`message`); `not_recovered`: the stream didn't go on where it
    was asked to; `hole`: a frame's `prev`; `epoch`: the server began to count anew; `cut`: the connection broke before
    all of what stood had come, so there was no position to go on from; `refused`: a subscription was not taken back
    (`message` is the answer); it is asked for again until it is, or is ended.
    """

    stream: str
    key: Key | None
    first: int | None
    last: int | None
    epoch: str | None
    told: bool
    why: Literal["gap", "reset", "not_recovered", "hole", "epoch", "cut", "refused"]
    message: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a message holds what; `key` is empty where it has none.

    `all`: reads the key's parts, `seq`, `prev` and, where there is one, `epoch` at once, for messages that come often.
    """

    key: tuple[Read, ...] = ()
    seq: Read | None = None
    prev: Read | None = None
    epoch: Read | None = None
    all: Callable[[Any], tuple[Any, ...]] | None = None

    def key_of(self, message: object) -> Key:
        """Return its key."""
        return tuple(read(message) for read in self.key)


@dataclass(frozen=True, slots=True, eq=False)
class Resume:
    """Where what is held is sent: ways into the request's body, or names of query parameters."""

    seq: tuple[str, ...]
    epoch: tuple[str, ...] | None
    recovered: Read | None


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """The message that says that positions can't be had any more."""

    message: str
    first: Read
    last: Read


@dataclass(frozen=True, slots=True, eq=False)
class Subscribe:
    """The request that opens a stream, and the one that ends it: with the ways to the key in each one's body."""

    request: Request[Any]
    model: type[BaseModel]
    key: tuple[tuple[str, ...], ...]
    unsubscribe: str | None
    unsubscribe_key: tuple[tuple[str, ...], ...]
    ack: str


@dataclass(frozen=True, slots=True, eq=False)
class Refresh:
    """The request that takes a new token, and where."""

    request: Request[Any]
    model: type[BaseModel]
    token: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """The request that asks whether the server is there: its answer comes after all of what stood when it was sent."""

    request: Request[Any]
    model: type[BaseModel]


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """What the document says of one stream. `places` has each message that has a part in it, by name."""

    name: str
    subscribe: Subscribe | None
    ready: str | None
    frames: frozenset[str]
    places: Mapping[str, Place]
    resume: Resume | None
    gap: Gap | None
    reset: str | None
    refresh: Refresh | None
    probe: Probe | None = None

    @property
    def is_counted(self) -> bool:
        """Whether there are frames of which none may be missed."""
        return any(self.places[name].prev is not None for name in self.frames)


@dataclass(slots=True, eq=False)
class Held:
    """What is held of a stream, or of one subscription: a position for every key, and those of keys that were seen."""

    epoch: str | None = None
    seq: int = 0
    base: int = 0
    keys: dict[Key, int] = field(default_factory=dict)
    opening: int | None = None
    """The position at which it was opened: counted frames that stand there are what stood then."""
    settled: bool = False
    """Whether all of what stood has come, so that it can go on from here."""
    known: bool = False
    """Whether there ever was a position."""
    opened: bool = False
    """Whether it is known on this connection where it started."""
    owed: Missed | None = None
    """What the server still has to say, after it didn't go on where it was asked to."""

    def start(self, epoch: str | None, seq: int) -> None:
        """Hold this position, for every key."""
        self.epoch, self.seq, self.base, self.known, self.opened = epoch, seq, seq, True, True
        self.keys.clear()


@dataclass(slots=True, eq=False)
class Subscription:
    """What was asked for, to be asked for again."""

    stream: Stream
    key: Key
    asked_key: Key
    body: Any
    held: Held
    sought: tuple[str | None, int] | None = None  # the position that the server was asked to go on from
    is_refused: bool = False  # the server did not take it back yet, and that was told
    is_leaving: bool = False  # it is being ended
    is_simple: bool = True  # nothing but the key was asked for: no snapshot or the like comes first


class StreamConnection(Connection[MessageT]):
    """A connection that sends its subscriptions again, goes on from where it was, and tells what was missed."""

    def __init__(self, route: Route[MessageT], settings: Settings, streams: tuple[Stream, ...]) -> None:
        """Prepare; nothing is connected yet."""
        super().__init__(route, settings)
        self._streams: Final = streams
        self._by_name: dict[str, Stream] = {}
        for stream in streams:
            roles = (stream.ready, stream.reset, stream.gap.message if stream.gap is not None else None)
            self._by_name.update({name: stream for name in (*roles, *stream.frames) if name is not None})
        self._subscriptions: dict[tuple[str, Key], Subscription] = {}
        self._addressed: Final = next((stream for stream in streams if stream.ready is not None), None)
        self._whole: Final = Held()
        self._sought: tuple[str | None, int] | None = None
        self._coming_back: dict[int, Subscription] = {}
        self._leaving: dict[int, list[Subscription]] = {}
        self._is_ready: asyncio.Event = asyncio.Event()
        self._probing: Pending | None = None

    @property
    def subscriptions(self) -> tuple[Key, ...]:
        """The keys of the subscriptions that are remembered, as the server named them."""
        return tuple(item.key for item in self._subscriptions.values() if not item.is_leaving)

    # What comes in.

    def _arrives(self, incoming: Incoming[MessageT], message: MessageT) -> bool:
        name = incoming.name
        stream = self._by_name.get(name)
        if stream is None:
            self._tell_owed(self._whole)
            return True
        if name in stream.frames:
            return self._takes_frame(stream, stream.places[name], message)
        if name == stream.ready:
            self._take_ready(stream, message)
        elif name == stream.reset:
            self._take_reset(stream, message)
        else:
            self._take_gap(stream, message)
        return True

    def _takes_frame(self, stream: Stream, place: Place, message: object) -> bool:
        """Hold a frame's position. Returns whether the frame is new."""
        held = self._whole
        if place.all is not None:
            try:
                values = place.all(message)
            except AttributeError:  # an object that holds one of them is absent
                return self._takes_frame(stream, replace(place, all=None), message)
            parts = len(place.key)
            key = values[:parts]
            seq, prev = values[parts], values[parts + 1]
            epoch = held.epoch if place.epoch is None else values[parts + 2]
        else:
            key = place.key_of(message)
            seq = place.seq(message) if place.seq is not None else None
            prev = place.prev(message) if place.prev is not None else None
            epoch = place.epoch(message) if place.epoch is not None else held.epoch
        if stream.subscribe is not None:
            subscription = self._subscriptions.get((stream.name, key))
            if subscription is None:
                return True
            held = subscription.held
            if place.epoch is None:
                epoch = held.epoch
        if not (isinstance(seq, int) and isinstance(prev, int)):
            self._tell_owed(held)
            # What has no position, such as an error, may come before what stands, and so may the news of another key.
            if isinstance(seq, int) and held.opened and stream.subscribe is not None:
                held.settled = True
            return True
        if not held.opened:
            self._begin(stream, held, epoch if place.epoch is not None else None, seq)
            return True
        if epoch != held.epoch and isinstance(epoch, str):
            self._miss(Missed(stream.name, self._told_key(stream, key), None, None, epoch, False, "epoch"))
            held.start(epoch, seq)
            held.opening, held.owed = None, None
            return True
        last = held.keys.get(key, held.base)
        if seq < last or (seq == last and seq != held.opening):
            self.counts.doubles += 1
            return False
        if seq != held.opening and (not held.settled or held.owed is not None):
            held.settled = True
            self._tell_owed(held)
        if prev > last:
            self._miss(Missed(stream.name, key, last + 1, prev, epoch, False, "hole"))
        if seq > last:
            held.keys[key] = seq
            if seq > held.seq:
                held.seq = seq
        return True

    def _told_key(self, stream: Stream, key: Key) -> Key | None:
        return key if stream.subscribe is not None else None

    def _begin(self, stream: Stream, held: Held, epoch: str | None, seq: int) -> None:
        """Go by a frame, where nothing was said on this connection of where the stream starts."""
        self._tell_owed(held)
        if held.known:
            self._miss(Missed(stream.name, None, held.seq + 1, None, held.epoch, False, "cut"))
        held.start(epoch, seq)
        held.opening = seq
        held.settled = False

    def _tell_owed(self, held: Held) -> None:
        if held.owed is not None:
            self._miss(held.owed)
            held.owed = None

    def _take_ready(self, stream: Stream, message: object) -> None:
        self._open(stream, None, self._whole, self._sought, message, stream.places[stream.ready or ""])
        self._is_ready.set()

    def _open(
        self,
        stream: Stream,
        key: Key | None,
        held: Held,
        sought: tuple[str | None, int] | None,
        message: object,
        place: Place,
    ) -> None:
        """Hold the position at which the server says that a stream starts."""
        seq = place.seq(message) if place.seq is not None else None
        epoch = place.epoch(message) if place.epoch is not None else None
        if not isinstance(seq, int):
            return
        self._tell_owed(held)
        read = stream.resume.recovered if stream.resume is not None else None
        same_epoch = epoch == held.epoch
        recovered = sought is not None and same_epoch and (read is None or read(message) is True)
        if recovered and sought is not None:
            held.opening = None
            held.settled = held.opened = True
            return
        was_known, was = held.known, held.seq
        held.start(epoch, seq)
        held.opening = seq
        held.settled = False
        held.owed = None
        if was_known and stream.is_counted and not (same_epoch and seq <= was):
            first = was + 1 if same_epoch else None
            last = seq if same_epoch else None
            if sought is None:
                self._miss(Missed(stream.name, key, first, last, epoch, False, "cut"))
            else:
                held.owed = Missed(stream.name, key, first, last, epoch, False, "not_recovered")
                if stream.gap is None and stream.reset is None:  # it has no other way to say so
                    self._miss(Missed(stream.name, key, first, last, epoch, True, "not_recovered"))
                    held.owed = None

    def _take_reset(self, stream: Stream, message: object) -> None:
        place = stream.places[stream.reset or ""]
        seq = place.seq(message) if place.seq is not None else None
        for key, held in self._meant(stream, place, message):
            epoch = place.epoch(message) if place.epoch is not None else held.epoch
            same_epoch = held.known and epoch == held.epoch
            owed, held.owed = held.owed, None
            first = owed.first if owed is not None else held.seq + 1 if same_epoch else None
            held.start(epoch, seq if isinstance(seq, int) else held.seq)
            held.opening = None
            last = held.seq if first is not None and first <= held.seq else None
            self._miss(Missed(stream.name, key, first, last, epoch, True, "reset", message))

    def _take_gap(self, stream: Stream, message: object) -> None:
        assert stream.gap is not None
        place = stream.places[stream.gap.message]
        first, last = stream.gap.first(message), stream.gap.last(message)
        for key, held in self._meant(stream, place, message):
            held.owed = None
            epoch = place.epoch(message) if place.epoch is not None else held.epoch
            if isinstance(last, int):
                if key is None or stream.subscribe is not None:
                    held.base = last
                    held.keys = {name: seq for name, seq in held.keys.items() if seq > last}
                    # What lies between here and where the stream was opened is still to come.
                    held.seq = max(held.keys.values(), default=last)
                else:
                    held.keys[key] = max(last, held.keys.get(key, last))
                    held.seq = held.seq if held.settled else min(held.seq, last)
            self._miss(Missed(stream.name, key, first, last, epoch, True, "gap", message))

    def _meant(self, stream: Stream, place: Place, message: object) -> list[tuple[Key | None, Held]]:
        """Return what a message speaks of: by its key, or all where it has none."""
        key = place.key_of(message)
        named = bool(key) and None not in key
        if stream.subscribe is None:
            return [(key if named else None, self._whole)]
        if named:
            found = self._subscriptions.get((stream.name, key))
            return [(key, found.held)] if found is not None else []
        return [(item.key, item.held) for item in self._subscriptions.values() if item.stream is stream]

    def _miss(self, missed: Missed) -> None:
        self.counts.gaps += 1
        if self._settings.on_gap is not None:
            self._enqueue(_Call(self._settings.on_gap, missed))
        else:
            LOG.warning("%s: missed %s", self._route.name, missed)

    # Subscriptions.

    def _post(self, request: Request[Any], body: Any, model: type[Any]) -> Pending:
        pending = super()._post(request, body, model)
        leaving = self._ended_by(request.operation, body)
        if leaving:
            self._leaving[id(pending)] = leaving
        for item in leaving:
            item.is_leaving = True
        return pending

    async def _send(self, operation: str, message: object, timeout_s: float | None) -> None:
        await super()._send(operation, message, timeout_s)
        self._forget(self._ended_by(operation, body_of(message)))

    def _settle(self, pending: Pending, limit: float) -> None:
        super()._settle(pending, limit)
        self._forget(self._leaving.pop(id(pending), ()))

    def _refused(self, pending: Pending) -> None:
        for item in self._leaving.pop(id(pending), ()):
            item.is_leaving = False

    def _ended_by(self, operation: str, body: Any) -> list[Subscription]:
        """Return the subscriptions that a request ends."""
        found: list[Subscription] = []
        for stream in self._streams:
            subscribe = stream.subscribe
            if subscribe is not None and subscribe.unsubscribe == operation:
                key = _key(body, subscribe.unsubscribe_key)
                items = self._subscriptions.values()
                found += [item for item in items if item.stream is stream and key in (item.key, item.asked_key)]
        return found

    def _forget(self, leaving: Iterable[Subscription]) -> None:
        for item in leaving:
            if self._subscriptions.get((item.stream.name, item.key)) is item:
                del self._subscriptions[item.stream.name, item.key]

    def _answered(self, pending: Pending, incoming: Incoming[MessageT], message: MessageT) -> None:
        self._forget(self._leaving.pop(id(pending), ()))
        if pending is self._probing:
            self._whole.settled = True
        for stream in self._streams:
            subscribe = stream.subscribe
            if subscribe is None or subscribe.request is not pending.request or incoming.name != subscribe.ack:
                continue
            place = stream.places[subscribe.ack]
            subscription = self._coming_back.pop(id(pending), None)
            taken = isinstance(place.seq(message) if place.seq is not None else None, int)
            if subscription is not None:
                if self._subscriptions.get((stream.name, subscription.key)) is not subscription:
                    continue  # it was ended meanwhile
                if taken:
                    held, sought = subscription.held, subscription.sought
                    subscription.is_refused = False
                    self.counts.subscribed_again += 1
                    self._open(stream, subscription.key, held, sought, message, place)
                    held.settled = held.settled or subscription.is_simple
                elif not subscription.is_refused:
                    subscription.is_refused = True
                    self._miss(Missed(stream.name, subscription.key, None, None, None, True, "refused", message))
            elif taken:
                self._subscribed(stream, subscribe, pending, place, message)

    def _subscribed(
        self, stream: Stream, subscribe: Subscribe, pending: Pending, place: Place, message: MessageT
    ) -> None:
        key = place.key_of(message)
        body = pending.body
        sought: tuple[str | None, int] | None = None
        if stream.resume is not None:
            seq = at(body, stream.resume.seq)
            epoch = at(body, stream.resume.epoch) if stream.resume.epoch is not None else None
            sought = (epoch, seq) if isinstance(seq, int) else None
            body = _without(_without(body, stream.resume.seq), stream.resume.epoch)
        for way in subscribe.request.correlation.values():
            body = _without(body, way)
        asked_key = _key(body, subscribe.key)
        known = self._subscriptions.get((stream.name, key))
        held = known.held if known is not None else Held()
        subscription = Subscription(
            stream, key, asked_key, body, held, is_simple=_is_bare(body, subscribe.model, subscribe.key)
        )
        self._subscriptions[stream.name, key] = subscription
        if known is not None and place.epoch is not None and place.epoch(message) == held.epoch:
            return  # subscribing again changes nothing
        if sought is not None and not held.known:  # it was held before this connection was made
            held.start(*sought)
        self._open(stream, key, held, sought, message, place)
        held.settled = held.settled or subscription.is_simple

    # What a new connection needs.

    def _query(self) -> Mapping[str, str]:
        self._sought = None
        stream, held = self._addressed, self._whole
        held.opened = False
        self._is_ready.clear()
        if stream is None or stream.resume is None or not held.known or not held.settled:
            return self._route.query
        if stream.resume.epoch is not None and held.epoch is None:
            return self._route.query
        self._sought = (held.epoch, held.seq)
        position = {stream.resume.seq[-1]: str(held.seq)}
        if stream.resume.epoch is not None and held.epoch is not None:
            position[stream.resume.epoch[-1]] = held.epoch
        return {**self._route.query, **position}

    async def _tend(self, socket: Socket) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._subscribe_again())
                if self._addressed is not None and self._addressed.probe is not None:
                    group.create_task(self._await_whole(self._addressed.probe))
                refresh = next((stream.refresh for stream in self._streams if stream.refresh is not None), None)
                if refresh is not None and callable(self._settings.token):
                    group.create_task(self._renew(refresh, self._settings.token))
        except ExceptionGroup as group_of_errors:
            raise group_of_errors.exceptions[0] from None

    async def _await_whole(self, probe: Probe) -> None:
        """Find out when all of what stands has come: the answer to a question comes after it."""
        await self._is_ready.wait()
        if self._whole.settled:
            return
        self._probing = pending = self._post(probe.request, body_of(build(probe.model, {})), probe.model)
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await pending.future
        except (TimeoutError, UnexpectedReply):
            pass  # the first counted frame behind what stands says so, too
        finally:
            self._probing = None
            self._settle(pending, self._settings.timeout_s)

    async def _subscribe_again(self) -> None:
        """Send all subscriptions again, many at once; where the server finds that too fast, one after the other."""
        left = deque(self._subscriptions.values())
        at_once, pace, refusals, rounds = _AT_ONCE, 0.0, 0, 0
        while True:
            if not left:
                left.extend(item for item in self._subscriptions.values() if item.is_refused)
                if not left:
                    return
                longest = min(self._settings.backoff_cap_s, self._settings.backoff_base_s * 2 ** min(rounds, 60))
                rounds += 1
                await self._settings.sleep(max(_PACE_S, self._settings.draw() * longest))
            batch = [left.popleft() for _ in range(min(at_once, len(left)))]
            taken = await asyncio.gather(*(self._subscribe_one(subscription) for subscription in batch))
            refused = [subscription for subscription, is_taken in zip(batch, taken, strict=True) if not is_taken]
            if refused:
                left.extendleft(reversed(refused))
                longest = min(self._settings.backoff_cap_s, self._settings.backoff_base_s * 2**refusals)
                refusals += 1
                if refusals > _TRIES:
                    raise ClientError("a subscription was not taken back")
                at_once, pace = 1, max(_PACE_S, 2 * pace)
                await self._settings.sleep(max(pace, self._settings.draw() * longest))
            elif pace:
                await self._settings.sleep(pace)

    async def _subscribe_one(self, subscription: Subscription) -> bool:
        """Send a subscription again. Returns whether the server answered it, and not that this was too fast."""
        stream, held = subscription.stream, subscription.held
        assert stream.subscribe is not None
        if self._subscriptions.get((stream.name, subscription.key)) is not subscription:
            return True
        if subscription.is_leaving:
            return True
        body, subscription.sought = subscription.body, None
        if stream.resume is not None and held.known and held.settled:
            subscription.sought = (held.epoch, held.seq)
            body = put(body, stream.resume.seq, held.seq)
            if stream.resume.epoch is not None:
                body = put(body, stream.resume.epoch, held.epoch)
        pending = self._post(stream.subscribe.request, body, stream.subscribe.model)
        self._coming_back[id(pending)] = subscription
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await pending.future
        except UnexpectedReply as refusal:  # such as one for coming too fast
            LOG.info("%s: subscribing again was answered by %s", self._route.name, type(refusal.message).__name__)
            return False
        except TimeoutError:
            raise ClientError("no answer to a subscription") from None
        finally:
            self._coming_back.pop(id(pending), None)
            self._settle(pending, self._settings.timeout_s)
        return True

    async def _renew(self, refresh: Refresh, get: Callable[[], Any]) -> None:
        """Send a new token before the old one expires, where it says when that is."""
        while (expiry := expires_at(self._token or "")) is not None:
            left = expiry - self._settings.now()
            if left <= 0:
                return  # the server, whose clock counts, closes the connection; the next one is made with a new token
            await self._settings.sleep(max(left - self._settings.refresh_margin_s, left / 2, _LEAST_S))
            try:
                async with asyncio.timeout(self._settings.timeout_s):
                    token: str = await get()
                if token != self._token:
                    await self._request(refresh.request, build(refresh.model, put({}, refresh.token, token)), None)
                    self._token = token
            except Exception as error:  # the old one still counts; its text might hold a token
                LOG.warning("%s: no new token was taken (%s); trying again", self._route.name, type(error).__name__)


def expires_at(token: str) -> float | None:
    """Return when a JWT expires, in seconds since 1970; None for any other token. It is not verified."""
    try:
        _, claims, _ = token.split(".")
        value = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return float(value["exp"])
    except (ValueError, KeyError, TypeError):
        return None


def only_name(path: str) -> Read:
    """Return what reads the name of the only member that a message's schema doesn't list; None without one."""
    names = path.split(".") if path else []

    def read(message: Any) -> str | None:
        for name in names:
            message = getattr(message, name, None)
        extra = message.model_extra if isinstance(message, BaseModel) else None
        return next(iter(extra)) if extra is not None and len(extra) == 1 else None

    return read


def _key(body: Any, ways: tuple[tuple[str, ...], ...]) -> Key:
    return tuple(value if isinstance(value := at(body, way), (str, int)) else None for way in ways)


def _without(body: Any, way: tuple[str, ...] | None) -> Any:
    """Return a copy of a body without a member, and without what is empty then."""
    if not way or not isinstance(body, dict) or way[0] not in body:
        return body
    name, *rest = way
    inner = _without(body[name], tuple(rest)) if rest else None
    kept = {key: value for key, value in body.items() if key != name}
    return {**kept, name: inner} if inner else kept


def _is_bare(body: Any, model: type[BaseModel], key: tuple[tuple[str, ...], ...]) -> bool:
    """Tell whether a request asks for nothing but its key: what else it has is as if it weren't there."""
    least: dict[str, Any] = {}
    for way in key:
        value = at(body, way)
        least = put(least, way, value) if value is not None else least
    try:
        plain = body_of(build(model, least))
    except InvalidMessage:
        return False
    return _leaves(body) <= _leaves(plain)


def _leaves(body: Any, path: tuple[str, ...] = ()) -> set[tuple[tuple[str, ...], str]]:
    if isinstance(body, dict):
        return {leaf for name, value in body.items() for leaf in _leaves(value, (*path, name))}
    return {(path, json.dumps(body, sort_keys=True))}
