"""Handshakes: the ones to try on a channel, each with what the document wants of it, and what to say of how they went.

It opens no connection. A document says little of what must be refused; where it is silent, a case says so
(`accepted` None) and what comes of it is a remark, not a violation.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from random import Random
from typing import Final, Literal, TypeAlias

from codegen.faults import Mark
from codegen.reading import Carriage
from contract.addresses import (
    Pool,
    given_values,
    good_headers,
    good_parameters,
    good_query,
    known_sets,
    may_stand_in_header,
    may_stand_in_path,
    may_stand_in_query,
    path_of,
    split,
    target,
    told_sets,
)
from contract.credentials import Credentials, carry, told, ways
from contract.model import Connect, Violation
from contract.parameters import Judging, Text, boundaries, broken_values, known_values, made_up
from contract.spec import Channel, Parameter, Spec

HandshakeRule: TypeAlias = Literal["handshake-accepted", "handshake-refused", "handshake-subprotocol", "token-kept"]

AS_USUAL: Final = "as usual"
"""What names the cases that differ from the usual handshake alone, in a value that will do: see `Case.like`."""
LIFETIME: Final = 2.0
"""Seconds that the token of a connection lives which must end with it."""
_UNDECLARED: Final = "contract.undeclared"
_SWITCHING: Final = 101
_EXPIRY: Final = re.compile(r"expir|r[au]n out|runs out", re.IGNORECASE)
_OF_TOKENS: Final = re.compile(r"token|auth|session|credential|log-?in|jwt", re.IGNORECASE)
_SAME_TO_MANY: Final = frozenset({"a slash at its end", "letters of another case", "an empty segment"})
_OFTEN: Final = 4
"""Of so many subprotocols each is offered alone; of more, only the first ones."""


@dataclass(frozen=True, slots=True)
class Case:
    """A handshake to try. `rule` is the one that it is most likely to show broken; `note` says what it is, in words.

    `accepted`: whether the document wants it let in; None where it says nothing. `subject` tells the findings of one
    rule apart. `subprotocol`: what may be chosen, where it is let in (None among them: none at all).
    `notable`: which outcome of a case that the document is silent about is worth a remark: that it is let in; that
    it is refused; that it is refused for its form (with another status than 401, 403 and 404).
    `stays_open_for`: after so many seconds its token ends, and the connection with it; see `kept`. `must_end`: the
    document says so. `like`: what names some cases that differ in one value alone, each of which will do by the
    document: whether the rest of them will, it doesn't say, but if one is let in, so must they all be. `AS_USUAL`: if
    the usual handshake is.
    """

    connect: Connect
    accepted: bool | None
    rule: HandshakeRule
    note: str
    mark: Mark
    subject: str
    subprotocol: tuple[str | None, ...] = (None,)
    stays_open_for: float | None = None
    must_end: bool = False
    notable: Literal["let in", "refused", "malformed"] | None = None
    like: str = ""

    @property
    def asks_for_more(self) -> bool:
        """Tell whether it is a good one with a value of the query that needn't be there, or another than usual."""
        return self.subject.startswith("query ") and (self.accepted is True or bool(self.like))

    @property
    def as_promised(self) -> "Case":
        """Return the case as one that must be let in."""
        return replace(self, accepted=True, connect=replace(self.connect, accepted=True))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a handshake went. `status`: of the HTTP answer; None or 101 where the connection was opened.

    `subprotocol`: the one chosen. `close_code`: the server's, if it closed within a moment, and `data_before_close`
    whether it had sent a frame before that isn't an error of the document's. `lost`: the connection ended without an
    answer, or without a close frame.
    """

    status: int | None = None
    subprotocol: str | None = None
    close_code: int | None = None
    data_before_close: bool = False
    lost: bool = False

    @property
    def opened(self) -> bool:
        """Tell whether the handshake was completed."""
        return not self.lost and self.status in (None, _SWITCHING)

    @property
    def let_in(self) -> bool:
        """Tell whether the client was let in, and not told by a close code that it isn't."""
        return self.opened and (self.close_code is None or self.data_before_close or not _refuses(self.close_code))

    @property
    def busy(self) -> bool:
        """Tell whether the server only has no room now (429, 503; 1012, 1013): worth another try."""
        return self.status in (429, 503) or (self.opened and self.close_code in (1012, 1013))


