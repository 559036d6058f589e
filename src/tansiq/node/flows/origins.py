"""Who signed a part that was passed on, as far as this node can tell; and what its providers say to passing it on again.

Three answers, and no fourth: *known* – the author is enrolled here and its pinned keys verify the signature; *vouched* – the author is
a stranger here, and the signature verifies under the card that the passing node sent along; *unverified* – a stranger without a card. A
signature that is wrong under the keys that must have made it is no answer: the whole entry is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tansiq.engine.accords.decide import AccordInForce, Decision, decide
from tansiq.engine.dossiers import reshared
from tansiq.engine.dossiers.entries import Part, SignedEntry, SourceRef
from tansiq.engine.dossiers.reshared import Origin
from tansiq.engine.envelopes.cards import open_card
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.errors import Rejected, TansiqError
from tansiq.node.dossiers import queries
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    from tansiq.engine.accords.decide import Question
    from tansiq.node.dossiers.models import Dossier, Entry

KNOWN, VOUCHED, UNVERIFIED = "known", "vouched", "unverified"


def require_sound(entry: SignedEntry) -> None:
    """Hold every part that ``entry`` passes on to its original; raises Rejected for the first that is not what it says."""
    for index, origin in reshared.origins(entry).items():
        standing_of(origin, at=f"/parts/{index}")


def standing_of(origin: Origin, *, at: str = "") -> str:
    """``known``, ``vouched`` or ``unverified``; raises Rejected("reshared.signature_wrong") where the author cannot have signed it."""
    root = partners.root_of(origin.author)
    keys = dict(partners.authority_keys(origin.author, origin.entry.header.at)) if root else {}
    for card in origin.cards:
        keys |= _keys_of(card, origin, root)
    if not keys:
        if root is not None:
            raise Rejected("reshared.signature_wrong", at=at, author=origin.author)
        return UNVERIFIED
    try:
        origin.verify(keys)
    except Rejected as error:
        raise Rejected("reshared.signature_wrong", at=at, author=origin.author) from error
    return KNOWN if root is not None else VOUCHED


def _keys_of(signed: Mapping[str, Any], origin: Origin, root: bytes | None) -> dict[str, bytes]:
    """The authority keys that a card gives for the time of the original; none from a card of somebody else, or of another root."""
    try:
        card = open_card(Signed.from_json(dict(signed)), pinned_root=root)
    except TansiqError:
        return {}
    at = origin.entry.header.at
    if card.node_id != origin.author:
        return {}
    return {k.key_id: k.public_bytes for k in card.keys if k.purpose == "authority" and k.valid_from <= at < k.valid_to}


def origin_of(row: Entry, index: int) -> Origin:
    """What is passed on when part ``index`` of an entry held here is, with the card by which others can check its author."""
    entry = queries.signed_entry(row)
    author = entry.header.author
    cards = partners.cards_of(author, entry.signatures[0].key_id) if entry.signatures else []
    return reshared.origin_of(entry, index, cards=cards, passer=author if _passes_on(entry, index) else "")


def _passes_on(entry: SignedEntry, index: int) -> bool:
    return 0 <= index < len(entry.parts) and entry.header.parts[index].type == reshared.RESHARED


# -- what the providers say -----------------------------------------------------------------------------------------------


def with_providers(question: Question, parts: Iterable[Part]) -> Question:
    """The question of a send, with whose information is in it and what of that was lifted in the dossiers it came from."""
    providers, consents = set(question.providers or ()), set(question.provider_consents)
    for part in parts:
        if part.type == reshared.RESHARED:
            origin, source = reshared.open_origin(part), _source(part)
            row = _row(source)
            providers |= {origin.author, row.author}
            if _is_lifted(row.dossier, row.author, source):
                consents.add((row.author, "onward"))
    return replace(question, providers=frozenset(providers), provider_consents=frozenset(consents))


def leaving(question: Question, parts: Iterable[Part], *, now: datetime) -> list[Decision]:
    """Whether what is passed on may leave the accords under which it was received: one decision for each such part.

    The provider's consent is a ``lift`` of H2 that stands in the dossier it came from, never an officer's word. Raises
    Rejected("reshared.source_unknown") for a part that is not held here as it is passed on.
    """
    found = []
    for place, part in enumerate(parts):
        if part.type == reshared.RESHARED:
            found.append(_may_leave(question, part, f"/parts/{place}", now))
    return found


def _may_leave(question: Question, part: Part, at: str, now: datetime) -> Decision:
    origin, source = reshared.open_origin(part, at=at), _source(part)
    row = _row(source)
    index = next(i for i, ref in enumerate(queries.signed_entry(row).header.parts) if ref.commitment == source.part)
    if not origin_of(row, index).is_the_part(origin):
        raise Rejected("reshared.source_unknown", at=at, entry=source.entry)
    me = partners.my_id()
    lifted = _is_lifted(row.dossier, row.author, source)
    asked = replace(
        question,
        act="forward",
        marking=part.marking,
        categories=frozenset({part.category} if part.category else ()),
        flags=frozenset(part.flags),
        providers=frozenset({queries.provider_of(row)} - {me}),
        provider_consents=frozenset({(row.author, "onward")} if lifted else ()),
        version=row.dossier.accord_version or None,
        opens=False,
    )
    return decide(asked, _accord_of(row.dossier), now=now, local=partners.local_rules())


def _accord_of(dossier: Dossier) -> AccordInForce | None:
    found = partners.accord_in_force(dossier.accord) if dossier.accord else None
    return found.among(dossier.participants) if found else None


def _source(part: Part) -> SourceRef:
    if len(part.sources) != 1:
        raise Rejected("reshared.source_unknown", at="/sources", entry="")
    return part.sources[0]


def _row(source: SourceRef) -> Entry:
    row = queries.entry_by_id(source.entry)
    refs = queries.signed_entry(row).header.parts if row is not None else ()
    if row is None or source.part not in {ref.commitment for ref in refs}:
        raise Rejected("reshared.source_unknown", at="/sources", entry=source.entry)
    return row


def _is_lifted(dossier: Dossier, provider: str, source: SourceRef) -> bool:
    """Whether the provider lifted H2 of this part, or of the whole entry, in the dossier it came in."""
    return any(
        lift.codes.get("entry") == source.entry
        and lift.codes.get("code") == "H2"
        and lift.codes.get("part") in (None, source.part)
        for lift in queries.effective(dossier, provider, "lift")
    )
