"""Partners and accords: whom to call, how the links are doing, and what permits exchange."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.engine.errors import Rejected, TansiqError
from tansiq.node.accounts.policy import may, require
from tansiq.node.exchange.queries import links
from tansiq.node.flows import accords as flow
from tansiq.node.flows import act, loopback
from tansiq.node.flows.reading import read_dossier
from tansiq.node.partners import actions, queries
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.correspondent import PLACES, CorrespondentForm
from tansiq.node.web.forms.may_send import MaySendForm
from tansiq.node.web.pages.dossier import acts_shown, considered_shown
from tansiq.node.web.pages.partner import accord_shown, human_rights_of, line_test_shown, partner_shown, partners_shown
from tansiq.node.web.refusals import tell_in_form

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """The directory: every partner, its telephone, its languages, its link."""
    return render(request, "web/partners/index.html", {"partners": partners_shown()})


@for_officers
def show(request: HttpRequest, officer: Officer, now: datetime, node: str) -> HttpResponse:
    """One partner with its keys and the fingerprint to be read aloud; and, before anything is drafted, whether something may be sent."""
    try:
        row = queries.get_partner(node)
    except Rejected as error:
        raise Http404 from error
    context = {"partner": partner_shown(row, links().get(node, {}), queries.my_id())} | _line(officer, node)
    rules = human_rights_of(node)
    form = MaySendForm(request.GET if "kind" in request.GET else None, rules=[one["rule"] for one in rules])
    answered: dict[str, Any] | None = None
    if form.is_bound and form.is_valid():
        try:
            answered = considered_shown(act.consider(officer, form.intent_to(node), now=now), words.node_names())
        except TansiqError as error:
            tell_in_form(form, error)
    context |= {"may_send": form, "answered": answered, "rules": rules}
    return render(request, "web/partners/partner.html", context)


def _line(officer: Officer, node: str) -> dict[str, Any]:
    tests = loopback.tests_of(node)
    return {
        "tests": [line_test_shown(one) for one in tests],
        "is_testing": bool(tests) and not tests[0].is_over,
        "may_test": loopback.may_test(officer),
        "may_exercise": may(officer.roles, "act"),
    }


@for_officers
def line(request: HttpRequest, officer: Officer, now: datetime, node: str) -> HttpResponse:
    """The tests of the line alone, as the page asks for them while one is under way; a new one is begun by POST."""
    try:
        row = queries.get_partner(node)
    except Rejected as error:
        raise Http404 from error
    if request.method == "POST":
        loopback.begin(officer, node, now=now)
        return redirect(f"{reverse('partners_show', args=[node])}#line-tests")
    context = {"partner": {"node_id": row.node_id}} | _line(officer, node)
    return render(request, "web/partners/line_tests.html", context)


@for_officers
def correspondents(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Authorities without a node: the list, and the form to add or change one."""
    rows = queries.correspondents(also_former=True)
    chosen = next((row for row in rows if row.party == request.GET.get("party")), None)
    initial = {name: getattr(chosen, name) for name in CorrespondentForm.base_fields} if chosen else {}
    if chosen:
        initial["state"] = chosen.state.lower()
    form = CorrespondentForm(request.POST or None, initial=initial)
    if request.method == "POST":
        require(officer.roles, "act")
        if form.is_valid():
            try:
                actions.keep_correspondent(**form.told(), actor=officer.reference, now=now)
                messages.success(request, _("The correspondent is kept."))
                return redirect("partners_correspondents")
            except TansiqError as error:
                tell_in_form(form, error, PLACES)
    shown = [{**vars(row), "channel": words.list_label("correspondence_channels", row.channel)} for row in rows]
    context = {"rows": shown, "form": form, "may_change": may(officer.roles, "act")}
    status = 400 if form.errors else 200
    return render(request, "web/partners/correspondents.html", context, status=status)


@for_officers
def accords(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """Every accord this node knows."""
    names = words.node_names()
    return render(
        request, "web/accords/index.html", {"accords": [accord_shown(row, names) for row in queries.accords()]}
    )


@for_officers
def accord(request: HttpRequest, officer: Officer, now: datetime, accord_id: str) -> HttpResponse:
    """One accord: its terms in words, who has ratified, what is reserved."""
    row = next((row for row in queries.accords() if row.accord_id == accord_id), None)
    if row is None:
        raise Http404
    try:
        permitted = read_dossier(officer, accord_id, now=now)["permitted"]
    except Rejected:
        permitted = []
    names = words.node_names()
    context = {
        "accord": accord_shown(row, names),
        "names": names,
        "has_dossier": bool(permitted),
        "may_ratify": "ratify" in permitted and may(officer.roles, "accords"),
        "acts": acts_shown(
            "accord", [act for act in permitted if act in {"suspend", "resume", "denounce"}], officer.roles
        ),
    }
    return render(request, "web/accords/accord.html", context)


@require_POST
@for_officers
def ratify(request: HttpRequest, officer: Officer, now: datetime, accord_id: str) -> HttpResponse:
    """Ratify the version on the table as it stands, without a reservation."""
    flow.ratify(officer, accord_id, reservation=None, now=now)
    messages.success(request, _("Ratified and signed. The parties are told."))
    return redirect("accords_show", accord_id=accord_id)
