"""Hub: which sessions want which topic. It never sees a model or a socket."""

from collections.abc import Callable, Iterator

from streaming.audience import Audience
from streaming.outbox import Delivery
from streaming.session import Flusher, Session
from streaming.topic import Spelling, StreamId, Topic


class SubscriptionLimitError(Exception):
    """The session holds as many subscriptions as it may."""


class Hub:
    """Stream -> spelling -> audience, in this process."""

    def __init__(self, flusher: Flusher) -> None:
        """Start with no topic; `flusher` writes at the end of each turn."""
        self._flusher = flusher
        self._streams: dict[StreamId, dict[Spelling, Audience]] = {}

    def __len__(self) -> int:
        """Return how many topics have a subscriber."""
        return sum(len(spellings) for spellings in self._streams.values())

    def subscribe(self, session: Session, topic: Topic) -> bool:
        """Add the session to a topic; False where it was there already.

        Raises SubscriptionLimitError where the session has too many.
        """
        if topic in session.subscriptions:
            return False
        if len(session.subscriptions) >= session.limits.subscriptions:
            raise SubscriptionLimitError
        spellings = self._streams.setdefault(topic.stream, {})
        audience = spellings.get(topic.spelling)
        if audience is None:
            audience = spellings[topic.spelling] = Audience(topic, self._flusher)
        audience.add(session)
        session.subscriptions[audience.topic] = audience  # the topic's one name: clients share it
        return True

    def unsubscribe(self, session: Session, topic: Topic) -> bool:
        """Take the session out of a topic; False where it was not there."""
        audience = session.subscriptions.get(topic)
        if audience is None:
            return False
        audience.remove(session)
        # Not before: what it is told until then counts as of this topic.
        del session.subscriptions[topic]
        if not len(audience):
            spellings = self._streams[topic.stream]
            del spellings[topic.spelling]
            if not spellings:
                del self._streams[topic.stream]
        return True

    def remove(self, session: Session) -> None:
        """Take the session out of every topic."""
        for topic in tuple(session.subscriptions):
            self.unsubscribe(session, topic)

    def sessions(self, stream: StreamId) -> Iterator[Session]:
        """Iterate over the sessions that subscribe to the stream, in whatever spelling; over a copy."""
        return iter({session: None for audience in self._streams.get(stream, {}).values() for session in audience})

    def spellings(self, stream: StreamId) -> tuple[Spelling, ...]:
        """Return the spellings in which the stream is subscribed to: for each a frame is encoded once."""
        return tuple(self._streams.get(stream, ()))

    def publish(self, topic: Topic, frame: bytes, delivery: Delivery) -> int:
        """Send a frame to everyone who subscribes to the topic; returns to how many. Waits for nobody."""
        # A send can end a session, but only its own connection's loss takes it out of the hub: nothing changes in here.
        audience = self._streams.get(topic.stream, {}).get(topic.spelling)
        if audience is None:
            return 0
        audience.publish(frame, topic if delivery == "latest" else None)
        return len(audience)

    def publish_event(self, stream: StreamId, event_key: str, encode: Callable[[], tuple[bytes, Delivery]]) -> int:
        """Send a keyed stream's event to everyone who wants all of the stream, or this key; returns to how many.

        The frame is made once, and only where somebody wants it.
        """
        spellings = self._streams.get(stream)
        if spellings is None:
            return 0
        whole, narrow = spellings.get(()), spellings.get((event_key,))
        if whole is None and narrow is None:
            return 0
        frame, delivery = encode()
        key = Topic(stream, (event_key,)) if delivery == "latest" else None
        count = 0
        for audience in (whole, narrow):
            if audience is not None:
                audience.publish(frame, key)
                count += len(audience)
        return count
