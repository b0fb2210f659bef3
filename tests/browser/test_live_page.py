"""The live page against a server that says what no real one does often: close codes, older bars, unknown types."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SYMBOLS, Watched
from tests.browser.fake_gateway import FakeGateway, Message, acknowledge, update

STOCK = ("nasdaq:AAPL", "1D")
DAY = 1338508800000


def bar(close: float, time: int = DAY, **more: Any) -> Message:
    """Return a bar that ends at `close`."""
    return {"time": time, "open": 100, "high": 1000000, "low": 0.5, "close": close, "volume": 12, **more}


def open_page(fake: FakeGateway, page: Page, connection: int = 1) -> None:
    """Open the page and wait until it has subscribed to everything."""
    page.goto(fake.address)
    wait_subscribed(fake, connection)


def wait_subscribed(fake: FakeGateway, connection: int) -> None:
    """Wait until the connection of this number has subscribed to everything."""
    fake.wait_for(lambda: fake.connected == connection and len(fake.received) >= connection * len(SYMBOLS))


def field(page: Page, name: str, symbol: str = STOCK[0]) -> Any:
    """Return a cell of the symbol's row."""
    return page.locator(f'tr[data-symbol="{symbol}"] [data-field={name}]')


def test_each_symbol_is_subscribed_at_the_resolution_that_moves(fake: FakeGateway, page: Page) -> None:
    """Stocks are asked for at `1D`, synthetic symbols at `1`."""
    open_page(fake, page)
    assert [message["payload"] for message in fake.received] == [
        {"symbol": "nasdaq:AAPL", "resolution": "1D", "id": 0},
        {"symbol": "sim:BTC/USDT", "resolution": "1", "id": 1},
    ]


def test_the_bar_is_shown_as_it_was_sent(fake: FakeGateway, page: Page) -> None:
    """Every number is shown exactly, its thousands grouped, with the symbol's widest decimals."""
    open_page(fake, page)
    fake.push(update(*STOCK, bar(1234567.5, open=1234500, high=1234567.875, low=99.1, volume=1234567)))
    expect(field(page, "last")).to_have_text("1,234,567.500")
    assert field(page, "open").text_content() == "1,234,500.000"
    assert field(page, "high").text_content() == "1,234,567.875"
    assert field(page, "low").text_content() == "99.100"
    assert field(page, "close").text_content() == "1,234,567.500"
    assert field(page, "volume").text_content() == "1,234,567"
    assert field(page, "time").text_content() == "2012-06-01"
    assert field(page, "change").text_content() == "+67.500+0.01%"
    fake.push(update("sim:BTC/USDT", "1", bar(1e-7, open=3e-7, time=DAY + 14 * 3600_000 + 31 * 60_000)))
    expect(field(page, "last", "sim:BTC/USDT")).to_have_text("1e-7")
    assert field(page, "time", "sim:BTC/USDT").text_content() == "14:31"


def test_a_bar_without_volume_has_none(fake: FakeGateway, page: Page) -> None:
    """`volume` is optional."""
    open_page(fake, page)
    prices = bar(101)
    del prices["volume"]
    fake.push(update(*STOCK, prices))
    expect(field(page, "last")).to_have_text("101.00")
    assert field(page, "volume").text_content() == ""


def test_an_older_bar_is_never_shown(fake: FakeGateway, page: Page) -> None:
    """Neither an older bar nor an open state of a bar that is final replaces what is shown; a new epoch does."""
    open_page(fake, page)
    fake.push(
        update(*STOCK, bar(101), final=True),
        update(*STOCK, bar(102, DAY - 86_400_000)),
        update(*STOCK, bar(103)),
        update("sim:BTC/USDT", "1", bar(1)),
    )
    expect(field(page, "last", "sim:BTC/USDT")).to_have_text("1.00")  # so everything before it was taken
    expect(field(page, "last")).to_have_text("101.00")
    expect(field(page, "time")).to_have_class("time final")
    fake.push(update(*STOCK, bar(104, DAY - 86_400_000), epoch="e2"))
    expect(field(page, "last")).to_have_text("104.00")
    expect(field(page, "time")).to_have_text("2012-05-31")


def test_what_is_unknown_is_ignored(fake: FakeGateway, watched: Watched) -> None:
    """Unknown types and members, unknown symbols, and frames that make no sense change nothing and break nothing."""
    page = watched.page
    open_page(fake, page)
    fake.push(
        "not JSON",
        "null",
        "[1]",
        '"text"',
        '{"type": 5}',
        '{"type": "bars.update"}',
        '{"type": "bars.update", "payload": null}',
        '{"type": "bars.update", "payload": 3}',
        '{"type": "bars.ack", "payload": {"status": "ok", "symbol": "NOPE", "resolution": "1D"}}',
        '{"type": "bars.error", "payload": {}}',
        '{"type": "error", "payload": {"code": "internal", "message": "?"}}',
        {"type": "bars.snapshot", "payload": {"bars": []}},
        update("NOPE", "1D", bar(1)),
        update("nasdaq:AAPL", "1W", bar(2)),
        update(*STOCK, {"time": DAY, "open": "3", "high": 3, "low": 3, "close": 3}),
        update(*STOCK, bar(101, later=[1]), something={"new": True}),
    )
    expect(field(page, "last")).to_have_text("101.00")
    assert watched.complaints == []


