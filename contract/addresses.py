"""Addresses: paths and queries of handshakes from their values, and back. It judges nothing and opens no connection."""

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from contract.parameters import Judging, enumerated, known_values, made_up
from contract.spec import Channel, Parameter

Pool = Mapping[str, Sequence[str]]
"""Values that the user says will do, by the name of a parameter: `symbol`, or `trades.symbol` for one channel's."""

_AS_THEY_ARE: Final = "!$&'()*,=:@"
"""What a segment of a path may hold as it is by RFC 3986, beside letters, digits and `-._~`; without `+` and `;`."""
_SCHEMES: Final = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


class UrlError(ValueError):
    """A url is none of a WebSocket server. The text is a sentence for who wrote it."""


def base(url: str, channels: Sequence[Channel]) -> str:
    """Return what stands before a target: `ws://host:port`, with the url's path behind it as a prefix.

    The prefix is left out where it stands in the addresses already: if each of them begins with it (a document that
    names its servers' `pathname`), or if there is one channel and the url is that channel's own, with its address at
    the end. So `ws://host/v1`, for a document whose address is `/v1/feed`, means `ws://host/v1/feed` once.
    Raises UrlError.
    """
    wrong = f"{shown(url)!r} is no url of a WebSocket server. Write ws://HOST:PORT or wss://HOST."
    try:
        parts = urlsplit(url)
        user, password = parts.username, parts.password
        port = parts.port
    except ValueError:  # its text may hold what stands before the host
        raise UrlError(wrong) from None
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname or port == 0:
        raise UrlError(wrong)
    if parts.query or parts.fragment:
        raise UrlError(f"{shown(url)!r} has a query. Leave it out: tokens and values are given by their own options.")
    if user is not None and (password is None or not user):
        raise UrlError(f"The url {shown(url)!r} has a user without a password. Write ws://USER:PASSWORD@HOST.")
    return urlunsplit((scheme, parts.netloc, _prefix(parts.path.rstrip("/"), channels), "", ""))


def shown(url: str) -> str:
    """Return a url as anybody may see it, though it be none: without who logs in, and without its query's values."""
    authority = re.match(r"[^/?#]*//([^/?#]*)", url)
    # What isn't HOST:PORT there is the begin of a password with a slash.
    strange = authority is not None and "@" in url and re.search(r":(?!\d*$)[^\]]*$", authority[1].rpartition("@")[2])
    url = re.sub(r"^([^/?#]*//).*@" if strange else r"^([^/?#]*//)[^/?#]*@", r"\1", url, flags=re.DOTALL)
    path, mark, rest = re.fullmatch(r"([^?#]*)([?#]?)(.*)", url, re.DOTALL).groups()  # type: ignore[union-attr]
    parts = (
        name + "=..." if equals else "..." for name, equals, _ in (part.partition("=") for part in rest.split("&"))
    )
    return f"{path}{mark}{'&'.join(parts)}" if rest else path + mark


def login(url: str) -> str | None:
    """Return the name and the password before a url's host, `name:password`, unquoted; None where there are none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return (
        f"{unquote(parts.username)}:{unquote(parts.password)}"
        if parts.username and parts.password is not None
        else None
    )


def _prefix(path: str, channels: Sequence[Channel]) -> str:
    if not path or (channels and all(f"{channel.address}/".startswith(f"{path}/") for channel in channels)):
        return ""
    if len(channels) == 1 and channels[0].address != "/":
        parts = path.split("/")
        count = len(channels[0].segments)
        if split(channels[0], "/" + "/".join(parts[-count:])) is not None:
            return "/".join(parts[:-count])
    return path


def target(channel: Channel, parameters: Mapping[str, str], query: Mapping[str, str] | None = None) -> str:
    """Return the path and the query of a handshake, percent-encoded: what stands behind `base`.

    A parameter that may hold slashes keeps them as they are.
    """
    path = path_of(channel, parameters)
    return f"{path}?{urlencode(query, quote_via=quote, safe='')}" if query else path


def path_of(channel: Channel, parameters: Mapping[str, str], *, slashes: bool = True) -> str:
    """Return the path of a channel's address with its parameters' values.

    `slashes`: as they are, in a parameter that may hold some; else encoded, as RFC 6570 expands a template.
    """
    left = iter(channel.parameters)

    def value() -> str:
        parameter = next(left)
        return quote(parameters[parameter.name], safe=_AS_THEY_ARE + ("/" if parameter.slashes and slashes else ""))

    parts: list[str] = []
    for segment in channel.segments:
        if segment is None:
            parts.append(value())
        elif isinstance(segment, str):
            parts.append(quote(segment, safe=_AS_THEY_ARE))
        else:
            first, *others = (quote(text, safe=_AS_THEY_ARE) for text in segment)
            parts.append(first + "".join(value() + text for text in others))
    return "/" + "/".join(parts)


def split(channel: Channel, path: str) -> dict[str, str] | None:
    """Return the values that a path has for a channel's parameters; None where it is another address.

    Only the form counts, not whether a value fits its schema. Of several ways to part a segment that holds two values,
    the one counts whose first value is the shortest.
    """
    found = path.split("/")[1:]
    slashes = bool(channel.parameters) and channel.parameters[-1].slashes
    count = len(channel.segments)
    if slashes and len(found) > count:
        found = [*found[: count - 1], "/".join(found[count - 1 :])]
    if len(found) != count:
        return None
    values: list[str] = []
    for segment, raw in zip(channel.segments, found, strict=True):
        text = unquote(raw)
        if isinstance(segment, str):
            if text != segment:
                return None
        elif segment is None:
            if not text:
                return None
            values.append(text)
        else:
            match = re.fullmatch("(.+?)".join(map(re.escape, segment)), text, re.DOTALL)
            if match is None:
                return None
            values += match.groups()
    return {parameter.name: value for parameter, value in zip(channel.parameters, values, strict=True)}


# values


def may_stand_in_path(parameter: Parameter) -> Callable[[str], bool]:
    """Return what says which texts can be a parameter's value in a path: none that is empty, `.`, `..` or cut up."""

    def allowed(text: str) -> bool:
        parts = text.split("/")
        return (parameter.slashes or len(parts) == 1) and not {"", ".", ".."} & set(parts) and text.isprintable()

    return allowed


