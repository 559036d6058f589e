"""What a subject stands in relation with, as a table and as the graph drawn from it; and what happened to it, in its order.

Only what the officer may see: other records come from queries that were given the officer, so that no line leads to somebody unseen.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.engine.entities.labels import property_label, schema_label
from tansiq.node.register.queries import caption, judgements_of, statements_of
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.subject import origin_word, property_value, verdict_words

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.register.duplicates import Pair
    from tansiq.node.register.models import Judgement, Review, Subject
    from tansiq.node.register.queries import SaidView

MAX_NEIGHBOURS = 12
"""Judged records whose own judgements are drawn too."""
MAX_EVENTS = 100


def relations_shown(officer: Officer, subject: Subject, likely: Iterable[Pair]) -> dict[str, Any]:
    """``rows`` for the table, and ``graph`` ({nodes, links}) for the picture of the same."""
    me = str(subject.subject_id)
    drawn = _Drawing(me, caption(subject, language_now()))
    for thing, words in _belongings(subject):
        drawn.link(me, f"thing:{thing}", words[1], words[0], kind="thing")
    if subject.dossier:
        label = f"{subject.dossier[:8]}…"
        address = reverse("dossiers_show", args=[subject.dossier])
        drawn.link(me, f"dossier:{subject.dossier}", label, _("came with the dossier"), kind="dossier", address=address)
    near = [_judged(drawn, subject, row) for row in judgements_of(officer, subject)]
    for other in near[:MAX_NEIGHBOURS]:
        for row in judgements_of(officer, other):
            _judged(drawn, other, row)
    for pair in likely:
        other = pair.right if pair.left.pk == subject.pk else pair.left
        _record(drawn, subject, other, _("may be the same"))
    return {"rows": drawn.rows, "graph": {"nodes": list(drawn.nodes.values()), "links": drawn.links}}


class _Drawing:
    """Nodes and links, each once, and the lines of the table in the order in which they were drawn."""

    def __init__(self, centre: str, label: str) -> None:
        self.nodes = {centre: {"id": centre, "label": label, "kind": "centre", "address": ""}}
        self.links: list[dict[str, str]] = []
        self.rows: list[dict[str, str]] = []
        self._centre = centre

    def link(self, start: str, end: str, label: str, word: str, *, kind: str, address: str = "") -> None:
        if any({one["source"], one["target"]} == {start, end} for one in self.links):
            return
        self.nodes.setdefault(end, {"id": end, "label": label, "kind": kind, "address": address})
        self.links.append({"source": start, "target": end, "label": word})
        held = self.nodes[start]
        started = "" if start == self._centre else held["label"]
        self.rows.append({"from": started, "word": word, "label": label, "address": address})


def _judged(drawn: _Drawing, subject: Subject, row: Judgement) -> Subject:
    other = row.right if row.left_id == subject.pk else row.left
    word = {
        row.SAME: pgettext("judgement", "the same"),
        row.DIFFERENT: pgettext("judgement", "not the same"),
        row.UNSURE: pgettext("judgement", "not certain"),
    }[row.verdict]
    _record(drawn, subject, other, word)
    return other


def _record(drawn: _Drawing, subject: Subject, other: Subject, word: str) -> None:
    known = str(other.subject_id)
    address = reverse("register_subject", args=[known])
    drawn.link(str(subject.subject_id), known, caption(other, language_now()), word, kind="record", address=address)


def _belongings(subject: Subject) -> list[tuple[str, tuple[str, str]]]:
    """What belongs to the subject: its id, and (what it is, the value that tells it best)."""
    rows: dict[str, list[SaidView]] = {}
    for view in statements_of(subject):
        if "#" in view.statement.entity_id:
            rows.setdefault(view.statement.entity_id, []).append(view)
    found = []
    for thing, views in rows.items():
        said = [one.statement for one in views]
        best = next((one for one in said if one.prop in BEST), said[0])
        found.append((thing, (schema_label(said[0].schema, language_now()), property_value(best.prop, best.value))))
    return found


BEST = ("number", "full", "name", "registrationNumber", "phone", "email", "address", "accountNumber")
"""The properties by which a belonging is best told, a number before everything."""


def timeline_of(officer: Officer, subject: Subject, reviews: Iterable[Review]) -> list[dict[str, Any]]:
    """What happened to a record here, the newest first: said, no longer said, judged, reviewed, dropped, restricted."""
    language = language_now()
    events = [_at(subject.created_at, _("Recorded"), origin_word(subject.origin))]
    for view in statements_of(subject, with_retired=True):
        said = view.statement
        what, label = property_value(said.prop, said.value), property_label(said.prop, language)
        if said.first_seen and said.first_seen != subject.created_at:
            events.append(_at(said.first_seen, _("Said"), what, label))
        if view.retired_at:
            events.append(_at(view.retired_at, _("No longer said"), what, label))
    for row in judgements_of(officer, subject, with_revoked=True):
        other = row.right if row.left_id == subject.pk else row.left
        events.append(_at(row.judged_at, _("Judged"), caption(other, language)))
        if row.revoked_at:
            events.append(_at(row.revoked_at, _("Judgement undone"), caption(other, language)))
    events += [_at(row.decided_at, _("Reviewed"), verdict_words()[row.verdict]) for row in reviews]
    if subject.delisted_at:
        events.append(_at(subject.delisted_at, _("Dropped by its list"), ""))
    if subject.restricted_at:
        events.append(_at(subject.restricted_at, _("Restricted"), ""))
    return sorted(events, key=lambda one: one["at"], reverse=True)[:MAX_EVENTS]


def _at(at: datetime, word: str, what: str, label: str = "") -> dict[str, Any]:
    return {"at": at, "word": word, "label": label, "what": what}
