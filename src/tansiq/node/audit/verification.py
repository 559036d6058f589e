"""Does the database still say what it said? Rows, tiles and heads are recomputed and compared, and differences named.

Heads come from three places: texts that partners give now (:func:`verify`'s argument – these alone suffice), our
checkpoints that partners countersigned, and our own. A head counts only if our signature on it holds, so that nobody
can accuse us with an invented one. What is not under a checkpoint yet, and what root does to the process before it
records, cannot be found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import BinaryField
from django.db.models.functions import Cast

from tansiq.engine.errors import TansiqError
from tansiq.engine.formats import strict_json
from tansiq.engine.formats.ids import b64decode
from tansiq.engine.ledger import checkpoints, leaves, tiles
from tansiq.engine.ledger.inspection import Finding, Head, Row, inspect
from tansiq.engine.ledger.merkle import Tree as Range
from tansiq.node.audit.actions import ERASED, range_of
from tansiq.node.audit.models import Checkpoint, Cosigned, Event, Tile, Tree
from tansiq.node.vault import columns, keys
from tansiq.node.vault.stores import snapshot

SELF = "self"
MAX_OWN_HEADS = 2000
_TOLD = "audit.event.told"
_LIMITS = strict_json.Limits(max_bytes=2**26, max_depth=64, max_values=5_000_000, max_string_length=2**26)


@dataclass(frozen=True, slots=True)
class TreeReport:
    """What was found in one log of one incarnation."""

    origin: str
    size: int
    erased: int
    heads: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in all logs; ``texts_checked`` is False while the vault is locked and facts could not be read."""

    trees: tuple[TreeReport, ...]
    findings: tuple[Finding, ...]
    texts_checked: bool
    waiting: int

    @property
    def is_well(self) -> bool:
        """Whether nothing at all was found."""
        return not self.findings and not any(tree.findings for tree in self.trees)

    def to_json(self) -> dict[str, Any]:
        """The report for commands and pages."""
        return {
            "is_well": self.is_well,
            "texts_checked": self.texts_checked,
            "waiting": self.waiting,
            "findings": [_shown(finding) for finding in self.findings],
            "trees": [
                {
                    "origin": tree.origin,
                    "size": tree.size,
                    "erased": tree.erased,
                    "heads": tree.heads,
                    "findings": [_shown(finding) for finding in tree.findings],
                }
                for tree in self.trees
            ],
        }


def _shown(finding: Finding) -> dict[str, Any]:
    return {"code": finding.code, "facts": finding.facts}


@dataclass(slots=True)
class _Read:
    """What one pass over a tree's rows gathers."""

    rows: list[Row] = field(default_factory=list)
    erased: dict[str, int] = field(default_factory=dict)
    excused: set[str] = field(default_factory=set)


def verify(
    partner_texts: Mapping[str, Iterable[str]] | Iterable[str] = (), *, publics: Sequence[bytes] | None = None
) -> Report:
    """Recompute every log from its rows and compare it with all heads at hand.

    ``partner_texts`` maps a partner to the checkpoints of ours that it holds, or is just those texts; ``publics`` are
    all node keys we ever signed with (default: the present one). Raises nothing for what it finds: findings are codes
    with facts, to be shown to a person.
    """
    known = tuple(publics) if publics is not None else (keys.current().node.public,)
    held = partner_texts if isinstance(partner_texts, Mapping) else {"partner": partner_texts}
    with snapshot():
        return _recomputed(held, known)


def _recomputed(held: Mapping[str, Iterable[str]], known: Sequence[bytes]) -> Report:
    """All of one instant: the sequencer goes on numbering meanwhile, and a row of the next instant is no intruder."""
    heads, findings = _partner_heads(held, known)
    trees = list(Tree.objects.order_by("log", "incarnation"))
    for origin in sorted(set(heads) - {tree.origin for tree in trees}):
        findings.append(Finding("audit.log_missing", {"origin": origin, "size": max(h.size for h in heads[origin])}))
    reports = tuple(_verify_tree(tree, heads.get(tree.origin, []), known) for tree in trees)
    waiting = Event.objects.filter(tree=None).count()
    return Report(reports, tuple(findings), keys.is_unlocked(), waiting)


def _partner_heads(
    partner_texts: Mapping[str, Iterable[str]], publics: Sequence[bytes]
) -> tuple[dict[str, list[Head]], list[Finding]]:
    heads: dict[str, list[Head]] = {}
    findings: list[Finding] = []
    for partner, texts in partner_texts.items():
        for text in texts:
            head = _opened(text, publics)
            if head is None:
                findings.append(Finding("audit.checkpoint_forged", {"source": partner, "text": text[:200]}))
            else:
                heads.setdefault(head.origin, []).append(Head(head.size, head.root, partner))
    return heads, findings


