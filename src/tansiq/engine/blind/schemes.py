"""The key schemes that this program speaks: how a record and a question become keys, by the scheme's published name.

A scheme never changes; a better one is another module, entered here before the old one, so that new questions use it. During the
change-over a holder keeps an epoch for every scheme that it and the partner speak, and answers under either; a scheme that is taken from
here ends with its epochs. Families are the same in every scheme, so that accords need not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tansiq.engine.blind import keys

RecordKeys = Callable[..., dict[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Scheme:
    """One scheme; the signatures are those of ``keys``."""

    record_keys: RecordKeys
    question_keys: RecordKeys


SCHEMES: dict[str, Scheme] = {keys.SCHEME: Scheme(keys.record_keys, keys.question_keys)}
"""Newest first: the first that both sides speak is asked under."""


def spoken_with(told: Iterable[str] | None) -> list[str]:
    """The schemes to hold ready for a partner that speaks ``told`` (None: it never said), newest first.

    Whoever never said is held to the oldest: it may be a program from before the newer ones.
    """
    if told is None:
        return [list(SCHEMES)[-1]]
    spoken = set(told)
    return [name for name in SCHEMES if name in spoken]


def preference(name: str) -> int:
    """The lower, the rather it is asked under; raises ``KeyError`` for a scheme that is not spoken here."""
    return {name: place for place, name in enumerate(SCHEMES)}[name]
