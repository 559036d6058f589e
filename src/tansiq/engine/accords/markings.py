"""The conditions on a piece of information, and which of two conditions is the stricter.

A marking has four scales. ``level`` 0–4 is the common classification scale that every national ladder is mapped to;
the ladder and label as the author wrote them are kept, for an originator's own marking may never be replaced by its
equivalent. ``handling`` holds Europol's codes (Council document 6243/18): H0 only for preventing and combating crime,
H1 not in judicial proceedings without the provider's permission, H2 not to be passed on without it, H3 other
restrictions in words. ``tlp`` is the Traffic Light Protocol 2.0.

Markings form a join-semilattice: ``strictest`` is associative, commutative and idempotent, and ``UNMARKED`` is its
neutral element. Whatever is derived from several sources carries their join, so nothing is ever laundered by being
combined.

Two rules are ours, not Europol's: H0 stands alone (beside a restriction it says nothing), and H3 demands a text. The
text is free text, so it stands in the part (``handling_note``) and never in a header.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Final, Literal, TypeAlias

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.json_values import JsonValue

Freedom: TypeAlias = Literal["free", "consent", "never"]

HANDLING_CODES: Final = ("H0", "H1", "H2", "H3")
TLP_ORDER: Final = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")
MAX_LEVEL: Final = 4
MAX_LADDERS: Final = 16
MAX_LABEL_CHARACTERS: Final = 60

_FREEDOMS: Final[tuple[Freedom, ...]] = ("free", "consent", "never")
_REQUIRED_KEYS: Final = frozenset({"level", "handling"})
_KNOWN_KEYS: Final = _REQUIRED_KEYS | {"ladder", "label", "beside", "tlp"}


def stricter_freedom(*freedoms: Freedom) -> Freedom:
    """The least permissive of ``free`` < ``consent`` < ``never``; ``free`` when nothing is given."""
    return max(freedoms, key=_FREEDOMS.index, default="free")


@dataclass(frozen=True, slots=True)
class Marking:
    """The conditions on one part, one entry or one record; equal markings are equal values and equal JSON.

    ``beside`` holds further (ladder, label) pairs of the same level, when material of several originators was
    combined; every one of them is printed on the product. Raises ``Rejected("marking.…")`` for a combination that
    means nothing.
    """

    level: int = 0
    ladder: str | None = None
    label: str | None = None
    handling: frozenset[str] = frozenset()
    tlp: str | None = None
    beside: frozenset[tuple[str, str]] = frozenset()

    def __post_init__(self) -> None:
        _check_level(self.level)
        _check_ladders(self)
        _check_handling(self.handling)
        if self.tlp is not None and self.tlp not in TLP_ORDER:
            raise Rejected("marking.unknown_tlp", at="/tlp", given=str(self.tlp), known=list(TLP_ORDER))

    @property
    def ladders(self) -> frozenset[tuple[str, str]]:
        """Every (ladder, label) it carries, all of the same level; empty when only the common level is given."""
        if self.ladder is None or self.label is None:
            return frozenset()
        return self.beside | {(self.ladder, self.label)}

    @property
    def evidence(self) -> Freedom:
        """May it be used in judicial proceedings? H1 makes that depend on the provider's permission."""
        return "consent" if "H1" in self.handling else "free"

    @property
    def onward(self) -> Freedom:
        """May it be passed to another node? H2 and TLP from AMBER up make that depend on the provider's permission.

        TLP 2.0: whoever needs to share more widely than the designation allows must obtain permission from the
        source.
        """
        if "H2" in self.handling or TLP_ORDER.index(self.tlp or "CLEAR") >= TLP_ORDER.index("AMBER"):
            return "consent"
        return "free"

    @property
    def evidence_allowed(self) -> bool:
        """Free for use in judicial proceedings without asking the provider again."""
        return self.evidence == "free"

    @property
    def onward_allowed(self) -> bool:
        """Free to be passed on without asking the provider again, as far as the marking goes."""
        return self.onward == "free"

    @property
    def needs_note(self) -> bool:
        """H3 means nothing without words: the part must carry a ``handling_note``."""
        return "H3" in self.handling

    def is_at_least(self, other: Marking) -> bool:
        """Every condition of ``other`` is also a condition of this marking."""
        return strictest((self, other)) == self

    def without(self, code: str) -> Marking:
        """The same marking after the provider lifted one handling code; lifting what is not there changes nothing."""
        return Marking(self.level, self.ladder, self.label, self.handling - {code}, self.tlp, self.beside)

    def to_json(self) -> dict[str, JsonValue]:
        """The one JSON form: absent scales are left out, sets are sorted."""
        value: dict[str, JsonValue] = {"level": self.level, "handling": [*sorted(self.handling)]}
        if self.ladder is not None:
            value["ladder"], value["label"] = self.ladder, self.label
        if self.beside:
            value["beside"] = [[*pair] for pair in sorted(self.beside)]
        if self.tlp is not None:
            value["tlp"] = self.tlp
        return value

    @classmethod
    def from_json(cls, value: object, *, at: str = "") -> Marking:
        """Read what ``to_json`` wrote, and nothing else: ``Rejected("marking.…")`` names the place below ``at``."""
        if not isinstance(value, Mapping):
            raise Rejected("marking.malformed", at=at, wanted="object")
        if unknown := sorted(str(key) for key in value.keys() - _KNOWN_KEYS):
            raise Rejected("marking.malformed", at=f"{at}/{unknown[0]}", wanted="absent")
        if missing := sorted(_REQUIRED_KEYS - value.keys()):
            raise Rejected("marking.malformed", at=f"{at}/{missing[0]}", wanted="present")
        try:
            marking = cls(
                level=_integer(value["level"], at="/level"),
                ladder=_text(value, "ladder"),
                label=_text(value, "label"),
                handling=_text_set(value["handling"], at="/handling"),
                tlp=_text(value, "tlp"),
                beside=_pairs(value.get("beside", []), at="/beside"),
            )
        except Rejected as error:
            place = str(error.facts.get("at", ""))
            raise Rejected(error.code, **{**error.facts, "at": f"{at}{place}"}) from error
        if marking.to_json() != dict(value):
            raise Rejected("marking.malformed", at=at, wanted="the one canonical form")
        return marking


