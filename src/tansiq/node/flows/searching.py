"""The journey of a question: the register answers at once, partners as the accord allows, each result logged on both sides.

What a partner is told is *hit* or *contact* with a number that a request may cite, never a record: a hit is the start of a request,
not an answer. What is silent tells its owner and nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.accords.decide import Decision, Question, decide
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.ids import is_id, require_id
from tansiq.engine.formats.strict_json import JsonValue
from tansiq.engine.matching import Query
from tansiq.node.accounts import policy as roles
from tansiq.node.desk import actions as desk
from tansiq.node.exchange import actions as exchange
from tansiq.node.flows import blind_asking, exercises
from tansiq.node.flows.search_terms import WORD, accord_between, code_of, query_of
from tansiq.node.partners import queries as partners
from tansiq.node.register import index, policy
from tansiq.node.register import queries as register
from tansiq.node.search import actions, queries
from tansiq.node.search.policy import MIN_QUERY_LETTERS

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.search.models import Search

LIMIT = 50
OPEN = frozenset({"hit", "contact"})
HIT, CONTACT, NOTHING, REFUSED = "hit", "contact", "nothing", "refused"
OUTCOMES = frozenset({HIT, CONTACT, NOTHING, REFUSED})
TOLD_BANDS = frozenset({"strong", "probable"})
MAX_VALUES = 20
MAX_LETTERS = 300
_ERROR = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")


@dataclass(frozen=True, slots=True)
class Fields:
    """What somebody looks for: the same fields for the register and for partners."""

    names: tuple[str, ...] = ()
    schema: str = "Person"
    birth_dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "names": list(self.names),
            "schema": self.schema,
            "birth_dates": list(self.birth_dates),
            "countries": list(self.countries),
            "identifiers": [list(pair) for pair in self.identifiers],
        }

    @classmethod
    def from_json(cls, value: Any, *, at: str = "/fields") -> Fields:
        """Read foreign fields within limits; raises Rejected("search.fields", at=…)."""
        if not isinstance(value, Mapping) or not set(value) <= set(cls.__dataclass_fields__):
            raise Rejected("search.fields", at=at)
        schema = value.get("schema", "Person")
        if not isinstance(schema, str) or len(schema) > 40:
            raise Rejected("search.fields", at=f"{at}/schema")
        pairs = value.get("identifiers", [])
        if (
            not isinstance(pairs, list)
            or len(pairs) > MAX_VALUES
            or not all(isinstance(p, list) and len(p) == 2 for p in pairs)
        ):
            raise Rejected("search.fields", at=f"{at}/identifiers")
        return cls(
            names=_texts(value, "names", at),
            schema=schema,
            birth_dates=_texts(value, "birth_dates", at),
            countries=_texts(value, "countries", at),
            identifiers=tuple((_short(p[0], f"{at}/identifiers"), _short(p[1], f"{at}/identifiers")) for p in pairs),
        )

    def require_enough(self) -> None:
        """Raise Rejected("search.too_little") for a question that would find everybody."""
        letters = sum(len(name.strip()) for name in self.names)
        if letters < MIN_QUERY_LETTERS and not self.identifiers:
            raise Rejected("search.too_little", at="/names", letters=MIN_QUERY_LETTERS)

    def query(self, query_id: str = "") -> Query:
        return Query(
            names=self.names,
            schema=self.schema,
            birth_dates=self.birth_dates,
            countries=self.countries,
            identifiers=self.identifiers,
            query_id=query_id,
        )


def _texts(value: Mapping[str, Any], name: str, at: str) -> tuple[str, ...]:
    items = value.get(name, [])
    if not isinstance(items, list) or len(items) > MAX_VALUES:
        raise Rejected("search.fields", at=f"{at}/{name}")
    return tuple(_short(item, f"{at}/{name}") for item in items)


def _short(item: Any, at: str) -> str:
    if not isinstance(item, str) or len(item) > MAX_LETTERS:
        raise Rejected("search.fields", at=at)
    return item


# -- asking --------------------------------------------------------------------------------------------------------------


def search(
    officer: Officer,
    fields: Fields,
    *,
    purpose: str,
    crime_area: str = "",
    reference: str = "",
    ask: Sequence[str] = (),
    blindly: bool = False,
    now: datetime,
) -> Search:
    """Ask the register now and the partners in ``ask`` through their accords; answers arrive in the search's rows.

    A partner is asked blindly where ``blindly`` is wanted, or where its accord allows no open question but a blind one.

    The purpose is not optional: every question is justified before it is asked. Raises Rejected for too little or for an unknown purpose.
    """
    roles.require(officer.roles, "search")
    fields.require_enough()
    code_list("purposes").require(purpose, at="/purpose")
    if crime_area:
        code_list("crime_areas").require(crime_area, at="/crime_area")
    if ask and not reference.strip():
        raise Rejected("search.reference_needed", at="/reference")
    found = find_here(officer, fields)
    circle = f"unit:{officer.unit.code}" if officer.unit else ""
    asking = {p: _asking(officer, p, fields, purpose, crime_area, now, blindly=blindly) for p in dict.fromkeys(ask)}
    with transaction.atomic():
        row = actions.open_search(
            officer.reference,
            circle=circle,
            asked=fields.to_json(),
            purpose=purpose,
            crime_area=crime_area,
            reference=reference.strip(),
            found_here=found,
            now=now,
        )
        for partner, how in asking.items():
            if isinstance(how, blind_asking.Prepared):
                blind_asking.ask(row, how, now)
            elif how.is_permitted:
                _ask_openly(row, partner, fields, now)
            else:
                actions.bar(row, partner, code=how.code, clause=how.clause, now=now)
    return row


def consider(
    officer: Officer,
    fields: Fields,
    *,
    purpose: str,
    crime_area: str = "",
    ask: Sequence[str] = (),
    blindly: bool = False,
    now: datetime,
) -> dict[str, blind_asking.Prepared | Decision | Rejected]:
    """How each partner would be asked, or why not; writes nothing and sends nothing."""
    roles.require(officer.roles, "search")
    fields.require_enough()
    found: dict[str, blind_asking.Prepared | Decision | Rejected] = {}
    for partner in dict.fromkeys(ask):
        try:
            how = _asking(officer, partner, fields, purpose, crime_area, now, blindly=blindly)
            found[partner] = blind_asking.reckoned(officer, how, now) if isinstance(how, blind_asking.Prepared) else how
        except Rejected as error:
            found[partner] = error
    return found


def _asking(
    officer: Officer, partner: str, fields: Fields, purpose: str, crime_area: str, now: datetime, *, blindly: bool
) -> blind_asking.Prepared | Decision:
    """How ``partner`` is asked: the blind question made ready, or what the accord says to the open one."""
    openly = None if blindly else may_ask(partner, purpose, crime_area, now)
    if openly is not None and openly.code != "decide.search_not_covered":
        return openly
    how = blind_asking.prepare(officer, fields, partner, purpose=purpose, crime_area=crime_area, now=now)
    return openly if openly and isinstance(how, Decision) and how.code == "decide.blind_not_covered" else how


def _ask_openly(row: Search, partner: str, fields: Fields, now: datetime) -> None:
    actions.ask(row, partner, now=now)
    content = {
        "v": 1,
        "query": str(row.search_id),
        "fields": fields.to_json(),
        "purpose": row.purpose,
        "crime_area": row.crime_area,
        **({"exercise": True} if exercises.node_is_exercise() else {}),
    }
    exchange.queue([partner], "query", content, reference=str(row.search_id), urgent=True, now=now)


def find_here(officer: Officer, fields: Fields) -> list[dict[str, Any]]:
    """What the register finds that this officer may see, best first, each with why it matched."""
    matches = index.holder().search(fields.query(), policy.labels_for(officer), LIMIT)
    seen = register.subjects_by_id_for(officer, [m.subject_id for m in matches])
    return [
        {
            "subject": m.subject_id,
            "caption": register.caption(seen[m.subject_id], officer.language),
            "schema": seen[m.subject_id].schema,
            "origin": seen[m.subject_id].origin,
            "score": m.score,
            "band": m.band,
            "explanation": dict(m.explanation),
        }
        for m in matches
        if m.subject_id in seen
    ]


def may_ask(partner: str, purpose: str, crime_area: str, now: datetime) -> Decision:
    """Whether the accord lets this node ask ``partner`` at all, counting what was asked today."""
    me = partners.my_id()
    accord = accord_between(me, partner)
    question = query_of(me, partner, purpose, crime_area, spent_today=queries.asked_of(partner, now))
    return decide(question, accord, now=now, local=partners.local_rules())


# -- being asked ---------------------------------------------------------------------------------------------------------


def take_query(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Answer a partner's question as the accord allows; the owners of what it met are told in every case.

    What may be found and what is silent are searched apart, so that a silent record takes no place among the matches: the answer is the
    same, byte for byte, whether there is one or not.
    """
    query_id = require_id(content.get("query"), at="/query")
    fields = Fields.from_json(content.get("fields"))
    purpose, area = code_of(content, "purpose"), code_of(content, "crime_area") if content.get("crime_area") else ""
    if queries.answered(sender, query_id):
        return
    decision = _may_answer(sender, purpose, area, "hit", now)
    told_as = "hit"
    if not decision.is_permitted:
        decision, told_as = _may_answer(sender, purpose, area, "contact", now), "contact"
    code = exercises.search_bar(content) or _code_told(decision, fields)
    met = {} if code else _met(fields, query_id, *OPEN)
    silent = {} if code else _met(fields, query_id, "silent")
    reach = register.reach_of([*met, *silent])
    with transaction.atomic():
        if not actions.note_inbound(sender, query_id, purpose=purpose, crime_area=area, now=now):
            return
        hits = list(_hits(sender, met, reach, told_as, now))
        outcome = _outcome(hits, is_refused=bool(code))
        actions.note_outcome(sender, query_id, purpose=purpose, outcome=outcome, hits=len(hits), now=now)
        answer = {"v": 1, "query": query_id, "outcome": outcome, "code": code, "hits": hits}
        exchange.queue([sender], "answer", answer, reference=f"answer/{query_id}", urgent=True, now=now)
        _tell_owners(sender, purpose, [*met, *silent], reach, now)


