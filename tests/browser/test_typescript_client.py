"""The compiled TypeScript client in a browser."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route

from tests.browser.conftest import Watched
from tests.support.node import CLIENT, compile_client

PROGRAM = """async (url) => {
  const { TapecastClient } = await import("/client/index.js");
  const client = new TapecastClient({ url, token: async () => {
    const answer = await fetch("/api/v1/auth/token", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username: "page", password: "demo" }),
    });
    return (await answer.json()).access_token;
  } });
  const ack = await client.bars.subscribe({ symbol: "sim:BTC/USDT", resolution: "1" });
  const found = [ack];
  for await (const message of client.bars.messages()) {
    found.push(message);
    if (found.length === 4) break;
  }
  for await (const message of client.trades({ exchange: "sim", symbol: "BTC/USDT" }, { replay: 1 }).messages()) {
    found.push(message);
    if (found.length === 6) break;
  }
  const { undeclared } = client.bars.stats;
  client.close();
  return { found, undeclared };
}"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed client, compiled."""
    return compile_client(CLIENT, tmp_path_factory.mktemp("typescript-client"))


def test_the_client_gets_bars_in_a_browser(server: str, watched: Watched, compiled: Path) -> None:
    """It loads as modules without a bundler, subscribes, and gets bars, and trades with a token as a subprotocol."""
    page = watched.page

    def serve(route: Route) -> None:
        path = compiled / route.request.url.partition("/client/")[2]
        route.fulfill(body=path.read_text(), content_type="text/javascript")

    page.route("**/client/**", serve)
    page.goto(server)
    outcome: dict[str, Any] = page.evaluate(PROGRAM, server.replace("http", "ws").rstrip("/"))
    ack, *messages = outcome["found"]
    assert ack["payload"]["status"] == "ok"
    assert [message["type"] for message in messages] == [*["bars.update"] * 3, "ready", "trade"]
    assert outcome["undeclared"] == 0
    assert not any("token=" in address for address in watched.requests)
    assert watched.complaints == []
