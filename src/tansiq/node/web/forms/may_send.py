""" "May I send this to them?", asked before anything is written: the few facts on which an accord decides."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.engine.accords.markings import Marking
from tansiq.engine.accords.terms import HumanRightsRule
from tansiq.engine.dossiers.entries import Part
from tansiq.node.flows.intents import Intent
from tansiq.node.web import words
from tansiq.node.web.forms.fields import Form, chosen, crime_areas, listed
from tansiq.node.web.markings import level_name

ACTS = {"request": "ask", "report": "report", "channel": "open"}
"""What can be asked about here, and the act that opens it."""
LEVELS = range(5)


class MaySendForm(Form):
    """What, about whom, why, and how sensitive; nothing of it is kept."""

    kind = forms.ChoiceField()
    purpose = forms.ChoiceField()
    crime_area = forms.ChoiceField()
    category = forms.ChoiceField(required=False)
    flags = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    level = forms.ChoiceField()
    issues = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, rules: list[HumanRightsRule], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = {
            "kind": _("What would be sent?"),
            "purpose": _("Purpose"),
            "crime_area": _("Crime area"),
            "category": _("About whom?"),
            "flags": _("Protected persons"),
            "level": _("Classification"),
            "issues": _("Does one of these questions arise?"),
        }
        choices: dict[str, list[Any]] = {
            "kind": [(name, words.kind_label(name)) for name in ACTS],
            "purpose": listed("purposes", empty=_("Choose")),
            "crime_area": crime_areas(empty=_("Choose")),
            "category": listed("data_subject_categories", empty=_("nobody in particular")),
            "flags": listed("person_flags"),
            "level": [(str(level), f"{level} – {level_name(level)}") for level in LEVELS],
            "issues": [(issue, words.issue_label(issue)) for issue in sorted({rule.issue for rule in rules})],
        }
        for name, label in labels.items():
            self.fields[name].label = label
            self.fields[name].choices = choices[name]  # type: ignore[attr-defined]
        if not rules:
            del self.fields["issues"]

    def intent_to(self, partner: str) -> Intent:
        """The act that would be considered, with a part that says as much as was told and nothing else."""
        told = self.cleaned_data
        marking = Marking(level=int(told["level"]))
        if told["kind"] == "channel":
            part = Part(type="narrative", language="en", content={"topic": "open", "text": "…"}, marking=marking)
        else:
            part = Part(
                type="subject",
                content={"schema": "Person", "properties": {"name": ["…"]}},
                category=told["category"] or None,
                flags=chosen(told["flags"]),
                marking=marking,
            )
        return Intent(
            kind=told["kind"],
            act=ACTS[told["kind"]],
            participants=(partner,),
            codes={"purpose": told["purpose"], "crime_area": told["crime_area"]},
            parts=(part,),
            issues=tuple(told.get("issues", ())),
        )
