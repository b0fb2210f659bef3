"""Pool: values that a server may know: from the document's examples, from what it sent, and from what it took.

A member gets a value that stood under the same name elsewhere: that is how a request names what a reply made. It
judges nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, TypeAlias

from contract.model import Link
from contract.spec import Message
from contract.telling import is_text
from contract.ways import put

Path: TypeAlias = tuple[str | int, ...]

_KEPT = 40
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield each scalar of a JSON value that stands under a name, with the way to it."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value[:20]):
            yield from leaves(item, (*path, index))
    elif path and isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield path, value


def _name(path: Path) -> str:
    names = [part for part in path if isinstance(part, str)]
    return "".join(_WORD.findall(names[-1])).lower() if names else ""


def _names(path: Path, message: Message) -> set[str]:
    """Return the names under which a value may be asked for: `id` in `room.created` is `roomid` too."""
    name = _name(path)
    found = {name}
    if name in ("id", "key", "name", "uuid", "token"):
        above = [part for part in path[:-1] if isinstance(part, str)]
        words = [word.lower() for text in (message.key, message.title, *above) for word in _WORD.findall(text)]
        found |= {word + name for word in words}
    return found


class Pool:
    """Holds values by name. One for a run, and one for each conversation."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[Any, Link | None]]] = {}

    def learn(self, message: Message, value: Any, *, received: bool = False) -> None:
        """Take the values of a message. `received`: the server sent it, in the conversation that the pool is for."""
        for path, item in leaves(value):
            if not is_text(item):
                continue
            link = Link((), message.key, path) if received else None
            for name in _names(path, message):
                found = self._known.setdefault(name, [])
                entry = (item, link)
                if entry in found:
                    found.remove(entry)
                found.append(entry)
                del found[:-_KEPT]

    def add(self, name: str, items: Sequence[Any]) -> None:
        """Take values that a user names."""
        self._known.setdefault(_name((name,)), []).extend((item, None) for item in items)

    def offers(self, path: Path) -> Sequence[tuple[Any, Link | None]]:
        """Return what is known for a member, the newest last."""
        return self._known.get(_name(path), ())


def enrich(
    message: Message, value: Any, pools: Sequence[Pool], random: Random, keep: frozenset[str], chance: float
) -> tuple[Any, tuple[Link, ...]]:
    """Return a message with values that a server may know put in, where they fit, and where they came from."""
    links: list[Link] = []
    for path, old in list(leaves(value)):
        if path[0] in keep or path == message.correlation or random.random() > chance:
            continue
        for pool in pools:
            offers = pool.offers(path)
            if not offers:
                continue
            newest = random.random() < 0.5
            item, link = offers[-1] if newest else offers[random.randrange(len(offers))]
            if type(item) is not type(old) and not (isinstance(item, (int, float)) and isinstance(old, (int, float))):
                continue
            changed = put(value, path, item)
            if message.schema.fits(changed):
                value = changed
                if link is not None:
                    links.append(Link(path, link.message, link.way))
                break
    return value, tuple(links)
