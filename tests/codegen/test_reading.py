"""Reading: documents as other people write them, read as if they had been written in the one way that is generated."""

import json
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from codegen.__main__ import main
from codegen.document import Place
from codegen.faults import FORGIVABLE, DocumentError, Fault
from codegen.generate import load
from codegen.reading import Reader

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a document, and files beside it, and returns its path."""

    def write(text: str, **files: str) -> Path:
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(content))
        path = tmp_path / "asyncapi.yaml"
        path.write_text(textwrap.dedent(text))
        return path

    return write


def read(path: Path, *, lenient: bool = False) -> Reader:
    """Return a reader of a document that must be sound."""
    return Reader(load(path, lenient=lenient), "server")


def told(path: Path, *, lenient: bool = False) -> list[Fault]:
    """Return every fault of a document, warnings too."""
    try:
        return list(load(path, lenient=lenient).faults.warnings)
    except DocumentError as error:
        return list(error.faults)


def rules(path: Path, severity: str = "error", *, lenient: bool = False) -> list[tuple[int, str]]:
    """Return line and rule of each fault of a severity."""
    return [(fault.mark.line, fault.rule) for fault in told(path, lenient=lenient) if fault.severity == severity]


def addresses(reader: Reader) -> dict[str, str]:
    """Return the path of each channel."""
    return {place.key: reader.follow(place).text("address") for place in reader.channels()}


def third(body: str) -> str:
    """Return a document of AsyncAPI 3 whose body starts in line 3."""
    return "asyncapi: 3.0.0\ninfo: {title: t, version: '1'}\n" + textwrap.dedent(body).lstrip("\n")


def channel(members: str = "", operation: str = "", rest: str = "") -> str:
    """Return a document of one channel `c` and one operation `o`, with further members."""
    return third(f"""
        channels:
          c: {{address: /c, messages: {{m: {{payload: {{type: object}}}}}}{members}}}
        operations:
          o: {{action: receive, channel: {{$ref: '#/channels/c'}}{operation}}}
    """) + textwrap.dedent(rest)


SECOND = """
    asyncapi: '2.4.0'
    info: {title: Second, version: '1'}
    defaultContentType: application/json
    x-own: kept
    servers:
      live: {url: 'wss://example.com:8443/v1/', protocol: wss, security: [{token: [read]}]}
    channels:
      user/{id}:
        parameters: {id: {description: Whose, schema: {type: integer}}}
        publish:
          operationId: say
          traits: [{summary: By a trait}]
          message:
            oneOf:
              - {$ref: '#/components/messages/say'}
              - {messageId: wave, payload: {type: object, required: [type], properties: {type: {const: wave}}}}
        subscribe:
          message: {payload: {type: object}, x-note: 1}
    components:
      securitySchemes: {token: {type: oauth2, flows: {}}}
      messages:
        say:
          schemaFormat: application/schema+json;version=draft-07
          traits: [{contentType: application/vnd.a+json, name: trait}]
          name: own
          payload: {type: object, required: [type], properties: {type: {const: say}}}
