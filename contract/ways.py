"""Ways: through JSON values, by the names of members and the indexes of items. It knows no schema and no message."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

ABSENT: Final = object()
"""What `at` returns where nothing stands."""


def at(value: Any, way: Sequence[str | int]) -> Any:
    """Return what stands at the end of a way, ABSENT where nothing does."""
    for part in way:
        inner: Any = ABSENT
        if isinstance(value, list):
            inner = value[part] if isinstance(part, int) and part < len(value) else ABSENT
        elif isinstance(value, Mapping):
            inner = value.get(part, ABSENT)
        if inner is ABSENT:
            return ABSENT
        value = inner
    return value


def put(value: Any, way: Sequence[str | int], item: Any) -> Any:
    """Return a value with another item at the end of a way; objects that are missing on the way are made.

    An item behind a list's end becomes its last one.
    """
    if not way:
        return item
    head, rest = way[0], way[1:]
    if isinstance(value, list) and isinstance(head, int):
        held = value[head] if head < len(value) else {}
        return [*value[:head], put(held, rest, item), *value[head + 1 :]]
    members = dict(value) if isinstance(value, Mapping) else {}
    members[str(head)] = put(members.get(str(head), {}), rest, item)
    return members


def without(value: Any, way: Sequence[str | int]) -> Any:
    """Return a value without what stands at the end of a way; the value as it is where nothing does."""
    if not way or at(value, way) is ABSENT:
        return value
    holder = at(value, way[:-1])
    if isinstance(holder, list):
        rest: Any = [item for index, item in enumerate(holder) if index != way[-1]]
    else:
        rest = {name: item for name, item in holder.items() if name != way[-1]}
    return put(value, way[:-1], rest)


def leaves(value: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield what a value holds that holds nothing more, each with its way; `*` is any item of a list."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from leaves(item, (*way, name))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, (*way, "*"))
    else:
        yield way, value


def way_text(way: Sequence[str | int], whole: str = "the frame") -> str:
    """Return a way as people write it: `payload.items[0].id`; `whole` for the empty one."""
    text = ""
    for part in way:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or whole
