"""The journey of a data-subject request: what this node holds is found, decided, carried out, told on, and answered.

::

    received ─▶ identity ─▶ looked for ─────────────▶ each thing judged ─▶ decided ─▶ carried out ─▶ answered
                            register, at once          theirs or another's             erase, restrict: now
                            our own entries: a job     originator asked                rectify: a task of the circle
                                                                                       recipients told: drafts

Nothing of another authority is given away unasked: what came from a partner is disclosed only after its word was noted, and
the question to it is an act like any other – a draft on a desk, signed by an officer, who names the entry and not the person.
Erasing goes through the doors that every erasure takes (``erasing``, ``reaching``), so that it stands in the erasure ledger;
:func:`reconcile` holds a request against that ledger.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.dossiers.entries import Part
from tansiq.engine.entities import Provenance, read_content
from tansiq.engine.errors import Rejected, TansiqError
from tansiq.engine.formats.times import format_time
from tansiq.engine.matching import Index, Labels, Match
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import queries as dossiers
from tansiq.node.flows import erasing, erasure_ledger
from tansiq.node.flows.handed_drafts import lay
from tansiq.node.flows.intents import Intent
from tansiq.node.flows.reaching import erase
from tansiq.node.flows.searching import Fields
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners.queries import my_id
from tansiq.node.register import index, policy, reviewing
from tansiq.node.register import queries as register
from tansiq.node.register.cards import card_of, subject_of
from tansiq.node.rights import actions, queries
from tansiq.node.rights.actions import Found
from tansiq.node.wording import sentence

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier, Entry
    from tansiq.node.rights.models import Claim, Holding

JOB = "flows.claim"
LOCK = timedelta(minutes=30)
LIMIT = 100
GROUND = "data_subject_right"
"""The ground of every erasure that a person asked for."""
CONTESTED = "accuracy_contested"
CONFIRM_WITHIN = timedelta(days=30)
BATCH = 2000
MINE = "mine"
CONTENT = ("schema", "properties", "belongings")


# -- looking -------------------------------------------------------------------------------------------------------------


def look(officer: Officer, claim_id: str, *, now: datetime) -> int:
    """Search everything for the person; returns how many new things the register gave. Our own entries follow by a job.

    One search over all records of all circles, former listings and restricted ones among them: only who answers for all of them may.
    Raises Rejected("search.too_little"), Conflict("rights.closed").
    """
    claim = queries.get_claim_for(officer, claim_id)
    actions.policy.require_open(claim)
    fields = Fields.from_json(claim.told.get("fields"))
    fields.require_enough()
    matches = index.holder().search(fields.query(), policy.labels_for(officer, is_former_wanted=True), LIMIT)
    matches += _restricted(fields)
    seen = register.subjects_by_id_for(officer, [match.subject_id for match in matches])
    found = [
        Found(f"subject:{match.subject_id}", row.owner, row.dossier, row.circle, match.band)
        for match in matches
        if (row := seen.get(match.subject_id)) is not None
    ]
    with transaction.atomic():
        count = actions.note_found(officer, claim, found, now)
        enqueue(JOB, {"claim": str(claim.pk)}, now=now, key=f"claim/{claim.pk}")
    return count


def _restricted(fields: Fields) -> list[Match]:
    """What is restricted is in no index, and still held."""
    held = Index()
    rows = register.restricted()
    held.add([(subject_of(str(row.pk), row.schema, row.card), {MINE}) for row in rows])
    return held.search(fields.query(), Labels.of(MINE), LIMIT) if rows else []


def go_through(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.claim``: find the person among the subjects in entries that this node signed; may run twice."""
    claim = queries.claim_by_id(str(payload["claim"]))
    if claim is None or claim.state != claim.OPEN:
        return
    query = Fields.from_json(claim.told.get("fields")).query()
    found: list[Found] = []
    after = 0
    while rows := dossiers.own_subject_parts(after, limit=BATCH):
        after = rows[-1].pk
        held, known = Index(), {}
        for row in rows:
            indexed = _indexed(f"entry:{row.entry_id}:{row.index}", row.salted)
            if indexed is not None:
                held.add([(indexed, {MINE})])
                known[indexed.subject_id] = row.entry.dossier
        for match in held.search(query, Labels.of(MINE), LIMIT) if known else []:
            dossier = known[match.subject_id]
            found.append(Found(match.subject_id, my_id(), dossier.dossier_id, dossier.circle, match.band))
    with transaction.atomic():
        actions.keep(claim, found)
        actions.gone_through(claim, now)


def _indexed(place: str, salted: Any) -> Any:
    content = dossiers.part_in(salted).content
    source = Provenance("received", place, "0", None, None, None, None)
    try:
        said = read_content({n: content[n] for n in CONTENT if n in content}, entity_id=place, provenance=source)
    except TansiqError:
        return None  # a part that no register could read holds nothing to compare
    return subject_of(place, said[0].schema, card_of(said)) if said else None