def _refuses(code: int) -> bool:
    return 1008 <= code < 1016 or 3000 <= code < 5000


# cases


def good_connect(
    channel: Channel,
    credentials: Credentials,
    values: Pool,
    *,
    random: Random | None = None,
    way: Carriage | None = None,
    subprotocols: Sequence[str] | None = None,
    socket: int = 0,
) -> Connect:
    """Return a handshake with nothing wrong, for a phase that needs a connection.

    `subprotocols`: what it offers, all that are declared if None. `accepted` of it is None where its values are made
    up and need not mean anything to the server, and False where there is no token that will do. Raises LookupError
    where no value is found for a parameter.
    """
    maker = _Maker(channel, credentials, values)
    shake = maker.good(random)
    offered = channel.subprotocols if subprotocols is None else tuple(subprotocols)
    connect = maker.connect(replace(shake, way=way or shake.way, subprotocols=offered))
    return replace(connect, accepted=maker.promise(shake), socket=socket)


def cases(
    spec: Spec,
    channel: Channel,
    credentials: Credentials,
    values: Pool,
    *,
    lifetime: float = LIFETIME,
) -> Iterator[Case]:
    """Yield the handshakes to try on a channel: good ones, then ones of which exactly one thing is wrong.

    `values`: what the user says will do, by parameter. `lifetime`: seconds that a token lives which ends while the
    connection is open: that case comes last, and its time runs from when it is taken from the iterator (or use
    `ending_case`). Raises LookupError where no value is found for a parameter.
    """
    maker = _Maker(channel, credentials, values)
    seen: set[tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]]] = set()
    longest = spec.limits.get("token_bytes")
    for case in chain(
        maker.welcome(),
        maker.tokens(int(longest) if longest is not None else None),
        maker.bad_values(),
        maker.unknown_addresses(spec.channels),
        maker.ending(lifetime, must_end=tells_of_expiry(spec, channel)),
    ):
        key = (case.connect.target, case.connect.headers, case.connect.subprotocols)
        if key not in seen:
            seen.add(key)
            yield case


def ending_case(
    spec: Spec, channel: Channel, credentials: Credentials, values: Pool, *, lifetime: float = LIFETIME
) -> Case | None:
    """Return a handshake whose token ends soon, from now on; None where none can be made."""
    maker = _Maker(channel, credentials, values)
    return next(maker.ending(lifetime, must_end=tells_of_expiry(spec, channel)), None)


def tells_of_expiry(spec: Spec, channel: Channel) -> bool:
    """Tell whether the document says that a connection ends with its token: by a close code, or by a message of it."""
    texts = [
        *(spec.closes or {}).values(),
        *(text for message in channel.received for text in (message.key, message.title)),
    ]
    return any(_EXPIRY.search(text) and _OF_TOKENS.search(text) for text in texts)


@dataclass(frozen=True, slots=True)
class _Shake:
    """What a handshake is made of. `raw_path` stands for the path that the parameters make."""

    parameters: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    token: str | None
    way: Carriage | None
    subprotocols: tuple[str, ...] = ()
    raw_path: str | None = None


