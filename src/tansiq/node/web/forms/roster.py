"""Writing the duty roster: a shift, an absence."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.node.accounts.queries import officers
from tansiq.node.accounts.roster import ON_CALL_ROLES, RANKS
from tansiq.node.web.forms.fields import Form
from tansiq.node.web.forms.times import moment_field


class DutyForm(Form):
    """Who, from when, until when."""

    officer = forms.ChoiceField()
    starts_at = moment_field()
    ends_at = moment_field()

    def __init__(self, unit: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here = [one for one in officers() if one.is_active and one.unit and one.unit.code == unit]
        self.called = [(one.username, str(one)) for one in here if one.has_role(*ON_CALL_ROLES)]
        self.fields["officer"].label = _("Officer")
        self.fields["starts_at"].label, self.fields["ends_at"].label = _("From"), _("Until")
        self.fields["ends_at"].help_text = _("In your time zone.")
        for name in ("starts_at", "ends_at"):
            self.fields[name].error_messages["invalid"] = _("Write a date and a time.")
        self._offer("officer", [("", _("Choose")), *self.called])

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]


class ShiftForm(DutyForm):
    """An officer in a rank, in the same hours of one or several weeks."""

    rank = forms.TypedChoiceField(coerce=int)
    weeks = forms.IntegerField(min_value=1, max_value=52, initial=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["rank"].label, self.fields["weeks"].label = _("Rank"), _("Weeks")
        self.fields["rank"].help_text = _("1 is called first.")
        self.fields["weeks"].help_text = _("The same hours in so many weeks.")
        self._offer("rank", [(str(rank), str(rank)) for rank in RANKS])


class AbsenceForm(DutyForm):
    """An officer who is away, and who takes their rank."""

    replacement = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["replacement"].label = _("Replaced by")
        self._offer("replacement", [("", _("nobody")), *self.called])
