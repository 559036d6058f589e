"""What a new dossier is made from when a message becomes a request or a report: its words, and the conditions that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tansiq.engine.dossiers.parts import Part, SourceRef
from tansiq.engine.errors import Rejected
from tansiq.node.dossiers.queries import entry_by_id, get_dossier_for, signed_entry
from tansiq.node.partners.queries import my_id

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.flows.intents import Intent


@dataclass(frozen=True)
class Source:
    """A part in words, the dossier it stands in, and the partners who read that."""

    ref: SourceRef
    part: Part
    dossier: str
    partners: tuple[str, ...]

    @property
    def text(self) -> str:
        """Its words."""
        return str(self.part.content["text"])

    @property
    def conditions(self) -> dict[str, Any]:
        """Its conditions as initial values of a form: the officer may add to them, not take away."""
        marking = self.part.marking
        told = {
            "level": marking.level,
            "handling": sorted(marking.handling),
            "tlp": marking.tlp or "",
            "handling_note": self.part.handling_note or "",
        }
        return told | ({"language": self.part.language} if self.part.language else {})


def source_of(officer: Officer, given: Mapping[str, str]) -> Source | None:
    """The part that an address names (``?entry=…&part=…``), if the officer may read it; None where it names none.

    Raises Rejected("dossier.not_found") for what is not there, is not words, or is not for this officer: all the same.
    """
    entry_id, index = str(given.get("entry", "")), str(given.get("part", ""))
    if not entry_id:
        return None
    row = entry_by_id(entry_id)
    if row is None or not (index.isascii() and index.isdigit() and len(index) < 4):
        raise Rejected("dossier.not_found", dossier=entry_id[:64])
    dossier = get_dossier_for(officer, row.dossier_id)
    parts = signed_entry(row).parts
    salted = parts[int(index)] if int(index) < len(parts) else None
    if salted is None or salted.part.type not in ("narrative", "question"):
        raise Rejected("dossier.not_found", dossier=entry_id[:64])
    others = tuple(party for party in dossier.participants if party != my_id())
    return Source(SourceRef(entry_id, salted.commitment), salted.part, dossier.dossier_id, others)


def derived(intent: Intent, source: Source | None) -> Intent:
    """The intent as made from ``source``: it cites its dossier, and every part names it, so that no condition is lost."""
    if source is None:
        return intent
    parts = tuple(replace(part, sources=(*part.sources, source.ref)) for part in intent.parts)
    return replace(intent, cites=intent.cites or source.dossier, parts=parts)
