"""Lift: a document of AsyncAPI 2 as one of AsyncAPI 3. It reads what is written, and judges nothing.

What it makes up stands, for faults, where the text that it comes from stands. Schemas are not touched.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from codegen.document import At, Document, Place, Tree
from codegen.faults import did_you_mean
from codegen.naming import pascal
from codegen.structure import Sound, is_json_schema

_ACTIONS = {"publish": "receive", "subscribe": "send"}
"""In AsyncAPI 2 an operation says what others do: they publish what the application receives."""

_OF_AN_OPERATION = frozenset({"operationId", "message", "security"})
_OF_A_CHANNEL = frozenset({"servers", "subscribe", "publish", "deprecated"})
_OF_A_MESSAGE = frozenset({"messageId", "schemaFormat", "payload", "oneOf"})


def lift(document: Document, sound: Sound) -> None:
    """Put a document of AsyncAPI 3 for one of AsyncAPI 2. `sound` is what the check of its structure gave."""
    _Lift(document, sound).run()


class _Lift:
    def __init__(self, document: Document, sound: Sound) -> None:
        self._document = document
        self._root = document.root
        self._sound = frozenset(sound)
        self._servers: dict[str, Place] = {}
        self._operations: dict[str, Place] = {}
        self._messages: dict[Place, Place] = {}

    def run(self) -> None:
        moved = ("asyncapi", "servers", "channels", "components", "tags", "externalDocs")
        tree: dict[str, Tree] = {str(name): child for name, child in self._root.items() if name not in moved}
        tree["asyncapi"] = At("3.0.0", self._root.get("asyncapi") or self._root)
        for place in self._root.under("servers"):
            server = self._of(place, "server")
            if server is not None:
                self._servers[place.key] = self._server(place.key, server)
        components = self._components()  # before the channels: a message keeps the name that it has there
        channels = {
            place.key: self._channel(place, channel)
            for place in self._root.under("channels")
            if (channel := self._of(place, "channel")) is not None
        }
        tree |= {"servers": dict(self._servers), "channels": channels, "operations": dict(self._operations)}
        if components is not None:
            tree["components"] = components
        self._document.replace(self._root, self._document.plant((), tree, self._root))

    def _of(self, place: Place, shape: str) -> Place | None:
        found = self._document.target(place)  # as it is written: that is what was judged
        return found if found is not None and (found, shape) in self._sound else None

    # servers and security

    def _server(self, name: str, server: Place) -> Place:
        tree: dict[str, Tree] = {str(key): child for key, child in server.items() if key not in ("url", "security")}
        url = server.get("url")
        assert url is not None, "the structure was checked before"
        text = url.value if "://" in url.value else f"//{url.value}"
        try:
            parts = urlsplit(text)
            host, path, scheme = parts.netloc, parts.path, parts.scheme
        except ValueError:  # brackets that hold no address
            host, path, scheme = url.value, "", ""
        tree["host"] = At(host or url.value, url)
        if path.strip("/"):
            tree["pathname"] = At(path, url)
        if scheme.lower() in ("ws", "wss"):
            tree["protocol"] = At(scheme, url)
        tree |= self._security(server)
        return self._document.plant(("servers", name), tree, server)

    def _security(self, place: Place) -> dict[str, Tree]:
        """Return `security` as a list of schemes, and what scopes it asks for."""
        listed = place.get("security")
        if listed is None:
            return {}
        schemes: list[Tree] = []
        scopes: dict[str, Tree] = {}
        components = self._root.get("components")
        known = components.get("securitySchemes") if components is not None else None
        for requirement in listed.children():
            for name, wanted in requirement.items():
                scheme = known.get(name) if known is not None else None
                if scheme is None:
                    hint = did_you_mean(str(name), known.members if known is not None else ())
                    text = f"{str(name)!r} does not stand under components/securitySchemes.{hint or ' Add it there.'}"
                    self._document.faults.add(wanted.name_mark, "security", text)
                    continue
                schemes.append(scheme)
                scopes.update((str(scope.value), scope) for scope in wanted.children())
            if len(requirement.members) > 1:
                text = "These schemes are asked for together, and any one of them is taken for enough."
                self._document.faults.warn(requirement.mark, "security", text)
            if not requirement.members:
                return {}  # `{}` among the alternatives: nothing is asked for
        tree: dict[str, Tree] = {"security": At(schemes, listed)} if schemes else {}
        if scopes and schemes:
            tree["x-scopes"] = At(list(scopes.values()), listed)
        return tree

    # channels and operations

    def _channel(self, named: Place, channel: Place) -> Place:
        name = named.key
        tree: dict[str, Tree] = {str(key): child for key, child in channel.items() if key not in _OF_A_CHANNEL}
        tree["address"] = At(name, named)
        if "servers" in channel:
            tree["servers"] = [self._servers[item.value] for item in channel.under("servers") if self._is_server(item)]
        messages: dict[str, Place] = {}
        operations: list[tuple[str, Place, list[Place]]] = []
        for verb in _ACTIONS:
            member = channel.get(verb)
            operation = self._of(member, "operation") if member is not None else None
            if operation is not None:
                operations.append((verb, operation, self._messages_of(name, verb, operation, messages)))
        tree["messages"] = dict(messages)
        lifted = self._document.plant(("channels", name), tree, named)
        for verb, operation, listed in operations:
            self._operation(name, verb, operation, lifted, listed)
        return lifted

    def _is_server(self, item: Place) -> bool:
        if item.value in self._servers:
            return True
        servers = self._root.get("servers")
        if servers is not None and item.value in servers.members:
            return False  # it has faults of its own
        hint = did_you_mean(item.value, self._servers) or " Add it there, or take it out here."
        text = f"Server {item.value!r} does not stand under the document's 'servers'.{hint}"
        self._document.faults.add(item.mark, "unknown-server", text)
        return False

    def _operation(self, channel: str, verb: str, operation: Place, lifted: Place, messages: list[Place]) -> None:
        action = _ACTIONS[verb]
        given = operation.text("operationId") or self._trait_id(operation)
        name = given or f"{action}{pascal(channel)}"
        other = self._operations.get(name)
        if other is not None and given:
            text = f"Another operation has the operationId {name!r}. Give each its own."
            self._document.faults.add((operation.get("operationId") or operation).mark, "same-name", text)
        while name in self._operations:
            name += "_"
        tree: dict[str, Tree] = {str(key): child for key, child in operation.items() if key not in _OF_AN_OPERATION}
        tree |= {"action": action, "channel": lifted, "messages": list(messages)}
        tree |= self._security(operation)
        if "traits" in operation:
            tree["traits"] = [self._trait(item) for item in operation.under("traits")]
        self._operations[name] = self._document.plant(("operations", name), tree, operation)

    def _trait_id(self, operation: Place) -> str:
        found = [self._document.resolve(item) for item in operation.under("traits")]
        return next((item.text("operationId") for item in found if item is not None and item.text("operationId")), "")

    def _trait(self, item: Place) -> Place:
        trait = self._document.resolve(item)
        if trait is None or not {"operationId", "security"} & set(trait.members):
            return item
        tree: dict[str, Tree] = {str(key): child for key, child in trait.items() if key not in _OF_AN_OPERATION}
        return self._document.plant(trait.pointer, {**tree, **self._security(trait)}, trait)

    # messages

    def _messages_of(self, channel: str, verb: str, operation: Place, taken: dict[str, Place]) -> list[Place]:
        """Return the messages of an operation, and add to those of its channel what isn't among them yet."""
        member = operation.get("message")
        if member is None:
            return []
        found: list[Place] = []
        pending, seen = [member], set[Place]()
        while pending:
            place = pending.pop(0)
            message = self._of(place, "message")
            if message is None or message in seen:
                continue
            seen.add(message)
            if "oneOf" in message:
                pending = [*message.under("oneOf"), *pending]
                continue
            base = f"{pascal(channel)}{'Received' if verb == 'publish' else 'Sent'}"
            lifted = self._message(channel, message, base, taken)
            found.append(lifted)
            if lifted not in taken.values():
                name, count = lifted.key, 1
                while name in taken:
                    count += 1
                    name = f"{lifted.key}{count}"
                taken[name] = lifted
        return found

    def _message(self, channel: str, message: Place, base: str, taken: Mapping[str, Place]) -> Place:
        """Return a message of AsyncAPI 3, which has a name: the member's that it stands under, its own, or `base`."""
        if message in self._messages:
            return self._messages[message]
        tree: dict[str, Tree] = {str(key): child for key, child in message.items() if key not in _OF_A_MESSAGE}
        payload, language = message.get("payload"), message.get("schemaFormat")
        if payload is not None and language is not None and not is_json_schema(str(language.value)):
            tree["payload"] = At({"schemaFormat": language, "schema": payload}, payload)
        elif payload is not None:
            tree["payload"] = payload
        lifted, pointer = message, message.pointer
        if not _is_named(message):
            own = message.text("messageId") or message.text("name") or ("" if pointer else message.source.path.stem)
            name, count = own or base, 1
            while name in taken:
                count += 1
                name = f"{own or base}{count}"
            pointer = ("channels", channel, "messages", name)
        if pointer != message.pointer or tree.keys() != message.members.keys():
            lifted = self._document.plant(pointer, tree, message)
            self._document.replace(message, lifted)
        self._messages[message] = lifted
        return lifted

    def _components(self) -> Tree:
        components = self._root.get("components")
        if components is None:
            return None
        moved = ("servers", "channels", "operationTraits", "messages")
        tree: dict[str, Tree] = {str(name): child for name, child in components.items() if name not in moved}
        messages: dict[str, Tree] = {}
        for place in components.under("messages"):
            message = self._of(place, "message")
            if message is not None and "oneOf" not in message:
                messages[place.key] = self._message("", message, place.key, {})
        return {**tree, "messages": messages}


def _is_named(message: Place) -> bool:
    """Tell whether the member that a message stands under is its name; one within a channel stands under `message`."""
    last = message.pointer[-1] if message.pointer else 0
    return isinstance(last, str) and last != "message"
