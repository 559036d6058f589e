"""What an officer writes in words and about a person, and the conditions on it: fields that become parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.engine.accords.markings import Marking
from tansiq.engine.dossiers.parts import Part
from tansiq.node.flows import exercises
from tansiq.node.web.forms.fields import LEFT_TO_RIGHT, country_choices, lines, listed
from tansiq.node.web.markings import handling_sentence, level_name, tlp_sentence

LANGUAGES = ("ar", "fr", "en", "it", "fa", "es", "de")
TLP = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")
WITHOUT_LANGUAGE = frozenset({"subject", "file", "fingerprints"})


class MarkedForm(forms.Form):
    """The conditions that stay attached to whatever the form says, and the language it is said in."""

    language = forms.ChoiceField()
    level = forms.TypedChoiceField(coerce=int)
    handling = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    handling_note = forms.CharField(required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    tlp = forms.ChoiceField(required=False)

    def word_markings(self) -> None:
        """Words and choices of the fields above, in the language of the page."""
        own = {
            "language": (_("Language of the text"), ""),
            "level": (_("Classification"), _("At most what the accord allows.")),
            "handling": (_("Handling codes"), _("They stay attached wherever this goes.")),
            "handling_note": (
                _("Other restrictions, in words"),
                _("Needed with H3: it is what the partner must observe."),
            ),
            "tlp": (_("Traffic light"), ""),
        }
        for name, (label, help_text) in own.items():
            self.fields[name].label, self.fields[name].help_text = label, help_text
        self._offer("language", [(code, language_name(code)) for code in LANGUAGES])
        self._offer("level", [(level, f"{level} – {level_name(level)}") for level in range(5)])
        self._offer("handling", [(code, f"{code}: {handling_sentence(code)}") for code in ("H0", "H1", "H2", "H3")])
        self._offer("tlp", [("", _("none")), *((tlp, f"TLP:{tlp} – {tlp_sentence(tlp)}") for tlp in TLP)])

    def _offer(self, name: str, choices: list[Any]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    @property
    def marking(self) -> Marking:
        """The conditions as they were chosen; raises Rejected("marking.…") for a combination that means nothing."""
        told = self.cleaned_data
        return Marking(
            int(told.get("level") or 0), handling=frozenset(told.get("handling", ())), tlp=told.get("tlp") or None
        )

    def part(self, kind: str, content: Mapping[str, Any], **more: Any) -> Part:
        """A part with the form's conditions and language."""
        note = self.cleaned_data.get("handling_note", "").strip() or None
        spoken = {} if kind in WITHOUT_LANGUAGE else {"language": self.cleaned_data.get("language")}
        return Part(kind, dict(content), marking=self.marking, handling_note=note, **spoken, **more)


class ExerciseForm(forms.Form):
    """Whether what is opened is an exercise; what builds on another dossier is what that one is, and there is nothing to choose."""

    exercise = forms.BooleanField(required=False)
    is_fixed_exercise: bool | None = None

    def word_exercise(self, *, builds_on: str = "") -> None:
        """Words of the field; without it where it is settled already: on a training node, or by what it builds on."""
        self.is_fixed_exercise = True if exercises.node_is_exercise() else exercises.is_exercise(builds_on)
        if self.is_fixed_exercise is not None:
            del self.fields["exercise"]
            return
        self.fields["exercise"].label = _("This is an exercise")
        self.fields["exercise"].help_text = _(
            "Signed with it and seen by every partner. Nothing in it is matched, counted or mixed with what is real."
        )

    @property
    def is_exercise(self) -> bool:
        """What stands in the opening entry."""
        chosen = self.cleaned_data.get("exercise", False) if self.is_fixed_exercise is None else self.is_fixed_exercise
        return bool(chosen)


class PersonForm(forms.Form):
    """A person whom an act speaks of: what is known, in which capacity, and what protects them."""

    name = forms.CharField(required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
    birth_date = forms.CharField(required=False, max_length=10, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))
    nationality = forms.ChoiceField(required=False)
    phone = forms.CharField(required=False, max_length=40, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))
    passport_number = forms.CharField(required=False, max_length=40, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))
    id_number = forms.CharField(required=False, max_length=40, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))
    category = forms.ChoiceField(required=False)
    flags = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    def word_person(self) -> None:
        """Words and choices of the fields above, in the language of the page."""
        own = {
            "name": (_("Name of the person"), _("As it stands in your source; another spelling on a line of its own.")),
            "birth_date": (_("Date of birth"), _("As far as it is known: 1984, 1984-03 or 1984-03-17.")),
            "nationality": (_("Nationality"), ""),
            "phone": (_("Telephone"), _("With the code of the country: +212 …")),
            "passport_number": (_("Passport number"), ""),
            "id_number": (_("National identity number"), ""),
            "category": (_("In which capacity"), _("The law asks for it whenever a person is named.")),
            "flags": (_("Protected"), _("Tick what applies: the accord may ask for an approval.")),
        }
        for name, (label, help_text) in own.items():
            self.fields[name].label, self.fields[name].help_text = label, help_text
        self.fields["nationality"].choices = country_choices(empty=_("not known"))  # type: ignore[attr-defined]
        self.fields["category"].choices = listed("data_subject_categories", empty=_("Choose"))  # type: ignore[attr-defined]
        self.fields["flags"].choices = listed("person_flags")  # type: ignore[attr-defined]

    @property
    def has_person(self) -> bool:
        """Whether anything about a person was written."""
        return bool(self.person_properties)

    @property
    def person_properties(self) -> dict[str, list[str]]:
        """What was written, as the properties of an entity."""
        told = self.cleaned_data
        given = {
            "name": lines(told.get("name", "")),
            "birthDate": lines(told.get("birth_date", "")),
            "nationality": lines(told.get("nationality", "")),
            "phone": lines(told.get("phone", "")),
            "passportNumber": lines(told.get("passport_number", "")),
            "idNumber": lines(told.get("id_number", "")),
        }
        return {name: list(values) for name, values in given.items() if values}

    def check_person(self) -> None:
        """A person needs a capacity."""
        if self.has_person and not self.cleaned_data.get("category"):
            self.add_error("category", _("Say in which capacity this person is named."))


def language_name(code: str) -> str:
    """A language by its own name, so that whoever reads it finds it."""
    own = {
        "ar": "العربية",
        "fr": "Français",
        "en": "English",
        "it": "Italiano",
        "fa": "فارسی",
        "es": "Español",
        "de": "Deutsch",
    }
    return own[code]