"""


def test_a_document_of_version_2(write: Write) -> None:
    """Its channels are addresses, publish is what comes in, subscribe what goes out, and nothing of it is lost."""
    reader = read(write(SECOND))
    assert addresses(reader) == {"user/{id}": "/v1/user/{id}"}
    incoming, outgoing = reader.operations()
    assert (incoming.place.key, incoming.incoming, [item.key for item in incoming.messages]) == (
        "say",
        True,
        ["say", "wave"],
    )
    assert (outgoing.place.key, outgoing.incoming) == ("sendUserId", False)
    assert [item.key for item in outgoing.messages] == ["UserIdSent"]
    assert outgoing.messages[0].members["x-note"] == 1
    assert reader.document.root.members["x-own"] == "kept"
    assert reader.follow(incoming.place).text("summary") == "By a trait"
    place = reader.channels()[0]
    [(name, parameter)] = reader.parameters(place)
    assert parameter is not None
    assert (name, reader.text_schema(parameter)) == ("id", {"type": "integer"})
    [security] = reader.securities(place)
    assert {str(item.kind) for item in security.carriages} == {"bearer"}
    assert security.scopes == {"read"}


def test_a_trait_comes_first_in_version_2(write: Write) -> None:
    """What a trait says counts in 2; in 3 the message's own does, and both keep what the other doesn't say."""
    message = read(write(SECOND)).operations()[0].messages[0]
    assert (message.text("name"), message.text("contentType")) == ("trait", "application/vnd.a+json")
    text = channel().replace(
        "m: {payload: {type: object}}", "m: {payload: {type: object}, name: own, traits: [{name: x, title: T}]}"
    )
    message = read(write(text)).operations()[0].messages[0]
    assert (message.text("name"), message.text("title"), "traits" in message) == ("own", "T", False)


def test_faults_of_version_2_stand_in_its_text(write: Write) -> None:
    """A fault in what was lifted has the line and column that were written."""
    text = SECOND.replace("type: integer", "type: intger").replace("token: [read]", "tokn: [read]")
    found = told(write(text))
    lines = textwrap.dedent(text).splitlines()
    assert {fault.rule for fault in found} >= {"schema-type", "security"}
    for fault in found:
        assert lines[fault.mark.line - 1] == fault.mark.text
        assert fault.mark.text[fault.mark.column - 1 :].startswith(
            ("intger", "tokn", "{type: intger", "id:", "type: intger")
        )


@pytest.mark.parametrize(
    ("servers", "address", "path"),
    [
        ("", "chat", "/chat"),
        ("", "/", "/"),
        ("", "wss://example.com/deep/chat", "/deep/chat"),
        ("servers: {s: {host: h, protocol: wss, pathname: /v1}}", "/chat", "/v1/chat"),
        ("servers: {s: {host: h, protocol: wss, pathname: /v1}}", "/", "/v1"),
        ("servers: {s: {host: h, protocol: wss, pathname: /v1}}", "/v1/chat", "/v1/chat"),
        ("servers: {s: {host: h, protocol: ws, pathname: '/{v}', variables: {v: {default: v2}}}}", "/chat", "/v2/chat"),
        ("servers: {s: {host: h, protocol: ws, pathname: '/{v}'}}", "/chat", "/chat"),
        ("servers: {s: {host: h, protocol: ws, pathname: /a}, t: {host: h, protocol: ws, pathname: /b}}", "/x", "/x"),
        (
            "servers: {s: {host: h, protocol: ws, pathname: /a}, t: {host: h, protocol: mqtt, pathname: /b}}",
            "/x",
            "/a/x",
        ),
        ("", None, "/c"),
    ],
)
def test_addresses_become_paths(servers: str, address: str | None, path: str, write: Write) -> None:
    """A path begins with a slash and with the pathname that the channel's WebSocket servers share."""
    text = channel().replace("address: /c", f"address: {json.dumps(address)}")
    assert addresses(read(write(text + servers))) == {"c": path}


def test_query_parameters_within_an_address(write: Write) -> None:
    """`/c?token={token}` is a path and a query parameter."""
    text = channel(", parameters: {token: {enum: [a, b]}}").replace("address: /c", "address: '/c?t={token}'")
    reader = read(write(text))
    [place] = reader.channels()
    query = reader.query(place)
    assert query is not None
    assert addresses(reader) == {"c": "/c"}
    assert (query.members["required"], query.members["properties"]) == (
        ["t"],
        {"t": {"type": "string", "enum": ["a", "b"]}},
    )


def test_channels_of_one_address_are_one(write: Write) -> None:
    """They are joined with a warning: a connection can't tell them apart. Of bindings that differ none is dropped."""
    text = third("""
        channels:
          a: {address: /x, messages: {m: {payload: {type: object}}}}
          b: {address: x, messages: {m: {payload: {type: object}}, n: {payload: {type: object}}}}
        operations:
          inA: {action: receive, channel: {$ref: '#/channels/a'}}
          inB: {action: receive, channel: {$ref: '#/channels/b'}}
    """)
    reader = read(write(text))
    assert addresses(reader) == {"a": "/x"}
    assert {item.channel.key for item in reader.operations()} == {"a"}
    assert len(reader.channel_messages(reader.channels()[0])) == 3
    assert (5, "address") in rules(write(text), "warning")
    bound = "bindings: {ws: {query: {type: object, properties: {%s: {type: string}}}}},"
    text = text.replace("address: /x,", f"address: /x, {bound % 'p'}")
    assert (5, "address") in rules(write(text.replace("address: x,", f"address: x, {bound % 'q'}")))


