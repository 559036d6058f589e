"""A subject as it is shown: what is said about it, by whom, how sure, and under which conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from babel import Locale
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.engine.entities.labels import property_label, schema_label
from tansiq.node.register.cards import COUNTRY_PROPERTIES
from tansiq.node.register.queries import SaidView, caption, judgements_of, list_sources, reviews_of, statements_of
from tansiq.node.web import words
from tansiq.node.web.languages import language_now

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.register.models import Judgement, Review, Subject

FIRST = ("name", "alias", "previousName", "weakAlias", "birthDate", "birthPlace", "nationality", "gender")


@dataclass(frozen=True, slots=True)
class SaidShown:
    """One statement: the value, where it comes from, how it is graded, what it asks of its reader."""

    value: str
    is_code: bool
    source: str
    link: str
    grading: Mapping[str, str] | None
    marking: Mapping[str, Any] | None
    note: str
    first_seen: datetime | None
    review_at: datetime | None


def subject_shown(officer: Officer, subject: Subject) -> dict[str, Any]:
    """Everything the page says about a subject."""
    language = language_now()
    views = statements_of(subject)
    own = [view for view in views if "#" not in view.statement.entity_id]
    lists = {
        source.key: source.names.get(language) or source.names.get("en") or source.key for source in list_sources()
    }
    return {
        "id": str(subject.subject_id),
        "caption": caption(subject, language),
        "schema": schema_label(subject.schema, language),
        "schema_name": subject.schema,
        "owner": subject.owner,
        "origin": origin_word(subject.origin),
        "reach": reach_word(subject.discoverability),
        "circle": subject.circle,
        "dossier": subject.dossier,
        "delisted_at": subject.delisted_at,
        "review_at": subject.review_at,
        "restricted_at": subject.restricted_at,
        "reviews": [_review(row) for row in reviews_of(subject.subject_id)],
        "retention_until": subject.retention_until,
        "updated_at": subject.updated_at,
        "properties": _grouped(own, lists),
        "belongings": _belongings([view for view in views if "#" in view.statement.entity_id], lists),
        "judgements": [_judgement(row, subject) for row in judgements_of(officer, subject)],
    }


def _grouped(views: Iterable[SaidView], lists: Mapping[str, str]) -> list[dict[str, Any]]:
    rows: dict[str, list[SaidShown]] = {}
    for view in views:
        rows.setdefault(view.statement.prop, []).append(_said(view, lists))
    order = sorted(rows, key=lambda prop: (FIRST.index(prop) if prop in FIRST else len(FIRST), prop))
    return [{"label": property_label(prop, language_now()), "said": rows[prop]} for prop in order]


def _belongings(views: Iterable[SaidView], lists: Mapping[str, str]) -> list[dict[str, Any]]:
    """What belongs to the subject (a passport, an address, a listing), each with its own statements."""
    rows: dict[str, list[SaidView]] = {}
    for view in views:
        rows.setdefault(view.statement.entity_id, []).append(view)
    return [
        {"label": schema_label(said[0].statement.schema, language_now()), "properties": _grouped(said, lists)}
        for said in rows.values()
    ]


def _said(view: SaidView, lists: Mapping[str, str]) -> SaidShown:
    statement = view.statement
    provenance = statement.provenance
    grading = provenance.grading
    return SaidShown(
        value=property_value(statement.prop, statement.value),
        is_code=statement.prop not in COUNTRY_PROPERTIES
        and any(sign.isdigit() for sign in statement.value)
        and statement.value.isascii(),
        source=_source(provenance.kind, provenance.source_id, lists),
        link="",
        grading=None
        if grading is None
        else {
            "short": f"{grading.source}{grading.information}",
            "source": words.list_label(f"grading_{grading.scheme}_source", grading.source),
            "information": words.list_label(f"grading_{grading.scheme}_information", grading.information),
        },
        marking=provenance.marking,
        note=provenance.handling_note or "",
        first_seen=statement.first_seen,
        review_at=provenance.review_at,
    )


def property_value(prop: str, value: str) -> str:
    """A value as it is shown: a State by its name, everything else as it was said."""
    if prop in COUNTRY_PROPERTIES:
        return str(Locale.parse(language_now()).territories.get(value.upper(), value))
    return value


def _source(kind: str, source_id: str, lists: Mapping[str, str]) -> str:
    if kind == "list":
        return lists.get(source_id, source_id)
    if kind == "received":
        return _("received from a partner")
    return _("noted by an officer here")


def _judgement(row: Judgement, subject: Subject) -> dict[str, Any]:
    other = row.right if row.left_id == subject.pk else row.left
    return {
        "word": {
            row.SAME: pgettext("judgement", "the same"),
            row.DIFFERENT: pgettext("judgement", "not the same"),
            row.UNSURE: pgettext("judgement", "not certain"),
        }[row.verdict],
        "other": str(other.subject_id),
        "caption": caption(other, language_now()),
        "reason": row.reason,
        "judged_at": row.judged_at,
    }


def _review(row: Review) -> dict[str, Any]:
    return {
        "word": verdict_words()[row.verdict],
        "ground": words.list_label("review_grounds", row.ground),
        "reason": row.reason,
        "until": row.until,
        "decided_at": row.decided_at,
    }


def verdict_words() -> dict[str, str]:
    """What each decision of a review is called."""
    return {
        "keep": pgettext("review", "Keep until a date"),
        "restrict": pgettext("review", "Restrict: keep, but neither find, match nor export"),
        "erase": pgettext("review", "Erase"),
    }


def origin_word(origin: str) -> str:
    """How a subject came into the register."""
    return {
        "officer": _("entered here"),
        "list": _("from a list"),
        "received": _("received from a partner"),
    }.get(origin, origin)


def reach_word(discoverability: str) -> str:
    """What others may find of it."""
    return {
        "none": _("Partners find nothing."),
        "silent": _("Partners find nothing; you are told that they asked."),
        "contact": _("Partners are told to get in touch."),
        "hit": _("Partners are told that there is a hit."),
    }.get(discoverability, discoverability)
