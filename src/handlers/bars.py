"""Bars: what the requests of the bars socket mean. It never sees a connection, only sessions and topics."""

from collections.abc import Iterator
from itertools import chain
from typing import Literal

from pydantic import MISSING

from generated.errors import ErrorCode
from generated.messages import encode_bars
from generated.models import (
    AuthAck,
    AuthRefresh,
    BarsAck,
    BarsAckPayload,
    BarsReset,
    BarsResetPayload,
    BarsSubscribe,
    BarsSubscribePayload,
    BarsUnsubscribe,
    BarsUnsubscribeAck,
    BarsUnsubscribeAckPayload,
    Ping,
    Pong,
    PongPayload,
)
from handlers.feed import PACE, BarsFeed
from handlers.tokens import Tokens, ack_payload
from market.resolution import Resolution, parse_resolution
from market.symbols import Symbol
from streaming.clock import Clock
from streaming.hub import Hub, SubscriptionLimitError
from streaming.session import Session
from streaming.topic import StreamId, Topic


class BarsHandlers:
    """Subscribes sessions to the feed's streams. Fits `generated.operations.BarsOperations`."""

    def __init__(self, feed: BarsFeed, hub: Hub, clock: Clock, tokens: Tokens) -> None:
        """Answer from the feed's state, and renew by `tokens`."""
        self._feed = feed
        self._hub = hub
        self._clock = clock
        self._tokens = tokens

    async def subscribe_bars(self, session: Session, message: BarsSubscribe, /) -> BarsAck:
        """Subscribe; after the reply comes the bar that is open, if there is one."""
        payload = message.payload
        symbol = self._feed.directory.resolve(payload.symbol)
        if symbol is None:
            return refused(payload, ErrorCode.UNKNOWN_SYMBOL, self._why_unknown(payload.symbol))
        resolution = parse_resolution(payload.resolution)
        if resolution is None:
            text = f'There is no resolution "{payload.resolution}". There are {", ".join(Resolution)}.'
            return refused(payload, ErrorCode.UNSUPPORTED_RESOLUTION, text)
        unavailable = self._feed.unavailable(symbol)
        wants_past = payload.resume is not MISSING or payload.snapshot > 0
        if unavailable is not None and not wants_past:
            return refused(payload, ErrorCode.SOURCE_UNAVAILABLE, unavailable)
        stream = self._feed.stream(symbol, resolution)
        if find_topic(session, stream.id, payload.symbol, payload.resolution) is not None:
            text = f"Already subscribed to {about(symbol, resolution)}"
            return accepted(payload, text, stream.position.epoch, stream.position.seq)
        spelling = self._feed.spelling(payload.symbol, payload.resolution, payload.conflate_ms)
        try:
            self._hub.subscribe(session, Topic(stream.id, spelling))
        except SubscriptionLimitError:
            text = (
                f"{session.limits.subscriptions} subscriptions are the most a connection may hold. Unsubscribe first."
            )
            return refused(payload, ErrorCode.SUBSCRIPTION_LIMIT, text)
        self._feed.watch(symbol, resolution, spelling)
        epoch, seq = stream.position.epoch, stream.position.seq
        frames: list[Iterator[bytes]] = []
        recovered: bool | MISSING = MISSING
        if payload.resume is not MISSING:
            found = self._feed.resume(stream, spelling, payload.resume.epoch, payload.resume.seq)
            recovered = not isinstance(found, str)
            if isinstance(found, str):
                frames.append(iter([encode_bars(reset(payload, found, epoch, seq))]))
            else:
                seq = payload.resume.seq
                frames.append(found)
        if payload.snapshot and recovered is not True:
            frames.append(self._feed.snapshot(symbol, stream, spelling, payload.snapshot))

        def begin() -> None:
            if frames:
                session.send_slowly(chain.from_iterable(frames))
            self._feed.send_open_bar(session, symbol, resolution, spelling)
            bad_news = self._feed.unavailable_frame(symbol, spelling)
            if bad_news is not None:
                session.send(bad_news)

        session.after_reply(begin)
        return accepted(payload, f"Subscribed to {about(symbol, resolution)}", epoch, seq, recovered)

    async def unsubscribe_bars(self, session: Session, message: BarsUnsubscribe, /) -> BarsUnsubscribeAck:
        """End a subscription, named as it was when subscribing."""
        payload = message.payload
        symbol = self._feed.directory.resolve(payload.symbol)
        resolution = parse_resolution(payload.resolution)
        if symbol is not None and resolution is not None:
            stream = self._feed.stream(symbol, resolution)
            topic = find_topic(session, stream.id, payload.symbol, payload.resolution)
            if topic is not None:
                self._hub.unsubscribe(session, topic)
                self._feed.forget_pace(symbol, resolution, topic.spelling)
                return BarsUnsubscribeAck(
                    payload=BarsUnsubscribeAckPayload(
                        status="ok",
                        symbol=payload.symbol,
                        resolution=payload.resolution,
                        message="Unsubscribed.",
                        id=payload.id,
                    )
                )
        return BarsUnsubscribeAck(
            payload=BarsUnsubscribeAckPayload(
                status="error",
                symbol=payload.symbol,
                resolution=payload.resolution,
                message="There is no such subscription. Spell symbol and resolution as when subscribing.",
                code=ErrorCode.NOT_SUBSCRIBED,
                id=payload.id,
            )
        )

    async def ping(self, session: Session, message: Ping, /) -> Pong:
        """Answer with the server's time."""
        timestamp = self._clock.now_ms()
        request_id = MISSING if message.payload is MISSING else message.payload.id
        return Pong(payload=PongPayload(timestamp=timestamp, id=request_id))

    async def refresh_bars(self, session: Session, message: AuthRefresh, /) -> AuthAck:
        """Go on with the new token."""
        answer = await self._tokens.refresh(session, message.payload.token)
        return AuthAck(payload=ack_payload(answer, message.payload.id))

    def _why_unknown(self, text: str) -> str:
        candidates = self._feed.directory.ambiguous(text)
        if candidates:
            return f'"{text}" is ambiguous: say {" or ".join(symbol.key for symbol in candidates)}.'
        return f'There is no symbol "{text}". Symbols look like EXCHANGE:SYMBOL.'


