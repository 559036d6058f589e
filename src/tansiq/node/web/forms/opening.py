"""The guided form that opens a dossier of any kind, and the form of an act that carries several parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.engine.dossiers.kind import Kind
from tansiq.node.flows.intents import Intent
from tansiq.node.partners.queries import accord_in_force, accords, my_id, partners
from tansiq.node.web import words
from tansiq.node.web.forms.blocks import BlocksForm
from tansiq.node.web.forms.fields import correspondent_choices, partner_choices
from tansiq.node.web.forms.parts import ExerciseForm
from tansiq.node.web.forms.sources import Source, derived
from tansiq.node.web.languages import language_now

PLACES = {"/participants": "partners", "/handling_note": "handling_note", "/handling": "handling", "/level": "level"}


@dataclass(frozen=True)
class Start:
    """What an opening knows before anything is written: whom it goes to, which dossier it cites or continues, its first blocks."""

    partners: tuple[str, ...] = ()
    cites: str = ""
    continues: str = ""
    blocks: tuple[str, ...] = ()
    is_fixed: bool = False
    """The audience is not for choosing: what is opened answers a dossier of exactly these partners."""
    initial: Mapping[str, Any] = field(default_factory=dict)
    draft: str = ""
    """The draft that is written on, if it is one."""
    source: Source | None = None
    """The words of an entry that it is made from."""


class OpeningForm(ExerciseForm, BlocksForm):
    """Everything an opening act says; what is missing is asked of the kind itself, field by field."""

    accord = forms.ChoiceField(required=False)
    partners = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    issues = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    assurances = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    title = forms.CharField(required=False, max_length=200)
    reference = forms.CharField(required=False, max_length=120)
    their_reference = forms.CharField(required=False, max_length=120)

    def __init__(self, rules: Kind, start: Start, *args: Any, **kwargs: Any) -> None:
        to: Any = [*start.partners]
        if rules.HAS_CORRESPONDENT:
            to = next(iter(start.partners), "")
        usual = {"language": language_now(), "level": 0, "handling": ["H1"], "partners": to}
        super().__init__(*args, initial={**usual, **start.initial}, **kwargs)
        self.start = start
        self.add_codes(rules, rules.opening_act, {"dossier": "", "entries": [], "due_at": None})
        self.build(start.blocks)
        self._word_audience()
        self._word_rights()
        self.word_exercise(builds_on=start.cites or start.continues)
        own = _("Stays on this node.")
        self.fields["title"].label, self.fields["title"].help_text = _("Title for your own desk"), own
        told = _("Stays on this node. The dossier is found by it.")
        self.fields["reference"].label, self.fields["reference"].help_text = _("Our reference"), told
        self.fields["their_reference"].label = _("Their reference")
        self.fields["their_reference"].help_text = _(
            "The number that stands on their message. The dossier is found by it."
        )
        if not rules.HAS_CORRESPONDENT:
            del self.fields["their_reference"]

    def _word_audience(self) -> None:
        if self.rules.HAS_CORRESPONDENT:
            del self.fields["accord"]
            self.fields["partners"] = forms.ChoiceField(choices=[("", _("Choose")), *correspondent_choices()])
            self.fields["partners"].label = _("Correspondent")
            self.fields["partners"].help_text = _(
                "Who has no node: nothing is sent by this program, only registered and printed."
            )
            return
        if self.start.is_fixed:
            del self.fields["accord"], self.fields["partners"]
            return
        told = (
            _("Each partner gets a dossier of its own: one never sees what another is asked.")
            if self.rules.ASKS_EACH
            else _("All of them share one dossier: each sees who else reads it.")
        )
        self.fields["partners"].label, self.fields["partners"].help_text = _("To these partners"), told
        self.fields["partners"].is_needed = True  # type: ignore[attr-defined]
        self._offer("partners", partner_choices())
        self.fields["accord"].label = _("Or to all parties of an accord")
        self._offer("accord", [("", _("no: only those ticked above")), *self._whole_accords()])

    def _whole_accords(self) -> list[tuple[str, str]]:
        names, me, language = words.node_names(), my_id(), language_now()
        found = []
        for row in self._accords():
            others = ", ".join(words.named([party for party in row.parties if party != me], names))
            title = row.title.get(language) or row.title.get("en") or row.accord_id[:8]
            found.append((row.accord_id, f"{title} ({others})"))
        return found

    def _accords(self) -> list[Any]:
        """The accords in force that this node is a party to and that know this kind."""
        found = []
        for row in accords():
            held = accord_in_force(row.accord_id) if row.status == "in_force" and my_id() in row.parties else None
            if held is not None and held.terms is not None and self.rules.name in held.terms.kinds:
                found.append(row)
        return found

    def _word_rights(self) -> None:
        """The questions of human rights that the accords' tables ask, and the assurances that answer them."""
        tables = [
            held.terms.human_rights
            for row in self._accords()
            if (held := accord_in_force(row.accord_id)) and held.terms
        ]
        issues = sorted({rule.issue for table in tables for rule in table})
        asked = sorted({rule.issue for table in tables for rule in table if rule.outcome == "assurance"})
        states = sorted({(row.state or row.node_id[:2]).lower() for row in partners() if row.status == row.ENROLLED})
        if not issues:
            del self.fields["issues"], self.fields["assurances"]
            return
        self.fields["issues"].label = _("Does one of these questions arise?")
        self.fields["issues"].help_text = _("The accord then stops the act, or asks for an assurance or an approval.")
        self._offer("issues", [(issue, words.issue_label(issue)) for issue in issues])
        self.fields["assurances"].label = _("Assurances that you hold on file")
        pairs = [
            (f"{issue}/{state}", f"{words.issue_label(issue)} – {state.upper()}") for issue in asked for state in states
        ]
        self._offer("assurances", pairs)
        if not pairs:
            del self.fields["assurances"]

    @property
    def audience(self) -> tuple[str, ...]:
        """Whom it goes to, as chosen."""
        if self.start.is_fixed:
            return self.start.partners
        chosen = self.cleaned_data.get("accord")
        if chosen:
            parties = next(row.parties for row in accords() if row.accord_id == chosen)
            return tuple(party for party in parties if party != my_id())
        given = self.cleaned_data.get("partners") or ()
        return (given,) if isinstance(given, str) else tuple(given)

    def clean(self) -> dict[str, Any]:
        """Somebody must be to read it."""
        told: dict[str, Any] = super().clean() or {}
        if not self.audience:
            self.add_error(None if self.start.is_fixed else "partners", _("Say to whom this goes."))
        return told

    def intent(self) -> Intent:
        """What the officer means to do, as far as it is written; raises Rejected for conditions that mean nothing."""
        told = self.cleaned_data
        intent = Intent(
            kind=self.rules.name,
            act=self.act,
            participants=self.audience,
            accord=told.get("accord") or "",
            codes=self.codes(),
            parts=self.make_parts(),
            cites=self.start.cites,
            continues=self.start.continues,
            issues=tuple(told.get("issues", ())),
            assurances=tuple(tuple(pair.split("/", 1)) for pair in told.get("assurances", ())),
            title=told.get("title", "").strip(),
            reference=told.get("reference", "").strip(),
            their_reference=told.get("their_reference", "").strip(),
            exercise=self.is_exercise,
        )
        return derived(intent, self.start.source)


class WrittenActForm(BlocksForm):
    """An act in a dossier that carries parts of several types: a supplement, a correction, an update."""

    def __init__(self, rules: Kind, act: str, dossier: Mapping[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, initial={"language": language_now(), "level": 0, "handling": ["H1"]}, **kwargs)
        self.add_codes(rules, act, dossier)
        self.build()

    def intent(self) -> Intent:
        """What the officer means to do, as far as it is written; raises Rejected for conditions that mean nothing."""
        return Intent(
            kind=self.rules.name,
            act=self.act,
            dossier=self.dossier["dossier"],
            codes=self.codes(),
            parts=self.make_parts(),
        )


def is_written(rules: Kind, act: str) -> bool:
    """Whether the act names subjects among the parts it may carry, so that its form is made of blocks."""
    allowed = rules.acts[act].parts.allowed
    return allowed is not None and "subject" in allowed
