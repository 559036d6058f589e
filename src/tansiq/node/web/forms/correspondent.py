"""The form in which a correspondent without a node is added or changed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.node.web.forms.fields import LEFT_TO_RIGHT, Form, country_choices, listed
from tansiq.node.web.forms.parts import LANGUAGES, language_name

PLACES = {f"/{name}": name for name in ("party", "name", "state", "channel")}


class CorrespondentForm(Form):
    """A name, a State and the usual channel are enough; the id is made of them where none is given."""

    name = forms.CharField(max_length=200)
    state = forms.ChoiceField()
    channel = forms.ChoiceField()
    party = forms.CharField(required=False, max_length=100, widget=forms.TextInput(attrs=LEFT_TO_RIGHT))
    contact = forms.CharField(required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    languages = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    is_active = forms.BooleanField(required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own: Mapping[str, tuple[str, str]] = {
            "name": (_("Authority"), _("As it calls itself.")),
            "state": (_("State"), ""),
            "channel": (_("Usual channel"), ""),
            "party": (_("Short id"), _("Leave it empty: it is made of State and name. ext:es-fiscalia-cadiz")),
            "contact": (_("Contact"), _("Address, numbers, whom to ask for. Stays on this node.")),
            "languages": (_("Languages"), ""),
            "is_active": (_("In use"), _("Without it, it is offered no more; what was exchanged stays.")),
        }
        for name, (label, help_text) in own.items():
            self.fields[name].label, self.fields[name].help_text = label, help_text
        self._offer("state", country_choices(empty=_("Choose")))
        self._offer("channel", listed("correspondence_channels", empty=_("Choose")))
        self._offer("languages", [(code, language_name(code)) for code in LANGUAGES])

    def _offer(self, name: str, choices: list[Any]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def told(self) -> dict[str, Any]:
        """What ``partners.actions.keep_correspondent`` takes."""
        given = self.cleaned_data
        return {**given, "party": given["party"].strip() or _party(given["state"], given["name"])}


def _party(state: str, name: str) -> str:
    """An id made of State and name: its Latin letters and digits, four words at most."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = [word[:30] for word in re.findall(r"[a-z0-9]+", plain)][:4]
    return f"ext:{state.lower()}-{'-'.join(words) or 'authority'}"
