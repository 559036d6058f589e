"""Sequences: one direction between two nodes, counted so that nothing is lost, doubled or told in two ways unseen.

The sender numbers its envelopes to one partner 1, 2, 3 … and each manifest names the digest of the one before. What the
receiver knows of one number is a *slot*:

                      itself arrives
         unheard ─────────────────────────┐
            │                             ▼     the same again, or a later one
            │ a later one arrives        seen ◀──────────────────────────────┘
            ▼                             ▲ │
         missing ─────────────────────────┘ │ another under its number
                      itself arrives        ▼
                                         forked: for good, with every story told

An *incarnation* begins when a sender was restored from a copy that is older than what it had sent; its numbers begin
at 1 again, and what still arrives of the earlier incarnation keeps its own slots.

Nothing here holds an envelope back: what arrived is taken in, in whatever order; entries find their own order. A gap is
shown and asked for until it is filled, by the envelope or, where the sender replaced it since, by its manifest alone.

The machines are values: each step gives the next one. They do no input or output, and read no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Self, TypeAlias

from tansiq.engine.envelopes.manifest import Manifest
from tansiq.engine.errors import Corrupt, Rejected, Unavailable
from tansiq.engine.formats.json_values import JsonValue

SlotState: TypeAlias = Literal["unheard", "missing", "seen", "forked"]
SlotEvent: TypeAlias = Literal["arrives", "later_arrives", "same_arrives", "other_arrives"]

TRANSITIONS: Final[Mapping[tuple[SlotState, SlotEvent], SlotState]] = {
    ("unheard", "arrives"): "seen",
    ("unheard", "later_arrives"): "missing",
    ("missing", "arrives"): "seen",
    ("missing", "later_arrives"): "missing",
    ("seen", "same_arrives"): "seen",
    ("seen", "later_arrives"): "seen",
    ("seen", "other_arrives"): "forked",
    ("forked", "same_arrives"): "forked",
    ("forked", "later_arrives"): "forked",
    ("forked", "other_arrives"): "forked",
}

REMEMBERED: Final = 64
"""How many digests of the contiguous part are kept, to tell the same envelope from another under its number."""
MAX_AHEAD: Final = 1024
MAX_FORKS: Final = 64
MAX_INCARNATIONS: Final = 16

Range: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class InOrder:
    """Nothing is missing, up to and with this one."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Taken in, but these numbers (first and last of each range) have not arrived."""

    sequence: int
    missing: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """This very manifest was observed before."""

    sequence: int


@dataclass(frozen=True, slots=True)
class NewIncarnation:
    """The partner was restored from a copy; this is the first that is heard of its new incarnation."""

    sequence: int
    incarnation: int
    before: int
    missing: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Fork:
    """The partner told its sequence in two ways: evidence, to be kept with both manifests.

    ``rule`` is ``number`` (two manifests under one number) or ``chain`` (this one does not continue the one before it,
    or the one after it does not continue this one). ``kept`` is the digest that is known where ``found`` was told.
    """

    sequence: int
    rule: Literal["number", "chain"]
    kept: str | None
    found: str


Observation: TypeAlias = InOrder | Gap | Duplicate | NewIncarnation | Fork


