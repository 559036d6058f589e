"""How an officer reads dates and times: calendar, digits, zone."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.node.web.forms.fields import Form


class WritingForm(Form):
    """Deadlines are computed in Gregorian UTC whatever is chosen here."""

    calendar = forms.ChoiceField()
    digits = forms.ChoiceField()
    time_zone = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = {
            "calendar": (_("Beside Gregorian dates"), _("Deadlines are always computed in the Gregorian calendar.")),
            "digits": (_("Digits of dates and times"), _("Numbers of documents and times in UTC stay as they are.")),
            "time_zone": (_("Time zone"), _("UTC always stands beside it.")),
        }
        for name, (label, help_text) in own.items():
            self.fields[name].label, self.fields[name].help_text = label, help_text
        calendars = {
            "gregorian": pgettext("calendar", "nothing"),
            "hijri": pgettext("calendar", "Hijri (Umm al-Qura)"),
            "solar": pgettext("calendar", "Solar Hijri"),
        }
        zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
        of_the_node = _("that of the node (%(zone)s)") % {"zone": settings.NODE.time_zone}
        self._offer("calendar", list(calendars.items()))
        self._offer("digits", [("latn", "0123456789"), ("arab", "٠١٢٣٤٥٦٧٨٩"), ("arabext", "۰۱۲۳۴۵۶۷۸۹")])
        self._offer("time_zone", [("", of_the_node), *((zone, zone) for zone in zones)])

    def _offer(self, name: str, choices: list[Any]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]
