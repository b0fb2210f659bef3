"""Handshake rules: what a document may ask of a handshake, beyond its structure. It generates nothing."""

import re

from codegen.document import Document, Place
from codegen.reading import Reader

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110's `token`: what the name of a header or of a subprotocol is made of."""
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6749's `scope-token`."""
_BEARER = "bearer."
_DEMANDS = ("x-scopes", "x-security-optional")
_SUPPORTED = "Write http with scheme bearer, or httpApiKey in query or header."


class HandshakeRules:
    """Checks security schemes, operations, and what the operations of a channel say together."""

    def __init__(self, document: Document, reader: Reader) -> None:
        self._faults = document.faults
        self._reader = reader

    def scheme(self, place: Place) -> None:
        """Note every fault of a security scheme that an operation names."""
        kind = place.get("type")
        assert kind is not None
        if kind.value == "http":
            self._bearer(place)
        elif kind.value == "httpApiKey":
            self._api_key(place)
        else:
            text = f"A security scheme of type {kind.value!r} is not supported by this generator. {_SUPPORTED}"
            self._faults.add(kind.mark, "unsupported", text)

    def _bearer(self, place: Place) -> None:
        scheme = place.get("scheme")
        if scheme is None:
            self._faults.add(place.name_mark, "missing", "This security-scheme has no 'scheme'. Add it.")
        elif scheme.value.lower() != "bearer":
            text = f"The HTTP scheme {scheme.value!r} is not supported by this generator. Write bearer."
            self._faults.add(scheme.mark, "unsupported", text)

    def _api_key(self, place: Place) -> None:
        name, where = place.get("name"), place.get("in")
        for member, found in (("name", name), ("in", where)):
            if found is None:
                self._faults.add(place.name_mark, "missing", f"This security-scheme has no {member!r}. Add it.")
        if name is None or where is None:
            return
        if where.value not in ("query", "header"):
            text = f"A key in {where.value!r} is not supported by this generator. Write query or header."
            self._faults.add(where.mark, "unsupported", text)
        elif not name.value or (where.value == "header" and not _TOKEN.fullmatch(name.value)):
            self._faults.add(name.mark, "security", f"{name.value!r} is no name of a {where.value}. Write one.")
        elif where.value == "header" and name.value.lower() in ("authorization", "sec-websocket-protocol"):
            text = f"The header {name.value} is what a bearer token stands in. Write type http with scheme bearer."
            self._faults.add(name.mark, "unsupported", text)

    def operation(self, place: Place) -> None:
        """Note what an operation asks for and can't."""
        security = place.get("security")
        if security is None:
            for name in _DEMANDS:
                member = place.get(name)
                if member is not None:
                    text = f"{name} says something about a token, and this operation has no security. Add it."
                    self._faults.add(member.name_mark, "security", text)
        elif not security.value:
            text = "This list of security schemes is empty. Name one, or leave security out."
            self._faults.add(security.mark, "security", text)
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
        stated = self._reader.securities(place)
        first = stated[0] if stated else None
        for other in stated[1:]:
            assert first is not None
            same = (first.carriages, first.scopes, first.optional) == (other.carriages, other.scopes, other.optional)
            if not same:
                text = (
                    f"Operation {first.place.key!r} of the same channel asks for another security, and a channel has "
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