def test_servers_of_other_protocols(write: Write) -> None:
    """A channel on other servers only is left out; if all are, they are taken for WebSockets. Both with a warning."""
    text = third("""
        servers: {w: {host: h, protocol: wss}, q: {host: h, protocol: mqtt}}
        channels:
          a: {address: /a, messages: {m: {payload: {type: object}}}}
          b: {address: /b, servers: [{$ref: '#/servers/q'}], messages: {m: {payload: {type: object}}}}
        operations:
          inA: {action: receive, channel: {$ref: '#/channels/a'}}
          inB: {action: receive, channel: {$ref: '#/channels/b'}}
    """)
    reader = read(write(text))
    assert (list(addresses(reader)), [item.place.key for item in reader.operations()]) == (["a"], ["inA"])
    assert rules(write(text), "warning") == [(6, "not-websocket")]
    alone = text.replace("protocol: wss", "protocol: kafka")
    assert (rules(write(alone)), rules(write(alone), "warning")) == ([], [(3, "not-websocket")])
    assert len(addresses(read(write(alone)))) == 2


@pytest.mark.parametrize(
    ("message", "form"),
    [
        ("{}", "json"),
        ("{payload: {type: string}}", "json"),
        ("{payload: {type: string}, contentType: text/plain}", "text"),
        ("{contentType: application/octet-stream}", "binary"),
        ("{payload: {type: string, format: binary}, contentType: audio/wav}", "binary"),
        ("{payload: {type: object}, contentType: application/xml}", "json"),
        ("{payload: {type: array, items: {}}}", "json"),
        ("{payload: true}", "json"),
        ("{payload: {schemaFormat: application/schema+json, schema: {type: string}}, contentType: text/xml}", "text"),
    ],
)
def test_payloads_of_any_kind(message: str, form: str, write: Write) -> None:
    """A message may have no payload, or one that is no object; its content type says how it stands in a frame."""
    reader = read(write(channel().replace("{payload: {type: object}}", message)))
    [operation] = reader.operations()
    [read_] = operation.messages
    assert reader.form(read_) == form
    assert reader.follow(reader.payload(read_)).value is not None


def test_a_message_that_is_a_file(write: Write) -> None:
    """It has the file's name, whatever the operation's way to it."""
    text = channel().replace("{payload: {type: object}}", "{$ref: messages/say.yaml}")
    reader = read(
        write(text, messages__say_dot_yaml="payload: {$ref: '../say.json'}", say_dot_json='{"type": "object"}')
    )
    [operation] = reader.operations()
    assert [message.key for message in operation.messages] == ["say"]


def test_references(write: Write) -> None:
    """They lead through references, to anchors, to `$id`s, and into OpenAPI files, whatever else those hold."""
    path = write(
        channel().replace(
            "{payload: {type: object}}",
            "{payload: {type: object, properties: {a: {$ref: 'openapi.yaml#/components/schemas/A'}, "
            "b: {$ref: 'folder/b.json'}, c: {$ref: 'folder/b.json#there'}, d: {$ref: 'https://x.org/s/b.json'}}}}",
        )
        + "x-more: {}\n",
        openapi_dot_yaml="openapi: 3.1.0\npaths: 5\n"
        "components: {schemas: {A: {$ref: '#/components/schemas/B'}, B: {type: string}}}",
        folder__b_dot_json='{"$id": "https://x.org/s/b.json", "type": "object", "properties": {"c": {"$ref": '
        '"https://x.org/s/c.json"}}, "$defs": {"d": {"$anchor": "there", "type": "integer"}}}',
        folder__c_dot_json='{"type": "boolean"}',
    )
    reader = read(path)
    payload = reader.follow(reader.payload(reader.operations()[0].messages[0]))

    def at(*names: str) -> Place:
        place = payload
        for name in names:
            inner = place.get("properties")
            assert inner is not None
            member = inner.get(name)
            assert member is not None
            place = reader.follow(member)
        return place

    assert [at(name).text("type") for name in "abcd"] == ["string", "object", "integer", "object"]
    assert at("b", "c").text("type") == "boolean"


