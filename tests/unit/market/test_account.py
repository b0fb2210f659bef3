"""An account's balances move by exactly its fills and fees, and never below nothing. It knows nothing of a market."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from market.account import MAX_UNITS, AccountBook, AccountEvent, Instrument
from market.events import Account, Balance, Order, Side, Trade

ACCOUNT = Account("7", 3, "x", ("USDT", "BTC", "ETH"))
BTC = Instrument("x:BTC/USDT", "BTC", "USDT", Decimal("0.01"), Decimal("0.0001"))
ETH = Instrument("x:ETH/USDT", "ETH", "USDT", Decimal("0.01"), Decimal("0.001"))
CROSS = Instrument("x:ETH/BTC", "ETH", "BTC", Decimal("0.00001"), Decimal("0.001"))
RATE = Decimal("0.001")


def make(usdt: str = "1000", btc: str = "0", *, rate: Decimal = RATE) -> AccountBook:
    """Return a book that can trade BTC, with so much money and so many coins."""
    made = AccountBook(ACCOUNT, {"USDT": Decimal(usdt), "BTC": Decimal(btc)}, fee_rate=rate)
    made.list_instrument(BTC)
    return made


def trade(price: str, volume: str = "100", time: int = 5, symbol: str = BTC.symbol) -> Trade:
    """Return a trade."""
    return Trade(symbol, time, Decimal(price), Decimal(volume))


def limit(
    book: AccountBook, side: Side, volume: str, price: str, *, order_id: str = "1", time: int = 1
) -> list[AccountEvent]:
    """Place a limit order for BTC."""
    return book.place_limit(order_id, BTC.symbol, side, Decimal(volume), Decimal(price), time)


def shown(events: list[AccountEvent]) -> list[tuple[object, ...]]:
    """Return what matters of events: (id, status, filled, cost, fee, time) or (currency, total, used, time)."""
    return [
        (event.order_id, event.status, event.filled, event.cost, event.fee, event.time)
        if isinstance(event, Order)
        else (event.currency, event.total, event.used, event.time)
        for event in events
    ]


def numbers(*values: str) -> tuple[Decimal, ...]:
    """Return exact numbers."""
    return tuple(map(Decimal, values))


# ---- examples, by hand


def test_a_buy_reserves_its_cost_and_fee_and_is_filled_at_the_trades_price() -> None:
    """A limit buy takes money aside; fills at better prices give back what they didn't need; what is over is free."""
    book = make()
    assert shown(limit(book, "buy", "2", "100")) == [
        ("1", "open", *numbers("0", "0", "0"), 1),
        ("USDT", *numbers("1000", "200.2"), 1),
    ]
    assert book.trade(trade("100.01")) == []
    assert shown(book.trade(trade("90", "0.5"))) == [
        ("1", "open", *numbers("0.5", "45", "0.04"), 5),  # the fee, 0.045, is rounded down
        ("BTC", *numbers("0.5", "0"), 5),
        ("USDT", *numbers("954.96", "150.15"), 5),
    ]
    assert shown(book.trade(trade("100", "7", 6))) == [
        ("1", "closed", *numbers("2", "195", "0.19"), 6),
        ("BTC", *numbers("2", "0"), 6),
        ("USDT", *numbers("804.81", "0"), 6),
    ]
    assert book.orders == ()


def test_a_sell_reserves_what_it_sells_and_pays_its_fee_from_the_proceeds() -> None:
    """A limit sell takes coins aside and brings money less the fee; cancelled, the rest is free again."""
    book = make("0", "3")
    assert shown(limit(book, "sell", "2", "100")) == [
        ("1", "open", *numbers("0", "0", "0"), 1),
        ("BTC", *numbers("3", "2"), 1),
    ]
    assert book.trade(trade("99.99")) == []
    assert shown(book.trade(trade("110", "0.5"))) == [
        ("1", "open", *numbers("0.5", "55", "0.05"), 5),
        ("BTC", *numbers("2.5", "1.5"), 5),
        ("USDT", *numbers("54.95", "0"), 5),
    ]
    assert book.free("BTC") == 1
    assert shown(book.cancel("1", 6)) == [
        ("1", "canceled", *numbers("0.5", "55", "0.05"), 6),
        ("BTC", *numbers("2.5", "0"), 6),
    ]


