"""What the browser tests share: Chromium, a page that remembers what it did, and the two servers."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gateway.pages import PageSymbol
from gateway.pages.assets import REACT_COMPONENT
from gateway.paths import CHECKOUT, assets_folder
from tests.browser.fake_gateway import FakeGateway
from tests.support.demo import demo_server

SYMBOLS = [
    PageSymbol("nasdaq:AAPL", "AAPL", "nasdaq", False, "Apple Inc."),
    PageSymbol("sim:BTC/USDT", "BTC/USDT", "sim", True, ""),
]

# Nothing that Chromium would ask of the network for itself; no sandbox, because containers run as root.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def absent(reason: str) -> None:
    """Skip, with the reason; where CI=true fail, because there nothing may be absent."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium. Of a module, because while it runs no other event loop can."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        absent("no Chromium on PATH; install it (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield running
        running.close()


class Watched:
    """A page, the addresses that it asked for, and what its console said that is no good."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    @property
    def hosts(self) -> set[str]:
        """The hosts, with their ports, that were asked; `data:` and `blob:` ask nobody."""
        parts = [urlsplit(address) for address in self.requests]
        return {part.netloc for part in parts if part.scheme not in {"data", "blob"}}


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A new page in a new profile."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    expect.set_options(timeout=15_000)  # its own default of 5 s is short for a busy machine
    yield Watched(context.new_page())
    context.close()


@pytest.fixture
def page(watched: Watched) -> Page:
    """A new page in a new profile."""
    return watched.page


@pytest.fixture
def fake() -> Iterator[FakeGateway]:
    """A server whose socket says what the test tells it to."""
    document_yaml = (CHECKOUT / "asyncapi.yaml").read_bytes()
    gateway = FakeGateway(
        symbols=SYMBOLS,
        document_json=json.dumps(yaml.safe_load(document_yaml)).encode(),
        document_yaml=document_yaml,
        assets=Path("does-not-exist"),
    )
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the real server, as a user starts it, with quicker bars."""
    with demo_server(tmp_path_factory.mktemp("server") / "log") as address:
        yield address


@pytest.fixture(scope="module")
def component() -> None:
    """The AsyncAPI component's files, which set-up fetches."""
    if not REACT_COMPONENT.is_present(assets_folder()):
        absent("the page's assets are not there; run `make assets` with npm or a network at hand")