def shown(officer: Officer, holding: Holding) -> dict[str, Any]:
    """What a thing that was found is: ``caption`` and ``properties``; ``is_gone`` once it is erased."""
    kind, _, rest = holding.place.partition(":")
    if kind == "subject":
        row = register.subjects_by_id_for(officer, [rest]).get(rest)
        if row is None:
            return {"is_gone": True}
        said = [view.statement for view in register.statements_of(row)]
        values = [(one.prop, one.value) for one in said]
        told = {"caption": register.caption(row, officer.language), "schema": row.schema, "origin": row.origin}
        return {**told, "subject": rest, "values": values, "kept_until": row.retention_until or row.review_at}
    entry, _, number = rest.rpartition(":")
    part = dossiers.part_of(entry, int(number))
    header = dossiers.load_header(entry)
    if part is None or header is None:
        return {"is_gone": True}
    content = part.content
    properties = content.get("properties", {})
    values = [(str(name), str(value)) for name, held in properties.items() for value in held]
    names = properties.get("name") or [""]
    dossier = dossiers.dossier_by_id(holding.dossier)
    to = [node for node in dossier.participants if node != my_id()] if dossier else []
    schema = str(content.get("schema", "Person"))
    return {"caption": str(names[0]), "schema": schema, "origin": "sent", "values": values, "recipients": to}


# -- the originator ------------------------------------------------------------------------------------------------------


def consult(officer: Officer, claim_id: str, holding_id: str, *, now: datetime) -> str:
    """Lay a question to the originator on the desk of the circle that holds its information; returns the draft's id.

    Raises Rejected("rights.own_information") for what is this node's own.
    """
    claim = queries.get_claim_for(officer, claim_id)
    actions.policy.require_open(claim)
    holding = queries.get_holding(claim, holding_id)
    if holding.provider == my_id() or not holding.dossier:
        raise Rejected("rights.own_information")
    with transaction.atomic():
        draft = _message(officer, claim, holding, (holding.provider,), "consult", now)
        actions.note_consulted(officer, claim, holding, draft, now)
    return draft


def _message(officer: Officer, claim: Claim, holding: Holding, to: tuple[str, ...], what: str, now: datetime) -> str:
    """A draft that opens a direct line and says what is wanted or was done, naming places and never the person."""
    dossier = dossiers.dossier_by_id(holding.dossier) if holding.dossier else None
    row = register.subject_by_id(holding.place.partition(":")[2]) if holding.place.startswith("subject:") else None
    entry = (row.entry or "") if row is not None else holding.place.split(":")[1]
    number = row.part if row is not None else holding.place.rpartition(":")[2]
    facts = {"dossier": holding.dossier, "entry": entry, "part": number, "due": format_time(claim.due_at)}
    text = "\n\n".join(sentence(f"rights.{what}_text", facts, language) for language in ("en", "fr", "ar"))
    intent = Intent(
        kind="channel",
        act="open",
        participants=to,
        codes={"purpose": _purpose(dossier)},
        parts=(Part(type="narrative", language="en", content={"topic": "message", "text": text}),),
        circle=holding.circle,
    )
    return lay(officer, intent, None, holding.circle, to[0], now)


def _purpose(dossier: Dossier | None) -> str:
    about = dossiers.view_of(dossier).get("about") if dossier is not None else None
    told = about.get("purpose") if isinstance(about, dict) else None
    return str(told or "prevention")


# -- deciding ------------------------------------------------------------------------------------------------------------


def choose(officer: Officer, claim_id: str, holding_id: str, *, measure: str, ground: str = "", now: datetime) -> None:
    """Choose a measure; raises what ``rights.actions.choose`` raises, and Rejected("rights.measure") to restrict what was signed."""
    claim = queries.get_claim_for(officer, claim_id)
    holding = queries.get_holding(claim, holding_id)
    if measure == holding.RESTRICT and holding.place.startswith("entry:"):
        raise Rejected("rights.measure", at="/measure")
    actions.choose(officer, claim_id, holding_id, measure=measure, ground=ground, own_node=my_id(), now=now)


def decide(officer: Officer, claim_id: str, *, outcome: str, reason: str, now: datetime) -> Claim:
    """Decide, and carry out what can be done at once, in one transaction: a decision without its erasure never stands.

    What others must do – rectify, send a notice – lies on their desks as tasks and drafts.
    """
    with transaction.atomic():
        claim = actions.decide(officer, claim_id, outcome=outcome, reason=reason, now=now)
        for holding in queries.holdings_of(claim):
            if holding.verdict == holding.THEIRS and holding.measure:
                _carry_out(officer, claim, holding, reason, now)
    return claim


