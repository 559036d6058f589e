"""One block of a form each: the fields for one part of an entry, and the part that is made of what was written into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _

from tansiq.engine.dossiers.parts import Grading, Part
from tansiq.engine.entities.labels import property_label, schema_label
from tansiq.node.web import words
from tansiq.node.web.forms.fields import LEFT_TO_RIGHT, country_choices, lines, listed
from tansiq.node.web.languages import language_now

if TYPE_CHECKING:
    from tansiq.node.web.forms.blocks import BlocksForm

SCHEMES: Final = ("4x4", "6x6", "3x5x2")
COUNTRIES: Final = frozenset({"nationality", "country", "flag", "issuingCountry", "jurisdiction"})
MANY: Final = frozenset({"name", "alias", "phone", "address", "description"})
PROPERTIES: Final[Mapping[str, tuple[str, ...]]] = {
    "Person": ("name", "alias", "birthDate", "birthPlace", "nationality", "passportNumber", "idNumber", "phone"),
    "Organization": ("name", "alias", "country", "registrationNumber", "address", "phone"),
    "Company": ("name", "alias", "jurisdiction", "registrationNumber", "address", "phone"),
    "Vehicle": ("registrationNumber", "type", "model", "country", "description"),
    "Vessel": ("name", "imoNumber", "mmsi", "callSign", "flag", "description"),
    "Airplane": ("registrationNumber", "serialNumber", "type", "country", "description"),
    "BankAccount": ("iban", "accountNumber", "country", "description"),
    "CryptoWallet": ("name", "description"),
    "TravelDocument": ("number", "issuingCountry", "issuingAuthority", "description"),
    "Firearm": ("serialNumber", "make", "calibre", "description"),
    "PhoneLine": ("number", "imsi", "description"),
    "PhoneDevice": ("imei", "make", "description"),
}
"""What a form asks of each schema, in this order; whatever else is known stands in words."""


class Block:
    """One block of a form: adds its fields under ``b<place>_…`` and makes its part of what was written into them."""

    type = ""

    def __init__(self, form: BlocksForm, place: int, detail: str) -> None:
        self.form, self.place, self.detail = form, place, detail
        self.names: list[str] = []
        self.add_fields()
        if form.is_graded(self.type):
            self._add_grading()

    def add_fields(self) -> None:
        """Add the fields of this type."""
        raise NotImplementedError

    def made(self) -> Part | None:
        """The part; None while nothing is written."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """What the block is called."""
        return words.list_label("part_types", self.type)

    @property
    def heading(self) -> str:
        """Its title on the page, counted where several blocks have the same: each heading and each button is told from the next."""
        same = [block.place for block in self.form.all_blocks if block.title == self.title]
        return f"{self.title} {same.index(self.place) + 1}" if len(same) > 1 else self.title

    @property
    def help(self) -> str:
        """What the kind says about it."""
        at = f"/parts/{self.type}/{self.detail}" if self.detail else f"/parts/{self.type}"
        return words.help_text(self.form.rules.name, at)

    @property
    def bound(self) -> list[BoundField]:
        """Its fields, for the page."""
        return [self.form[name] for name in self.names]

    @property
    def anchor(self) -> str:
        """The id of its heading on the page."""
        return f"b{self.place}"

    @property
    def drop(self) -> str:
        """The value of the button that leaves it out."""
        return f"drop:{self.place}"

    def key(self, name: str) -> str:
        """The name of one of its fields in the form."""
        return f"b{self.place}_{name}"

    def told(self, name: str) -> Any:
        """What was written into one of its fields."""
        given = self.form.cleaned_data.get(self.key(name), "")
        return given.strip() if isinstance(given, str) else given

    def add(self, name: str, made: forms.Field, label: str, help_text: str = "", *, is_needed: bool = False) -> None:
        """Add one field."""
        made.label, made.help_text, made.required = label, help_text, False
        made.is_needed = is_needed  # type: ignore[attr-defined]
        self.form.fields[self.key(name)] = made
        self.names.append(self.key(name))

    def _add_grading(self) -> None:
        for axis, label in (("source", _("Grade of the source")), ("information", _("Grade of the information"))):
            choices = [
                (
                    scheme,
                    [(f"{scheme}:{code}", f"{code} – {said}") for code, said in listed(f"grading_{scheme}_{axis}")],
                )
                for scheme in SCHEMES
            ]
            told = _("Never who the source is.") if axis == "source" else _("By the same scheme as the source.")
            self.add(
                f"grade_{axis}", forms.ChoiceField(choices=[("", _("Choose")), *choices]), label, told, is_needed=True
            )

    def grading(self) -> Grading | None:
        """The grades as chosen; None while one is missing. Two schemes in one grading are told at the second."""
        source, information = (str(self.told(f"grade_{axis}") or "") for axis in ("source", "information"))
        if not (source and information):
            return None
        scheme, _colon, first = source.partition(":")
        other, _colon, second = information.partition(":")
        if scheme != other:
            self.form.add_error(self.key("grade_information"), _("Grade source and information by one scheme."))
            return None
        return Grading(scheme, first, second)  # type: ignore[arg-type]


class NarrativeBlock(Block):
    """Words about one topic."""

    type = "narrative"

    @property
    def topic(self) -> str:
        return self.detail or self.form.act

    @property
    def title(self) -> str:
        return words.topic_label(self.form.rules.name, self.detail) if self.detail else super().title

    def add_fields(self) -> None:
        field = forms.CharField(max_length=20_000, widget=forms.Textarea(attrs={"rows": 5}))
        is_needed = f"/parts/narrative/{self.detail}" in self.form.always_needed or (
            self.place == 0 and "/parts/narrative" in self.form.always_needed
        )
        self.add("text", field, self.title if self.detail else _("In words"), self.help, is_needed=is_needed)

    def made(self) -> Part | None:
        text = self.told("text")
        if not text:
            return None
        return self.form.part("narrative", {"topic": self.topic, "text": text}, grading=self.grading())


class SubjectBlock(Block):
    """A person, an organisation or a thing."""

    type = "subject"

    @property
    def title(self) -> str:
        return schema_label(self.detail, language_now())

    @property
    def help(self) -> str:
        return words.help_text(self.form.rules.name, "/parts/subject")

    def add_fields(self) -> None:
        for prop in PROPERTIES[self.detail]:
            label = property_label(prop, language_now())
            if prop in COUNTRIES:
                self.add(prop, forms.ChoiceField(choices=country_choices(empty=_("not known"))), label)
            elif prop in MANY:
                widget = forms.Textarea(attrs={"rows": 2})
                several = _("As it stands in your source; another spelling on a line of its own.")
                told = several if prop in ("name", "alias") else ""
                self.add(prop, forms.CharField(max_length=2000, widget=widget), label, told)
            else:
                told = _("As far as it is known: 1984, 1984-03 or 1984-03-17.") if prop == "birthDate" else ""
                field = forms.CharField(max_length=200, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))
                self.add(prop, field, label, told)
        if self.detail == "Person":
            self._add_protection()

    def _add_protection(self) -> None:
        capacity = forms.ChoiceField(choices=listed("data_subject_categories", empty=_("Choose")))
        told = _("The law asks for it whenever a person is named.")
        self.add("category", capacity, _("In which capacity"), told, is_needed=True)
        flags = forms.MultipleChoiceField(choices=listed("person_flags"), widget=forms.CheckboxSelectMultiple)
        flags.in_columns = True  # type: ignore[attr-defined]
        self.add("flags", flags, _("Protected"), _("Tick what applies: the accord may ask for an approval."))

    def made(self) -> Part | None:
        given = {prop: lines(str(self.told(prop) or "")) for prop in PROPERTIES[self.detail]}
        properties = {prop: list(values) for prop, values in given.items() if values}
        if not properties:
            return None
        more: dict[str, Any] = {"grading": self.grading()}
        if self.detail == "Person":
            if not self.told("category"):
                self.form.add_error(self.key("category"), _("Say in which capacity this person is named."))
                return None
            more |= {"category": self.told("category"), "flags": tuple(sorted(self.told("flags") or ()))}
        return self.form.part("subject", {"schema": self.detail, "properties": properties}, **more)


class LocationBlock(Block):
    """A place by name, by position, or both."""

    type = "location"

    def add_fields(self) -> None:
        self.add("place", forms.CharField(max_length=500), _("Place"))
        for name, label, most in (("latitude", _("Latitude"), 90), ("longitude", _("Longitude"), 180)):
            widget = forms.TextInput(attrs={**LEFT_TO_RIGHT, "inputmode": "decimal"})
            field = forms.DecimalField(min_value=-most, max_value=most, max_digits=11, decimal_places=7, widget=widget)
            self.add(name, field, label, _("In degrees: 35.7806"))

    def made(self) -> Part | None:
        place, north, east = self.told("place"), self.told("latitude"), self.told("longitude")
        if not place and north in (None, "") and east in (None, ""):
            return None
        if (north in (None, "")) != (east in (None, "")):
            self.form.add_error(self.key("longitude"), _("Latitude and longitude go together."))
            return None
        content: dict[str, Any] = {"name": place} if place else {}
        if north not in (None, ""):
            content |= {"latitude_e7": int(north * 10**7), "longitude_e7": int(east * 10**7)}
        return self.form.part("location", content, grading=self.grading())


BLOCKS: Final[dict[str, Callable[[Any, int, str], Block]]] = {
    "narrative": NarrativeBlock,
    "subject": SubjectBlock,
    "location": LocationBlock,
}
"""The types of parts that a form can make. A new type of part is one class more here."""
