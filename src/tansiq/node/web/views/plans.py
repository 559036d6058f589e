"""Plans: where officers say what they are about to do, so that no other unit does it beside them unknowingly."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.place import PlaceForm
from tansiq.node.web.pages.place import place_told

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


@require_POST
@for_officers
def place(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """What was drawn or typed so far, in words and for the map; nothing of it is kept."""
    return render(request, "web/parts/place_told.html", {"told": place_told(PlaceForm(request.POST))})
