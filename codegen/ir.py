"""IR: what is to be generated, decided. Frozen values between the document and the templates; they hold no logic."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A member of `x-error-codes`."""

    name: str
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class CloseCode:
    """A member of `x-close-codes`."""

    name: str
    value: int
    text: str
    reconnect: bool


@dataclass(frozen=True, slots=True)
class Limit:
    """A member of `x-limits`."""

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What a member of an incoming frame must be, for the sentence that a client reads. `path` is as it shows it."""

    path: str
    wanted: str


@dataclass(frozen=True, slots=True)
class DeliveryRule:
    """A message whose delivery depends on a boolean: the attributes that lead to it, and which value means latest."""

    model: str
    attributes: tuple[str, ...]
    latest_when: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `tag` is the value of the channel's tag member; None where the direction needs none.

    `form`: `json`, `text` or `binary`. `tests`: ways to members that must be there, and the values that each may have,
    none where it may be any.
    """

    key: str
    model: str
    tag: str | None
    correlation: tuple[str, ...]
    rules: tuple[FieldRule, ...]
    form: str
    tests: tuple[tuple[tuple[str, ...], tuple[object, ...]], ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that this side receives, with the messages that reach it, and its replies: class names."""

    id: str
    method: str
    doc: str
    messages: tuple[str, ...]
    replies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One operation that this side sends. `replies` are class names; empty where there is no reply."""

    id: str
    method: str
    doc: str
    messages: tuple[Message, ...]
    replies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Server:
    """Where the document says that a server is: `url` has no path of a channel, and no slash at its end."""

    name: str
    url: str
    doc: str


@dataclass(frozen=True, slots=True)
class Security:
    """What a channel's handshake is asked for: where a token may stand, and the scopes that it must have.

    `basic`: a name and a password may stand there instead.
    """

    bearer: bool
    basic: bool
    queries: tuple[str, ...]
    headers: tuple[str, ...]
    cookies: tuple[str, ...]
    scopes: tuple[str, ...]
    optional: bool


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value of a handshake that is sent as text. `default` is Python source, None where the value must be sent."""

    name: str
    wire: str
    doc: str
    kind: str
    type: str  # without its constraints
    annotation: str
    wanted: str
    python_regex: bool
    default: str | None
    needs: tuple[str, ...] = ()  # what must be sent beside it, as it is spelt there


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel: its names in Python, and what crosses it in each direction."""

    id: str
    snake: str
    pascal: str
    constant: str
    argument: str
    address: str
    title: str
    summary: str
    tag_name: str | None
    by_structure: bool  # no one member tells what comes in: it is the first of `incoming` that a frame fits
    incoming: tuple[Message, ...]
    outgoing: tuple[str, ...]
    texts: tuple[str, ...]  # of those that go out, the ones that are no JSON but text
    binaries: tuple[str, ...]  # ... and bytes
    jsons: tuple[str, ...]  # ... and all the others
    operations: tuple[Operation, ...]
    requests: tuple[Request, ...]  # what this side sends, in the document's order
    dispatched: tuple[str, ...]  # what the operations take
    replies: tuple[str, ...]
    may_be_silent: bool
    latest: tuple[str, ...]
    delivery_rules: tuple[DeliveryRule, ...]
    security: Security | None
    subprotocols: tuple[str, ...]
    segments: tuple[str | tuple[str, ...] | None, ...]  # of the address; None for a parameter, texts around several
    mixed: bool  # some segment has a parameter and more
    slashes: bool
    route: str  # what Starlette matches with the decoded path: at least this channel's addresses
    parameters: tuple[Parameter, ...]
    query: tuple[Parameter, ...]
    headers: tuple[Parameter, ...]  # of the handshake


@dataclass(frozen=True, slots=True)
class Root:
    """A message whose payload is no object of one class: a class around one value, whose type is Python source."""

    name: str
    type: str
    doc: str


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One part of a key: a way to its value. `names`: the value is the name of a member there beside these instead."""

    way: tuple[str, ...]
    names: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class StreamFrame:
    """A message of a stream: where it holds what. `tag` is a member's name and value; a way is None if it has none."""

    id: str
    model: str
    tag: tuple[str, str] | None
    key: tuple[KeyPart, ...]
    seq: tuple[str, ...] | None
    prev: tuple[str, ...] | None
    epoch: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """An operation of a stream, with its one message."""

    operation: str
    frame: StreamFrame
    replies: tuple[StreamFrame, ...]


@dataclass(frozen=True, slots=True)
class StreamResume:
    """Where what is held is sent, and where the answer says whether the stream goes on from there."""

    seq: tuple[str, ...]
    epoch: tuple[str, ...] | None
    recovered: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class StreamGap:
    """The frame that tells which frames are gone, and where it holds the first and the last of them."""

    frame: StreamFrame
    first: tuple[str, ...]
    last: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StreamRefresh:
    """The operation that takes a new token, and where its message holds it."""

    request: StreamRequest
    token: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """What `x-stream` says, each default filled in: on an operation with `subscribe`, on a channel with `ready`."""

    channel: str
    subscribe: StreamRequest | None
    unsubscribe: StreamRequest | None
    ack: StreamFrame | None
    ready: StreamFrame | None
    frames: tuple[StreamFrame, ...]
    resume: StreamResume | None
    gap: StreamGap | None
    reset: StreamFrame | None
    refresh: StreamRefresh | None


@dataclass(frozen=True, slots=True)
class ModelField:
    """One member of a class: Python source of its type and default. `wire` is its name in JSON."""

    name: str
    wire: str
    annotation: str
    default: str | None
    note: str
    doc: str


@dataclass(frozen=True, slots=True)
class Model:
    """One class of `models.py`."""

    name: str
    doc: str
    config: tuple[tuple[str, str], ...]
    extra: str | None
    fields: tuple[ModelField, ...]
    check: str | None  # what its values are checked for beyond their types, as Python source


@dataclass(frozen=True, slots=True)
class Alias:
    """One named type of `models.py` that is no class."""

    name: str
    value: str
    recursive: bool
    doc: str


@dataclass(frozen=True, slots=True)
class Models:
    """The content of `models.py`, in an order in which each name is defined before it is used."""

    items: tuple[Model | Alias, ...]
    classes: tuple[str, ...]
    rebuild: tuple[str, ...]
    uses_error_code: bool
    uses_exact: bool
    uses_fits: bool  # some type, or some class, is checked for more than Pydantic can say
    checks_classes: bool
    checks: str  # the schemas that these checks refer to, as Python source


@dataclass(frozen=True, slots=True)
class Package:
    """Everything that the templates need."""

    title: str
    version: str  # of the document's API
    description: str
    source: str
    servers: tuple[Server, ...]
    server: bool
    takes_operations: bool
    secured: bool  # a channel asks for a token
    negotiates: bool  # there are tokens or subprotocols
    refuses: bool  # a handshake can be refused
    has_parameters: bool
    has_query: bool
    has_headers: bool  # a channel asks for headers of a handshake
    reads: bool  # a handshake holds a value of any kind
    pairs: bool  # a value of a handshake is only sent beside another
    mixed: bool  # a segment of an address has a parameter and more
    credentials: bool  # a channel asks for more than one token: a name and a password, say
    by_structure: bool  # some frame is known by its structure
    texts: bool  # a message is text
    binaries: bool  # a message is bytes
    by_specificity: tuple[Channel, ...]  # an address that fits several channels belongs to the first of them
    channels: tuple[Channel, ...]
    roots: tuple[Root, ...]
    classes: tuple[str, ...]  # of `models.py`
    error_codes: tuple[ErrorCode, ...]
    close_codes: tuple[CloseCode, ...]
    limits: tuple[Limit, ...]
    streams: tuple[Stream, ...]
    models: Models
    json: str
    yaml: str
