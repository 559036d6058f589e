"""What is asked before a copy is printed: what for, why, in which language, how many, and which entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.engine.formats.ids import LANGUAGES
from tansiq.node.flows.printing import MAX_COPIES, MAX_REASON
from tansiq.node.web import words
from tansiq.node.web.forms.fields import Form, listed
from tansiq.node.web.forms.parts import language_name
from tansiq.node.web.languages import language_now

if TYPE_CHECKING:
    from tansiq.node.dossiers.models import Dossier

PLACES = {f"/{name}": name for name in ("purpose", "reason", "copies", "language", "entry")}


class PrintForm(Form):
    """Nothing is printed without a purpose and a reason."""

    purpose = forms.ChoiceField()
    reason = forms.CharField(max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 2}))
    entry = forms.ChoiceField(required=False)
    language = forms.ChoiceField()
    copies = forms.IntegerField(min_value=1, max_value=MAX_COPIES, initial=1)

    def __init__(self, *args: Any, dossier: Dossier, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("language", language_now())
        own = {
            "purpose": (_("What for"), _("Stands on every sheet. The accord is asked whether it permits this use.")),
            "reason": (_("Why it was printed"), _("Stays in the log and on the copy.")),
            "entry": (_("What is printed"), ""),
            "language": (_("Language of the print"), _("What was written stays in its own language.")),
            "copies": (_("Number of copies"), _("Each copy has a number of its own and can be called back.")),
        }
        for name, (label, help_text) in own.items():
            self.fields[name].label, self.fields[name].help_text = label, help_text
        self._offer("purpose", listed("purposes", empty=_("Choose")))
        self._offer("language", [(code, language_name(code)) for code in LANGUAGES])
        rows = dossier.entries.values_list("entry_id", "act", "at", "author")
        entries = [
            (entry, f"{words.act_label(dossier.kind, act)} – {author} – {at:%Y-%m-%d}")
            for entry, act, at, author in rows
        ]
        self._offer("entry", [("", _("the whole dossier")), *entries])

    def _offer(self, name: str, choices: list[Any]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def told(self) -> dict[str, Any]:
        """What ``flows.printing.print_dossier`` takes."""
        return dict(self.cleaned_data)