def test_an_order_expires_like_one_that_is_cancelled() -> None:
    """What it reserved is free again, what was filled stays; it is no longer known."""
    book = make()
    limit(book, "buy", "2", "100")
    assert book.reached_by(trade("1"))
    assert shown(book.expire("1", 9)) == [
        ("1", "expired", *numbers("0", "0", "0"), 9),
        ("USDT", *numbers("1000", "0"), 9),
    ]
    with pytest.raises(KeyError):
        book.cancel("1", 9)
    assert not book.reached_by(trade("1"))
    assert book.trade(trade("1")) == []


def test_a_market_order_is_filled_as_a_whole_at_the_price_seen() -> None:
    """It takes the trade's price and time, whatever volume that had, and has no price of its own."""
    book = make()
    events = book.place_market("1", BTC.symbol, "buy", Decimal(2), trade("100", "0.1"))
    assert shown(events) == [
        ("1", "closed", *numbers("2", "200", "0.2"), 5),
        ("BTC", *numbers("2", "0"), 5),
        ("USDT", *numbers("799.8", "0"), 5),
    ]
    order = events[0]
    assert isinstance(order, Order)
    assert (order.order_type, order.price, order.volume, order.account) == ("market", None, Decimal(2), ACCOUNT)
    assert shown(book.place_market("2", BTC.symbol, "sell", Decimal(1), trade("200", time=6))) == [
        ("2", "closed", *numbers("1", "200", "0.2"), 6),
        ("BTC", *numbers("1", "0"), 6),
        ("USDT", *numbers("999.6", "0"), 6),
    ]


@pytest.mark.parametrize(
    ("side", "volume", "price"),
    [
        ("buy", "2", "100"),  # its cost is there, but not its fee
        ("buy", "3", "100"),
        ("sell", "1.0001", "100"),
    ],
)
def test_what_cannot_be_paid_is_rejected(side: Side, volume: str, price: str) -> None:
    """A rejected order moves nothing and isn't kept, limit or market; what was just within reach is taken."""
    book = make("200", "1")
    before = book.told(9)
    assert shown(limit(book, side, volume, price)) == [("1", "rejected", *numbers("0", "0", "0"), 1)]
    rejected = book.place_market("1", BTC.symbol, side, Decimal(volume), trade(price))
    assert shown(rejected) == [("1", "rejected", *numbers("0", "0", "0"), 5)]
    assert book.told(9) == before
    assert book.orders == ()
    most = "1.998" if side == "buy" else "1"
    assert shown(limit(book, side, most, "100"))[0][1] == "open"
    assert shown(limit(book, side, "0.01", "100", order_id="2"))[0][1] == "rejected", "what is reserved is spent"
    at_market = book.place_market("2", BTC.symbol, side, Decimal("0.01"), trade("100"))
    assert shown(at_market)[0][1] == "rejected", "what is reserved is spent"


def test_nothing_is_sold_for_nothing() -> None:
    """A market order to sell at a price below the tick is rejected; one to buy pays the tick."""
    book = make("200", "1")
    assert shown(book.place_market("1", BTC.symbol, "sell", Decimal(1), trade("0.001")))[0][1] == "rejected"
    assert shown(book.place_market("2", BTC.symbol, "buy", Decimal(1), trade("0.001")))[2] == (
        "USDT",
        *numbers("199.99", "0"),
        5,
    )


def test_an_amended_order_reserves_what_it_now_needs() -> None:
    """A new limit or volume moves the reservation; what isn't there, or leaves nothing to fill, changes nothing."""
    book = make("200.2", "1")
    limit(book, "buy", "1", "100")
    assert shown(book.amend("1", 2, price=Decimal(50))) == [
        ("1", "open", *numbers("0", "0", "0"), 2),
        ("USDT", *numbers("200.2", "50.05"), 2),
    ]
    assert shown(book.amend("1", 3, price=Decimal(100), volume=Decimal(2)))[1] == (
        "USDT",
        *numbers("200.2", "200.2"),
        3,
    )
    before = book.orders
    assert book.amend("1", 4, volume=Decimal("2.0001")) == []
    assert book.amend("1", 4, price=Decimal(100)) == []
    assert book.amend("1", 4) == []
    assert book.orders == before
    book.trade(trade("100", "1"))
    assert book.amend("1", 6, volume=Decimal(1)) == []
    assert book.amend("1", 6, volume=Decimal("0.5")) == []
    limit(book, "sell", "1", "300", order_id="2")
    (only,) = book.amend("2", 7, price=Decimal(200))
    assert isinstance(only, Order)
    assert (only.price, only.time) == (Decimal(200), 7)
    assert book.trade(trade("200", time=8)) != []


