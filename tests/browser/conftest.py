"""Chromium, a live node, and a page that fails its test when the console or the content security policy complains."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.browser.ground import Federation, federation
from tests.browser.looking import Looking

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-default-apps",
    "--disable-extensions",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
]
REPORT_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) => console.error(
  `policy violation: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));"""


def chromium_path() -> str:
    """Debian's Chromium, or the one that TANSIQ_CHROMIUM names."""
    found = os.environ.get("TANSIQ_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        pytest.skip("needs Chromium: install the package chromium, or name a browser in TANSIQ_CHROMIUM")
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS, headless=True)
        yield started
        started.close()


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    with federation(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of in this test; a test that expects a complaint clears the list."""
    return []


@pytest.fixture
def page(browser: Browser, nodes: Federation, complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(base_url=nodes.ma.url, viewport={"width": 1366, "height": 900}, locale="en-GB")
    yield open_page(context, complaints)
    context.close()
    assert complaints == []


def open_page(context: BrowserContext, complaints: list[str]) -> Page:
    """A page whose console errors, script errors and policy violations go to ``complaints``."""
    context.add_init_script(REPORT_VIOLATIONS)
    opened = context.new_page()

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "status of 4" not in message.text:
            complaints.append(f"{message.type}: {message.text}")

    opened.on("console", heard)
    opened.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
    return opened


@pytest.fixture
def looking(page: Page, request: pytest.FixtureRequest) -> Looking:
    """Screenshots and accessibility checks of ``page``; TANSIQ_SCREENSHOTS names a folder that keeps the pictures."""
    folder = os.environ.get("TANSIQ_SCREENSHOTS")
    return Looking(page, Path(folder) if folder else None, request.node.name)
