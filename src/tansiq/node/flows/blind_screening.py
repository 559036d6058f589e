"""A whole list (passengers, a case file) asked blindly of partners: what it costs is shown first, then it goes out in full batches.

The list is the screening's (``flows.screening``). For every partner one job asks the next rows, as many as a batch holds and the day's budget
allows; a few questions may be unanswered at a time. Where the budget is spent it rests until the (UTC) day is over. Each question, what
unblinds it and how far the list came are one transaction, so that a killed worker goes on where it was; a question that the partner did not
answer, because its key period was over or its count was another, is asked anew. The partner sees questions under a purpose; neither that
they are one list, nor how long it is, nor what any row came to.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.accords.decide import Decision
from tansiq.engine.accords.terms import Blind
from tansiq.engine.blind import batches, budget
from tansiq.engine.blind.keys import FAMILIES
from tansiq.engine.blind.schemes import SCHEMES
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.ids import require_id
from tansiq.engine.formats.strict_json import JsonValue
from tansiq.node.accounts import policy as roles
from tansiq.node.accounts.queries import officer_by_reference
from tansiq.node.flows import blind_asking, screening
from tansiq.node.flows import blind_questions as questions
from tansiq.node.flows.blind_questions import Grounds
from tansiq.node.flows.search_terms import blind_limits
from tansiq.node.partners import queries as partners
from tansiq.node.search import blind_lists as lists
from tansiq.node.search import blind_queries as queries
from tansiq.node.search import screenings

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.search.models import HeldEpoch, Screening, ScreeningPartner, ScreeningQuestion

JOB = lists.JOB
MAX_ROWS = 20_000
MOST_DAYS = 30
"""A list that would take longer is refused: the key period and the case would be others by then."""
WINDOW = 4
"""Questions that one partner may leave unanswered before the next is asked."""
LATER = timedelta(minutes=5)
UNANSWERED_AFTER = timedelta(days=3)
"""A partner that only dials out may be silent over a weekend; after that its part of the list ends, with what it answered kept."""
SPENT = frozenset({"decide.blind_budget_spent", "decide.blind_officer_budget_spent"})
ANEW = frozenset({"search.blind_epoch_ended"})


# -- beforehand ----------------------------------------------------------------------------------------------------------


def prepare(
    officer: Officer,
    content: bytes,
    *,
    name: str,
    purpose: str,
    reference: str,
    ask: Sequence[str],
    crime_area: str = "",
    columns: str = "",
    now: datetime,
) -> Screening:
    """Read a list and reckon what asking it blindly of ``ask`` would cost; :func:`begin` asks.

    Raises Rejected like ``screening.screen``, and ``search.partners_needed``, ``search.list_too_long``; nothing is kept then. A partner that
    cannot be asked is kept with the reason.
    """
    roles.require(officer.roles, "search")
    code_list("purposes").require(purpose, at="/purpose")
    if crime_area:
        code_list("crime_areas").require(crime_area, at="/crime_area")
    if not reference.strip():
        raise Rejected("search.reference_needed", at="/reference")
    if not ask:
        raise Rejected("search.partners_needed", at="/partners")
    lines = screening.read_list(content, name, columns)
    if len(lines) > MAX_ROWS:
        raise Rejected("search.list_too_long", at="/list", limit=MAX_ROWS, count=len(lines))
    grounds = Grounds(purpose, crime_area, officer.reference)
    return lists.keep_prepared(
        officer,
        title=name[:200],
        lines=lines,
        purpose=purpose,
        crime_area=crime_area,
        reference=reference.strip()[:120],
        planned=[_planned(partner, lines, grounds, now) for partner in dict.fromkeys(ask)],
        now=now,
    )


def _planned(partner: str, lines: Sequence[str], grounds: Grounds, now: datetime) -> lists.Planned:
    limits, epoch, families = _terms(partner, now)
    # Whether today's budget is spent is no matter yet: the list would begin tomorrow.
    decision = questions.may_ask(partner, grounds, families or list(FAMILIES), now, costs=0)
    if not decision.is_permitted:
        return lists.Planned(partner, families, code=decision.code, clause=decision.clause)
    if epoch is None:
        return lists.Planned(partner, families, code="search.blind_not_ready")
    cost = _cost(lines, epoch.scheme, families)
    if not cost:
        return lists.Planned(partner, families, code="search.blind_no_key")
    a_day = _a_day(limits)
    code = "" if cost <= a_day * MOST_DAYS else "search.list_too_dear"
    return lists.Planned(partner, families, cost, code=code, clause=decision.clause if code else "")


def _terms(partner: str, now: datetime) -> tuple[Blind, HeldEpoch | None, list[str]]:
    """What the accord allows, the partner's key period, and the families of keys that both know, strongest first."""
    limits = blind_limits(partners.my_id(), partner, now)
    epoch = queries.usable_epoch(partner)
    known = set(queries.held_families(epoch)) if epoch else set(limits.families)
    return limits, epoch, [family for family in FAMILIES if family in limits.families and family in known]


