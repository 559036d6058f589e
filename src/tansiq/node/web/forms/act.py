"""The form of any act of any kind, made from what the kind declares: its codes, its parts, the entries it may name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _

from tansiq.engine.dossiers.acts import ActSpec, Commitment, EntryId, ListedCode, NodeName, TimeText
from tansiq.engine.dossiers.kind import Kind, Missing
from tansiq.engine.dossiers.parts import Part
from tansiq.engine.formats.times import format_time
from tansiq.node.accounts.queries import units
from tansiq.node.flows.intents import Intent
from tansiq.node.web import words
from tansiq.node.web.forms.fields import Form, listed, partner_choices
from tansiq.node.web.forms.parts import MarkedForm, PersonForm
from tansiq.node.web.languages import language_now

TEXT_TYPES = ("question", "narrative")
SPEAKING = frozenset({"answer", "answer_in_part"})


class ActForm(PersonForm, MarkedForm, Form):
    """Fields for the codes of one act (``code_…``), for its words, and for the conditions on them.

    ``dossier`` is what ``read_dossier`` gives: an act that names an entry offers those of its entries it may name.
    """

    text = forms.CharField(required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 5}))

    def __init__(self, rules: Kind, act: str, dossier: Mapping[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rules, self.act, self.dossier = rules, act, dossier
        self.spec: ActSpec = rules.acts[act]
        self.word_markings()
        self.word_person()
        self.code_fields = [self._add_code(name, field) for name, field in self.spec.codes.model_fields.items()]
        self.code_fields = [name for name in self.code_fields if name]
        self.text_types = [name for name in TEXT_TYPES if name in self.spec.parts.required]
        asks_text = bool(self.text_types)
        text = self.fields["text"]
        text.label = _("In words")
        text.is_needed = asks_text  # type: ignore[attr-defined]
        self.fields["flags"].in_columns = True  # type: ignore[attr-defined]
        text.help_text = _("Needed for this act.") if asks_text else _("If something is to be said with it.")
        if self.spec.parts.allowed == frozenset():
            self.has_words = False
        else:
            self.has_words = True
        self.has_person_fields = self.has_words and act in SPEAKING

    def _add_code(self, name: str, field: Any) -> str:
        made = self._code_field(name, field)
        if made is None:
            return ""
        made.label, made.required = words.code_name(self.rules.name, name), field.is_required()
        made.error_messages["required"] = _("This is needed: fill it in.")
        key = f"code_{name}"
        self.fields[key] = made
        return key

    def _code_field(self, name: str, field: Any) -> forms.Field | None:
        shape, told = _shape(field.annotation, field.metadata)
        if shape == "part":
            return None
        if shape == "choice":
            return _choice([(code, words.code_value(self.rules.name, self.act, name, code)) for code in told], field)
        if shape == "entry":
            return _choice(self._entries(self.spec.names.get(name, frozenset())), field)
        if shape == "time":
            widget = forms.DateTimeInput(attrs={"type": "datetime-local", "dir": "ltr"}, format="%Y-%m-%dT%H:%M")
            return forms.DateTimeField(widget=widget, help_text=_("In your time zone."), initial=self._due())
        if shape == "node":
            return _choice(partner_choices(), field)
        held = words.list_of(self.rules.name, self.act, name)
        if held:
            return _choice(listed(held), field)
        if name == "unit":
            return _choice([(unit.code, unit.name_in(language_now())) for unit in units()], field)
        return forms.CharField(max_length=64)

    def _due(self) -> datetime | None:
        due = self.dossier.get("due_at")
        return timezone.localtime(due) if due else None

    def _entries(self, acts: frozenset[str]) -> list[tuple[str, str]]:
        kind = self.rules.name
        rows = [row for row in self.dossier["entries"] if (not acts or row["act"] in acts) and row["is_effective"]]
        return [
            (row["entry"], f"{words.act_label(kind, row['act'])} – {row['author']} – {row['entry'][:8]}")
            for row in rows
        ]

    def clean(self) -> dict[str, Any]:
        """An act that must be explained is explained; a person needs a capacity."""
        told: dict[str, Any] = super().clean() or {}
        if self.text_types and not told.get("text", "").strip():
            self.add_error("text", _("This act is not done without words: say what your partner needs to know."))
        self.check_person()
        return told

    def intent(self) -> Intent:
        """What the officer means to do, as far as it is written; raises Rejected for conditions that mean nothing."""
        codes = {}
        for key in self.code_fields:
            given = self.cleaned_data.get(key)
            if given not in (None, "", []):
                codes[key.removeprefix("code_")] = format_time(given) if isinstance(given, datetime) else given
        return Intent(
            kind=self.rules.name, act=self.act, dossier=self.dossier["dossier"], codes=codes, parts=tuple(self._parts())
        )

    def _parts(self) -> list[Part]:
        parts = []
        text = self.cleaned_data.get("text", "").strip()
        if text and self.has_words:
            if "question" in self.text_types:
                parts.append(self.part("question", {"text": text, "data_categories": []}))
            else:
                parts.append(self.part("narrative", {"topic": self.act, "text": text}))
        if self.has_person and self.cleaned_data.get("category"):
            told = self.cleaned_data
            content = {"schema": "Person", "properties": self.person_properties}
            parts.append(
                self.part("subject", content, category=told["category"], flags=tuple(sorted(told.get("flags", ()))))
            )
        return parts

    def tell_missing(self, missing: Sequence[Missing]) -> None:
        """Say at each field what the kind still asks for."""
        for one in missing:
            name = f"code_{one.at.rpartition('/')[2]}" if one.at.startswith("/codes/") else "text"
            if name not in self.fields or not self.has_error(name):
                self.add_error(name if name in self.fields else None, _("This is still needed."))


def _choice(choices: Sequence[tuple[str, str]], field: Any) -> forms.ChoiceField:
    first = (
        [] if field.is_required() and len(choices) == 1 else [("", _("Choose") if field.is_required() else _("none"))]
    )
    return forms.ChoiceField(choices=[*first, *choices])


def _shape(annotation: Any, metadata: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """What kind of control a code asks for: choice, entry, part, time, node or listed.

    The annotated types of ``engine.dossiers.acts`` are told apart by the constraints they carry.
    """
    if get_origin(annotation) in (Union, UnionType):
        inner = next(one for one in get_args(annotation) if one is not NoneType)
        return _shape(inner, metadata)
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation)
    constraints = [*getattr(annotation, "__metadata__", ()), *metadata]
    patterns = {getattr(one, "pattern", None) for one in constraints}
    lengths = {getattr(one, "min_length", None) for one in constraints}
    if _pattern(NodeName) in patterns:
        return "node", ()
    if 24 in lengths:
        return "time", ()
    if _pattern(EntryId) in patterns:
        return "entry", ()
    return "listed", ()


def _pattern(alias: Any) -> str:
    return str(next(one.pattern for one in alias.__metadata__ if getattr(one, "pattern", None)))


__all__ = ["ActForm", "Commitment", "ListedCode", "TimeText"]
