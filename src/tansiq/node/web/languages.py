"""The languages of the pages and the direction each is written in."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import get_language

RIGHT_TO_LEFT = frozenset({"ar", "fa"})


@dataclass(frozen=True, slots=True)
class Language:
    """One language as a reader of it would name it."""

    code: str
    name: str
    direction: str
    is_current: bool


def language_now() -> str:
    """The two-letter language that this page is being written in."""
    return (get_language() or settings.LANGUAGE_CODE)[:2]


def direction_of(code: str) -> str:
    """``rtl`` or ``ltr``."""
    return "rtl" if code[:2] in RIGHT_TO_LEFT else "ltr"


def opened_languages() -> list[Language]:
    """Every language that has a complete catalogue, in the order of the settings."""
    now = language_now()
    return [Language(code, str(name), direction_of(code), code == now) for code, name in settings.LANGUAGES]
