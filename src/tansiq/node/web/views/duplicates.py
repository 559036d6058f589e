"""Records that may be one: the queue, two records side by side, an officer's judgement, and its undoing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from tansiq.engine.errors import TansiqError
from tansiq.engine.formats.ids import is_id
from tansiq.node.register import actions, duplicates, policy
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.judgement import JudgementForm, UndoForm
from tansiq.node.web.pages.duplicates import pair_shown, pairs_shown
from tansiq.node.web.refusals import tell_in_form

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


def _after(value: str | None) -> str | None:
    return value if value and is_id(value) else None


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """Pairs on which nobody has judged yet, a bounded part of the register at a time."""
    found = duplicates.possible_duplicates(officer, after=_after(request.GET.get("after")))
    context = {"pairs": pairs_shown(found.pairs), "looked_at": found.looked_at, "next_after": found.next_after}
    return render(request, "web/register/duplicates.html", context | {"after": _after(request.GET.get("after")) or ""})


@for_officers
def pair(request: HttpRequest, officer: Officer, now: datetime, left: str, right: str) -> HttpResponse:
    """Two records side by side; both looks are recorded."""
    return _pair(request, officer, left, right, now=now)


def _pair(
    request: HttpRequest,
    officer: Officer,
    left: str,
    right: str,
    *,
    now: datetime,
    form: JudgementForm | None = None,
    undo: UndoForm | None = None,
) -> HttpResponse:
    first, second, match = duplicates.get_pair_for(officer, left, right)
    for row in (first, second):
        actions.note_read(officer, row, purpose="duplicates", now=now)
    standing = duplicates.standing_judgement(first, second)
    may_judge = policy.may_write(officer, first) and policy.may_write(officer, second)
    context: dict[str, Any] = {
        "pair": pair_shown(officer, first, second, match),
        "judgement": standing,
        "may_judge": may_judge,
        "form": form or JudgementForm(),
        "undo": undo or UndoForm(),
        "after": _after(request.GET.get("after") or request.POST.get("after")) or "",
    }
    is_wrong = bool((form and form.errors) or (undo and undo.errors))
    return render(request, "web/register/pair.html", context, status=400 if is_wrong else 200)


@require_POST
@for_officers
def judge(request: HttpRequest, officer: Officer, now: datetime, left: str, right: str) -> HttpResponse:
    """An officer's word on two records; then back to the queue, where it can be taken back."""
    form = JudgementForm(request.POST)
    if form.is_valid():
        try:
            actions.judge(
                officer, left, right, verdict=form.cleaned_data["verdict"], reason=form.cleaned_data["reason"], now=now
            )
            after = _after(request.POST.get("after"))
            return redirect(f"{reverse('register_pair', args=[left, right])}?{urlencode({'after': after or ''})}")
        except TansiqError as error:
            tell_in_form(form, error)
    return _pair(request, officer, left, right, now=now, form=form)


@require_POST
@for_officers
def undo(request: HttpRequest, officer: Officer, now: datetime, left: str, right: str) -> HttpResponse:
    """Take a judgement back; that it was made stays known."""
    form = UndoForm(request.POST)
    first, second, _ = duplicates.get_pair_for(officer, left, right)
    standing = duplicates.standing_judgement(first, second)
    if form.is_valid() and standing is not None:
        try:
            actions.undo_judgement(officer, standing.judgement_id, reason=form.cleaned_data["reason"], now=now)
            return redirect("register_pair", left, right)
        except TansiqError as error:
            tell_in_form(form, error)
    return _pair(request, officer, left, right, now=now, undo=form)
