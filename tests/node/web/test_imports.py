"""Imports in the browser, with the real worker's step: looked at, confirmed, stored; refused and dropped; nobody else's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tansiq.node.exchange.models import Upload
from tansiq.node.flows import attaching, list_imports
from tansiq.node.flows.working import LONG_JOBS
from tansiq.node.jobs import tasks as jobs
from tansiq.node.register.models import ImportOrder, ImportRun, StatementRow, Subject
from tests.engine.entities.invented import FIRM, FIRST, SECOND, un_list
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World

FTM = b"".join(
    json.dumps({"id": f"p{n}", "schema": "Person", "properties": {"name": [f"Invented {n}"]}}).encode() + b"\n"
    for n in range(3)
)
CSV = b"Ref;Name;Born\n1;Nadia Example;12/05/1970\n2;=Omar Sample;no day\n"


def work(world: World) -> int:
    """What the worker's loop of imports does."""
    done = 0
    while jobs.run_one(LONG_JOBS, clock=world.clock, worker="test"):
        done += 1
    return done


def bring(client: Client, file: str, raw: bytes, **more: Any) -> ImportOrder:
    told = {"discoverability": "hit", **more, "file": SimpleUploadedFile(file, raw)}
    answer = client.post("/register/imports/", told)
    assert answer.status_code == 302, text_of(answer)
    return ImportOrder.objects.get(pk=answer["Location"].rstrip("/").rpartition("/")[2])


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (un_list(FIRST)[:4096], "un"),
        (b'<?xml version="1.0"?>\n<sdnList xmlns="x">', "ofac-xml"),
        (FTM, "ftm"),
        (b'36,"INVENTED AIRLINES",-0- ,"CUBA",-0- ', "ofac-csv"),
        (CSV, "csv"),
        (b"", "csv"),
    ],
)
def test_a_file_is_recognised_by_its_first_bytes(head: bytes, form: str) -> None:
    assert list_imports.sniffed(head) == form


def test_a_list_is_looked_at_confirmed_and_stored_and_its_file_goes(world: World) -> None:
    client = signed_in(world, "liaison")
    order = bring(client, "list.xml", un_list(FIRST, SECOND.replace("Italy", "Possibly Italian"), entities=FIRM))
    assert "Being looked at" in text_of(client.get(f"/register/imports/{order.pk}/"))
    assert work(world) == 1
    assert not Subject.objects.exists()
    looked = client.get(f"/register/imports/{order.pk}/")
    assert "Waits for your confirmation" in text_of(looked)
    assert "Possibly Italian" in text_of(looked)
    rows = client.get(f"/register/imports/{order.pk}/report.csv").content.decode()
    assert "list.country_not_understood" in rows
    assert rows.count("added,") == 3
    client.post(f"/register/imports/{order.pk}/confirm/")
    assert work(world) == 1
    assert Subject.objects.count() == 3
    done = text_of(client.get(f"/register/imports/{order.pk}/"))
    assert "What it did" in done
    assert not Upload.objects.exists()
    assert ImportRun.objects.get().state == "done"


def test_a_long_file_is_brought_in_pieces_and_an_unfinished_one_is_no_list(world: World) -> None:
    client, officer, raw = signed_in(world, "liaison"), world.officer("liaison"), un_list(FIRST, SECOND)
    begun = attaching.begin(officer, "list.xml", len(raw), "text/xml", now=world.now)
    told = {"discoverability": "hit", "uploads": str(begun.upload_id)}
    early = client.post("/register/imports/", told)
    assert early.status_code == 400
    assert not ImportOrder.objects.exists()
    attaching.put(officer, str(begun.upload_id), 0, raw, now=world.now)
    attaching.finish(officer, str(begun.upload_id), now=world.now)
    assert client.post("/register/imports/", told).status_code == 302
    assert work(world) == 1
    client.post(f"/register/imports/{ImportOrder.objects.get().pk}/confirm/")
    assert work(world) == 1
    assert Subject.objects.count() == 2
    stranger = signed_in(world, "second")
    assert stranger.post("/register/imports/", told).status_code == 400
    assert stranger.post("/register/imports/", {"discoverability": "hit"}).status_code == 400