def _a_day(limits: Blind) -> int:
    return min(limits.budget_per_day, limits.budget_per_officer)


def _cost(lines: Sequence[str], scheme: str, families: Sequence[str]) -> int:
    at, cost = 1, 0
    while at <= len(lines):
        most = batches.LARGEST_STEP
        portion = take_portion(lines, at, len(lines), families, scheme=scheme, most=most, ever=most)
        cost += budget.cost_of_keys(len(portion.keys))
        at = portion.last + 1
    return cost


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What a partner's part of a list costs, what the officer may still spend there today and on any day, and how many days that takes."""

    cost: int
    left_today: int
    a_day: int

    @property
    def days(self) -> int:
        """Days from today on; 1 if it can all be asked today, 0 if never."""
        if self.cost <= self.left_today:
            return 1
        return 1 - (self.left_today - self.cost) // self.a_day if self.a_day else 0


def reckoned(officer: Officer, asked: ScreeningPartner, now: datetime) -> Reckoned:
    """The costs of a list as they stand now."""
    limits = blind_limits(partners.my_id(), asked.partner, now)
    left = questions.left_today(asked.partner, officer.reference, limits, now)
    return Reckoned(asked.cost, left, _a_day(limits))


def by_chance(asked: ScreeningPartner) -> dict[str, float]:
    """For each family asked under: how many strangers a row meets by chance; nothing while the partner's filters are not here."""
    epoch = queries.usable_epoch(asked.partner)
    return questions.by_chance(epoch, asked.families) if epoch else dict.fromkeys(asked.families, 0.0)


def begin(officer: Officer, screening_id: str, *, now: datetime) -> None:
    """Ask what was prepared; raises Rejected("search.list_not_prepared")."""
    roles.require(officer.roles, "search")
    lists.begin(officer, screening_id, now=now)


# -- rows into questions -------------------------------------------------------------------------------------------------


