"""Concealing: what stands in a report in the place of a secret, and how a script gets the secret there again.

It knows variables, Python and `sh`, and nothing of findings.
"""

import base64
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote

from contract.model import Secret

How: TypeAlias = Literal["plain", "json", "query", "cookie", "login", "base64", "base64 of a name"]
"""In which form a secret stands somewhere."""

COOKIE_SAFE: Final = "!#$&()*+-./:<=>?@[]^_`{|}~"
"""What a cookie's value may hold as it is, beside letters and digits."""
TIMES: Final = ("exp", "nbf", "iat", "auth_time")
"""The claims of a JWT that are times."""

_RUN: Final = re.compile(r"([ -~])\1{199,}")
_SAFE: Final[Mapping[How, str]] = {"query": "", "cookie": COOKIE_SAFE, "login": ":"}
_NEAR: Final = 900


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a secret: what says it without showing it. `name` is the variable that holds the secret."""

    name: str
    how: How

    def __str__(self) -> str:
        """Return it for a reader: `$TOKEN`, or `base64($TOKEN)`."""
        if self.how.startswith("base64"):
            return f"base64(${self.name}{'' if self.how == 'base64' else ':'})"
        return f"${self.name}"

    @property
    def python(self) -> str:
        """Return an expression of Python."""
        if self.how == "json":
            return f"json.dumps({self.name})[1:-1]"
        if self.how in _SAFE:
            return f"quote({self.name}, safe={_SAFE[self.how]!r})"
        if self.how.startswith("base64"):
            value = self.name if self.how == "base64" else f"({self.name} + ':')"
            return f"base64.b64encode({value}.encode()).decode()"
        return self.name

    @property
    def needs(self) -> str:
        """Return the import that the expression of Python needs, or nothing."""
        if self.how in _SAFE:
            return "from urllib.parse import quote"
        return {"json": "import json", "plain": ""}.get(self.how, "import base64")

    @property
    def shell(self) -> str:
        """Return a part of a word of `sh`."""
        if self.how in _SAFE:
            code = f"import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1], {_SAFE[self.how]!r}))"
            return f'"$(python3 -c {shlex.quote(code)} "${{{self.name}}}")"'
        if self.how.startswith("base64"):
            colon = "" if self.how == "base64" else ":"
            return f'"$(printf %s "${{{self.name}}}{colon}" | base64 -w0)"'
        return f'"${{{self.name}}}"'


class Names:
    """The secrets of a run, each with the variable that stands in its place."""

    def __init__(self, secrets: Iterable[Secret | str]) -> None:
        """A secret that is only a text is called `TOKEN`, a further one `TOKEN_2`."""
        self._forms: dict[str, Form] = {}
        self._secrets: dict[str, Secret] = {}
        values: set[str] = set()
        for item in secrets:
            secret = Secret(item, "TOKEN") if isinstance(item, str) else item
            if secret.value and secret.value not in values:
                values.add(secret.value)
                name = self._name(secret)
                self._secrets.setdefault(name, secret)
                for text, how in _forms(secret.value):
                    self._forms.setdefault(text, Form(name, how))

    def _name(self, secret: Secret) -> str:
        """Return a name that nothing else has: tokens that are signed from equal claims are one."""
        count, name = 1, secret.name
        while name in self._secrets and not _alike(self._secrets[name], secret):
            count += 1
            name = f"{secret.name}_{count}"
        return name

    def split(self, text: str) -> Iterator[str | Form]:
        """Yield the parts of a text, with forms in the place of secrets."""
        met = sorted((form for form in self._forms if form in text), key=len, reverse=True)
        if not met:
            yield from [text] if text else []
            return
        for part in re.split("(" + "|".join(map(re.escape, met)) + ")", text):
            if part:
                yield self._forms.get(part, part)

    def conceal(self, text: str) -> str:
        """Return a text with `$TOKEN` in the place of a secret."""
        return "".join(map(str, self.split(text)))

    def conceal_bytes(self, data: bytes) -> bytes:
        """Return bytes with `$TOKEN` in the place of a secret."""
        for text, form in sorted(self._forms.items(), key=lambda item: -len(item[0])):
            data = data.replace(text.encode(), str(form).encode())
        return data

    def used(self, texts: Iterable[str]) -> list[Form]:
        """Return the forms that stand in texts, each once."""
        return list(dict.fromkeys(part for text in texts for part in self.split(text) if isinstance(part, Form)))

    def given(self, forms: Iterable[Form]) -> list[str]:
        """Return the variables that must be set for forms: a token that was signed needs the key alone."""
        return list(dict.fromkeys(s.key if (s := self._secrets[form.name]).key else form.name for form in forms))

    def signed(self, forms: Iterable[Form]) -> dict[str, Secret]:
        """Return those of the variables of forms whose token is to be signed, with what it says."""
        found = {form.name: self._secrets[form.name] for form in forms}
        return {name: secret for name, secret in found.items() if secret.key}


def _forms(value: str) -> Iterator[tuple[str, How]]:
    yield value, "plain"
    yield json.dumps(value)[1:-1], "json"
    for how, safe in _SAFE.items():
        yield quote(value, safe=safe), how
    yield quote(value), "query"
    yield base64.b64encode(value.encode()).decode(), "base64"
    yield base64.b64encode(f"{value}:".encode()).decode(), "base64 of a name"


def _alike(one: Secret, other: Secret) -> bool:
    return bool(one.key) and (one.key, one.header, _recipe(one)) == (other.key, other.header, _recipe(other))


def _recipe(secret: Secret) -> dict[str, Any]:
    """Return claims, with what is near of its times as seconds from when it was signed."""
    recipe = dict(secret.claims)
    for name, offset in _offsets(secret).items():
        recipe[name] = offset if abs(offset) < _NEAR else offset > 0
    return recipe


def _offsets(secret: Secret) -> dict[str, int]:
    times = {name: secret.claims[name] for name in TIMES if isinstance(secret.claims.get(name), (int, float))}
    return {name: int(value) - int(secret.signed_at) for name, value in times.items()}


def signing(secret: Secret, key: str, now: str) -> str:
    """Return an expression of Python that signs a token's claims anew. `key`, `now`: expressions of the two."""
    offsets = _offsets(secret)
    members = []
    for name, value in secret.claims.items():
        said = repr(value) if not isinstance(value, str) else " + ".join(python_runs(value)) or "''"
        members.append(f"{name!r}: {now} {offsets[name]:+d}" if name in offsets else f"{name!r}: {said}")
    header = {name: value for name, value in secret.header.items() if name not in ("alg", "typ")}
    more = f", headers={header!r}" if header else ""
    return f"jwt.encode({{{', '.join(members)}}}, {key}, {secret.header.get('alg', 'HS256')!r}{more})"


