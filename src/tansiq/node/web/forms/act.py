"""The form of any act of any kind, made from what the kind declares: its codes, its parts, the entries it may name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.engine.dossiers.kind import Kind, Missing
from tansiq.engine.dossiers.parts import Part
from tansiq.node.flows.intents import Intent
from tansiq.node.web.forms.codes import CodesForm
from tansiq.node.web.forms.files import FilesForm
from tansiq.node.web.forms.parts import MarkedForm, PersonForm
from tansiq.node.web.languages import language_now

TEXT_TYPES = ("question", "narrative")
SPEAKING = frozenset({"answer", "answer_in_part"})


class ActForm(FilesForm, PersonForm, MarkedForm, CodesForm):
    """Fields for the codes of one act (``code_…``), for its words, and for the conditions on them.

    ``dossier`` is what ``read_dossier`` gives: an act that names an entry offers those of its entries it may name.
    """

    text = forms.CharField(required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 5}))

    def __init__(self, rules: Kind, act: str, dossier: Mapping[str, Any], *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"language": language_now(), "level": 0, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.word_markings()
        self.word_person()
        self.add_codes(rules, act, dossier)
        self.text_types = [name for name in TEXT_TYPES if name in self.spec.parts.required]
        asks_text = bool(self.text_types)
        text = self.fields["text"]
        text.label = _("In words")
        text.is_needed = asks_text  # type: ignore[attr-defined]
        self.fields["flags"].in_columns = True  # type: ignore[attr-defined]
        text.help_text = _("Needed for this act.") if asks_text else _("If something is to be said with it.")
        self.has_words = self.spec.parts.allowed != frozenset()
        self.has_person_fields = self.has_words and act in SPEAKING

    def clean(self) -> dict[str, Any]:
        """An act that must be explained is explained; a person needs a capacity."""
        told: dict[str, Any] = super().clean() or {}
        if self.text_types and not told.get("text", "").strip():
            self.add_error("text", _("This act is not done without words: say what your partner needs to know."))
        self.check_person()
        return told

    def intent(self) -> Intent:
        """What the officer means to do, as far as it is written; raises Rejected for conditions that mean nothing."""
        return Intent(
            kind=self.rules.name,
            act=self.act,
            dossier=self.dossier["dossier"],
            codes=self.codes(),
            parts=tuple(self._parts()),
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
        return [*parts, *self.file_parts()]

    def tell_missing(self, missing: Sequence[Missing]) -> None:
        """Say at each field what the kind still asks for."""
        for one in missing:
            name = f"code_{one.at.rpartition('/')[2]}" if one.at.startswith("/codes/") else "text"
            if name not in self.fields or not self.has_error(name):
                self.add_error(name if name in self.fields else None, _("This is still needed."))
