"""Isolation: 200 users at once, a million frames, and none of them comes to anybody but its owner."""

import asyncio
import json
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from typing import Any

import pytest

from market.events import Account
from tests.support.flat import CACHE, client_frame, handshake, token_for
from tests.support.server import Running, running, until
from tests.support.source import ManualSource, symbol

USERS = 200
FRAMES = 1_000_000
EXCHANGES = ("one", "two")
CURRENCIES = ("BTC", "ETH")
NUMBERS = (3, 7)
"""Every user has an account of each number, but at which exchange differs."""
OTHER_KEY = 5
"""One event in so many is of the second symbol or currency, which narrow sockets don't show."""


@dataclass(frozen=True)
class User:
    """One user with two accounts; `number` tags everything that is theirs."""

    number: int

    @property
    def name(self) -> str:
        """Return the `user_id`."""
        return f"u{self.number}"

    @property
    def accounts(self) -> tuple[Account, Account]:
        """Return the accounts: odd users have their numbers at the other exchange."""
        first, second = NUMBERS if self.number % 2 else reversed(NUMBERS)
        return (
            Account(self.name, first, EXCHANGES[0], CURRENCIES),
            Account(self.name, second, EXCHANGES[1], CURRENCIES),
        )

    @property
    def watched(self) -> tuple[Account, ...]:
        """Return the accounts that they listen to: most to one of the two, every fifth to both."""
        return self.accounts if self.number % 5 == 0 else (self.accounts[self.number // 2 % 2],)


@dataclass
class Expected:
    """What one socket is to show: the events of one account, from the first on, without those of the other key."""

    user: User
    account: Account
    stream: str
    narrow: bool
    next: int = 0
    count: int = 0

    @property
    def path(self) -> str:
        """The socket's path."""
        if self.stream == "orders":
            return f"{CACHE}/orders/{self.account.exchange}" + ("/BTC/USDT" if self.narrow else "")
        return f"{CACHE}/balances/{self.account.exchange_id}" + ("/BTC" if self.narrow else "")

    def take(self, frame: bytes) -> None:
        """Fail where the frame is another account's or of another key, doubled, or after one that is missing."""
        message = parsed(frame)
        if self.narrow and self.next % OTHER_KEY == 0:
            self.next += 1
        kind = self.next % OTHER_KEY == 0
        account = self.account
        if self.stream == "orders":
            got = (message["order_id"], message["exchange"], message["exchange_id"], message["symbol"])
            tag = f"{account.user_id}-{account.exchange_id}-{self.next}"
            wanted = (tag, account.exchange, account.exchange_id, "ETH/USDT" if kind else "BTC/USDT")
            assert got == wanted, f"{self}: {message}"
        else:
            total = message["ETH" if kind else "BTC"]["total"]
            assert (total, message["exchange_id"]) == (
                amount(self.user, account, self.next),
                account.exchange_id,
            ), f"{self}: {message}"
        self.next += 1
        self.count += 1


@lru_cache(maxsize=10_000)
def parsed(frame: bytes) -> dict[str, Any]:
    """Return a frame's JSON; wide and narrow sockets get the same bytes."""
    message: dict[str, Any] = json.loads(frame.decode())
    return message


def amount(user: User, account: Account, number: int) -> int:
    """Return the balance that only this account has, and only at this event."""
    return (user.number * 10 + account.exchange_id) * 1_000_000 + number


class Listener(asyncio.Protocol):
    """A client that takes the server's frames apart itself: a library would need minutes for a million."""

    def __init__(self, request: bytes, expected: Expected, faults: list[str]) -> None:
        """Send the request; hold each frame against what is expected."""
        self._request = request
        self._expected = expected
        self._faults = faults
        self._rest = b""
        self.transport: asyncio.Transport
        self.open = False
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take bytes apart."""
        data = self._rest + data
        at = 0
        if not self.open:
            head, end, _ = data.partition(b"\r\n\r\n")
            if not end:
                self._rest = data
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                self._faults.append(data.decode())
            self.open = True
            at = len(head) + 4
        size = len(data)
        while size - at >= 4:
            length = data[at + 1]
            start = at + 2
            if length == 126:
                length = data[at + 2] << 8 | data[at + 3]
                start = at + 4
            if size - start < length:
                break
            if data[at] != 0x81:
                self._faults.append(f"{self._expected}: a frame of kind {data[at]:#x}")
            else:
                try:
                    self._expected.take(data[start : start + length])
                except (AssertionError, KeyError) as fault:
                    self._faults.append(str(fault))
                    self.transport.abort()
                    return
            at = start + length
        self._rest = data[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember it."""
        self.lost = True


def publish(source: ManualSource, user: User, number: int) -> None:
    """Let the user's `number`-th order and balance happen; of an account that nobody watches, only now and then."""
    key, currency = ("ETH/USDT", "ETH") if number % OTHER_KEY == 0 else ("BTC/USDT", "BTC")
    for account in user.accounts if number % 10 == 0 else user.watched:
        source.order(
            f"{account.user_id}-{account.exchange_id}-{number}",
            account=account,
            key=f"{account.exchange}:{key}",
            status="canceled",
        )
        source.balance(currency, str(amount(user, account, number)), account=account)


async def listen(server: Running, user: User, faults: list[str]) -> list[tuple[Listener, Expected]]:
    """Connect a user's sockets: wide and narrow, both streams of each account that they watch."""
    token = token_for(server, user_id=user.name, sub=user.name, accounts=list(NUMBERS))
    loop = asyncio.get_running_loop()
    listeners = []
    for account, stream, narrow in product(user.watched, ("orders", "balances"), (False, True)):
        expected = Expected(user, account, stream, narrow)
        connect = partial(Listener, handshake(expected.path, token), expected, faults)
        _, listener = await loop.create_connection(connect, "127.0.0.1", server.port)
        listeners.append((listener, expected))
    return listeners


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Let the process open what it may: each socket takes two."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("many_descriptors")
@pytest.mark.judge_one_in(500)
async def test_no_user_ever_sees_a_frame_of_another() -> None:
    """Each socket gets the frames of its own account and key, all of them, once and in order."""
    users = [User(number) for number in range(USERS)]
    symbols = [symbol(name, exchange) for exchange in EXCHANGES for name in ("BTC/USDT", "ETH/USDT")]
    source = ManualSource(*symbols, accounts=tuple(account for user in users for account in user.accounts))
    faults: list[str] = []
    async with running([source], ping_s=3600) as server:
        listeners = [pair for user in users for pair in await listen(server, user, faults)]
        await until(lambda: all(listener.open for listener, _ in listeners) or bool(faults))
        assert not faults
        assert len(server.gateway.server.sessions) == len(listeners)
        shown = number = 0
        while shown < FRAMES:
            for user in users:
                for step in range(10):
                    publish(source, user, number + step)
                await asyncio.sleep(0)
            number += 10
            shown = sum(wanted(expected, number) for _, expected in listeners)
            await until(partial(caught_up, listeners, shown, faults))
            assert not faults, faults[:3]
        for listener, expected in listeners:
            assert expected.count == wanted(expected, number), expected
            assert not listener.lost
            listener.transport.write(client_frame(8, b"\x03\xe8"))
        await until(lambda: not server.gateway.server.sessions)


def caught_up(listeners: list[tuple[Listener, Expected]], shown: int, faults: list[str]) -> bool:
    """Say whether so many frames were shown, or something went wrong."""
    return bool(faults) or sum(expected.count for _, expected in listeners) == shown


def wanted(expected: Expected, number: int) -> int:
    """Return how many of the first `number` events of an account a socket shows."""
    return number - -(-number // OTHER_KEY) if expected.narrow else number
