"""Finding what was done to a log behind its back, from its rows, its kept hashes and heads that others hold.

Three witnesses are compared. *Rows* are the events as the database has them now, with the leaf hash that their
commitment gives. *Kept* leaf hashes are the tiles. *Heads* are sizes and roots that were signed at the time: a
partner's copies of our checkpoints first, our own as well where their signature holds. A head that the kept hashes
reproduce makes those hashes the truth, and every row is judged against them by name. Where somebody rewrote rows and
hashes alike, no head can be reproduced any more; then the narrowest span between a head that still holds and one that
does not is what can be named.

Pure: it looks at hashes only and says nothing it cannot prove. What is not yet under any given head cannot be judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tansiq.engine.errors import Fact
from tansiq.engine.ledger.merkle import Tree


@dataclass(frozen=True, slots=True)
class Row:
    """One event row: its ``index``, the ``leaf`` hash of its commitment, and whether its text fits that commitment.

    ``fits`` is None where the text was erased or could not be read, so that nothing is claimed about it.
    """

    index: int
    leaf: bytes
    fits: bool | None = None


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """A size and root that were signed when the log had them; ``source`` says who kept it (a node id, or "self")."""

    size: int
    root: bytes
    source: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written: a stable ``code`` and the facts that locate it."""

    code: str
    facts: dict[str, Fact] = field(default_factory=dict)


def inspect(rows: Iterable[Row], kept: Sequence[bytes], heads: Iterable[Head]) -> list[Finding]:
    """Everything in which rows, kept leaf hashes and signed heads disagree; empty for a log that nobody touched.

    Codes: ``audit.edited`` (index), ``audit.deleted`` (index), ``audit.inserted`` (index), ``audit.truncated``
    (first, last, source), ``audit.renumbered`` (first, count), ``audit.rewritten`` (after, upto, source),
    ``audit.hashes_damaged`` (first).
    """
    ordered = sorted(rows, key=lambda row: row.index)
    judged = sorted(heads)
    row_leaves: Sequence[bytes] = [row.leaf for row in ordered]
    kept_holds, kept_fails = _reproduced(kept, judged)
    rows_hold, rows_fail = _reproduced(row_leaves, judged)
    if _extent(rows_hold, rows_fail) > _extent(kept_holds, kept_fails):
        # The rows are the truth and only the hashes derived from them were damaged: those can be rebuilt.
        findings = _misnumbered(ordered)
        findings.append(Finding("audit.hashes_damaged", {"first": _first_difference(row_leaves, kept)}))
        truth, holds, fails = row_leaves, rows_hold, rows_fail
    else:
        findings = _compare(ordered, kept)
        truth, holds, fails = kept, kept_holds, kept_fails
    findings += _unreproduced(len(truth), holds, fails)
    named = {finding.facts.get("index") for finding in findings}
    findings += [
        Finding("audit.edited", {"index": row.index}) for row in ordered if row.fits is False and row.index not in named
    ]
    return findings


def _reproduced(leaves: Sequence[bytes], heads: Sequence[Head]) -> tuple[list[Head], list[Head]]:
    """The heads that these leaf hashes reproduce, and those that they do not."""
    holds: list[Head] = []
    fails: list[Head] = []
    tree = Tree()
    for head in heads:
        if head.size <= len(leaves):
            tree = tree.extend(leaves[tree.size : head.size])
        is_same = tree.size == head.size and tree.root() == head.root
        (holds if is_same else fails).append(head)
    return holds, fails


def _extent(holds: Sequence[Head], fails: Sequence[Head]) -> tuple[int, int]:
    """How much a sequence can prove: the size up to which it is vouched for, then fewest broken heads."""
    return (max((head.size for head in holds), default=0), -len(fails))


def _misnumbered(ordered: Sequence[Row]) -> list[Finding]:
    wrong = [place for place, row in enumerate(ordered) if row.index != place]
    return [Finding("audit.renumbered", {"first": wrong[0], "count": len(wrong)})] if wrong else []


def _first_difference(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))


def _compare(ordered: Sequence[Row], kept: Sequence[bytes]) -> list[Finding]:
    """What must have been done to rows that once stood as ``kept``: leaves are salted, so each hash has one home."""
    homes = {leaf: place for place, leaf in enumerate(kept)}
    missing = set(range(len(kept)))
    moved: list[int] = []
    strangers: list[Row] = []
    for row in ordered:
        home = homes.get(row.leaf)
        if home is None or home not in missing:
            strangers.append(row)
            continue
        missing.discard(home)
        if row.index != home:
            moved.append(home)
    findings: list[Finding] = []
    for row in strangers:
        was_there = row.index in missing
        missing.discard(row.index)
        findings.append(Finding("audit.edited" if was_there else "audit.inserted", {"index": row.index}))
    findings += _absent(missing, len(kept))
    if moved:
        findings.append(Finding("audit.renumbered", {"first": min(moved), "count": len(moved)}))
    return findings


def _absent(missing: set[int], size: int) -> list[Finding]:
    """Rows that are gone: one by one, or as a cut-off end."""
    end = size
    while end - 1 in missing:
        end -= 1
    findings = [Finding("audit.deleted", {"index": index}) for index in sorted(missing) if index < end]
    if end < size:
        findings.append(Finding("audit.truncated", {"first": end, "last": size - 1, "source": "hashes"}))
    return findings


def _unreproduced(length: int, holds: Sequence[Head], fails: Sequence[Head]) -> list[Finding]:
    """What the heads say that the truest sequence of hashes cannot reproduce."""
    findings: list[Finding] = []
    longer = [head for head in fails if head.size > length]
    broken = [head for head in fails if head.size <= length]
    if broken:
        first = broken[0]
        after = max((head.size for head in holds if head.size <= first.size), default=0)
        findings.append(Finding("audit.rewritten", {"after": after, "upto": first.size, "source": first.source}))
    if longer:
        last = longer[-1]
        findings.append(Finding("audit.truncated", {"first": length, "last": last.size - 1, "source": last.source}))
    return findings
