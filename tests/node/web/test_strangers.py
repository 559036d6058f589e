"""Every address: a visitor is asked to sign in, and no id leads an officer to what their circles do not hold.

The addresses are read from ``web/urls.py``, so that a new page is asked too: one whose id is of a new sort fails here until it is said
which row of another circle stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, reverse

from tansiq.node.deconfliction.models import Conflict
from tansiq.node.dossiers.models import Entry
from tansiq.node.exchange.models import Upload
from tansiq.node.flows import act as flow
from tansiq.node.flows import breaches as telling_breach
from tansiq.node.flows import claims, screening
from tansiq.node.flows.searching import Fields
from tansiq.node.register import actions as register
from tansiq.node.rights import actions as rights
from tansiq.node.rights import breaches
from tansiq.node.rights.models import Holding, Notice
from tansiq.node.search.models import Search
from tansiq.node.web.urls import urlpatterns
from tests.node.flows.test_calling import KINDS, OPEN, called
from tests.node.plans import plan
from tests.node.web.test_pages import READING, signed_in, text_of
from tests.node.world import World, changed, leaves_nothing, request, rows

pytestmark = pytest.mark.django_db
SECRET = "Youssef Ziani"
BY_NAME = {name: pattern for pattern in urlpatterns if isinstance(pattern, URLPattern) and (name := pattern.name)}
WITH_ID = sorted(name for name, pattern in BY_NAME.items() if pattern.pattern.converters)
FOR_EVERYBODY = {
    "dossiers_open": "a kind's empty form",
    "partners_show": "the partners of the node",
    "partners_line": "the partners of the node; asks for the role",
    "accords_show": "the accords of the node",
    "accords_ratify": "asks for the role; no content of a circle",
    "people_leave": "asks for the role; numbers and no content",
    "people_roles_grant": "asks for the own role; no content of a circle",
    "people_roles_refuse": "asks for the own role; no content of a circle",
    "people_roles_end": "asks for the own role or its holder; no content of a circle",
    "channels_duty_remove": "the roster is the node's; asks for the role",
    "alerts_show": "an alert is for whoever looks for the person; see test_alerts",
}
WRITTEN = {"reason": "x", "text": "x", "whose": "ours", "value": "x", "verdict": "different"}
"""What forms ask for: without it they would be refused before anybody looks whose the row is."""
NOWHERE = {"hash": "0" * 64, "uuid": "00000000-0000-4000-8000-000000000000"}


@pytest.fixture
def held(world: World) -> dict[str, dict[str, str]]:
    """By the first word of an address's name, and else for all: one row of each sort, every one in a circle of the liaison's."""
    return rows_of_another_circle(world, world.accord("ma", kinds=KINDS))


def rows_of_another_circle(world: World, accord: str) -> dict[str, dict[str, str]]:
    """What :func:`held` gives."""
    dossier = world.ask("ma", name=SECRET)
    officer = world.officer("liaison")
    version = world.version(accord)
    ma = world.fars["ma"]
    line = ma.open("channel", ["fr"], world.now, codes=OPEN, accord=accord, accord_version=version)
    call = called(world, ma, line.dossier)
    world.arrive(ma, line, call)
    person = {"schema": "Person", "properties": {"name": [SECRET], "birthDate": ["1960-05-12"]}}
    left, right = (register.add_subject(officer, person, circle="unit:ops", now=world.now) for _ in range(2))
    client = signed_in(world, "liaison")
    file = SimpleUploadedFile("people.csv", b"Ref;Name\n1;Youssef Ziani\n")
    order = client.post("/register/imports/", {"discoverability": "hit", "list_key": "invented", "file": file})
    asked = {"names": SECRET, "schema": "Person", "purpose": "prevention", "reference": "A/1", "partners": ["ma"]}
    client.post("/search/", asked)
    made = screening.screen(
        officer, SECRET.encode(), name="a.txt", purpose="investigation", reference="PV 1", now=world.now
    )
    draft = flow.keep(officer, request("ma", name=SECRET), now=world.now)
    entry = Entry.objects.get(dossier=dossier, act="ask").entry_id
    plans = [plan(world, reference=SECRET, contact={"name": SECRET, "phone": "+33 1 99 00 00 11"}) for _ in range(2)]
    claim = asked_for(world)
    session = UserSession.objects.create(user=officer, ip="127.0.0.1", session_key="k" * 32, user_agent=SECRET)
    return {
        "": {
            "dossier_id": dossier,
            "act_name": "withdraw",
            "entry_id": entry,
            "index": "0",
            "upload_id": str(Upload.objects.get().pk),
            "draft_id": draft,
            "order_id": order["Location"].rstrip("/").rpartition("/")[2],
            "left": str(left.pk),
            "right": str(right.pk),
            "subject_id": str(left.pk),
            "screening_id": str(made.pk),
            "search_id": str(Search.objects.order_by("-asked_at", "-pk")[0].pk),
            "shift_id": "1",
            "plan_id": str(plans[0].plan_id),
            "conflict_id": str(Conflict.objects.filter(plan=plans[0]).get().pk),
        },
        "channels": {"dossier_id": line.dossier, "call_id": call.entry_id},
        "rights": {**breach_of(world), "claim_id": claim, "holding_id": str(Holding.objects.filter(claim=claim)[0].pk)},
        "sessions": {"number": str(session.pk)},
        "people": {"officer_id": officer.reference, "number": "1"},
    }


def breach_of(world: World) -> dict[str, str]:
    """A breach that a partner is told of."""
    dpo, known = world.officer("dpo"), world.now - timedelta(hours=1)
    told = breaches.Told(("integrity",), "risk", SECRET, SECRET, SECRET, known)
    breach = str(breaches.open_breach(dpo, told, now=world.now).pk)
    telling_breach.notify(dpo, breach, to=["ma"], circle="unit:ops", now=world.now)
    return {"breach_id": breach, "notice_id": str(Notice.objects.get(breach=breach).pk)}


def asked_for(world: World) -> str:
    """A data-subject request about the same person, looked for everywhere."""
    dpo, fields = world.officer("dpo"), Fields(names=(SECRET,), birth_dates=("1960-05-12",)).to_json()
    told = {"contact": SECRET, "wish": SECRET, "fields": fields}
    claim = rights.receive(
        dpo, right="access", channel="letter", told=told, received_at=world.now, due_at=None, now=world.now
    )
    rights.identify(dpo, str(claim.pk), how="Passport seen.", now=world.now)
    claims.look(dpo, str(claim.pk), now=world.now)
    return str(claim.pk)


def address_of(name: str, held: dict[str, dict[str, str]]) -> str:
    told = {**held[""], **held.get(name.partition("_")[0], {})}
    return reverse(name, kwargs={one: told[one] for one in BY_NAME[name].pattern.converters})


def nowhere(held: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """The same sorts of ids, of rows that there are not."""

    def absent(value: str) -> str:
        return NOWHERE["hash"] if len(value) == 64 else NOWHERE["uuid"] if len(value) == 36 else value

    return {sort: {name: absent(value) for name, value in told.items()} for sort, told in held.items()}


def answers(client: Client, address: str) -> Iterator[Any]:
    for headers in ({}, {"hx-request": "true"}):
        yield client.get(address, headers=headers)
        yield client.post(address, WRITTEN, headers=headers)


def test_a_visitor_is_asked_to_sign_in_at_every_address(world: World, held: dict[str, dict[str, str]]) -> None:
    visitor = Client()
    hashed = {"kind_name": "report", "node": "ma", "accord_id": "0" * 64}
    told = {**held, "": {**held[""], **hashed}}
    with leaves_nothing(but=("sessions.Session",)):
        for name in sorted(set(BY_NAME) - {"language", "styleguide"}):
            for answer in (visitor.get(address_of(name, told)), visitor.post(address_of(name, told))):
                asked = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
                assert asked or answer.status_code == 405, name


def test_no_id_leads_to_what_ones_circles_do_not_hold(world: World, held: dict[str, dict[str, str]]) -> None:
    stranger = signed_in(world, "stranger")
    absent = nowhere(held)
    with leaves_nothing(but=("audit.Event", "sessions.Session")):
        for name in WITH_ID:
            if name in FOR_EVERYBODY:
                continue
            there, away = (list(answers(stranger, address_of(name, ids))) for ids in (held, absent))
            assert [one.status_code for one in there] == [one.status_code for one in away], name
            for one in there:
                assert one.status_code in (403, 404, 405, 422), (name, one.status_code)
                assert SECRET not in text_of(one), name


def test_the_ids_asked_for_are_of_rows_that_are_there(world: World, held: dict[str, dict[str, str]]) -> None:
    """Otherwise the test above would ask for nothing: to whoever holds them every page that only shows opens."""
    liaison = signed_in(world, "liaison")
    opened = {
        name
        for name in WITH_ID
        if name not in FOR_EVERYBODY and liaison.get(address_of(name, held)).status_code in (200, 204)
    }
    assert opened >= {
        "search_screening",
        "search_result",
        "dossiers_show",
        "dossiers_print",
        "dossiers_upload_piece",
        "dossiers_draft",
        "channels_show",
        "channels_news",
        "register_import",
        "register_import_report",
        "register_pair",
        "register_subject",
        "plans_show",
        "plans_move",
        "plans_conflict",
    }


def test_looking_changes_nothing(world: World, held: dict[str, dict[str, str]]) -> None:
    """What changes a row asks for a POST; a GET leaves at most that it was read, and the word of that to its sender."""
    liaison = signed_in(world, "liaison")
    read = (*READING, "exchange.Item")
    before = rows(but=read)
    for name in WITH_ID:
        if name not in FOR_EVERYBODY:
            liaison.get(address_of(name, held))
    after = rows(but=read)
    assert changed(before, after) == []
