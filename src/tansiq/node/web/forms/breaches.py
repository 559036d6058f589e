"""A breach of personal data as it is written down, and what is noted of it afterwards."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tansiq.node.flows import breaches as flow
from tansiq.node.partners.queries import ids
from tansiq.node.rights.breaches import Told
from tansiq.node.rights.steps import MAX_TEXT
from tansiq.node.web import words
from tansiq.node.web.forms.fields import Form
from tansiq.node.web.forms.times import moment_field
from tansiq.node.web.pages.breaches import nature_words, risk_words

MOST = 10_000_000


def _area(*, required: bool = True) -> forms.CharField:
    return forms.CharField(max_length=MAX_TEXT, required=required, widget=forms.Textarea(attrs={"rows": 3}))


def _count() -> forms.IntegerField:
    return forms.IntegerField(min_value=0, max_value=MOST, required=False)


class BreachForm(Form):
    """Everything that is written down when a breach becomes known."""

    known = moment_field()
    occurred = moment_field(required=False)
    natures = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    risk = forms.ChoiceField(widget=forms.RadioSelect)
    happened, consequences, measures = _area(), _area(), _area()
    persons, records = _count(), _count()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = {
            "known": (
                _("Known since"),
                _(
                    "The 72 hours run from this moment (Directive (EU) 2016/680 art. 30). Check what the law of your State gives."
                ),
            ),
            "occurred": (_("When it happened"), _("If it is known.")),
            "natures": (_("What was breached"), ""),
            "risk": (_("Risk for the persons concerned"), ""),
            "happened": (_("What happened"), _("Partners are told this: name no person.")),
            "consequences": (_("Likely consequences"), ""),
            "measures": (_("Measures taken or proposed"), ""),
            "persons": (_("About how many persons"), ""),
            "records": (_("About how many records"), ""),
        }
        for name, (label, help_text) in told.items():
            self.fields[name].label, self.fields[name].help_text = label, help_text
        self.fields["natures"].choices = list(nature_words().items())  # type: ignore[attr-defined]
        self.fields["risk"].choices = list(risk_words().items())  # type: ignore[attr-defined]

    def told(self) -> Told:
        """The breach, as ``rights.breaches.open_breach`` takes it."""
        given = self.cleaned_data
        same = {name: given[name] for name in ("risk", "happened", "consequences", "measures", "persons", "records")}
        return Told(
            natures=tuple(given["natures"]), known_at=given["known"], happened_at=given["occurred"] or None, **same
        )


class NotedForm(Form):
    """When somebody was told, and how."""

    at = moment_field()
    note = _area()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["at"].label = _("When they were told")
        self.fields["note"].label = _("How, and under which number")
        self.fields["note"].help_text = _("Or why they need not be told. After the time limit: why it is late.")


class NoticeForm(Form):
    """Which partners are told, who signs, and what is added."""

    partners = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    circle = forms.ChoiceField()
    words = _area(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = words.node_names()
        # Also a partner that is suspended: it is told otherwise, and that is noted on its notice.
        self.fields["partners"].label = _("Partners whose data it touches, or who were given it")
        self.fields["partners"].choices = [(one, names.get(one, one)) for one in ids()]  # type: ignore[attr-defined]
        self.fields["circle"].label = _("Circle whose officer signs")
        self.fields["circle"].choices = [(one, one) for one in flow.circles()]  # type: ignore[attr-defined]
        self.fields["words"].label = _("What these partners must know besides")
