"""The page of figures: for whom it opens, that chart and table say the same, and its file."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked(world: World) -> World:
    world.accord("ma")
    for _ in range(3):
        world.ask("ma")
    world.settle()
    return world


@pytest.mark.parametrize("language", ["ar", "en", "it"])
def test_the_figures_stand_in_a_table_and_the_chart_draws_the_same(asked: World, language: str) -> None:
    page = signed_in(asked, "liaison", language).get("/statistics/")
    assert page.status_code == 200
    drawn = json.loads(re.findall(r'id="chart-figures"[^>]*>(.*?)</script>', page.content.decode())[0])
    assert [one["data"] for one in drawn["series"]] == [[3], [0]]
    assert len(drawn["partners"]) == 1


def test_the_file_holds_codes_and_counts_a_line_each(asked: World) -> None:
    answer = signed_in(asked, "auditor").get("/statistics/?form=csv&from=2026-01-01&to=2026-12-31")
    assert answer["Content-Disposition"].endswith('statistics-2026-01-01-2026-12-31.csv"')
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    (total,) = (row for row in rows if row["figure"] == "total")
    assert (total["direction"], total["partner"], total["count"], total["from"]) == ("sent", "ma", "3", "2026-01-01")


def test_a_stranger_finds_no_figure_and_an_administrator_no_page(asked: World) -> None:
    page = signed_in(asked, "stranger").get("/statistics/")
    assert "No request in this period." in text_of(page)
    assert "Only what you may see is counted." in text_of(page)
    asked.hire("admin", "administrator")
    assert signed_in(asked, "admin").get("/statistics/").status_code == 403
    assert "/statistics/" not in signed_in(asked, "admin").get("/").content.decode()


def test_a_period_of_nonsense_is_the_running_year(asked: World) -> None:
    client = signed_in(asked, "liaison")
    for told in ("?from=yesterday", "?from=2026-02-31", "?from=9999-01-01", "?to=0001-01-01"):
        assert 'value="2026-01-01"' in client.get(f"/statistics/{told}").content.decode()


def questions_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


@pytest.mark.parametrize(
    ("address", "most"), [("/", 25), ("/dossiers/", 25), ("/search/", 17), ("/statistics/", 20), ("DOSSIER", 50)]
)
def test_a_page_asks_as_many_questions_however_much_there_is(asked: World, address: str, most: int) -> None:
    dossier = asked.ask("ma")
    asked.settle()
    client, address = signed_in(asked, "liaison"), address.replace("DOSSIER", f"/dossiers/{dossier}/")
    client.get(address)
    few = questions_of(client, address)
    for _ in range(4):
        asked.ask("ma")
        asked.act("liaison", "request", "remind", dossier)
    asked.settle()
    assert questions_of(client, address) <= few <= most
