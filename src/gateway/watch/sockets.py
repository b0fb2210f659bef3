"""Sockets: where the server is, and a client of it; and why it can't be reached, in a sentence. It knows no stream."""

import re
import ssl
from collections.abc import Sequence
from ipaddress import ip_address
from socket import gaierror
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from gateway.watch.faults import Unreachable, WatchError
from tapecast_client import Client, CloseCode, Token

SUBPROTOCOL: Final = "tapecast.v1"
BROKEN: Final = 1006
"""What a connection counts as closed with that broke without a close frame."""
_NO_CODE: Final = 1005
_PASSING: Final = frozenset({1001, 1012, 1013, 1014})  # what proxies send where the server would send 4001
_OPEN_S: Final = 10.0
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class Server:
    """Where the server is."""

    def __init__(self, url: str) -> None:
        """Read the address: `ws://HOST:PORT` or `wss://...`; http and https mean the same. Raises WatchError."""
        try:
            parts = urlsplit(url.strip())
            _ = parts.port
        except ValueError:
            parts = SplitResult("", "", "", "", "")
        if parts.scheme not in _SCHEMES or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise WatchError("--url must look like ws://127.0.0.1:8000 (or wss://, for TLS).")
        rest = f"{parts.netloc}{parts.path.rstrip('/')}"
        self.ws = f"{_SCHEMES[parts.scheme]}://{rest}"
        self.http = f"{'https' if self.ws.startswith('wss') else 'http'}://{rest}"
        self.local = _is_local(parts.hostname)
        self._host = parts.hostname

    def client(self, token: Token | None, *, subprotocols: Sequence[str] | None = None, **options: Any) -> Client:
        """Return a client of it; `options` are the client's own."""
        return Client(
            self.ws,
            token=token,
            timeout_s=_OPEN_S,
            ssl=ssl.create_default_context() if self.ws.startswith("wss") else None,
            proxy=self._proxy(),
            subprotocols=subprotocols,
            **options,
        )

    def _proxy(self) -> str | None:
        """Return the proxy that the environment names, None where none is to be used."""
        if self.local or proxy_bypass(self._host):  # no proxy reaches this machine's own addresses
            return None
        names = ("wss", "socks", "https") if self.ws.startswith("wss") else ("ws", "socks", "https", "http")
        found = getproxies()
        return next((found[name] for name in names if found.get(name)), None)

    def unreachable(self, error: object) -> Unreachable:
        """Return the error for a connection that failed with `error`."""
        match error:
            case ConnectionRefusedError():
                text = f'no server at {self.ws}: start one with "make run", or name another with --url.'
            case ssl.SSLError():
                text = f"no TLS at {self.ws} ({error.reason}): write ws:// where the server has none."
            case gaierror():
                text = f"the host of {self.ws} is not known: check --url."
            case TimeoutError():
                text = f"no answer from {self.ws} in time: check --url."
            case OSError():
                text = f"{self.ws} can't be reached ({error.strerror or type(error).__name__}): check --url."
            case _:
                text = f"what answers at {self.ws} is no Tapecast: check --url."
        return Unreachable(text)


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_token(token: str) -> str:
    """Return the token. Raises WatchError, which doesn't show it, where no header can hold it."""
    if not _TOKEN.fullmatch(token):
        raise WatchError("The token holds what no token has: give what `tapecast token` or the server's start printed.")
    return token


def meaning(code: int) -> str:
    """Return what a close code says, in a sentence."""
    if code in (BROKEN, _NO_CODE):
        return "The connection broke without a close frame."
    if code in _PASSING:
        return f"The server, or a proxy before it, is going away ({code})."
    if code == CloseCode.NORMAL:
        return "The server ended the connection (1000)."
    try:
        return f"{CloseCode(code).text} ({code})"
    except ValueError:
        return f"The server closed the connection ({code})."
