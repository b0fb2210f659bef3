"""Model: what the tester's parts hand to one another: steps, what happened, what was found. Values without logic."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from codegen.faults import Mark

Data: TypeAlias = str | bytes
"""What a frame holds: a text frame's text, or a binary frame's bytes."""

PhaseName: TypeAlias = Literal["examples", "boundaries", "valid", "invalid", "stateful", "handshake", "limits"]

PHASES: Final[Mapping[PhaseName, str]] = {
    "examples": "the document's own examples",
    "boundaries": "the boundary values of each schema keyword",
    "valid": "generated messages that fit their schemas",
    "invalid": "messages of which exactly one thing is broken",
    "stateful": "conversations: operations in every order, subscriptions, reconnects",
    "handshake": "tokens, scopes, addresses, parameters, subprotocols",
    "limits": "too much of everything: frames, subscriptions, connections (not run unless it is named)",
}
"""The phases in the order in which they run, and what each of them sends."""

DEFAULT_PHASES: Final[tuple[PhaseName, ...]] = tuple(name for name in PHASES if name != "limits")
"""What runs where nothing else is asked for: all but what is hostile."""

RULES: Final[Mapping[str, str]] = {
    "frame-undeclared": "The server sent a frame that is no message of this channel.",
    "frame-invalid": "The server sent a message that doesn't fit its schema.",
    "error-code": "The server answered with an error code that the document doesn't have.",
    "close-code": "The server closed with a code that the document doesn't have.",
    "connection-lost": "The connection ended without a close frame.",
    "reply-missing": "A request got neither its reply nor an error in time.",
    "reply-late": "A request's reply came after the time.",
    "reply-id": "A reply doesn't carry its request's correlation id.",
    "reply-wrong": "A request was answered by a message that isn't declared as its reply.",
    "reply-twice": "A request was answered twice.",
    "reply-unasked": "A reply came without a request.",
    "valid-refused": "A message that fits its schema was refused as malformed.",
    "invalid-accepted": "A message that breaks its schema was answered as if it were good.",
    "invalid-ignored": "A message that breaks its schema got no answer.",
    "invalid-kills": "A message that breaks its schema ended the connection.",
    "handshake-accepted": "A handshake was let in that must be refused.",
    "handshake-refused": "A good handshake was refused.",
    "handshake-subprotocol": "The subprotocol chosen isn't the one that the document leads to.",
    "token-kept": "A connection went on with a token that no longer counts.",
    "stream-ack-late": "A frame of a subscription came before its acknowledgement.",
    "stream-hole": "A counted frame says that another came before it, which didn't.",
    "stream-double": "A counted frame came again, or behind one with a later position.",
    "stream-backward": "A position fell, or contradicts what was held.",
    "stream-epoch": "The epoch changed within a subscription without a reset.",
    "stream-unsubscribed": "A frame came that this connection isn't subscribed to.",
    "stream-resume": "A resumed stream doesn't go on where it was left.",
}
"""What can be found, by the name of the rule that is broken."""


BY_TIME: Final = frozenset({"reply-missing", "reply-late", "invalid-ignored"})
"""The rules of which only the clock tells that they were broken."""

BY_COMPARISON: Final = frozenset({"valid-refused"})
"""The rules of which only what the server did else tells that they were broken."""


@dataclass(frozen=True, slots=True)
class Connect:
    """A step: open a connection. `target` is the path and query as sent; `note` says what is wrong with it, if it is.

    `accepted` is what the document wants; None where it says nothing.
    """

    channel: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    subprotocols: tuple[str, ...] = ()
    socket: int = 0
    note: str = ""
    accepted: bool | None = True


@dataclass(frozen=True, slots=True)
class Link:
    """A value of a frame that isn't known before: it comes from a frame that the server sent in this conversation.

    `into` leads to it in what is sent, `message` and `way` to where the server's newest such message holds it.
    """

    into: tuple[str | int, ...]
    message: str
    way: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Send:
    """A step: send a frame. `good` tells whether it fits `operation`'s schema; `note` says what is broken in it."""

    data: Data
    operation: str | None = None
    message: str | None = None
    good: bool = True
    note: str = ""
    mark: Mark | None = None
    socket: int = 0
    links: tuple[Link, ...] = ()
    ends: bool = False  # what is broken may end the connection
    covers: tuple[str, ...] = ()  # the schema keywords that it exercises: see covering.keyword_name


