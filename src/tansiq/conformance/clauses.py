"""The clauses of the protocol that can be judged from outside: number, page, section and text.

The text is the specification's in short; the page says it in full. ``docs/protocol/clauses.md`` is generated from this table, and
every clause has exactly one check (``checks``). A number is never given to another clause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Clause:
    """One sentence that a node keeps or breaks. ``page`` and ``section`` say where under docs/protocol it stands in full."""

    number: str
    page: str
    section: str
    text: str


def _page(name: str, *told: tuple[str, str, str]) -> tuple[Clause, ...]:
    return tuple(Clause(number, name, section, text) for number, section, text in told)


_ENVELOPES: Final = _page(
    "envelopes",
    (
        "ENV-1",
        "4",
        "A node card that was brought opens under its own root and names valid node, authority and mailbox keys.",
    ),
    (
        "ENV-2",
        "7",
        "An envelope from an enrolled partner is accepted, with a receipt signed by one node key of the receiver that names it.",
    ),
    (
        "ENV-3",
        "7",
        "What does not begin as an envelope, ends too early or announces a manifest over 16,384 bytes is refused, by code.",
    ),
    ("ENV-4", "7", "Over 10,567,692 bytes an envelope is refused as envelope.too_large."),
    (
        "ENV-5",
        "6.2",
        "A manifest has exactly its members, canonical and of a known version; any other is refused, by code.",
    ),
    (
        "ENV-6",
        "6.2",
        "A manifest that contradicts itself is refused: to itself, a life over 30 days, a first that is none.",
    ),
    (
        "ENV-7",
        "7",
        "A sender that is not enrolled is refused as envelope.sender_unknown, and nothing is signed for it.",
    ),
    ("ENV-8", "7", "A node key that stands on no card of the sender is a temporary refusal, envelope.key_unknown."),
    ("ENV-9", "7", "A node key that is not valid at created_at is refused as envelope.key_not_valid."),
    (
        "ENV-10",
        "7",
        "A signature by anything but exactly the named key is refused, as dsse.signatures_differ or envelope.signature_invalid.",
    ),
    ("ENV-11", "7", "An envelope addressed to another node is refused as envelope.not_for_us."),
    ("ENV-12", "7", "An expired envelope is refused as envelope.expired."),
    ("ENV-13", "7", "Created over two hours ahead of the receiver's clock is a temporary refusal, envelope.early."),
    ("ENV-14", "7", "Another manifest under an envelope id that was accepted is refused as envelope.id_reused."),
    ("ENV-15", "7", "A sealed body of another length or digest than the manifest says is refused, by code."),
    ("ENV-16", "7", "The same envelope again is answered with the stored receipt, byte for byte."),
    (
        "ENV-17",
        "7",
        "The checks have one order: an envelope that breaks several rules is refused by the first of them.",
    ),
    ("ENV-18", "7", "An envelope that is accepted and does not open holds up nothing that comes after it."),
    (
        "ENV-19",
        "8",
        "Numbers hold nothing back: after a gap envelopes are accepted and processed, and so is the late one.",
    ),
    ("ENV-20", "8", "Two manifests under one number are both kept, and what arrived is processed all the same."),
    ("ENV-21", "8", "A higher incarnation begins at number 1 and is accepted."),
    ("ENV-22", "4", "A newer card under the pinned root is taken; from then on its keys count."),
    ("ENV-23", "4", "A card that is not newer, or under another root, changes nothing."),
    (
        "ENV-24",
        "5",
        "Once a revocation is known no envelope under that key is accepted, whatever time its manifest states.",
    ),
    (
        "ENV-25",
        "12",
        "A partner without an address is given what waits for it on a signed request, framed, in sequence.",
    ),
    (
        "ENV-26",
        "12",
        "A request to fetch that is stale, for another node, of a stranger or under another's key is refused.",
    ),
    (
        "ENV-27",
        "6.3",
        "What the node seals opens under the partner's mailbox key to its own binding, a step length, zeros and a body.",
    ),
    ("ENV-28", "7", "A retry sends identical bytes until the receipt; afterwards the envelope is not given again."),
    (
        "ENV-29",
        "9",
        "A receipt by anybody but the receiver, of another envelope, or that contradicts itself is refused.",
    ),
    ("ENV-30", "12", "A partner that stops in the middle of what it sends keeps no other partner from being served."),
)
_ITEMS: Final = _page(
    "items",
    ("ITM-1", "3", "An item of an unknown type is answered with status not_understood under its reference."),
    (
        "ITM-2",
        "1",
        "Items are taken one by one: one that breaks a rule does not keep those beside it from being taken.",
    ),
    ("ITM-3", "1", "Taking an item again changes nothing."),
    ("ITM-4", "1", "An entry of a partner that takes part in its dossier is taken in."),
    ("ITM-5", "1", "An entry whose parts do not fit their commitments is not taken in."),
    ("ITM-6", "1", "An entry that no authority key of its author signed is not taken in."),
    ("ITM-7", "1", "An entry that comes from a node which takes no part in the dossier is not taken in."),
    ("ITM-8", "1", "An entry may come through any participant of its dossier."),
    (
        "ITM-9",
        "1",
        "An entry whose past is not here waits and is asked for with fetch; once its past is here it is taken in.",
    ),
    ("ITM-10", "1", "An entry of an unknown kind is answered with status not_understood, kind.unknown."),
    ("ITM-11", "1", "A header of an unknown version is answered with status not_understood, entry.unknown_version."),
    (
        "ITM-12",
        "1",
        "Past the last good entry that its revocation names, an entry under a revoked authority key is not taken in.",
    ),
    (
        "ITM-13",
        "2",
        "fetch is answered with the entries that are here and in whose dossiers the asker takes part, and with nothing else.",
    ),
    (
        "ITM-14",
        "2",
        "heads is answered with every entry that is not in the past of the heads told, and with none where they are equal.",
    ),
    ("ITM-15", "2", "Heads and dossiers that were told and are not known are fetched."),
    (
        "ITM-16",
        "4",
        "A query is answered once, under its number; where no accord permits it, the outcome is refused with a code.",
    ),
    ("ITM-17", "5", "restored is answered once with held, which names the last envelope of the sender that came."),
)
_DOSSIERS: Final = _page(
    "dossiers",
    ("DOS-1", "6", "Two entries of one author in one place both stay."),
    ("DOS-2", "7", "An entry that breaks a rule of its kind stays in the record without effect."),
    ("DOS-3", "1", "A header that is not canonical is refused: one header, one sequence of bytes."),
    ("DOS-4", "16", "An opening with an external party that arrives from anybody is refused."),
    (
        "DOS-5",
        "7",
        "Where no accord permits an entry its header is folded and the receiving machine signs not_accepted, without the reason.",
    ),
    ("DOS-6", "12", "Under an accord in force a request is taken in and the receiving machine signs received."),
    (
        "DOS-7",
        "5",
        "What the node signs verifies: canonical header, one authority key of its card, and effect in the fold.",
    ),
)
_LOGS: Final = _page(
    "logs",
    (
        "LOG-1",
        "checkpoints",
        "Receipts carry a checkpoint of tansiq/<node>/exchange/<incarnation> under a node key of the card.",
    ),
    (
        "LOG-2",
        "what-travels",
        "A checkpoint that has grown carries the proof that it continues the one which the partner countersigned.",
    ),
    (
        "LOG-3",
        "countersignatures",
        "A partner's checkpoint, and its growth with a proof that holds, come back countersigned.",
    ),
    ("LOG-4", "what-travels", "A growth without a proof changes nothing: the last one kept comes back countersigned."),
    ("LOG-5", "what-travels", "A second root for one size is not countersigned."),
    ("LOG-6", "what-travels", "A growth whose proof does not hold is not countersigned."),
)
_BLOBS: Final = _page(
    "blobs",
    ("BLB-1", "4", "A blob that is not here and one that the asker may not have are both answered blob.not_found."),
    ("BLB-2", "4", "A request to read that is stale or under another's key is refused."),
    ("BLB-3", "5", "A piece of a blob that no entry here names is answered blob.not_awaited, temporarily."),
)

CLAUSES: Final = {clause.number: clause for clause in (*_ENVELOPES, *_ITEMS, *_DOSSIERS, *_LOGS, *_BLOBS)}
"""Every clause by its number, in the order of the pages."""
