"""The register given out as a numbered file, as officers see it: asked for, downloaded, listed; narrow and wide, in two directions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_a_copy_is_asked_for_downloaded_and_listed(
    page: Page, looking: Looking, nodes: Federation, language: str
) -> None:
    assert nodes
    sign_in = SignIn(page)
    sign_in.sign_in("nadia", PASSWORD)
    sign_in.choose_language(language)
    try:
        page.goto("/register/export/?schema=Person")
        page.select_option("[name=purpose]", "investigation")
        page.fill("[name=reason]", "Audience du 3 décembre")
        page.fill("[name=recipient]", "محكمة المثال")
        with page.expect_download() as started:
            page.click("main form .btn-primary")
        file = started.value
        lines = [json.loads(line) for line in Path(file.path()).read_text(encoding="utf-8").splitlines()]
        numbers = {line["tansiq"]["copy_number"] for line in lines if "tansiq" in line}
        assert {f"tansiq-{number:08d}.jsonl" for number in numbers} == {file.suggested_filename}
        for width in (NARROW, WIDE):
            looking.at_width(width)
            for path in ["/register/", "/register/export/?schema=Person", "/register/copies/"]:
                page.goto(path)
                settled(page)
                looking.picture(f"export-{language}-{path.strip('/').split('?')[0].replace('/', '-')}-{width}")
                looking.check()
    finally:
        sign_in.choose_language("ar")