def strictest(markings: Iterable[Marking]) -> Marking:
    """The join: the least marking that keeps every condition of every one given; ``UNMARKED`` for none."""
    return reduce(_join, markings, UNMARKED)


def _join(one: Marking, two: Marking) -> Marking:
    level = max(one.level, two.level)
    carried = frozenset[tuple[str, str]]().union(*(marking.ladders for marking in (one, two) if marking.level == level))
    first = min(carried) if carried else None
    handling = one.handling | two.handling
    return Marking(
        level=level,
        ladder=first[0] if first else None,
        label=first[1] if first else None,
        handling=handling if handling == {"H0"} else handling - {"H0"},
        tlp=max((tlp for tlp in (one.tlp, two.tlp) if tlp is not None), key=TLP_ORDER.index, default=None),
        beside=carried - {first} if first else frozenset(),
    )


def _check_level(level: int) -> None:
    if isinstance(level, bool) or not 0 <= level <= MAX_LEVEL:
        raise Rejected("marking.level_out_of_range", at="/level", given=str(level), greatest=MAX_LEVEL)


def _check_ladders(marking: Marking) -> None:
    if (marking.ladder is None) != (marking.label is None):
        raise Rejected("marking.ladder_without_label", at="/ladder")
    if not marking.beside:
        return
    if marking.ladder is None or marking.label is None or min(marking.ladders) != (marking.ladder, marking.label):
        raise Rejected("marking.malformed", at="/beside", wanted="after the first ladder in order")
    if len(marking.ladders) > MAX_LADDERS or len(marking.ladders) != len(marking.beside) + 1:
        raise Rejected("marking.malformed", at="/beside", wanted=f"at most {MAX_LADDERS} different ladders")


def _check_handling(handling: frozenset[str]) -> None:
    if unknown := sorted(handling - set(HANDLING_CODES)):
        raise Rejected("marking.unknown_handling", at="/handling", given=unknown[0], known=list(HANDLING_CODES))
    if "H0" in handling and len(handling) > 1:
        raise Rejected("marking.h0_stands_alone", at="/handling", given=sorted(handling))


def _integer(value: object, *, at: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Rejected("marking.malformed", at=at, wanted="integer")
    return value


def _text(value: Mapping[str, object], key: str) -> str | None:
    if key not in value:
        return None
    text = value[key]
    if not isinstance(text, str) or not _is_label(text):
        raise Rejected("marking.malformed", at=f"/{key}", wanted=f"text of 1 to {MAX_LABEL_CHARACTERS} characters")
    return text


def _is_label(text: str) -> bool:
    """Short and printable: a label stands in headers, where no free text may."""
    return 0 < len(text) <= MAX_LABEL_CHARACTERS and text.isprintable()


def _text_set(value: object, *, at: str) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Rejected("marking.malformed", at=at, wanted="list of text")
    return frozenset(value)


def _pairs(value: object, *, at: str) -> frozenset[tuple[str, str]]:
    if not isinstance(value, list) or len(value) > MAX_LADDERS:
        raise Rejected("marking.malformed", at=at, wanted=f"list of at most {MAX_LADDERS}")
    pairs = set()
    for index, item in enumerate(value):
        if (
            not isinstance(item, list)
            or len(item) != 2
            or not all(isinstance(text, str) and _is_label(text) for text in item)
        ):
            raise Rejected("marking.malformed", at=f"{at}/{index}", wanted="ladder and label")
        pairs.add((item[0], item[1]))
    return frozenset(pairs)


UNMARKED: Final = Marking()