def test_members_beside_a_reference(write: Write) -> None:
    """Remarks may stand there. What else does is told where it doesn't count, and counts where the dialect says so."""
    schema = "{type: object, properties: {a: {$ref: '%s', description: Mine, minLength: 2}}}"
    text = channel().replace("{type: object}", schema % "#/components/schemas/s")
    rest = "components: {schemas: {s: {type: string}}}\n"
    assert rules(write(text + rest), "warning") == [(4, "ref-siblings")]
    modern = '{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {"a": '
    modern += '{"$ref": "#/$defs/s", "required": ["b"]}}, "$defs": {"s": {"type": "object", "properties": {"b": {}}}}}'
    path = write(channel().replace("{type: object}", "{$ref: m.json}"), m_dot_json=modern)
    assert rules(path, "warning") == []
    reader = read(path)
    members = reader.follow(reader.payload(reader.operations()[0].messages[0])).get("properties")
    assert members is not None
    member = members.get("a")
    assert member is not None
    assert reader.follow(member).value == {"allOf": [{"$ref": "#/$defs/s"}, {"required": ["b"]}]}


@pytest.mark.parametrize(
    ("scheme", "kinds", "severity"),
    [
        ("{type: http, scheme: Bearer}", {"bearer"}, None),
        ("{type: oauth2, flows: {}, scopes: [a]}", {"bearer"}, None),
        ("{type: openIdConnect, openIdConnectUrl: u}", {"bearer"}, None),
        ("{type: httpApiKey, in: header, name: X-Key}", {"header"}, None),
        ("{type: httpApiKey, in: header, name: Authorization}", {"bearer"}, None),
        ("{type: httpApiKey, in: query, name: key}", {"query"}, None),
        ("{type: http, scheme: basic}", {"basic"}, None),
        ("{type: userPassword}", {"basic"}, None),
        ("{type: apiKey, in: user}", {"basic"}, None),
        ("{type: X509}", set(), "error"),
        ("{type: httpApiKey, in: cookie, name: key}", {"cookie"}, None),
    ],
)
def test_security_of_servers(scheme: str, kinds: set[str], severity: str | None, write: Write) -> None:
    """It counts for the channels whose operations state none. What no handshake carries is refused, or left out."""
    text = channel(rest=f"servers: {{s: {{host: h, protocol: ws, security: [{scheme}]}}}}\n")
    found = [fault.severity for fault in told(write(text)) if fault.rule == "security-scheme"]
    assert found == ([severity] if severity else [])
    reader = read(write(text), lenient=True)
    assert {
        item.kind for place in reader.channels() for got in reader.securities(place) for item in got.carriages
    } == kinds
    beside = text.replace("security: [", "security: [{type: httpApiKey, in: query, name: other}, ")
    assert rules(write(beside)) == []


def test_replies(write: Write) -> None:
    """A reply goes over the connection of its request, whatever channel or address it names, in either direction."""
    text = third("""
        channels:
          c: {address: /c, messages: {ask: {payload: {type: object}}}}
          answers: {address: null, messages: {told: {payload: {type: object}}}}
        operations:
          o:
            action: send
            channel: {$ref: '#/channels/c'}
            reply: {address: {location: '$message.header#/to'}, channel: {$ref: '#/channels/answers'}}
    """)
    reader = read(write(text))
    [operation] = reader.operations()
    assert (operation.incoming, [message.key for message in operation.replies]) == (False, ["told"])
    assert list(addresses(reader)) == ["c"]
    assert rules(write(text), "warning") == [(10, "reply-address")]


