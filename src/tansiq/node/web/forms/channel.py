"""What is written on a direct line: a message, and an urgent call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tansiq.engine.dossiers.parts import Part
from tansiq.engine.formats.times import format_time
from tansiq.node.flows.intents import Intent
from tansiq.node.web import words
from tansiq.node.web.forms.fields import Form, listed
from tansiq.node.web.forms.parts import MarkedForm
from tansiq.node.web.languages import language_now

KIND = "channel"
MINUTES = (15, 30, 60, 120, 240)


class LineForm(MarkedForm, Form):
    """Words on a line, under conditions, and whether they are said for a life without an accord."""

    text = forms.CharField(required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}))
    threat = forms.BooleanField(required=False)

    def __init__(self, dossier: str, *args: Any, needs_threat: bool = False, **kwargs: Any) -> None:
        usual = {"language": language_now(), "level": 0, "handling": ["H1"], "threat": needs_threat}
        super().__init__(*args, initial=usual, **kwargs)
        self.dossier = dossier
        self.word_markings()
        self.fields["text"].label = _("Message")
        self.fields["threat"].label = words.code_value(KIND, "message", "threat", "life")
        self.fields["threat"].help_text = _(
            "No accord is needed then: a senior officer sends it or approves it, with the least that helps, and it is reviewed."
        )

    def clean(self) -> dict[str, Any]:
        """Nothing said is nothing sent."""
        told: dict[str, Any] = super().clean() or {}
        if not told.get("text", "").strip() and (self.act == "message" or told.get("threat")):
            self.add_error("text", _("Write what is to be said."))
        return told

    act = "message"

    def _intent(self, codes: dict[str, Any]) -> Intent:
        text = self.cleaned_data.get("text", "").strip()
        parts: tuple[Part, ...] = (self.part("narrative", {"topic": self.act, "text": text}),) if text else ()
        threat = {"threat": "life"} if self.cleaned_data.get("threat") else {}
        return Intent(kind=KIND, act=self.act, dossier=self.dossier, codes={**codes, **threat}, parts=parts)

    def intent(self) -> Intent:
        """The message; raises Rejected for conditions that mean nothing."""
        return self._intent({})


class CallForm(LineForm):
    """An urgent call: why, for how long, and a word beside it."""

    act = "call"
    urgency = forms.ChoiceField()
    minutes = forms.TypedChoiceField(coerce=int)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="call", **kwargs)
        self.initial["minutes"] = 60
        self.fields["text"].label = _("In a word, what it is about")
        self.fields["urgency"].label = words.code_name(KIND, "urgency")
        self.fields["minutes"].label = _("How long it is urgent")
        self.fields["minutes"].help_text = _("After that it rings no longer and is kept as missed.")
        self._offer("urgency", listed("urgency_grounds", empty=_("Choose")))
        offered = [(n, ngettext("%(count)d minute", "%(count)d minutes", n) % {"count": n}) for n in MINUTES]
        self._offer("minutes", offered)

    def intent_at(self, now: datetime) -> Intent:
        """The call, urgent from ``now`` on for as long as was chosen."""
        until = format_time(now + timedelta(minutes=int(self.cleaned_data["minutes"])))
        return self._intent({"urgency": self.cleaned_data["urgency"], "until": until})
