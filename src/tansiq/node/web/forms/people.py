"""An officer who leaves: who goes on with the work, and a word for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.node.accounts import elevations
from tansiq.node.accounts.queries import officers
from tansiq.node.desk.actions import MAX_NOTE
from tansiq.node.web import words
from tansiq.node.web.forms.fields import Form

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


class LeavingForm(Form):
    """To whom, what they must know, and that it is meant."""

    to = forms.ChoiceField(required=False)
    note = forms.CharField(required=False, max_length=MAX_NOTE, widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}))
    sure = forms.BooleanField()

    def __init__(self, leaver: Officer, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.others = [one for one in officers() if one.is_active and one.pk != leaver.pk and one.has_usable_password()]
        unit = leaver.unit.code if leaver.unit else ""
        near = [one for one in self.others if one.unit and one.unit.code == unit]
        far = [one for one in self.others if one not in near]
        names = [(one.reference, str(one)) for one in (*near, *far)]
        field = self.fields["to"]
        field.choices = [("", _("nobody: back to its circles")), *names]  # type: ignore[attr-defined]
        field.label, field.help_text = (
            _("Who goes on with the work"),
            _("Only what this colleague may see goes to them."),
        )
        self.fields["note"].label = _("What they must know")
        self.fields["sure"].label = _("This officer has left. The account ends now and does not come back.")

    def chosen(self) -> Officer | None:
        """The colleague, or nobody."""
        return next((one for one in self.others if one.reference == self.cleaned_data["to"]), None)


class ElevationForm(Form):
    """Which role, for how long, and why."""

    role = forms.ChoiceField()
    minutes = forms.TypedChoiceField(coerce=int)
    reason = forms.CharField(max_length=elevations.MAX_REASON, widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}))

    def __init__(self, officer: Officer, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [(role, words.officer_role(role)) for role in elevations.roles_for(officer)]
        minutes = [(one, _("%(minutes)d minutes") % {"minutes": one}) for one in elevations.MINUTES]
        self.fields["role"].choices = roles  # type: ignore[attr-defined]
        self.fields["minutes"].choices = minutes  # type: ignore[attr-defined]
        self.fields["role"].label, self.fields["minutes"].label = _("Role"), _("For how long")
        self.fields["reason"].label = _("Why")
        self.fields["reason"].help_text = _("Read by those who decide, and by the auditor. Name no person of a case.")