def test_security_of_another_protocol(write: Write) -> None:
    """What a broker asks for can't be asked of a handshake: it is told and left out, on operations too."""
    server = "servers: {s: {host: h, protocol: kafka-secure, security: [{type: scramSha256}]}}\n"
    for path in (write(channel(rest=server)), write(channel(operation=", security: [{type: X509}]", rest=server))):
        assert rules(path) == []
        assert "security-scheme" in {rule for _, rule in rules(path, "warning")}
    mixed = "servers: {w: {host: h, protocol: wss, security: [{type: X509}]}, k: {host: h, protocol: kafka}}\n"
    assert [rule for _, rule in rules(write(channel(rest=mixed)))] == ["security-scheme"]


def test_a_parameter_that_no_address_has(write: Write) -> None:
    """Vendors list what a query or a header carries among the parameters: it is told, and left out."""
    path = write(channel(", parameters: {key: {description: d, default: x, location: $message.header#/Key}}"))
    assert rules(path) == []
    assert "parameter" in {rule for _, rule in rules(path, "warning")}
    [found] = read(path).channels()
    assert read(path).parameters(found) == ()


FORGIVEN: Mapping[str, str] = {
    "duplicate-name": channel().replace("address: /c", "address: /c, address: /d"),
    "incomplete": channel().replace("title: t, ", ""),
    "message-not-in-channel": channel(
        operation=", messages: [{$ref: '#/components/messages/x'}]",
        rest="components: {messages: {x: {payload: {type: object}}}}\n",
    ),
    "parameter": channel().replace("address: /c", "address: '/{p}'"),
    "prose": channel().replace("version: '1'", "version: 1.0"),
    "ref-remote": channel().replace("{type: object}", "{$ref: 'https://example.com/a.json#/definitions/a'}"),
    "schema-format": channel().replace(
        "{type: object}", "{schemaFormat: application/vnd.apache.avro, schema: {type: int}}"
    ),
    "security-scheme": channel(operation=", security: [{type: X509}]"),
    "unknown-member": channel().replace("address: /c", "adress: /c, address: /c"),
    "version": channel().replace("3.0.0", "3.9.0"),
}


@pytest.mark.parametrize("rule", sorted(FORGIVABLE))
def test_what_can_be_forgiven(rule: str, write: Write) -> None:
    """Each fault that --lenient forgives is an error without it, and alone; with it a warning, and the rest is read."""
    path = write(FORGIVEN[rule])
    assert [found for _, found in rules(path)] == [rule]
    assert rule in [found for _, found in rules(path, "warning", lenient=True)]
    assert addresses(read(path, lenient=True))


def test_what_a_vendor_writes_is_only_warned_of(write: Write) -> None:
    """Examples that contradict, a POST, an empty member, headers of a frame: none changes what is generated."""
    text = channel(", bindings: {ws: {method: POST, query: {properties: }}}").replace(
        "{payload: {type: object}}", "{headers: {type: object}, payload: {type: object}, examples: [{payload: 5}]}"
    )
    assert rules(write(text)) == []
    found = {rule for _, rule in rules(write(text), "warning")}
    assert found == {"example", "method", "empty", "message-headers"}


@pytest.mark.parametrize("form", ["json", "github"])
def test_formats(form: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults come as JSON or as GitHub's annotations, on the standard output, with severity, place and rule."""
    path = write(channel().replace("address: /c", "adress: /c%"))
    assert main([str(path), "--format", form]) == 2
    out, err = capsys.readouterr()
    assert err == ""
    if form == "github":
        assert out.splitlines()[-1].startswith(
            "::error file=asyncapi.yaml,line=4,col=7,title=unknown-member::A channel has"
        )
        return
    records: list[dict[str, Any]] = json.loads(out)
    fault = next(record for record in records if record["severity"] == "error")
    assert (fault["file"], fault["line"], fault["column"], fault["rule"]) == ("asyncapi.yaml", 4, 7, "unknown-member")
    assert fault["text"].lstrip().startswith("c: {adress")


def test_no_fault_is_an_empty_list(write: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A tool that reads JSON gets some, even if there is nothing to tell."""
    assert main([str(write(channel())), "--format", "json", "--server", str(tmp_path / "made")]) == 0
    assert json.loads(capsys.readouterr().out) == []