def shell_signing(name: str, secret: Secret) -> str:
    """Return a line of `sh` that signs a token's claims anew, into a variable."""
    code = (
        f"import jwt, os, time; now = int(time.time()); print({signing(secret, f'os.environ[{secret.key!r}]', 'now')})"
    )
    return f'{name}=$({secret.key}="${secret.key}" python3 -c {shlex.quote(code)})'


def python_runs(text: str) -> Iterator[str]:
    """Yield expressions of Python whose sum is a text: long runs of one character as a product."""
    end = 0
    for match in _RUN.finditer(text):
        if match.start() > end:
            yield repr(text[end : match.start()])
        yield f"{match[1]!r} * {len(match[0])}"
        end = match.end()
    if end < len(text):
        yield repr(text[end:])


def shell_runs(text: str) -> str:
    """Return a part of a word of `sh`: long runs of one character as what prints them."""
    parts: list[str] = []
    end = 0
    for match in _RUN.finditer(text):
        if match.start() > end:
            parts.append(shlex.quote(text[end : match.start()]))
        parts.append(f"\"$(printf '%{len(match[0])}s' '' | tr ' ' {shlex.quote(match[1])})\"")
        end = match.end()
    if end < len(text):
        parts.append(shlex.quote(text[end:]))
    return "".join(parts)


def conceal_text(text: str, secrets: Sequence[Secret | str]) -> str:
    """Return a text with `$TOKEN` wherever one of `secrets` stood."""
    return Names(secrets).conceal(text)
