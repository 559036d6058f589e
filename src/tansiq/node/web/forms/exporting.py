"""What is asked before a copy of the register is given out: what for, why, for whom, in which form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.node.web.forms.fields import Form, listed

MAX_REASON = 500
MAX_RECIPIENT = 120


class ExportForm(Form):
    """No copy without a purpose, a reason and somebody for whom it is."""

    purpose = forms.ChoiceField()
    reason = forms.CharField(min_length=3, max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 2}))
    recipient = forms.CharField(min_length=2, max_length=MAX_RECIPIENT)
    form = forms.ChoiceField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = {
            "purpose": (_("What for"), _("The accord is asked whether it permits an export for this use.")),
            "reason": (_("Why the copy is made"), _("Sealed with the copy.")),
            "recipient": (
                _("For whom the copy is"),
                _("Sealed with the copy, for the day on which it is called back."),
            ),
            "form": (_("Form of the file"), ""),
        }
        for name, (label, help_text) in told.items():
            self.fields[name].label, self.fields[name].help_text = label, help_text
        self.fields["purpose"].choices = listed("purposes", empty=_("Choose"))  # type: ignore[attr-defined]
        self.fields["form"].choices = list(copy_forms().items())  # type: ignore[attr-defined]


def copy_forms() -> dict[str, str]:
    """What the forms of an export are called."""
    return {"ftm": _("FollowTheMoney entities (JSON lines)"), "csv": _("Table for spreadsheets (CSV)")}
