"""Data-subject requests, for the data-protection officer: registered, looked for, decided thing by thing, answered on paper."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.engine.errors import Rejected, TansiqError
from tansiq.engine.formats.ids import LANGUAGES
from tansiq.node.accounts.policy import require
from tansiq.node.flows import claims
from tansiq.node.rights import actions, queries
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.rights import ClaimForm
from tansiq.node.web.pages.rights import claim_line, claim_shown
from tansiq.node.web.printing import render_answer
from tansiq.node.web.refusals import tell_in_form

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """The requests that are not answered, the first due first, and a form for a new one."""
    require(officer.roles, "claims")
    form = ClaimForm(request.POST or None, initial={"received": now.date().isoformat()})
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.receive(officer, **form.told(), now=now)
        except TansiqError as error:
            tell_in_form(form, error)
        else:
            messages.success(request, _("The request is registered. Note how the identity was checked, then look."))
            return redirect("rights_show", claim_id=str(made.pk))
    context = {
        "rows": [claim_line(row) for row in queries.claims_for(officer)],
        "answered": [claim_line(row) for row in queries.claims_for(officer, is_open=False)],
        "form": form,
    }
    return render(request, "web/rights/index.html", context, status=400 if form.errors else 200)


@for_officers
def show(request: HttpRequest, officer: Officer, now: datetime, claim_id: str) -> HttpResponse:
    """One request: who asks, what was found, what is decided. That it was read is recorded."""
    claim = queries.get_claim_for(officer, claim_id)
    actions.note_read(officer, claim, now=now)
    context = {"claim": claim_shown(officer, claim), "names": words.node_names(), "grounds": _grounds()}
    return render(request, "web/rights/show.html", context)


def _grounds() -> list[tuple[str, str]]:
    return words.list_choices("rights_grounds")


@require_POST
@for_officers
def identify(request: HttpRequest, officer: Officer, now: datetime, claim_id: str) -> HttpResponse:
    """Note how the identity was checked."""
    actions.identify(officer, claim_id, how=request.POST.get("how", ""), now=now)
    messages.success(request, _("How the identity was checked is noted."))
    return redirect("rights_show", claim_id=claim_id)


@require_POST
@for_officers
def look(request: HttpRequest, officer: Officer, now: datetime, claim_id: str) -> HttpResponse:
    """Search everything that this node holds."""
    claims.look(officer, claim_id, now=now)
    messages.success(request, _("The register was searched. Our own entries are being gone through."))
    return redirect("rights_show", claim_id=claim_id)


@require_POST
@for_officers
def holding(request: HttpRequest, officer: Officer, now: datetime, claim_id: str, holding_id: int) -> HttpResponse:
    """One thing that was found: whose it is, what its originator says, what shall be done, that it was done."""
    given, known = request.POST, str(holding_id)
    do = given.get("do", "")
    if do in {"theirs", "another"}:
        actions.judge(officer, claim_id, known, verdict=do, now=now)
    elif do == "consult":
        claims.consult(officer, claim_id, known, now=now)
        messages.success(
            request, _("A draft to the originator lies on the desk of its circle: an officer signs and sends it.")
        )
    elif do == "note":
        actions.note_originator(
            officer, claim_id, known, says=given.get("says", ""), note=given.get("note", ""), now=now
        )
    elif do == "done":
        claims.rectified(officer, claim_id, known, now=now)
    else:
        measure, ground = given.get("measure", ""), given.get("ground", "")
        claims.choose(officer, claim_id, known, measure=measure, ground=ground, now=now)
    return redirect(f"{request.path.partition('/holdings/')[0]}/#holding-{known}")


@require_POST
@for_officers
def decide(request: HttpRequest, officer: Officer, now: datetime, claim_id: str) -> HttpResponse:
    """Decide the request and carry it out."""
    outcome, reason = request.POST.get("outcome", ""), request.POST.get("reason", "")
    claims.decide(officer, claim_id, outcome=outcome, reason=reason, now=now)
    messages.success(request, _("Decided. What others must do lies on their desks."))
    return redirect("rights_show", claim_id=claim_id)


@require_POST
@for_officers
def answer(request: HttpRequest, officer: Officer, now: datetime, claim_id: str) -> HttpResponse:
    """The answer as a PDF in the language of the person; its digest is recorded, the file is not kept."""
    claim, told = claims.to_answer(officer, claim_id)
    language = request.POST.get("language", "")
    if language not in LANGUAGES:
        raise Rejected("print.language", at="/language", known=list(LANGUAGES))
    raw = render_answer(claim, told, officer=officer, language=language, now=now)
    actions.answer(officer, claim_id, digest=hashlib.sha256(raw).hexdigest(), language=language, now=now)
    made = HttpResponse(raw, content_type="application/pdf")
    made["Content-Disposition"] = f'attachment; filename="answer-{claim_id[:8]}.pdf"'
    return made
