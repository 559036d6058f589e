"""Copies of the register from the pages: asked for, given out piece by piece, listed, called back; refused with the clause."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.utils import timezone

from tansiq.node.flows import reaching
from tansiq.node.register import actions
from tansiq.node.register.models import Export, Subject
from tests.node.web.test_pages import signed_in, text_of
from tests.node.web.test_register import add
from tests.node.world import World, leaves_nothing

WHY = {"purpose": "investigation", "reason": "Audience du 3 décembre", "recipient": "محكمة المثال", "form": "ftm"}


def taken(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_the_list_leads_to_a_copy_of_what_it_shows(world: World) -> None:
    add(world)
    add(world, circle="")
    client = signed_in(world, "liaison")
    assert "/register/export/?circle=unit%3Aops" in client.get("/register/?circle=unit:ops").content.decode()
    answer = client.post("/register/export/?circle=unit:ops", WHY)
    raw = taken(answer)
    (row,) = Export.objects.all()
    assert answer["Content-Disposition"] == f'attachment; filename="tansiq-{row.copy_number:08d}.jsonl"'
    (line,) = [json.loads(one) for one in raw.splitlines()]
    assert line["tansiq"]["copy_number"] == row.copy_number
    assert (row.reason, row.recipient, row.counts["subjects"]) == (WHY["reason"], WHY["recipient"], 1)
    assert row.file_digest


def test_one_subject_leaves_as_a_table(world: World) -> None:
    row = add(world)
    add(world)
    client = signed_in(world, "liaison")
    address = f"/register/export/?subject={row.pk}"
    assert address in client.get(f"/register/{row.pk}/").content.decode()
    told = list(csv.DictReader(io.StringIO(taken(client.post(address, {**WHY, "form": "csv"})).decode("utf-8-sig"))))
    assert [one["id"] for one in told] == [str(row.pk)]


@pytest.mark.parametrize("name", ["purpose", "reason", "recipient"])
def test_what_is_missing_is_told_and_no_number_is_taken(world: World, name: str) -> None:
    add(world)
    client = signed_in(world, "liaison")
    with leaves_nothing():
        assert client.post("/register/export/", {**WHY, name: ""}).status_code == 400


def test_a_refusal_is_told_in_the_form_with_its_ground(world: World) -> None:
    stored = actions.store_received(
        {"schema": "Person", "properties": {"name": ["Invented Received"]}},
        entry="e" * 64,
        part=1,
        dossier="d" * 64,
        sender="ma",
        circle="",
        marking={"level": 0, "handling": ["H2"]},
        now=timezone.now(),
    )
    assert stored is not None
    answer = signed_in(world, "liaison").post(f"/register/export/?subject={stored.pk}", WHY)
    assert answer.status_code == 400
    assert "handling code H2" in text_of(answer)
    assert not Export.objects.exists()


def test_who_may_not_export_or_see_gets_nothing(world: World) -> None:
    row = add(world)
    client = signed_in(world, "stranger")
    assert client.post(f"/register/export/?subject={row.pk}", WHY).status_code == 404
    assert signed_in(world, "auditor").post("/register/export/", WHY).status_code == 403
    assert not Export.objects.exists()


@pytest.mark.parametrize(
    ("language", "nothing", "back"),
    [
        ("ar", "لم تُعطَ أي نسخة بعد.", "قل ما صارت إليه"),
        ("fr", "Aucune copie n’a encore été remise.", "Dire ce qu’elle est devenue"),
        ("en", "No copy was given out yet.", "Say what became of it"),
    ],
)
def test_the_copies_are_listed_and_say_when_they_are_called_back(
    world: World, language: str, nothing: str, back: str
) -> None:
    row: Subject = add(world)
    client = signed_in(world, "liaison", language)
    assert nothing in text_of(client.get("/register/copies/"))
    taken(client.post("/register/export/", WHY))
    page = text_of(client.get("/register/copies/"))
    assert WHY["recipient"] in page
    assert back not in page
    reaching.call_back_copies_of(str(row.pk), reason="mistake", now=timezone.now())
    assert back in text_of(client.get("/register/copies/"))
    assert WHY["recipient"] not in text_of(signed_in(world, "second", language).get("/register/copies/"))
