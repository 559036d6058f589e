from __future__ import annotations

import pytest

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.codes.ladders import known_ladders, ladder_level


@pytest.mark.parametrize(
    ("ladder", "label", "level"),
    [
        ("eu", "TRÈS SECRET UE/EU TOP SECRET", 4),
        ("eu", "restreint ue/eu  restricted", 1),
        ("eu", "RESTREINT UE/EU RESTRICTED", 1),
        ("eu", "LIMITE", 0),
        ("nato", "CTS", 4),
        ("nato", "NATO RESTRICTED", 1),
        ("fr", "SECRET", 3),
        ("fr", "Diffusion restreinte", 1),
        ("fr", "TRE\u0300S SECRET", 4),
        ("de", "VS-NfD", 1),
        ("de", "VS-Nur für den Dienstgebrauch", 1),
        ("it", "riservatissimo", 2),
        ("uk", "OFFICIAL-SENSITIVE", 1),
        ("interpol", "FOR OFFICIAL USE ONLY", 0),
        ("interpol", "interpol.restricted", 1),
    ],
)
def test_what_stands_on_paper_has_a_level(ladder: str, label: str, level: int) -> None:
    assert ladder_level(ladder, label) == level


@pytest.mark.parametrize(
    ("ladder", "label"),
    [("uk", "CONFIDENTIAL"), ("uk", "RESTRICTED"), ("ma", "سري"), ("eu", ""), ("eu", "SECRET DÉFENSE"), ("", "SECRET")],
)
def test_an_unmapped_label_is_refused_and_never_guessed(ladder: str, label: str) -> None:
    with pytest.raises(Rejected) as refusal:
        ladder_level(ladder, label, at="/marking/label")
    assert refusal.value.code == "marking.unmapped_classification"
    assert refusal.value.facts == {"at": "/marking/label", "ladder": ladder, "label": label}


def test_a_node_declares_its_own_ladder() -> None:
    declared = {"ma": {"سري للغاية": 4, "سري": 3, "محدود": 1, "broken": 7}}
    assert ladder_level("ma", " سري  للغاية ", declared=declared) == 4
    assert ladder_level("eu", "LIMITE", declared=declared) == 0
    for label in ("سري جدا", "broken"):
        with pytest.raises(Rejected, match="unmapped_classification"):
            ladder_level("ma", label, declared=declared)


def test_a_declared_ladder_replaces_the_known_one_of_the_same_name() -> None:
    with pytest.raises(Rejected, match="unmapped_classification"):
        ladder_level("uk", "TOP SECRET", declared={"uk": {"SECRET": 3}})


def test_every_known_step_is_found_by_each_of_its_names() -> None:
    assert known_ladders() == ("eu", "nato", "fr", "de", "it", "uk", "interpol")
    for entry in code_list("classification").entries:
        ladder, names = entry.facts["ladder"], entry.facts["names"]
        assert isinstance(ladder, str)
        assert isinstance(names, list)
        for name in (entry.code, *names):
            assert ladder_level(ladder, str(name)) == entry.facts["level"]