@dataclass(frozen=True, slots=True)
class _Track:
    """One incarnation: all up to ``through`` is seen; ``ahead`` holds what is beyond the first gap.

    ``known`` are digests by number, of the last ``REMEMBERED`` up to ``through`` and of all ahead; ``previous`` what
    each of those ahead names as the one before it.
    """

    through: int = 0
    known: Mapping[int, str] = field(default_factory=dict)
    previous: Mapping[int, str | None] = field(default_factory=dict)
    forks: tuple[str, ...] = ()

    def missing(self) -> tuple[Range, ...]:
        """The ranges between what is seen."""
        ahead = sorted(number for number in self.known if number > self.through)
        gaps, expected = [], self.through + 1
        for number in ahead:
            if number > expected:
                gaps.append((expected, number - 1))
            expected = number + 1
        return tuple(gaps)

    def has_seen(self, sequence: int) -> bool:
        return sequence <= self.through or sequence in self.known

    def with_seen(self, manifest: Manifest, digest: str) -> _Track:
        known = {**self.known, manifest.sequence: digest}
        previous = {**self.previous, manifest.sequence: manifest.previous_manifest_digest}
        through = self.through
        while through + 1 in known:
            through += 1
        oldest = through - REMEMBERED
        return replace(
            self,
            through=through,
            known={number: told for number, told in known.items() if number > oldest},
            previous={number: told for number, told in previous.items() if number > through},
        )

    def with_fork(self, digest: str) -> _Track:
        return replace(self, forks=(*self.forks, digest)[-MAX_FORKS:])

    def broken_link(self, manifest: Manifest, digest: str) -> Fork | None:
        """Where this manifest and its neighbours do not name each other."""
        before = self.known.get(manifest.sequence - 1)
        if before is not None and manifest.previous_manifest_digest != before:
            return Fork(manifest.sequence, "chain", before, manifest.previous_manifest_digest or "")
        after = self.previous.get(manifest.sequence + 1)
        if after is not None and after != digest:
            return Fork(manifest.sequence, "chain", after, digest)
        return None

    def to_json(self) -> dict[str, JsonValue]:
        return {
            "through": self.through,
            "known": {str(number): told for number, told in self.known.items()},
            "previous": {str(number): told for number, told in self.previous.items()},
            "forks": list(self.forks),
        }

    @classmethod
    def from_json(cls, value: JsonValue) -> _Track:
        match value:
            case {"through": int(through), "known": dict(known), "previous": dict(previous), "forks": list(forks)}:
                return cls(
                    through,
                    {_number(one): str(told) for one, told in known.items()},
                    {_number(one): None if told is None else str(told) for one, told in previous.items()},
                    tuple(str(one) for one in forks),
                )
        raise Corrupt("sequence.state")


@dataclass(frozen=True, slots=True)
class Inbound:
    """What a node knows of the envelopes from one partner."""

    incarnation: int
    tracks: Mapping[int, _Track]

    @classmethod
    def start(cls) -> Self:
        """Nothing has arrived yet."""
        return cls(0, {})

    def observe(self, manifest: Manifest, digest: str, *, stored: str | None = None) -> tuple[Self, Observation]:
        """The next state, and what this manifest of ``digest`` is to the sequence; its signature was checked.

        ``stored`` is the digest that the node has kept under the same incarnation and number, where it has one: the
        state itself remembers the last ``REMEMBERED`` only. Without it, an older number that comes under a digest not
        remembered is a ``Fork`` with ``kept=None`` (``accept`` has sorted out true duplicates before).

        Raises ``Unavailable("sequence.too_far_ahead")`` when over ``MAX_AHEAD`` would wait beyond gaps, and
        ``Rejected("sequence.incarnation_old")`` for an incarnation that is no longer followed.
        """
        track = self.tracks.get(manifest.incarnation)
        if track is None and manifest.incarnation < self.incarnation and len(self.tracks) >= MAX_INCARNATIONS:
            raise Rejected("sequence.incarnation_old", incarnation=manifest.incarnation, known=self.incarnation)
        before, following, observation = self.incarnation, *_observe(track or _Track(), manifest, digest, stored)
        if manifest.incarnation > before > 0:
            observation = NewIncarnation(manifest.sequence, manifest.incarnation, before, following.missing())
        tracks = {**self.tracks, manifest.incarnation: following}
        newest = sorted(tracks)[-MAX_INCARNATIONS:]
        latest = max(before, manifest.incarnation)
        return replace(self, incarnation=latest, tracks={one: tracks[one] for one in newest}), observation

    def missing(self) -> dict[int, tuple[Range, ...]]:
        """What has not arrived, by incarnation: what to ask the partner for."""
        gaps = {incarnation: track.missing() for incarnation, track in self.tracks.items()}
        return {incarnation: found for incarnation, found in gaps.items() if found}

    def state_of(self, incarnation: int, sequence: int) -> SlotState:
        """The state of one slot, as long as its digest is remembered (older ones are ``seen``)."""
        track = self.tracks.get(incarnation, _Track())
        if track.has_seen(sequence):
            return "forked" if any(one.startswith(f"{sequence}:") for one in track.forks) else "seen"
        return "missing" if any(first <= sequence <= last for first, last in track.missing()) else "unheard"

    def to_json(self) -> dict[str, JsonValue]:
        """The state, to be stored."""
        tracks: dict[str, JsonValue] = {str(number): track.to_json() for number, track in self.tracks.items()}
        return {"incarnation": self.incarnation, "tracks": tracks}

    @classmethod
    def from_json(cls, value: JsonValue) -> Self:
        """The state that ``to_json`` wrote; ``Corrupt("sequence.state")`` for anything else."""
        match value:
            case {"incarnation": int(incarnation), "tracks": dict(tracks)}:
                return cls(incarnation, {_number(one): _Track.from_json(track) for one, track in tracks.items()})
        raise Corrupt("sequence.state")


