"""Files on pages: brought in pieces and without a script, shown with their way, opened with the headers that keep them harmless."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tansiq.engine.accords.markings import Marking
from tansiq.node.audit.models import Event
from tansiq.node.dossiers.models import Part
from tansiq.node.exchange.models import Upload
from tansiq.node.flows import attaching
from tests.engine.formats.test_ansi_nist import WHOLE
from tests.node.far_files import content, gives, wipe
from tests.node.flows.test_files import carry, reported
from tests.node.world import ASK, World


@pytest.fixture(autouse=True)
def fresh_disk() -> Iterator[None]:
    wipe()
    yield
    wipe()


@pytest.fixture
def client(world: World) -> Any:
    """The liaison's browser."""
    world.client.force_login(world.officer("liaison"), backend="django.contrib.auth.backends.ModelBackend")
    return world.client


def bring(client: Any, plain: bytes, name: str = "film.bin") -> dict[str, Any]:
    """What the script does."""
    told = client.post("/files/", {"name": name, "size": len(plain), "type": ""}).json()
    while not told["whole"]:
        piece = plain[told["offset"] : told["offset"] + told["piece"]]
        address = f"/files/{told['upload']}/?offset={told['offset']}"
        told = client.post(address, data=piece, content_type="application/octet-stream").json()
    return dict(told)


def request_form(**more: Any) -> dict[str, Any]:
    """A complete request."""
    words = dict.fromkeys(("question", "offence", "objective_reasons", "urgency_reasons"), "…")
    return {**ASK, **words, "partners": ["ma"], "level": 0, "language": "fr", "do": "send", **more}


def test_a_script_brings_a_file_in_pieces_and_the_request_carries_it(world: World, client: Any) -> None:
    world.accord("ma")
    told = bring(client, content(2 * attaching.PIECE + 5))
    name = told["upload"]
    assert client.get(f"/files/{name}/").json()["offset"] == told["size"]
    said = {f"file-{name}-description": "At the port", f"file-{name}-document_type": "other"}
    answer = client.post("/dossiers/new/", request_form(uploads=[name], **said))
    assert answer.status_code == 302, answer.content.decode()[:3000]
    part = Part.objects.get(type="file").salted["part"]
    assert part["content"]["description"] == "At the port"
    assert part["language"] is None
    page = client.get(answer["Location"]).content.decode()
    assert "film.bin" in page
    assert "File announced" in page
    assert part["content"]["identity"] not in page


def test_a_broken_upload_is_gone_on_with_where_the_node_says(world: World, client: Any) -> None:
    plain = content(2 * attaching.PIECE)
    told = client.post("/files/", {"name": "x", "size": len(plain), "type": ""}).json()
    address = f"/files/{told['upload']}/"
    raw = {"content_type": "application/octet-stream"}
    wrong = client.post(f"{address}?offset={attaching.PIECE}", data=plain[: attaching.PIECE], **raw)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "file.offset")
    assert client.post(f"{address}?offset=0", data=plain[: attaching.PIECE], **raw).json()["offset"] == attaching.PIECE
    assert client.get(address).json()["offset"] == attaching.PIECE
    assert client.post(f"{address}?offset=-1", data=b"x", **raw).status_code == 422
    for size in ("-1", "many", "1" * 30, str(9000 * 1024 * 1024)):
        assert client.post("/files/", {"name": "x", "size": size}).status_code == 422
    assert bring(client, b"")["whole"]
    world.client.logout()
    assert client.get(address).status_code == 302


def test_without_a_script_small_files_come_with_the_form_and_stay_when_it_has_errors(world: World, client: Any) -> None:
    world.accord("ma")
    file = SimpleUploadedFile("note.pdf", b"%PDF-1.7 ...", "application/pdf")
    answer = client.post("/dossiers/new/", request_form(question="", files=[file]))
    assert answer.status_code == 400
    (row,) = Upload.objects.all()
    assert f'value="{row.upload_id}" checked' in answer.content.decode()
    answer = client.post("/dossiers/new/", request_form(uploads=[str(row.upload_id)]))
    assert answer.status_code == 302
    assert Part.objects.filter(type="file").count() == 1
    program = SimpleUploadedFile("note.pdf", b"\x7fELF......", "application/pdf")
    refused = client.post("/dossiers/new/", request_form(files=[program]))
    assert refused.status_code == 400
    assert "is a program" in refused.content.decode()


