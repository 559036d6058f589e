"""What of the register is due for review, and the decisions about it: one by one and several at once, asked once more."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from tansiq.engine.errors import TansiqError
from tansiq.node.flows import erasing
from tansiq.node.register import queries, reviewing
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.review import ReviewForm
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.review import chosen_shown, due_shown
from tansiq.node.web.pages.subject import verdict_words
from tansiq.node.web.refusals import tell_in_form
from tansiq.node.wording import explain

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


@for_officers
def queue(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """The records that wait for a decision, the longest overdue first."""
    return _queue(request, officer, ReviewForm(), now)


@require_POST
@for_officers
def decide(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Ask once more, naming every record, and then decide."""
    chosen = request.POST.getlist("subject")
    form = ReviewForm(request.POST)
    if not chosen:
        form.add_error(None, _("Choose at least one record."))
    if not form.is_valid():
        return _queue(request, officer, form, now, chosen)
    try:
        decision = form.decision.check(now)
        if request.POST.get("do") != "decide":
            word = verdict_words()[decision.verdict]
            context = {"form": form, "chosen": chosen_shown(officer, chosen), "decision": decision, "word": word}
            return render(request, "web/register/review_confirm.html", context)
        outcomes = reviewing.decide_all(officer, chosen, decision, now=now, one=erasing.decide_review)
    except TansiqError as error:
        tell_in_form(form, error)
        return _queue(request, officer, form, now, chosen)
    _tell(request, outcomes)
    return redirect("register_review")


@require_POST
@for_officers
def lift(request: HttpRequest, officer: Officer, now: datetime, subject_id: str) -> HttpResponse:
    """Lift the restriction of a record; it is due for review at once."""
    reviewing.lift_restriction(officer, subject_id, reason=request.POST.get("reason", ""), now=now)
    messages.success(request, _("The restriction is lifted. The record is due for review now."))
    return redirect("register_subject", subject_id=subject_id)


def _queue(
    request: HttpRequest, officer: Officer, form: ReviewForm, now: datetime, chosen: list[str] | None = None
) -> HttpResponse:
    circle = request.GET.get("circle")
    context = {
        "rows": due_shown(officer, now, circle=circle),
        "count": queries.count_due(officer, now),
        "circle": circle,
        "circles": sorted(officer.circles),
        "form": form,
        "chosen": set(chosen or []),
    }
    return render(request, "web/register/review.html", context, status=400 if form.errors else 200)


def _tell(request: HttpRequest, outcomes: dict[str, Any]) -> None:
    refused = [error for error in outcomes.values() if error is not None]
    done = len(outcomes) - len(refused)
    if done:
        text = ngettext("Decided about %(count)d record.", "Decided about %(count)d records.", done)
        messages.success(request, text % {"count": done})
    for sentence in dict.fromkeys(explain(error, language_now(), isolate=True) for error in refused):
        messages.error(request, sentence)
