"""Every language that has been opened is complete, and its placeholders are those of the message."""

from __future__ import annotations

from babel.messages.catalog import Catalog
from django.conf import settings

from tools.catalogues import OPENED, _wrong, problems, read


def test_catalogues_are_complete_and_fresh() -> None:
    assert sorted(problems()) == []


def test_opened_catalogues_are_the_languages_of_the_node() -> None:
    assert {code for code, _ in settings.LANGUAGES} == set(OPENED)


def test_arabic_has_six_plural_forms() -> None:
    assert read("ar").num_plurals == 6


def test_a_missing_placeholder_and_an_empty_form_are_found() -> None:
    catalog = Catalog(locale="fr")
    catalog.add("Left: %(span)s", "Reste")
    catalog.add(("%(count)d day", "%(count)d days"), ("", "jours"))
    found = [what for message in catalog if message.id for what in _wrong(message, 2)]
    assert found == ["placeholders [] instead of ['span']", "not translated"]
