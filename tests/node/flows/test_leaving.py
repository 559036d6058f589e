"""An officer leaves: nobody is signed in as them, their open work is with a colleague or back with its circle, and no circle is opened by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from click.testing import CliRunner
from django.test import Client

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.node.accounts import actions as accounts
from tansiq.node.accounts import roster
from tansiq.node.accounts.models import Officer
from tansiq.node.audit.models import Event
from tansiq.node.cli import cli
from tansiq.node.deconfliction.models import Plan
from tansiq.node.desk import actions as desk
from tansiq.node.desk.models import OPEN, SavedView, Task
from tansiq.node.dossiers.models import Draft
from tansiq.node.flows import act as flow
from tansiq.node.flows import leaving
from tests.node.plans import plan
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import PASSWORD, World, leaves_nothing, request

pytestmark = pytest.mark.django_db


def task(world: World, key: str, *, taken: bool = True, **told: Any) -> Task:
    """A task of the leaver's."""
    who = world.officer("leaver")
    desk.put(
        "entry",
        key,
        title_code="desk.entry",
        facts={"partner": "ma", "act": "ask", "kind": "request"},
        now=world.now,
        **told,
    )
    if taken:
        desk.take(who, key, now=world.now)
    return Task.objects.get(key=key)


@pytest.fixture
def leaver(world: World) -> Any:
    """A liaison officer with something of everything, some of it of a team whose matters the colleague does not know."""
    world.accord("ma")
    who = world.hire("leaver", "liaison", "duty", "senior", teams=["quiet"])
    world.hire("admin", "administrator")
    task(world, "shared", circle="unit:ops")
    task(world, "secret", circle="team:quiet")
    task(world, "mine", taken=False, owner=who.reference)
    flow.keep(who, request("ma"), now=world.now)
    kept = flow.keep(who, request("ma"), now=world.now)
    Draft.objects.filter(pk=kept).update(circle="team:quiet")
    plan(world, officer="leaver")
    quiet = plan(world, officer="leaver")
    Plan.objects.filter(pk=quiet.pk).update(circle="team:quiet")
    desk.keep_view(who, name="mine", only="urgent", circle="", now=world.now)
    day = timedelta(days=1)
    accounts.add_shifts(
        "ops",
        "leaver",
        rank=1,
        starts_at=world.now + day,
        ends_at=world.now + 2 * day,
        weeks=2,
        actor="x",
        now=world.now,
    )
    return world.officer("leaver")


def left(world: World, to: str = "", **told: Any) -> dict[str, Any]:
    """The leaver leaves."""
    colleague = world.officer(to) if to else None
    return leaving.leave(world.officer("leaver"), colleague, actor="administrator", now=world.now, **told)


def open_tasks() -> dict[str, tuple[str, str]]:
    """(owner, taken by) of every open task that is not of a circle's usual noise."""
    return {row.key: (row.owner, row.taken_by) for row in Task.objects.filter(state=OPEN)}


def test_what_stands_with_an_officer_is_counted_without_its_content(world: World, leaver: Any) -> None:
    held = leaving.held_by(leaver, world.now)
    assert (held.tasks, held.drafts, held.plans, held.shifts) == (3, 2, 2, 2)
    assert set(held.only_holder_of) == {"duty", "senior"}


def test_work_goes_to_the_colleague_who_may_see_it_and_the_rest_to_its_circle(world: World, leaver: Any) -> None:
    second = world.officer("second")
    told = left(world, "second", note="Call Rabat at nine")
    assert (told["tasks_given"], told["tasks_back"]) == (2, 1)
    assert (told["drafts_given"], told["drafts_back"], told["plans_given"], told["plans_back"]) == (1, 1, 1, 1)
    tasks = open_tasks()
    assert tasks["shared"] == ("", second.reference)
    assert tasks["secret"] == ("", ""), "nobody was let into a circle"
    assert tasks["mine"] == (second.reference, "")
    assert "Call Rabat" in str(Task.objects.get(kind="watch").facts)
    mine, quiet = Draft.objects.filter(circle="unit:ops").get(), Draft.objects.filter(circle="team:quiet").get()
    assert (mine.officer, quiet.officer) == (second.reference, leaver.reference)
    assert Task.objects.get(key=f"drafted/{mine.pk}").owner == second.reference
    assert Task.objects.get(key=f"drafted/{quiet.pk}").circle == "team:quiet"
    owners = dict(Plan.objects.values_list("circle", "officer"))
    assert owners == {"unit:ops": second.reference, "team:quiet": leaver.reference}
    assert Task.objects.get(title_code="desk.plan_left").circle == "team:quiet"
    assert not SavedView.objects.filter(officer=leaver.reference).exists()


def test_without_a_colleague_everything_is_back_with_its_circle(world: World, leaver: Any) -> None:
    told = left(world)
    assert (told["tasks_given"], told["tasks_back"], told["drafts_back"], told["plans_back"]) == (0, 2, 2, 2)
    tasks = open_tasks()
    assert tasks["shared"] == tasks["secret"] == ("", "")
    assert "mine" not in tasks, "it concerned nobody else"
    assert leaver.reference not in str(tasks)


