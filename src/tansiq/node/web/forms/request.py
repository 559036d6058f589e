"""The guided request for information: art. 4 of Directive (EU) 2023/977 as questions a person can answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.engine.dossiers.acts import PartsRule
from tansiq.engine.dossiers.kind import Missing
from tansiq.engine.dossiers.parts import Part
from tansiq.engine.errors import Rejected
from tansiq.engine.kinds.registry import kind
from tansiq.node.flows.intents import Intent
from tansiq.node.web import words
from tansiq.node.web.forms.fields import Form, crime_areas, listed, partner_choices
from tansiq.node.web.forms.files import FilesForm
from tansiq.node.web.forms.parts import ExerciseForm, MarkedForm, PersonForm
from tansiq.node.web.refusals import tell_in_form

KIND = "request"
CODES = ("purpose", "crime_area", "use", "restrictions", "urgency")
NARRATIVES = ("offence", "objective_reasons", "link", "urgency_reasons")
PLACES = {
    "/participants": "partners",
    "/parts/question": "question",
    "/parts/handling": "handling",
    "/handling_note": "handling_note",
    "/handling": "handling",
    "/level": "level",
    "/category": "category",
    **{f"/codes/{name}": name for name in CODES},
    **{f"/parts/narrative/{topic}": topic for topic in NARRATIVES},
}


def _text(rows: int) -> forms.CharField:
    return forms.CharField(required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": rows}))


class RequestForm(FilesForm, PersonForm, MarkedForm, ExerciseForm, Form):
    """Everything a request says; what is missing is asked of the kind itself, field by field."""

    field_order = (
        *("partners", "question", "data_categories", "purpose", "crime_area", "offence", "objective_reasons", "use"),
        *("name", "birth_date", "nationality", "phone", "passport_number", "id_number", "category", "flags", "link"),
        *("urgency", "urgency_reasons", "restrictions", "handling", "handling_note", "level", "tlp", "language"),
    )
    partners = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    title = forms.CharField(required=False, max_length=200)
    reference = forms.CharField(required=False, max_length=120)
    question = _text(4)
    data_categories = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    purpose = forms.ChoiceField(required=False)
    crime_area = forms.ChoiceField(required=False)
    offence = _text(4)
    objective_reasons = _text(3)
    link = _text(3)
    use = forms.ChoiceField(required=False, widget=forms.RadioSelect)
    restrictions = forms.ChoiceField(required=False, widget=forms.RadioSelect)
    urgency = forms.ChoiceField(required=False)
    urgency_reasons = _text(3)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.word_markings()
        self.word_person()
        self.word_exercise()
        for name in NARRATIVES:
            self._word(name, words.topic_label(KIND, name))
        for name in ("use", "restrictions", "urgency", "crime_area"):
            self._word(name, words.code_name(KIND, name))
        self._word(
            "purpose",
            words.code_name(KIND, "purpose"),
            _("What will you do with the answer? Your partner reads this first."),
        )
        self._word(
            "partners",
            _("Who is asked"),
            _("Each partner gets a dossier of its own: one never sees what another is asked."),
        )
        self._word("title", _("Title for your own desk"), _("Stays on this node."))
        self._word("reference", _("Our reference"), _("Stays on this node. The dossier is found by it."))
        self._word(
            "question",
            words.field_label(KIND, "/parts/question"),
            _("One question, so precise that somebody who does not know the case can answer."),
        )
        self._word("data_categories", _("Which kinds of information"))
        self._word("offence", words.topic_label(KIND, "offence"), _("What happened, where, when; which law it breaks."))
        self._word("link", words.topic_label(KIND, "link"), _("Needed when a person is named."))
        self._word(
            "urgency_reasons", words.topic_label(KIND, "urgency_reasons"), _("Needed when the request is urgent.")
        )
        for one in kind(KIND).missing({}, []):
            # What the kind always asks for is marked as needed; that it is there is checked when the act is considered.
            self.fields[PLACES[one.at]].is_needed = True  # type: ignore[attr-defined]
        for name in ("data_categories", "flags"):
            self.fields[name].in_columns = True  # type: ignore[attr-defined]
        self._offer("partners", partner_choices())
        self._offer("data_categories", listed("data_categories"))
        self._offer("purpose", listed("purposes", empty=_("Choose")))
        self._offer("crime_area", crime_areas(empty=_("Choose")))
        self._offer("urgency", listed("urgency_grounds", empty=_("not urgent: seven days")))
        self._offer(
            "use", [(code, words.code_value(KIND, "ask", "use", code)) for code in ("intelligence", "evidence")]
        )
        self._offer(
            "restrictions",
            [(code, words.code_value(KIND, "ask", "restrictions", code)) for code in ("none", "as_marked")],
        )

    @property
    def parts_rule(self) -> PartsRule:
        """What a request may carry."""
        return kind(KIND).acts["ask"].parts

    def _word(self, name: str, label: str, help_text: str = "") -> None:
        self.fields[name].label, self.fields[name].help_text = label, help_text

    def clean(self) -> dict[str, Any]:
        """A person needs a capacity; the rest is the kind's to ask for."""
        told: dict[str, Any] = super().clean() or {}
        self.check_person()
        if self.data.get("do") == "send" and {"language", "level"} <= told.keys():
            self._ask_for_missing()
        return told

    def _ask_for_missing(self) -> None:
        """Everything that the kind still asks for, told at once beside what is wrong already."""
        try:
            missing = kind(KIND).missing(self._codes(), self._parts())
            # Codes that are chosen count, though no text is written yet that could carry them.
            is_marked = bool(self.marking.handling - {"H0"})
            self.tell_missing([one for one in missing if not (is_marked and one.at == "/parts/handling")])
        except Rejected as error:
            tell_in_form(self, error, PLACES)

    def _codes(self) -> dict[str, Any]:
        told = self.cleaned_data
        return {name: told[name] for name in CODES if told.get(name)}

    def intent(self) -> Intent:
        """What the officer means to do, as far as it is written; raises Rejected for conditions that mean nothing."""
        told = self.cleaned_data
        return Intent(
            kind=KIND,
            act="ask",
            participants=tuple(told.get("partners", ())),
            codes=self._codes(),
            parts=tuple(self._parts()),
            title=told.get("title", "").strip(),
            reference=told.get("reference", "").strip(),
            exercise=self.is_exercise,
        )

    def _parts(self) -> list[Part]:
        told = self.cleaned_data
        parts = []
        if question := told.get("question", "").strip():
            content = {"text": question, "data_categories": told.get("data_categories", [])}
            parts.append(self.part("question", content))
        said = [(topic, told.get(topic, "").strip()) for topic in NARRATIVES if told.get(topic, "").strip()]
        parts += [self.part("narrative", {"topic": topic, "text": text}) for topic, text in said]
        if self.has_person and told.get("category"):
            content = {"schema": "Person", "properties": self.person_properties}
            parts.append(
                self.part("subject", content, category=told["category"], flags=tuple(sorted(told.get("flags", ()))))
            )
        return [*parts, *self.file_parts()]

    def tell_missing(self, missing: Sequence[Missing]) -> None:
        """Say at each field what the kind still asks for, and by which rule."""
        for one in missing:
            name = PLACES.get(one.at)
            if name and self.has_error(name):
                continue
            if name and name not in self.fields:
                continue
            clause = words.clause_label(KIND, one.clause) if one.clause else ""
            told = (
                _("This is still needed.")
                if not clause
                else _("This is still needed: %(clause)s.") % {"clause": clause}
            )
            self.add_error(name, told)
