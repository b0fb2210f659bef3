"""Streams: what a change of `x-stream` means to a client that follows a stream by it. It knows no message's schema."""

from collections.abc import Iterator
from typing import TypeAlias

from codegen.diff.findings import Severity
from codegen.diff.nodes import text_of
from codegen.document import Place

_USES = {
    "subscribe": "open the stream",
    "unsubscribe": "end the stream",
    "ack": "learn where the stream starts",
    "ready": "learn where the stream starts",
    "key": "tell subscriptions apart",
    "seq": "know their position",
    "prev": "see holes",
    "epoch": "know whether positions can be compared",
    "resume": "go on where they were",
    "gap": "learn what they have missed",
    "reset": "learn that continuity is lost",
    "refresh": "renew their token",
}


Change: TypeAlias = tuple[Severity, str, Place, str]
"""Severity, rule, place and message. A place may be one of the old document."""


def changes(old: Place | None, new: Place | None, owner: Place, what: str) -> Iterator[Change]:
    """Yield each change. `owner` is what had the old stream."""
    if old is None and new is None:
        return
    if new is None:
        assert old is not None
        message = f"Clients that follow the stream of {what} can't any more: x-stream is gone. Keep it."
        yield "breaking", "stream-removed", owner, message
        return
    if old is None:
        yield "compatible", "stream-added", new, f"{what} has x-stream now. Clients that don't know it pass it over."
        return
    for name, use in _USES.items():
        before, after = old.get(name), new.get(name)
        if before is not None and after is None:
            message = f"Clients use {name!r} of the stream of {what} to {use}, and it is gone. Keep it."
            yield "breaking", "stream-member-removed", before, message
        elif before is None and after is not None:
            yield "compatible", "stream-member-added", after, f"The stream of {what} has {name!r} now."
        elif before is not None and after is not None and text_of(before.value) != text_of(after.value):
            yield from _changed(name, use, before, after, what)
    gone = _pushed(old) - _pushed(new) if "push" in new else set()
    if "push" in new and ("push" not in old or gone):
        place = new.get("push") or new
        named = ", ".join(sorted(gone)) or "all that it doesn't name"
        message = f"Clients miss frames that were of the stream of {what}: 'push' leaves out {named}. Keep them."
        yield "breaking", "stream-push-narrowed", place, message
    elif text_of(sorted(_pushed(old))) != text_of(sorted(_pushed(new))):
        yield "compatible", "stream-push-widened", new, f"More operations push to the stream of {what} now."


def _changed(name: str, use: str, before: Place, after: Place, what: str) -> Iterator[Change]:
    if isinstance(before.value, dict) and isinstance(after.value, dict):
        gone = [item for item in before.value if item not in after.value]
        same = all(
            text_of(before.value[item]) == text_of(after.value[item]) for item in before.value if item not in gone
        )
        if same and not gone:
            yield "compatible", "stream-member-added", after, f"{name!r} of the stream of {what} says more now."
            return
    message = f"Clients use {name!r} of the stream of {what} to {use}, and look for it where it was. Leave it there."
    yield "breaking", "stream-member-changed", after, message


def _pushed(place: Place) -> set[str]:
    return {str(item.value) for item in place.under("push")}
