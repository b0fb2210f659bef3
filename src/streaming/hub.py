"""Hub: which sessions want which topic. It never sees a model or a socket."""

from collections.abc import Callable, Iterator

from streaming.outbox import Delivery
from streaming.session import Session
from streaming.topic import Spelling, StreamId, Topic


class SubscriptionLimitError(Exception):
    """The session holds as many subscriptions as it may."""


class Hub:
    """Stream -> spelling -> sessions, in this process."""

    def __init__(self) -> None:
        """Start with no topic."""
        self._streams: dict[StreamId, dict[Spelling, dict[Session, None]]] = {}

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
        session.subscriptions.add(topic)
        self._streams.setdefault(topic.stream, {}).setdefault(topic.spelling, {})[session] = None
        return True

    def unsubscribe(self, session: Session, topic: Topic) -> bool:
        """Take the session out of a topic; False where it was not there."""
        if topic not in session.subscriptions:
            return False
        session.subscriptions.discard(topic)
        spellings = self._streams[topic.stream]
        sessions = spellings[topic.spelling]
        del sessions[session]
        if not sessions:
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
        return iter({session: None for sessions in self._streams.get(stream, {}).values() for session in sessions})

    def spellings(self, stream: StreamId) -> tuple[Spelling, ...]:
        """Return the spellings in which the stream is subscribed to: for each a frame is encoded once."""
        return tuple(self._streams.get(stream, ()))

    def publish(self, topic: Topic, frame: bytes, delivery: Delivery) -> int:
        """Send a frame to everyone who subscribes to the topic; returns to how many. Waits for nobody."""
        # A send can end a session, but only its own connection's loop takes it out of the hub: nothing changes in here.
        sessions = self._streams.get(topic.stream, {}).get(topic.spelling, {})
        key = topic if delivery == "latest" else None
        for session in sessions:
            session.send(frame, key=key)
        return len(sessions)

    def publish_event(self, stream: StreamId, event_key: str, encode: Callable[[], tuple[bytes, Delivery]]) -> int:
        """Send a keyed stream's event to everyone who wants all of the stream, or this key; returns to how many.

        The frame is made once, and only where somebody wants it.
        """
        spellings = self._streams.get(stream)
        if spellings is None:
            return 0
        whole, narrow = spellings.get(()), spellings.get((event_key,))
        if not whole and not narrow:
            return 0
        frame, delivery = encode()
        key = Topic(stream, (event_key,)) if delivery == "latest" else None
        for sessions in (whole, narrow):
            for session in sessions or ():
                session.send(frame, key=key)
        return len(whole or ()) + len(narrow or ())
