"""Trading: a market with an account, run by hand, and the tokens for it, as the demo gives them out."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from gateway.tokens import DEMO_SCOPES, DEMO_TOKEN_S, demo_issuer
from market.events import Account
from streaming.clock import Clock, SystemClock
from tests.support.server import Running, running
from tests.support.source import ManualSource, symbol
from tests.support.tokens import SECRET

BTC, ETH = "sim:BTC/USDT", "sim:ETH/USDT"


def trading_source() -> ManualSource:
    """Return exchange `sim` with two symbols, and user 1's account 1 there."""
    account = Account("1", 1, "sim", ("BTC", "ETH", "USDT"))
    return ManualSource(symbol("BTC/USDT", "sim"), symbol("ETH/USDT", "sim"), accounts=(account,))


def trade_a_little(source: ManualSource, at: int = 0) -> None:
    """Send a trade and an order of each symbol, and a balance of each currency, at `START + at` (ms)."""
    for number, key in enumerate((BTC, ETH)):
        source.trade(at + number, "65000.5", key=key)
        source.order(f"o{at}-{number}", key=key, at=at)
    for currency in ("BTC", "ETH", "USDT"):
        source.balance(currency, "1.5", "0.5", at=at)


@asynccontextmanager
async def trading(
    source: ManualSource,
    *,
    clock: Clock | None = None,
    demo: bool = True,
    longest_s: int = DEMO_TOKEN_S,
    **settings: Any,
) -> AsyncIterator[Running]:
    """Run the gateway over the source, as a rule in demo mode; no token of it lives longer than `longest_s` seconds."""
    clock = clock or SystemClock()
    issuer = demo_issuer(SECRET, clock.now_ms, issuer=None, audience=None)

    def issue(name: str, /, *, scopes: Iterable[str] = DEMO_SCOPES, expires_in_s: int = DEMO_TOKEN_S) -> str:
        return issuer(name, scopes=scopes, expires_in_s=min(expires_in_s, longest_s))

    async with running([source], clock=clock, issue_token=issue if demo else None, **settings) as server:
        yield server
