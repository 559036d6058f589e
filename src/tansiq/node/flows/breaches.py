"""The journey of a notice of a breach: drafted for each partner, signed by an officer, followed until it is there.

::

    breach documented ─▶ drafts, one for each partner ─▶ signed: a direct line ─▶ delivered, opened ─▶ closed
    72 hours run         on the desk of a circle          or told otherwise                             all told

What was sent to a partner, or came from it, is the partner's concern too (Directive (EU) 2016/680 art. 30(6)). The notice is an act like
any other: an officer reads, signs and sends it, under the accord with that partner; no partner reads who else is told. Whoever has no
direct line by its accord is told otherwise, and that is noted. What is learned later goes in a further notice (art. 30(4)).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from tansiq.engine.dossiers.entries import Part
from tansiq.engine.errors import Conflict, Rejected
from tansiq.engine.formats.times import format_time
from tansiq.node.accounts.policy import may
from tansiq.node.accounts.queries import officers
from tansiq.node.dossiers import drafts
from tansiq.node.dossiers import queries as dossiers
from tansiq.node.exchange.queries import delivery_of
from tansiq.node.flows.handed_drafts import lay
from tansiq.node.flows.intents import Intent
from tansiq.node.partners import queries as partners
from tansiq.node.rights import breaches, queries
from tansiq.node.wording import sentence

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.rights.models import Breach, Notice

PURPOSE = "prevention"
WRITTEN_IN = ("en", "fr", "ar")
"""The languages in which a notice says what it is; the words of the officer follow as they were written."""
ARRIVED = frozenset({"delivered", "opened", "otherwise"})
WAITS = frozenset({"drafting", "awaiting"})


@dataclass(frozen=True, slots=True)
class Followed:
    """How far a notice is: ``drafting``, ``awaiting``, ``dropped``, ``otherwise``, or how its entry stands at the partner."""

    notice: Notice
    stage: str
    at: datetime | None = None


def circles() -> list[str]:
    """Circles of which an officer can sign, sorted."""
    acting = [one for one in officers() if one.is_active and may(one.roles, "act")]
    return sorted({circle for one in acting for circle in one.circles if circle})


def notify(
    officer: Officer, breach_id: str, *, to: Iterable[str], circle: str, words: str = "", now: datetime
) -> list[str]:
    """Lay a draft for each of ``to`` on the desk of ``circle``; all of them or none. Returns their ids.

    Raises Rejected("rights.no_partner"), ("rights.circle"), ("partner.unknown"); Conflict("rights.notice_waits") while an earlier
    notice to the same partner is not signed, ("rights.breach_closed").
    """
    chosen = list(dict.fromkeys(to))
    if not chosen:
        raise Rejected("rights.no_partner", at="/partners")
    if circle not in circles():
        raise Rejected("rights.circle", at="/circle")
    made = []
    with transaction.atomic():
        breach = breaches.locked(officer, breach_id)
        waiting = {one.notice.partner for one in followed(breach) if one.stage in WAITS}
        for partner in chosen:
            partners.get_partner(partner)
            if partner in waiting:
                raise Conflict("rights.notice_waits", partner=partner)
            number = breaches.next_number(breach, partner)
            text = _text(breach, number, words)
            part = Part(type="narrative", language="en", content={"topic": "message", "text": text})
            codes = {"purpose": PURPOSE}
            line = Intent(
                kind="channel",
                act="open",
                participants=(partner,),
                codes=codes,
                parts=(part,),
                circle=circle,
                reference=number,
            )
            draft = lay(officer, line, None, circle, partner, now)
            breaches.note_notice(officer, breach, partner=partner, number=number, draft=draft, now=now)
            made.append(draft)
    return made


def _text(breach: Breach, number: str, words: str) -> str:
    said = []
    for language in WRITTEN_IN:
        natures = [sentence(f"rights.nature_{one}", {}, language) for one in breach.natures]
        facts = {"number": number, "known": format_time(breach.known_at), "natures": " ".join(natures)}
        said.append(sentence("rights.breach_text", facts, language))
    told = breach.told
    counts = [f"{name}: {told[name]}" for name in ("persons", "records") if told[name] is not None]
    return "\n\n".join(
        [*said, told["happened"], told["consequences"], told["measures"], *counts, words.strip()]
    ).strip()


def followed(breach: Breach) -> list[Followed]:
    """Each notice and how far it is, in the order of making."""
    rows = queries.notices_of(breach)
    lines = dossiers.kept_under(row.number for row in rows)
    evidence = delivery_of(lines.values())
    states = drafts.states_of(row.draft for row in rows)
    found = []
    for row in rows:
        if row.otherwise_at is not None:
            found.append(Followed(row, "otherwise", row.otherwise_at))
        elif row.number not in lines:
            found.append(Followed(row, states.get(row.draft, "dropped")))
        else:
            told = evidence.get(lines[row.number], [])
            one = next((each for each in told if each["partner"] == row.partner), None)
            at = one and (one["opened_at"] or one["delivered_at"] or one["sent_at"])
            found.append(Followed(row, one["state"] if one else "queued", at))
    return found


def close(officer: Officer, breach_id: str, *, now: datetime) -> Breach:
    """Close it when everybody was told: of each partner the newest notice counts. Raises what ``rights.breaches.close`` raises."""
    with transaction.atomic():  # held: no notice is drafted between the look and the close
        breach = breaches.locked(officer, queries.get_breach_for(officer, breach_id).pk)
        newest = {one.notice.partner: one.stage for one in followed(breach)}
        untold = [partner for partner, stage in newest.items() if stage not in ARRIVED]
        return breaches.close(officer, breach_id, untold=untold, now=now)
