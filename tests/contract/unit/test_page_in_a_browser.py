"""The HTML report in headless Chromium: what runs in it, and whether it fits a telephone."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from contract.report import write_reports
from contract.report.view import views
from tests.contract.unit.made import (
    HOSTILE,
    TOKEN,
    finding,
    hostile,
    linked,
    long_frames,
    refused,
    result,
    tea_room,
    two_sockets,
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return the machine's Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        told = "no Chromium on PATH; install it (Debian: apt-get install chromium)"
        pytest.fail(told) if os.environ.get("CI") == "true" else pytest.skip(told)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Return a page with everything that might break it."""
    spec = tea_room(tmp_path)
    found = (finding(), linked(), two_sockets(), refused(), hostile(), long_frames())
    path = tmp_path / "report.html"
    run = replace(result(spec, *found), remarks=[HOSTILE], document=HOSTILE)
    write_reports(run, spec, {"html": path}, secrets=[TOKEN])
    return path


def opened(browser: Browser, report: Path, *, width: int, dark: bool = False) -> tuple[Page, list[str]]:
    """Open the page. Returns it, and the list of what goes wrong in it and what it asks for."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    wrong: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        wrong.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if request.url == report.as_uri() else wrong.append(request.url))
    page.goto(report.as_uri())
    return page, wrong


def test_nothing_of_a_frame_runs(browser: Browser, report: Path) -> None:
    """A hostile frame changes nothing of the page, and the page asks for nothing."""
    page, wrong = opened(browser, report, width=1280)
    assert page.title() == "6 findings: A tea room"
    assert page.locator("script").count() == 1
    assert page.locator("img").count() == 0
    # A script that is put in all the same is held up by the page's policy.
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\">')")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'document.title=2'}))")
    assert page.title() == "6 findings: A tea room"
    assert [text for text in wrong if "Content Security Policy" in text]
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits(browser: Browser, report: Path, width: int) -> None:
    """On a telephone and on a screen nothing stands out at the side, with everything unfolded."""
    for dark in (False, True):
        page, wrong = opened(browser, report, width=width, dark=dark)
        page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert wrong == []
        page.close()


def test_a_reproduction_is_copied(browser: Browser, report: Path, tmp_path: Path) -> None:
    """A button copies exactly the text that the view has, whatever the page does to its spaces."""
    spec = tea_room(tmp_path)
    view = views(result(spec, finding()), spec, [TOKEN])[0]
    page, _ = opened(browser, report, width=1280)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for key, text in (("python", view.python), ("websocat", view.websocat)):
        page.locator(f"details:has(#finding-1-{key}) summary").click()
        button = page.locator(f"button[data-copy=finding-1-{key}]")
        button.click()
        page.wait_for_function("button => button.textContent === 'Copied'", arg=button.element_handle())
        assert page.evaluate("navigator.clipboard.readText()") == text
    page.close()
