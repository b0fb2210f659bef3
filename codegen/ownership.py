"""Ownership: which operation takes which message that comes in over a channel. It names nothing in Python but methods.

Every message that comes in belongs to one operation: of those that take it, to the first that names it itself, or else
to the first that takes all of its channel. Nothing is left over: the answer to what this side sends belongs to an
operation of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from codegen.document import Place
from codegen.naming import snake
from codegen.reading import OperationPlace, Reader, Side


@dataclass(frozen=True)
class Owner:
    """An operation, and the messages that belong to it. `answers`: ids of what this side sent, if it takes answers."""

    place: Place
    method: str
    messages: tuple[Place, ...]
    replies: tuple[Place, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Dialogue:
    """What comes in over a channel, and the operations that take it. `idle`: those for which nothing is left."""

    incoming: tuple[Place, ...]
    operations: tuple[Owner, ...]
    idle: tuple[Place, ...]


def dialogues(reader: Reader, side: Side) -> Mapping[Place, Dialogue]:
    """Return what comes in over each channel (the member of `channels`) for one side.

    A client's answers come to it as its requests' results: they belong to no operation there.
    """
    return {channel: _Reading(reader, side, channel).dialogue() for channel in reader.channels()}


class _Reading:
    """Reads one channel."""

    def __init__(self, reader: Reader, side: Side, channel: Place) -> None:
        self._reader = reader
        self._side = side
        self._channel = channel
        followed = reader.follow(channel)
        self._requests = [item for item in reader.operations() if item.incoming and item.channel == followed]
        self._answers = [
            item for item in reader.operations() if not item.incoming and item.replies and item.channel == followed
        ]

    def dialogue(self) -> Dialogue:
        """Return what comes in, and who takes it."""
        incoming, _ = self._reader.crossing(self._channel)
        owners: dict[Place, Place] = {}
        for item in sorted(self._requests, key=lambda item: not item.listed):
            for message in item.messages:
                owners.setdefault(message, item.place)
        requests = [self._request(item, owners) for item in self._requests]
        answers = self._owners_of_answers(owners) if self._side == "server" else []
        return Dialogue(
            incoming=incoming,
            operations=(*(item for item in requests if item.messages), *answers),
            idle=tuple(item.place for item in requests if not item.messages),
        )

    @staticmethod
    def _request(item: OperationPlace, owners: Mapping[Place, Place]) -> Owner:
        messages = tuple(message for message in item.messages if owners[message] == item.place)
        return Owner(item.place, snake(item.place.key), messages, item.replies, ())

    def _owners_of_answers(self, owners: dict[Place, Place]) -> list[Owner]:
        found: list[Owner] = []
        for item in self._answers:
            own = tuple(message for message in item.replies if message not in owners)
            owners.update(dict.fromkeys(own, item.place))
            if own:
                same = [other.place.key for other in self._answers if set(own) & set(other.replies)]
                method = f"{snake(item.place.key).rstrip('_')}_reply"
                found.append(Owner(item.place, method, own, (), tuple(same)))
        return found
