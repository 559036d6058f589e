"""Alerts of partners and our own, from the day they come to the day they are over; and hits, which only two authorities see.

::

    entry of an alert ──▶ row for the board, job at its end ──▶ subjects matched against the register (``matching``)
    register changes ──▶ job ``flows.alert_watch`` matches every standing alert again, once a minute at most
    a record is met ──▶ task for its owner ──▶ dossier ``alert_hit`` with the issuer alone, citing the alert
    its time is over ──▶ issuer: its machine signs ``expire``; here: register, index and desk let go by themselves
    ``cancel``, ``expire``, ``correct`` ──▶ ``erasing.obey``: parts erased, then this machine confirms

The end of an alert is a view of (state, now): nobody has to hear of it for it to leave the board, and the job that lets go of the
register's copy runs from the date itself. If an extension comes later than that, the subjects come back from their parts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.dossiers.states import State
from tansiq.engine.entities import model
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.times import parse_time
from tansiq.engine.kinds import alert as alert_kind
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import queries as dossiers
from tansiq.node.dossiers.actions import lock
from tansiq.node.flows import exercises, matching
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners.queries import my_id
from tansiq.node.register import actions as register_actions
from tansiq.node.register import queries as register
from tansiq.node.search import alerts

if TYPE_CHECKING:
    from tansiq.engine.dossiers.entries import Part, SignedEntry
    from tansiq.engine.dossiers.headers import Opening
    from tansiq.node.dossiers.models import Dossier
    from tansiq.node.flows.intents import Intent

ENDING_JOB = "flows.alert_end"
WATCH_JOB = "flows.alert_watch"
WATCH_EVERY = timedelta(minutes=1)
CAPTION_PROPERTIES = ("name", "registrationNumber", "number", "iban", "serialNumber", "imei")
LONGEST_CAPTION = 80


# -- what follows from an entry, in its transaction ------------------------------------------------------------------------


def follow_alert(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """Keep what the board shows; leave a job for the alert's end; take a cancelled or expired one from board and desks."""
    if exercises.is_apart(dossier):
        return
    state = dossiers.folded_of(dossier).state
    about, term = state.value("about"), state.value("term")
    if not about or not term:
        return
    expires_at = parse_time(term["expires"])
    told: dict[str, Any] = {
        "issuer": state.opener,
        "is_own": state.opener == my_id(),
        "alert_class": about["alert_class"],
        "asks": about["asks"],
        "circle": dossier.circle,
        "state": alert_kind.KIND.phase(state),
        "issued_at": dossier.opened_at,
        "expires_at": expires_at,
        "review_at": parse_time(term["review"]),
    }
    if entry.header.opening is not None:
        told["caption"] = caption_of(salted.part if salted else None for salted in entry.parts)
    alerts.keep_alert(dossier.dossier_id, told)
    if entry.header.act in ("issue", "extend"):
        told_job = {"dossier": dossier.dossier_id}
        enqueue(ENDING_JOB, told_job, now=now, run_at=max(now, expires_at), key=f"alert_end/{entry.entry_id}")
    if entry.header.act == "extend":
        _match_again(dossier, now)
    if dossier.is_closed:
        _leave_desks(dossier.dossier_id, now)
        if state.opener != my_id():
            alerts.forget_caption(dossier.dossier_id)


def caption_of(parts: Iterable[Part | None]) -> str | None:
    """The words that stand for an alert in a list: its first subject, else its first words."""
    held = [part for part in parts if part is not None]
    for part in held:
        if part.type == "subject":
            properties = part.content["properties"]
            named = next((properties[name][0] for name in CAPTION_PROPERTIES if properties.get(name)), None)
            if named:
                return str(named)
    text = next((str(part.content["text"]) for part in held if part.type == "narrative"), None)
    return text[:LONGEST_CAPTION] if text else None


