"""A list longer than a page may send at once: brought in pieces, looked at, confirmed and stored, in Arabic."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import WIDE, Looking
from tests.browser.pages import SignIn

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_list_of_six_megabytes_is_brought_and_stored(
    page: Page, looking: Looking, nodes: Federation, tmp_path: Path
) -> None:
    assert nodes
    long = tmp_path / "invented.ftm.json"
    person = {"schema": "Person", "properties": {"name": ["Invented Person"], "notes": ["x" * 60_000]}}
    lines = [json.dumps({"id": f"invented-{number}", **person}) for number in range(100)]
    long.write_text("\n".join(lines) + "\n", encoding="utf-8")
    SignIn(page).sign_in("nadia", PASSWORD)
    looking.at_width(WIDE)
    page.goto("/register/imports/")
    page.set_input_files("[name=file]", str(long))
    expect(page.locator(".upload .upload-name")).to_have_text("invented.ftm.json", timeout=30_000)
    page.fill("[name=list_key]", "invented-long")
    looking.picture("import-brought-ar")
    looking.check()
    page.click("main form .btn-primary")
    page.wait_for_url("**/register/imports/*-*/")
    confirm = page.locator("form[action$='/confirm/'] button")
    expect(confirm).to_be_visible(timeout=60_000)
    looking.picture("import-looked-at-ar")
    looking.check()
    confirm.click()
    expect(page.locator("main")).to_contain_text("100", timeout=60_000)