def _code_told(decision: Decision, fields: Fields) -> str:
    """Why there is no answer, for the asker's officer; empty if there is one. Local reasons never leave the node."""
    try:
        fields.require_enough()
    except Rejected as error:
        return error.code
    if decision.is_permitted:
        return ""
    return "search.not_answered" if decision.local else decision.code


def _met(fields: Fields, query_id: str, *discoverabilities: str) -> dict[str, str]:
    """The subjects met by strong or probable matches, best first, each with its band."""
    found = index.holder().search(fields.query(query_id), policy.labels_of_others(*discoverabilities), LIMIT)
    return {match.subject_id: match.band for match in found if match.band in TOLD_BANDS}


def _may_answer(sender: str, purpose: str, area: str, discloses: Any, now: datetime) -> Decision:
    me = partners.my_id()
    question = Question(
        act="hit",
        kind="request",
        entry_act="hit",
        sender=me,
        recipients=frozenset({sender}),
        purpose=purpose or None,
        crime_area=area or None,
        spent_today=queries.spent_by(sender, now),
        discloses=discloses,
    )
    return decide(question, accord_between(me, sender), now=now, local=partners.local_rules())


def _hits(
    sender: str, met: Mapping[str, str], reach: Mapping[str, register.Reach], told_as: str, now: datetime
) -> Iterable[dict[str, str]]:
    for subject_id, band in met.items():
        record = reach.get(subject_id)
        if record is None or record.discoverability not in OPEN:
            continue
        mode = "hit" if told_as == "hit" and record.discoverability == "hit" else "contact"
        told = {"hit": actions.give_hit(sender, subject_id, now), "mode": mode, "schema": record.schema}
        yield {**told, "band": band} if mode == "hit" else told