def refused(payload: BarsSubscribePayload, code: ErrorCode, text: str) -> BarsAck:
    """Return the reply to a subscription that can't be had."""
    return BarsAck(
        payload=BarsAckPayload(
            status="error",
            symbol=payload.symbol,
            resolution=payload.resolution,
            message=text,
            code=code,
            id=payload.id,
        )
    )


def accepted(
    payload: BarsSubscribePayload, text: str, epoch: str, seq: int, recovered: bool | MISSING = MISSING
) -> BarsAck:
    """Return the reply to a subscription that stands, and where it begins."""
    return BarsAck(
        payload=BarsAckPayload(
            status="ok",
            symbol=payload.symbol,
            resolution=payload.resolution,
            message=text,
            epoch=epoch,
            seq=seq,
            recovered=recovered,
            id=payload.id,
        )
    )


def reset(
    payload: BarsSubscribePayload,
    reason: Literal["other_epoch", "unknown_position", "too_old"],
    epoch: str,
    seq: int,
) -> BarsReset:
    """Return the frame that says that what came after a position can't be had."""
    return BarsReset(
        payload=BarsResetPayload(
            symbol=payload.symbol, resolution=payload.resolution, reason=reason, epoch=epoch, seq=seq
        )
    )


def find_topic(session: Session, stream: StreamId, symbol: str, resolution: str) -> Topic | None:
    """Return the session's subscription to a stream in this spelling, whatever its pace."""
    return next(
        (
            topic
            for topic in session.subscriptions
            if topic.stream == stream and topic.spelling[:PACE] == (symbol, resolution)
        ),
        None,
    )


def about(symbol: Symbol, resolution: Resolution) -> str:
    """Return what a successful reply says of a stream, with what of the data is not real."""
    kind = " This market is synthetic." if symbol.synthetic else ""
    note = f" {symbol.note}" if symbol.note else ""
    return f"{symbol.key} at {resolution.value}.{kind}{note}"
