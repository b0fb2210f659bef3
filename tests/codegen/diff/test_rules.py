"""Rules: each kind of change, by direction. One table says what the diff tells, and whether a client breaks."""

from pathlib import Path
from typing import Any

import pytest

from tests.codegen.diff.support import Edit, found, told

B, U, C = "breaking", "unknown", "compatible"


def at(document: Any, path: str) -> tuple[Any, str]:
    """Return what holds the value that a path leads to, and the last step."""
    *steps, last = path.split(" ")
    for step in steps:
        document = document[int(step) if isinstance(document, list) else step]
    return document, last


def put(path: str, value: Any) -> Edit:
    """Return an edit that sets a value."""

    def edit(document: Any) -> None:
        holder, last = at(document, path)
        holder[last] = value

    return edit


def drop(path: str) -> Edit:
    """Return an edit that takes a member out."""

    def edit(document: Any) -> None:
        holder, last = at(document, path)
        del holder[int(last) if isinstance(holder, list) else last]

    return edit


def add(path: str, value: Any) -> Edit:
    """Return an edit that adds to a list."""

    def edit(document: Any) -> None:
        holder, last = at(document, path)
        holder[last].append(value)

    return edit


def rename(path: str, name: str) -> Edit:
    """Return an edit that gives a member another name, in its place."""

    def edit(document: Any) -> None:
        holder, last = at(document, path)
        items = [(name if key == last else key, value) for key, value in holder.items()]
        holder.clear()
        holder.update(items)

    return edit


def both(*edits: Edit) -> Edit:
    """Return an edit that does several."""

    def edit(document: Any) -> None:
        for item in edits:
            item(document)

    return edit


SENT = "components messages place payload"
SENT_P = f"{SENT} properties"
GOT = "components messages filled payload"
GOT_P = f"{GOT} properties"
ORDER = "components schemas Order"
ORDER_P = f"{ORDER} properties"
CHANNEL = "channels orders"
QUERY = f"{CHANNEL} bindings ws query"

