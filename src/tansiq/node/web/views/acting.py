"""Acting: the guided request, any act in a dossier, drafts and approvals. Every act goes through ``flows.act``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.engine.errors import Rejected, TansiqError
from tansiq.engine.kinds.registry import kind
from tansiq.node.accounts.policy import may
from tansiq.node.dossiers import queries
from tansiq.node.dossiers.drafts import OPEN
from tansiq.node.dossiers.policy import may_approve
from tansiq.node.flows import act as flow
from tansiq.node.flows import handed_drafts
from tansiq.node.flows.intents import Intent
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.act import ActForm
from tansiq.node.web.forms.opening import WrittenActForm, is_written
from tansiq.node.web.forms.prefill import initial_of
from tansiq.node.web.forms.request import PLACES, RequestForm
from tansiq.node.web.forms.sources import derived, source_of
from tansiq.node.web.pages.dossier import considered_shown, outline
from tansiq.node.web.pages.draft import draft_shown
from tansiq.node.web.refusals import tell_in_form
from tansiq.node.web.several import ask_each, consider_each

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Draft


@for_officers
def new_request(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """The guided request: checked, or signed and sent to each chosen partner in a dossier of its own."""
    source = source_of(officer, request.GET)
    form = RequestForm(request.POST or None, initial=initial_of(officer, request.GET, source))
    form.attached(officer, request, now)
    considered: list[dict[str, Any]] = []
    if request.method == "POST":
        is_wanted = form.is_valid() and request.POST.get("do") == "send"
        try:
            intent = derived(form.intent(), source)
            considered = consider_each(officer, intent, now=now)
            if is_wanted:
                form.tell_missing(considered[0]["raw"].missing)
                if form.is_valid():
                    return done(request, ask_each(officer, intent, now=now))
        except TansiqError as error:
            tell_in_form(form, error, PLACES)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "web/dossiers/considered.html", {"considered": considered, "form": form})
    context = {
        "form": form,
        "address": request.get_full_path(),
        "source": source,
        "considered": considered,
        "was_sent": request.POST.get("do") == "send",
    }
    return render(request, "web/dossiers/request.html", context, status=400 if form.errors else 200)


@for_officers
def act(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str, act_name: str) -> HttpResponse:
    """The form of one act in one dossier, and the act itself."""
    read = outline(officer, dossier_id, act_name)
    if act_name not in read["permitted"]:
        raise Rejected("kind.not_now", act=act_name)
    rules = kind(read["kind"])
    made: type[ActForm] | type[WrittenActForm] = WrittenActForm if is_written(rules, act_name) else ActForm
    form = made(rules, act_name, read, request.POST or None).attached(officer, request, now)
    considered: list[dict[str, Any]] = []
    if isinstance(form, WrittenActForm) and form.is_reshaped:
        form.leave_unchecked()
    elif request.method == "POST":
        is_wanted = form.is_valid() and request.POST.get("do") == "send"
        try:
            intent = form.intent()
            considered = consider_each(officer, intent, now=now)
            if is_wanted:
                form.tell_missing(considered[0]["raw"].missing)
                if form.is_valid():
                    return done(request, [flow.act(officer, intent, now=now)])
        except TansiqError as error:
            tell_in_form(form, error)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "web/dossiers/considered.html", {"considered": considered, "form": form})
    context = {"form": form, "read": read, "act": act_name, "considered": considered, "names": words.node_names()}
    page = "web/dossiers/written.html" if isinstance(form, WrittenActForm) else "web/dossiers/act.html"
    return render(request, page, context, status=400 if form.errors else 200)


def done(request: HttpRequest, acted: list[flow.Acted]) -> HttpResponse:
    """Where an officer goes after acting: the dossier, or the draft that waits for an approval."""
    for one in acted:
        if one.is_signed:
            messages.success(request, _("Signed and on its way. The dossier shows when it arrives."))
        else:
            role = words.officer_role(one.awaiting_role)
            messages.warning(request, _("Not sent yet: it awaits the approval of: %(role)s.") % {"role": role})
    if len(acted) > 1:
        return redirect("dossiers")
    if acted[0].is_signed:
        return redirect("dossiers_show", dossier_id=acted[0].dossier_id)
    return redirect("dossiers_draft", draft_id=acted[0].draft_id)


@for_officers
def draft(request: HttpRequest, officer: Officer, now: datetime, draft_id: str) -> HttpResponse:
    """A draft as it stands: what it says, who would read it, whose approval it awaits."""
    row = queries.get_draft_for(officer, draft_id)
    considered = flow.consider(officer, Intent.from_json(row.intent), now=now)
    names = words.node_names()
    context = {
        "draft": draft_shown(row, names),
        "considered": [considered_shown(considered, names)],
        "may_approve": row.state == row.AWAITING and may_approve(officer, author=row.officer, role=row.role),
        "may_take_over": row.officer != officer.reference and row.state in OPEN and may(officer.roles, "act"),
        "edit": _edit_address(row, officer),
        "may_send": row.officer == officer.reference and row.state in {row.AWAITING, row.DRAFTING},
        "names": names,
    }
    return render(request, "web/dossiers/draft.html", context)


def _edit_address(row: Draft, officer: Officer) -> str:
    """Where the author writes on a draft that opens a dossier; empty for everybody else and for acts in a dossier."""
    if row.officer != officer.reference or row.intent["dossier"] or row.kind == "request" or row.state not in OPEN:
        return ""
    return f"{reverse('dossiers_open', args=[row.kind])}?draft={row.draft_id}"


@require_POST
@for_officers
def take_over(request: HttpRequest, officer: Officer, now: datetime, draft_id: str) -> HttpResponse:
    """Go on with what a colleague or a machine of ours began, and answer for it."""
    handed_drafts.take_over(officer, draft_id, now=now)
    messages.success(request, _("The draft is yours now: read it, then sign and send it."))
    return redirect("dossiers_draft", draft_id=draft_id)


@require_POST
@for_officers
def approve(request: HttpRequest, officer: Officer, now: datetime, draft_id: str) -> HttpResponse:
    """Approve exactly what was shown; a draft that has changed since then is not approved."""
    flow.approve(officer, draft_id, digest=request.POST.get("digest", ""), now=now)
    messages.success(request, _("Approved. Its author can send it now."))
    return redirect("desk")


@require_POST
@for_officers
def send(request: HttpRequest, officer: Officer, now: datetime, draft_id: str) -> HttpResponse:
    """Sign and send a draft, with the approvals it has."""
    return done(request, [flow.send_draft(officer, draft_id, now=now)])
