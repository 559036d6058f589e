"""A marking in words: what each of its parts asks of whoever reads the material.

The badges are short for the eye; the lines behind them say what may and may not be done, in the officer's language.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.engine.accords.markings import Marking


@dataclass(frozen=True, slots=True)
class Mark:
    """One badge and the sentence behind it; ``tone`` is plain, careful or strict."""

    badge: str
    tone: str
    sentence: str


def isolated(text: str) -> str:
    """Foreign text for the middle of a sentence, kept from turning the words around it (UAX #9)."""
    return f"\u2068{text}\u2069"


def level_name(level: int) -> str:
    """The common name of a classification level 0 to 4."""
    return (
        pgettext("classification", "Not classified"),
        pgettext("classification", "Restricted"),
        pgettext("classification", "Confidential"),
        pgettext("classification", "Secret"),
        pgettext("classification", "Top secret"),
    )[level]


def handling_sentence(code: str) -> str:
    """What a handling code asks, as a rule a reader can follow."""
    return {
        "H0": _("May be used only to prevent and combat crime."),
        "H1": _("Not to be used in judicial proceedings without the permission of its provider."),
        "H2": _("Not to be passed on without the permission of its provider."),
        "H3": _("Other restrictions apply: read the provider's text beside it."),
    }[code]


def tlp_sentence(tlp: str) -> str:
    """What a Traffic Light Protocol label allows."""
    return {
        "CLEAR": _("May be shared without limit."),
        "GREEN": _("May be shared within the community of authorities, not in public."),
        "AMBER": _("Only for those in your authority, and its partners in this matter, who need to know."),
        "AMBER+STRICT": _("Only for those in your own authority who need to know."),
        "RED": _("Only for the named recipients, and nobody else."),
    }[tlp]


def marks_of(marking: Marking, note: str = "") -> list[Mark]:
    """Every badge of ``marking``, the strictest scale first; ``note`` is the text that goes with H3."""
    marks = [_level_mark(marking)]
    for ladder, label in sorted(marking.ladders):
        sentence = _("Marked by its originator as %(label)s (%(ladder)s).") % {
            "label": isolated(label),
            "ladder": isolated(ladder),
        }
        marks.append(Mark(label, marks[0].tone, sentence))
    if marking.ladders:
        marks.pop(0)
    for code in sorted(marking.handling):
        sentence = handling_sentence(code)
        if code == "H3" and note:
            sentence = _("Other restrictions apply: %(text)s") % {"text": isolated(note)}
        marks.append(Mark(code, "plain" if code == "H0" else "careful", sentence))
    if marking.tlp:
        tone = "strict" if marking.tlp in {"RED", "AMBER+STRICT"} else "careful" if marking.tlp == "AMBER" else "plain"
        marks.append(Mark(f"TLP:{marking.tlp}", tone, tlp_sentence(marking.tlp)))
    return marks


def _level_mark(marking: Marking) -> Mark:
    name = level_name(marking.level)
    if marking.level == 0:
        return Mark(name, "plain", _("Carries no classification; the conditions below still hold."))
    sentence = _("Classification level %(level)d of 4: only for officers cleared for it, on systems accredited for it.")
    return Mark(name, "careful" if marking.level == 1 else "strict", sentence % {"level": marking.level})
