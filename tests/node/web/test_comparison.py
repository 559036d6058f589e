"""Why a match is one, as a page draws it: both directions, words for every share, every reason with its weight."""

from __future__ import annotations

from typing import Any

from django.template import Context, Template

from tansiq.engine.matching import Subject, compare_subjects
from tansiq.node.web.pages.comparison import comparison_shown

LEFT = Subject("l", names=("محمد بن سليمان الشريف",), birth_dates=("1960",), identifiers=(("passport", "AB12340"),))
RIGHT = Subject(
    "r", names=("Mohamed Chérif Benslimane",), birth_dates=("1960-05-12",), identifiers=(("passport", "AB1234O"),)
)


def explanation(left: Subject = LEFT, right: Subject = RIGHT) -> dict[str, Any]:
    match = compare_subjects(left, right)
    assert match is not None
    return dict(match.explanation)


def test_each_name_is_read_in_its_own_direction_and_order() -> None:
    shown = comparison_shown(explanation())
    assert shown is not None
    arabic, latin = shown.readings
    assert (arabic.direction, latin.direction) == ("rtl", "ltr")
    assert ["".join(step.own for step in word) for word in arabic.words] == ["محمد", "بنسليمان", "الشريف"]
    assert ["".join(step.own for step in word) for word in latin.words] == ["mohamed", "cherif", "benslimane"]
    assert {(s.other, s.own) for w in arabic.words for s in w} == {(s.own, s.other) for w in latin.words for s in w}


def test_sounds_written_in_latin_letters_run_from_left_to_right_under_an_arabic_name() -> None:
    left, right = (Subject(key, names=(name,)) for key, name in (("l", "يوسف الزياني"), ("r", "يوسف بن حمّو الزياني")))
    shown = comparison_shown(explanation(left, right))
    assert shown is not None
    for reading in shown.readings:
        assert reading.direction == "rtl"
        for direction, word in reading.directed:
            letters = "".join(step.own or step.other for step in word)
            assert direction == ("ltr" if letters.isascii() else "rtl"), letters
    assert {direction for reading in shown.readings for direction, _ in reading.directed} == {"ltr", "rtl"}


def test_a_word_without_counterpart_is_told_on_both_sides() -> None:
    shown = comparison_shown(
        explanation(Subject("l", names=("محمد الشريف",)), Subject("r", names=("Mohamed Cherif Haddadi",)))
    )
    assert shown is not None
    arabic, latin = shown.readings
    assert [(s.own, s.other, s.tone) for s in arabic.words[-1]][-1] == ("", "haddadi", "none")
    assert any((s.own, s.tone) == ("haddadi", "none") for w in latin.words for s in w)


def test_reasons_add_up_to_the_score() -> None:
    match = compare_subjects(LEFT, RIGHT)
    assert match is not None
    shown = comparison_shown(match.explanation)
    assert shown is not None
    assert abs(sum(reason.weight for reason in shown.reasons) - match.log_odds) < 0.3
    words = {reason.label: reason.word for reason in shown.reasons}
    assert words["Birth date" if "Birth date" in words else "Date of birth"] == "the same year, of one no more is known"
    assert words["Passport"] == "alike but for letters that are easily misread"


def test_a_parent_is_a_reason_of_its_own() -> None:
    left = Subject("l", names=("سمير القرطاوي",), parents=("يوسف القرطاوي",))
    right = Subject("r", names=("Samir El Kartaoui",), parents=("Youssef El Kartaoui",))
    shown = comparison_shown(explanation(left, right))
    assert shown is not None
    reason = next(reason for reason in shown.reasons if "Father" in reason.label)
    assert (reason.right, reason.tone) == ("Youssef El Kartaoui", "for")


def test_the_drawing_has_a_twin_in_words() -> None:
    page = Template("{% load tansiq %}{% comparison it %}").render(Context({"it": explanation()}))
    assert page.count('dir="rtl" aria-hidden="true"') == page.count('dir="ltr" aria-hidden="true"') == 1
    assert "Letter by letter, in words" in page
    assert "step-usual" in page
    assert 'style="' not in page


def test_what_an_older_version_stored_draws_nothing_and_hostile_names_are_escaped() -> None:
    assert comparison_shown({}) is None
    shown = {"query_name": "<b>", "name": "<i>", "alignment": [{"left": "<", "right": ">", "quality": 0.5}]}
    page = Template("{% load tansiq %}{% comparison it %}").render(Context({"it": shown}))
    assert "<b>" not in page
    assert "&lt;" in page
