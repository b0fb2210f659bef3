"""Telling: which message a frame is, and whether it speaks of a failure. It knows no connection and no request."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.model import Data
from contract.spec import Channel, Message, Way
from contract.ways import ABSENT, at, leaves, put, without

_FAILURES = frozenset({"error", "err", "fail", "failed", "failure", "rejected", "refused", "nack", "denied", "invalid"})
_ERROR_MEMBERS = frozenset({"error", "errors", "errorMessage", "error_message", "errorCode", "error_code", "errorMsg"})
_STATUS_MEMBERS = frozenset({"status", "state", "result", "outcome", "event", "type", "kind"})
_SUCCESS_MEMBERS = frozenset({"ok", "success", "successful", "accepted"})


def parse(data: Data) -> tuple[bool, Any]:
    """Return whether a frame is JSON, and its value."""
    try:
        return True, json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False, None


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def is_text(value: Any) -> bool:
    """Tell whether a value can be sent: half of a surrogate pair, which JSON can escape, can't be UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Told:
    """What a frame is: `message` None if it is none; `path` and `fault` say where and how it breaks the schema.

    `others` are the messages that it may be as well: nothing tells them apart.
    """

    message: Message | None
    value: Any
    path: tuple[str | int, ...] = ()
    keyword: str = ""
    fault: str = ""
    others: tuple[Message, ...] = ()


def tell(channel: Channel, data: Data) -> Told:
    """Return which of the messages that the server may send over a channel a frame is."""
    is_json, value = parse(data) if isinstance(data, str) else (False, None)
    near: Message | None = None
    fitting: list[Message] = []
    for message in channel.received:
        if message.form != "json":
            if message.fits(data, value):
                fitting.append(message)
            continue
        if not is_json:
            continue
        if message.schema.fits(value):
            fitting.append(message)
            if channel.tag is not None:
                break  # a tag tells it from all others
    if fitting:
        return Told(fitting[0], value if fitting[0].form == "json" else data, others=tuple(fitting[1:]))
    if is_json:
        near = _tagged(channel, value)
    if not is_json:
        return Told(None, None, fault="it is no JSON" if isinstance(data, str) else "it is a binary frame")
    if near is None:
        near = _nearest(channel, value) if channel.tag is None else _called(channel, channel.tag, value)
    if near is None:
        tag = at(value, (channel.tag,)) if channel.tag is not None else ABSENT
        fault = "it fits no message" if tag is ABSENT else f"no message of the channel has {channel.tag} {_shown(tag)}"
        return Told(None, value, fault=fault)
    path, keyword, text, _ = near.schema.fault(value)
    return Told(near, value, path, keyword, text)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:60]


def is_tagged(message: Message, value: Any) -> bool:
    """Tell whether a value says itself that it is this message."""
    return bool(message.tags) and all(at(value, (name,)) == text for name, text in message.tags.items())


def _called(channel: Channel, tag: str, value: Any) -> Message | None:
    """Return the message whose name a value bears in the member that tells all messages of the channel apart."""
    name = at(value, (tag,))
    return next((item for item in channel.received if item.form == "json" and item.tags.get(tag) == name), None)


def _own_tags(channel: Channel, message: Message) -> Mapping[str, str]:
    """Return the tags of a message that not every message has: `jsonrpc: "2.0"` tells nothing apart."""
    others = [item for item in channel.received if item.form == "json" and item is not message]
    return {
        name: text
        for name, text in message.tags.items()
        if not others or any(item.tags.get(name) != text for item in others)
    }


def _tagged(channel: Channel, value: Any) -> Message | None:
    """Return the message that a value says it is; of several, the one that it breaks least."""
    found = []
    for message in channel.received:
        tags = _own_tags(channel, message) if message.form == "json" else {}
        if tags and all(at(value, (name,)) == text for name, text in tags.items()):
            found.append(message)
    if len(found) > 1:
        return min(found, key=lambda item: len(item.schema.faults(value)))
    return found[0] if found else None


def _nearest(channel: Channel, value: Any) -> Message | None:
    """Return the message that a value without a tag is most like.

    That is by the names of members that both have, and where these are the same, by how little it breaks.
    """
    jsons = [message for message in channel.received if message.form == "json"]
    known = [message for message in jsons if not message.tags and message.schema.fault(value)[3]]
    if len(known) == 1:
        return known[0]
    if not isinstance(value, Mapping):
        return jsons[0] if len(jsons) == 1 and not value else None
    best: tuple[float, int, Message] | None = None
    for message in channel.received:
        if message.form != "json" or any(
            at(value, (name,)) not in (text, ABSENT) for name, text in _own_tags(channel, message).items()
        ):
            continue
        names = message.members
        if not names:
            continue
        score = len(names & value.keys()) / len(names | value.keys())
        if score < 0.5 or (best is not None and score < best[0]):
            continue
        close = score, -len(message.schema.faults(value)), message
        if best is None or close[:2] > best[:2]:
            best = close
    return best[2] if best is not None else None


def code_of(message: Message, value: Any) -> str | None:
    """Return the error code that a frame carries, if it carries one."""
    for way in message.code_ways:
        found = at(value, way)
        if isinstance(found, (str, int)) and not isinstance(found, bool):
            return str(found)
    return None


def said_by(message: Message, value: Any) -> str | None:
    """Return what an error says in words, which is all that tells it from others where errors have no codes."""
    held = leaves(without(value, message.correlation))
    texts = [text for way, text in held if isinstance(text, str) and not set(way) <= message.tags.keys()]
    return "; ".join(filter(None, texts)) or None


def is_refusal(message: Message, value: Any) -> bool:
    """Tell whether a frame says that something was refused or failed."""
    if message.is_error or code_of(message, value) is not None:
        return True
    return any(_says_failure(part) for part in (value, *(value.values() if isinstance(value, Mapping) else ())))


def _says_failure(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    for name, item in value.items():
        if name in _ERROR_MEMBERS and item not in (None, False, "", 0, [], {}):
            return True
        if name in _SUCCESS_MEMBERS and item is False:
            return True
        if name in _STATUS_MEMBERS and isinstance(item, str) and _words(item) & _FAILURES:
            return True
    return False


def _words(text: str) -> set[str]:
    return set(re.split(r"[^a-z]+", text.lower()))


def may_refuse(message: Message) -> bool:
    """Tell whether a reply can say that its request was refused."""
    if message.is_error or message.code_ways:
        return True
    text = json.dumps(message.schema.value)
    return any(f'"{name}"' in text for name in (*_ERROR_MEMBERS, *_SUCCESS_MEMBERS, *_FAILURES))


def id_of(message: Message, value: Any) -> Any:
    """Return a frame's correlation id, ABSENT where it has none."""
    way: Way = message.correlation
    return at(value, way) if way else ABSENT


def numbered(message: Message, value: Any, number: int, *, good: bool = True) -> Any:
    """Return a message with another correlation id, where its schema lets it have one."""
    way = message.correlation
    if not way or at(value, way[:-1]) is ABSENT or not isinstance(at(value, way[:-1]), dict):
        return value
    for made in (number, f"r{number}"):
        changed = put(value, way, made)
        if message.schema.fits(changed) or (not good and _fits_there(message, way, changed)):
            return changed
    return value


def _fits_there(message: Message, way: Sequence[str], value: Any) -> bool:
    """Tell whether nothing is wrong at the end of a way."""
    return all(path[: len(way)] != tuple(way) for path, _, _ in message.schema.faults(value))