def test_a_refused_subscription_says_why(fake: FakeGateway, page: Page) -> None:
    """An error acknowledgement and an error with the request's id stand in the symbol's row, as text."""

    def refuse(message: Message) -> list[Message]:
        if message["payload"]["symbol"] == STOCK[0]:
            payload = {**message["payload"], "status": "error", "message": "<b>No</b> such symbol.", "code": "x"}
            return [{"type": "bars.ack", "payload": payload}]
        return [{"type": "error", "payload": {"code": "rate_limited", "message": "Too many.", "id": 1}}]

    fake.reply = refuse
    open_page(fake, page)
    expect(field(page, "note")).to_have_text("<b>No</b> such symbol.")
    expect(field(page, "note", "sim:BTC/USDT")).to_have_text("Too many.")
    expect(page.locator("#state")).to_have_text("Live")


def test_a_failed_source_says_so_until_it_is_back(fake: FakeGateway, page: Page) -> None:
    """`bars.error` stands in the row; the next bar takes it away."""
    open_page(fake, page)
    payload = {"symbol": STOCK[0], "resolution": STOCK[1], "code": "source_unavailable", "error": "The source is gone."}
    fake.push({"type": "bars.error", "payload": payload})
    expect(field(page, "note")).to_have_text("The source is gone.")
    fake.push(update(*STOCK, bar(101)))
    expect(field(page, "note")).to_be_hidden()


@pytest.mark.parametrize("code", [4000, 4001, 4006, 4499, 1001, 1011, 1012])
def test_it_comes_back_where_the_code_says_so(fake: FakeGateway, page: Page, code: int) -> None:
    """After these codes the page connects again by itself and subscribes again."""
    page.add_init_script("Math.random = () => 0")  # the shortest back-off
    open_page(fake, page)
    fake.close(code)
    wait_subscribed(fake, 2)
    expect(page.locator("#state")).to_have_text("Live")
    expect(page.locator("#notice")).to_be_hidden()


@pytest.mark.parametrize(
    ("code", "reason", "says"),
    [
        (4502, "", "Twenty bad frames in a row. (4502)"),
        (4502, "twenty bad frames", "twenty bad frames (4502)"),
        (4999, "", "closed with code 4999"),
        (1008, "", "the Origin were refused. (1008)"),
        (1000, "", "(1000)"),
    ],
)
def test_it_stops_where_the_code_says_so(fake: FakeGateway, page: Page, code: int, reason: str, says: str) -> None:
    """After these codes the page doesn't come back, says why, and offers a button that does."""
    page.add_init_script("Math.random = () => 0")
    open_page(fake, page)
    fake.close(code, reason)
    expect(page.locator("#state")).to_have_text("Stopped")
    expect(page.locator("#notice")).to_contain_text(says)
    assert fake.connected == 1
    page.get_by_role("button", name="Connect now").click()
    wait_subscribed(fake, 2)
    expect(page.locator("#state")).to_have_text("Live")
    expect(page.locator("#notice")).to_be_hidden()


def test_it_waits_after_a_shutdown_as_long_as_it_was_told(fake: FakeGateway, page: Page) -> None:
    """`reconnect_after_ms` is the delay after a shutdown; the button shortens it."""
    page.add_init_script("Math.random = () => 0")
    open_page(fake, page)
    fake.push({"type": "shutdown", "payload": {"reconnect_after_ms": 60_000}})
    fake.close(4001)
    expect(page.locator("#state")).to_have_text("Reconnecting")
    expect(page.locator("#countdown")).to_contain_text("60 s")
    assert fake.connected == 1
    page.get_by_role("button", name="Connect now").click()
    wait_subscribed(fake, 2)


def test_it_comes_back_when_the_server_does(fake: FakeGateway, page: Page) -> None:
    """A server that is killed and started again is found again; meanwhile the prices look stale, and stay."""
    open_page(fake, page)
    fake.push(update(*STOCK, bar(101)))
    expect(field(page, "last")).to_have_text("101.00")
    fake.stop()
    expect(page.locator("#state")).to_have_text("Reconnecting")
    expect(page.locator("body")).to_have_class("stale")
    expect(field(page, "last")).to_have_text("101.00")
    fake.start()
    wait_subscribed(fake, 2)
    fake.push(update(*STOCK, bar(102)))
    expect(field(page, "last")).to_have_text("102.00")
    expect(page.locator("#state")).to_have_text("Live")
    expect(page.locator("body")).to_have_class("")


