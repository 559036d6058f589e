"""Journeys of accords: from a file of terms to an act in a dossier of the founding kind."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from tansiq.engine.accords.reservations import check_reservation
from tansiq.engine.accords.terms import read_reservation, read_terms
from tansiq.engine.dossiers.entries import Part
from tansiq.engine.errors import Rejected
from tansiq.engine.kinds.accord_consent import on_the_table, terms_on_the_table
from tansiq.node.accounts import policy
from tansiq.node.dossiers import queries
from tansiq.node.flows.act import Acted, act
from tansiq.node.flows.intents import Intent
from tansiq.node.partners.queries import my_id

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


def propose(officer: Officer, value: Any, *, exercise: bool = False, now: datetime) -> Acted:
    """Open the accord's dossier with its parties; raises Rejected naming the place of the first mistake in the terms."""
    policy.require(officer.roles, "accords")
    terms = read_terms(value)
    me = my_id()
    if me not in terms.parties:
        raise Rejected("accord.not_a_party", at="/parties", node=me)
    part = Part(type="terms", content=terms.to_json())
    title = terms.title.get(officer.language) or next(iter(terms.title.values()))
    intent = Intent(
        kind="accord",
        act="propose",
        participants=tuple(p for p in terms.parties if p != me),
        codes={"terms": terms.digest},
        parts=(part,),
        title=title,
        exercise=exercise,
    )
    return act(officer, intent, now=now)


def ratify(officer: Officer, accord_id: str, *, reservation: Any, now: datetime) -> Acted:
    """Ratify the version that is on the table, with ``reservation`` (JSON) or none."""
    policy.require(officer.roles, "accords")
    dossier = queries.get_dossier_for(officer, accord_id)
    version = on_the_table(queries.folded_of(dossier).state)
    if version is None:
        raise Rejected("accord.nothing_to_ratify", accord=accord_id)
    parts: tuple[Part, ...] = ()
    codes: dict[str, Any] = {"terms": version}
    if reservation is not None:
        held = read_reservation(reservation)
        terms = terms_on_the_table(queries.folded_of(dossier).state, queries.parts_by_entry(dossier, types={"terms"}))
        if terms is None:
            raise Rejected("accord.nothing_to_ratify", accord=accord_id)
        check_reservation(terms, held, party=my_id())
        parts = (Part(type="reservation", content=held.to_json()),)
        codes["reservation"] = held.digest
    return act(officer, Intent(kind="accord", act="ratify", dossier=accord_id, codes=codes, parts=parts), now=now)
