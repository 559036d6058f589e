"""Files that go with an act: brought piece by piece by a script, or small ones with the form itself; each with its own words.

A file that was brought is an *upload* of this officer; the form names it (``uploads``, one tick each) with what is said of it
(``file-<id>-description`` …). So a form that comes back with errors still has its files, and leaving one out is taking away a tick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _

from tansiq.engine.dossiers.acts import PartsRule
from tansiq.engine.dossiers.parts import Grading, Part
from tansiq.engine.errors import TansiqError
from tansiq.engine.formats import media
from tansiq.node.exchange import blobs
from tansiq.node.flows import attaching
from tansiq.node.web.forms.fields import listed
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.files import GROUNDS, POSES, words_of
from tansiq.node.wording import explain

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

MAX_FILES = 40
SAID = ("description", "document_type", "source", "information", "pose", "ground")
SCHEMES = ("4x4", "6x6", "3x5x2")


class ManyFiles(forms.ClearableFileInput):
    """A control that takes several files."""

    allow_multiple_selected = True


@dataclass(frozen=True)
class Brought:
    """One file that the form names, with what the officer says of it."""

    upload_id: str
    name: str
    size: int
    media_type: str
    told: Mapping[str, str]

    @property
    def is_picture(self) -> bool:
        """Whether it may be a photograph."""
        return self.media_type.startswith("image/")


class FilesForm(forms.Form):
    """The files of an act. Call ``attached`` before the form is checked; ``file_parts`` are what they come to."""

    files = forms.Field(required=False, widget=ManyFiles(attrs={"multiple": True}))

    def attached(self, officer: Officer, request: HttpRequest, now: datetime) -> Self:
        """The form itself, after taking the small files that came with it and looking up those that were brought before."""
        self.officer, rule = officer, self.parts_rule
        self.may_have_files = rule.allowed is None or "file" in rule.allowed | rule.required
        self.brought: list[Brought] = []
        self.file_errors: list[str] = []
        self.fields["files"].label = _("Files")
        self.fields["files"].help_text = _("They are sealed as they come, and travel by themselves after the entry.")
        if not self.may_have_files:
            del self.fields["files"]
            return self
        named = list(dict.fromkeys(self.data.getlist("uploads")))[:MAX_FILES] if self.is_bound else []  # type: ignore[attr-defined]
        named += [one for file in request.FILES.getlist("files") if (one := self._taken(file, now))]
        for upload_id in named:
            try:
                row = blobs.get_upload(officer.reference, upload_id)
            except TansiqError as error:
                self.file_errors.append(explain(error, language_now(), isolate=True))
                continue
            told = {name: self._said(upload_id, name) for name in SAID}
            self.brought.append(Brought(upload_id, row.told["name"], row.size, row.told["media_type"], told))
        return self

    @property
    def parts_rule(self) -> PartsRule:
        """What the act may carry."""
        rule: PartsRule = self.spec.parts  # type: ignore[attr-defined]
        return rule

    @property
    def grades_files(self) -> bool:
        """Whether the kind wants grades for a file."""
        return False

    def _taken(self, file: Any, now: datetime) -> str:
        try:
            row = attaching.take(self.officer, file.name, file.content_type or "", file.size, file, now=now)
        except TansiqError as error:
            self.file_errors.append(explain(error, language_now(), isolate=True))
            return ""
        return str(row.upload_id)

    def _said(self, upload_id: str, name: str) -> str:
        return str(self.data.get(f"file-{upload_id}-{name}", "")).strip() if self.is_bound else ""

    @property
    def blank_row(self) -> Brought:
        """A row for the script to fill in."""
        return Brought("__id__", "__name__", 0, "image/", {})

    @property
    def document_types(self) -> list[tuple[str, str]]:
        """What a file may be a copy of."""
        return listed("document_types", empty=_("no document of a listed type"))

    @property
    def poses(self) -> list[tuple[str, str]]:
        """What a photograph shows; empty for a picture that is none of a subject."""
        return [("", _("no photograph of a subject")), *words_of(POSES)]

    @property
    def grounds(self) -> list[tuple[str, str]]:
        """Why it was lawful to take it."""
        return [("", _("not said")), *words_of(GROUNDS)]

    @property
    def may_have_photographs(self) -> bool:
        """Whether the act may carry one."""
        rule = self.parts_rule
        return rule.allowed is None or "photograph" in rule.allowed

    def grades(self, axis: str) -> list[tuple[str, list[tuple[str, str]]]]:
        """The grades of one axis, by scheme."""
        return [
            (scheme, [(f"{scheme}:{code}", f"{code} – {said}") for code, said in listed(f"grading_{scheme}_{axis}")])
            for scheme in SCHEMES
        ]

    @property
    def grade_axes(self) -> list[tuple[str, str, list[tuple[str, list[tuple[str, str]]]]]]:
        """The two questions of a grade, where the kind wants one: name, label, choices."""
        asked = (("source", _("Grade of the source")), ("information", _("Grade of the information")))
        return [(axis, label, self.grades(axis)) for axis, label in asked] if self.grades_files else []

    def clean(self) -> dict[str, Any]:
        """What is wrong with a file is told at the field."""
        told: dict[str, Any] = super().clean() or {}
        for sentence in getattr(self, "file_errors", ()):
            self.add_error("files", sentence)
        return told

    def file_parts(self) -> list[Part]:
        """The parts that the files come to, under the form's conditions; raises Rejected for words that cannot stand in one."""
        return [self._part(one) for one in getattr(self, "brought", ())]

    def _part(self, one: Brought) -> Part:
        said = {name: one.told[name] for name in ("description", "document_type")}
        content = attaching.content_of(self.officer, one.upload_id, **said)
        kind = "file"
        if content["media_type"] == media.ANSI_NIST:
            kind, content = attaching.as_fingerprints(self.officer, one.upload_id, content)
        elif one.told["pose"] and content["media_type"].startswith("image/") and self.may_have_photographs:
            shown = {name: one.told[name] for name in ("pose", "ground") if one.told[name]}
            kind, content = "photograph", {**content, **shown}
        part: Part = self.part(kind, content, grading=self._grading(one))  # type: ignore[attr-defined]
        return part

    @staticmethod
    def _grading(one: Brought) -> Grading | None:
        scheme, _colon, source = one.told["source"].partition(":")
        other, _colon, information = one.told["information"].partition(":")
        return Grading(scheme, source, information) if scheme and scheme == other else None  # type: ignore[arg-type]
