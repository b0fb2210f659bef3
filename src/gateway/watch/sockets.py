"""Sockets: opens a connection to the server, and says in a sentence why it can't. It knows no stream and no message."""

import json
import re
import ssl
from ipaddress import ip_address
from socket import gaierror
from urllib.parse import SplitResult, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from gateway.watch.faults import Refused, Unreachable, WatchError

SUBPROTOCOL = Subprotocol("tapecast.v1")
BROKEN = 1006
"""What a connection counts as closed with that broke without a close frame."""
_OPEN_S = 10
_CLOSE_S = 2
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


async def open_socket(server: Server, path: str, token: str | None, *, offer: bool = False) -> ClientConnection:
    """Return an open connection; `offer`: with the subprotocol `tapecast.v1`.

    Raises Refused where the server answers by HTTP, Unreachable where none answers.
    """
    try:
        return await connect(
            server.ws + path,
            additional_headers=None if token is None else {"Authorization": f"Bearer {token}"},
            subprotocols=[SUBPROTOCOL] if offer else None,
            proxy=None if server.local else True,  # no proxy reaches this machine's own addresses
            open_timeout=_OPEN_S,
            close_timeout=_CLOSE_S,
        )
    except InvalidStatus as answer:
        raise _refused(answer.response.status_code, bytes(answer.response.body or b"")) from None
    except (OSError, WebSocketException) as error:
        raise server.unreachable(error) from None


def _refused(status: int, body: bytes) -> Refused:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        return Refused(status, None, None)
    code, message = value.get("code"), value.get("message")
    return Refused(status, code if isinstance(code, str) else None, message if isinstance(message, str) else None)


def close_code(closed: ConnectionClosed) -> int:
    """Return what the server closed with."""
    return BROKEN if closed.rcvd is None else closed.rcvd.code
