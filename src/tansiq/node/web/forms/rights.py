"""A data-subject request as it comes: who asks for what, by which way, and what is looked for."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.node.flows.searching import Fields
from tansiq.node.web.forms.fields import LEFT_TO_RIGHT, Form, lines
from tansiq.node.web.forms.search import number_kinds
from tansiq.node.web.pages.rights import channel_words, right_words

DAY = {**LEFT_TO_RIGHT, "type": "date"}
TEXT = 4000


class ClaimForm(Form):
    """Everything that is written down when a request comes."""

    right = forms.ChoiceField(widget=forms.RadioSelect)
    channel = forms.ChoiceField()
    received = forms.DateField(widget=forms.DateInput(attrs=DAY))
    due = forms.DateField(required=False, widget=forms.DateInput(attrs=DAY))
    names = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}))
    birth_date = forms.CharField(max_length=10, required=False, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))
    number_kind = forms.ChoiceField(required=False)
    number = forms.CharField(max_length=120, required=False, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))
    contact = forms.CharField(max_length=TEXT, widget=forms.Textarea(attrs={"rows": 3}))
    wish = forms.CharField(max_length=TEXT, required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = {
            "right": (_("Which right is exercised?"), ""),
            "channel": (_("How it came"), ""),
            "received": (_("Received on"), _("The clock runs from this day.")),
            "due": (
                _("To be answered by"),
                _(
                    "Left open: 30 days. The Directive says “without undue delay” and names no period; check what the law of your State gives."
                ),
            ),
            "names": (
                _("Name"),
                _("In any script or spelling; another spelling of the same name on a line of its own."),
            ),
            "birth_date": (_("Date of birth"), _("As far as it is known: 1984, 1984-03 or 1984-03-17.")),
            "number_kind": (_("Kind of number"), ""),
            "number": (_("Number"), _("Passport, telephone, plate, vessel …")),
            "contact": (_("Where the answer goes"), _("Address of the person or of whoever represents them.")),
            "wish": (_("What is asked for"), _("In the person's words: what is wrong, what shall go.")),
        }
        for name, (label, help_text) in told.items():
            self.fields[name].label, self.fields[name].help_text = label, help_text
        choices: dict[str, list[Any]] = {
            "right": list(right_words().items()),
            "channel": [("", _("Choose")), *channel_words().items()],
            "number_kind": [("", _("any")), *number_kinds()],
        }
        for name, listed in choices.items():
            self.fields[name].choices = listed  # type: ignore[attr-defined]

    def told(self) -> dict[str, Any]:
        """The request, as ``rights.actions.receive`` takes it."""
        given = self.cleaned_data
        fields = Fields(
            names=lines(given["names"]),
            birth_dates=(given["birth_date"],) if given["birth_date"] else (),
            identifiers=((given["number_kind"] or "other", given["number"]),) if given["number"] else (),
        )
        due = given["due"]
        return {
            "right": given["right"],
            "channel": given["channel"],
            "told": {"contact": given["contact"], "wish": given["wish"], "fields": fields.to_json()},
            "received_at": datetime.combine(given["received"], time(0, 0), tzinfo=UTC),
            "due_at": datetime.combine(due, time(23, 59), tzinfo=UTC) if due else None,
        }