CASES: dict[str, tuple[Edit, list[tuple[str, str]]]] = {
    # Members
    "a new required member that clients send": (
        both(put(f"{SENT_P} desk", {"type": "string"}), add(f"{SENT} required", "desk")),
        [(B, "member-added")],
    ),
    "a new optional member that clients send": (put(f"{SENT_P} desk", {"type": "string"}), [(C, "member-added")]),
    "a member that clients send is required now": (add(f"{SENT} required", "side"), [(B, "member-required")]),
    "a member that clients send is optional now": (drop(f"{SENT} required 2"), [(C, "member-optional")]),
    "a member that clients send is gone": (drop(f"{SENT_P} side"), [(C, "member-removed")]),
    "a member that clients send is gone, and the schema closed": (
        both(drop(f"{SENT_P} side"), put(f"{SENT} additionalProperties", False)),
        [(B, "additional-closed"), (B, "member-removed")],
    ),
    "a new required member that clients get": (
        both(put(f"{GOT_P} desk", {"type": "string"}), add(f"{GOT} required", "desk")),
        [(C, "member-added")],
    ),
    "a new optional member that clients get": (put(f"{GOT_P} desk", {"type": "string"}), [(C, "member-added")]),
    "a member that clients get is required now": (add(f"{GOT} required", "prev"), [(C, "member-required")]),
    "a member that clients get is optional now": (drop(f"{GOT} required 2"), [(B, "member-optional")]),
    "a required member that clients get is gone": (
        both(drop(f"{GOT_P} seq"), drop(f"{GOT} required 2")),
        [(B, "member-removed")],
    ),
    "an optional member that clients get is gone": (drop(f"{GOT_P} prev"), [(B, "member-removed")]),
    "a member that clients send has another name": (
        both(rename(f"{SENT_P} size", "sizes"), put(f"{SENT} required", ["type", "symbol", "sizes"])),
        [(B, "member-added"), (C, "member-removed")],
    ),
    "a member that clients send needs another beside it now": (
        put(f"{SENT} dependencies", {"note": ["tags"]}),
        [(B, "dependency-narrowed")],
    ),
    "a member that clients send needs one that is always there": (
        put(f"{SENT} dependentRequired", {"note": ["size"]}),
        [],
    ),
    "a member that clients get comes with another": (
        put(f"{GOT} dependencies", {"prev": ["note"]}),
        [(C, "dependency-narrowed")],
    ),
    "a member of the query needs another now": (
        both(
            put(f"{QUERY} properties page", {"type": "integer"}),
            put(f"{QUERY} dependencies", {"depth": ["page"], "page": ["depth"]}),
        ),
        [(B, "dependency-narrowed"), (C, "member-added")],
    ),
    "what a member needs is a schema": (
        put(f"{SENT} dependencies", {"note": {"minProperties": 4}}),
        [(U, "schema-undecided")],
    ),
    # Values
    "clients send a type that is gone": (put(f"{SENT_P} note", {"type": "integer"}), [(B, "type-narrowed")]),
    "clients may send another type too": (put(f"{SENT_P} note type", ["string", "null"]), [(C, "type-widened")]),
    "clients get another type": (put(f"{GOT_P} seq", {"type": "string"}), [(B, "type-widened")]),
    "clients may get null": (put(f"{GOT_P} seq type", ["integer", "null"]), [(B, "type-widened")]),
    "clients may get null by nullable": (put(f"{GOT_P} seq nullable", True), [(B, "type-widened")]),
    "clients get whole numbers only": (put(f"{ORDER_P} price type", "integer"), [(C, "type-narrowed")]),
    "clients may get decimals": (put(f"{GOT_P} seq type", "number"), [(B, "type-widened")]),
    "clients send a value that is gone": (put(f"{SENT_P} side enum", ["buy"]), [(B, "enum-narrowed")]),
    "clients may send another value": (put(f"{SENT_P} side enum", ["buy", "sell", "any"]), [(C, "enum-widened")]),
    "clients get another value": (put(f"{ORDER_P} status enum", ["open", "done", "late"]), [(B, "enum-widened")]),
    "clients get fewer values": (put(f"{ORDER_P} status enum", ["open"]), [(C, "enum-narrowed")]),
    "an enum becomes any text, sent": (put(f"{SENT_P} side", {"type": "string"}), [(C, "enum-widened")]),
    "an enum becomes any text, got": (put(f"{ORDER_P} status", {"type": "string"}), [(B, "enum-widened")]),
    "a tag is another one": (put(f"{GOT_P} type const", "fill"), [(B, "tag-changed")]),
    "a tag that clients send is another one": (put(f"{SENT_P} type const", "order"), [(B, "tag-changed")]),
    "a bound is tighter, sent": (put(f"{SENT_P} size exclusiveMinimum", 1), [(B, "bound-narrowed")]),
    "a bound is wider, sent": (drop(f"{SENT_P} size exclusiveMinimum"), [(C, "bound-widened")]),
    "a bound is wider, got": (put(f"{ORDER_P} price minimum", -1), [(B, "bound-widened")]),
    "a bound is tighter, got": (put(f"{ORDER_P} price minimum", 1), [(C, "bound-narrowed")]),
    "a multiple, sent": (put(f"{SENT_P} size multipleOf", 0.5), [(B, "bound-narrowed")]),
    "a length is tighter, sent": (put(f"{SENT_P} symbol maxLength", 5), [(B, "length-narrowed")]),
    "a length is wider, sent": (put(f"{SENT_P} symbol maxLength", 50), [(C, "length-widened")]),
    "a new pattern, sent": (put(f"{SENT_P} note pattern", "^a"), [(B, "pattern-narrowed")]),
    "another pattern, sent": (put(f"{SENT_P} symbol pattern", "^[A-Z0-9]+$"), [(U, "pattern-narrowed")]),
    "no pattern any more, sent": (drop(f"{SENT_P} symbol pattern"), [(C, "pattern-widened")]),
    "no format any more, got": (drop(f"{ORDER_P} at format"), [(B, "format-widened")]),
    "another format, got": (put(f"{ORDER_P} at format", "date"), [(B, "format-widened")]),
    "a new format, sent": (put(f"{SENT_P} note format", "uuid"), [(B, "format-narrowed")]),
    "a list is shorter, sent": (put(f"{SENT_P} tags maxItems", 3), [(B, "count-narrowed")]),
    "a list's items differ, sent": (put(f"{SENT_P} tags items type", "integer"), [(B, "type-narrowed")]),
    "a list of different items, sent": (put(f"{SENT_P} tags uniqueItems", True), [(B, "count-narrowed")]),
    "a schema is closed, sent": (put(f"{SENT} additionalProperties", False), [(B, "additional-closed")]),
    "a schema is closed, got": (put(f"{GOT} additionalProperties", False), [(C, "additional-closed")]),
    "a form is gone, sent": (
        put(f"{SENT_P} id", {"oneOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]}),
        [(B, "bound-narrowed")],
    ),
    "a form that is not understood, sent": (put(f"{SENT_P} note not", {"const": "x"}), [(U, "schema-undecided")]),
    "a form that is not understood, got": (put(f"{ORDER_P} at not", {"const": "x"}), []),
    # Messages and operations
    "a message that clients send is gone": (
        both(drop("operations placeOrder"), drop(f"{CHANNEL} messages place")),
        [
            (B, "message-removed"),
            (B, "message-removed"),
            (B, "message-removed"),
            (B, "operation-removed"),
            (C, "security-removed"),
        ],
    ),
    "a message that clients get is gone": (
        both(drop("operations pushFills"), drop(f"{CHANNEL} messages filled")),
        [(B, "message-removed"), (B, "operation-removed")],
    ),
    "a new message that clients get": (
        both(
            put(
                f"{CHANNEL} messages paused",
                {"payload": {"type": "object", "required": ["type"], "properties": {"type": {"const": "paused"}}}},
            ),
            add("operations pushFills messages", {"$ref": "#/channels/orders/messages/paused"}),
        ),
        [(C, "message-added")],
    ),
    "a new message without a tag that clients get": (
        both(
            put(f"{CHANNEL} messages paused", {"payload": {"type": "object"}}),
            add("operations pushFills messages", {"$ref": "#/channels/orders/messages/paused"}),
        ),
        [(U, "message-added")],
    ),
    "another reply": (
        both(
            put(
                f"{CHANNEL} messages queued",
                {"payload": {"type": "object", "required": ["type"], "properties": {"type": {"const": "queued"}}}},
            ),
            add("operations placeOrder reply messages", {"$ref": "#/channels/orders/messages/queued"}),
        ),
        [(B, "reply-message-added"), (C, "message-added")],
    ),
    "no reply any more": (
        drop("operations placeOrder reply"),
        [(B, "message-removed"), (B, "message-removed"), (B, "reply-removed")],
    ),
    "an operation has another name": (rename("operations placeOrder", "sendOrder"), [(C, "operation-renamed")]),
    "another correlation id": (
        put("components messages place correlationId location", "$message.payload#/note"),
        [(B, "correlation-changed")],
    ),
    "another content type": (put("components messages place contentType", "text/plain"), [(B, "content-type-changed")]),
    "another default content type": (
        put("defaultContentType", "application/cbor"),
        [(B, "content-type-changed")] * 4,
    ),
    "frames may be left out": (put("components messages filled x-delivery", "latest"), [(B, "delivery-changed")]),
    # Channels
    "a channel is gone": (
        both(drop(CHANNEL), put("operations", {})),
        [(B, "channel-removed")],
    ),
    "a new channel": (put("channels other", {"address": "/other"}), [(C, "channel-added")]),
    "another address": (put(f"{CHANNEL} address", "/v2/{desk}/{kind}"), [(B, "address-changed")]),
    "a parameter has another name": (
        both(
            put(f"{CHANNEL} address", "/orders/{place}/{kind}"),
            rename(f"{CHANNEL} parameters desk", "place"),
        ),
        [],
    ),
    "a parameter takes fewer values": (put(f"{CHANNEL} parameters kind enum", ["limit"]), [(B, "parameter-narrowed")]),
    "a parameter takes a few values only": (put(f"{CHANNEL} parameters desk enum", ["a"]), [(B, "parameter-narrowed")]),
    "a parameter takes more": (
        put(f"{CHANNEL} parameters kind enum", ["limit", "market", "stop"]),
        [(C, "parameter-widened")],
    ),
    "a new required query parameter": (
        both(put(f"{QUERY} properties key", {"type": "string"}), put(f"{QUERY} required", ["key"])),
        [(B, "member-added")],
    ),
    "a new optional query parameter": (put(f"{QUERY} properties key", {"type": "string"}), [(C, "member-added")]),
    "a tighter query parameter": (put(f"{QUERY} properties depth maximum", 5), [(B, "bound-narrowed")]),
    # Handshake
    "no subprotocol any more": (drop("operations placeOrder x-subprotocols"), [(B, "subprotocol-removed")]),
    "another scope": (add("operations placeOrder x-scopes", "admin"), [(B, "scope-added")]),
    "one scope less": (put("operations placeOrder x-scopes", []), [(C, "scope-removed")]),
    "one way for a token less": (drop("operations placeOrder security 1"), [(B, "security-way-removed")]),
    "no token is asked for any more": (drop("operations placeOrder security"), [(C, "security-removed")]),
    "a token may be left out": (put("operations placeOrder x-security-optional", True), [(C, "security-optional")]),
    # The rest
    "another host": (put("servers main host", "api2.example.com"), [(B, "server-changed")]),
    "a server is gone, and its path with it": (
        both(put("servers", {}), drop(f"{CHANNEL} servers")),
        [(B, "address-changed"), (B, "server-removed")],
    ),
    "a server has another name": (
        both(rename("servers main", "prod"), put(f"{CHANNEL} servers", [{"$ref": "#/servers/prod"}])),
        [],
    ),
    "a new error code": (
        both(
            put("x-error-codes late", {"text": "Late."}),
            add("components messages failed payload properties code enum", "late"),
        ),
        [(B, "error-code-added")],
    ),
    "an error code is gone": (
        both(drop("x-error-codes closed"), drop("components messages failed payload properties code enum 1")),
        [(B, "error-code-removed")],
    ),
    "a new close code after which clients come back": (
        put("x-close-codes 4002", {"name": "slow", "text": "Slow.", "reconnect": True}),
        [(C, "close-code-added")],
    ),
    "a new close code after which clients stay away": (
        put("x-close-codes 4501", {"name": "gone", "text": "Gone.", "reconnect": False}),
        [(U, "close-code-added")],
    ),
    "a close code is gone": (lambda document: document["x-close-codes"].pop(4001), [(B, "close-code-removed")]),
    "a close code means the other": (
        lambda document: document["x-close-codes"][4500].update(reconnect=True),
        [(B, "close-code-reconnect")],
    ),
    "a limit is lower": (put("x-limits frame_bytes", 10), [(B, "limit-lowered")]),
    "a limit is higher": (put("x-limits frame_bytes", 10_000), [(C, "limit-raised")]),
    "a limit is gone": (put("x-limits", {}), [(C, "limit-removed")]),
}


@pytest.mark.parametrize("case", CASES)
def test_each_change_is_told_by_its_rule(tmp_path: Path, case: str) -> None:
    """A change gives the findings of the table, and no other."""
    edit, wanted = CASES[case]
    findings = found(tmp_path, edit)
    assert told(findings) == wanted, "\n".join(item.render() for item in findings)
    for item in findings:
        assert item.message.endswith(".")
        assert item.mark.file.endswith(f"{item.document}.yaml")
