"""The codes of one act as fields: a control for each, made from what the kind declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _

from tansiq.engine.dossiers.acts import ActSpec, DayText, EntryId, NodeName
from tansiq.engine.dossiers.kind import Kind
from tansiq.engine.formats.times import format_time
from tansiq.node.accounts.queries import units
from tansiq.node.web import words
from tansiq.node.web.forms.fields import Form, crime_areas, listed, partner_choices
from tansiq.node.web.languages import language_now

USUAL_NOTICE = timedelta(days=14)
"""How long a form proposes to give a partner where nothing else says until when."""


class CodesForm(Form):
    """Fields ``code_…`` for one act. ``dossier`` is what ``outline`` gives: an act that names an entry, or a part of one,
    is offered those that it may name.
    """

    rules: Kind
    act: str
    spec: ActSpec
    dossier: Mapping[str, Any]
    code_fields: list[str]

    def add_codes(self, rules: Kind, act: str, dossier: Mapping[str, Any]) -> None:
        """Add a field for each code of the act."""
        self.rules, self.act, self.dossier = rules, act, dossier
        self.spec = rules.acts[act]
        found = [self._add_code(name, field) for name, field in self.spec.codes.model_fields.items()]
        self.code_fields = [name for name in found if name]

    def _add_code(self, name: str, field: Any) -> str:
        if name == "entry" and "part" in self.spec.codes.model_fields:
            return ""  # the choice of a part says of which entry
        made = self._code_field(name, field)
        made.label = words.code_name(self.rules.name, name)
        made.required = field.is_required() or name == "part"
        made.help_text = words.help_text(self.rules.name, name) or made.help_text
        made.error_messages["required"] = _("This is needed: fill it in.")
        key = f"code_{name}"
        self.fields[key] = made
        return key

    def _code_field(self, name: str, field: Any) -> forms.Field:
        shape, told = _shape(field.annotation, field.metadata)
        if shape == "choice":
            return _choice([(code, words.code_value(self.rules.name, self.act, name, code)) for code in told], field)
        if shape == "entry":
            return _choice(self._part_choices(field) if name == "part" else self._entries(name), field)
        if shape == "time":
            return self._time(name)
        if shape == "day":
            widget = forms.DateInput(attrs={"type": "date", "dir": "ltr"}, format="%Y-%m-%d")
            return forms.DateField(widget=widget, initial=timezone.localdate())
        if shape == "node":
            return _choice(partner_choices(), field)
        held = words.list_of(self.rules.name, self.act, name)
        if held == "crime_areas":
            return forms.ChoiceField(choices=crime_areas(empty=_("Choose")))
        if held:
            return _choice(listed(held), field)
        if name == "unit":
            return _choice([(unit.code, unit.name_in(language_now())) for unit in units()], field)
        return forms.CharField(max_length=64)

    def _time(self, name: str) -> forms.Field:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local", "dir": "ltr"}, format="%Y-%m-%dT%H:%M")
        due = self.dossier.get("due_at")
        if due is None and name == "due":
            due = timezone.now() + USUAL_NOTICE
        return forms.DateTimeField(
            widget=widget, help_text=_("In your time zone."), initial=timezone.localtime(due) if due else None
        )

    def _entries(self, code: str) -> list[tuple[str, str]]:
        may = self.dossier.get("nameable", {}).get(code, ())
        return [(row["entry"], self._entry_label(row)) for row in self.dossier["entries"] if row["entry"] in may]

    def _entry_label(self, row: Mapping[str, Any]) -> str:
        return f"{words.act_label(self.rules.name, row['act'])} – {row['author']} – {row['entry'][:8]}"

    def _part_choices(self, field: Any) -> list[tuple[str, str]]:
        """Every part of every entry that may be named; where the part may be left out, the whole entry too."""
        may = self.dossier.get("nameable", {}).get("entry", ())
        found = []
        for row in self.dossier["entries"]:
            if row["entry"] not in may:
                continue
            label = self._entry_label(row)
            if not field.is_required():
                found.append((f"{row['entry']}/", f"{label} – {_('the whole entry')}"))
            found += [(f"{row['entry']}/{part['commitment']}", f"{label} – {part['label']}") for part in row["parts"]]
        return found

    def codes(self) -> dict[str, Any]:
        """The codes as far as they are filled in, as an intent wants them."""
        codes: dict[str, Any] = {}
        for key in self.code_fields:
            given, name = self.cleaned_data.get(key), key.removeprefix("code_")
            if given in (None, "", []):
                continue
            if name == "part":
                entry, _slash, part = str(given).partition("/")
                codes |= {"entry": entry, **({"part": part} if part else {})}
            else:
                codes[name] = _as_code(given)
        return codes


def _as_code(given: Any) -> Any:
    if isinstance(given, datetime):
        return format_time(given)
    return given.isoformat() if isinstance(given, date) else given


def _choice(choices: Sequence[tuple[str, str]], field: Any) -> forms.ChoiceField:
    first = (
        [] if field.is_required() and len(choices) == 1 else [("", _("Choose") if field.is_required() else _("none"))]
    )
    return forms.ChoiceField(choices=[*first, *choices])


def _shape(annotation: Any, metadata: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """What kind of control a code asks for: choice, entry, time, day, node or listed.

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
    if _pattern(DayText) in patterns:
        return "day", ()
    if _pattern(EntryId) in patterns:
        return "entry", ()
    return "listed", ()


def _pattern(alias: Any) -> str:
    return str(next(one.pattern for one in alias.__metadata__ if getattr(one, "pattern", None)))