def test_the_best_limits_share_a_trade_first() -> None:
    """Orders get no more than the trade's volume together: the best limit first, of equal ones the oldest."""
    book = make("100000", "100")
    for order_id, price in (("1", "99"), ("2", "100"), ("3", "101"), ("4", "100")):
        limit(book, "buy", "2", price, order_id=order_id)
    filled = [event for event in book.trade(trade("99.5", "5")) if isinstance(event, Order)]
    assert [(order.order_id, order.filled, order.cost) for order in filled] == [
        ("3", *numbers("2", "199")),
        ("2", *numbers("2", "199")),
        ("4", *numbers("1", "99.5")),
    ]
    assert [order.order_id for order in book.orders] == ["1", "4"]
    for order_id, price in (("5", "300"), ("6", "200"), ("7", "200")):
        limit(book, "sell", "2", price, order_id=order_id)
    filled = [event for event in book.trade(trade("400", "9"), Decimal("3")) if isinstance(event, Order)]
    assert [(order.order_id, order.filled) for order in filled] == [("6", Decimal(2)), ("7", Decimal(1))]
    assert book.trade(trade("400", "0")) == []
    assert book.trade(trade("400", "9"), Decimal(0)) == []
    assert book.reached_by(trade("300"))
    assert book.reached_by(trade("99"))
    assert not book.reached_by(trade("150"))
    assert not book.reached_by(trade("150", symbol=ETH.symbol))
    assert book.trade(trade("150", symbol=ETH.symbol)) == []


def test_prices_and_volumes_off_the_grid_count_as_the_next_that_are_no_better() -> None:
    """A price between ticks is the dearer one for a buyer, the cheaper one for a seller; part of a lot isn't filled."""
    book = make("1000", "10")
    limit(book, "buy", "1", "100")
    limit(book, "sell", "1", "200", order_id="2")
    bought = book.trade(trade("99.991", "0.00019"))[0]
    sold = book.trade(trade("200.009", "0.5"))[0]
    assert isinstance(bought, Order)
    assert isinstance(sold, Order)
    whole = book.trade(trade("0.000000000000000000000000000000123456789012345678", "123456789012345678e20"))[0]
    assert isinstance(whole, Order)
    assert (whole.filled, whole.cost) == (Decimal(1), Decimal("0.01") + Decimal("0.009999"))
    assert (bought.filled, bought.cost) == numbers("0.0001", "0.01")
    assert (sold.filled, sold.cost) == numbers("0.5", "100")


def test_a_listener_is_told_every_balance_and_every_open_order() -> None:
    """Balances come in the account's order, those of nothing too, and then the open orders as last told."""
    book = make("1000", "1")
    limit(book, "buy", "2", "100", time=3)
    limit(book, "sell", "1", "200", order_id="2", time=4)
    *balances, first, second = book.told(9)
    assert shown(balances) == [
        ("USDT", *numbers("1000", "200.2"), 9),
        ("BTC", *numbers("1", "1"), 9),
        ("ETH", *numbers("0", "0"), 9),
    ]
    assert (first, second) == book.orders
    assert [order.time for order in book.orders] == [3, 4]


def test_money_stays_below_what_a_float_holds() -> None:
    """Proceeds that would make money 10^15 units of 10^-8 aren't taken: the order waits, a market order is rejected."""
    book = make("9999990", "1", rate=Decimal(0))
    limit(book, "sell", "1", "5")
    assert book.reached_by(trade("10"))
    assert book.trade(trade("10")) == []
    assert book.trade(trade("1e30")) == []
    assert book.orders[0].filled == 0
    assert shown(book.trade(trade("9.99")))[2] == ("USDT", *numbers("9999999.99", "0"), 5)
    book = make("0", "2")
    rejected = book.place_market("1", BTC.symbol, "sell", Decimal(1), trade("10000010"))
    assert shown(rejected) == [("1", "rejected", *numbers("0", "0", "0"), 5)]