def test_a_server_that_starts_over_is_believed(fake: FakeGateway, page: Page) -> None:
    """After a reconnect with another epoch time may go back: nothing of the old life is left."""
    page.add_init_script("Math.random = () => 0")
    open_page(fake, page)
    fake.push(update(*STOCK, bar(101)))
    expect(field(page, "last")).to_have_text("101.00")

    def other_epoch(message: Message) -> list[Message]:
        replies = acknowledge(message)
        for reply in replies:
            reply["payload"]["epoch"] = "e2"
        return replies

    fake.reply = other_epoch
    fake.close(4006)
    wait_subscribed(fake, 2)
    expect(field(page, "last")).to_have_text("")
    fake.push(update(*STOCK, bar(99, DAY - 86_400_000), epoch="e2"))
    expect(field(page, "last")).to_have_text("99.00")


def test_a_silent_server_is_asked_and_then_left(fake: FakeGateway, page: Page) -> None:
    """After 20 s without a frame the page sends a ping, and after 20 s without an answer it connects anew."""
    page.add_init_script("Math.random = () => 0")
    page.clock.install()
    open_page(fake, page)
    page.clock.run_for(26_000)
    fake.wait_for(lambda: fake.received[-1] == {"type": "ping"})
    fake.push({"type": "pong", "payload": {"timestamp": 1}})
    told = {"symbol": STOCK[0], "resolution": STOCK[1], "code": "source_unavailable", "error": "after the pong"}
    fake.push({"type": "bars.error", "payload": told})
    expect(field(page, "note")).to_have_text("after the pong")  # so the pong came before the page's clock goes on
    page.clock.run_for(26_000)
    fake.wait_for(lambda: fake.received[-2:] == [{"type": "ping"}, {"type": "ping"}])
    assert fake.connected == 1
    page.clock.run_for(26_000)
    fake.wait_for(lambda: fake.connected == 2)


def test_the_back_off_is_random_and_bounded(fake: FakeGateway, page: Page) -> None:
    """The wait is anything between nothing and a bound that doubles from 0.5 s to 30 s."""
    page.goto(fake.address)
    bounds = page.evaluate(
        """async () => {
          const { backoff } = await import("/static/stream.js");
          return [0, 1, 2, 6, 7, 1000].map((attempt) => [backoff(attempt, () => 0), backoff(attempt, () => 1)]);
        }"""
    )
    assert bounds == [[0, 500], [0, 1000], [0, 2000], [0, 30_000], [0, 30_000], [0, 30_000]]


@pytest.mark.parametrize("width", [320, 390, 768, 1056, 1057, 1216, 1217])
def test_nothing_is_cut_at_narrow_widths(fake: FakeGateway, page: Page, width: int) -> None:
    """The page is never wider than the window, with prices in the hundred thousands."""
    page.set_viewport_size({"width": width, "height": 800})
    open_page(fake, page)
    for symbol, resolution in (STOCK, ("sim:BTC/USDT", "1")):
        prices: Message = {"open": 123456.5, "high": 123999.25, "low": 100000.75, "volume": 123456789}
        fake.push(update(symbol, resolution, bar(123456.75, **prices)))
        expect(field(page, "last", symbol)).to_have_text("123,456.75")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(fake: FakeGateway, browser: Browser, scheme: Any) -> None:
    """In both schemes each colour of text has a contrast of at least 4.5 to both grounds."""
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(fake.address)
    ratios = page.evaluate(
        """() => {
          const style = getComputedStyle(document.documentElement);
          const light = (name) => {
            const [r, g, b] = style.getPropertyValue(name).match(/[0-9a-f]{2}/gi).map((hex) => {
              const part = parseInt(hex, 16) / 255;
              return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          return ["--text", "--quiet", "--accent", "--up", "--down", "--warn"].flatMap((text) =>
            ["--ground", "--raised"].map((ground) => [text, ground, ratio(light(text), light(ground))]));
        }"""
    )
    context.close()
    assert len(ratios) == 12
    assert [entry for entry in ratios if entry[2] < 4.5] == []


@pytest.mark.parametrize("width", [390, 1280])
def test_a_table_for_those_who_can_not_see_it(fake: FakeGateway, page: Page, width: int) -> None:
    """At each width the prices are a table with row headers; only the connection's state is announced."""
    page.set_viewport_size({"width": width, "height": 800})
    open_page(fake, page)
    expect(page.get_by_role("table")).to_have_count(1)
    expect(page.get_by_role("rowheader", name="AAPL Apple Inc.")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Live")
    assert page.locator("[aria-live]").count() == 0


def test_without_the_component_the_page_says_how_to_get_it(fake: FakeGateway, watched: Watched) -> None:
    """Where the assets are absent /asyncapi is a page with a sentence, and complains of nothing."""
    watched.page.goto(fake.address + "asyncapi")
    expect(watched.page.get_by_text("make assets")).to_be_visible()
    assert watched.complaints == []
