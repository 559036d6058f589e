"""The chart of the figures: drawn without a complaint of the content security policy, beside its table, in both directions."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tansiq.demo.browser import Person
from tansiq.demo.steps import ask
from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_the_chart_is_drawn_and_nothing_complains(page: Page, looking: Looking, nodes: Federation) -> None:
    ask(Person(nodes.ma.url, "nadia", PASSWORD), "fr")
    SignIn(page).sign_in("nadia", PASSWORD)
    try:
        for language in ("fa", "fr"):
            SignIn(page).choose_language(language)
            for width in (NARROW, WIDE):
                looking.at_width(width)
                page.goto("/statistics/")
                settled(page)
                page.wait_for_selector("#chart canvas")
                looking.picture(f"{language}-statistics-{width}")
                looking.check()
    finally:
        SignIn(page).choose_language("ar")
