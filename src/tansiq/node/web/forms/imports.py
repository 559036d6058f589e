"""A file to be imported, and what the columns of a CSV mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.engine.entities import model
from tansiq.engine.entities.labels import labelled_schemata, property_label, schema_label
from tansiq.node.register.import_orders import REACHES
from tansiq.node.web.forms.fields import LEFT_TO_RIGHT, Form
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.subject import reach_word


class ImportForm(Form):
    """Which file, what it is, and who will see what it says."""

    file = forms.FileField(required=False)
    form = forms.ChoiceField(required=False)
    list_key = forms.CharField(max_length=40, required=False, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))
    name = forms.CharField(max_length=120, required=False)
    circle = forms.ChoiceField(required=False)
    discoverability = forms.ChoiceField()
    is_part = forms.BooleanField(required=False)

    def __init__(self, circles: Sequence[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = {
            "file": (_("File"), _("It is sealed while it comes; nothing is stored before you confirm.")),
            "form": (_("Form of the file"), ""),
            "list_key": (
                _("List"),
                _(
                    "For FollowTheMoney and CSV: small letters, digits and hyphens. A second import under this name brings it up to date."
                ),
            ),
            "name": (_("What the list is called"), ""),
            "circle": (_("Circle"), _("Who sees new subjects.")),
            "discoverability": (_("What partners may find"), ""),
            "is_part": (_("The file is a part of the list: nothing is delisted"), ""),
        }
        for name, (label, help_text) in told.items():
            self.fields[name].label, self.fields[name].help_text = label, help_text
        self.fields["file"].is_needed = True  # type: ignore[attr-defined]
        self.fields["form"].choices = [("", _("recognise it")), *form_words().items()]  # type: ignore[attr-defined]
        named = [(name, name) for name in sorted(circles)]
        self.fields["circle"].choices = [("", _("the whole node")), *named]  # type: ignore[attr-defined]
        reaches = [(name, reach_word(name)) for name in REACHES]
        self.fields["discoverability"].choices = reaches  # type: ignore[attr-defined]

    @property
    def brought(self) -> str:
        """The upload that was brought piece by piece, the last one chosen; empty where the file comes with the form."""
        named: list[str] = self.data.getlist("uploads") if self.is_bound else []  # type: ignore[attr-defined]
        return named[-1] if named else ""

    def clean(self) -> dict[str, Any]:
        """A file is needed, by one way or the other."""
        told: dict[str, Any] = super().clean() or {}
        if not told.get("file") and not self.brought:
            self.add_error("file", _("Choose a file."))
        return told


class ReadingForm(Form):
    """How a CSV is written."""

    schema = forms.ChoiceField()
    encoding = forms.ChoiceField()
    delimiter = forms.ChoiceField()
    dates = forms.CharField(max_length=120, required=False, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = language_now()
        self.fields["schema"].label = _("What is a row?")
        self.fields["encoding"].label = _("Encoding")
        self.fields["delimiter"].label = _("Between the cells")
        self.fields["dates"].label = _("How dates are written")
        self.fields["dates"].help_text = _("Several ways divided by commas, tried in this order: DD/MM/YYYY, YYYY")
        schemata = [(name, schema_label(name, language)) for name in labelled_schemata()]
        self.fields["schema"].choices = schemata  # type: ignore[attr-defined]
        encodings = [("utf-8", "UTF-8"), ("utf-8-bom", "UTF-8 (BOM)"), ("cp1256", "Windows-1256")]
        self.fields["encoding"].choices = encodings  # type: ignore[attr-defined]
        marks = [(",", ","), (";", ";"), ("\t", _("tab")), ("|", "|")]
        self.fields["delimiter"].choices = marks  # type: ignore[attr-defined]


def form_words() -> dict[str, str]:
    """What each form of file is called."""
    return {
        "un": _("UN Security Council Consolidated List (XML)"),
        "ofac-csv": _("OFAC SDN list (CSV)"),
        "ofac-xml": _("OFAC list (XML)"),
        "ftm": _("FollowTheMoney entities (JSON lines)"),
        "csv": pgettext("file", "CSV with columns of its own"),
    }


def property_choices(schema: str) -> list[tuple[str, str]]:
    """The properties that a column can mean, by their words."""
    language = language_now()
    found = model().get(schema)
    named = (
        [] if found is None else [p.name for p in found.properties.values() if not p.stub and p.type.name != "entity"]
    )
    return sorted(((name, property_label(name, language)) for name in named), key=lambda pair: pair[1])


def mapping_of(form: ReadingForm, heads: Sequence[str], given: Any) -> dict[str, Any]:
    """The mapping that the page says, as a mapping file would; what no property is chosen for is passed over."""
    told = form.cleaned_data
    chosen = {head: given.get(f"column-{place}", "") for place, head in enumerate(heads)}
    mapping: dict[str, Any] = {
        "schema": told["schema"],
        "encoding": told["encoding"],
        "delimiter": told["delimiter"],
        "key": given.get("key", ""),
        "columns": {head: prop for head, prop in chosen.items() if prop},
        "ignore": [head for head, prop in chosen.items() if not prop],
    }
    if dates := [part.strip() for part in told["dates"].split(",") if part.strip()]:
        mapping["dates"] = dates
    return mapping
