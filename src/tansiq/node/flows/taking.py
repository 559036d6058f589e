"""Taking in an entry that came from a partner: verified, judged and appended; or it waits; or its content goes to quarantine.

::

    came ──signature──audience──┬─ something is missing ──▶ waits (visible, bounded, asked for) ──arrived──┐
                                │                                                                          │
                                ├──◀───────────────────────────────────────────────────────────────────────┘
                                └─ judged and folded ──┬─ accord and local rules permit ──▶ parts kept
                                                       └─ they refuse ──▶ parts in quarantine, ``not_accepted`` goes out

Everything may happen twice: an entry that is held already changes nothing but parts that had come as null. A waiting entry leaves the
waiting room in the transaction that places it, so a crash loses none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.dossiers import entries, folds
from tansiq.engine.dossiers.entries import SignedEntry
from tansiq.engine.dossiers.states import Trace
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.errors import Refused, Rejected, TansiqError
from tansiq.engine.formats.ids import digest, is_digest
from tansiq.engine.formats.strict_json import JsonValue
from tansiq.engine.kinds.registry import kind
from tansiq.node.accounts.queries import competent_unit
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import actions as dossiers
from tansiq.node.dossiers import damage, erased, queries, waiting_room
from tansiq.node.exchange import actions as exchange
from tansiq.node.exchange import recovery
from tansiq.node.flows import exercises, origins, projections
from tansiq.node.flows.admitting import (
    kind_of,
    not_yet,
    require_audience,
    require_vouched_for,
    rules_of,
    unacceptable,
)
from tansiq.node.flows.releasing import keep_away
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    from tansiq.node.dossiers.models import Dossier

NOT_UNDERSTOOD = frozenset({"kind.unknown", "entry.unknown_version"})
NOT_IN_FORCE_YET = frozenset({"decide.no_accord", "decide.version_not_in_force", "decide.not_ratified"})
MAX_ASKED = 2000
GRACE = timedelta(minutes=10)
"""How long an entry waits for the ratification that its accord still lacks here: it may be on its way by another road."""


@dataclass(frozen=True, slots=True)
class Came:
    """An entry as its sender brought it: read and proved to be its author's, or why it is neither."""

    sender: str
    content: dict[str, JsonValue]
    entry: SignedEntry | None = None
    error: Rejected | Refused | None = None


def read(sender: str, contents: Sequence[dict[str, JsonValue]]) -> list[Came]:
    """Read entries and verify their signatures, outside of any transaction; those that are held already need no proof."""
    came = [_read(sender, content) for content in contents]
    held = queries.judged_among(one.entry.entry_id for one in came if one.entry)
    new = [one.entry for one in came if one.entry and one.entry.entry_id not in held]
    rings = {author: partners.authority_keyring(author) for author in {entry.header.author for entry in new}}
    return [one if one.entry is None or one.entry.entry_id in held else _proved(one, one.entry, rings) for one in came]


def _read(sender: str, content: dict[str, JsonValue]) -> Came:
    try:
        return Came(sender, content, entries.from_wire(content, at="/content"))
    except (Rejected, Refused) as error:
        return Came(sender, content, error=error)


def _proved(came: Came, entry: SignedEntry, rings: Mapping[str, Callable[[datetime], dict[str, bytes]]]) -> Came:
    try:
        entries.verify_entry(entry, rings[entry.header.author](entry.header.at))
    except (Rejected, Refused) as error:
        return replace(came, error=error)
    return came


class Ground:
    """What one transaction takes entries in upon: the dossiers it has locked, and which of the entries are judged already."""

    def __init__(self, came: Sequence[Came] = ()) -> None:
        read = [one.entry for one in came if one.entry]
        self.locked = dossiers.Locked(entry.dossier for entry in read)
        self._read = {entry.entry_id for entry in read}
        self._judged = queries.judged_among(self._read) if read else set()

    def is_judged(self, entry_id: str) -> bool:
        """Whether the entry is here with its verdict."""
        return entry_id in self._judged or (entry_id not in self._read and queries.is_judged(entry_id))

    def load_trace(self, entry_id: str) -> Trace | None:
        """The verdict on an entry, None where it is not here."""
        if entry_id in self._read and entry_id not in self._judged:
            return None
        return self.locked.traces.get(entry_id) or queries.load_trace(entry_id)

    def has_grown(self, dossier: Dossier, trace: Trace) -> None:
        """An entry was appended."""
        self._judged.add(trace.entry_id)
        self.locked.has_grown(dossier, trace)

    def forget(self, came: Came) -> None:
        """What was done for this entry was undone."""
        if came.entry is not None:
            self.locked.forget(came.entry.dossier)
            self._judged = queries.judged_among(self._read)