def may_stand_in_query(text: str) -> bool:
    """Tell whether a text can be a value in a query."""
    return text.isprintable()


def may_stand_in_header(text: str) -> bool:
    """Tell whether a text can be a header's value."""
    return text.isascii() and text.isprintable() and text == text.strip()


def given_values(channel: Channel, parameter: Parameter, pool: Pool) -> Sequence[str]:
    """Return the values that the user gave for a parameter of a channel."""
    return pool.get(f"{channel.id}.{parameter.name}") or pool.get(parameter.name) or ()


def told_sets(channel: Channel, pool: Pool) -> tuple[dict[str, str], ...]:
    """Return the sets of values for a channel's address that somebody names; empty where one value isn't named.

    The first values of each parameter belong together, the second ones, and so on: `sim` with `BTC/USDT`, `nasdaq`
    with `AAPL`. Where they aren't of one number, only the first ones are a set. Of parameters that all list their
    values (enum), each value does with the first ones of the others.
    """
    parameters = channel.parameters
    given = {item.name: given_values(channel, item, pool) for item in parameters}
    values = {item.name: known_values(item, given[item.name]) for item in parameters}
    if not all(values.values()):
        return ()
    listed = [bool(enumerated(item)) and not item.examples and not given[item.name] for item in parameters]
    first = {name: found[0] for name, found in values.items()}
    if all(listed):
        varied = ({**first, name: value} for name, found in values.items() for value in found[1:])
        return (first, *varied)
    if any(listed) or len({len(found) for found in values.values()}) > 1:
        return (first,)
    return tuple(dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True))


def known_sets(channel: Channel, pool: Pool) -> tuple[dict[str, str], ...]:
    """Return those of `told_sets` that are known to do, with the token that was given.

    Of examples of a channel that asks for a token only the first ones count: whose the others are, it doesn't say.
    """
    sets = told_sets(channel, pool)
    guarded = channel.security is not None and not channel.security.optional
    from_examples = any(item.examples and not given_values(channel, item, pool) for item in channel.parameters)
    return sets[:1] if guarded and from_examples else sets


def good_parameters(channel: Channel, pool: Pool, random: Random | None = None) -> dict[str, str]:
    """Return values for a channel's address: a set that is known to do, or else values that fit their schemas.

    A value is the user's (`pool`) before the document's: examples, enum, default. Without `random`, always the same.
    Raises LookupError where nothing is found that fits a schema: the user must give a value then.
    """
    sets = known_sets(channel, pool)
    if sets:
        return dict(sets[0] if random is None else random.choice(sets))
    found: dict[str, str] = {}
    for parameter in channel.parameters:
        found[parameter.name] = _value(channel, parameter, pool, random, may_stand_in_path(parameter))
    return found


def good_query(channel: Channel, pool: Pool, random: Random | None = None) -> dict[str, str]:
    """Return values for what a channel's query must have. Raises LookupError as `good_parameters` does."""
    return {
        item.name: _value(channel, item, pool, random, may_stand_in_query) for item in channel.query if item.required
    }


def good_headers(channel: Channel, pool: Pool, random: Random | None = None) -> dict[str, str]:
    """Return values for the headers that a handshake must have. Raises LookupError as `good_parameters` does."""
    return {
        item.name: _value(channel, item, pool, random, may_stand_in_header) for item in channel.headers if item.required
    }


def _value(
    channel: Channel, parameter: Parameter, pool: Pool, random: Random | None, allowed: Callable[[str], bool]
) -> str:
    known = [value for value in known_values(parameter, given_values(channel, parameter, pool)) if allowed(value)]
    if known:
        return known[0] if random is None else random.choice(known)
    found = made_up(Judging(parameter, allowed), random)
    if found is None:
        raise LookupError(
            f"No value is found that fits the schema of {parameter.name!r} of channel {channel.id!r}. "
            f"Give one under [values]: {parameter.name} = ['...']."
        )
    return found