def test_killed_while_it_stores_it_is_stored_again_to_the_same_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(world, "liaison")
    order = bring(client, "people.json", FTM, list_key="invented", name="Invented")
    work(world)
    client.post(f"/register/imports/{order.pk}/confirm/")
    with monkeypatch.context() as patch:
        patch.setattr(list_imports, "_take_file", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            work(world)
    before = set(Subject.objects.values_list("pk", flat=True))
    list_imports.run({"order": str(order.pk)}, world.now)
    order.refresh_from_db()
    assert (order.state, set(Subject.objects.values_list("pk", flat=True))) == ("done", before)
    list_imports.run({"order": str(order.pk)}, world.now)


def test_the_columns_of_a_csv_are_explained_on_the_page(world: World) -> None:
    client = signed_in(world, "liaison")
    order = bring(client, "harbour.csv", CSV, list_key="harbour-list")
    page = f"/register/imports/{order.pk}/"
    told = {"schema": "Person", "encoding": "utf-8", "delimiter": ";", "dates": "DD/MM/YYYY"}
    shown = text_of(client.get(page, told))
    assert "Nadia Example" in shown
    lacking = client.post(f"{page}columns/", {**told, "column-1": "name"})
    assert lacking.status_code == 400
    told |= {"column-0": "idNumber", "column-1": "name", "column-2": "birthDate", "key": "Ref"}
    assert client.post(f"{page}columns/", told).status_code == 302
    work(world)
    assert "Date of birth 1970-05-12" in " ".join(text_of(client.get(page)).split()), "by its name, not by its code"
    report = client.get(f"{page}report.csv").content.decode()
    assert "no day" in report
    client.post(f"{page}confirm/")
    work(world)
    assert Subject.objects.filter(source="harbour-list").count() == 2


def test_what_is_no_list_is_told_and_can_be_dropped(world: World) -> None:
    client = signed_in(world, "liaison")
    order = bring(client, "list.xml", un_list(FIRST)[:-40])
    work(world)
    page = client.get(f"/register/imports/{order.pk}/")
    assert "Not stored" in text_of(page)
    client.post(f"/register/imports/{order.pk}/drop/")
    order.refresh_from_db()
    assert (order.state, Upload.objects.exists(), StatementRow.objects.exists()) == ("dropped", False, False)


def test_what_is_improbable_is_stored_only_if_exactly_that_was_confirmed(world: World) -> None:
    client = signed_in(world, "liaison")
    first = bring(client, "a.json", FTM, list_key="invented")
    work(world)
    client.post(f"/register/imports/{first.pk}/confirm/")
    work(world)
    other = json.dumps({"id": "q", "schema": "Person", "properties": {"name": ["Another"]}}).encode()
    second = bring(client, "b.json", other, list_key="invented")
    work(world)
    assert "A large part of the list is missing" in text_of(client.get(f"/register/imports/{second.pk}/"))
    client.post(f"/register/imports/{second.pk}/confirm/")
    work(world)
    second.refresh_from_db()
    assert (second.state, second.failure["code"]) == ("failed", "register.import_would_delist")
    assert Subject.objects.filter(delisted_at=None).count() == 3
    third = bring(client, "b.json", other, list_key="invented")
    work(world)
    client.post(f"/register/imports/{third.pk}/confirm/", {"confirm": ["delisting"]})
    work(world)
    assert Subject.objects.filter(delisted_at=None).count() == 1


def test_only_who_may_import_and_only_ones_own(world: World) -> None:
    order = bring(signed_in(world, "liaison"), "people.json", FTM, list_key="invented")
    other = signed_in(world, "stranger")
    assert other.get(f"/register/imports/{order.pk}/").status_code == 404
    assert other.post(f"/register/imports/{order.pk}/confirm/").status_code in (403, 404)
    officer = world.officer("stranger")
    officer.roles = ["auditor"]
    officer.save()
    assert other.get("/register/imports/").status_code == 403