def _opened(text: str, publics: Sequence[bytes]) -> checkpoints.Checkpoint | None:
    try:
        origin = checkpoints.read_checkpoint(text).origin
        return checkpoints.open_checkpoint(text, [checkpoints.checkpoint_key(origin, public) for public in publics])
    except TansiqError:
        return None


def _verify_tree(tree: Tree, given: Sequence[Head], publics: Sequence[bytes]) -> TreeReport:
    own, findings = _own_heads(tree, publics)
    heads = [*given, *own]
    read = _read(tree)
    kept = _kept(tree)
    findings += inspect(read.rows, kept, heads)
    findings += _state(tree, kept)
    findings += [
        Finding("audit.erased_unrecorded", {"index": index})
        for commitment, index in read.erased.items()
        if commitment not in read.excused and keys.is_unlocked()
    ]
    return TreeReport(tree.origin, tree.size, len(read.erased), len(heads), tuple(findings))


def _own_heads(tree: Tree, publics: Sequence[bytes]) -> tuple[list[Head], list[Finding]]:
    """Our checkpoints of this tree as the database has them, thinned evenly where there are very many."""
    rows = list(Checkpoint.objects.filter(tree=tree).order_by("size").values_list("size", "text"))
    step = -(-len(rows) // MAX_OWN_HEADS) or 1
    texts = [(SELF, size, text) for size, text in [*rows[::step], *rows[-1:]]]
    texts += list(Cosigned.objects.filter(origin=tree.origin).values_list("partner", "size", "text"))
    heads: list[Head] = []
    findings: list[Finding] = []
    for source, size, text in texts:
        head = _opened(text, publics)
        if head is None or (head.origin, head.size) != (tree.origin, size):
            findings.append(Finding("audit.checkpoint_forged", {"source": source, "text": text[:200]}))
        else:
            heads.append(Head(head.size, head.root, source))
    return heads, findings


def _read(tree: Tree) -> _Read:
    read = _Read()
    for row, told, commitment, event in _rows(tree):
        read.rows.append(row)
        if told is None:
            read.erased[commitment] = row.index
        elif event == ERASED and isinstance(told, dict):
            read.excused.update(told.get("commitments", ()))
    return read


def _rows(tree: Tree) -> Iterator[tuple[Row, object, str, str]]:
    """Each row with its facts (None once erased) as the database has them now; nothing in it is trusted."""
    names = ("index", "log", "event", "actor", "dossier", "at", "commitment")
    # The sealed column is read raw: one that was tampered with must accuse its row, not end the run.
    found = Event.objects.filter(tree=tree).order_by("index").annotate(raw=Cast("told", BinaryField()))
    is_unlocked = keys.is_unlocked()
    for index, log, event, actor, dossier, at, commitment, raw in found.values_list(*names, "raw").iterator(2000):
        commitment = bytes(commitment)
        leaf = leaves.Header(log, event, actor, dossier, at, commitment).leaf()
        fits, facts = _facts(bytes(raw), commitment) if raw is not None and is_unlocked else (None, raw)
        yield Row(-1 if index is None else index, leaf, fits), facts, commitment.hex(), event


def _facts(raw: bytes, commitment: bytes) -> tuple[bool, object]:
    try:
        told = strict_json.loads(columns.unseal(raw, label=_TOLD), limits=_LIMITS)
        if not isinstance(told, dict) or set(told) != {"facts", "salt"}:
            return False, ()
        salt = b64decode(told["salt"])
        return leaves.is_commitment(commitment, salt=salt, facts=told["facts"]), told["facts"]
    except TansiqError:
        return False, ()


def _kept(tree: Tree) -> list[bytes]:
    found = Tile.objects.filter(tree=tree, level=0).order_by("number").values_list("number", "hashes")
    kept: list[bytes] = []
    for number, hashes in found.iterator(200):
        if number * tiles.TILE_WIDTH != len(kept):
            break  # a tile is gone: what follows has lost its place
        kept += tiles.split(bytes(hashes))
    return kept


def _state(tree: Tree, kept: Sequence[bytes]) -> list[Finding]:
    try:
        is_same = all(len(leaf) == 32 for leaf in kept) and range_of(tree) == Range().extend(kept)
    except TansiqError:
        is_same = False
    return [] if is_same else [Finding("audit.state_damaged", {"size": tree.size, "kept": len(kept)})]
