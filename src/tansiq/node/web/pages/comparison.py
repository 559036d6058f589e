"""Why two records are taken for one: letter by letter in the direction of either script, and what else speaks for or against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.engine.entities.labels import property_label
from tansiq.engine.names import Script, read_name, script_of
from tansiq.node.web.forms.search import number_kind_label
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.subject import property_value

RIGHT_TO_LEFT = frozenset({Script.ARABIC, Script.HEBREW})
USUAL, POSSIBLE = 0.4, 0.08
"""From these shares on, a letter stands for another as a rule, or now and then."""
_PROPERTIES = {"birth_date": "birthDate", "country": "nationality", "gender": "gender", "birth_place": "birthPlace"}
EVIDENCE = frozenset({*_PROPERTIES, "identifier", "parent"})


@dataclass(frozen=True, slots=True)
class Letters:
    """What stands for what: the letters of one side and of the other, how usual that is, in a word and as a class."""

    own: str
    other: str
    tone: str
    word: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One name, word by word in its own direction, each letter over its counterpart of the other name."""

    name: str
    direction: str
    words: Sequence[Sequence[Letters]]

    @property
    def directed(self) -> list[tuple[str, Sequence[Letters]]]:
        """Each word with the direction of the letters that stand in it: two Arabic names may be compared by their sounds, in Latin."""
        return [(_direction("".join(step.own or step.other for step in word)), word) for word in self.words]


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that speaks for or against: what, both values, and its weight in natural log-odds."""

    label: str
    left: str
    right: str
    word: str
    weight: float
    tone: str

    @property
    def signed(self) -> str:
        """The weight with its sign."""
        return f"{self.weight:+.1f}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both readings and all reasons."""

    readings: Sequence[Reading]
    reasons: Sequence[Reason]


def comparison_shown(explanation: Mapping[str, Any]) -> Comparison | None:
    """A match's explanation as a page shows it; None for one that holds nothing (it was stored by an older version)."""
    if not explanation.get("features") and not explanation.get("alignment"):
        return None
    asked, found = str(explanation.get("query_name") or ""), str(explanation.get("name") or "")
    groups = _groups(explanation.get("alignment") or [])
    readings = []
    if asked and found and groups:
        readings = [
            _reading(asked, groups),
            _reading(found, [[(right, left, quality) for left, right, quality in group] for group in groups]),
        ]
    return Comparison(readings, _reasons(explanation, asked, found))


def _groups(alignment: Sequence[Mapping[str, Any]]) -> list[list[tuple[str, str, float]]]:
    """The steps of each pair of words."""
    groups: list[list[tuple[str, str, float]]] = [[]]
    for step in alignment:
        left, right = str(step.get("left", "")), str(step.get("right", ""))
        if left == right == " ":
            groups.append([])
        elif not left and len(right) > 1 and groups[-1] and not step.get("quality"):
            groups.append([(left, right, 0.0)])  # a whole word that found no counterpart
        else:
            groups[-1].append((left, right, float(step.get("quality") or 0.0)))
    return [group for group in groups if group]


def _reading(name: str, groups: Sequence[Sequence[tuple[str, str, float]]]) -> Reading:
    """The groups in the order of this name's words; what only the other name has comes last."""
    whole = "".join(word.letters for word in read_name(name).words)

    def place(group: Sequence[tuple[str, str, float]]) -> tuple[bool, int]:
        own = "".join(step[0] for step in group)
        return not own, whole.find(own) if own else 0

    told = [[_letters(*step) for step in group] for group in sorted(groups, key=place)]
    return Reading(name, _direction(name), told)


def _direction(text: str) -> str:
    return "rtl" if script_of(text) in RIGHT_TO_LEFT else "ltr"


