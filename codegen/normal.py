"""Normal: what a document of AsyncAPI 3 may say in several ways, said in one. It generates nothing.

Traits are merged in, payloads have a schema, addresses are paths, and each address is one channel. What changes is put
in the place of what is written; a document that says it so already is left as it is.
"""

import re
from collections.abc import Iterator, Mapping

from codegen.document import At, Document, Place, Tree
from codegen.faults import did_you_mean
from codegen.schemas import types_of
from codegen.structure import Sound, is_json_schema

PARAMETER = re.compile(r"\{([^{}/]+)\}")
"""What stands in an address for the value of a parameter."""

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_SCALARS = ("string", "integer", "number", "boolean")


def normalise(document: Document, sound: Sound, *, second: bool) -> None:
    """Put the normal form for what is otherwise. `second` says that the document was one of AsyncAPI 2.

    `sound` is what the check of the structure of the files as they are written gave.
    """
    _Normal(document, sound, second).run()


class _Normal:
    def __init__(self, document: Document, sound: Sound, second: bool) -> None:
        self._document = document
        self._faults = document.faults
        self._sound = sound
        self._second = second

    def run(self) -> None:
        shapes = {(self._document.resolve(place), form): None for place, form in self._sound}
        for place, form in shapes:
            if place is None:
                continue
            if form == "message" and "oneOf" not in place:
                self._message(place)
            elif form == "operation" and not self._second:
                self._operation(place)
        if self._second:
            for item in self._document.root.under("operations"):
                self._operation(item)
        self._channels(frozenset(place for place, form in shapes if place is not None and form == "channel"))
        for place, form in self._sound:
            if form == "schema-beside-ref":
                self._beside(place)

    def _put(self, place: Place, tree: Mapping[str, Tree], pointer: tuple[str | int, ...] | None = None) -> Place:
        planted = self._document.plant(place.pointer if pointer is None else pointer, tree, place)
        self._document.replace(place, planted)
        return planted

    def _follow(self, place: Place | None) -> Place | None:
        return self._document.resolve(place) if place is not None else None

    # schemas

    def _beside(self, place: Place) -> None:
        """Read `{$ref, ...}` as `{allOf: [{$ref}, {...}]}`: both count, and a reference alone is what others follow."""
        reference = place.get("$ref")
        assert reference is not None
        rest: dict[str, Tree] = {str(name): child for name, child in place.items() if name != "$ref"}
        self._put(place, {"allOf": [{"$ref": str(reference.value)}, rest]})

    def _language(self, payload: Place) -> None:
        """Read a schema that names its language as the schema itself."""
        found = self._follow(payload)
        if found is None or "schemaFormat" not in found or "schema" not in found:
            return
        language, schema = found.get("schemaFormat"), found.get("schema")
        assert language is not None
        assert schema is not None
        if is_json_schema(str(language.value)):
            self._document.replace(found, schema)
            return
        text = f"A payload in {language.value!r} is not supported by this generator. Write it as JSON Schema."
        self._faults.add(language.mark, "schema-format", text)
        self._put(found, {})

    # messages and operations

    def _message(self, message: Place) -> None:
        tree = self._with_traits(message)
        pointer = message.pointer
        payload = tree.get("payload")
        if isinstance(payload, Place):
            self._language(payload)
        else:
            tree["payload"] = payload or {}
        headers = tree.get("headers")
        if isinstance(headers, Place):
            self._language(headers)
        if not pointer:  # a file of its own: the file's name is the message's
            pointer = ("components", "messages", message.text("name") or message.source.path.stem.partition(".")[0])
        if pointer != message.pointer or tree.keys() != message.members.keys() or "traits" in message:
            self._put(message, tree, pointer)

    def _operation(self, operation: Place) -> None:
        found = self._follow(operation)
        if found is not None and "traits" in found:
            self._put(found, self._with_traits(found))

    def _with_traits(self, place: Place) -> dict[str, Tree]:
        """Return the members of an object together with those of its traits.

        In AsyncAPI 3 the object's own come before those of its traits; in 2 a trait's replace them.
        """
        own: dict[str, Tree] = {str(name): child for name, child in place.items() if name != "traits"}
        given: dict[str, Tree] = {}
        for item in place.under("traits"):
            trait = self._follow(item)
            if trait is not None and isinstance(trait.value, dict):
                given = _merged(given, {str(name): child for name, child in trait.items()})
        return _merged(own, given) if self._second else _merged(given, own)

    # channels

    def _channels(self, sound: frozenset[Place]) -> None:
        root = self._document.root
        named = list(root.under("channels"))
        kept: list[Place] = []
        left_out: set[Place] = set()
        silent = [place for place in named if not self._speaks(place)]
        if silent and len(silent) == len(named):
            self._none_speaks(silent)
            silent = []
        used = {self._follow(item.get("channel")) for item in self._resolved(root, "operations")}
        known = set(sound) | {found for place in named if self._second and (found := self._follow(place)) is not None}
        for place in named:
            channel = self._follow(place)
            if channel is None or channel not in known:
                kept.append(place)
            elif place in silent:
                left_out.add(channel)
                text = f"None of the servers of channel {place.key!r} speaks ws or wss: it is left out."
                self._faults.warn(place.name_mark, "not-websocket", text)
            elif channel.members.get("address") is None and channel not in used and used:
                left_out.add(channel)  # where replies go, said of requests that say where
            else:
                self._channel(place, channel, alone=len(named) == 1)
                kept.append(place)
        joined = self._joined(kept)
        operations = [item for item in root.under("operations") if self._takes_part(item, left_out, known)]
        if len(joined) != len(named) or len(operations) != len(list(root.under("operations"))):
            tree: dict[str, Tree] = {str(name): child for name, child in root.items()}
            tree["channels"] = {place.key: place for place in joined}
            tree["operations"] = {place.key: place for place in operations}
            self._put(root, tree)

    def _takes_part(self, item: Place, left_out: set[Place], known: set[Place]) -> bool:
        operation = self._follow(item)
        channel = self._follow(operation.get("channel")) if operation is not None else None
        if operation is None or channel is None:
            return True  # told already
        if channel in left_out:
            return False
        listed = operation.members.get("messages", channel.members.get("messages"))
        if not listed and channel in {self._follow(place) for place in known}:
            text = f"Operation {item.key!r} has no message, nor has its channel: it is left out. Give it one."
            self._faults.warn(item.name_mark, "no-message", text)
            return False
        return True

    def _resolved(self, place: Place, name: str) -> Iterator[Place]:
        for child in place.under(name):
            found = self._follow(child)
            if found is not None:
                yield found

    def _servers(self, channel: Place) -> list[Place]:
        return list(self._resolved(channel, "servers")) or list(self._resolved(self._document.root, "servers"))

    def _speaks(self, named: Place) -> bool:
        """Tell whether a channel can be one of WebSockets: by a server, by a binding, or as nothing is said."""
        channel = self._follow(named)
        if channel is None:
            return True
        servers = self._servers(channel)
        bindings = self._follow(channel.get("bindings"))
        return not servers or any(map(is_websocket, servers)) or (bindings is not None and "ws" in bindings)

    def _none_speaks(self, silent: list[Place]) -> None:
        """Warn that no server speaks WebSocket: who asks for WebSocket code of such a document means all of it."""
        servers = {server: None for place in silent for server in self._servers(self._follow(place) or place)}
        protocols = sorted({server.text("protocol").lower() for server in servers})
        first = next(iter(servers))
        shown = ", ".join(map(repr, protocols))
        text = f"No server speaks ws or wss, only {shown}: each channel is taken for one of WebSockets all the same."
        self._faults.warn((first.get("protocol") or first).mark, "not-websocket", text)

    def _channel(self, named: Place, channel: Place, *, alone: bool) -> None:
        tree: dict[str, Tree] = {str(name): child for name, child in channel.items()}
        before = dict(tree)
        address = channel.get("address")
        text, query = self._address(named, channel, alone=alone)
        if address is None or text != address.value:
            tree["address"] = At(text, address or named)
        names = PARAMETER.findall(text)
        moved = [name for _, name in query]
        self._parameters(named, channel, tree, names, moved)
        self._handshake(channel, tree, query)
        if tree.keys() != before.keys() or any(tree[name] is not before[name] for name in tree):
            self._put(channel, tree)

    def _address(self, named: Place, channel: Place, *, alone: bool) -> tuple[str, list[tuple[str, str]]]:
        """Return the path of a channel's address, and the query parameters that are written into it."""
        address = channel.members.get("address")
        pathname = self._pathname(named, channel)
        if not isinstance(address, str):
            path = pathname if alone and pathname else f"{pathname}/{named.key.lstrip('/')}"
            text = f"Channel {named.key!r} has no address. It gets a path of its name, {path!r}; write one."
            self._faults.warn((channel.get("address") or named).name_mark, "address", text)
            return path, []
        path = address
        if "://" in path:
            _, _, rest = path.partition("://")
            path = "/" + rest.partition("/")[2]
        path, _, behind = path.partition("?")
        query: list[tuple[str, str]] = []
        for pair in behind.split("&") if behind else ():
            name, _, value = pair.partition("=")
            match = PARAMETER.fullmatch(value)
            if match:
                query.append((name, match[1]))
            else:
                text = f"{pair!r} in an address is not checked in a handshake. Write it under bindings.ws.query."
                place = channel.get("address")
                assert place is not None
                self._faults.warn(place.mark, "address", text)
        if not path.startswith("/"):
            path = f"/{path}"
        if not pathname or path == pathname or path.startswith(f"{pathname}/"):
            return path, query
        return (pathname if path == "/" else f"{pathname}{path}"), query

    def _pathname(self, named: Place, channel: Place) -> str:
        """Return what stands before the address on each of a channel's servers, where they agree."""
        servers = [server for server in self._servers(channel) if is_websocket(server)]
        found: dict[str, Place] = {}
        for server in servers:
            pathname = server.text("pathname")
            variables = server.get("variables")
            for name in _VARIABLE.findall(pathname):
                variable = self._follow(variables.get(name)) if variables is not None else None
                value = (variable.members.get("default") or "") if variable is not None else ""
                listed = variable.members.get("enum") if variable is not None else None
                value = value or (listed[0] if isinstance(listed, list) and listed else "")
                if isinstance(value, str) and value:
                    pathname = pathname.replace(f"{{{name}}}", value)
            found.setdefault(f"/{pathname.strip('/')}" if pathname.strip("/") else "", server)
        if len(found) == 1 and "{" not in next(iter(found)):
            return next(iter(found))
        if found and set(found) != {""}:
            server = next(server for pathname, server in found.items() if pathname)
            place = server.get("pathname") or server
            text = (
                f"The servers of channel {named.key!r} differ in their pathname, or it has a variable without a "
                "default: it is no part of the channel's path, and belongs into the address that a client is given."
            )
            self._faults.warn(place.mark, "pathname", text)
        return ""

    def _parameters(
        self, named: Place, channel: Place, tree: dict[str, Tree], names: list[str], moved: list[str]
    ) -> None:
        defined = {place.key: place for place in channel.under("parameters")}
        found: dict[str, Tree] = {}
        changed = False
        for name in names:
            place = defined.get(name)
            if place is None:
                hint = did_you_mean(name, defined) or " Add it under 'parameters'."
                mark = (channel.get("address") or named).mark
                self._faults.add(mark, "parameter", f"Parameter {name!r} has no definition.{hint}")
                found[name] = {}
                changed = True
            else:
                self._parameter(place)
                found[name] = place
        for name, place in defined.items():
            if name not in names and name not in moved:
                # AsyncAPI doesn't forbid it, and vendors list what a query or a header carries so.
                hint = did_you_mean(name, names) or " What a query carries belongs into bindings.ws.query."
                text = f"{name!r} does not stand in the address, and is left out.{hint}"
                self._faults.warn(place.name_mark, "parameter", text)
            changed = changed or name not in names
        if changed:
            tree["parameters"] = found

    def _parameter(self, place: Place) -> None:
        found = self._follow(place)
        if found is None or not isinstance(found.value, dict):
            return
        schema = found.get("x-schema") or found.get("schema")
        if schema is None:
            return
        plain = self._scalar(schema)
        if "x-schema" in found and plain is schema:
            return
        if "x-schema" not in found and not self._second:
            text = "A parameter has no 'schema' in AsyncAPI 3. It is read as x-schema; write that."
            self._faults.warn(schema.name_mark, "parameter", text)
        tree: dict[str, Tree] = {str(name): child for name, child in found.items() if name != "schema"}
        self._put(found, {**tree, "x-schema": plain})

    def _scalar(self, place: Place) -> Place:
        """Return a schema of a value that is sent as text with the one type that it has; itself, where it has none."""
        schema = self._follow(place)
        if schema is None or not isinstance(schema.value, dict):
            return place
        types = [kind for kind in types_of(schema.value) if kind != "null"]
        if "type" not in schema and not {"allOf", "anyOf", "oneOf", "not", "if"} & set(schema.members):
            values = schema.members.get("enum") or [schema.members.get("const", "")]
            whole = isinstance(values, list) and all(type(value) is int for value in values)
            types = ["integer" if whole else "string"]
        if len(types) != 1 or types[0] not in _SCALARS or schema.members.get("type") == types[0]:
            return place
        tree: dict[str, Tree] = {str(name): child for name, child in schema.items()}
        return self._document.plant(schema.pointer, {**tree, "type": types[0]}, schema)

    def _handshake(self, channel: Place, tree: dict[str, Tree], query: list[tuple[str, str]]) -> None:
        """Set the query and the headers of the WebSocket binding right: objects with properties of one type each."""
        bindings = self._follow(channel.get("bindings"))
        binding = self._follow(bindings.get("ws")) if bindings is not None else None
        before: dict[str, Tree] = {str(n): child for n, child in binding.items()} if binding is not None else {}
        after = dict(before)
        for name in ("query", "headers"):
            schema = self._follow(binding.get(name)) if binding is not None else None
            added = self._added(channel, query) if name == "query" else {}
            if schema is None and not added:
                after.pop(name, None)
                continue
            known = {place.key: place for place in schema.under("properties")} if schema is not None else {}
            plain: dict[str, Tree] = {key: self._scalar(place) for key, place in known.items()}
            if not plain and not added and schema is not None and schema.members.get("type", "object") == "object":
                after.pop(name, None)
            elif schema is None or added or "type" not in schema or any(plain[k] is not known[k] for k in plain):
                own: dict[str, Tree] = {str(n): child for n, child in schema.items()} if schema is not None else {}
                required: list[Tree] = list(schema.under("required")) if schema is not None else []
                after[name] = {
                    **own,
                    "type": own.get("type", "object"),
                    "properties": {**plain, **added},
                    "required": [*required, *added],
                }
        if any(after.get(name) is not before.get(name) for name in {*before, *after}):
            rest: dict[str, Tree] = {str(n): child for n, child in bindings.items()} if bindings is not None else {}
            tree["bindings"] = {**rest, "ws": after}

    def _added(self, channel: Place, query: list[tuple[str, str]]) -> dict[str, Tree]:
        """Return the schemas of query parameters that are written into an address."""
        found: dict[str, Tree] = {}
        parameters = channel.get("parameters")
        for name, parameter in query:
            definition = self._follow(parameters.get(parameter)) if parameters is not None else None
            schema = (definition.get("x-schema") or definition.get("schema")) if definition is not None else None
            enum = definition.get("enum") if definition is not None else None
            if schema is not None:
                found[name] = self._scalar(schema)
            else:
                found[name] = {"type": "string", **({"enum": enum} if enum is not None else {})}
        return found

    # channels of one address

    def _joined(self, named: list[Place]) -> list[Place]:
        """Make one channel of those that have the same address: a connection can't tell which of them it is."""
        groups: dict[str, list[Place]] = {}
        for place in named:
            channel = self._follow(place)
            address = channel.text("address") if channel is not None else ""
            groups.setdefault(address or f"\0{place.key}", []).append(place)
        result: list[Place] = []
        for places in groups.values():
            result.append(places[0])
            if len(places) == 1:
                continue
            channels = [channel for place in places if (channel := self._follow(place)) is not None]
            odd = self._contradiction(channels)
            first, others = places[0], places[1:]
            for place in others:
                channel = self._follow(place)
                mark = ((channel.get("address") if channel is not None else None) or place).mark
                if odd:
                    text = f"Channel {first.key!r} has the same address and another {odd}. Give each its own address."
                    self._faults.add(mark, "address", text)
                else:
                    text = f"Channel {first.key!r} has the same address: this one is read as a part of it."
                    self._faults.warn(mark, "address", text)
            if not odd:
                self._join(channels)
        return result

    def _contradiction(self, channels: list[Place]) -> str:
        """Return the member that channels of one address don't agree on; empty where they can be one."""
        for name in ("bindings", "x-stream"):
            stated = [channel.members[name] for channel in channels if channel.members.get(name) is not None]
            if any(value != stated[0] for value in stated) or (name == "x-stream" and len(stated) > 1):
                return name
        return ""

    def _join(self, channels: list[Place]) -> None:
        tree: dict[str, Tree] = {}
        for channel in reversed(channels):
            tree |= {str(name): child for name, child in channel.items()}
        messages: dict[str, Tree] = {}
        known: dict[Place | None, str] = {}
        for channel in channels:
            for member in channel.under("messages"):
                if self._follow(member) in known:
                    continue
                name, count = member.key, 1
                while name in messages:
                    count += 1
                    name = f"{member.key}{count}"
                known[self._follow(member)] = name
                messages[name] = member
        servers = {
            server: item for channel in channels for item in channel.under("servers") if (server := self._follow(item))
        }
        tree["messages"] = messages
        if all("servers" in channel for channel in channels):
            tree["servers"] = list(servers.values())
        else:
            tree.pop("servers", None)
        joined = self._put(channels[0], tree)
        for channel in channels[1:]:
            if channel != channels[0]:
                self._document.replace(channel, joined)


def is_websocket(server: Place) -> bool:
    """Tell whether a server speaks WebSocket."""
    protocol = server.text("protocol").lower()
    return protocol.startswith("ws") or "websocket" in protocol


def _merged(under: Mapping[str, Tree], over: Mapping[str, Tree]) -> dict[str, Tree]:
    """Return a JSON merge patch: members of `over` before those of `under`, objects member by member."""
    result = dict(under)
    for name, value in over.items():
        one, other = _members_of(result.get(name)), _members_of(value)
        result[name] = _merged(one, other) if one is not None and other is not None else value
    return result


def _members_of(tree: Tree) -> Mapping[str, Tree] | None:
    if isinstance(tree, Place):
        if not isinstance(tree.value, dict) or "$ref" in tree.value:
            return None
        return {str(name): child for name, child in tree.items()}
    return tree if isinstance(tree, Mapping) else None
