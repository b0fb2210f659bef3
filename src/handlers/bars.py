"""Bars: what the requests of the bars socket mean. It never sees a connection, only sessions and topics."""

from pydantic import MISSING

from generated.errors import ErrorCode
from generated.models import (
    BarsAck,
    BarsAckPayload,
    BarsSubscribe,
    BarsSubscribePayload,
    BarsUnsubscribe,
    BarsUnsubscribeAck,
    BarsUnsubscribeAckPayload,
    Ping,
    Pong,
    PongPayload,
)
from handlers.feed import BarsFeed
from market.resolution import Resolution, parse_resolution
from market.symbols import Symbol
from streaming.clock import Clock
from streaming.hub import Hub, SubscriptionLimitError
from streaming.session import Session
from streaming.topic import Topic


class BarsHandlers:
    """Subscribes sessions to the feed's streams. Fits `generated.operations.BarsOperations`."""

    def __init__(self, feed: BarsFeed, hub: Hub, clock: Clock) -> None:
        """Answer from the feed's state."""
        self._feed = feed
        self._hub = hub
        self._clock = clock

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
        if unavailable is not None:
            return refused(payload, ErrorCode.SOURCE_UNAVAILABLE, unavailable)
        stream = self._feed.stream(symbol, resolution)
        spelling = (payload.symbol, payload.resolution)
        try:
            is_new = self._hub.subscribe(session, Topic(stream.id, spelling))
        except SubscriptionLimitError:
            text = (
                f"{session.limits.subscriptions} subscriptions are the most a connection may hold. Unsubscribe first."
            )
            return refused(payload, ErrorCode.SUBSCRIPTION_LIMIT, text)
        if is_new:
            self._feed.watch(symbol, resolution)
            session.after_reply(lambda: self._feed.send_open_bar(session, symbol, resolution, spelling))
        return BarsAck(
            payload=BarsAckPayload(
                status="ok",
                symbol=payload.symbol,
                resolution=payload.resolution,
                message=subscribed_text(symbol, resolution, is_new=is_new),
                epoch=stream.position.epoch,
                seq=stream.position.seq,
                id=payload.id,
            )
        )

    async def unsubscribe_bars(self, session: Session, message: BarsUnsubscribe, /) -> BarsUnsubscribeAck:
        """End a subscription, named as it was when subscribing."""
        payload = message.payload
        symbol = self._feed.directory.resolve(payload.symbol)
        resolution = parse_resolution(payload.resolution)
        if symbol is not None and resolution is not None:
            topic = Topic(self._feed.stream(symbol, resolution).id, (payload.symbol, payload.resolution))
            if self._hub.unsubscribe(session, topic):
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


def subscribed_text(symbol: Symbol, resolution: Resolution, *, is_new: bool) -> str:
    """Return the text of a successful reply; it says what of the data is not real."""
    kind = " This market is synthetic." if symbol.synthetic else ""
    note = f" {symbol.note}" if symbol.note else ""
    return f"{'Subscribed' if is_new else 'Already subscribed'} to {symbol.key} at {resolution.value}.{kind}{note}"
