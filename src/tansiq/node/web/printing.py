"""A dossier on paper: pages laid out as PDF, with marking, copy number and who printed it on every sheet.

WeasyPrint lays out (never our own: PDF layout); Amiri sets Arabic, IBM Plex Sans everything else, both from this repository. The
document loads nothing but those fonts: the fetcher knows their folder and refuses every other address, so that nothing that somebody wrote
into a dossier can make this node read a file or call anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation

from tansiq.engine.errors import Unavailable
from tansiq.node.flows.printing import SYSTEM_LIBRARIES
from tansiq.node.web import words
from tansiq.node.web.languages import direction_of
from tansiq.node.web.markings import marks_of
from tansiq.node.web.pages import dossier as pages
from tansiq.node.web.pages.partner import term_name
from tansiq.node.web.pages.rights import grounds_of, outcome_words, right_word, told_in_answer
from tansiq.node.web.times import show_moment

if TYPE_CHECKING:
    from datetime import datetime

    from tansiq.node.accounts.models import Officer
    from tansiq.node.flows.printing import Sheets
    from tansiq.node.rights.models import Claim

STATIC = Path(__file__).resolve().parent / "static"
FONTS = STATIC / "vendor" / "fonts"
FONT = re.compile(r"font:([a-z0-9.-]+\.woff2)")


def render(sheets: Sheets) -> bytes:
    """The PDF: every numbered copy whole, one after the other. Raises Unavailable("print.no_library")."""
    return _laid_out(sources(sheets))


def _laid_out(htmls: list[str]) -> bytes:
    weasyprint = _library()
    fetcher = _fetcher(weasyprint)
    fonts = weasyprint.text.fonts.FontConfiguration()
    style = (STATIC / "web" / "paper.css").read_text(encoding="utf-8")
    css = weasyprint.CSS(string=style, font_config=fonts, url_fetcher=fetcher)
    documents = [
        weasyprint.HTML(string=html, url_fetcher=fetcher, base_url="about:blank").render(
            stylesheets=[css], font_config=fonts
        )
        for html in htmls
    ]
    pages_of_all = [page for document in documents for page in document.pages]
    return bytes(documents[0].copy(pages_of_all).write_pdf())


def render_answer(claim: Claim, told: list[dict[str, Any]], *, officer: Officer, language: str, now: datetime) -> bytes:
    """The answer to a data-subject request as PDF. Raises Unavailable("print.no_library")."""
    return _laid_out([answer_source(claim, told, officer=officer, language=language, now=now)])


def answer_source(claim: Claim, told: list[dict[str, Any]], *, officer: Officer, language: str, now: datetime) -> str:
    """Its HTML. A refusal that neither confirms nor denies looks the same whether anything is held or not."""
    zone = ZoneInfo(officer.time_zone or settings.NODE.time_zone)
    node = settings.NODE
    with translation.override(language), timezone.override(zone):
        is_silent = claim.outcome == claim.NEITHER
        context = {
            "language": language,
            "direction": direction_of(language),
            "claim": claim,
            "right": right_word(claim.right),
            "outcome": "" if is_silent else outcome_words()[claim.outcome],
            "is_silent": is_silent,
            "things": [] if is_silent else [told_in_answer(one) for one in told],
            "grounds": [] if is_silent else grounds_of(claim),
            "contact": claim.told["contact"],
            "reason": "" if is_silent else claim.reason,
            "officer": officer.display_name,
            "node_name": node.names.get(language) or node.names.get("en") or node.node_id,
            "received": show_moment(claim.received_at, zone=zone),
            "decided": show_moment(claim.decided_at, zone=zone),
            "printed": show_moment(now, zone=zone),
            "is_exercise": node.exercise,
            "is_demo": node.demo,
        }
        return render_to_string("web/print/answer.html", context)


def sources(sheets: Sheets) -> list[str]:
    """The HTML of every copy, as it is handed to the layout."""
    zone = ZoneInfo(sheets.officer.time_zone or settings.NODE.time_zone)
    with translation.override(sheets.language), timezone.override(zone):
        context = _context(sheets, zone)
        return [
            render_to_string("web/print/dossier.html", {**context, "number": number, "place": place})
            for place, number in enumerate(sheets.numbers, start=1)
        ]


def source(sheets: Sheets) -> bytes:
    """The HTML of all copies instead of a PDF (``settings.PRINT_RENDERER``): for whoever lays out by other means, and for tests."""
    return "\f".join(sources(sheets)).encode()


def _library() -> Any:
    try:
        import weasyprint
        import weasyprint.text.fonts
        import weasyprint.urls
    except (ImportError, OSError) as error:
        raise Unavailable("print.no_library", packages=" ".join(SYSTEM_LIBRARIES.values())) from error
    return weasyprint


def font_of(url: str) -> bytes:
    """One of the fonts of this repository (``font:NAME.woff2``); nothing else exists for a document: raises ValueError."""
    found = FONT.fullmatch(unquote(url))
    if found is None:
        raise ValueError("a printed document loads nothing")
    return (FONTS / found.group(1)).read_bytes()


def _fetcher(weasyprint: Any) -> Any:
    """What the layout asks for every address that stands in a document."""

    class Fonts(weasyprint.urls.URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: Any = None) -> Any:
            del headers
            told = {"Content-Type": "font/woff2"}
            return weasyprint.urls.URLFetcherResponse(url, body=font_of(url), headers=told)

    return Fonts()


def _context(sheets: Sheets, zone: ZoneInfo) -> dict[str, Any]:
    names = words.node_names()
    read = sheets.read
    node = settings.NODE
    moment: Callable[[Any], Any] = lambda at: show_moment(at, zone=zone)  # noqa: E731
    entries = [_entry(one, moment) for one in reversed(pages.entries_shown(read, names))]
    return {
        "language": sheets.language,
        "direction": direction_of(sheets.language),
        "read": read,
        "names": names,
        "kind": words.kind_label(read["kind"]),
        "phase": words.phase_label(read["kind"], read["phase"]),
        "parties": words.named(read["participants"], names),
        "deadlines": [{**row, **words.deadline_words(read["kind"], row)} for row in read["deadlines"]],
        "entries": entries,
        "evidence": [{**one, "act_label": words.act_label(read["kind"], one["act"])} for one in sheets.evidence],
        "marks": marks_of(sheets.marking),
        "copies": len(sheets.numbers),
        "purpose": words.list_label("purposes", sheets.purpose),
        "reason": sheets.reason,
        "clause": term_name(words.clause_label(read["kind"], sheets.clause)),
        "officer": sheets.officer.display_name,
        "unit": sheets.officer.unit.name_in(sheets.language) if sheets.officer.unit else "",
        "node_name": node.names.get(sheets.language) or node.names.get("en") or node.node_id,
        "node_id": node.node_id,
        "printed": moment(sheets.printed_at),
        "opened": moment(read["opened_at"]),
        "is_exercise": read["exercise"] or node.exercise,
        "is_demo": node.demo,
    }


def _entry(entry: dict[str, Any], moment: Callable[[Any], Any]) -> dict[str, Any]:
    """An entry of the timeline with its conditions spelled out: paper has nothing to unfold."""
    parts = []
    for part in entry["parts"]:
        marks = [] if part["erased"] else marks_of(_marking(part["marking"]), part.get("note", ""))
        parts.append({**part, "marks": marks})
    codes = [
        (name, {**code, "moment": moment(code["at"])} if code.get("at") else code) for name, code in entry["codes"]
    ]
    return {**entry, "moment": moment(entry["occurred_at"]), "codes": codes, "parts": parts}


def _marking(value: Any) -> Any:
    from tansiq.engine.accords.markings import Marking

    return Marking.from_json(value)