def follow_hit(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """Keep what the board shows of a hit; the owner of the record has done what the desk asked for."""
    if exercises.is_apart(dossier):
        return
    header = dossiers.load_header(dossier.dossier_id)
    opening = entry.header.opening or (header.opening if header else None)
    if opening is None or opening.cites is None:
        return
    me = my_id()
    told = {
        "alert": opening.cites,
        "partner": next(party for party in dossier.participants if party != me),
        "is_own": dossier.opened_by == me,
        "circle": dossier.circle,
        "phase": dossier.phase,
        "opened_at": dossier.opened_at,
    }
    alerts.keep_hit(dossier.dossier_id, told)
    if entry.header.opening is not None and dossier.opened_by == me:
        desk.settle_all(f"alert_match/{opening.cites}/", now=now)


def _match_again(dossier: Dossier, now: datetime) -> None:
    """An extended alert is matched as if it had just come: it may have been let go of in between."""
    from tansiq.node.flows.projections import MATCH_JOB

    if dossier.opened_by == my_id():
        return
    for row in dossiers.entries_from(dossier, dossier.opened_by):
        if any(ref.type == "subject" for ref in dossiers.signed_entry(row).header.parts):
            enqueue(MATCH_JOB, {"entry": row.entry_id}, now=now, key=f"match/{row.entry_id}")


def _leave_desks(dossier_id: str, now: datetime) -> None:
    desk.settle_all(f"alert_match/{dossier_id}/", now=now)


# -- the doors -------------------------------------------------------------------------------------------------------------


def require_citation(intent: Intent, audience: Iterable[str]) -> None:
    """Before a hit is opened here: it cites a partner's alert that was received, and goes to its issuer alone.

    Raises Rejected("alert_hit.cites_no_alert") or ("alert_hit.only_with_the_issuer").
    """
    cited = alerts.alert_by_dossier(intent.cites) if intent.cites else None
    if cited is None or cited.is_own:
        raise Rejected("alert_hit.cites_no_alert", at="/cites")
    if {*audience} != {my_id(), cited.issuer}:
        raise Rejected("alert_hit.only_with_the_issuer", at="/participants", issuer=cited.issuer)


def require_our_alert(opening: Opening, sender: str) -> None:
    """Before a hit is taken in: it cites an alert of ours that its author was sent, and nobody else reads it."""
    cited = dossiers.dossier_by_id(opening.cites or "")
    if cited is None or cited.kind != "alert" or cited.opened_by != my_id() or sender not in cited.participants:
        raise Rejected("alert_hit.cites_no_alert", at="/content/opening/cites")
    if {*opening.participants} != {my_id(), sender}:
        raise Rejected("alert_hit.only_with_the_issuer", at="/content/opening/participants", issuer=my_id())


# -- the end ---------------------------------------------------------------------------------------------------------------


def end(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.alert_end``: the alert's time is over, unless it was extended. Its issuer says so; everybody lets go."""
    from tansiq.node.flows.incoming import act_for_machine

    dossier_id = str(payload["dossier"])
    dossier = dossiers.dossier_by_id(dossier_id)
    if dossier is None:
        return
    state = dossiers.folded_of(dossier).state
    if alert_kind.is_standing(state, now):
        return
    if dossier.opened_by == my_id():
        act_for_machine({"dossier": dossier_id}, now)
        return
    let_go(dossier_id, now)


def let_go(dossier_id: str, now: datetime) -> None:
    """Take what an alert brought from register, index and desks. The parts stay until the issuer's word (``expire``) comes."""
    with transaction.atomic():
        dossier = lock(dossier_id)
        if dossier is None or alert_kind.is_standing(_state(dossier), now):
            return
        for row in dossiers.entries_from(dossier, dossier.opened_by):
            for subject in register.received_from(row.entry_id):
                if subject.part is not None:
                    register_actions.erase_received(
                        row.entry_id, subject.part, ground="alert_over", may_return=True, now=now
                    )
        _leave_desks(dossier_id, now)
        desk.settle(f"entry/{dossier_id}", now=now)


def _state(dossier: Dossier) -> State:
    return dossiers.folded_of(dossier).state


# -- the other way round ---------------------------------------------------------------------------------------------------


def watch(payload: dict[str, Any], now: datetime) -> None:  # noqa: ARG001 - a job handler's shape
    """Job ``flows.alert_watch``: whatever came into the register since is matched against the alerts that stand.

    Every alert is searched for again, not every new record: a list of a million rows costs no more than one row. How far it
    came is a row; killed in between, it begins again there. Owes itself again in a minute.
    """
    number = register.change_number()
    if number != alerts.watched():
        for standing in alerts.partners_alerts(now):
            _match_standing(standing.dossier_id, now)
        with transaction.atomic():
            alerts.note_watched(number)
    with transaction.atomic():
        begin(now + WATCH_EVERY)


def begin(at: datetime) -> None:
    """Owe the next look at ``at``, in the caller's transaction."""
    enqueue(WATCH_JOB, {}, now=at, run_at=at, key=WATCH_JOB)


def _match_standing(dossier_id: str, now: datetime) -> None:
    dossier = dossiers.dossier_by_id(dossier_id)
    if dossier is None:
        return
    model()  # loading it takes seconds; nobody should wait for it at a locked row
    for row in dossiers.entries_from(dossier, dossier.opened_by):
        for subject in register.received_from(row.entry_id):
            matching.tell_of_alert(subject, dossier_id, dossier.opened_by, dossier.circle, now)
