"""An import as it is shown: where it is, what it found, what it would need a confirmation for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.engine import errors
from tansiq.engine.entities.labels import property_label
from tansiq.node.register import import_orders
from tansiq.node.web.forms.imports import form_words
from tansiq.node.web.languages import language_now
from tansiq.node.wording import explain

if TYPE_CHECKING:
    from tansiq.node.register.models import ImportOrder

SHOWN = 100
TONES = {import_orders.DONE: "good", import_orders.FAILED: "stopped", import_orders.DROPPED: "plain"}


def order_shown(row: ImportOrder) -> dict[str, Any]:
    """Everything that the pages say about one import."""
    report = row.report or {}
    problems, rows = report.get("problems", []), report.get("rows", [])
    return {
        "id": str(row.pk),
        "file": row.told["file"],
        "form": form_words().get(row.told["form"], row.told["form"]),
        "list": row.told["list"],
        "state": row.state,
        "word": _states()[row.state],
        "tone": TONES.get(row.state, "waiting"),
        "is_running": row.state in import_orders.RUNNING,
        "done": row.done,
        "total": row.total,
        "created_at": row.created_at,
        "counts": [(word, report["counts"][name]) for name, word in _counts().items()] if report else [],
        "withheld": report.get("delisting_withheld", 0),
        "confirmations": [(code, word) for code, word in _confirmations().items() if code in _asked(report)],
        "sample": [_sample_shown(one) for one in report.get("sample", [])],
        "rows": rows[:SHOWN],
        "problems": problems[:SHOWN],
        "more": max(0, len(problems) - SHOWN) + max(0, len(rows) - SHOWN),
        "outcomes": _counts(),
        "failure": _failure(row.failure),
    }


def _sample_shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row as it was understood, under the names that officers know."""
    language = language_now()
    entities = [
        [(property_label(name, language), said) for name, said in entity["properties"].items()]
        for entity in row["entities"]
    ]
    return {"place": row["place"], "entities": entities}


def _asked(report: dict[str, Any]) -> set[str]:
    codes = {"register.import_older": "older", "register.import_would_delist": "delisting"}
    return {codes[code] for code in report.get("refused", []) if code in codes}


def _failure(failure: Any) -> str:
    if not failure:
        return ""
    kind = getattr(errors, failure["kind"], errors.Rejected)
    return explain(kind(failure["code"], **failure["facts"]), language_now(), isolate=True)


def _states() -> dict[str, str]:
    return {
        import_orders.MAPPING: pgettext("import", "Its columns must be explained"),
        import_orders.LOOK: pgettext("import", "Being looked at"),
        import_orders.LOOKED: pgettext("import", "Waits for your confirmation"),
        import_orders.STORE: pgettext("import", "Being stored"),
        import_orders.DONE: pgettext("import", "Stored"),
        import_orders.FAILED: pgettext("import", "Not stored"),
        import_orders.DROPPED: pgettext("import", "Dropped"),
    }


def _counts() -> dict[str, str]:
    return {
        "rows": pgettext("rows", "rows"),
        "added": pgettext("rows", "new"),
        "changed": pgettext("rows", "changed"),
        "unchanged": pgettext("rows", "unchanged"),
        "relisted": pgettext("rows", "listed again"),
        "delisted": pgettext("rows", "no longer listed"),
        "barred": pgettext("rows", "barred after erasure"),
        "lost": pgettext("rows", "refused"),
        "problems": pgettext("rows", "not understood"),
    }


def _confirmations() -> dict[str, str]:
    return {
        "older": _("The edition is older than the one held, and I mean it."),
        "delisting": _("A large part of the list is missing, and I mean it."),
    }