def _outcome(hits: Sequence[Mapping[str, str]], *, is_refused: bool) -> str:
    if is_refused:
        return REFUSED
    if any(hit["mode"] == "hit" for hit in hits):
        return HIT
    return CONTACT if hits else NOTHING


def _tell_owners(
    sender: str, purpose: str, met: Sequence[str], reach: Mapping[str, register.Reach], now: datetime
) -> None:
    for subject_id in met:
        record = reach.get(subject_id)
        if record is not None:
            desk.put(
                "asked_about",
                f"asked_about/{sender}/{subject_id}/{now:%Y%m%d}",
                title_code="desk.asked_about",
                facts={"partner": sender, "purpose": purpose},
                circle=record.circle,
                link=f"/register/{subject_id}",
                now=now,
            )


def take_answer(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Keep a partner's answer with the search it belongs to."""
    query_id = require_id(content.get("query"), at="/query")
    outcome, code, listed = content.get("outcome"), content.get("code", ""), content.get("hits")
    if not isinstance(outcome, str) or outcome not in OUTCOMES:
        raise Rejected("item.malformed", at="/outcome")
    if not isinstance(code, str) or (code and not _ERROR.fullmatch(code)):
        raise Rejected("item.malformed", at="/code")
    if not isinstance(listed, list) or len(listed) > LIMIT:
        raise Rejected("item.malformed", at="/hits")
    hits = [_hit(hit, f"/hits/{place}") for place, hit in enumerate(listed)]
    with transaction.atomic():
        actions.keep_answer(sender, query_id, outcome=outcome, code=code, hits=hits, now=now)


def _hit(value: JsonValue, at: str) -> dict[str, str]:
    """One hit as a partner told it: its number, what kind of hit, of what schema; nothing else is kept."""
    if not isinstance(value, dict):
        raise Rejected("item.malformed", at=at)
    kept = {name: value[name] for name in ("hit", "mode", "schema", "band") if name in value}
    words = all(isinstance(told, str) and WORD.fullmatch(told) for told in kept.values())
    if not words or not is_id(kept.get("hit")) or kept.get("mode") not in OPEN:
        raise Rejected("item.malformed", at=at)
    return {name: str(told) for name, told in kept.items()}
