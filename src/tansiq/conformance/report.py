"""A run for people and for machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tansiq.conformance.running import Report
from tansiq.conformance.verdicts import FAIL, NOT_APPLICABLE, PASS, Verdict


def line(one: Verdict) -> str:
    """One clause on the terminal: its number, the verdict, its text, and beneath it what was found."""
    told = f"\n{'':26}{_plain(one.told)}" if one.told else ""
    return f"{one.clause.number:8}{one.verdict:16}  {one.clause.text}{told}"


def lines(report: Report) -> Iterator[str]:
    """The whole table and its sum."""
    yield from map(line, report.verdicts)
    yield ""
    yield summary(report)


def summary(report: Report) -> str:
    """How many clauses are kept."""
    counts = ", ".join(f"{len(report.of(verdict))} {verdict}" for verdict in (PASS, FAIL, NOT_APPLICABLE))
    return f"{report.node_id} at {report.url}: {counts}"


def to_json(report: Report) -> dict[str, Any]:
    """``{"node", "url", "well", "clauses": [{"clause", "page", "section", "text", "verdict", "told"}]}``."""
    clauses = [
        {
            "clause": one.clause.number,
            "page": one.clause.page,
            "section": one.clause.section,
            "text": one.clause.text,
            "verdict": one.verdict,
            "told": one.told,
        }
        for one in report.verdicts
    ]
    return {"node": report.node_id, "url": report.url, "well": report.is_well, "clauses": clauses}


def _plain(text: str) -> str:
    """Foreign text without what could drive a terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)[:600]
