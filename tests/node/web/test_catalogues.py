"""Every language that has been opened is complete, and its placeholders are those of the message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from django.conf import settings

from tools import catalogues
from tools.catalogues import OPENED, _wrong, problems, read

OTHERS = ("ar", "fr", "it", "fa")


def test_catalogues_are_complete_and_fresh() -> None:
    assert sorted(problems()) == []


def test_opened_catalogues_are_the_languages_of_the_node() -> None:
    assert {code for code, _ in settings.LANGUAGES} == set(OPENED)


def test_arabic_has_six_plural_forms() -> None:
    assert read("ar").num_plurals == 6


def test_persian_counts_with_one_form_and_writes_its_own_letters_and_marks() -> None:
    catalog = read("fa")
    assert catalog.num_plurals == 1
    said = "".join(
        text for one in catalog if one.id for text in ([one.string] if isinstance(one.string, str) else one.string)
    )
    assert not set("يكىةﻻ?;") & set(said.replace("tansiq export;", "")), "Arabic letters or Latin marks in Persian"
    assert "\u200cها" in said


def test_a_missing_placeholder_and_an_empty_form_are_found() -> None:
    catalog = Catalog(locale="fr")
    catalog.add("Left: %(span)s", "Reste")
    catalog.add(("%(count)d day", "%(count)d days"), ("", "jours"))
    found = [what for message in catalog if message.id for what in _wrong(message, 2)]
    assert found == ["placeholders [] instead of ['span']", "not translated"]


def test_what_lacks_a_translation_is_listed_with_a_place_for_each_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = Catalog()
    template.add("Nothing waits.", locations=[("web/waiting.html", 0)])
    template.add(("%(count)d hour", "%(count)d hours"), context="left")
    monkeypatch.setattr(catalogues, "LOCALES", tmp_path)
    monkeypatch.setattr(catalogues, "gathered", lambda: template)
    first, second = catalogues.missing()
    assert (first["message"], first["said_in"]) == ("Nothing waits.", "web/waiting.html")
    assert {"ar": first["ar"], "fr": first["fr"], "it": first["it"], "fa": first["fa"]} == dict.fromkeys(OTHERS, "")
    assert (len(second["ar"]), len(second["fr"]), len(second["fa"])) == (6, 2, 1)  # type: ignore[arg-type]
    words = tmp_path / "words.json"
    words.write_text(json.dumps([first | dict.fromkeys(OTHERS, "…"), second | {"fa": ["%(count)d ساعت"]}]))
    catalogues.fill(words)
    assert catalogues.read("it").get("Nothing waits.").string == "…"  # type: ignore[union-attr]
    left = catalogues.missing()
    assert [sorted(set(one) & set(OTHERS)) for one in left] == [["ar", "fr", "it"]]


def test_a_translation_of_what_nobody_says_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogues, "LOCALES", tmp_path)
    monkeypatch.setattr(catalogues, "gathered", Catalog)
    words = tmp_path / "words.json"
    words.write_text('[{"message": "Said by nobody.", "context": null, "fr": "Dit par personne."}]')
    with pytest.raises(SystemExit, match="Said by nobody"):
        catalogues.fill(words)
