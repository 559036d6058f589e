"""The figures of a period: as tables, as a chart of the same, and as a file."""

from __future__ import annotations

import csv
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tansiq.node.accounts import policy as roles
from tansiq.node.dossiers.policy import COUNTING_ROLES
from tansiq.node.dossiers.statistics import Figures, figures
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.statistics import Period, period_of
from tansiq.node.web.pages.statistics import chart_of, grounds_shown, kinds_shown, totals_of

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

COLUMNS = ("total", "urgent", "answered", "refused", "withdrawn", "open", "overdue")


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """What was sent and received, answered, refused and why, and is late, from the first to the last day of a period."""
    roles.require(officer.roles, "statistics")
    period = period_of(request.GET, now)
    found = figures(officer, begins=period.begins_at, ends=period.ends_at, now=now)
    if request.GET.get("form") == "csv":
        return _file(found, period)
    context = {
        "period": period,
        "figures": found,
        "totals": totals_of(found.requests),
        "grounds": grounds_shown(found.grounds),
        "kinds": kinds_shown(found.kinds),
        "chart": chart_of(found.requests),
        "years": range(now.year, now.year - 4, -1),
        "is_whole": bool(COUNTING_ROLES & set(officer.roles)),
    }
    return render(request, "web/statistics/index.html", context)


def _file(found: Figures, period: Period) -> HttpResponse:
    """Codes and counts only, one figure a line, so that years can be put below each other."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="statistics-{period.first}-{period.last}.csv"'
    out = csv.writer(answer)
    out.writerow(["from", "to", "figure", "kind", "direction", "partner", "code", "count"])
    days = [period.first.isoformat(), period.last.isoformat()]
    for line in found.requests:
        counts = asdict(line)
        for name in COLUMNS:
            out.writerow([*days, name, "request", line.direction, line.partner, "", counts[name]])
    for one in found.grounds:
        out.writerow([*days, one.act, "request", one.direction, one.partner, one.ground, one.count])
    for kind in found.kinds:
        out.writerow([*days, "opened", kind.kind, "sent", "", "", kind.sent])
        out.writerow([*days, "opened", kind.kind, "received", "", "", kind.received])
    return answer