def test_an_orders_cost_stays_below_what_a_float_holds() -> None:
    """Also where the money of an order's first fills is spent before the next."""
    book = make("0", "2", rate=Decimal(0))
    limit(book, "sell", "2", "1")
    book.trade(trade("9000000", "1"))
    book.place_market("2", BTC.symbol, "buy", Decimal(1), trade("8000000"))
    assert book.trade(trade("1000000", "1")) == []
    assert shown(book.trade(trade("999999", "1")))[0] == ("1", "closed", *numbers("2", "9999999", "0"), 5)


def test_coins_stay_below_what_a_float_holds() -> None:
    """A buy that would make coins 10^15 lots isn't filled; where a lot is large there can be many coins."""
    small = Instrument("x:ETH/USDT", "ETH", "USDT", Decimal(1), Decimal("0.00000001"))
    large = Instrument("x:ETH/USDT", "ETH", "USDT", Decimal("0.00000001"), Decimal(1))
    dear, cheap = trade("1", symbol=small.symbol), trade("0.00000001", symbol=large.symbol)
    book = AccountBook(ACCOUNT, {"USDT": Decimal(9_999_999)}, fee_rate=Decimal(0))
    book.list_instrument(small)
    book.place_market("1", small.symbol, "buy", Decimal(9_999_999), dear)
    book.place_market("2", small.symbol, "sell", Decimal(5), trade("10", symbol=small.symbol))
    assert shown(book.place_market("3", small.symbol, "buy", Decimal(6), dear))[0][1] == "rejected"
    assert shown(book.place_limit("4", small.symbol, "buy", Decimal(6), Decimal(1), 5))[0][1] == "open"
    assert book.trade(dear) == []
    book = AccountBook(ACCOUNT, {"USDT": Decimal(9_999_999)}, fee_rate=Decimal(0))
    book.list_instrument(large)
    many = Decimal(999_999_900_000_000)
    assert shown(book.place_market("1", large.symbol, "buy", many, cheap))[1] == ("ETH", many, 0, 5)


@pytest.mark.parametrize(
    ("side", "volume", "price"),
    [
        ("buy", "0", "100"),
        ("buy", "-1", "100"),
        ("buy", "0.00001", "100"),
        ("buy", "1", "0"),
        ("sell", "1", "-1"),
        ("sell", "1", "0.001"),
        ("sell", str(Decimal("0.0001") * MAX_UNITS), "1"),
        ("sell", "1", str(Decimal("0.01") * MAX_UNITS)),
    ],
)
def test_orders_off_the_grid_are_mistakes(side: Side, volume: str, price: str) -> None:
    """A caller who places or amends what no exchange takes hears so at once, and nothing has changed."""
    book = make("1000", "5")
    with pytest.raises(ValueError, match=r"isn't above 0, on the (lot|tick)"):
        limit(book, side, volume, price)
    limit(book, side, "1", "1")
    before = book.told(1)
    with pytest.raises(ValueError, match=r"isn't above 0, on the (lot|tick)"):
        book.amend("1", 2, price=Decimal(price), volume=Decimal(volume))
    assert book.told(1) == before


def test_ids_and_symbols_are_checked() -> None:
    """An id in use and a symbol that isn't listed are mistakes; an id that was used before is free again."""
    book = make()
    limit(book, "buy", "1", "100")
    with pytest.raises(ValueError, match="1 is an open order already"):
        limit(book, "buy", "1", "100")
    with pytest.raises(ValueError, match="x:ETH/USDT isn't listed"):
        book.place_market("2", ETH.symbol, "buy", Decimal(1), trade("1", symbol=ETH.symbol))
    for change in (book.cancel, book.expire, book.amend):
        with pytest.raises(KeyError):
            change("2", 3)
    book.cancel("1", 2)
    assert len(limit(book, "buy", "1", "100")) == 2


@pytest.mark.parametrize(
    ("totals", "rate", "message"),
    [
        ({"DOGE": 1}, "0", "'DOGE' is none of the account's currencies"),
        ({"BTC": -1}, "0", "The total -1 BTC is negative, too large or too fine"),
        ({"BTC": 10_000_000}, "0", "too large"),
        ({"BTC": Decimal("0.000000001")}, "0", "too fine"),
        ({}, "-0.1", "The fee's rate is 0 or more and below 1, not -0.1"),
        ({}, "1", "The fee's rate"),
    ],
)
def test_a_beginning_that_cannot_be_is_refused(totals: dict[str, Decimal], rate: str, message: str) -> None:
    """Unknown currencies, totals that a float can't hold and senseless rates are mistakes."""
    with pytest.raises(ValueError, match=message):
        AccountBook(ACCOUNT, {name: Decimal(total) for name, total in totals.items()}, fee_rate=Decimal(rate))