def take(came: Came, ground: Ground, now: datetime) -> None:
    """Take an entry in that was read, in the caller's transaction; what cannot be judged yet waits, and is asked for.

    Raises Rejected for what is wrong with it (nothing of it is kept), and Rejected("kind.unknown") or ("entry.unknown_version") for
    what this version cannot read (it is kept, for a version that can).
    """
    entry = came.entry
    if entry is None:
        if came.error and came.error.code == "entry.unknown_version":
            _keep_unread(came, came.error, now)
        raise came.error or Rejected("item.malformed", at="/content")
    if queries.has_ended(entry.dossier):
        return
    origins.require_sound(entry)
    if ground.is_judged(entry.entry_id):
        damage.mend(entry, lambda: partners.authority_keyring(entry.header.author), now)
        _complete(came.sender, entry, now)
    elif came.error is not None:
        raise came.error
    elif not _place(came.sender, entry, ground, now):
        _take_what_it_waits_for(entry, ground, now)
        return
    _take_waiting(entry.dossier, ground, now)


def _take_what_it_waits_for(entry: SignedEntry, ground: Ground, now: datetime) -> None:
    """Two entries may wait for each other: one for its ancestor, that one for the word that vouches for it."""
    waiting = waiting_room.entry(entry.entry_id)
    for ancestor in waiting.missing if waiting else []:
        if _take_again(ancestor, ground, now):
            _take_waiting(entry.dossier, ground, now)


def _keep_unread(came: Came, error: Rejected | Refused, now: datetime) -> None:
    """Keep what a newer version wrote, under its id; nothing else of it can be known here."""
    kept = waiting_room.Unplaced(entry_id_of(came.content), "", came.sender, came.content)
    with transaction.atomic():
        waiting_room.keep(kept, missing=[f"version:{error.code}"], now=now)


def entry_id_of(content: Any) -> str:
    """The id of an entry as it travels, even of one that cannot be read; empty when there is none."""
    try:
        return digest(Signed.from_json(content.get("header")).payload)
    except TansiqError:
        return ""


def _place(sender: str, entry: SignedEntry, ground: Ground, now: datetime) -> bool:
    """Append the entry if it has its place now; else it waits. Raises for what may have none."""
    dossier = ground.locked.get(entry.dossier)
    require_audience(sender, entry, dossier)
    if entry.header.opening is not None:
        exercises.require_for_this_node(entry.header.opening)
        exercises.require_unmixed_opening(entry.header.opening)
    if missing := not_yet(entry, dossier):
        _wait(sender, entry, missing, now)
        if missing[0].startswith("kind:"):
            kind(*kind_of(entry.header, dossier))  # raises, so that the sender hears of it
        return False
    require_vouched_for(entry)
    refusal = unacceptable(entry, dossier)
    if refusal in NOT_IN_FORCE_YET and _is_early(sender, entry, dossier, now):
        return False
    return _append(sender, entry, refusal, ground, now)


def _is_early(sender: str, entry: SignedEntry, dossier: Dossier | None, now: datetime) -> bool:
    """Let the entry wait for its accord, which may be ratified there and not here yet; False once the time of grace is over."""
    pins = entry.header.opening or dossier
    if pins is None or not pins.accord:
        return False
    waiting = waiting_room.entry(entry.entry_id)
    # While a node comes back everything does, in no order: nothing of it is too late.
    is_coming_back = recovery.under_way() is not None
    if waiting is not None and now >= waiting.received_at + GRACE and not is_coming_back:
        return False
    if waiting is None or is_coming_back:
        lacking = f"accord:{pins.accord}"
        with transaction.atomic():
            waiting_room.keep(_unplaced(sender, entry), missing=[lacking], now=now)
            key = f"take_again/{entry.entry_id}"
            enqueue(projections.TAKE_AGAIN_JOB, {"missing": lacking}, now=now, run_at=now + GRACE, key=key)
    return True


# -- appending -----------------------------------------------------------------------------------------------------------


