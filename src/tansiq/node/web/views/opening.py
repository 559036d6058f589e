"""Opening a dossier of any kind by a guided form: whom it goes to, what it says, under which conditions, checked before it is signed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from tansiq.engine.errors import Rejected, TansiqError
from tansiq.engine.kinds.registry import kind
from tansiq.node.flows import act as flow
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.opening import PLACES, OpeningForm
from tansiq.node.web.forms.starts import start_of
from tansiq.node.web.refusals import tell_in_form
from tansiq.node.web.several import ask_each, consider_each
from tansiq.node.web.views.acting import done

if TYPE_CHECKING:
    from tansiq.engine.dossiers.kind import Kind
    from tansiq.node.accounts.models import Officer

OWN_PAGES = {"request": "dossiers_new"}
"""Kinds whose opening has a page of its own."""
BY_OTHER_MEANS = frozenset({"accord", "deconfliction"})
"""Kinds that no form opens: terms are proposed as a whole, by ``tansiq accord propose``; that plans meet is said by a machine."""


@for_officers
def opening(request: HttpRequest, officer: Officer, now: datetime, kind_name: str) -> HttpResponse:
    """The guided opening of a dossier of this kind: checked, kept as a draft, or signed and sent."""
    if kind_name in OWN_PAGES:
        return redirect(f"{reverse(OWN_PAGES[kind_name])}?{request.GET.urlencode()}")
    rules = _openable(kind_name)
    start = start_of(officer, kind_name, request.GET)
    form = OpeningForm(rules, start, request.POST or None).attached(officer, request, now)
    answer, considered = _asked(request, officer, form, now)
    if answer is not None:
        return answer
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "web/dossiers/considered.html", {"considered": considered, "form": form})
    context = {
        "form": form,
        "kind": kind_name,
        "act": rules.opening_act,
        "about": words.help_text(kind_name, "/opening"),
        "address": _address(kind_name, request),
        "considered": considered,
    }
    return render(request, "web/dossiers/opening.html", context, status=400 if form.errors else 200)


def _openable(kind_name: str) -> Kind:
    try:
        rules = kind(kind_name)
    except Rejected as error:
        raise Http404 from error
    if kind_name in BY_OTHER_MEANS:
        raise Http404
    return rules


def _address(kind_name: str, request: HttpRequest) -> str:
    """This page with what it was opened from, so that a check forgets nothing of it."""
    told = urlencode([(name, value) for name, values in request.GET.lists() for value in values])
    return f"{reverse('dossiers_open', args=[kind_name])}{'?' if told else ''}{told}"


def _asked(
    request: HttpRequest, officer: Officer, form: OpeningForm, now: datetime
) -> tuple[HttpResponse | None, list[dict[str, Any]]]:
    """What the officer asked of the form: another shape, to keep it, to send it, or to say what would come of it."""
    if form.is_reshaped:
        form.leave_unchecked()
        return None, []
    if not form.is_bound or (not form.is_valid() and not form.audience):
        return None, []
    considered: list[dict[str, Any]] = []
    try:
        intent = form.intent()
        if request.POST.get("do") == "keep":
            return _kept(request, flow.keep(officer, intent, now=now, draft_id=form.start.draft)), []
        considered = consider_each(officer, intent, now=now)
        if request.POST.get("do") == "send":
            form.tell_missing(considered[0]["raw"].missing)
            if form.is_valid():
                return done(request, ask_each(officer, intent, now=now, draft_id=form.start.draft)), considered
    except TansiqError as error:
        tell_in_form(
            form, error, {**PLACES, **{f"/codes/{name.removeprefix('code_')}": name for name in form.code_fields}}
        )
    return None, considered


def _kept(request: HttpRequest, draft_id: str) -> HttpResponse:
    messages.success(request, _("Kept as a draft. Nothing was sent."))
    return redirect("dossiers_draft", draft_id=draft_id)
