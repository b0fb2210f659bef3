"""Compare: two contracts, and every change that a client can notice. What schemas mean is told by `payloads`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from codegen.diff import streams
from codegen.diff.contract import ChannelView, Contract, MessageView, OperationView, Security
from codegen.diff.findings import Finding, Severity, ordered
from codegen.diff.nodes import TooManyError, text_of
from codegen.diff.payloads import Change, Payloads, similar
from codegen.document import Place
from codegen.faults import Mark

ItemT = TypeVar("ItemT")

_SHOWN = 3


@dataclass(frozen=True)
class _Told:
    severity: Severity
    rule: str
    mark: Mark
    old: bool
    content: tuple[str, ...]


def compare(old: Contract, new: Contract) -> tuple[Finding, ...]:
    """Return what changed between two contracts, as the clients of the old one see it: the worst first."""
    return _Comparison(old, new).run()


def pair(
    old: Mapping[str, ItemT], new: Mapping[str, ItemT], *signatures: Callable[[ItemT], object]
) -> tuple[list[tuple[ItemT, ItemT]], dict[str, ItemT], dict[str, ItemT]]:
    """Return what belongs together, what is gone and what came.

    Things belong together by the first of `signatures` that gives the same, and for no other thing on either side; one
    that is None tells nothing.
    """
    gone, come = dict(old), dict(new)
    pairs: list[tuple[ItemT, ItemT]] = []
    for signature in signatures:
        for name, item in list(gone.items()):
            said = signature(item)
            if said is None or sum(signature(other) == said for other in gone.values()) > 1:
                continue
            same = [other for other, candidate in come.items() if signature(candidate) == said]
            if len(same) == 1:
                pairs.append((item, come.pop(same[0])))
                del gone[name]
    return pairs, gone, come


class _Comparison:
    def __init__(self, old: Contract, new: Contract) -> None:
        self._old = old
        self._new = new
        self._payloads = Payloads(old.schemas, new.schemas)
        self._told: dict[_Told, dict[str, None]] = {}  # and what each is about
        self._templates: dict[_Told, str] = {}
        self._codes_moved = False

    def run(self) -> tuple[Finding, ...]:
        self._error_codes()
        self._servers()
        self._channels()
        self._close_codes()
        self._limits()
        return ordered(
            Finding(
                told.severity, told.rule, told.mark, "old" if told.old else "new", _fill(self._templates[told], what)
            )
            for told, what in self._told.items()
        )

    def _say(self, severity: Severity, rule: str, place: Place, message: str, *, old: bool = False) -> None:
        template = message.replace("{", "{{").replace("}", "}}")
        told = _Told(severity, rule, _mark(place), old, (template,))
        self._told[told] = {}
        self._templates[told] = template

    # Servers

    def _servers(self) -> None:
        old, new = self._old.servers, self._new.servers
        pairs, gone, come = pair(old, new, _reached, lambda place: place.key)
        for before, after in pairs:
            if _reached(before) != _reached(after):
                place = after.get("host") or after
                self._say(
                    "breaking",
                    "server-changed",
                    place,
                    f"Clients that connect to {_url(before)} find nobody: the server is at {_url(after)} now. "
                    "Keep the old server beside it until they have moved.",
                )
            if text_of(_enums(before)) != text_of(_enums(after)):
                self._variables(before, after)
            self._security(self._old.security(before), self._new.security(after), after, f"server {after.key!r}")
        for place in gone.values():
            message = f"Clients that connect to {_url(place)} find nobody: the server is gone. Keep it."
            self._say("breaking", "server-removed", place, message, old=True)
        for place in come.values():
            self._say("compatible", "server-added", place, f"The server {place.key!r} is new: {_url(place)}.")

    def _variables(self, before: Place, after: Place) -> None:
        ours, theirs = _enums(before), _enums(after)
        for name, values in ours.items():
            wanted = theirs.get(name)
            refused = sorted(set(values) - set(wanted)) if wanted else []
            if wanted and (refused or not values):
                told = ", ".join(refused) or "other values"
                self._say(
                    "breaking",
                    "server-variable-narrowed",
                    after,
                    f"Clients that put {told} for {name!r} into the address of server {after.key!r} find nobody. "
                    "Keep the values that were allowed.",
                )

    # Channels

    def _channels(self) -> None:
        old, new = self._old.channels, self._new.channels
        pairs, gone, come = pair(
            old,
            new,
            lambda item: (item.shape, item.id) if item.shape is not None else None,
            lambda item: item.shape,
            lambda item: item.id,
        )
        for before, after in pairs:
            self._channel(before, after)
        for item in gone.values():
            message = (
                f"Clients of channel {item.id!r} ({item.address or 'no address'}) find nobody: it is gone. Keep it."
            )
            self._say("breaking", "channel-removed", item.member, message, old=True)
        for item in come.values():
            self._say("compatible", "channel-added", item.member, f"Channel {item.id!r} is new.")

    def _channel(self, old: ChannelView, new: ChannelView) -> None:
        what = f"channel {new.id!r}"
        if old.id != new.id:
            message = f"Channel {old.id!r} is called {new.id!r} now. The wire is the same; generated names change."
            self._say("compatible", "channel-renamed", new.member, message)
        if old.shape != new.shape:
            place = new.place.get("address") or new.member
            self._say(
                "breaking",
                "address-changed",
                place,
                f"Clients of {what} connect to {old.address or 'no address'} and find nobody: it is at "
                f"{new.address or 'no address'} now. Keep the old address, and add a channel for the new one.",
            )
        else:
            self._parameters(old, new, what)
        self._binding(old, new, what)
        self._channel_servers(old, new, what)
        self._messages(old, new, sent=True)
        self._messages(old, new, sent=False)
        self._operations(old, new)
        self._stream(old.stream, new.stream, old.place, what)

    def _parameters(self, old: ChannelView, new: ChannelView, what: str) -> None:
        for (name, before), (_, after) in zip(old.parameters, new.parameters, strict=True):
            where = after or new.place
            told = f"parameter {name!r} of {what}"
            ours, theirs = _values(before), _values(after)
            refused = [value for value in ours or () if theirs is not None and value not in theirs]
            if theirs is not None and (ours is None or refused):
                place = (after.get("enum") if after is not None else None) or where
                named = ", ".join(map(repr, refused)) or "other values"
                message = f"Clients that put {named} for {told} into the address are refused. Go on taking them."
                self._say("breaking", "parameter-narrowed", place, message)
            elif ours is not None and (theirs is None or set(theirs) - set(ours)):
                self._say("compatible", "parameter-widened", where, f"More values fit {told} now.")
            old_schema = (before.get("x-schema") or before.get("schema")) if before is not None else None
            new_schema = (after.get("x-schema") or after.get("schema")) if after is not None else None
            if new_schema is not None:
                self._schema(old_schema, new_schema, sent=True, what=told)
            elif old_schema is not None:
                self._say("compatible", "parameter-widened", where, f"Any text fits {told} now.")
            slashes = [item is not None and item.members.get("x-slashes") is True for item in (before, after)]
            if slashes == [True, False]:
                message = f"Clients that put a slash into {told} are refused. Keep x-slashes."
                self._say("breaking", "parameter-narrowed", where, message)

    def _binding(self, old: ChannelView, new: ChannelView, what: str) -> None:
        if (old.method or "GET") != (new.method or "GET"):
            message = (
                f"Clients open {what} with {old.method or 'GET'}, and it takes {new.method or 'GET'} now. Keep it."
            )
            self._say("breaking", "method-changed", new.place, message)
        for before, after, name in (
            (old.query, new.query, f"the query of {what}"),
            (old.headers, new.headers, f"the headers of {what}"),
        ):
            if after is not None:
                self._schema(before, after, sent=True, what=name)
            elif before is not None:
                message = f"Clients may go on sending {name}; it is not described any more."
                self._say("compatible", "query-removed", new.place, message)

    def _channel_servers(self, old: ChannelView, new: ChannelView, what: str) -> None:
        before = {
            _reached(self._old.servers[key]) for key in (old.servers or self._old.servers) if key in self._old.servers
        }
        after = {
            _reached(self._new.servers[key]) for key in (new.servers or self._new.servers) if key in self._new.servers
        }
        still = {_reached(place) for place in self._new.servers.values()}
        lost = [place for place in self._old.servers.values() if _reached(place) in (before - after) & still]
        for place in lost:
            message = f"Clients that use {what} at {_url(place)} find nobody: it isn't served there any more. Keep it."
            self._say("breaking", "channel-server-removed", new.place.get("servers") or new.place, message)

    # Messages

    def _messages(self, old: ChannelView, new: ChannelView, *, sent: bool) -> None:
        before = {f"{index}": item for index, item in enumerate((old.sent if sent else old.received).values())}
        after = {f"{index}": item for index, item in enumerate((new.sent if sent else new.received).values())}
        tag = _tag([*before.values(), *after.values()])
        pairs, gone, come = pair(
            before,
            after,
            lambda item: (item.key, item.tags.get(tag)) if tag else item.key,
            lambda item: item.tags.get(tag) if tag else None,
            lambda item: item.key,
            lambda item: self._signature(item),
        )
        for one, other in pairs:
            self._message(one, other, new, sent=sent)
        what = f"channel {new.id!r}"
        for item in gone.values():
            hint = _hint(item.key, [other.key for other in come.values()])
            if sent:
                message = (
                    f"Clients that send '{item.key}' over {what} are refused: it isn't taken any more. Keep it.{hint}"
                )
            else:
                message = f"Clients that wait for '{item.key}' over {what} never get it again. Go on sending it.{hint}"
            self._say("breaking", "message-removed", item.member, message, old=True)
        for item in come.values():
            self._new_message(item, what, sent, bool(tag) or not before)

    def _new_message(self, item: MessageView, what: str, sent: bool, known_by_tag: bool) -> None:
        if sent:
            message = f"Clients may send '{item.key}' over {what} now."
            self._say("compatible", "message-added", item.member, message)
        elif known_by_tag:
            message = f"Clients that don't know '{item.key}' over {what} pass it over, by its tag."
            self._say("compatible", "message-added", item.member, message)
        else:
            message = (
                f"Clients of {what} may take '{item.key}' for another message: no member tells its messages apart. "
                "Give each a member with a const of its own, or a channel."
            )
            self._say("unknown", "message-added", item.member, message)

    def _signature(self, item: MessageView) -> str | None:
        if item.payload is None:
            return None
        contract = self._new if item.place.source in self._new.document.files else self._old
        try:
            return contract.schemas.canonical(item.payload)
        except (TooManyError, RecursionError):
            return None

    def _message(self, old: MessageView, new: MessageView, channel: ChannelView, *, sent: bool) -> None:
        what = f"'{new.key}'"
        if old.key != new.key:
            message = f"'{old.key}' is called {what} now. The wire is the same; generated names change."
            self._say("compatible", "message-renamed", new.member, message)
        if old.content_type != new.content_type:
            how = f"send {what} as {old.content_type}" if sent else f"read {what} as {old.content_type}"
            message = f"Clients {how}, and it is {new.content_type} now. Add a message of the new type instead."
            self._say("breaking", "content-type-changed", new.place.get("contentType") or new.place, message)
        if old.correlation and old.correlation != new.correlation:
            message = f"Clients find what belongs to a request at {old.correlation} of {what}, and it moved. Keep it."
            self._say("breaking", "correlation-changed", new.place.get("correlationId") or new.place, message)
        if not sent and old.delivery != new.delivery:
            self._delivery(old, new, what)
        tags = frozenset(old.tags) | frozenset(new.tags)
        if old.payload is not None or new.payload is not None:
            self._schema(old.payload, new.payload, sent=sent, what=what, tags=tags, owner=new.place)
        if old.headers is not None or new.headers is not None:
            self._schema(old.headers, new.headers, sent=sent, what=f"the headers of {what}", owner=new.place)

    def _delivery(self, old: MessageView, new: MessageView, what: str) -> None:
        place = new.place.get("x-delivery") or new.place
        if new.delivery == "lossless":
            self._say("compatible", "delivery-changed", place, f"No frame of {what} is left out any more.")
        else:
            message = (
                f"Clients that count on each frame of {what} may miss some: its delivery was {old.delivery}, "
                f"and is {new.delivery} now. Keep x-delivery."
            )
            self._say("breaking", "delivery-changed", place, message)

    def _schema(
        self,
        old: Place | None,
        new: Place | None,
        *,
        sent: bool,
        what: str,
        tags: frozenset[str] = frozenset(),
        owner: Place | None = None,
    ) -> None:
        before, old_format = _json_schema(old)
        after, new_format = _json_schema(new)
        place = new or owner
        if place is None:
            return
        if old_format != new_format or (old_format and not self._equal(before, after)):
            message = f"Whether clients still fit {what} can't be decided: its schema is {new_format or 'JSON Schema'}."
            self._say("unknown", "schema-undecided", place, f"{message} Compare the two by hand.")
            return
        if old_format or (before is None and after is None):
            return
        anything = replace(place, value=True)
        for change in self._payloads.changes(before or anything, after or anything, sent=sent, tags=tags):
            self._tell(change, what, sent)

    def _equal(self, old: Place | None, new: Place | None) -> bool:
        return text_of(old.value if old else None) == text_of(new.value if new else None)

    def _tell(self, change: Change, what: str, sent: bool) -> None:
        if change.codes and not sent and self._codes_moved and change.rule.startswith("enum"):
            return  # told once, at the codes themselves
        told = _Told(change.severity, change.rule, _mark(change.place), change.old, (str(sent), *change.content))
        self._told.setdefault(told, {})[what] = None
        shorter = min(self._templates.get(told, change.message), change.message, key=len)
        self._templates[told] = shorter  # of the ways that lead there, the shortest is told

    # Operations

    def _operations(self, old: ChannelView, new: ChannelView) -> None:
        before = {item.id: item for item in old.operations}
        after = {item.id: item for item in new.operations}
        pairs, gone, come = pair(
            before,
            after,
            lambda item: (item.id, item.sent),
            lambda item: (item.sent, *sorted(message.key for message in item.messages)),
        )
        for one, other in pairs:
            if one.id != other.id:
                message = (
                    f"Operation {one.id!r} is called {other.id!r} now. The wire is the same; generated names change."
                )
                self._say("compatible", "operation-renamed", other.member, message)
            self._reply(one, other)
            self._stream(one.stream, other.stream, one.place, f"operation {other.id!r}")
            self._subprotocols(one, other, new)
        for item in gone.values():
            self._gone(item, new, [other.id for other in come.values()])
        for item in come.values():
            who = "Clients may send" if item.sent else "Clients get"
            self._say("compatible", "operation-added", item.member, f"{who} what operation {item.id!r} says now.")
        self._channel_security(old, new, pairs)

    def _gone(self, item: OperationView, new: ChannelView, others: list[str]) -> None:
        hint = _hint(item.id, others)
        if item.sent:
            message = f"Clients that ask for operation {item.id!r} are refused: it is gone. Keep it.{hint}"
        else:
            message = f"Clients that wait for operation {item.id!r} never hear of it again. Keep it.{hint}"
        kept = {message.key for message in (new.sent if item.sent else new.received).values()}
        if all(key.key in kept for key in item.messages) and item.reply is None and item.stream is None:
            message = f"Operation {item.id!r} is gone; its messages still cross channel {new.id!r}."
            self._say("compatible", "operation-removed", item.member, message, old=True)
        else:
            self._say("breaking", "operation-removed", item.member, message, old=True)

    def _reply(self, old: OperationView, new: OperationView) -> None:
        what = f"operation {new.id!r}"
        place = new.reply or new.member
        if old.reply is None and new.reply is None:
            return
        if new.reply is None:
            if new.sent:
                message = f"Clients that wait for the reply to {what} wait in vain. Keep the reply."
                self._say("breaking", "reply-removed", old.reply or old.member, message, old=True)
            else:
                self._say("compatible", "reply-removed", new.member, f"Clients needn't answer {what} any more.")
            return
        if old.reply is None:
            if new.sent:
                self._say("compatible", "reply-added", place, f"{what.capitalize()} is answered now.")
            else:
                message = f"Clients don't answer {what}, and the server waits for it now. Do without the reply."
                self._say("breaking", "reply-added", place, message)
            return
        if old.reply_address != new.reply_address:
            message = f"Clients look for the reply to {what} at {old.reply_address or 'its channel'}. Keep it there."
            self._say("breaking", "reply-address-changed", place, message)
        self._reply_messages(old, new, what, place)

    def _reply_messages(self, old: OperationView, new: OperationView, what: str, place: Place) -> None:
        before = {item.key: self._old.message(item, item) for item in old.replies}
        after = {item.key: self._new.message(item, item) for item in new.replies}
        tag = _tag([*before.values(), *after.values()])
        _, gone, come = pair(
            before, after, lambda item: item.key, lambda item: item.tags.get(tag) if tag else None, self._signature
        )
        if new.sent:
            for item in come.values():
                message = f"Clients don't know '{item.key}' as a reply to {what}. Answer by the replies that they know."
                self._say("breaking", "reply-message-added", place, message)
            if gone:
                named = ", ".join(f"'{key}'" for key in gone)
                self._say("compatible", "reply-message-removed", place, f"No reply to {what} is {named} any more.")
        else:
            for item in gone.values():
                message = f"Clients that answer {what} by '{item.key}' are refused. Go on taking it."
                self._say("breaking", "reply-message-removed", place, message)
            if come:
                named = ", ".join(f"'{key}'" for key in come)
                self._say("compatible", "reply-message-added", place, f"Clients may answer {what} by {named} now.")

    def _stream(self, old: Place | None, new: Place | None, owner: Place, what: str) -> None:
        for severity, rule, place, message in streams.changes(old, new, old or owner, what):
            self._say(severity, rule, place, message, old=place.source in self._old.document.files)

    def _subprotocols(self, old: OperationView, new: OperationView, channel: ChannelView) -> None:
        place = new.place.get("x-subprotocols") or new.place
        for name in old.subprotocols:
            if name not in new.subprotocols:
                message = f"Clients that offer {name!r} on channel {channel.id!r} are not answered by it. Keep it."
                self._say("breaking", "subprotocol-removed", place, message)
        for name, item in new.subprotocols.items():
            if name not in old.subprotocols:
                self._say("compatible", "subprotocol-added", item, f"Channel {channel.id!r} knows {name!r} now.")

    # Security

    def _channel_security(
        self, old: ChannelView, new: ChannelView, pairs: Iterable[tuple[OperationView, OperationView]]
    ) -> None:
        what = f"channel {new.id!r}"
        if _uniform(old) and _uniform(new):
            before = next((item.security for item in old.operations if item.security), None)
            stated = next(((item.security, item.place) for item in new.operations if item.security), None)
            self._security(before, stated[0] if stated else None, stated[1] if stated else new.place, what)
            return
        for one, other in pairs:
            self._security(one.security, other.security, other.place, f"operation {other.id!r}")

    def _security(self, old: Security | None, new: Security | None, owner: Place, what: str) -> None:
        free = old is None or old.optional
        if new is None:
            if old is not None:
                self._say("compatible", "security-removed", owner, f"Nobody has to show who he is to {what} any more.")
            return
        if free and not new.optional:
            message = f"Clients of {what} that don't show who they are are refused now. Leave it optional."
            self._say("breaking", "security-required", new.place, message)
        elif not free and new.optional:
            self._say("compatible", "security-optional", new.place, f"Clients of {what} may leave their token out now.")
        if old is None:
            return
        for way in old.ways:
            if way not in new.ways:
                message = f"Clients that show who they are to {what} by {way} are refused. Go on taking it."
                self._say("breaking", "security-way-removed", new.place, message)
        for way, place in new.ways.items():
            if way not in old.ways:
                self._say("compatible", "security-way-added", place, f"{what.capitalize()} also takes {way} now.")
        for scope, place in new.scopes.items():
            if scope not in old.scopes:
                message = f"Clients of {what} whose token has no {scope!r} are refused. Ask for no more than before."
                self._say("breaking", "scope-added", place, message)
        for scope in old.scopes:
            if scope not in new.scopes:
                self._say(
                    "compatible", "scope-removed", new.place, f"{what.capitalize()} asks for no {scope!r} any more."
                )

    # Codes and limits

    def _error_codes(self) -> None:
        old = {place.key: place for place in self._old.root.under("x-error-codes")}
        new = {place.key: place for place in self._new.root.under("x-error-codes")}
        self._codes_moved = bool(old) and bool(new) and set(old) != set(new)
        closed = self._old.uses_error_codes()
        for name, place in old.items():
            if name not in new:
                hint = _hint(name, [other for other in new if other not in old])
                message = f"Clients that act on the error code {name!r} never get it again. Keep it.{hint}"
                self._say("breaking", "error-code-removed", place, message, old=True)
        for name, place in new.items():
            if name not in old:
                if old and closed:
                    message = (
                        f"Clients don't know the error code {name!r}: theirs are a closed list. "
                        "Use one that they know, or tell more in a member beside it."
                    )
                    self._say("breaking", "error-code-added", place, message)
                else:
                    self._say("compatible", "error-code-added", place, f"The error code {name!r} is new.")

    def _close_codes(self) -> None:
        old = {place.key: place for place in self._old.root.under("x-close-codes")}
        new = {place.key: place for place in self._new.root.under("x-close-codes")}
        for code, before in old.items():
            after = new.get(code)
            if after is None:
                message = f"Clients that act on the close code {code} never get it again. Keep it."
                self._say("breaking", "close-code-removed", before, message, old=True)
                continue
            ways = [place.members.get("reconnect") for place in (before, after)]
            if ways[0] != ways[1]:
                how = ("stay away", "come back") if ways[1] else ("come back", "stay away")
                message = (
                    f"Clients {how[0]} after the close code {code}, and should {how[1]} now. Use a code of its own."
                )
                self._say("breaking", "close-code-reconnect", after.get("reconnect") or after, message)
            if before.text("name") != after.text("name"):
                message = f"The close code {code} is called {after.text('name')!r} now. The wire is the same."
                self._say("compatible", "close-code-renamed", after.get("name") or after, message)
        for code, place in new.items():
            if code not in old:
                self._new_close_code(code, place, bool(old))

    def _new_close_code(self, code: str, place: Place, listed: bool) -> None:
        if place.members.get("reconnect") is False and listed:
            message = (
                f"Whether clients stay away after the close code {code} can't be decided: they don't know it. "
                "Use one that they know, or let them come back."
            )
            self._say("unknown", "close-code-added", place, message)
        else:
            message = f"The close code {code} is new. Clients that don't know it come back, as they should."
            self._say("compatible", "close-code-added", place, message)

    def _limits(self) -> None:
        old = {place.key: place for place in self._old.root.under("x-limits")}
        new = {place.key: place for place in self._new.root.under("x-limits")}
        for name, after in new.items():
            before = old.get(name)
            if before is None:
                if old:
                    message = (
                        f"Whether clients keep to the limit {name!r} can't be decided: they don't know it. "
                        "Make it as wide as what held before, and say so with --accept-unknown."
                    )
                    self._say("unknown", "limit-added", after, message)
                else:
                    self._say("compatible", "limit-added", after, f"The limit {name!r} is told now.")
            elif _lower(after.value, before.value):
                message = (
                    f"Clients that keep to {name} {before.value} break it: it is {after.value} now. Don't lower it."
                )
                self._say("breaking", "limit-lowered", after, message)
            elif before.value != after.value:
                message = f"The limit {name!r} is {after.value} now, {before.value} before."
                self._say("compatible", "limit-raised", after, message)
        for name, before in old.items():
            if name not in new:
                self._say("compatible", "limit-removed", before, f"The limit {name!r} is not told any more.", old=True)


def _mark(place: Place) -> Mark:
    """Return where a change is to be shown: at the name of what has members, else at the value."""
    return place.name_mark if isinstance(place.value, (dict, list)) else place.mark


def _fill(template: str, what: Mapping[str, None]) -> str:
    names = list(what)
    rest = len(names) - _SHOWN
    shown = ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
    text = template.format(what=shown)
    return text[:1].upper() + text[1:]


def _hint(name: str, others: Iterable[str]) -> str:
    near = next((other for other in others if similar(name, other)), None)
    return f" It looks like {near!r} under another name: keep both until clients have moved." if near else ""


def _tag(messages: list[MessageView]) -> str | None:
    """Return a member by which every message says what it is, if there is one."""
    if not messages:
        return None
    first, *others = messages
    return next((name for name in first.tags if all(name in other.tags for other in others)), None)


def _uniform(channel: ChannelView) -> bool:
    stated = [item.security for item in channel.operations if item.security]
    said = {(frozenset(item.ways), frozenset(item.scopes), item.optional) for item in stated}
    return len(said) <= 1


def _values(parameter: Place | None) -> list[str] | None:
    values = parameter.members.get("enum") if parameter is not None else None
    return [str(value) for value in values] if isinstance(values, list) else None


def _json_schema(place: Place | None) -> tuple[Place | None, str]:
    """Return a schema, and the name of its format where that is none of JSON Schema's."""
    format_ = place.members.get("schemaFormat") if place is not None else None
    if place is None or not isinstance(format_, str):
        return place, ""
    inner = place.get("schema") or place
    known = ("application/vnd.aai.asyncapi", "application/schema+", "application/vnd.oai.openapi")
    return inner, "" if format_.startswith(known) else format_


def _lower(value: object, than: object) -> bool:
    return isinstance(value, (int, float)) and isinstance(than, (int, float)) and value < than


def _reached(server: Place) -> tuple[str, str, str]:
    return server.text("protocol").lower(), server.text("host").lower(), server.text("pathname").rstrip("/")


def _url(server: Place) -> str:
    protocol, host, path = server.text("protocol"), server.text("host"), server.text("pathname")
    return f"{protocol}://{host}{path}"


def _enums(server: Place) -> dict[str, list[str]]:
    return {place.key: [str(value) for value in place.members.get("enum") or []] for place in server.under("variables")}