class _Maker:
    """Makes the cases of one channel."""

    def __init__(self, channel: Channel, credentials: Credentials, values: Pool) -> None:
        self.channel = channel
        self.credentials = credentials
        self.values = values
        self.known = known_sets(channel, values)
        self.token = credentials.good(channel)
        possible = ways(channel, self.token)
        chosen = credentials.ways.get(channel.id)
        self.ways = (chosen, *(way for way in possible if way != chosen)) if chosen is not None else possible
        security = channel.security
        self.needs_token = security is not None and not security.optional
        self.lacking = credentials.lacks(channel) if self.token is not None else ()

    def good(self, random: Random | None = None) -> _Shake:
        return _Shake(
            good_parameters(self.channel, self.values, random),
            good_query(self.channel, self.values, random),
            good_headers(self.channel, self.values, random),
            self.token,
            self.ways[0] if self.ways else None,
        )

    def promise(self, shake: _Shake) -> bool | None:
        """Return whether the document wants a handshake let in whose values all fit their schemas."""
        if (self.needs_token and shake.token is None) or (shake.token is not None and self.lacking):
            return False
        if dict(shake.parameters) not in [dict(found) for found in self.known]:
            return None
        if shake.token is not None and not self.credentials.given and shake.parameters:
            return None  # whoever made the token up may not see what the parameters name
        return True if all(self._is_promised(item, text) for item, text in self._bound(shake)) else None

    def _bound(self, shake: _Shake) -> Iterator[tuple[Parameter, str]]:
        for parameters, found in ((self.channel.query, shake.query), (self.channel.headers, shake.headers)):
            yield from ((item, found[item.name]) for item in parameters if item.name in found)

    def _is_promised(self, parameter: Parameter, text: str) -> bool:
        if text in known_values(parameter, given_values(self.channel, parameter, self.values)):
            return True
        return any(found.value == text and found.promised for found in boundaries(Judging(parameter)))

    def connect(self, shake: _Shake) -> Connect:
        headers, query, protocols = carry(self.channel, shake.token, shake.way)
        sought = target(self.channel, shake.parameters, {**shake.query, **query})
        if shake.raw_path is not None:
            sought = shake.raw_path + sought[len(path_of(self.channel, shake.parameters)) :]
        return Connect(
            channel=self.channel.id,
            target=sought,
            headers=(*headers, *shake.headers.items()),
            subprotocols=(*shake.subprotocols, *protocols),
        )

    def case(
        self,
        shake: _Shake,
        accepted: bool | None,
        note: str,
        subject: str,
        mark: Mark,
        *,
        rule: HandshakeRule | None = None,
        notable: Literal["let in", "refused", "malformed"] | None = "malformed",
    ) -> Case:
        connect = replace(self.connect(shake), note="" if accepted else note, accepted=accepted)
        declared = tuple(name for name in shake.subprotocols if name in self.channel.subprotocols)
        rule = rule or ("handshake-accepted" if accepted is False else "handshake-refused")
        return Case(connect, accepted, rule, note, mark, subject, declared or (None,), notable=notable)

    def fine(self, shake: _Shake, note: str, subject: str, mark: Mark, *, rule: HandshakeRule | None = None) -> Case:
        """Return a case that breaks nothing."""
        accepted = self.promise(shake)
        if accepted is False and shake.token is not None and self.lacking:
            note = f"The token that was given lacks the scope {', '.join(self.lacking)}."
            subject, rule = f"without {self.lacking[0]}", None
        return self.case(shake, accepted, note, subject, mark, rule=rule)

    # good ones

    def welcome(self) -> Iterator[Case]:
        channel, security = self.channel, self.channel.security
        if self.needs_token and self.token is None:
            return
        usual = self.good()
        mark = security.mark if security is not None else channel.mark
        for way in self.ways if self.token is not None else ():
            shake = self._sent(usual, way)
            case = self.fine(shake, f"A good token {told(way)}.", f"token {told(way)}", mark)
            if way != self.ways[0] and not self.credentials.is_jwt and case.accepted:
                # A key and a bearer token may be two things, of which one was given.
                case = replace(case, accepted=None, connect=replace(case.connect, accepted=None, note=case.note))
            yield replace(case, notable="refused")
        if not self.needs_token:
            case = self.fine(replace(usual, token=None), "No token, and none is needed.", "no token", mark)
            yield replace(case, notable="refused")
        if self.lacking:
            return
        for found in told_sets(channel, self.values)[1:]:
            note = f"The address of {_listed(found)}."
            yield self.fine(replace(usual, parameters=found), note, "parameters", channel.mark)
        encoded = path_of(channel, usual.parameters, slashes=False)
        if encoded != path_of(channel, usual.parameters):
            note = f"The address is written {encoded}, with its slash encoded."
            yield self.fine(replace(usual, raw_path=encoded), note, "encoded slash", channel.mark)
        yield from self._offers(usual)
        yield from self._optional(usual)
        for parameter in channel.parameters:
            for text in boundaries(Judging(parameter, may_stand_in_path(parameter))):
                shake = replace(usual, parameters={**usual.parameters, parameter.name: text.value})
                yield self.fine(shake, f"{text.note}.", f"parameter {parameter.name} {text.keyword}", parameter.mark)

    def _offers(self, usual: _Shake) -> Iterator[Case]:
        """Yield what may be offered: each subprotocol alone, all, in both orders, one beside an undeclared, none."""
        declared = self.channel.subprotocols
        offers: list[tuple[str, ...]] = [(name,) for name in declared[:_OFTEN]]
        if len(declared) > 1:
            offers += [declared, declared[::-1]]
        if declared:
            offers += [(_UNDECLARED, declared[0]), (declared[0], _UNDECLARED)]
        for offer in offers:
            note = f"Offers the subprotocols {', '.join(offer)}."
            shake = replace(usual, subprotocols=offer)
            yield self.fine(shake, note, f"offer {', '.join(offer)}", self.channel.mark, rule="handshake-subprotocol")
        note = f"Offers the subprotocol {_UNDECLARED}, which isn't declared."
        shake = replace(usual, subprotocols=(_UNDECLARED,))
        # Going on without a subprotocol is right by RFC 6455, and so is to refuse: choosing it isn't.
        accepted = None if self.promise(shake) is not False else False
        yield self.case(shake, accepted, note, "offer undeclared", self.channel.mark, rule="handshake-subprotocol")

    def _optional(self, usual: _Shake) -> Iterator[Case]:
        """Yield each value of the query and of the headers at its boundaries, and optional ones present and absent."""
        for kind, parameter, judging in self._sent_as_text():
            partners = self._partners(kind, parameter, usual)
            together = f"{kind} {parameter.name} beside {', '.join(partners)}" if partners else ""
            for text in boundaries(judging):
                shake = self._with(usual, kind, {**partners, parameter.name: text.value})
                note, subject = f"{text.note}.", f"{kind} {parameter.name} {text.keyword}"
                case = self.fine(shake, note, subject, parameter.mark)
                promised = self.promise(self._with(usual, kind, {parameter.name: text.value}))
                if case.accepted is None and (promised or not (text.promised and partners)):
                    # Who takes a text that was made up takes any, so that the longest must do, too.
                    anything = f"any {together or f'{kind} {parameter.name}'}"
                    case = replace(case, like=(together or AS_USUAL) if text.promised else anything)
                yield case
                if partners and not parameter.needs:  # prose may want them together, so alone nothing is promised
                    alone = self._with(usual, kind, {parameter.name: text.value})
                    note = f"{text.note}, without {', '.join(partners)}."
                    yield self.case(alone, None, note, subject, parameter.mark)

    def _sent_as_text(self) -> Iterator[tuple[Literal["query", "header"], Parameter, Judging]]:
        for parameter in self.channel.query:
            yield "query", parameter, Judging(parameter, may_stand_in_query)
        for parameter in self.channel.headers:
            yield "header", parameter, Judging(parameter, may_stand_in_header)

    def _with(self, shake: _Shake, kind: Literal["query", "header"], added: Mapping[str, str]) -> _Shake:
        if kind == "query":
            return replace(shake, query={**shake.query, **added})
        return replace(shake, headers={**shake.headers, **added})

    def _partners(self, kind: Literal["query", "header"], parameter: Parameter, usual: _Shake) -> dict[str, str]:
        """Return values of the optional parameters that belong to one: it needs them, or the texts name each other."""
        everyone = self.channel.query if kind == "query" else self.channel.headers
        present = self._present(usual, kind)
        belongs = _needs if parameter.needs else _mention
        group = {parameter.name}
        while True:
            more = {
                item.name for item in everyone if any(belongs(other, item) for other in everyone if other.name in group)
            }
            if more <= group:
                break
            group |= more
        others = [item for item in everyone if item.name in group - {parameter.name} - set(present)]
        return {item.name: value for item in others if (value := self._some_value(item)) is not None}

    def _some_value(self, parameter: Parameter) -> str | None:
        found = known_values(parameter, given_values(self.channel, parameter, self.values))
        if found:
            return found[0]
        return made_up(Judging(parameter, may_stand_in_header))

    # bad ones

    def tokens(self, longest: int | None) -> Iterator[Case]:
        """Yield the handshakes whose token is missing or wrong.

        Where a token is optional (`x-security-optional`), a bad one that is shown must be refused all the same: the
        extension says that a client may leave its token out, and servers made from documents that have it check a
        token that is there.
        """
        channel, security = self.channel, self.channel.security
        if security is None:
            return
        usual = self.good()
        if self.needs_token:
            for shake, offering in self._offering(replace(usual, token=None)):
                yield self.case(shake, False, f"The token is missing{offering}.", "token missing", security.mark)
        for way in self.ways:
            for variant in self.credentials.variants(channel, longest=longest):
                if way.kind == "basic" and variant.name == "empty":
                    continue
                if way.kind == "subprotocol" and variant.name in ("empty", "too_long"):
                    continue
                accepted = variant.accepted
                if variant.name == "empty" and not self.needs_token:
                    accepted = None  # it may count as none
                notable: Literal["let in"] | None = "let in" if variant.name in ("without_expiry", "not_yet") else None
                for shake, offering in self._offering(replace(self._sent(usual, way), token=variant.token)):
                    note = f"{variant.note.removesuffix('.')} (sent {told(way)}{offering})."
                    subject = f"token {variant.name} {told(way)}"
                    yield self.case(shake, accepted, note, subject, security.mark, notable=notable)

    def _sent(self, shake: _Shake, way: Carriage) -> _Shake:
        """Return a handshake that sends its token in this way: as a subprotocol, beside those that are declared."""
        offered = self.channel.subprotocols if way.kind == "subprotocol" else shake.subprotocols
        return replace(shake, way=way, subprotocols=offered)

    def _offering(self, shake: _Shake) -> Iterator[tuple[_Shake, str]]:
        """Yield a handshake without subprotocols, and with those declared: a server may refuse in another way then."""
        yield shake, ""
        if self.channel.subprotocols and shake.way == (self.ways[0] if self.ways else None):
            yield replace(shake, subprotocols=self.channel.subprotocols), ", with a subprotocol offered"

    def ending(self, lifetime: float, *, must_end: bool) -> Iterator[Case]:
        """Yield a handshake whose token ends while the connection is open."""
        if self.channel.security is None or self.lacking:
            return
        variant = self.credentials.expiring(lifetime)
        usual = self.good()
        promise = self.promise(usual)
        if variant is None or variant.expires_at is None or promise is False:
            return
        case = self.case(
            replace(usual, token=variant.token),
            promise,
            variant.note,
            "token expires",
            self.channel.security.mark,
            rule="token-kept",
        )
        left = variant.expires_at - self.credentials.now()
        yield replace(case, stays_open_for=left, must_end=must_end)

    def bad_values(self) -> Iterator[Case]:
        """Yield the handshakes of which one value breaks one keyword, or is missing."""
        if self.needs_token and self.token is None:
            return  # they would all be refused for that
        channel, usual = self.channel, self.good()
        for parameter in channel.parameters:
            for text in broken_values(Judging(parameter, may_stand_in_path(parameter))):
                shake = replace(usual, parameters={**usual.parameters, parameter.name: text.value})
                if split(channel, path_of(channel, shake.parameters)) != dict(shake.parameters):
                    continue  # beside the texts around it, it can't be told what the value is
                yield self._bad(shake, "parameter", parameter, text)
        for kind, parameter, judging in self._sent_as_text():
            partners = self._partners(kind, parameter, usual)
            for text in broken_values(judging):
                yield self._bad(
                    self._with(usual, kind, {**partners, parameter.name: text.value}), kind, parameter, text
                )
                if partners and not parameter.needs:
                    yield self._bad(self._with(usual, kind, {parameter.name: text.value}), kind, parameter, text)
            yield from self._lonely(kind, parameter, usual, partners)
            if parameter.required:
                left = {name: value for name, value in self._present(usual, kind).items() if name != parameter.name}
                shake = replace(usual, query=left) if kind == "query" else replace(usual, headers=left)
                place = "query parameter" if kind == "query" else "header"
                note = f"The {place} {parameter.name} is missing, which is required."
                yield self.case(shake, False, note, f"{kind} {parameter.name} required", parameter.mark)

    def _lonely(
        self, kind: Literal["query", "header"], parameter: Parameter, usual: _Shake, partners: Mapping[str, str]
    ) -> Iterator[Case]:
        """Yield a value without one of those that must be sent beside it."""
        value = self._present(usual, kind).get(parameter.name) or self._some_value(parameter)
        if value is None:
            return
        for name in parameter.needs:
            if name in partners:
                beside = {other: text for other, text in partners.items() if other != name}
                shake = self._with(usual, kind, {**beside, parameter.name: value})
                note = f"{name} is missing, which is sent wherever {parameter.name} is."
                yield self.case(shake, False, note, f"{kind} {parameter.name} dependencies", parameter.mark)

    def _present(self, shake: _Shake, kind: Literal["query", "header"]) -> Mapping[str, str]:
        return shake.query if kind == "query" else shake.headers

    def _bad(self, shake: _Shake, kind: str, parameter: Parameter, text: Text) -> Case:
        place = {"parameter": "Parameter", "query": "Query parameter", "header": "Header"}[kind]
        subject = f"{kind} {parameter.name} {text.keyword}"
        return self.case(shake, False, f"{place} {text.note}.", subject, parameter.mark)

    def unknown_addresses(self, channels: Iterable[Channel]) -> Iterator[Case]:
        """Yield the handshakes at addresses that are nearly the channel's, and none of the document's."""
        usual = self.good()
        path = path_of(self.channel, usual.parameters)
        everyone = tuple(channels)
        for name, changed in self._changed(path):
            if changed == path or any(split(channel, changed) is not None for channel in everyone):
                continue
            note = f"The address {changed} is none of the document's: {name}."
            # Many routers take these for the same; and where there is one address, the root, a path may mean nothing.
            lenient = name in _SAME_TO_MANY or all(channel.address == "/" for channel in everyone)
            accepted = None if lenient else False
            yield self.case(replace(usual, raw_path=changed), accepted, note, f"address: {name}", self.channel.mark)

    def _changed(self, path: str) -> Iterator[tuple[str, str]]:
        parts = path.split("/")[1:]

        def put(index: int, text: str) -> str:
            return "/" + "/".join((*parts[:index], text, *parts[index + 1 :]))

        fixed = [index for index, segment in enumerate(self.channel.segments) if isinstance(segment, str) and segment]
        fixed = [index for index in fixed if parts[index]]
        for index in fixed[-1:] + fixed[:-1]:
            yield "another segment", put(index, f"{parts[index]}-contract")
            break
        for index in fixed[:1]:
            yield "another first segment", put(index, f"contract-{parts[index]}")
        yield "one more segment", f"{path.rstrip('/')}/contract"
        if len(parts) > 1:
            yield "one segment less", "/" + "/".join(parts[:-1])
        else:
            yield "no segment", "/"
        if not (self.channel.parameters and self.channel.parameters[-1].slashes):
            yield "a slash at its end", f"{path.rstrip('/')}/"
        for index in fixed[-1:]:
            upper = parts[index].upper() if parts[index].upper() != parts[index] else parts[index].lower()
            yield "letters of another case", put(index, upper)
        yield "an empty segment", f"/{path}"


