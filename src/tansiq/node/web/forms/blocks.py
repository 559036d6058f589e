"""Parts as an officer writes them: blocks of fields that can be added one by one, and become graded, marked parts.

A block is named by what it becomes: ``narrative``, ``narrative/offence``, ``subject/Vessel``, ``location``. The form remembers its blocks
in one hidden field; adding and leaving out are buttons that send the form, so that all of it works without a script. Fields
are flat (``b0_text``, ``b1_name``): errors, links to them and help are those of every other field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.forms.utils import ErrorDict
from django.utils.translation import gettext as _

from tansiq.engine.dossiers.kind import Missing
from tansiq.engine.dossiers.parts import Part
from tansiq.engine.entities.labels import labelled_schemata, schema_label
from tansiq.engine.errors import Rejected
from tansiq.node.web import words
from tansiq.node.web.forms.codes import CodesForm
from tansiq.node.web.forms.files import FilesForm
from tansiq.node.web.forms.part_blocks import BLOCKS, PROPERTIES, Block
from tansiq.node.web.forms.parts import MarkedForm
from tansiq.node.web.languages import language_now

MAX_BLOCKS: Final = 40
GONE: Final = "-"


class BlocksForm(FilesForm, MarkedForm, CodesForm):
    """The codes of an act, its parts as blocks, and the conditions on all of them."""

    blocks = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)

    def build(self, first: Sequence[str] = ()) -> None:
        """Word the form and add its blocks: those it was sent with, else those of ``first``, else what the kind always asks for."""
        self.word_markings()
        given: Mapping[str, Any] = self.data if self.is_bound else self.initial
        known = {name: given[f"code_{name}"] for name in self.spec.codes.model_fields if given.get(f"code_{name}")}
        self.always_needed = {one.at for one in self.rules.missing(known, [], act=self.act)}
        self.parts_made: list[tuple[Block, Part]] = []
        sent = str(self.data.get("blocks", "")).split() if self.is_bound else []
        wanted = [name for name in (sent or [*first] or self._usual()) if self._is_block(name)][:MAX_BLOCKS]
        wanted = self._as_asked(wanted + self._newly_needed(wanted) if sent else wanted)
        self.block_names = " ".join(wanted)
        made = [(place, *name.partition("/")) for place, name in enumerate(wanted) if name != GONE]
        self.all_blocks = [BLOCKS[kind](self, place, detail) for place, kind, _slash, detail in made]

    def _newly_needed(self, wanted: Sequence[str]) -> list[str]:
        """What the codes chosen since make necessary: the form asks for it from now on."""
        kinds = {name.partition("/")[0] for name in wanted}
        named = [at.removeprefix("/parts/") for at in sorted(self.always_needed) if at.count("/") == 3]
        found = [name for name in named if name not in wanted and self._is_block(name)]
        return [name for name in found if name.partition("/")[0] != "subject" or "subject" not in kinds]

    def _as_asked(self, wanted: list[str]) -> list[str]:
        asked, _colon, what = str(self.data.get("do", "")).partition(":") if self.is_bound else ("", "", "")
        if asked == "add" and self._is_block(what) and len(wanted) < MAX_BLOCKS:
            return [*wanted, what]
        if asked == "drop" and what.isdigit():
            return [GONE if place == int(what) else name for place, name in enumerate(wanted)]
        return wanted

    @property
    def is_reshaped(self) -> bool:
        """A block was added or left out: the form is shown again and not checked."""
        return self.is_bound and str(self.data.get("do", "")).partition(":")[0] in ("add", "drop")

    def leave_unchecked(self) -> None:
        """Show what was written without saying what is wrong with it yet."""
        self._errors = ErrorDict()

    def _usual(self) -> list[str]:
        """A block for everything the kind always asks for; words at least."""
        found = []
        for at in sorted(self.always_needed):
            _empty, _parts, *rest = [*at.split("/"), ""] if at.startswith("/parts/") else ["", "", ""]
            name = "/".join(one for one in rest if one)
            found += [name if name != "subject" else "subject/Person"] if name else []
        topical = (self.spec.opening and bool(self.rules.labels.get("topics"))) or any(
            name.startswith("narrative/") for name in found
        )
        found = [name for name in found if not (topical and name == "narrative")]
        return found or (["narrative"] if self._allows("narrative") and not topical else [])

    def _allows(self, kind: str) -> bool:
        rule = self.spec.parts
        return rule.allowed is None or kind in rule.allowed | rule.required

    def _is_block(self, name: str) -> bool:
        kind, _slash, detail = name.partition("/")
        if name == GONE:
            return True
        return kind in BLOCKS and self._allows(kind) and (kind != "subject" or detail in PROPERTIES)

    @property
    def grades_files(self) -> bool:
        """Whether the kind wants grades for a file."""
        return self.is_graded("file")

    def is_graded(self, part_type: str) -> bool:
        """Whether the kind wants grades for parts of this type."""
        sketch = Part(part_type, _SKETCHES[part_type], category=None)
        return any(one.at == "/parts/0/grading" for one in self.rules.missing({}, [sketch], act=self.act))

    @property
    def offered(self) -> list[tuple[str, str]]:
        """What can be added: the value of the button, and what it adds."""
        found = []
        if self._allows("narrative"):
            topics = self.rules.labels.get("topics", {})
            found += [(f"add:narrative/{topic}", words.topic_label(self.rules.name, topic)) for topic in topics]
            found += [] if topics else [("add:narrative", words.list_label("part_types", "narrative"))]
        if self._allows("subject"):
            known = [schema for schema in labelled_schemata() if schema in PROPERTIES]
            found += [(f"add:subject/{schema}", schema_label(schema, language_now())) for schema in known]
        if self._allows("location"):
            found.append(("add:location", words.list_label("part_types", "location")))
        return found

    def make_parts(self) -> tuple[Part, ...]:
        """The parts as far as they are written; raises Rejected for conditions that mean nothing."""
        self.parts_made = []
        for block in self.all_blocks:
            try:
                made = block.made()
            except Rejected as error:
                name = block.key(str(error.facts.get("at", "")).rpartition("/")[2])
                if name not in self.fields:
                    raise
                raise Rejected(error.code, **{**error.facts, "at": f"/{name}"}) from error
            if made is not None:
                self.parts_made.append((block, made))
        return (*(part for _block, part in self.parts_made), *self.file_parts())

    def tell_missing(self, missing: Sequence[Missing]) -> None:
        """Say at each field what the kind still asks for, and by which rule."""
        for one in missing:
            name = self._place_of(one.at) or self._new_place(one.at)
            clause = words.clause_label(self.rules.name, one.clause) if one.clause else ""
            told = _("This is still needed: %(clause)s.") % {"clause": clause} if clause else _("This is still needed.")
            if name is None:
                called = self._called(one.at)
                self.add_error(None, f"{called}: {told}" if called else told)
            elif not self.has_error(name):
                self.add_error(name, told)

    def _place_of(self, at: str) -> str | None:
        room, _slash, rest = at.lstrip("/").partition("/")
        if room == "codes":
            return f"code_{rest}" if f"code_{rest}" in self.fields else None
        place, _slash, what = rest.partition("/")
        if place.isdigit() and int(place) < len(self.parts_made):
            block = self.parts_made[int(place)][0]
            name = block.key("grade_source" if what == "grading" else what)
            return name if name in self.fields else None
        for block in self.all_blocks:
            if rest in (block.type, f"{block.type}/{block.detail}"):
                return block.names[0]
        return None

    def _new_place(self, at: str) -> str | None:
        """A part that turned out to be needed gets its block at once."""
        name = at.removeprefix("/parts/")
        if name == at or name.partition("/")[0].isdigit() or not self._is_block(name):
            return None
        kind, _slash, detail = name.partition("/")
        self.block_names = f"{self.block_names} {name}".strip()
        self.all_blocks.append(BLOCKS[kind](self, len(self.block_names.split()) - 1, detail))
        return self.all_blocks[-1].names[0]

    def _called(self, at: str) -> str:
        _empty, _parts, kind, *detail = [*at.split("/"), "", ""][:4]
        if detail and detail[0] and kind == "narrative":
            return words.topic_label(self.rules.name, detail[0])
        said = words.field_label(self.rules.name, at)
        return words.list_label("part_types", kind) if said == at else said


_SKETCHES: Final[dict[str, dict[str, Any]]] = {
    "narrative": {"topic": "x", "text": "x"},
    "subject": {"schema": "Vehicle", "properties": {"name": ["x"]}},
    "location": {"name": "x"},
    "file": {
        "name": "x",
        "media_type": "text/plain",
        "size": 0,
        "digest": "0" * 64,
        "blob": "0" * 64,
        "blob_size": 0,
        "identity": "x" * 16,
    },
}
