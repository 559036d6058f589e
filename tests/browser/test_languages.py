"""Desk, dossier and search in Italian and in Persian, and in a language whose words are longer than any of ours."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page

from tansiq.demo.browser import Person
from tansiq.demo.steps import ask
from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import SignIn, settled
from tools.catalogues import OPENED, read

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SAY_LONGER = """(longest) => {
  const doubled = {a: "àà", e: "éé", i: "ïï", o: "öö", u: "ûû", A: "ÀÀ", E: "ÉÉ", I: "ÏÏ", O: "ÖÖ", U: "ÛÛ"};
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const said = [];
  while (walk.nextNode()) said.push(walk.currentNode);
  for (const text of said) {
    if (!text.data.trim() || text.parentElement.closest("bdi, code, script, style, .mono, .count, time")) continue;
    const stretched = text.data.replace(/[aeiou]/gi, (letter) => doubled[letter] || letter);
    const short = text.parentElement.closest("h1, h2, a, button, th, label, summary, option, .status");
    text.data = short ? `${stretched.trim()} ${longest}` : `⟦${stretched.trim()}⟧`;
  }
}"""
"""Pseudo-localisation of a page that stands: vowels doubled, and in whatever is short the longest word there is."""


@pytest.fixture(scope="module")
def paths(nodes: Federation) -> list[str]:
    """The three pages that an officer lives in, and the form between them."""
    return ["/", f"/dossiers/{ask(Person(nodes.ma.url, 'nadia', PASSWORD), 'fr')}/", "/search/", "/dossiers/new/"]


def longest_word() -> str:
    """The longest single word that any catalogue of Latin letters makes a page say."""
    said = (str(one.string) for language in OPENED for one in read(language) if one.id)
    return max((word for text in said for word in re.findall(r"[^\W\d_]+", text) if word[0] < "ʰ"), key=len)


@pytest.mark.parametrize(("language", "direction"), [("it", "ltr"), ("fa", "rtl")])
def test_desk_dossier_and_search_in_every_later_language(
    page: Page, looking: Looking, paths: list[str], language: str, direction: str
) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    SignIn(page).choose_language(language)
    found = []
    try:
        for name, path in zip(("desk", "dossier", "search", "request"), paths, strict=True):
            for width in (NARROW, WIDE):
                looking.at_width(width)
                page.goto(path)
                settled(page)
                looking.picture(f"{language}-{name}-{width}")
                found += [f"{path} at {width}: {one}" for one in (*looking.sticking_out(), *looking.axe_findings())]
        assert SignIn(page).direction == direction
        assert found == []
    finally:
        SignIn(page).choose_language("ar")


def test_nothing_sticks_out_when_every_word_is_longer(page: Page, looking: Looking, paths: list[str]) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    SignIn(page).choose_language("en")
    longest, found = longest_word(), []
    try:
        for name, path in zip(("desk", "dossier", "search", "request"), paths, strict=True):
            for width in (NARROW, WIDE):
                looking.at_width(width)
                page.goto(path)
                settled(page)
                page.evaluate(SAY_LONGER, longest)
                looking.picture(f"longer-{name}-{width}")
                found += [f"{path} at {width}: {one}" for one in looking.sticking_out()]
        assert found == []
    finally:
        page.goto("/")
        SignIn(page).choose_language("ar")
