"""The components: foreign text stays isolated and escaped, numbers stay in order, nothing is told by colour alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)


def render(source: str, language: str = "en", **context: Any) -> str:
    with translation.override(language):
        return Template("{% load tansiq %}" + source).render(Context({"now": NOW, **context}))


def test_a_value_is_isolated_and_escaped() -> None:
    assert render("{% value x %}", x="<b>محمد</b>") == '<bdi dir="auto">&lt;b&gt;محمد&lt;/b&gt;</bdi>'


def test_an_absent_value_is_said() -> None:
    assert "غير مذكور" in render("{% value x %}", "ar", x=None)


def test_a_code_is_a_left_to_right_island() -> None:
    assert render("{% code x %}", x="FR-2026/1") == '<bdi dir="ltr" class="code">FR-2026/1</bdi>'
    assert 'title="abcdef"' in render("{% code x short=3 %}", x="abcdef")


@pytest.mark.parametrize("number", ["+212 661 23 45 67", "2026-11-22", "(0033) 1 44 55 66", "FR-2026/0417", "03:12"])
def test_numbers_inside_prose_keep_their_order(number: str) -> None:
    told = render("{% prose x %}", "ar", x=f"الهاتف {number} في الملف")
    assert f'<bdi dir="ltr">{number}</bdi>' in told


def test_our_own_help_keeps_years_before_months_in_arabic() -> None:
    told = render("{% islands x %}", "ar", x="1984-03 أو 1984-03-17")
    assert told == '<bdi dir="ltr">1984-03</bdi> أو <bdi dir="ltr">1984-03-17</bdi>'


@given(st.text())
def test_prose_never_lets_markup_through_and_loses_no_word(text: str) -> None:
    told = render("{% prose x %}", x=text + " end")
    assert told.count("<") == sum(told.count(tag) for tag in ("<p dir", "</p>", "<bdi dir", "</bdi>", "<br>"))
    assert "end" in told


def test_prose_keeps_paragraphs_and_lines() -> None:
    told = render("{% prose x %}", x="one\ntwo\n\nثلاثة")
    assert told == '<p dir="auto">one<br>two</p>\n<p dir="auto">ثلاثة</p>'


def test_a_deadline_has_a_word_and_an_icon_not_only_a_colour() -> None:
    told = render("{% deadline due %}", due=NOW - timedelta(hours=1))
    assert "Overdue" in told
    assert "<svg" in told


def test_markings_open_into_sentences() -> None:
    told = render("{% marking m note %}", m={"level": 0, "handling": ["H1", "H3"], "tlp": "RED"}, note="ask <first>")
    assert "judicial proceedings" in told
    assert "ask &lt;first&gt;" in told
    assert "TLP:RED" in told


class Sample(forms.Form):
    purpose = forms.CharField(label="Purpose", help_text="Why")
    partners = forms.MultipleChoiceField(label="To", choices=[("ma", "MA")], widget=forms.CheckboxSelectMultiple)


def test_a_field_names_what_is_wrong_where_a_screen_reader_finds_it() -> None:
    form = Sample({"purpose": ""})
    told = render("{% field form.purpose %}", form=form)
    assert 'aria-describedby="id_purpose_help id_purpose_error"' in told
    assert 'id="id_purpose_error"' in told
    assert 'aria-invalid="true"' in told
    assert "required" in told


def test_a_group_of_choices_has_a_legend() -> None:
    told = render("{% field form.partners %}", form=Sample())
    assert "<fieldset" in told
    assert "<legend" in told


def test_no_component_writes_a_style_attribute_or_a_script() -> None:
    told = render(
        "{% deadline d %}{% moment d %}{% confirm 'u' 'l' 'q' %}{% empty 't' %}{% progress 1 2 'l' %}"
        "{% notice %}x{% endnotice %}{% help %}x{% endhelp %}{% table caption='c' rows=x %}{% endtable %}",
        d=NOW,
        x=[],
    )
    assert "style=" not in told
    assert "<script" not in told
    assert " on" not in told.replace(" once", "").replace(" one", "")
