"""A long dossier is read page by page, the newest first; what is not on the page is not opened."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tansiq.node.dossiers.models import Entry
from tansiq.node.dossiers.queries import get_dossier_for, marking_of
from tansiq.node.web.pages import dossier as pages
from tests.node.web.test_pages import signed_in
from tests.node.world import World


@pytest.fixture
def long(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """A request of ours with 14 entries, four of them of the partner's; five stand on a page."""
    monkeypatch.setattr(pages, "ENTRIES_SHOWN", 5)
    world.accord("ma")
    ma = world.fars["ma"]
    dossier = world.ask("ma")
    world.settle()
    world.arrive(ma, *ma.machine(dossier, world.now))
    for number in range(3):
        world.arrive(ma, ma.act(dossier, "assign", world.later(minutes=1), codes={"unit": f"unit-{number}"}))
        for _ in range(3):
            world.act("liaison", "request", "remind", dossier)
    world.settle()
    return dossier


def test_the_newest_are_on_the_first_page_and_every_entry_is_on_one(world: World, long: str) -> None:
    officer = signed_in(world, "liaison")
    wanted = list(Entry.objects.filter(dossier=long).order_by("-depth", "-entry_id").values_list("pk", flat=True))
    seen: list[str] = []
    for number in range(1, 4):
        text = officer.get(f"/dossiers/{long}/?page={number}").content.decode()
        on_it = [entry for entry in wanted if f'id="entry-{entry}"' in text]
        assert on_it == wanted[(number - 1) * 5 : number * 5]
        seen += on_it
    assert seen == wanted
    assert len(wanted) == 14


def test_a_link_to_an_entry_leads_to_the_page_where_it_stands(world: World, long: str) -> None:
    officer = signed_in(world, "liaison")
    assert f'id="entry-{long}"' in officer.get(f"/dossiers/{long}/?entry={long}").content.decode()
    first = officer.get(f"/dossiers/{long}/?entry={'0' * 64}").content.decode()
    assert f'id="entry-{long}"' not in first


def test_what_is_not_on_the_page_is_not_opened(world: World, long: str) -> None:
    received = Entry.objects.filter(dossier=long, is_own=False)
    assert received.filter(opened_at=None).count() == received.count() == 4
    officer = signed_in(world, "liaison")
    officer.get(f"/dossiers/{long}/")
    newest = set(Entry.objects.filter(dossier=long).order_by("-depth", "-entry_id").values_list("pk", flat=True)[:5])
    assert set(received.exclude(opened_at=None).values_list("pk", flat=True)) == newest & set(
        received.values_list("pk", flat=True)
    )
    for number in (2, 3):
        officer.get(f"/dossiers/{long}/?page={number}")
    assert not received.filter(opened_at=None).exists()


def test_the_conditions_are_those_of_all_of_it(world: World, long: str) -> None:
    officer = world.officer("liaison")
    from tansiq.engine.accords.markings import strictest
    from tansiq.node.dossiers.queries import entries_of

    row = get_dossier_for(officer, long)
    assert marking_of(row) == strictest(view.signed.header.marking for view in entries_of(row))


def test_a_page_asks_no_more_of_a_longer_dossier(world: World, long: str) -> None:
    officer = signed_in(world, "liaison")
    officer.get(f"/dossiers/{long}/")
    asked = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            officer.get(f"/dossiers/{long}/")
        asked.append(len(captured))
        for _ in range(10):
            world.act("liaison", "request", "remind", long)
    assert asked[1] <= asked[0] + 1
