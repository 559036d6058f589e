"""Administration without content: who has an account here, and the act by which an officer leaves."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tansiq.engine.errors import Rejected, TansiqError
from tansiq.node.accounts.policy import require
from tansiq.node.accounts.queries import officer_by_reference, officers
from tansiq.node.flows import leaving
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.people import LeavingForm
from tansiq.node.web.languages import language_now
from tansiq.node.web.refusals import tell_in_form

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Every account, those that have ended last."""
    del now
    require(officer.roles, "administer")
    wanted = request.GET.get("q", "").strip()
    rows = [
        {
            "officer": one,
            "unit": one.unit.name_in(language_now()) if one.unit else "",
            "roles": [words.officer_role(role) for role in one.roles],
            "is_machine": one.is_active and not one.has_usable_password(),
            "last_login": one.last_login,
        }
        for one in sorted(officers(), key=lambda one: (not one.is_active, str(one)))
        if wanted.casefold() in f"{one} {one.username}".casefold()
    ]
    return render(request, "web/people/index.html", {"rows": rows, "wanted": wanted})


@for_officers
def leave(request: HttpRequest, officer: Officer, now: datetime, officer_id: str) -> HttpResponse:
    """What stands with an officer, and the act by which it goes elsewhere."""
    require(officer.roles, "administer")
    leaver = officer_by_reference(officer_id)
    if leaver is None:
        raise Rejected("account.officer_not_found")
    form = LeavingForm(leaver, request.POST or None)
    if request.method == "POST" and form.is_valid() and _left(request, officer, now, leaver, form):
        return redirect("people")
    held = leaving.held_by(leaver, now)
    context = {"leaver": leaver, "held": held, "form": form, "is_self": leaver.pk == officer.pk}
    context["only"] = [words.officer_role(role) for role in held.only_holder_of]
    return render(request, "web/people/leave.html", context, status=400 if form.errors else 200)


def _left(request: HttpRequest, officer: Officer, now: datetime, leaver: Officer, form: LeavingForm) -> bool:
    """Do it and say what came of it; False with the refusal in the form."""
    try:
        told = leaving.leave(leaver, form.chosen(), note=form.cleaned_data["note"], actor=officer.reference, now=now)
    except TansiqError as error:
        tell_in_form(form, error, {"/to": "to", "/note": "note"})
        return False
    given, back = (sum(told[f"{what}_{way}"] for what in ("tasks", "drafts", "plans")) for way in ("given", "back"))
    said = _("%(name)s has left. Handed over: %(given)d; back with its circle: %(back)d; sessions ended: %(sessions)d.")
    facts = {"name": str(leaver), "given": given, "back": back, "sessions": told["sessions"]}
    messages.success(request, said % facts)
    return True
