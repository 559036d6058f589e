"""The list that is asked against the register or blindly of partners, and why."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.node.web.forms.fields import LEFT_TO_RIGHT, Form, crime_areas, listed, partner_choices


class ScreeningForm(Form):
    """A list, its columns, purpose and reference, and whom to ask about it."""

    list = forms.FileField(allow_empty_file=True)
    columns = forms.CharField(max_length=500, required=False, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))
    purpose = forms.ChoiceField()
    crime_area = forms.ChoiceField(required=False)
    reference = forms.CharField(max_length=120)
    partners = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = {
            "list": (
                _("List"),
                _(
                    "Lines of number, name and birth date with tabs between them, a table (CSV), or FollowTheMoney. 4 MB at most."
                ),
            ),
            "columns": (
                _("Columns"),
                _("For a table: id=no,name=first+last,birth_date=born,country=nat,identifier:passport=pp"),
            ),
            "purpose": (_("Purpose"), _("Every search is recorded with its purpose.")),
            "crime_area": (_("Crime area"), ""),
            "reference": (_("Our reference"), _("The case for which you ask.")),
            "partners": (
                _("Ask these partners blindly"),
                _(
                    "Instead of your register. They learn that you asked and for what purpose, never about whom, nor whether it hit. "
                    "What it costs is shown before anything is sent."
                ),
            ),
        }
        for name, (label, help_text) in words.items():
            self.fields[name].label, self.fields[name].help_text = label, help_text
        self.fields["purpose"].choices = listed("purposes", empty=_("Choose"))  # type: ignore[attr-defined]
        self.fields["crime_area"].choices = crime_areas(empty=_("any"))  # type: ignore[attr-defined]
        self.fields["partners"].choices = partner_choices()  # type: ignore[attr-defined]
