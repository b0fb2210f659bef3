"""The pages of the real server, as a newcomer meets them."""

import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched

# True once the text of every row's cell differs from what it was at the start.
MOVED = """(before) => {
  const now = [...document.querySelectorAll("td[data-field=last]")].map((cell) => cell.textContent);
  return now.every((text, index) => text && text !== before[index]);
}"""


def last_prices(page: Page) -> list[str]:
    """Return the last price of each row, as shown."""
    return page.locator("td[data-field=last]").all_text_contents()


def test_prices_move(server: str, watched: Watched) -> None:
    """Within seconds every symbol's price has come and has moved, from the real socket, asking no other host."""
    page = watched.page
    page.goto(server)
    expect(page.locator("#state")).to_have_text("Live")
    page.wait_for_function(MOVED, arg=[""] * 7)
    before = last_prices(page)
    page.wait_for_function(MOVED, arg=before)
    assert len(before) == 7
    assert len(page.locator("polyline.line").first.get_attribute("points") or "") > 10
    assert watched.hosts == {urlsplit(server).netloc}
    assert [address for address in watched.requests if address.startswith("ws:")] == [
        server.replace("http", "ws") + "api/v1/ws"
    ]
    assert watched.complaints == []


def test_a_row_shows_a_whole_bar(server: str, page: Page) -> None:
    """Low <= open, close <= high in every row, the last price is the bar's close, and stocks say their replayed day."""
    page.goto(server)
    page.wait_for_function(MOVED, arg=[""] * 7)
    rows: list[dict[str, Any]] = page.evaluate(
        """() => [...document.querySelectorAll("tr.symbol")].map((row) => Object.fromEntries(
             [...row.querySelectorAll("td[data-field]")].map((cell) => [cell.dataset.field, cell.textContent])))"""
    )
    for row in rows:
        low, high, first, close = (float(row[name].replace(",", "")) for name in ("low", "high", "open", "close"))
        assert low <= min(first, close) <= max(first, close) <= high
        assert row["last"] == row["close"]
        assert float(row["volume"].replace(",", "")) > 0
    assert [row["time"][:7] for row in rows[:5]] == ["2012-06"] * 5
    assert all(len(row["time"]) == len("12:34") for row in rows[5:])


def test_synthetic_symbols_are_labelled(server: str, page: Page) -> None:
    """Each symbol of `sim` says that it is synthetic, and no stock does."""
    page.goto(server)
    labelled = page.locator("tr.symbol", has=page.locator(".tag", has_text="synthetic"))
    names = [row.get_attribute("data-symbol") for row in labelled.all()]
    assert names == ["sim:BTC/USDT", "sim:ETH/USDT"]
    expect(page.get_by_text("random numbers from a seed, not a market")).to_be_visible()


def test_the_python_snippet_runs(server: str, page: Page) -> None:
    """What the copy button gives is a program that prints bars of this server."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(server)
    button = page.locator("button[data-copies=python]")
    button.click()
    expect(button).to_have_text("Copied")
    program = page.evaluate("navigator.clipboard.readText()")
    with subprocess.Popen([sys.executable, "-u", "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.kill()
    assert "'close':" in line


def test_the_javascript_snippet_runs(server: str, page: Page) -> None:
    """The JavaScript snippet logs bars of this server, in the page itself."""
    page.goto(server)
    program = page.locator("#javascript").text_content()
    with page.expect_console_message() as message:
        page.evaluate(f"() => {{ {program} }}")
    assert set(message.value.args[0].json_value()) >= {"time", "open", "high", "low", "close"}


@pytest.mark.usefixtures("component")
def test_the_asyncapi_page_shows_the_document(server: str, watched: Watched) -> None:
    """The component shows the title, each operation and the prose, asks no other host, and complains of nothing."""
    page = watched.page
    page.goto(server + "asyncapi")
    shown = page.locator("#asyncapi")
    expect(shown.get_by_text("Tapecast 0.2.0").filter(visible=True)).to_be_visible()
    for operation in ("reply-subscribeBars", "reply-unsubscribeBars", "reply-ping", "send-pushBars"):
        expect(shown.locator(f"#operation-{operation}")).to_be_visible()
    for text in ("/api/v1/ws", "bars.unsubscribe.ack", "Ask whether the server is there"):
        expect(shown.get_by_text(text).first).to_be_attached()
    assert watched.hosts == {urlsplit(server).netloc}
    assert watched.complaints == []


def test_the_openapi_page_shows_the_http_side(server: str, watched: Watched) -> None:
    """Swagger UI lists the health path and can try it out, asks no other host, and complains of nothing."""
    page = watched.page
    page.goto(server + "docs")
    operation = page.locator(".opblock", has_text="/health").first
    operation.locator("button.opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")
    assert watched.hosts == {urlsplit(server).netloc}
    assert watched.complaints == []
