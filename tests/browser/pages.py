"""Pages as a person uses them: one class a page, named acts, no assertions about wording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from tests.browser.looking import NARROW, WIDE, Looking

PATIENCE = 30_000


@dataclass(frozen=True)
class At:
    """A browser page on one node."""

    page: Page

    def open(self, path: str) -> None:
        """Go to an address of the node."""
        self.page.goto(path)

    @property
    def direction(self) -> str:
        """The direction that the page is written in."""
        return str(self.page.evaluate("document.documentElement.dir"))


class SignIn(At):
    """The entrance."""

    def sign_in(self, username: str, password: str) -> None:
        self.open("/accounts/login/")
        self.page.fill("input[name=login]", username)
        self.page.fill("input[name=password]", password)
        self.page.press("input[name=password]", "Enter")
        self.page.wait_for_selector("nav.places")

    def choose_language(self, code: str) -> None:
        self.page.click(f"button[name=language][value={code}]")
        self.page.wait_for_selector(f"html[lang={code}]")
        self.page.wait_for_load_state("load")


class Search(At):
    """The search box and its answers."""

    def ask(self, names: str, *, partners: list[str], reference: str) -> None:
        self.open("/search/")
        self.page.fill("[name=names]", names)
        self.page.select_option("[name=purpose]", "investigation")
        self.page.fill("[name=reference]", reference)
        for partner in partners:
            self.page.check(f"[name=partners][value={partner}]")
        self.page.click("form .form-acts .btn-primary")
        self.page.wait_for_url("**/search/*-*/")

    def wait_for_answers(self) -> None:
        """Until no partner is waited for any more: the part stops renewing itself."""
        self.page.wait_for_selector("#answers:not([hx-get])", timeout=PATIENCE)

    def follow_the_hit(self) -> None:
        self.page.click("#answers .btn-primary")
        self.page.wait_for_url("**/dossiers/new/**")


class Request(At):
    """The guided request."""

    def fill(self, **told: str) -> None:
        for name, text in told.items():
            control = self.page.locator(f"[name={name}]").first
            if control.evaluate("one => one.tagName") == "SELECT":
                control.select_option(text)
            else:
                control.fill(text)

    def tick(self, name: str, value: str) -> None:
        self.page.check(f"[name={name}][value={value}]")

    def wait_until_considered(self) -> None:
        """Until the panel says who will read this and whether it is permitted."""
        self.page.wait_for_selector("#considered .considered", timeout=PATIENCE)

    def send(self) -> None:
        self.page.click("button[name=do][value=send]")


class Dossier(At):
    """One dossier."""

    def wait_for_act(self, name: str, path: str) -> None:
        """Open the dossier again until this act is offered (a page is loaded anew, as a person would)."""
        for _ in range(60):
            self.open(path)
            if self.page.locator(f"a[href$='/acts/{name}/']").count():
                return
            self.page.wait_for_load_state("networkidle")
            self.page.wait_for_timeout(250)
        raise AssertionError(f"{path} never offered {name}")

    def begin(self, name: str) -> None:
        self.page.click(f"a[href$='/acts/{name}/']")
        self.page.wait_for_url(f"**/acts/{name}/")


def settled(page: Page) -> Any:
    """Wait until style sheets and fonts are there, so that what is seen does not depend on when one looked."""
    page.wait_for_load_state("load")
    return page.evaluate("document.fonts.ready.then(() => true)")


def look_both_ways(page: Page, looking: Looking, called: str) -> None:
    """The page as it stands, right to left and left to right, narrow and wide; back in Arabic after it."""
    try:
        for language in ("fr", "ar"):
            SignIn(page).choose_language(language)
            for width in (NARROW, WIDE):
                looking.at_width(width)
                settled(page)
                looking.picture(f"{language}-{called}-{width}")
                looking.check()
    finally:
        SignIn(page).choose_language("ar")