def test_a_fingerprint_file_becomes_a_part_that_lists_its_impressions(world: World, client: Any) -> None:
    world.accord("ma")
    name = bring(client, WHOLE, "prints.an2")["upload"]
    assert client.post("/dossiers/new/", request_form(uploads=[name])).status_code == 302
    told = Part.objects.get(type="fingerprints").salted["part"]["content"]
    assert (told["transaction"], told["records"], told["impressions"]) == ("CRM", [1, 2, 14], ["14:0:2"])
    broken = bring(client, WHOLE[:-9], "prints.an2")["upload"]
    refused = client.post("/dossiers/new/", request_form(uploads=[broken]))
    assert refused.status_code == 400
    assert "no valid ANSI/NIST" in refused.content.decode()


def test_a_picture_becomes_a_photograph_when_the_officer_says_what_it_shows(world: World, client: Any) -> None:
    world.accord("ma")
    name = bring(client, b"\xff\xd8\xff\xe0" + content(500), "face.jpg")["upload"]
    said = {f"file-{name}-pose": "front", f"file-{name}-ground": "judicial_order"}
    answer = client.post("/dossiers/new/", request_form(uploads=[name], **said))
    assert answer.status_code == 302, answer.content.decode()[:2000]
    told = Part.objects.get(type="photograph").salted["part"]["content"]
    assert (told["media_type"], told["pose"], told["ground"]) == ("image/jpeg", "front", "judicial_order")
    page = client.get(answer["Location"]).content.decode()
    assert "From the front" in page
    assert "Judicial order" in page


def test_a_received_file_is_listed_with_its_state_and_opened_harmlessly(world: World, client: Any) -> None:
    plain = b"<script>alert(1)</script>" + content(300_000)
    note = {"handling_note": "Not for the press"}
    ma, report, raw = reported(world, plain, name="\u202efdp.html", marking=Marking(handling=frozenset({"H3"})), **note)
    place = len(report.parts) - 1
    address = f"/dossiers/{report.entry_id}/files/{report.entry_id}/{place}/"
    assert "Arriving" in client.get(f"/dossiers/{report.entry_id}/").content.decode()
    assert client.post(address).status_code == 503
    gives(ma, raw)
    carry(world)
    page = client.get(f"/dossiers/{report.entry_id}/").content.decode()
    assert "Open it to read" in page
    assert "restriction in words" in page
    assert client.get(address).status_code == 405
    answer = client.post(address, {"use": "read"})
    assert b"".join(answer.streaming_content) == plain
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Content-Disposition"] == 'attachment; filename="fdp.html"'
    assert "no-store" in answer["Cache-Control"]
    refused = client.post(address, {"use": "export"})
    assert refused.status_code == 403
    assert Event.objects.filter(event="file.refused").count() == 1
    world.client.force_login(world.officer("stranger"), backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(address).status_code == 404


def test_what_a_dossier_says_on_the_command_line_holds_no_secret_of_a_file(world: World) -> None:
    from tansiq.node.flows.reading import read_dossier

    _, report, _ = reported(world, b"x")
    told = read_dossier(world.officer("liaison"), report.entry_id, now=world.now)
    assert "AGE-SECRET-KEY" not in json.dumps(told, default=str)


def test_no_page_takes_more_than_is_held_in_memory() -> None:
    from django.conf import settings

    from tansiq.node.api.bounds import MAX_PAGE

    assert MAX_PAGE == settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    assert all("Temporary" not in handler for handler in settings.FILE_UPLOAD_HANDLERS)
    assert attaching.PIECE <= settings.FILE_UPLOAD_MAX_MEMORY_SIZE
