"""The decision about records that are due: one form for one record or for several."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.engine.formats.codes import code_list
from tansiq.node.register.reviewing import Decision
from tansiq.node.web.forms.fields import LEFT_TO_RIGHT, Form
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.subject import verdict_words


class ReviewForm(Form):
    """Keep until, restrict or erase, with ground and reason."""

    verdict = forms.ChoiceField(widget=forms.RadioSelect)
    until = forms.DateField(required=False, widget=forms.DateInput(attrs={**LEFT_TO_RIGHT, "type": "date"}))
    ground = forms.ChoiceField()
    reason = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = {
            "verdict": (_("Decision"), ""),
            "until": (_("Keep until"), _("For keeping only. The record comes back on that day; at most three years.")),
            "ground": (_("Ground"), ""),
            "reason": (
                _("Reason"),
                _("In your own words. It is kept sealed, beside your name, after the record is gone."),
            ),
        }
        for name, (label, help_text) in told.items():
            self.fields[name].label, self.fields[name].help_text = label, help_text
        self.fields["verdict"].choices = list(verdict_words().items())  # type: ignore[attr-defined]
        self.fields["ground"].choices = _grounds()  # type: ignore[attr-defined]

    @property
    def decision(self) -> Decision:
        """What was decided; a day means its end."""
        told = self.cleaned_data
        until = told["until"]
        ends = datetime.combine(until, time(23, 59), tzinfo=UTC) if until else None
        return Decision(told["verdict"], told["ground"], told["reason"], ends)


def _grounds() -> list[Any]:
    held = code_list("review_grounds")
    language = language_now()
    groups: dict[str, list[tuple[str, str]]] = {}
    for entry in held.entries:
        groups.setdefault(str(entry.facts["verdict"]), []).append((entry.code, held.label(entry.code, language)))
    words = verdict_words()
    return [("", _("Choose")), *((words[verdict], rows) for verdict, rows in groups.items())]