def _append(sender: str, entry: SignedEntry, refusal: str | None, ground: Ground, now: datetime) -> bool:
    """Judge and store; False when the entry waits for its ancestors.

    An entry that may not be used here is folded like any other – its header holds no content, and the chain must go on – but its parts
    go to quarantine and the sender is told ``not_accepted``, without the reason.
    """
    with transaction.atomic():
        dossier = ground.locked.get(entry.dossier)
        folded = queries.folded_of(dossier) if dossier else None
        rules = rules_of(entry.header, dossier)
        appended = folds.append(
            rules, folded, entry.header, entry.entry_id, ground.load_trace, load_header=queries.load_header
        )
        if isinstance(appended, folds.Waiting):
            _keep_and_ask(sender, entry, appended.missing, now)
            return False
        if appended.is_new:
            placed = dossiers.Placed(appended.folded, appended.trace, ground.locked.traces)
            ground.has_grown(_store(sender, entry, dossier, placed, refusal, now), appended.trace)
        waiting_room.drop(entry.entry_id)
        return True


def _store(
    sender: str,
    entry: SignedEntry,
    dossier: Dossier | None,
    placed: dossiers.Placed,
    refusal: str | None,
    now: datetime,
) -> Dossier:
    gone = erased.reasons_of(entry.entry_id)
    kept = entry.without(*(ref.commitment for ref in entry.header.parts)) if refusal else entry.without(*gone)
    if dossier is None:
        dossier = dossiers.open_dossier(kept, placed, circle=_entry_circle(entry), case=None, title=None, now=now)
        exercises.mark(dossier)
    is_own = entry.header.author == partners.my_id()
    forks_before = len(dossier.equivocation or [])
    absent_for = "quarantined" if refusal else ""
    row = dossiers.append(dossier, kept, placed, is_own=is_own, absent_for=absent_for, now=now)
    for index, ref in enumerate(entry.header.parts):
        if ref.commitment in gone:
            # Erased here before a restore from an older copy: it stays out.
            dossiers.erase_parts(row, [index], reason=gone[ref.commitment], actor="machine", now=now)
    facts = {
        "entry": entry.entry_id,
        "act": entry.header.act,
        "from": entry.header.author,
        "effective": placed.trace.effective,
    }
    record("entry.taken", actor=f"node:{sender}", facts=facts, log="exchange", now=now, dossier=dossier.dossier_id)
    if len(placed.folded.equivocations) > forks_before:
        _tell_fork(entry, now)
    if refusal:
        keep_away(sender, entry, refusal, now)
    projections.after_entry(dossier, kept, now=now)
    return dossier


def _tell_fork(entry: SignedEntry, now: datetime) -> None:
    """Its author signed another entry in the same place: both stay as evidence, and an officer hears of it once a dossier."""
    facts = {"partner": entry.header.author, "entry": entry.entry_id}
    record("entry.forked", actor="machine", facts=facts, log="exchange", now=now, dossier=entry.dossier)
    desk.put(
        "entries_forked",
        f"forked/{entry.dossier}/{entry.header.author}",
        title_code="desk.entries_forked",
        facts=facts,
        link=f"/dossiers/{entry.dossier}",
        urgent=True,
        now=now,
    )


def _complete(sender: str, entry: SignedEntry, now: datetime) -> None:
    """Parts that had come as null (a participant passed the entry on without them) are filled in from whoever has them."""
    dossier = queries.dossier_by_id(entry.dossier)
    if dossier is None or not queries.lacks_parts(entry.entry_id) or all(part is None for part in entry.parts):
        return
    require_audience(sender, entry, dossier)
    refusal = unacceptable(entry, dossier)
    with transaction.atomic():
        row = queries.entry_by_id(entry.entry_id)
        if row is None:
            return
        if refusal:
            dossiers.erase_parts(row, None, reason="quarantined", actor="machine", now=now)
            keep_away(sender, entry, refusal, now)
        elif dossiers.complete_parts(row, entry.parts, sender=sender, now=now):
            projections.after_parts(dossier, queries.signed_entry(row), now=now)


def _entry_circle(entry: SignedEntry) -> str:
    """The circle of the unit competent for what arrives; the entry point where no unit is."""
    area = entry.header.codes.get("crime_area")
    opening = entry.header.opening
    unit = competent_unit(opening.kind if opening else "", [str(area)] if area else [])
    return f"unit:{unit.code}" if unit else ""


# -- waiting -------------------------------------------------------------------------------------------------------------


def _unplaced(sender: str, entry: SignedEntry) -> waiting_room.Unplaced:
    return waiting_room.Unplaced(entry.entry_id, entry.dossier, sender, entry.to_wire())


