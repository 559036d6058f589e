"""What is asked of a partner's entry at the door: may this node have it, is it vouched for, is everything here, do the rules permit it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tansiq.engine.accords.decide import decide
from tansiq.engine.dossiers import entries
from tansiq.engine.dossiers.entries import SignedEntry
from tansiq.engine.dossiers.headers import Header
from tansiq.engine.dossiers.kind import Kind
from tansiq.engine.errors import Rejected
from tansiq.engine.kinds.registry import kind
from tansiq.node.dossiers import queries, waiting_room
from tansiq.node.flows import alerts, plan_conflicts, questions
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    from tansiq.node.dossiers.models import Dossier


def require_audience(sender: str, entry: SignedEntry, dossier: Dossier | None) -> None:
    """Raise Rejected("item.not_in_audience") unless both this node and the sender take part in the dossier."""
    opening = entry.header.opening
    audience = opening.participants if opening else tuple(dossier.participants) if dossier else None
    # A dossier with a correspondent never leaves its node: whoever sends one has something else in mind.
    if audience is not None and not {partners.my_id(), sender} <= set(audience):
        raise Rejected("item.not_in_audience", dossier=entry.dossier, sender=sender)
    if opening is not None and opening.kind == "alert_hit" and entry.header.author != partners.my_id():
        alerts.require_our_alert(opening, entry.header.author)
    if opening is not None and opening.kind == plan_conflicts.KIND:
        plan_conflicts.require_between_two(opening, sender)


def kind_of(header: Header, dossier: Dossier | None) -> tuple[str, int]:
    """Name and version of the kind by which the entry is judged."""
    if header.opening is not None:
        return header.opening.kind, header.opening.kind_version
    assert dossier is not None
    return dossier.kind, dossier.kind_version


def rules_of(header: Header, dossier: Dossier | None) -> Kind:
    """The rules of the entry's kind; raises Rejected("kind.unknown")."""
    return kind(*kind_of(header, dossier))


def not_yet(entry: SignedEntry, dossier: Dossier | None) -> tuple[str, ...]:
    """What must be here before the entry can be judged, beside the entries that it cites (the fold knows those)."""
    header = entry.header
    if header.opening is None and dossier is None:
        return (entry.dossier,)
    name, version = kind_of(header, dossier)
    try:
        kind(name, version)
    except Rejected:
        return (f"kind:{name}/{version}",)
    key = header.codes.get("key_id")
    if header.act == "revoke" and isinstance(key, str) and not partners.revocations_of(header.author, [key]):
        # Whoever stole the key could sign one too: the root's word must be here first (protocol/dossiers.md §11).
        return (f"revocation:{header.author}/{key}",)
    return _missing_links(entry)


def _missing_links(entry: SignedEntry) -> tuple[str, ...]:
    """What of the chains up to the last good entries is not here, so that it cannot be told whether this one stands in them."""
    told = partners.revocations_of(entry.header.author, [s.key_id for s in entry.signatures])
    lasts = [good for one in told if (good := one.last_good.get(entry.dossier)) and good.sequence >= entry.header.seq]
    links = {_walk(entry, good.entry) for good in lasts if good.entry}
    return tuple(sorted(link for link in links if isinstance(link, str)))


def require_vouched_for(entry: SignedEntry) -> None:
    """Raise Rejected("entry.key_revoked") for an entry of a revoked key that its authority does not vouch for.

    Vouched for are the last good entry of the dossier and those before it in its chain; the time in the entry is not asked, since
    whoever stole the key wrote it. What another participant has built upon is taken all the same, so that all nodes end with the same
    entries (protocol/dossiers.md §11).
    """
    header = entry.header
    for revocation in partners.revocations_of(header.author, [s.key_id for s in entry.signatures]):
        good = revocation.last_good.get(entry.dossier)
        if good is not None and good.entry is not None and _walk(entry, good.entry) is True:
            continue
        if waiting_room.lacking(entry.entry_id, dossier_id=entry.dossier):
            continue
        raise Rejected("entry.key_revoked", author=header.author, key=revocation.key_id, dossier=entry.dossier)


def _walk(entry: SignedEntry, last: str) -> bool | str:
    """Whether ``entry`` is ``last`` or comes before it in its author's chain; the missing entry where the chain cannot be walked."""
    place: str | None = last
    while place is not None and place != entry.entry_id:
        header = _header_of(place)
        if header is None:
            return place
        if header.seq <= entry.header.seq:
            return False
        place = header.prev
    return place is not None


def _header_of(entry_id: str) -> Header | None:
    held = queries.load_header(entry_id)
    if held is None and (waiting := waiting_room.entry(entry_id)) is not None:
        held = entries.from_wire(waiting.wire, at="/wire").header
    return held


def unacceptable(entry: SignedEntry, dossier: Dossier | None) -> str | None:
    """The code by which accord or local rules say that this node may not take the entry's content in; None if it may."""
    header = entry.header
    if header.act == "not_accepted":
        # It tells nothing but that content stayed out, and an answer to it would be answered for ever.
        return None
    pins = header.opening or dossier
    parts = [salted.part if salted else None for salted in entry.parts]
    state = queries.folded_of(dossier).state if dossier else None
    version = (pins.accord_version if pins else None) or None
    question = questions.of_header("receive", rules_of(header, dossier), header, parts, state, version=version)
    accord = partners.accord_in_force(pins.accord) if pins and pins.accord else None
    # The instant judged is the header's, so that both sides judge the same (docs/protocol/accords.md).
    decision = decide(question, accord, now=header.at, local=partners.local_rules())
    return None if decision.is_permitted else decision.code
