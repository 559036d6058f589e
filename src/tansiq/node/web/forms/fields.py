"""Fields that every form shares: choices in the reader's language, partners, marks of left-to-right values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.node.partners.queries import correspondents, partners
from tansiq.node.web import words
from tansiq.node.web.languages import language_now

LEFT_TO_RIGHT = {"dir": "ltr", "autocomplete": "off", "spellcheck": "false"}


class Form(forms.Form):
    """A form whose controls only the server checks, so that every error is told in the same words and place."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        for field in self.fields.values():
            field.error_messages["required"] = _("This is needed: fill it in.")


def listed(name: str, *, empty: str = "") -> list[tuple[str, str]]:
    """The choices of a code list, after an empty one when ``empty`` says what leaving it open means."""
    return [*([("", empty)] if empty else []), *words.list_choices(name)]


def crime_areas(*, empty: str) -> list[Any]:
    """The crime areas, grouped under their chapters."""
    from tansiq.engine.formats.codes import code_list

    held = code_list("crime_areas")
    language = language_now()
    groups: dict[str, list[tuple[str, str]]] = {}
    for entry in held.entries:
        label = f"{entry.code} {held.label(entry.code, language)}"
        groups.setdefault(str(entry.facts.get("parent") or entry.code), []).append((entry.code, label))
    return [("", empty), *((held.label(head, language), rows) for head, rows in groups.items())]


def partner_choices() -> list[tuple[str, str]]:
    """Every enrolled partner by name."""
    return [
        (row.node_id, f"{row.name_in(language_now())} ({row.node_id})")
        for row in partners()
        if row.status == "enrolled"
    ]


def correspondent_choices() -> list[tuple[str, str]]:
    """Every correspondent without a node, by name."""
    return [(row.party, f"{row.name} ({row.state})") for row in correspondents()]


def country_choices(*, empty: str) -> list[tuple[str, str]]:
    """States by their name in the language of the page, ISO 3166 codes in lower case as entities hold them."""
    from babel import Locale

    names = Locale.parse(language_now()).territories
    rows = [
        (code.lower(), name)
        for code, name in names.items()
        if len(code) == 2 and code.isalpha() and code not in NO_STATES
    ]
    return [("", empty), *sorted(rows, key=lambda row: row[1])]


NO_STATES = frozenset({"EU", "EZ", "UN", "ZZ", "QO", "XA", "XB"})


def lines(text: str) -> tuple[str, ...]:
    """One value a line, empty ones left out."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def chosen(values: Iterable[str]) -> frozenset[str]:
    """The chosen codes, without the empty one."""
    return frozenset(value for value in values if value)
