"""A film goes with a request: brought by the script over a line that breaks, followed on both sides, and opened in Arabic."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route

from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import Request
from tests.browser.test_story import claire, nadia  # noqa: F401 - fixtures

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
SIZE = 3_500_000


def test_a_film_is_attached_over_a_line_that_breaks_and_opened_by_the_partner(
    claire: Page,  # noqa: F811
    nadia: Page,  # noqa: F811
    looking: Looking,
    tmp_path: Path,
    complaints: list[str],
) -> None:
    film = tmp_path / "caméra du port.bin"
    film.write_bytes(hashlib.shake_256(b"film").digest(SIZE))
    french = Looking(claire, looking.folder, "fr")
    claire.goto("/dossiers/new/")
    broken: list[str] = []

    def breaks(route: Route) -> None:
        if "offset=1048576" in route.request.url and len(broken) < 2:
            broken.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    claire.route("**/files/**", breaks)
    claire.set_input_files(".uploads input[type=file]", str(film))
    claire.wait_for_selector(".upload input[name=uploads]", timeout=60_000)
    assert len(broken) == 2
    claire.unroute("**/files/**")
    complaints.clear()  # the browser says that the line broke; that is what was wanted
    claire.fill(".upload input[name$=description]", "Quai 4, 19 novembre 2026")
    form = Request(claire)
    words = dict.fromkeys(("question", "offence", "objective_reasons"), "…")
    form.fill(purpose="investigation", crime_area="0601", title="Film du port", **words)
    form.tick("partners", "ma")
    form.tick("use", "intelligence")
    form.tick("restrictions", "none")
    form.wait_until_considered()
    french.picture("fr-files-form")
    french.check()
    french.at_width(NARROW).picture("fr-files-form-narrow")
    french.check()
    french.at_width(WIDE)
    form.send()
    claire.wait_for_selector("ol.timeline")
    dossier = urlsplit(claire.url).path
    assert_opened(nadia, dossier, film)
    looking.picture("ar-files")
    looking.check()
    looking.at_width(NARROW).picture("ar-files-narrow")
    looking.check()
    for _ in range(60):
        claire.goto(dossier)
        if claire.locator(".file .delivery-done").count() == 3:
            break
        claire.wait_for_timeout(500)
    assert claire.locator(".file .delivery-done").count() == 3
    french.picture("fr-files-verified")
    french.check()


def assert_opened(page: Page, dossier: str, film: Path) -> None:
    """Wait until the file is whole there, and open it."""
    for _ in range(120):
        page.goto(dossier)
        if page.locator(".file-uses button[value=read]").count():
            break
        page.wait_for_timeout(500)
    with page.expect_download() as waiting:
        page.click(".file-uses button[value=read]")
    assert waiting.value.suggested_filename == film.name
    assert Path(waiting.value.path()).read_bytes() == film.read_bytes()