@dataclass(frozen=True, slots=True)
class Place:
    """What the next manifest has to say."""

    incarnation: int
    sequence: int
    previous_manifest_digest: str | None


@dataclass(frozen=True, slots=True)
class Outbound:
    """What a node has sealed for one partner in its present incarnation."""

    incarnation: int
    sequence: int = 0
    last_manifest_digest: str | None = None

    @classmethod
    def start(cls, incarnation: int) -> Self:
        """Nothing was sealed in ``incarnation`` yet."""
        return cls(incarnation)

    def next(self) -> Place:
        """The place of the next envelope; the same until ``sent``, so a crash in between wastes no number."""
        return Place(self.incarnation, self.sequence + 1, self.last_manifest_digest)

    def sent(self, manifest_digest: str) -> Self:
        """The state once the envelope at ``next`` is stored."""
        return replace(self, sequence=self.sequence + 1, last_manifest_digest=manifest_digest)

    def to_json(self) -> dict[str, JsonValue]:
        """The state, to be stored."""
        return {"incarnation": self.incarnation, "sequence": self.sequence, "last": self.last_manifest_digest}

    @classmethod
    def from_json(cls, value: JsonValue) -> Self:
        """The state that ``to_json`` wrote; ``Corrupt("sequence.state")`` for anything else."""
        match value:
            case {"incarnation": int(incarnation), "sequence": int(sequence), "last": str() | None as last}:
                return cls(incarnation, sequence, last)
        raise Corrupt("sequence.state")


def drawing() -> Iterable[str]:
    """The slot's machine as lines of a mermaid state diagram, from ``TRANSITIONS``."""
    yield "stateDiagram-v2"
    yield "    [*] --> unheard"
    for (state, event), following in TRANSITIONS.items():
        yield f"    {state} --> {following}: {event}"


def _number(key: str) -> int:
    if not key.isdecimal():
        raise Corrupt("sequence.state")
    return int(key)


def _observe(track: _Track, manifest: Manifest, digest: str, stored: str | None) -> tuple[_Track, Observation]:
    sequence = manifest.sequence
    if track.has_seen(sequence):
        kept = track.known.get(sequence, stored)
        told = f"{sequence}:{digest}"
        if kept == digest or told in track.forks:
            return track, Duplicate(sequence)
        return track.with_fork(told), Fork(sequence, "number", kept, digest)
    if len(track.known) >= REMEMBERED + MAX_AHEAD and sequence != track.through + 1:
        raise Unavailable("sequence.too_far_ahead", sequence=sequence, through=track.through)
    broken = track.broken_link(manifest, digest)
    following = track.with_seen(manifest, digest)
    if broken is not None:
        return following, broken
    missing = following.missing()
    return following, Gap(sequence, missing) if missing else InOrder(sequence)
