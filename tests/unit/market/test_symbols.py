"""Symbols: which instrument a text names. It knows nothing of trades."""

import pytest

from market.calendar import TradingCalendar
from market.symbols import Symbol, SymbolDirectory

CALENDAR = TradingCalendar.always_open()
APPLE = Symbol("nasdaq", "AAPL", CALENDAR)
BITCOIN = Symbol("sim", "BTC/USDT", CALENDAR, synthetic=True, description="Synthetic Bitcoin")
KRAKEN_BITCOIN = Symbol("kraken", "BTC/USDT", CALENDAR)
DIRECTORY = SymbolDirectory([APPLE, BITCOIN, KRAKEN_BITCOIN])


def test_full_text_names_one_symbol() -> None:
    """`exchange:name` is found exactly, also where the bare name is ambiguous."""
    assert DIRECTORY.resolve("nasdaq:AAPL") is APPLE
    assert DIRECTORY.resolve("sim:BTC/USDT") is BITCOIN
    assert BITCOIN.key == "sim:BTC/USDT"


def test_bare_name_works_where_it_is_unambiguous() -> None:
    """A bare name that one exchange has is that symbol; one that two have is none of them."""
    assert DIRECTORY.resolve("AAPL") is APPLE
    assert DIRECTORY.resolve("BTC/USDT") is None
    assert DIRECTORY.ambiguous("BTC/USDT") == (BITCOIN, KRAKEN_BITCOIN)


@pytest.mark.parametrize("text", ["", ":", "nasdaq", "nasdaq:", ":AAPL", "NASDAQ:AAPL", "aapl", " AAPL", "sim:AAPL"])
def test_other_texts_name_no_symbol(text: str) -> None:
    """Case and every character count: nothing is guessed."""
    assert DIRECTORY.resolve(text) is None
    assert DIRECTORY.ambiguous(text) == ()


def test_full_text_wins_over_a_bare_name() -> None:
    """A symbol whose bare name looks like another's full text doesn't hide it."""
    odd = Symbol("x", "nasdaq:AAPL", CALENDAR)
    directory = SymbolDirectory([odd, APPLE])
    assert directory.resolve("nasdaq:AAPL") is APPLE
    assert directory.resolve("x:nasdaq:AAPL") is odd


def test_directory_keeps_the_order_given() -> None:
    """Iteration gives every symbol once, in the order given."""
    assert list(DIRECTORY) == [APPLE, BITCOIN, KRAKEN_BITCOIN]
    assert len(DIRECTORY) == 3


def test_doubled_symbols_are_refused() -> None:
    """Two symbols with one key are a mistake that is named, not one that wins."""
    with pytest.raises(ValueError, match=r"'nasdaq:AAPL' is given twice"):
        SymbolDirectory([APPLE, Symbol("nasdaq", "AAPL", CALENDAR)])


@pytest.mark.parametrize(("exchange", "name"), [("", "A"), ("x", ""), ("x:y", "A")])
def test_symbols_that_no_text_can_name_are_refused(exchange: str, name: str) -> None:
    """An empty part, or a colon in the exchange, would make the canonical text mean two things."""
    with pytest.raises(ValueError, match="a symbol needs an exchange"):
        SymbolDirectory([Symbol(exchange, name, CALENDAR)])


def test_symbols_are_equal_by_exchange_and_name() -> None:
    """The calendar and the description are properties, not identity."""
    twin = Symbol("sim", "BTC/USDT", TradingCalendar.always_open())
    assert twin == BITCOIN
    assert hash(twin) == hash(BITCOIN)
    assert APPLE != BITCOIN


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("BTC/USDT", ("BTC", "USDT")),
        ("AAPL", ("AAPL", "USD")),
        ("USD", ("USD", "USD")),
        ("/USDT", ("/USDT", "USD")),
        ("BTC/", ("BTC/", "USD")),
        ("/", ("/", "USD")),
        ("A/B/C", ("A/B/C", "USD")),
    ],
)
def test_a_name_says_what_is_traded_and_in_which_money(name: str, pair: tuple[str, str]) -> None:
    """`BTC/USDT` is BTC for USDT; a name that isn't two parts is itself for US dollars."""
    symbol = Symbol("x", name, CALENDAR)
    assert (symbol.base, symbol.quote) == pair