@dataclass(frozen=True, slots=True)
class Wait:
    """A step: see what comes for so many seconds."""

    seconds: float
    socket: int = 0


@dataclass(frozen=True, slots=True)
class Close:
    """A step: close a connection; with `code` None it is cut, as by a lost network."""

    code: int | None = 1000
    socket: int = 0


Step: TypeAlias = Connect | Send | Wait | Close

EventKind: TypeAlias = Literal["opened", "refused", "sent", "received", "closed", "closing"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, `at` seconds after the conversation began.

    `opened`: `text` is the subprotocol chosen; `refused`: `code` is the HTTP status and `text` the body; `sent`,
    `received`: `data`, and the `message` that it is by the document, None if it is none; `closing`: the client closes;
    `closed`: `code` and `text` are the server's, `code` None where there was no close frame.
    """

    at: float
    socket: int
    kind: EventKind
    data: Data | None = None
    code: int | None = None
    text: str = ""
    message: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule broken, as it is noticed. `text` is one sentence that says what was wanted and what came.

    `mark` is where the document says otherwise. `subject` tells two violations of one rule apart (a message, a
    keyword, an operation): findings are one for each rule, channel and subject.
    """

    rule: str
    text: str
    channel: str
    subject: str = ""
    operation: str | None = None
    message: str | None = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation with the shortest conversation known that shows it.

    `seen` of `tried` repetitions of `steps` showed it again. `count`: how often it was met in all.
    """

    violation: Violation
    phase: PhaseName
    seed: int
    steps: tuple[Step, ...]
    transcript: tuple[Event, ...]
    seen: int
    tried: int
    count: int = 1


@dataclass(slots=True)
class Tally:
    """What was covered of one kind: how often each member was met. `reasons` say why one could not be."""

    counts: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Coverage:
    """What of the document was met. Each tally holds every member, with 0 for those that weren't.

    `operations` and `sent` are what the tester sent, `received` what the server sent (`channel/message`); `keywords`:
    schema keywords exercised on either side of their boundary (`channel/message#/pointer keyword` valid or invalid);
    `errors` and `closes`: the document's codes.
    """

    operations: Tally = field(default_factory=Tally)
    sent: Tally = field(default_factory=Tally)
    received: Tally = field(default_factory=Tally)
    keywords: Tally = field(default_factory=Tally)
    errors: Tally = field(default_factory=Tally)
    closes: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential that no report shows. `name` is the variable that stands in its place.

    Of a token that the tester signed, `key` is the variable of the key, `claims` and `header` are what it says, and
    `signed_at` is when (seconds since the epoch): a script signs it anew.
    """

    value: str = field(repr=False)
    name: str
    key: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict, hash=False)
    header: Mapping[str, Any] = field(default_factory=dict, hash=False)
    signed_at: float = 0.0


@dataclass(slots=True)
class PhaseResult:
    """How a phase went. `complete` is false where it was cut short; `note` may say why.

    `tried`: the operations of which it sent something, as `channel/operation`; None where that isn't known.
    """

    name: PhaseName
    cases: int = 0
    frames: int = 0
    seconds: float = 0.0
    complete: bool = True
    note: str = ""
    tried: set[str] | None = None


@dataclass(slots=True)
class Result:
    """A whole run."""

    document: str
    title: str
    url: str
    seed: int
    started: float
    seconds: float = 0.0
    stopped: bool = False  # by hand, before its end: what was found by then stands, and no more is said
    phases: list[PhaseResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)
    remarks: list[str] = field(default_factory=list)
    credentials: dict[str, str] = field(default_factory=dict)  # options that gave them: variables to hold their values
    secrets: dict[str, Secret] = field(default_factory=dict, repr=False)  # what no report shows, by its value
    arguments: tuple[str, ...] = ()  # further words of the command that ran it
    asked: tuple[PhaseName, ...] = DEFAULT_PHASES
    failed: str = ""  # what to tell where the tester itself failed: what was found by then stands