@pytest.mark.parametrize(
    ("base", "quote", "tick", "lot", "message"),
    [
        ("BTC", "BTC", "1", "1", "BTC for BTC can't be traded"),
        ("DOGE", "BTC", "1", "1", "DOGE for BTC can't be traded"),
        ("ETH", "DOGE", "1", "1", "ETH for DOGE can't be traded"),
        ("ETH", "USDT", "0.00001", "0.0001", "a tick of a lot is less than 1E-8 USDT"),
        ("BTC", "USDT", "100000", "0.0000000000001", "too fine for the 999 BTC"),
    ],
)
def test_an_instrument_that_cannot_be_traded_is_refused(
    base: str, quote: str, tick: str, lot: str, message: str
) -> None:
    """An account can't trade what it can't hold, nor amounts that no float holds."""
    book = AccountBook(ACCOUNT, {"BTC": Decimal(999)})
    with pytest.raises(ValueError, match=message):
        book.list_instrument(Instrument("x:?", base, quote, Decimal(tick), Decimal(lot)))
    book.list_instrument(BTC)
    with pytest.raises(ValueError, match="x:BTC/USDT is listed already"):
        book.list_instrument(BTC)


def test_a_currency_can_be_traded_and_paid_with() -> None:
    """Coins of one instrument are the money of another: bought with one, spent and reserved in the other."""
    book = make("100000")
    book.list_instrument(CROSS)
    book.place_market("1", BTC.symbol, "buy", Decimal(1), trade("50000"))
    cross = trade("0.05", symbol=CROSS.symbol)
    assert shown(book.place_limit("2", CROSS.symbol, "buy", Decimal(10), Decimal("0.05"), 6)) == [
        ("2", "open", *numbers("0", "0", "0"), 6),
        ("BTC", *numbers("1", "0.51"), 6),
    ]
    assert shown(book.trade(cross)) == [
        ("2", "closed", *numbers("10", "0.5", "0"), 5),
        ("ETH", *numbers("10", "0"), 5),
        ("BTC", *numbers("0.5", "0"), 5),
    ]


# ---- any sequence of changes, against the plainest book-keeping


