"""A file is looked at before anybody has it: what is dangerous is refused from officers, and kept but opened for nobody from partners."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tansiq.engine.errors import Refused, Rejected, Unavailable
from tansiq.node.audit.models import Event
from tansiq.node.exchange.models import Blob, Upload
from tansiq.node.flows import attaching, repair, rescanning, scanner
from tansiq.node.site.node_settings import NodeSettings
from tests.node import clamd
from tests.node.far_files import content, on_disk, wipe
from tests.node.flows.test_file_uses import arrived, may
from tests.node.flows.test_files import carry, gives, reported, sent, upload
from tests.node.flows.test_journeys import tasks
from tests.node.world import PASSWORD, World

BURSTS = gzip.compress(bytes(300 << 20))


@pytest.fixture(autouse=True)
def fresh_disk() -> Iterator[None]:
    wipe()
    yield
    wipe()


@pytest.fixture
def scanned(settings: Any) -> Iterator[None]:
    """A scanner is set up, and answers."""
    with clamd.door() as place:
        settings.NODE = replace(settings.NODE, file_scanner=place)
        yield


def broken(settings: Any) -> None:
    """The scanner is set up, and nobody is there."""
    settings.NODE = replace(settings.NODE, file_scanner="clamd:/nowhere/clamd.sock")


def doctor(world: World) -> dict[str, str]:
    return {row["check"]: row["level"] for row in repair.examine(world.now, quick=True)}


# -- what officers bring -------------------------------------------------------------------------------------------------


def test_what_would_burst_is_refused_and_nothing_of_it_is_kept(world: World) -> None:
    with pytest.raises(Refused, match=r"file\.bomb") as caught:
        upload(world, BURSTS, "photos.tar.gz")
    assert caught.value.facts["rule"] == "ratio"
    assert on_disk() == {}
    assert not Upload.objects.exists()
    assert Event.objects.get(event="file.danger_refused").told["facts"]["code"] == "file.bomb"


@pytest.mark.usefixtures("scanned")
def test_what_the_scanner_knows_is_refused(world: World) -> None:
    with pytest.raises(Refused, match=r"file\.malware") as caught:
        upload(world, content(70_000) + clamd.TEST_FILE)
    assert caught.value.facts["found"] == "Eicar-Test"
    assert on_disk() == {}


@pytest.mark.usefixtures("scanned")
@pytest.mark.parametrize(("size", "verdict"), [(0, "clean"), (70_000, "clean"), (3 << 20, "too_large")])
def test_what_it_said_stays_with_the_file(world: World, size: int, verdict: str) -> None:
    row = upload(world, content(size))
    held = Blob.objects.get(pk=row.blob)
    assert (held.scan, held.danger, held.vetted_at) == (verdict, "", world.now)
    assert doctor(world)["file scanner"] == "ok"


def test_while_the_scanner_is_silent_what_was_brought_stays_and_goes_on_later(world: World, settings: Any) -> None:
    broken(settings)
    with pytest.raises(Unavailable, match=r"file\.scanner_silent"):
        upload(world, content(70_000))
    row = Upload.objects.get()
    assert row.blob == ""
    assert doctor(world)["file scanner"] == "bad"
    with clamd.door() as place:
        settings.NODE = replace(settings.NODE, file_scanner=place)
        assert attaching.finish(world.officer("liaison"), str(row.upload_id), now=world.now).blob


def test_without_a_scanner_a_file_is_taken_and_says_so(world: World) -> None:
    assert Blob.objects.get(pk=upload(world, content(70_000)).blob).scan == ""
    assert doctor(world)["file scanner"] == "warn"


# -- what partners send --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("scanned")
@pytest.mark.parametrize(
    ("plain", "code"),
    [
        (content(70_000) + clamd.TEST_FILE, "file.malware"),
        (BURSTS, "file.bomb"),
        (b"\x7fELF\x02\x01" + bytes(200), "file.program"),
    ],
    ids=["malware", "bomb", "program"],
)
def test_a_partners_dangerous_file_is_kept_and_opened_for_nobody(world: World, plain: bytes, code: str) -> None:
    entry, index = arrived(world, plain=plain)
    held = Blob.objects.get()
    assert (held.state, held.danger) == (Blob.HERE, code), "it may be evidence"
    assert may(world, entry, index, "read") == code
    assert any(key == f"danger/{held.digest}" for key in tasks(world))
    assert Event.objects.get(event="blob.held_back").told["facts"]["code"] == code


@pytest.mark.usefixtures("scanned")
def test_the_page_says_what_was_found(world: World) -> None:
    entry, _ = arrived(world)
    world.client.post("/accounts/login/", {"login": "liaison", "password": PASSWORD})
    shown = world.client.get(f"/dossiers/{entry}/", headers={"accept-language": "en"}).content.decode()
    assert "The scanner found nothing" in shown
    assert 'class="file-uses"' in shown
    Blob.objects.update(danger="file.malware", danger_facts={"found": "Eicar-Test"}, scan="found")
    shown = world.client.get(f"/dossiers/{entry}/", headers={"accept-language": "en"}).content.decode()
    assert "Eicar-Test" in shown
    assert 'class="file-uses"' not in shown


def test_a_file_that_came_while_the_scanner_is_silent_waits_whole(world: World, settings: Any) -> None:
    broken(settings)
    ma, report, raw = reported(world, content(70_000))
    asked = gives(ma, raw)
    for _ in range(3):
        world.carry()
        world.later(minutes=16)
    row = Blob.objects.get()
    assert (row.state, row.code, row.received) == (Blob.ARRIVING, "file.scanner_silent", len(raw))
    assert len(asked) == 1, "it is not fetched again"
    with clamd.door() as place:
        settings.NODE = replace(settings.NODE, file_scanner=place)
        carry(world)
    assert Blob.objects.get().scan == "clean"
    assert may(world, report.entry_id, len(report.parts) - 1, "read") == ""


# -- later ---------------------------------------------------------------------------------------------------------------


def test_what_the_scanner_learns_later_is_found_in_what_is_here(world: World, settings: Any) -> None:
    entry, index = arrived(world, plain=content(70_000) + clamd.TEST_FILE)
    _, told = sent(world, content(5_000))
    assert may(world, entry, index, "read") == ""
    with clamd.door() as place:
        settings.NODE = replace(settings.NODE, file_scanner=place)
        found = {row["blob"]: row["danger"] for row in rescanning.rescan(world.now)}
    assert found.pop(told["blob"]) == ""
    assert [*found.values()] == ["file.malware"]
    assert may(world, entry, index, "read") == "file.malware"
    broken(settings)
    silent = [*rescanning.rescan(world.now)]
    assert {row["danger"] for row in silent} == {"file.scanner_silent"}
    assert may(world, entry, index, "read") == "file.malware", "no answer takes nothing back"


# -- the scanner ---------------------------------------------------------------------------------------------------------


def said(settings: Any, place: str, *pieces: bytes) -> scanner.Scan:
    settings.NODE = replace(settings.NODE, file_scanner=place)
    return scanner.scan(pieces)


def command(tmp_path: Path, body: str) -> str:
    """A scanner of a few lines of Python."""
    (tmp_path / "scan.py").write_text(f"import sys\n{body}\n")
    return f"command:{sys.executable} {tmp_path / 'scan.py'} -"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("sys.stdin.buffer.read(); sys.exit(0)", scanner.Scan("clean")),
        (
            "print('stream: Bad.Thing FOUND'); sys.exit('x' in sys.stdin.read() and 1)",
            scanner.Scan("found", "Bad.Thing"),
        ),
        ("print('Bad.Thing'); sys.exit(1)", scanner.Scan("found", "Bad.Thing")),
    ],
    ids=["clean", "found", "found_before_the_end"],
)
def test_a_command_is_asked(tmp_path: Path, settings: Any, body: str, told: scanner.Scan) -> None:
    assert said(settings, command(tmp_path, body), *[b"x" * 65536] * 64) == told


@pytest.mark.parametrize("place", ["command:/nowhere/scanner", "clamd:/nowhere/s", "clamd:127.0.0.1:1"])
def test_no_answer_is_no_verdict(settings: Any, place: str) -> None:
    with pytest.raises(Unavailable, match=r"file\.scanner_silent"):
        said(settings, place, b"x")


def test_a_command_that_fails_is_no_verdict(tmp_path: Path, settings: Any) -> None:
    with pytest.raises(Unavailable, match=r"file\.scanner_silent"):
        said(settings, command(tmp_path, "sys.exit(2)"), b"x")


@pytest.mark.skipif(not clamd.is_installed(), reason="needs clamd: install the package clamav-daemon")
def test_the_real_clamd(tmp_path_factory: pytest.TempPathFactory, settings: Any) -> None:
    with clamd.real(tmp_path_factory.mktemp("c")) as place:
        assert said(settings, place, b"harmless", b"") == scanner.Scan("clean")
        assert said(settings, place) == scanner.Scan("clean")
        found = said(settings, place, content(65536), clamd.TEST_FILE)
        assert (found.verdict, found.name.removesuffix(".UNOFFICIAL")) == ("found", "Eicar-Test")
        assert said(settings, place, *[content(65536)] * 64) == scanner.Scan("too_large")


@pytest.mark.parametrize(
    "given", ["clamd", "clamd:", "clamd:scanner.example:3310", "http://x", "command:", "command: "]
)
def test_a_scanner_is_on_this_machine(tmp_path: Path, given: str) -> None:
    with pytest.raises(Rejected, match=r"settings\.file_scanner"):
        NodeSettings(home=tmp_path, file_scanner=given)
