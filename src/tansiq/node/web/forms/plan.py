"""A plan as an officer enters it: what, where, when, whom a partner calls, and which partners are left out and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils import timezone
from django.utils.translation import gettext as _

from tansiq.engine.formats.times import format_time
from tansiq.node.deconfliction.entered import MOST_SUBJECTS
from tansiq.node.web import words
from tansiq.node.web.forms.fields import LEFT_TO_RIGHT, Form, lines, listed
from tansiq.node.web.forms.place import PlaceForm
from tansiq.node.web.forms.search import number_kinds
from tansiq.node.web.forms.times import instants, moment_field

FREE = 3
"""Rows for subjects that stand empty for whoever enters one, and as many again when asked for."""
MOST_MINUTES = 24 * 60
POINTERS = {
    "/from": "begins",
    "/to": "ends",
    "/geometry": "points",
    "/times": "times",
    "/contact/name": "contact_name",
    "/contact/phone": "contact_phone",
    "/contact/email": "contact_email",
    "/leave_out": "leave_out",
}
"""Where the plan's JSON names a place in an error, the field that an officer sees."""


class SubjectForm(Form):
    """Somebody or something the plan is about: partners who plan something about the same are met, too."""

    names = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"})
    )
    birth_date = forms.CharField(max_length=10, required=False, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))
    number_kind = forms.ChoiceField(required=False)
    number = forms.CharField(max_length=120, required=False, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = (
            (
                "names",
                _("Name"),
                _("In any script or spelling; another spelling of the same name on a line of its own."),
            ),
            ("birth_date", _("Date of birth"), _("As far as it is known: 1984, 1984-03 or 1984-03-17.")),
            ("number_kind", _("Kind of number"), ""),
            ("number", _("Number"), _("Passport, telephone, plate, vessel …")),
        )
        for name, label, told in labels:
            self.fields[name].label, self.fields[name].help_text = label, told
        self.fields["number_kind"].choices = number_kinds()  # type: ignore[attr-defined]
        self.more: dict[str, list[Any]] = (kwargs.get("initial") or {}).get("more", {})

    def as_plan(self) -> dict[str, Any] | None:
        """The subject as the plan's JSON has it, or nothing; dates and numbers beyond the first stay as long as it does."""
        told = self.cleaned_data
        if not lines(told["names"]) and not told["number"]:
            return None
        dates = [told["birth_date"]] if told["birth_date"] else []
        numbers = [[told["number_kind"] or "other", told["number"]]] if told["number"] else []
        return {
            "names": list(lines(told["names"])),
            "birth_dates": dates + self.more.get("birth_dates", []),
            "identifiers": numbers + self.more.get("identifiers", []),
        }


class PlanForm(PlaceForm):
    """The whole plan; ``as_plan`` is what the flow reads."""

    kind = forms.ChoiceField()
    reference = forms.CharField(max_length=120)
    begins = moment_field()
    ends = moment_field()
    is_district = forms.BooleanField(required=False)
    times = forms.CharField(required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 3, **LEFT_TO_RIGHT}))
    before_min = forms.IntegerField(required=False, min_value=0, max_value=MOST_MINUTES)
    after_min = forms.IntegerField(required=False, min_value=0, max_value=MOST_MINUTES)
    contact_name = forms.CharField(max_length=120)
    contact_phone = forms.CharField(max_length=40, widget=forms.TextInput(attrs={**LEFT_TO_RIGHT, "type": "tel"}))
    contact_email = forms.EmailField(required=False, widget=forms.EmailInput(attrs=LEFT_TO_RIGHT))
    leave_out = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    reason = forms.CharField(required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, partners: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (label, told) in _labels().items():
            self.fields[name].label, self.fields[name].help_text = label, told
        usual = _("Left empty: as is usual for this kind of plan.")
        self.fields["buffer_m"].help_text = f"{self.fields['buffer_m'].help_text} {usual}"
        self.fields["kind"].choices = listed("plan_kinds", empty=_("Choose"))  # type: ignore[attr-defined]
        self.fields["leave_out"].choices = list(partners)  # type: ignore[attr-defined]
        for name in ("begins", "ends"):
            self.fields[name].error_messages["invalid"] = _("Write a date and a time.")
        rows = _rows(self.data, len((kwargs.get("initial") or {}).get("subjects", [])))
        self.subjects = [SubjectForm(*args, prefix=f"s{n}", **_own_initial(n, kwargs)) for n in range(rows)]
        self.has_more_rows = rows < MOST_SUBJECTS

    def clean(self) -> dict[str, Any]:
        """The window goes forward, times fit the points, whoever is left out is left out for a reason."""
        told: dict[str, Any] = super().clean() or {}
        begins, ends = told.get("begins"), told.get("ends")
        if begins and ends and ends <= begins:
            self.add_error("ends", _("The end lies before the beginning."))
        if told.get("times", "").strip() and begins:
            self._read_times(told, begins)
        if told.get("leave_out") and not told.get("reason", "").strip():
            self.add_error("reason", _("Say why: a supervisor decides about it."))
        return told

    def _read_times(self, told: dict[str, Any], begins: datetime) -> None:
        read = instants(told["times"], after=begins)
        if read is None:
            self.add_error("times", _("Write one time a line: 21:30, or 2026-11-22 21:30 for another day."))
        elif told.get("shape") != "route" or len(read) != len(told.get("points", ())):
            self.add_error("times", _("Times belong to a route: one line for each of its points."))
        else:
            told["times_read"] = read

    def is_valid(self) -> bool:
        """Subjects count too."""
        return all([super().is_valid(), *(one.is_valid() for one in self.subjects)])

    def leave_unchecked(self) -> None:
        """Show what was sent without a word about what is still missing: more rows are asked for, nothing is kept."""
        for form in (self, *self.subjects):
            form._errors = ErrorDict()

    def shows_subjects(self) -> bool:
        """Whether a row for subjects is filled in or wrong."""
        return any(one.errors or any(one[name].value() for name in ("names", "number")) for one in self.subjects)

    def as_plan(self) -> dict[str, Any]:
        """The plan as ``flows.planning`` reads it; instants in UTC."""
        told, drawn = self.cleaned_data, self.drawn
        plan: dict[str, Any] = {
            "kind": told["kind"],
            "reference": told["reference"],
            "geometry": drawn.place.to_geojson(),
            "is_district": told["is_district"],
            "from": format_time(told["begins"]),
            "to": format_time(told["ends"]),
            "subjects": [subject for one in self.subjects if (subject := one.as_plan())],
            "contact": {
                name: told[f"contact_{name}"] for name in ("name", "phone", "email") if told[f"contact_{name}"]
            },
            "leave_out": told["leave_out"],
        }
        usual = {name: told[name] for name in ("buffer_m", "before_min", "after_min") if told[name] is not None}
        times = {"times": [format_time(at) for at in told["times_read"]]} if "times_read" in told else {}
        return plan | usual | times | ({"reason": told["reason"].strip()} if told["leave_out"] else {})


def _rows(data: Mapping[str, Any], known: int) -> int:
    """How many rows for subjects: all that the plan has and that were sent, and some to write in."""
    sent = [int(found[1]) + 1 for name in data if (found := re.fullmatch(r"s([0-9]{1,2})-names", name))]
    rows = max([known + FREE if not sent else known, *sent])
    return min(rows + (FREE if data.get("do") == "rows" else 0), max(MOST_SUBJECTS, known))


def _own_initial(number: int, kwargs: dict[str, Any]) -> dict[str, Any]:
    subjects = (kwargs.get("initial") or {}).get("subjects", [])
    return {"initial": subjects[number]} if number < len(subjects) else {}


def _labels() -> dict[str, tuple[str, str]]:
    zone = timezone.get_current_timezone_name()
    return {
        "kind": (_("Kind of plan"), ""),
        "reference": (_("Our reference"), _("Your own words for it. No partner ever sees them.")),
        "begins": (_("From"), _("In your time zone (%(zone)s).") % {"zone": zone}),
        "ends": (_("Until"), ""),
        "is_district": (
            _("Only the district is known"),
            _("Draw the district. Whoever plans anything in it is met, more by chance than at a street."),
        ),
        "times": (
            _("When it passes each point"),
            _("For a route that moves: one time a line, 21:30 or 2026-11-22 21:30."),
        ),
        "before_min": (_("Margin before, in minutes"), ""),
        "after_min": (_("Margin after, in minutes"), _("Left empty: as is usual for this kind of plan.")),
        "contact_name": (_("Whom a partner calls"), _("On duty at that time.")),
        "contact_phone": (_("Telephone, day and night"), _("All that a partner learns on a hit, beside the time.")),
        "contact_email": (_("E-mail"), ""),
        "leave_out": (_("Do not ask these partners"), _("Needs a supervisor: until then they are not asked.")),
        "reason": (_("Why they are left out"), ""),
    }


def usual_of(kind: str) -> dict[str, int]:
    """The buffer and the margins that a kind of plan has unless the officer writes others."""
    from tansiq.engine.formats.codes import code_list

    entry = code_list("plan_kinds").by_code.get(kind)
    return {name: int(entry.facts[name]) for name in ("buffer_m", "before_min", "after_min")} if entry else {}


def kind_word(kind: str) -> str:
    """What a kind of plan is called."""
    return words.list_label("plan_kinds", kind)