def _carry_out(officer: Officer, claim: Claim, holding: Holding, reason: str, now: datetime) -> None:
    if holding.measure in (holding.ERASE, holding.RECTIFY, holding.RESTRICT):
        _tell_on(officer, claim, holding, now)
    kind, _, rest = holding.place.partition(":")
    if holding.measure == holding.RECTIFY:
        link = f"/register/{rest}/" if kind == "subject" else f"/dossiers/{holding.dossier}/"
        desk.put(
            "claim_rectify",
            f"claim_rectify/{claim.pk}/{holding.pk}",
            title_code="desk.claim_rectify",
            facts={},
            circle=holding.circle,
            due_at=claim.due_at,
            link=link,
            now=now,
        )
        return
    if holding.measure == holding.ERASE and kind == "subject":
        if register.subject_by_id(rest) is not None:
            erasing.erase_subject(officer, rest, ground=GROUND, is_barred=True, now=now)
    elif holding.measure == holding.ERASE:
        row, number = _own_entry(rest)
        if row is not None:
            erase(row, [number], reason=GROUND, actor=officer.reference, now=now)
    elif holding.measure == holding.RESTRICT:
        reviewing.decide(officer, rest, reviewing.Decision("restrict", CONTESTED, reason[:2000]), now=now)
    actions.mark_done(officer, claim.pk, holding.pk, now=now)


def rectified(officer: Officer, claim_id: str, holding_id: str, *, now: datetime) -> None:
    """The circle has rectified it: the data-protection officer has looked, and says so."""
    with transaction.atomic():
        actions.mark_done(officer, claim_id, holding_id, now=now)
        desk.settle(f"claim_rectify/{claim_id}/{holding_id}", now=now)


def _own_entry(rest: str) -> tuple[Entry | None, int]:
    entry, _, number = rest.rpartition(":")
    return dossiers.entry_by_id(entry), int(number)


def _tell_on(officer: Officer, claim: Claim, holding: Holding, now: datetime) -> None:
    """Those who gave it and those who were given it hear of it (Directive (EU) 2016/680 arts. 7(3), 16(5) and (6)).

    A report is corrected or recalled by its own acts, which its recipients must confirm; everything else is told on a direct line.
    What is passed on is recalled by the erasure itself.
    """
    kind, _, rest = holding.place.partition(":")
    if kind == "subject":
        if holding.provider != my_id() and holding.dossier:
            _message(officer, claim, holding, (holding.provider,), holding.measure, now)
        return
    row, number = _own_entry(rest)
    if row is None:
        return
    dossier = row.dossier
    others = [node for node in dossier.participants if node != my_id()]
    if dossier.kind == "report":
        commitment = dossiers.signed_entry(row).header.parts[number].commitment
        codes = {"entry": row.entry_id, "part": commitment, "due": format_time(now + CONFIRM_WITHIN)}
        act_name = "recall_part" if holding.measure == holding.ERASE else "correct"
        intent = Intent(kind="report", act=act_name, dossier=dossier.dossier_id, codes=codes)
        lay(officer, intent, dossier, dossier.circle, others[0], now)
        return
    for other in others:
        _message(officer, claim, holding, (other,), holding.measure, now)


# -- afterwards ----------------------------------------------------------------------------------------------------------


def reconcile(officer: Officer, claim_id: str) -> dict[int, bool]:
    """For each thing that was erased: whether the ledger outside of the store has it, so that a restore erases it again.

    Raises Rejected("erasure.ledger_broken").
    """
    claim = queries.get_claim_for(officer, claim_id)
    gone = [row for row in queries.holdings_of(claim) if row.measure == row.ERASE and row.done_at is not None]
    if not gone:
        return {}
    named = {erasure_ledger.name_of(told) for told in erasure_ledger.read(erasure_ledger.path())}
    return {row.pk: _ledger_name(row) in named for row in gone}


def _ledger_name(holding: Holding) -> str:
    kind, _, rest = holding.place.partition(":")
    if kind == "subject":
        return rest
    row, number = _own_entry(rest)
    return f"{row.entry_id}/{dossiers.signed_entry(row).header.parts[number].commitment}" if row else ""


def to_answer(officer: Officer, claim_id: str) -> tuple[Claim, list[dict[str, Any]]]:
    """What an answer tells: the request, and each thing that is disclosed; raises what ``require_answerable`` raises."""
    claim = queries.get_claim_for(officer, claim_id)
    actions.require_answerable(claim)
    rows = [row for row in queries.holdings_of(claim) if row.measure == row.DISCLOSE]
    return claim, [one for row in rows if not (one := shown(officer, row)).get("is_gone")]