def test_nobody_is_signed_in_as_them_any_more_and_their_name_stays(world: World, leaver: Any) -> None:
    client = signed_in(world, "leaver")
    assert client.get("/").status_code == 200
    UserSession.objects.create(user=leaver, ip="127.0.0.1", session_key=client.session.session_key, user_agent="x")
    dossier = flow.act(leaver, request("ma"), now=world.now).dossier_id
    assert left(world)["sessions"] >= 1
    assert client.get("/").status_code == 302
    fresh = Client()
    fresh.post("/accounts/login/", {"login": "leaver", "password": PASSWORD})
    assert fresh.get("/").status_code == 302, "the password opens nothing"
    row = Officer.objects.get(username="leaver")
    assert (row.is_active, row.roles, row.unit, row.circles) == (False, [], None, frozenset())
    assert "Leaver" in text_of(signed_in(world, "second").get(f"/dossiers/{dossier}/"))


def test_the_colleague_stands_in_their_shifts_if_they_are_called_at_all(world: World, leaver: Any) -> None:
    world.hire("stand_in", "duty", "liaison")
    at = world.now + timedelta(days=1, hours=2)
    left(world, "stand_in")
    assert [(one.officer.username, one.rank) for one in roster.on_duty("ops", at)] == [("stand_in", 1)]


def test_a_shift_that_nobody_takes_is_a_gap(world: World, leaver: Any) -> None:
    left(world)
    assert roster.on_duty("ops", world.now + timedelta(days=1, hours=2)) == []


@pytest.mark.parametrize("actor", ["administrator", "own"])
def test_nothing_is_done_by_halves(world: World, leaver: Any, actor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if actor == "own":
        with leaves_nothing(), pytest.raises(Rejected, match=r"account[.]left_own"):
            leaving.leave(leaver, None, actor=leaver.reference, now=world.now)
        return
    with leaves_nothing(), pytest.raises(Rejected, match=r"account[.]left_to_oneself"):
        leaving.leave(leaver, leaver, actor=actor, now=world.now)

    def fails(_: object) -> None:
        raise Refused("account.role", what="x", roles=[])

    monkeypatch.setattr(accounts, "retire", fails)
    with leaves_nothing(), pytest.raises(Refused):
        left(world, "second")


def test_who_left_does_not_leave_again(world: World, leaver: Any) -> None:
    left(world)
    with pytest.raises(Conflict, match=r"account[.]left_already"):
        leaving.leave(Officer.objects.get(username="leaver"), None, actor="x", now=world.now)


# -- pages and command line ----------------------------------------------------------------------------------------------


def test_an_administrator_ends_an_account_on_a_page(world: World, leaver: Any) -> None:
    page = signed_in(world, "admin")
    assert "Leaver" in text_of(page.get("/people/?q=leav"))
    assert "Boss" not in text_of(page.get("/people/?q=leav"))
    address = f"/people/{leaver.reference}/leave/"
    shown = text_of(page.get(address))
    assert "duty officer" in shown
    assert page.post(address, {"to": world.officer("second").reference}).status_code == 400, "it must be meant"
    assert Officer.objects.get(username="leaver").is_active
    done = page.post(address, {"to": world.officer("second").reference, "sure": "on"}, follow=True)
    assert "Leaver has left" in text_of(done)
    assert "Handed over: 4" in text_of(done)
    assert page.get(address).status_code == 404
    event = Event.objects.get(event="account.left")
    assert event.actor == world.officer("admin").reference
    own = f"/people/{world.officer('admin').reference}/leave/"
    assert "Nobody ends their own account" in text_of(page.get(own))
    assert page.post(own, {"sure": "on"}).status_code == 400


@pytest.mark.parametrize("name", ["boss", "dpo", "auditor", "liaison"])
def test_only_an_administrator_sees_accounts(world: World, leaver: Any, name: str) -> None:
    page = signed_in(world, name)
    for address in ("/people/", f"/people/{leaver.reference}/leave/"):
        assert page.get(address).status_code == 403
    assert page.post(f"/people/{leaver.reference}/leave/", {"sure": "on"}).status_code == 403
    assert 'href="/people/"' not in page.get("/").content.decode()


def test_on_the_command_line(world: World, leaver: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tansiq.node.cli.session.Session.unlock", lambda self: None)
    words = ["--home", str(settings.NODE.home), "officer", "leave", "leaver"]
    done = CliRunner().invoke(cli, [*words, "--dry-run"], catch_exceptions=False)
    assert "drafts: 2" in done.output
    assert Officer.objects.get(username="leaver").is_active
    done = CliRunner().invoke(cli, [*words, "--to", "second"], catch_exceptions=False)
    assert "tasks_given: 2" in done.output
    assert not Officer.objects.get(username="leaver").is_active
