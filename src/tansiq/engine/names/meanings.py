"""Nicknames that are translated instead of spelled: النسر is *L'Aigle* in one file and *The Eagle* in another.

A short list of our own, of nicknames that are common words of the language; each line is one meaning, Arabic words on the
left. A translation is a weaker reason than a spelling (``COST``), and only words of this list are ever translated.
"""

from __future__ import annotations

COST = 80
"""What it costs that one word is the other's meaning, in sixteenths of a nat (five nats)."""

_LINES = """
    النسر نسر = aigle laigle eagle aquila aguila kartal
    الصقر صقر = faucon lefaucon falcon hawk falco
    الاسد اسد = lion lelion leone aslan
    الذئب ذئب الذيب = loup leloup wolf lupo kurt
    الثعلب ثعلب = renard lerenard fox volpe tilki
    العقرب عقرب = scorpion lescorpion scorpione
    الثعبان الحنش = serpent leserpent snake
    النمر نمر = tigre letigre tiger
    الملك = roi leroi king
    العجوز الشيباني = vieux levieux
    القصير = petit lepetit short
    الطويل = long lelong tall
    الاعور = borgne leborgne
    الاسود = noir lenoir black
    الاحمر = rouge lerouge red
    الابيض = blanc leblanc white
    الاشقر = blond leblond
    الشبح = fantome lefantome ghost
    الخال = oncle loncle uncle
    الجزار = boucher leboucher butcher
    الرايس الريس = patron lepatron boss
"""
MEANINGS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = tuple(
    (tuple(left.split()), tuple(right.split()))
    for left, _, right in (line.partition("=") for line in _LINES.strip().split("\n"))
)
"""Arabic words, and Latin ones that mean the same; folded."""


def _translations() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for arabic, latin in MEANINGS:
        found |= dict.fromkeys(arabic, latin) | dict.fromkeys(latin, arabic)
    return found


TRANSLATIONS = _translations()
"""For each word of the list those of the other script that mean it."""
PAIRS = tuple((a, b) for arabic, latin in MEANINGS for a in arabic for b in latin)