def _needs(one: Parameter, other: Parameter) -> bool:
    return other.name in one.needs


def _mention(one: Parameter, other: Parameter) -> bool:
    """Tell whether the text of one of two parameters names the other, as code: `name`."""
    return one.name != other.name and any(
        re.search(f"[`'\"]{re.escape(named.name)}[`'\"]", str(telling.value.get("description", ""))) is not None
        for telling, named in ((one, other), (other, one))
    )


def _listed(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


# outcomes


def judge(case: Case, outcome: Outcome) -> Violation | None:
    """Return the rule that a handshake broke.

    A refusal is an HTTP answer, or a close code of 1008 to 1014 or 3000 to 4999 before any frame. That the server
    broke down (another 5xx than 503, close code 1011, no answer at all) is no refusal, even of what must be refused.
    A good handshake that is answered with 429 or 503 broke no rule (`Outcome.busy`): try it again, or say so.
    """

    def violation(rule: str, text: str) -> Violation:
        return Violation(rule, text, case.connect.channel, case.subject, mark=case.mark)

    what = case.note.removesuffix(".")
    if outcome.lost:
        return violation("connection-lost", f"{what}: the connection ended without an HTTP answer or a close frame.")
    if outcome.opened and outcome.let_in:
        if case.accepted is False:
            then = f" (and closed with {outcome.close_code})" if outcome.close_code is not None else ""
            return violation("handshake-accepted", f"{what}: the handshake was accepted{then}, and must be refused.")
        if outcome.subprotocol not in case.subprotocol:
            return violation("handshake-subprotocol", f"{what}: {_chosen(case, outcome.subprotocol)}")
        return None
    if outcome.busy:
        return None
    answer = f"HTTP status {outcome.status}" if not outcome.opened else f"close code {outcome.close_code}"
    if case.accepted:
        return violation("handshake-refused", f"{what}: the handshake was refused with {answer}, and is a good one.")
    if (not outcome.opened and (outcome.status or 0) >= 500) or (outcome.opened and outcome.close_code == 1011):
        text = f"{what}: the server failed ({answer}), where it must refuse with a 4xx or a close code that says why."
        return violation(
            "connection-lost", text if case.accepted is False else f"{what}: the server failed ({answer})."
        )
    return None


def _chosen(case: Case, chosen: str | None) -> str:
    offered = ", ".join(case.connect.subprotocols) or "none"
    if chosen is None:
        return f"no subprotocol was chosen of those offered ({offered}), and {case.subprotocol[0]} is declared."
    if chosen not in case.connect.subprotocols:
        return f"the subprotocol {chosen!r} was chosen, which wasn't offered (offered: {offered})."
    return f"the subprotocol {chosen!r} was chosen, which the document doesn't declare."


def kept(case: Case, ended_after: float | None, grace: float) -> Violation | None:
    """Return the rule that a connection broke whose token ended.

    `ended_after`: seconds from the handshake to the server's close; None where it never closed. `grace`: seconds that
    it has for it.
    """
    if case.stays_open_for is None or not case.must_end:
        return None
    limit = case.stays_open_for + grace
    if ended_after is not None and ended_after <= limit:
        return None
    text = (
        f"The token expired {case.stays_open_for:.1f} s after the handshake; {grace:g} s later the connection was open."
    )
    return Violation("token-kept", text, case.connect.channel, case.subject, mark=case.mark)


def remark(case: Case, outcome: Outcome) -> str | None:
    """Return what a person should know of a handshake that the document says nothing about."""
    if case.accepted is not None or case.notable is None or outcome.lost or outcome.busy:
        return None
    if outcome.let_in != (case.notable == "let in"):
        return None
    if outcome.let_in:
        return f"{case.connect.channel}: {case.note.removesuffix('.')}: let in. The document doesn't say if it may be."
    if case.notable == "malformed" and outcome.status in (401, 403, 404):
        return None
    answer = f"close code {outcome.close_code}" if outcome.opened else f"HTTP status {outcome.status}"
    hint = " Values that will do can be given under [values]." if case.notable == "refused" else ""
    return f"{case.connect.channel}: {case.note.removesuffix('.')}: refused with {answer}.{hint}"
