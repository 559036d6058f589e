"""The form of passing on: which parts, to whom, for what, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.engine.dossiers.parts import Grading
from tansiq.node.flows.forwarding import Chosen, PassingOn
from tansiq.node.web import words
from tansiq.node.web.forms.fields import Form, crime_areas, listed, partner_choices
from tansiq.node.web.forms.parts import LANGUAGES, language_name

PLACES = {
    "/participants": "partners",
    "/chosen": "parts",
    "/codes/purpose": "purpose",
    "/codes/crime_area": "crime_area",
    "/parts/narrative": "why",
}
SHORT = 80


class PassingForm(Form):
    """Everything that passing on needs; ``parts`` offers what of the dossier is here and is information."""

    parts = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    partners = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    purpose = forms.ChoiceField()
    crime_area = forms.ChoiceField()
    why = forms.CharField(max_length=20_000, widget=forms.Textarea(attrs={"rows": 4}))
    source = forms.ChoiceField()
    information = forms.ChoiceField()
    language = forms.ChoiceField()
    title = forms.CharField(required=False, max_length=200)

    def __init__(self, dossier_id: str, offered: Iterable[Mapping[str, Any]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dossier_id = dossier_id
        told = {
            "parts": (_("What is passed on"), _("Each part goes with its author's signature and conditions.")),
            "partners": (_("To whom"), _("Each partner gets a dossier of its own.")),
            "purpose": (words.code_name("report", "purpose"), ""),
            "crime_area": (words.code_name("report", "crime_area"), ""),
            "why": (_("Why it is passed on"), _("Your own words; they carry the conditions of what they speak of.")),
            "source": (_("How you grade your own words: the source"), ""),
            "information": (_("How you grade your own words: the information"), ""),
            "language": (_("Language of the text"), ""),
            "title": (_("Title for your own desk"), _("Stays on this node.")),
        }
        for name, (label, help_text) in told.items():
            self.fields[name].label, self.fields[name].help_text = label, help_text
            self.fields[name].is_needed = name != "title"  # type: ignore[attr-defined]
        choices = {
            "parts": [(f"{one['entry']}:{one['index']}", one["label"]) for one in offered],
            "partners": partner_choices(),
            "purpose": listed("purposes", empty=_("Choose")),
            "crime_area": crime_areas(empty=_("Choose")),
            "source": listed("grading_4x4_source"),
            "information": listed("grading_4x4_information"),
            "language": [(code, language_name(code)) for code in LANGUAGES],
        }
        for name, offers in choices.items():
            self.fields[name].choices = offers  # type: ignore[attr-defined]

    def passing(self) -> PassingOn:
        """What the officer means to pass on, as far as it is written."""
        told = self.cleaned_data
        chosen = [key.partition(":") for key in told.get("parts", [])]
        return PassingOn(
            dossier=self.dossier_id,
            chosen=tuple(Chosen(entry, int(index)) for entry, _colon, index in chosen),
            to=tuple(told.get("partners", [])),
            purpose=told.get("purpose", ""),
            crime_area=told.get("crime_area", ""),
            why=told.get("why", "").strip() or "…",
            grading=Grading("4x4", told.get("source") or "X", told.get("information") or "4"),
            language=told.get("language", ""),
            title=told.get("title", ""),
        )
