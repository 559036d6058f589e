"""What each page is for and how to begin, in the reader's language: beside every page, and all of it together to be printed.

The texts stand in ``help_texts/<language>.json``: {first words of an address's name: [title, what it is for, [steps]]}; the longest key with which
a name begins is its topic. ``*message*`` is what a page says, as its
catalogue has it: help never names a button by another word than the button does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils import translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

FOLDER = Path(__file__).parent / "help_texts"
SAME = {
    "dossiers_new": "dossiers_open",
    "dossiers_act": "dossiers_open",
    "dossiers_pass_on": "dossiers_open",
    "register_pair": "register_duplicates",
}
"""Pages that are used as another is."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One page's help; ``name`` is its place on the help page."""

    name: str
    title: str
    purpose: str
    steps: tuple[SafeString, ...]


@cache
def topics(language: str) -> tuple[Topic, ...]:
    """Every topic in this language, in the order of the pages."""
    held = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    with translation.override(language):
        return tuple(
            Topic(name, title, purpose, tuple(_marked(step) for step in steps))
            for name, (title, purpose, steps) in held.items()
        )


def topic_of(url_name: str, language: str) -> Topic | None:
    """The topic of the page whose address has this name; None where there is none."""
    wanted = next((topic for name, topic in SAME.items() if url_name.startswith(name)), url_name)
    found = [one for one in topics(language) if wanted.startswith(one.name)]
    return max(found, key=lambda one: len(one.name), default=None)


def _marked(text: str) -> SafeString:
    """The text with every ``*message*`` as the page says it."""
    pieces = text.split("*")
    said = [format_html("<b>{}</b>", gettext(piece)) if number % 2 else piece for number, piece in enumerate(pieces)]
    return format_html_join("", "{}", ((piece,) for piece in said))
