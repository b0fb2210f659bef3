"""Handshake rules: what a document may ask of a handshake, beyond its structure. It generates nothing."""

import re

from codegen.document import Document, Place
from codegen.faults import did_you_mean
from codegen.normal import is_websocket
from codegen.reading import BEARER_TYPES, Reader, carriage_of

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110's `token`: what the name of a header or of a subprotocol is made of."""
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6749's `scope-token`."""
_BEARER = "bearer."
_DEMANDS = ("x-scopes", "x-security-optional")
_SUPPORTED = "Write http with scheme bearer, oauth2, openIdConnect, or httpApiKey in query or header."
_TYPES = (
    *("userPassword", "apiKey", "X509", "symmetricEncryption", "asymmetricEncryption", "httpApiKey", "http", "oauth2"),
    *("openIdConnect", "plain", "scramSha256", "scramSha512", "gssapi"),
)


class HandshakeRules:
    """Checks security schemes, operations, and what the operations of a channel say together."""

    def __init__(self, document: Document, reader: Reader) -> None:
        self._faults = document.faults
        self._reader = reader

    def scheme(self, place: Place) -> None:
        """Note every fault of a security scheme itself, used or not."""
        kind = place.text("type")
        if kind not in _TYPES:
            mark = (place.get("type") or place).mark
            hint = did_you_mean(kind, _TYPES) or f" Write one of {', '.join(_TYPES)}."
            self._faults.add(mark, "security", f"There is no type of security scheme {kind!r}.{hint}")
        wanted = {"http": ("scheme",), "httpApiKey": ("name", "in")}.get(kind, ())
        for member in wanted:
            if member not in place:
                self._faults.add(place.name_mark, "missing", f"This security-scheme has no {member!r}. Add it.")
        name, where, scopes = place.get("name"), place.get("in"), place.get("scopes")
        if kind == "httpApiKey" and name is not None and where is not None:
            if where.value not in ("query", "header", "cookie"):
                text = f"A key stands in a query, a header or a cookie, and not in {where.value!r}."
                self._faults.add(where.mark, "security", text)
            elif not name.value or (where.value != "query" and not _TOKEN.fullmatch(name.value)):
                self._faults.add(name.mark, "security", f"{name.value!r} is no name of a {where.value}. Write one.")
            elif where.value == "header" and name.value.lower() == "sec-websocket-protocol":
                text = f"The header {name.value} names subprotocols. Write x-subprotocols, or another header."
                self._faults.add(name.mark, "unsupported", text)
        if scopes is not None and kind not in BEARER_TYPES:
            text = "Scopes are what an operation asks for. Write them there, as x-scopes."
            self._faults.add(scopes.name_mark, "unsupported", text)

    def operation(self, place: Place) -> None:
        """Note what an operation asks for and can't."""
        security = place.get("security")
        if security is None:
            for name in _DEMANDS:
                member = place.get(name)
                if member is not None:
                    text = f"{name} says something about a token, and this operation has no security. Add it."
                    self._faults.add(member.name_mark, "security", text)
        scopes = place.get("x-scopes")
        optional = security is not None and place.members.get("x-security-optional") is True
        if scopes is not None and scopes.value and optional:
            text = "A client without a token has no scope. Leave out x-scopes or x-security-optional."
            self._faults.add(scopes.name_mark, "security", text)
        for scope in place.under("x-scopes"):
            if not _SCOPE.fullmatch(scope.value):
                text = f"{scope.value!r} is no scope: it is printable ASCII without a blank, a quote or a backslash."
                self._faults.add(scope.mark, "security", text)
        for protocol in place.under("x-subprotocols"):
            if not _TOKEN.fullmatch(protocol.value):
                text = f"{protocol.value!r} is no name of a subprotocol: it has no blank, comma, slash or the like."
                self._faults.add(protocol.mark, "subprotocol", text)
            elif protocol.value.startswith(_BEARER):
                text = f"A subprotocol that begins with {_BEARER!r} carries a token. Give this one another name."
                self._faults.add(protocol.mark, "subprotocol", text)

    def channel(self, place: Place) -> None:
        """Note where the operations of a channel contradict each other: it has one handshake for all of them."""
        self._checkable(place)
        stated = self._reader.securities(place)
        first = stated[0] if stated else None
        for other in stated[1:]:
            assert first is not None
            same = (first.carriages, first.scopes, first.optional) == (other.carriages, other.scopes, other.optional)
            if not same:
                text = (
                    f"{first.place.key!r} asks for another security for the same channel, and a channel has "
                    "one handshake. Write the same security, x-scopes and x-security-optional, or leave all three out."
                )
                self._faults.add(other.place.name_mark, "security", text)
        query = self._reader.query(place)
        names = {item.name for item in first.carriages if item.kind == "query"} if first is not None else set()
        for member in query.under("properties") if query is not None else ():
            if member.key in names:
                text = f"{member.key!r} is where a security scheme has the token. Take it out here."
                self._faults.add(member.name_mark, "security", text)
        protocols = self._reader.subprotocols(place)
        for protocol in protocols[1:]:
            if protocol.value != protocols[0].value:
                text = (
                    f"Operation {protocols[0].pointer[-2]!r} of the same channel lists other subprotocols, and a "
                    "channel has one handshake. Write the same list, or leave it out."
                )
                self._faults.add(protocol.name_mark, "subprotocol", text)

    def _checkable(self, place: Place) -> None:
        """Note the schemes of a channel that no handshake carries."""
        channel = self._reader.follow(place)
        operations = [self._reader.follow(item.place) for item in self._reader.operations() if item.channel == channel]
        servers = [server for server in self._reader.servers(place) if server.members.get("security")]
        stating = [item for item in operations if item.members.get("security")]
        if stating and servers and not all(self._same(stating[0], server) for server in servers):
            security = servers[0].get("security")
            assert security is not None
            text = f"The operations of channel {place.key!r} ask for a security of their own: only that is checked."
            self._faults.warn(security.name_mark, "security", text)
        speaking = self._reader.servers(place)
        foreign = bool(speaking) and not any(map(is_websocket, speaking))
        for holder in stating or servers:
            schemes = [(item, self._reader.follow(item)) for item in holder.under("security")]
            fine = [scheme for _, scheme in schemes if carriage_of(scheme) is not None]
            elsewhere = foreign or (holder in servers and not is_websocket(holder))
            for item, scheme in schemes:
                if carriage_of(scheme) is None and scheme.text("type") in _TYPES:
                    self._not_carried(item, scheme, others=bool(fine), elsewhere=elsewhere)

    def _same(self, operation: Place, server: Place) -> bool:
        found = [{self._reader.follow(item) for item in holder.under("security")} for holder in (operation, server)]
        return found[0] == found[1]

    def _not_carried(self, item: Place, scheme: Place, *, others: bool, elsewhere: bool) -> None:
        shown = " ".join(filter(None, (scheme.text("type"), scheme.text("scheme") or scheme.text("in"))))
        if others:
            text = f"The security scheme {shown!r} is left out: no handshake is checked for it, only for the others."
            self._faults.warn(item.mark, "security-scheme", text)
            return
        if elsewhere:
            text = f"The security scheme {shown!r} is another protocol's: no handshake is checked for it here."
            self._faults.warn(item.mark, "security-scheme", text)
            return
        text = f"This generator checks no handshake for {shown!r}, and nothing else is asked for. {_SUPPORTED}"
        self._faults.add(item.mark, "security-scheme", text)