@dataclass
class Portion:
    """Rows ``first`` to ``last`` as one question: its keys with the row of each, and the rows that give none."""

    first: int
    last: int
    keys: list[tuple[str, str]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    keyless: list[int] = field(default_factory=list)


def take_portion(
    lines: Sequence[str], first: int, last: int, families: Sequence[str], *, scheme: str, most: int, ever: int
) -> Portion:
    """As many rows from ``first`` on as fit into ``most`` keys; a row is never divided.

    A row of more keys than ``ever`` fit is left out like one that gives none. No row at all (``last`` before ``first``) where the first one
    does not fit today.
    """
    portion = Portion(first, first - 1)
    for row in range(first, last + 1):
        keys = _keys(lines[row - 1], scheme, families)
        if not keys or len(keys) > ever:
            portion.keyless.append(row)
        elif len(portion.keys) + len(keys) > most:
            break
        else:
            portion.keys += keys
            portion.rows += [row] * len(keys)
        portion.last = row
    return portion


def _keys(line: str, scheme: str, families: Sequence[str]) -> list[tuple[str, str]]:
    row = screening.row_of(line)
    try:
        found = SCHEMES[scheme].question_keys(row.names, row.birth_dates, row.identifiers, families=families)
    except Rejected:
        return []  # a name or a date that no key can be made of
    return [(family, key) for family in families for key in found.get(family, ())]


# -- asking --------------------------------------------------------------------------------------------------------------


def work(payload: dict[str, Any], now: datetime) -> None:
    """Job ``search.ask_list``: ask a partner the next rows; the job owes itself while it may go on."""
    asked = lists.under_way(int(payload["asked_of"]))
    if asked is None or asked.screening.content is None:
        return
    officer = officer_by_reference(asked.screening.officer)
    if officer is None or not roles.may(officer.roles, "search"):
        screenings.end_without(asked.screening, now)
        return
    if lists.waiting_count(asked) >= WINDOW:
        return  # the next answer owes the job again
    stretch = lists.next_stretch(asked)
    if stretch is None:
        lists.settle(asked, now)
    else:
        _ask(asked, stretch, now)


def _ask(asked: ScreeningPartner, stretch: lists.Stretch, now: datetime) -> None:
    held, partner = asked.screening, asked.partner
    grounds = Grounds(held.purpose, held.crime_area, held.officer)
    limits, epoch, families = _terms(partner, now)
    decision = questions.may_ask(partner, grounds, families or list(FAMILIES), now)
    if not decision.is_permitted:
        _not_now(asked, decision, now)
        return
    if epoch is None:
        lists.rest(asked, code="search.blind_not_ready", until=now + LATER, now=now)
        return
    lines = bytes(held.content or b"").decode().split("\n")
    most = budget.most_keys(questions.left_today(partner, held.officer, limits, now))
    ever = budget.most_keys(_a_day(limits))
    portion = take_portion(lines, stretch.first, stretch.last, families, scheme=epoch.scheme, most=most, ever=ever)
    if portion.last < portion.first:
        lists.rest(asked, code="decide.blind_officer_budget_spent", until=_tomorrow(now), now=now)
        return
    _send(asked, stretch, portion, epoch, grounds, now)


def _not_now(asked: ScreeningPartner, decision: Decision, now: datetime) -> None:
    if decision.code in SPENT:
        lists.rest(asked, code=decision.code, clause=decision.clause, until=_tomorrow(now), now=now)
    else:
        lists.stop_asking(asked, code=decision.code, clause=decision.clause, now=now)


def _tomorrow(now: datetime) -> datetime:
    """The beginning of the next day of budgets, which are counted in UTC, and a minute for clocks that differ."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=1, minutes=1)


def _send(
    asked: ScreeningPartner,
    stretch: lists.Stretch,
    portion: Portion,
    epoch: HeldEpoch,
    grounds: Grounds,
    now: datetime,
) -> None:
    sealed = questions.blind(epoch, portion.keys) if portion.keys else None
    kept = {**sealed.kept, "rows": portion.rows} if sealed else None
    query = str(uuid.uuid4())
    with transaction.atomic():
        is_kept = lists.put_question(
            asked,
            stretch,
            query=query,
            last=portion.last,
            keyless=portion.keyless,
            blinds=kept,
            cost=sealed.cost if sealed else 0,
            now=now,
        )
        if is_kept and sealed:
            questions.send(asked.partner, query, sealed, grounds, is_urgent=False, now=now)
        if is_kept:
            lists.owe(asked, now)


# -- answers -------------------------------------------------------------------------------------------------------------


def take_answer(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """A partner's answer to a blind question, about a list or about one person.

    Checking and unblinding a full batch takes a quarter of a second, and is done before the transaction.
    """
    question = lists.question_of(sender, require_id(content.get("query"), at="/query"))
    if question is None:
        blind_asking.take_answer(sender, content, now)
        return
    code = questions.code_of_answer(content)
    if question.blinds is None:
        return
    outcome = _refused(code, now) if code else _answered(sender, question, content, now)
    with transaction.atomic():
        if lists.keep_outcome(question, outcome, now) and not outcome.is_free:
            questions.tell_unsound(sender, outcome.code, now)


def _refused(code: str, now: datetime) -> lists.Outcome:
    """The partner counted otherwise, has another key by now, or does not allow it any more."""
    until = _tomorrow(now) if code in SPENT else now + LATER if code in ANEW else None
    return lists.Outcome(code=code, is_free=True, until=until)


def _answered(sender: str, question: ScreeningQuestion, content: dict[str, JsonValue], now: datetime) -> lists.Outcome:
    kept = question.blinds
    try:
        places = questions.places_met(sender, kept, content)
    except Rejected as error:
        return lists.Outcome(code=error.code, until=now + LATER if error.code in ANEW else None)
    met: dict[int, set[str]] = {}
    for place in places:
        met.setdefault(kept["rows"][place], set()).add(kept["families"][place])
    content_of_list = question.asked_of.screening.content
    lines = bytes(content_of_list or b"").decode().split("\n")
    return lists.Outcome(hits=[_hit(row, lines[row - 1], met[row]) for row in sorted(met)])


def _hit(number: int, line: str, families: set[str]) -> dict[str, Any]:
    row = screening.row_of(line)
    told = {
        "id": row.query_id,
        "names": list(row.names),
        "birth_dates": list(row.birth_dates),
        "countries": list(row.countries),
        "identifiers": [list(pair) for pair in row.identifiers],
    }
    return {"row": number, "met": [family for family in FAMILIES if family in families], "told": told}


def give_up_late(now: datetime) -> None:
    """End a list with each partner that has left a question of it unanswered for days; what comes later changes nothing."""
    for question in lists.unanswered_since(now - UNANSWERED_AFTER):
        with transaction.atomic():
            lists.keep_outcome(question, lists.Outcome(code="search.list_unanswered"), now)


def export(officer: Officer, screening_id: str, *, now: datetime) -> Iterator[str]:
    """What came of every row at every partner, as JSON lines; recorded before the first is given out."""
    held = screenings.get_screening_for(officer, screening_id)
    screenings.note_exported(officer, held, now=now)
    return (json.dumps(_with_contact(told), ensure_ascii=False) + "\n" for told in lists.outcomes(held))


def _with_contact(told: dict[str, Any]) -> dict[str, Any]:
    if told["outcome"] != "hit":
        return told
    card = partners.card_of(told["partner"])
    return {**told, "contact": {"phone": card.contact.phone, "email": card.contact.email} if card else {}}
