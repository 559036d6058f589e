"""An officer's word on whether two records are one subject."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.node.web.forms.fields import Form


class _Worded(Form):
    def _word(self, name: str, label: str, help_text: str = "") -> None:
        self.fields[name].label, self.fields[name].help_text = label, help_text


class JudgementForm(_Worded):
    """The verdict and why."""

    verdict = forms.ChoiceField(widget=forms.RadioSelect)
    reason = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._word("verdict", _("Are they the same?"), _("Nothing is merged: both records stay as they are."))
        self._word("reason", _("Reason"), _("What you compared. Whoever sees both records reads it."))
        self.fields["verdict"].choices = [  # type: ignore[attr-defined]
            ("same", pgettext("judgement", "the same")),
            ("different", pgettext("judgement", "not the same")),
            ("unsure", pgettext("judgement", "not certain")),
        ]


class UndoForm(_Worded):
    """Why a judgement is taken back."""

    reason = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 2, "id": "id_undo_reason"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._word("reason", _("Why you take it back"))
