"""Every file is looked at before anybody may have it: is it a program, would it burst, does the scanner of this machine know it.

One that an officer brings is refused, and nothing of it kept. One that a partner sends is kept – it may be evidence – and opened for nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tansiq.engine.envelopes.age import HybridIdentity
from tansiq.engine.envelopes.blobs import MAX_HEAD, Chunks, ReadAt
from tansiq.engine.formats import expansion, media
from tansiq.node.flows import scanner

PROGRAM, BOMB, MALWARE = "file.program", "file.bomb", "file.malware"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: ``danger`` is the code of a refusal, with its facts, or empty; ``scan`` what the scanner said."""

    kind: str
    danger: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    scan: str = scanner.UNSCANNED

    @property
    def row(self) -> dict[str, Any]:
        """As the row of the blob keeps it."""
        return {"media_type": self.kind, "danger": self.danger, "danger_facts": self.facts, "scan": self.scan}


def vet(read_at: ReadAt, identity: HybridIdentity, *, sealed: int, first: bytes) -> Verdict:
    """Look at a whole sealed file of ``sealed`` bytes that begins, in clear, with ``first``.

    Raises Unavailable("file.scanner_silent") where a scanner is set up and does not answer: the file waits.
    """
    kind = media.sniff(first)
    if media.is_program(kind):
        return Verdict(kind, PROGRAM, {"kind": kind})
    chunks = Chunks.read(read_at(0, min(MAX_HEAD, sealed)), identity, sealed=sealed)

    def plain(offset: int, length: int) -> bytes:
        return b"".join(chunks.plain(read_at, start=offset, end=offset + length)) if length > 0 else b""

    if bomb := expansion.look(plain, chunks.layout.plain, kind):
        return Verdict(kind, BOMB, {"rule": bomb.rule, "amount": bomb.amount})
    said = scanner.scan(chunks.plain(read_at))
    if said.verdict == scanner.FOUND:
        return Verdict(kind, MALWARE, {"found": said.name}, said.verdict)
    return Verdict(kind, scan=said.verdict)