def _letters(own: str, other: str, quality: float) -> Letters:
    if not other and quality < USUAL:
        return Letters(own, other, "none", pgettext("letters", "no counterpart"))
    if not own and quality < USUAL:
        return Letters(own, other, "none", pgettext("letters", "only in the other name"))
    if quality >= USUAL:
        return Letters(own, other, "usual", pgettext("letters", "usual"))
    if quality >= POSSIBLE:
        return Letters(own, other, "possible", pgettext("letters", "now and then"))
    return Letters(own, other, "rare", pgettext("letters", "unusual"))


def _reasons(explanation: Mapping[str, Any], asked: str, found: str) -> list[Reason]:
    features = [feature for feature in explanation.get("features") or [] if isinstance(feature, Mapping)]
    names = [float(f.get("weight") or 0.0) for f in features if f.get("feature") not in EVIDENCE]
    told = []
    if names:
        told.append(_reason(_("Name"), asked, found, "", sum(names)))
    told += [_evidence(feature) for feature in features if feature.get("feature") in EVIDENCE]
    if explanation.get("prior"):
        told.append(
            _reason(_("Where one begins"), "", "", _("before anything is compared"), float(explanation["prior"]))
        )
    return told


def _reason(label: str, left: str, right: str, word: str, weight: float) -> Reason:
    tone = "for" if weight > 0.05 else ("against" if weight < -0.05 else "neutral")
    return Reason(label, left, right, word, round(weight, 1), tone)


def _evidence(feature: Mapping[str, Any]) -> Reason:
    name, weight = str(feature["feature"]), float(feature.get("weight") or 0.0)
    left, right = (_values(name, feature.get(side)) for side in ("left", "right"))
    word = ""
    if name == "birth_date":
        word = date_word(str(feature.get("explanation") or ""))
    elif name == "identifier":
        word = _("on too many records to tell") if feature.get("common") else ""
        if not word and not feature.get("equal"):
            word = _("alike but for letters that are easily misread")
    return _reason(_label(name, str(feature.get("type") or "")), left, right, word, weight)


def _values(name: str, value: Any) -> str:
    listed = value if isinstance(value, (list, tuple)) else [value]
    if name == "country":
        listed = [property_value("nationality", str(one)) for one in listed]
    return " · ".join(str(one) for one in listed if one)


def _label(name: str, kind: str) -> str:
    if name == "identifier":
        return number_kind_label(kind)
    if name == "parent":
        return " / ".join(property_label(parent, language_now()) for parent in ("fatherName", "motherName"))
    return property_label(_PROPERTIES.get(name, name), language_now())


def date_word(explanation: str) -> str:
    """How two birth dates were understood."""
    return {
        "exact": pgettext("dates", "the same day"),
        "hijri": pgettext("dates", "the same day, one of them Hijri"),
        "solar_hijri": pgettext("dates", "the same day, one of them Solar Hijri"),
        "century": pgettext("dates", "the same day, one with two digits of the year"),
        "day_month_swapped": pgettext("dates", "day and month exchanged"),
        "month_and_year": pgettext("dates", "the same month"),
        "one_digit": pgettext("dates", "one digit differs"),
        "year_only": pgettext("dates", "the same year, of one no more is known"),
        "default_day": pgettext("dates", "the same year, the day is a placeholder"),
        "hijri_year": pgettext("dates", "the same Hijri year"),
        "solar_hijri_year": pgettext("dates", "the same Solar Hijri year"),
        "conversion_year": pgettext("dates", "a year apart, as conversions are"),
        "near_year": pgettext("dates", "a year apart"),
        "different_day": pgettext("dates", "another day of the same year"),
        "contradiction": pgettext("dates", "they contradict each other"),
    }.get(explanation, "")


def letters_legend() -> list[tuple[str, str]]:
    """The classes of letters and their words, for the key below a drawing."""
    return [
        ("usual", pgettext("letters", "usual")),
        ("possible", pgettext("letters", "now and then")),
        ("rare", pgettext("letters", "unusual")),
        ("none", pgettext("letters", "no counterpart")),
    ]


__all__ = ["Comparison", "comparison_shown", "date_word", "letters_legend"]