def _wait(sender: str, entry: SignedEntry, missing: Sequence[str], now: datetime) -> None:
    with transaction.atomic():
        _keep_and_ask(sender, entry, missing, now)


def _keep_and_ask(sender: str, entry: SignedEntry, missing: Sequence[str], now: datetime) -> None:
    """Keep the entry and ask its sender for the entries it stands on, in the caller's transaction."""
    waiting_room.keep(_unplaced(sender, entry), missing=missing, now=now)
    wanted = [one for one in missing if is_digest(one) and not waiting_room.holds(one)]
    ask_for([sender], entry.dossier, wanted, now)


def ask_for(nodes: Sequence[str], dossier_id: str, wanted: Sequence[str], now: datetime) -> None:
    """Owe ``nodes`` the question for entries, in the caller's transaction; the same question once a minute at most.

    A node to which :data:`MAX_ASKED` questions are owed already is asked later: whoever tells of dossiers that are nowhere would
    otherwise fill our queue.
    """
    nodes = [one for one in nodes if exchange.owed_of_type(one, "fetch") < MAX_ASKED]
    if wanted and nodes:
        content = {"v": 1, "dossier": dossier_id, "entries": [*wanted]}
        name = digest("".join(sorted(wanted)).encode())
        exchange.queue(nodes, "fetch", content, reference=f"{name}/{now:%d%H%M}", dossier=dossier_id, now=now)


def _take_waiting(dossier_id: str, ground: Ground, now: datetime) -> None:
    """Judge again whatever waited in the dossier for entries that are here by now, and whatever waited for that.

    What is here is looked up, not remembered: killed in between, the next call goes on where this one ended.
    """
    ready = waiting_room.ready_in(dossier_id)
    while ready:
        entry_id = ready.pop()
        if _take_again(entry_id, ground, now):
            ready += [one for one in waiting_room.lacking(entry_id, dossier_id=dossier_id) if one not in ready]


def take_again(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.take_again``: judge again what waited for something that is no entry (``payload["missing"]``)."""
    for entry_id in waiting_room.lacking(str(payload["missing"])):
        _take_alone(entry_id, now)


def take_unread(now: datetime) -> None:
    """At the worker's start: what an older version could not read may be read by this one."""
    for row in waiting_room.listed():
        if any(one.startswith(("kind:", "version:")) for one in row.missing):
            _take_alone(row.entry_id, now)


def _take_alone(entry_id: str, now: datetime) -> None:
    """Judge one waiting entry again, and what waited for it, in a transaction of their own."""
    with transaction.atomic(durable=True):
        waiting, ground = waiting_room.entry(entry_id), Ground()
        if waiting is not None and _take_again(entry_id, ground, now):
            _take_waiting(waiting.dossier, ground, now)


def ask_again(now: datetime) -> None:
    """Once an hour: ask every participant, not only the sender, for what entries still wait for."""
    others = {row.node_id for row in partners.partners() if row.status == row.ENROLLED}
    for row in waiting_room.listed():
        if row.received_at > now - timedelta(hours=1):
            continue
        dossier = queries.dossier_by_id(row.dossier) if row.dossier else None
        nodes = sorted(others & set(dossier.participants)) if dossier else [row.sender]
        wanted = [one for one in row.missing if is_digest(one) and not waiting_room.holds(one)]
        with transaction.atomic():
            ask_for(nodes, row.dossier, wanted, now.replace(minute=0))


def _take_again(entry_id: str, ground: Ground, now: datetime) -> bool:
    """Place a waiting entry if it can be now; what turns out to break a rule leaves the waiting room, and that is recorded."""
    waiting = waiting_room.entry(entry_id)
    if waiting is None:
        return False
    try:
        entry = entries.from_wire(waiting.wire, at="/wire")
        entries.verify_entry(entry, partners.authority_keys(entry.header.author, entry.header.at))
        return _place(waiting.sender, entry, ground, now)
    except (Rejected, Refused) as error:
        if error.code in NOT_UNDERSTOOD:
            return False
        ground.locked.forget(waiting.dossier)
        with transaction.atomic():
            waiting_room.drop(entry_id)
            facts = {"partner": waiting.sender, "type": "entry", "code": error.code, "entry": entry_id}
            record("item.refused", actor=f"node:{waiting.sender}", facts=facts, log="exchange", now=now)
        return False
