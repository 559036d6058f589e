"""What the columns of a register are, and which agreements make two records worth comparing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from tansiq.engine.errors import Rejected

MAX_FIELDS = 24
MAX_RULES = 24
_WORD = re.compile(r"[\w -]{1,80}")


class Kind(StrEnum):
    """How the values of a column are read and compared."""

    NAME = "name"
    """One or several words of a personal name, in any script and order."""
    DATE = "date"
    """A date of birth, in any calendar that ``names.dates`` reads."""
    TEXT = "text"
    """An address, a place, a firm: words that may be misspelt or change places."""
    CODE = "code"
    """A number, a postcode, a document: letters and digits, of which one or two may be wrong."""
    CATEGORY = "category"
    """One of few values: equal or not."""


PARTS: dict[Kind, frozenset[str]] = {
    Kind.NAME: frozenset({"", "sound", "words", "pairs", "start", "crossed"}),
    Kind.DATE: frozenset({"", "year", "day"}),
    Kind.TEXT: frozenset({"", "sorted", "start"}),
    Kind.CODE: frozenset({"", "start"}),
    Kind.CATEGORY: frozenset({""}),
}
"""What of a value may stand in a rule: the whole, its skeleton, each word's or each pair of words' skeletons, its first
letters, or (``crossed``) its skeleton and that of the column it changes places with, in either order.
"""
MANY = frozenset({"words", "pairs"})
"""Parts of which one value has several."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column; ``crosses`` names the column with which its values are sometimes exchanged (given name and surname)."""

    name: str
    kind: Kind
    crosses: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Two records are compared if they agree in all ``parts``: pairs of (field, part of its value)."""

    parts: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "+".join(f"{field}.{part}" if part else field for field, part in self.parts)

    @property
    def has_many(self) -> bool:
        """Whether one record has several keys under this rule."""
        return any(part in MANY for _, part in self.parts)


@dataclass(frozen=True, slots=True)
class Plan:
    """Fields in the order of their columns, and rules in the order in which they are worked off."""

    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]
    is_chosen: bool = True
    """Whether somebody chose the rules; else they are offers of which ``blocks.choose_rules`` takes what fits."""

    def number(self, name: str) -> int:
        """The place of a field."""
        return next(place for place, field in enumerate(self.fields) if field.name == name)

    @property
    def digest(self) -> str:
        """Equal for equal plans; work that was begun under another plan is not resumed."""
        told = self.is_chosen, [[f.name, f.kind, f.crosses] for f in self.fields], [str(rule) for rule in self.rules]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def read_plan(fields: str, rules: str = "") -> Plan:
    """A plan as it is written on a command line.

    ``fields``: ``surname:name~given_name,given_name:name,birth_date:date,postcode:code`` (``~`` for columns whose values
    get exchanged); ``rules``: ``surname.sound+birth_date,postcode+given_name.sound``, or empty for rules that fit the
    fields. Raises ``Rejected("matching.plan")`` with the place and the rule that was broken.
    """
    chosen = tuple(_field(text) for text in fields.split(",") if text.strip())
    names = [field.name for field in chosen]
    if not chosen or len(chosen) > MAX_FIELDS or len(set(names)) != len(names):
        raise Rejected("matching.plan", at="fields", rule=f"1 to {MAX_FIELDS} different columns")
    for field in chosen:
        if field.crosses and field.crosses not in names:
            raise Rejected("matching.plan", at=field.name, rule=f"~{field.crosses} is no column that is compared")
    kinds = {field.name: field.kind for field in chosen}
    given = tuple(_rule(text, kinds) for text in rules.split(",") if text.strip())
    if len(given) > MAX_RULES:
        raise Rejected("matching.plan", at="rules", rule=f"at most {MAX_RULES}")
    return Plan(chosen, given or default_rules(chosen), is_chosen=bool(given))


def _field(text: str) -> Field:
    name, _, rest = text.strip().partition(":")
    kind, _, crosses = rest.partition("~")
    if not _WORD.fullmatch(name) or kind not in [*Kind]:
        raise Rejected("matching.plan", at=text.strip()[:80], rule="column:kind, kind one of " + ", ".join(Kind))
    return Field(name, Kind(kind), crosses)


def _rule(text: str, kinds: dict[str, Kind]) -> Rule:
    parts: list[tuple[str, str]] = []
    for piece in text.strip().split("+"):
        field, _, part = piece.strip().partition(".")
        if field not in kinds or part not in PARTS[kinds[field]]:
            allowed = sorted(filter(None, PARTS[kinds[field]])) if field in kinds else sorted(kinds)
            raise Rejected("matching.plan", at=piece.strip()[:80], rule="one of " + ", ".join(allowed))
        parts.append((field, part))
    if sum(part in MANY for _, part in parts) > 1:
        raise Rejected("matching.plan", at=text.strip()[:80], rule="one of .words and .pairs at most")
    return Rule(tuple(parts))


def default_rules(fields: Sequence[Field]) -> tuple[Rule, ...]:
    """Rules that fit the kinds of the fields, the widest first.

    A date, a code, a text or a name alone, then any two of them, then names that changed places, and a name that only
    begins alike with another and the year. ``blocks.choose_rules`` leaves out what would bring too many pairs in the
    registers at hand, and what a wider rule brings already.
    """
    names, dates = _of(fields, Kind.NAME), _of(fields, Kind.DATE)
    single = _strong(fields)
    rules: list[tuple[tuple[str, str], ...]] = [(one,) for one in single]
    rules += [(a, b) for a, b in combinations(single, 2)]
    rules += [((f.name, "crossed"),) for f in fields if f.crosses and f.name < f.crosses]
    if len(names) > 1:
        rules += [((a, "start"), (b, "sound"), (date, "year")) for date in dates for a, b in _ordered(names)]
    else:
        rules += [((name, "pairs"),) for name in names]
        rules += [((name, "words"), (date, "year")) for name in names for date in dates]
    return tuple(Rule(parts) for parts in rules)


def _of(fields: Sequence[Field], *kinds: Kind) -> list[str]:
    return [field.name for kind in kinds for field in fields if field.kind is kind]


def _strong(fields: Sequence[Field]) -> list[tuple[str, str]]:
    """The part of each field on which a rule may rest."""
    names = _of(fields, Kind.NAME)
    single = [(name, "") for name in _of(fields, Kind.DATE, Kind.CODE, Kind.TEXT)]
    return single + [(name, "sound" if len(names) > 1 else "words") for name in names]


def narrow_rules(fields: Sequence[Field]) -> tuple[Rule, ...]:
    """Rules under which many pairs are one subject, from which a model can be learned: two strong values agree."""
    pairs = combinations(_strong(fields), 2)
    return tuple(rule for rule in map(Rule, pairs) if sum(part in MANY for _, part in rule.parts) < 2)


def _ordered(names: Sequence[str]) -> Iterable[tuple[str, str]]:
    return ((a, b) for a in names for b in names if a != b)
