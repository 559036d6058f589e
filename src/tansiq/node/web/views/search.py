"""One search box over the own register and the partners."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from tansiq.engine.errors import TansiqError
from tansiq.node.flows import searching
from tansiq.node.search import queries
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.search import SearchForm
from tansiq.node.web.pages.search import answers_shown, asked_in_words, considered_shown, found_shown
from tansiq.node.web.refusals import tell_in_form

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

RECENT = 10
YOUNG = timedelta(seconds=2)


@for_officers
def ask(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """The form; sent, it asks the register at once and the partners through their accords."""
    form = SearchForm(request.POST or None, initial={"names": request.GET.get("q", ""), "schema": "Person"})
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        asked = {"purpose": told["purpose"], "crime_area": told["crime_area"], "ask": told["partners"]}
        asked |= {"blindly": told["blindly"], "now": now}
        try:
            if request.POST.get("do") == "check":
                return _show(request, officer, form, considered_shown(searching.consider(officer, form.asked, **asked)))
            made = searching.search(officer, form.asked, **asked, reference=told["reference"])
            return redirect("search_result", search_id=made.search_id)
        except TansiqError as error:
            tell_in_form(form, error)
    return _show(request, officer, form)


def _show(
    request: HttpRequest, officer: Officer, form: SearchForm, considered: list[dict[str, Any]] | None = None
) -> HttpResponse:
    recent = [(row, asked_in_words(row)) for row in queries.searches_for(officer)[:RECENT]]
    context = {"form": form, "recent": recent, "considered": considered}
    return render(request, "web/search/search.html", context, status=400 if form.errors else 200)


@for_officers
def result(request: HttpRequest, officer: Officer, now: datetime, search_id: str) -> HttpResponse:
    """What was found here, and what partners answered so far; asked by htmx, only the answers.

    An answer comes within a blink or not soon: the page asks often for two seconds and then once a second.
    """
    found = queries.get_search_for(officer, search_id)
    context = {"search": found, "answers": answers_shown(found), "is_complete": queries.is_complete(found)}
    context["is_young"] = now - found.asked_at < YOUNG
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "web/search/answers.html", context)
    context |= {"found": found_shown(found), "asked": asked_in_words(found)}
    return render(request, "web/search/result.html", context)