class Sheet:
    """An order as a person would note it down. Amounts are fractions: nothing is rounded but the fee."""

    def __init__(self, instrument: Instrument, side: Side, volume: Decimal, price: Decimal) -> None:
        self.instrument = instrument
        self.side = side
        self.volume = Fraction(volume)
        self.price = Fraction(price)
        self.fills: list[tuple[Fraction, Fraction, Fraction]] = []  # (price, volume, fee)

    @property
    def filled(self) -> Fraction:
        """Return what of it is filled."""
        return sum((volume for _, volume, _ in self.fills), Fraction(0))

    def reserved(self, currency: str) -> Fraction:
        """Return what it holds back of a currency."""
        left = self.volume - self.filled
        if self.side == "sell":
            return left if currency == self.instrument.base else Fraction(0)
        worth = self.price * left
        cents = -((-worth * Fraction(RATE) * 100) // 1)
        return worth + Fraction(cents, 100) if currency == self.instrument.quote else Fraction(0)


def fee_of(cost: Fraction) -> Fraction:
    """Return a fill's fee: the rate's part, in whole cents, rounded down."""
    return Fraction((cost * Fraction(RATE) * 100) // 1, 100)


def exact(*values: Decimal) -> tuple[Fraction, ...]:
    """Return numbers as fractions."""
    return tuple(map(Fraction, values))


class AccountMachine(RuleBasedStateMachine):
    """Orders come, change, go and are filled in any order; after each event every balance is recomputed from nothing.

    The money is little and the volumes large, so that much is rejected and the account often has nothing free.
    """

    @initialize(
        usdt=st.integers(0, 50_000),
        btc=st.integers(0, 500),
    )
    def begin(self, usdt: int, btc: int) -> None:
        """Begin with some money and coins."""
        self.first = {"USDT": Fraction(usdt, 100), "BTC": Fraction(btc, 100), "ETH": Fraction(0)}
        self.book = AccountBook(ACCOUNT, {"USDT": Decimal(usdt) / 100, "BTC": Decimal(btc) / 100}, fee_rate=RATE)
        for instrument in (BTC, ETH, CROSS):
            self.book.list_instrument(instrument)
        self.open: dict[str, Sheet] = {}
        self.over: list[Sheet] = []
        self.time = 0
        self.count = 0

    # What the sheets say.

    def totals(self) -> dict[str, Fraction]:
        """Return the first balances with every fill of every order ever counted in."""
        totals = dict(self.first)
        for sheet in (*self.open.values(), *self.over):
            sign = 1 if sheet.side == "buy" else -1
            for price, volume, fee in sheet.fills:
                totals[sheet.instrument.base] += sign * volume
                totals[sheet.instrument.quote] -= sign * price * volume + fee
        return totals

    def used(self) -> dict[str, Fraction]:
        """Return what the open orders hold back."""
        return {
            currency: sum((sheet.reserved(currency) for sheet in self.open.values()), Fraction(0))
            for currency in self.first
        }

    def free(self, currency: str) -> Fraction:
        """Return what can be spent."""
        return self.totals()[currency] - self.used()[currency]

    def check(
        self, events: list[AccountEvent], order_id: str, sheet: Sheet, status: str, moved: tuple[str, ...]
    ) -> None:
        """Check one change's events: the order as its sheet says, then the balances it moved, base before quote."""
        order, *balances = events
        assert isinstance(order, Order)
        assert (order.order_id, order.status, order.time) == (order_id, status, self.time)
        assert (order.symbol, order.side) == (sheet.instrument.symbol, sheet.side)
        assert exact(order.volume, order.filled) == (sheet.volume, sheet.filled)
        assert order.cost == sum(price * volume for price, volume, _ in sheet.fills)
        assert order.fee == sum(fee for _, _, fee in sheet.fills)
        totals, used = self.totals(), self.used()
        for balance, currency in zip(balances, moved, strict=True):
            assert isinstance(balance, Balance)
            assert (balance.currency, balance.time) == (currency, self.time)
            assert exact(balance.total, balance.used) == (totals[currency], used[currency])
            assert balance.total == balance.free + balance.used

    # What happens.

    instruments = st.sampled_from([BTC, ETH, CROSS])
    sides = st.sampled_from(["buy", "sell"])
    steps = st.integers(1, 40)

    def price(self, instrument: Instrument, steps: int) -> Decimal:
        """Return one of 40 prices that are so coarse that limits and trades often meet."""
        return instrument.tick * 7 * steps * (100 if instrument is not CROSS else 1)

    @rule(instrument=instruments, side=sides, price=steps, volume=st.integers(1, 30_000))
    def place(self, instrument: Instrument, side: Side, price: int, volume: int) -> None:
        """Place a limit order."""
        self.time += 1
        self.count += 1
        order_id = str(self.count)
        sheet = Sheet(instrument, side, instrument.lot * volume, self.price(instrument, price))
        currency = instrument.quote if side == "buy" else instrument.base
        payable = sheet.reserved(currency) <= self.free(currency)
        events = self.book.place_limit(
            order_id, instrument.symbol, side, instrument.lot * volume, self.price(instrument, price), self.time
        )
        if payable:
            self.open[order_id] = sheet
        self.check(events, order_id, sheet, "open" if payable else "rejected", (currency,) if payable else ())

    @rule(instrument=instruments, side=sides, price=steps, volume=st.integers(1, 30_000))
    def take(self, instrument: Instrument, side: Side, price: int, volume: int) -> None:
        """Place a market order."""
        self.time += 1
        self.count += 1
        order_id = str(self.count)
        at = self.price(instrument, price)
        sheet = Sheet(instrument, side, instrument.lot * volume, at)
        cost = sheet.price * sheet.volume
        needed = cost + fee_of(cost) if side == "buy" else sheet.volume
        payable = needed <= self.free(instrument.quote if side == "buy" else instrument.base)
        events = self.book.place_market(
            order_id,
            instrument.symbol,
            side,
            instrument.lot * volume,
            Trade(instrument.symbol, self.time, at, Decimal(0)),
        )
        if payable:
            sheet.fills.append((sheet.price, sheet.volume, fee_of(cost)))
            self.over.append(sheet)
        moved = (instrument.base, instrument.quote) if payable else ()
        self.check(events, order_id, sheet, "closed" if payable else "rejected", moved)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), ends=st.sampled_from(["canceled", "expired"]))
    def end(self, data: st.DataObject, ends: str) -> None:
        """Cancel an order or let it expire."""
        self.time += 1
        order_id = data.draw(st.sampled_from(sorted(self.open)))
        sheet = self.open.pop(order_id)
        self.over.append(sheet)
        events = (self.book.cancel if ends == "canceled" else self.book.expire)(order_id, self.time)
        currency = sheet.instrument.quote if sheet.side == "buy" else sheet.instrument.base
        self.check(events, order_id, sheet, ends, (currency,))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), price=st.none() | steps, volume=st.none() | st.integers(1, 30_000))
    def amend(self, data: st.DataObject, price: int | None, volume: int | None) -> None:
        """Change an order, where that can be paid."""
        self.time += 1
        order_id = data.draw(st.sampled_from(sorted(self.open)))
        sheet = self.open[order_id]
        new_price = None if price is None else self.price(sheet.instrument, price)
        new_volume = None if volume is None else sheet.instrument.lot * volume
        currency = sheet.instrument.quote if sheet.side == "buy" else sheet.instrument.base
        before = (sheet.price, sheet.volume, sheet.reserved(currency), self.free(currency))
        sheet.price = before[0] if new_price is None else Fraction(new_price)
        sheet.volume = before[1] if new_volume is None else Fraction(new_volume)
        rises = sheet.reserved(currency) - before[2]
        changes = (sheet.price, sheet.volume) != before[:2] and sheet.volume > sheet.filled and rises <= before[3]
        events = self.book.amend(order_id, self.time, price=new_price, volume=new_volume)
        if not changes:
            sheet.price, sheet.volume = before[:2]
            assert events == []
            return
        self.check(events, order_id, sheet, "open", (currency,) if rises else ())

    @rule(instrument=instruments, price=steps, off=st.integers(0, 9), volume=st.integers(0, 400_000))
    def trade(self, instrument: Instrument, price: int, off: int, volume: int) -> None:
        """See a trade, perhaps between two ticks and with a part of a lot."""
        self.time += 1
        at = self.price(instrument, price) + instrument.tick * off / 10
        seen = Trade(instrument.symbol, self.time, at, instrument.lot * volume / 10)
        events = self.book.trade(seen)
        left = volume // 10
        hit = [
            (order_id, sheet)
            for order_id, sheet in self.open.items()
            if sheet.instrument is instrument and (sheet.price >= at if sheet.side == "buy" else sheet.price <= at)
        ]
        hit.sort(key=lambda pair: (pair[1].side, -pair[1].price if pair[1].side == "buy" else pair[1].price))
        for order_id, sheet in hit:
            lots = min(left, int((sheet.volume - sheet.filled) / Fraction(instrument.lot)))
            if lots == 0:
                continue
            left -= lots
            paid = Fraction(self.price(instrument, price))
            if sheet.side == "buy" and off:
                paid += Fraction(instrument.tick)
            amount = lots * Fraction(instrument.lot)
            sheet.fills.append((paid, amount, fee_of(paid * amount)))
            closed = sheet.filled == sheet.volume
            if closed:
                self.over.append(self.open.pop(order_id))
            part, events = events[:3], events[3:]
            self.check(part, order_id, sheet, "closed" if closed else "open", (instrument.base, instrument.quote))
        assert events == []

    @invariant()
    def the_books_agree(self) -> None:
        """What a listener would be told now is what the sheets say; nothing is below nothing; only open orders stay."""
        if not hasattr(self, "book"):
            return
        told = self.book.told(self.time)
        balances = [event for event in told if isinstance(event, Balance)]
        totals, used = self.totals(), self.used()
        assert [balance.currency for balance in balances] == list(ACCOUNT.currencies)
        for balance in balances:
            assert exact(balance.total, balance.used) == (totals[balance.currency], used[balance.currency])
            assert balance.used >= 0
            assert balance.free >= 0
            for value in (balance.total, balance.used, balance.free):
                assert Decimal(repr(float(value))) == value
        assert sorted(event.order_id for event in told if isinstance(event, Order)) == sorted(self.open)


TestAnySequence = AccountMachine.TestCase
TestAnySequence.settings = settings(deadline=None, max_examples=150, stateful_step_count=40)
