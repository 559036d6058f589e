"""The one search box and its particulars."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.engine.entities.labels import labelled_schemata, schema_label
from tansiq.node.flows.searching import Fields
from tansiq.node.web.forms.fields import (
    LEFT_TO_RIGHT,
    Form,
    country_choices,
    crime_areas,
    lines,
    listed,
    partner_choices,
)
from tansiq.node.web.languages import language_now


class SearchForm(Form):
    """What is looked for, why, and whom to ask besides the own register."""

    names = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"})
    )
    schema = forms.ChoiceField()
    birth_date = forms.CharField(max_length=10, required=False, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))
    country = forms.ChoiceField(required=False)
    number_kind = forms.ChoiceField(required=False)
    number = forms.CharField(max_length=120, required=False, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))
    purpose = forms.ChoiceField()
    crime_area = forms.ChoiceField(required=False)
    reference = forms.CharField(max_length=120, required=False)
    partners = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    blindly = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._word(
            "names", _("Name"), _("In any script or spelling; another spelling of the same name on a line of its own.")
        )
        self._word("schema", _("What is it?"))
        self._word("birth_date", _("Date of birth"), _("As far as it is known: 1984, 1984-03 or 1984-03-17."))
        self._word("country", _("State"))
        self._word("number_kind", _("Kind of number"))
        self._word("number", _("Number"), _("Passport, telephone, plate, vessel …"))
        self._word("purpose", _("Purpose"), _("Every search is recorded with its purpose."))
        self._word("crime_area", _("Crime area"))
        self._word("reference", _("Our reference"), _("The case for which you ask. Needed when partners are asked."))
        self._word(
            "partners",
            _("Also ask these partners"),
            _("They learn what you look for and why. Each answers as the accord allows."),
        )
        self._word(
            "blindly",
            _("Ask blindly"),
            _(
                "Partners then learn only that you asked and for what purpose, never about whom, nor whether it hit. You learn hit or no hit."
            ),
        )
        self._choices("schema", [(name, schema_label(name, language_now())) for name in labelled_schemata()])
        self._choices("country", country_choices(empty=_("any")))
        self._choices("number_kind", number_kinds())
        self._choices("purpose", listed("purposes", empty=_("Choose")))
        self._choices("crime_area", crime_areas(empty=_("any")))
        self._choices("partners", partner_choices())

    def _word(self, name: str, label: str, help_text: str = "") -> None:
        self.fields[name].label, self.fields[name].help_text = label, help_text

    def _choices(self, name: str, choices: list[Any]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """A question needs a name or a number, and partners need a reference."""
        told: dict[str, Any] = super().clean() or {}
        if not lines(told.get("names", "")) and not told.get("number"):
            self.add_error("names", _("Enter a name, or a number below."))
        if told.get("partners") and not told.get("reference", "").strip():
            self.add_error("reference", _("Partners are asked only with a reference: enter your case number."))
        return told

    @property
    def asked(self) -> Fields:
        """What was written, as the search takes it."""
        told = self.cleaned_data
        return Fields(
            names=lines(told["names"]),
            schema=told["schema"],
            birth_dates=(told["birth_date"],) if told["birth_date"] else (),
            countries=(told["country"],) if told["country"] else (),
            identifiers=((told["number_kind"] or "other", told["number"]),) if told["number"] else (),
        )


def number_kinds() -> list[tuple[str, str]]:
    """The kinds of numbers the register compares."""
    return [
        ("passport", pgettext("number", "Passport")),
        ("national_id", pgettext("number", "National identity number")),
        ("phone", pgettext("number", "Telephone")),
        ("imei", pgettext("number", "Device (IMEI)")),
        ("imsi", pgettext("number", "SIM (IMSI)")),
        ("email", pgettext("number", "E-mail")),
        ("plate", pgettext("number", "Number plate")),
        ("vin", pgettext("number", "Vehicle (VIN)")),
        ("imo", pgettext("number", "Vessel (IMO)")),
        ("mmsi", pgettext("number", "Vessel (MMSI)")),
        ("iban", pgettext("number", "IBAN")),
        ("account", pgettext("number", "Bank account")),
        ("crypto", pgettext("number", "Crypto-asset address")),
        ("registration", pgettext("number", "Company registration")),
        ("tax_id", pgettext("number", "Tax number")),
    ]


def number_kind_label(kind: str) -> str:
    """What a kind of number is called."""
    return dict(number_kinds()).get(kind, kind)
