"""Files of other projects are what was published, and nothing else stands among them."""

from __future__ import annotations

import re

from tests.shared import ROOT
from tools.vendor_static import PAGES, SOURCES, problems, stored_form

PAGE_SOURCES = ("src/tansiq/node/web/templates", "src/tansiq/node/web/static/web", "src/tansiq/node/web/templatetags")


def test_every_vendored_file_is_as_published() -> None:
    assert problems() == []


def test_third_party_names_every_package_with_its_version() -> None:
    told = (ROOT / "THIRD_PARTY.md").read_text()
    for source in SOURCES:
        assert source.version in told, source.package
        assert source.licence.split()[0] in told, source.package


def test_the_line_naming_a_source_map_is_all_that_is_dropped() -> None:
    raw = b"a{}\n/*# sourceMappingURL=x.css.map */"
    assert stored_form(raw, "x.css") == b"a{}\n"
    assert stored_form(b"let a=1\n//# sourceMappingURL=x.js.map\n", "x.js") == b"let a=1\n"
    assert stored_form(b"let a='sourceMappingURL=x'\n", "x.js") == b"let a='sourceMappingURL=x'\n"


def test_pages_load_nothing_from_elsewhere() -> None:
    for folder in PAGE_SOURCES:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".html", ".css", ".js"}:
                found = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//[^"')\s]+""", path.read_text())
                assert not found, f"{path}: {found}"


def test_vendored_styles_name_no_other_site() -> None:
    for path in PAGES.rglob("*.css"):
        assert "http" not in re.sub(r"http://www\.w3\.org/2000/svg|/\*.*?\*/", "", path.read_text(), flags=re.S), path
