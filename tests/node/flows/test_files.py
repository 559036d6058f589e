"""Files between nodes: sealed as they come, announced with their entry, carried in pieces through every kind of break, erased whole."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.dossiers.entries import Part
from tansiq.engine.envelopes import age
from tansiq.engine.envelopes.age.payload import CHUNK
from tansiq.engine.envelopes.blobs import PIECE
from tansiq.engine.errors import Conflict, Refused, Rejected, Unavailable
from tansiq.engine.formats.times import format_time
from tansiq.node.exchange import blobs, files
from tansiq.node.exchange.models import Blob, BlobCopy, BlobUse, Upload
from tansiq.node.flows import attaching, mending
from tansiq.node.jobs.models import Job
from tests.node.far import Far
from tests.node.far_files import content, file_part, gives, on_disk, opened, read_request, wipe, write_request
from tests.node.flows.test_killed import survives
from tests.node.flows.test_taking import report_by, report_parts
from tests.node.world import World, question_parts

BIG = 3 * PIECE + 12_345


@pytest.fixture(autouse=True)
def fresh_disk() -> Iterator[None]:
    """No sealed file is there before or after a test."""
    wipe()
    yield
    wipe()


def upload(world: World, plain: bytes, name: str = "film.bin", kind: str = "application/octet-stream") -> Upload:
    """The liaison brings a file in one go."""
    return attaching.take(world.officer("liaison"), name, kind, len(plain), io.BytesIO(plain), now=world.now)


def sent(world: World, plain: bytes) -> tuple[str, dict[str, Any]]:
    """A request with a file, on its way to ma; returns the dossier and the file's content."""
    world.accord("ma")
    row = upload(world, plain)
    told = attaching.content_of(world.officer("liaison"), str(row.upload_id), description="From the camera at the port")
    return world.ask("ma", parts=(*question_parts(), Part("file", told))), told


def reported(world: World, plain: bytes, **changed: Any) -> tuple[Far, Any, bytes]:
    """A report of ma's with a file, that is here; the file is not."""
    accord = world.accord("ma")
    ma = world.fars["ma"]
    part, raw = file_part(plain, **changed)
    report = report_by(world, ma, accord, ["fr"], "ZORGLUB", parts=(*report_parts("ZORGLUB"), part))
    world.arrive(ma, report)
    return ma, report, raw


def carry(world: World, times: int = 50) -> None:
    """Carry until nothing is awaited, letting every pause pass."""
    for _ in range(times):
        world.carry()
        world.settle()
        if not Blob.objects.filter(state=Blob.ARRIVING).exists():
            return
        world.later(minutes=16)
    raise AssertionError("it never ended")


# -- bringing a file -----------------------------------------------------------------------------------------------------


def test_an_upload_is_sealed_as_it_comes_and_goes_on_after_any_break(world: World) -> None:
    officer, plain = world.officer("liaison"), content(2 * attaching.PIECE + 777)
    row = attaching.begin(officer, "C:\\temp\\fi\u202elm.bin", len(plain), "video/mp4; x=1", now=world.now)
    name = str(row.upload_id)
    attaching.put(officer, name, 0, plain[: attaching.PIECE], now=world.now)
    # A crash in the middle of a write leaves bytes that no row knows.
    with files.arriving(name).open("ab") as file:
        file.write(b"half a chunk")
    for offset in (0, CHUNK, len(plain)):
        with pytest.raises(Conflict) as caught:
            attaching.put(officer, name, offset, plain[:CHUNK], now=world.now)
        assert caught.value.facts == {"expected": attaching.PIECE}
    with pytest.raises(Conflict, match=r"file\.offset"):
        attaching.finish(officer, name, now=world.now)
    with pytest.raises(Rejected, match=r"file\.piece"):
        attaching.put(officer, name, attaching.PIECE, plain[: CHUNK + 1], now=world.now)
    for place in (attaching.PIECE, 2 * attaching.PIECE):
        attaching.put(officer, name, place, plain[place : place + attaching.PIECE], now=world.now)
    done = attaching.finish(officer, name, now=world.now)
    assert attaching.finish(officer, name, now=world.now).blob == done.blob
    told = attaching.content_of(officer, name)
    assert (told["name"], told["size"]) == ("film.bin", len(plain))
    assert told["digest"] == hashlib.sha256(plain).hexdigest()
    (raw,) = on_disk().values()
    assert hashlib.sha256(raw).hexdigest() == told["blob"]
    assert age.decrypt(raw, [age.HybridIdentity.from_text(told["identity"])]) == plain
    assert plain[:40] not in raw


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1])
def test_small_files_and_empty_ones(world: World, size: int) -> None:
    row = upload(world, content(size))
    raw = files.path_of(row.blob).read_bytes()
    assert age.decrypt(raw, [age.HybridIdentity.from_text(row.identity)]) == content(size)


def test_an_upload_is_its_officers_alone(world: World) -> None:
    row = upload(world, b"%PDF-1.7")
    for name in ("boss", "stranger"):
        with pytest.raises(Rejected, match=r"file\.upload_unknown"):
            attaching.content_of(world.officer(name), str(row.upload_id))
    with pytest.raises(Refused, match=r"account\.role"):
        attaching.begin(world.officer("auditor"), "x", 1, "", now=world.now)
    assert row.told["media_type"] == "application/pdf"


def test_a_program_is_refused_whatever_it_is_called_and_nothing_of_it_is_kept(world: World) -> None:
    with pytest.raises(Refused, match=r"file\.program"):
        upload(world, b"\x7fELF\x02\x01" + bytes(100), "holiday.jpg", "image/jpeg")
    assert on_disk() == {}
    assert not Upload.objects.exists()


def test_limits_are_asked_before_anything_is_written(world: World, settings: Any, monkeypatch: Any) -> None:
    officer = world.officer("liaison")
    with pytest.raises(Rejected, match=r"blob\.too_large"):
        attaching.begin(officer, "x", 9000 * 1024 * 1024, "", now=world.now)
    monkeypatch.setattr("tansiq.node.exchange.files.shutil.disk_usage", lambda _: type("U", (), {"free": 10})())
    with pytest.raises(Unavailable, match=r"blob\.no_room"):
        attaching.begin(officer, "x", 5, "", now=world.now)
    with pytest.raises(Rejected, match=r"file\.name"):
        attaching.begin(officer, "\u202e", 5, "", now=world.now)
    assert on_disk() == {}


def test_a_full_disk_leaves_what_was_there(world: World, monkeypatch: Any) -> None:
    officer, plain = world.officer("liaison"), content(2 * attaching.PIECE)
    row = attaching.begin(officer, "x", len(plain), "", now=world.now)
    name = str(row.upload_id)
    attaching.put(officer, name, 0, plain[: attaching.PIECE], now=world.now)
    before = on_disk()
    write = os.pwrite

    def full(descriptor: int, raw: bytes, place: int) -> int:
        if len(raw) < 5000:
            raise OSError(errno.ENOSPC, "full")
        return write(descriptor, raw[: len(raw) - 4000], place)

    with monkeypatch.context() as patch:
        patch.setattr("tansiq.node.exchange.files.os.pwrite", full)
        with pytest.raises(Unavailable, match=r"blob\.no_room"):
            attaching.put(officer, name, attaching.PIECE, plain[attaching.PIECE :], now=world.now)
    assert on_disk() == before
    attaching.put(officer, name, attaching.PIECE, plain[attaching.PIECE :], now=world.now)
    assert attaching.finish(officer, name, now=world.now).blob


def test_what_nobody_sends_is_swept_and_what_a_draft_names_stays(world: World) -> None:
    officer = world.officer("liaison")
    broken = attaching.begin(officer, "x", 5 * CHUNK, "", now=world.now)
    kept, unused = upload(world, b"one"), upload(world, b"two")
    stray = files.folder() / f"{'a' * 64}.new"
    stray.write_bytes(b"left by a crash")
    os.utime(stray, (0, 0))
    from tansiq.node.dossiers import drafts

    part = Part("file", attaching.content_of(officer, str(kept.upload_id)))
    intent = {"parts": [part.to_json()]}
    told: dict[str, Any] = {"kind_name": "request", "act": "ask", "dossier": None, "circle": "unit:ops"}
    drafts.save(officer, draft_id=None, intent=intent, now=world.now, **told)
    assert attaching.sweep(world.now) == 1, "only what no row knows"
    assert attaching.sweep(world.later(days=3)) == 1
    assert not files.arriving(str(broken.upload_id)).exists()
    sent_by, _ = sent(world, b"three")
    assert attaching.sweep(world.later(days=40)) == 1
    assert Upload.objects.get().blob == kept.blob, "what was sent leaves its secret to its part"
    assert BlobUse.objects.get(dossier=sent_by).is_proved
    assert files.has(kept.blob)
    assert not files.has(unused.blob)


# -- ours, on its way ----------------------------------------------------------------------------------------------------


def test_a_file_is_announced_with_its_entry_given_in_ranges_and_its_receipt_is_kept(world: World) -> None:
    plain = content(2 * PIECE)
    dossier, told = sent(world, plain)
    world.settle()
    ma = world.fars["ma"]
    assert ma.dossiers[dossier].entries[dossier].parts[-1].part.content == told
    (copy,) = BlobCopy.objects.all()
    assert (copy.partner, copy.state, copy.is_pushed) == ("ma", "announced", False)
    raw = b""
    while len(raw) < told["blob_size"]:
        answer = world.post("blobs/read", read_request(ma, told["blob"], len(raw), PIECE, world.now))
        assert answer.status_code == 200
        raw += answer.content
    assert age.decrypt(raw, [age.HybridIdentity.from_text(told["identity"])]) == plain
    copy.refresh_from_db()
    assert (copy.state, copy.given) == ("arriving", told["blob_size"])
    from tansiq.engine.envelopes import bodies

    word = bodies.Item("blob", {"v": 1, "blob": told["blob"], "state": "verified", "code": ""})
    world.arrive(ma, word, word)
    copy.refresh_from_db()
    assert (copy.state, copy.verified_at) == ("verified", world.now)


def test_a_file_of_which_nothing_is_heard_comes_to_a_desk_and_leaves_it_with_the_word(world: World) -> None:
    from tansiq.engine.envelopes import bodies
    from tansiq.node.desk.models import Task

    _, told = sent(world, b"x")
    attaching.flag_late(world.later(hours=23))
    assert not Task.objects.filter(title_code="desk.file_late").exists()
    for _ in range(2):
        attaching.flag_late(world.later(hours=2))
    task = Task.objects.get(title_code="desk.file_late")
    assert (task.circle, task.state) == ("unit:ops", "open")
    word = {"v": 1, "blob": told["blob"], "state": "verified", "code": ""}
    world.arrive(world.fars["ma"], bodies.Item("blob", word))
    task.refresh_from_db()
    assert task.state != "open"


def test_a_failing_disk_stops_no_other_file_and_the_doctor_sees_what_is_lost(world: World, monkeypatch: Any) -> None:
    ma, _, raw = reported(world, content(3 * CHUNK))
    gives(ma, raw)
    with monkeypatch.context() as patch:
        patch.setattr("tansiq.node.flows.fetching.files.held", lambda _: (_ for _ in ()).throw(OSError("i/o")))
        assert world.carry() == 0
    assert Blob.objects.get().code == "blob.not_kept"
    world.later(minutes=1)
    carry(world)
    assert blobs.lost() == []
    wipe()
    assert blobs.lost() == [Blob.objects.get().digest]


def test_more_than_the_node_keeps_is_not_taken_in_and_what_is_only_named_takes_no_room(
    world: World, monkeypatch: Any
) -> None:
    ma, _, raw = reported(world, content(3 * CHUNK))
    gives(ma, raw)
    named = {"digest": "f" * 64, "size": 10**13, "created_at": world.now, "retry_at": world.now + timedelta(days=9)}
    Blob.objects.create(**named)
    monkeypatch.setattr("tansiq.node.exchange.blobs.GIBI", len(raw) // 250)
    world.carry()
    assert Blob.objects.get(size=len(raw)).code == "blob.no_room"
    monkeypatch.setattr("tansiq.node.exchange.blobs.GIBI", len(raw) // 150)
    world.later(minutes=1)
    world.carry()
    assert Blob.objects.get(size=len(raw)).state == Blob.HERE


def test_only_a_participant_of_the_dossier_is_given_a_file(world: World) -> None:
    _, told = sent(world, b"secret plans")
    it = world.partner("it")
    asked = (told["blob"], 0, 100)
    assert world.post("blobs/read", read_request(it, *asked, world.now)).json()["code"] == "blob.not_found"
    unknown = world.post("blobs/read", read_request(it, "0" * 64, 0, 100, world.now)).json()["code"]
    assert unknown == "blob.not_found", "what is not here looks the same"
    ma = world.fars["ma"]
    assert world.post("blobs/read", read_request(ma, *asked, world.now)).status_code == 200
    for changes, code in [
        ({"to": "it"}, "exchange.pull_not_for_us"),
        ({"at": format_time(world.now - timedelta(hours=3))}, "exchange.pull_stale"),
        ({"from": "it"}, "dsse.signatures_differ"),
        ({"offset": -1}, "item.malformed"),
        ({"length": 0}, "item.malformed"),
        ({"length": 1 << 40}, "item.malformed"),
        ({"offset": True}, "item.malformed"),
        ({"blob": 5}, "blob.not_found"),
    ]:
        told_again = {"blob": asked[0], "offset": 0, "length": 100} | changes
        answer = world.post("blobs/read", read_request(ma, now=world.now, **told_again))
        assert answer.json()["code"] == code, changes


def test_naming_somebody_elses_file_gives_no_right_to_it(world: World) -> None:
    """A partner that learned a digest writes a part with it: its secret opens nothing, so it is given nothing."""
    _, told = sent(world, b"secret plans")
    it = world.partner("it")
    accord = world.accord("it")
    part, _ = file_part(b"x", blob=told["blob"], blob_size=told["blob_size"])
    world.arrive(it, report_by(world, it, accord, ["fr"], "x", parts=(*report_parts("x"), part)))
    world.settle()
    assert BlobUse.objects.filter(author="it", is_proved=False).exists()
    answer = world.post("blobs/read", read_request(it, told["blob"], 0, 100, world.now))
    assert answer.json()["code"] == "blob.not_found"
    assert it.items("blob") == [{"v": 1, "blob": told["blob"], "state": "refused", "code": "blob.not_as_described"}]


def test_an_entry_names_no_file_that_is_not_here(world: World) -> None:
    world.accord("ma")
    part, _ = file_part(b"x")
    with pytest.raises(Rejected, match=r"file\.not_here"):
        world.ask("ma", parts=(*question_parts(), part))
    row = upload(world, b"mine")
    told = attaching.content_of(world.officer("liaison"), str(row.upload_id))
    for changed in ({"size": 5}, {"digest": "0" * 64}, {"blob_size": 1}, {"identity": part.content["identity"]}):
        with pytest.raises(Rejected, match=r"file\.not_here"):
            world.ask("ma", parts=(*question_parts(), Part("file", told | changed)))


def test_a_node_that_cannot_be_dialled_brings_its_files(world: World) -> None:
    from tansiq.node.partners.models import Partner

    plain = content(BIG)
    Partner.objects.filter(is_self=True).update(url="")
    _, told = sent(world, plain)
    ma, came = world.fars["ma"], bytearray()
    broken = [2]

    def door(raw: bytes, now: Any) -> tuple[int, bytes]:
        size = int.from_bytes(raw[:4], "big")
        asked, piece = opened(raw[4 : 4 + size]), raw[4 + size :]
        assert asked["digest"] == hashlib.sha256(piece).hexdigest()
        if piece and broken and len(came) > PIECE:
            broken.pop()
            return 503, b""
        if piece and asked["offset"] == len(came):
            came.extend(piece)
        return 200, b'{"v":1,"next":%d,"state":"arriving"}' % len(came)

    ma.doors["/peer/v1/blobs/write"] = door
    for _ in range(6):
        world.carry()
        world.later(minutes=16)
    assert age.decrypt(bytes(came), [age.HybridIdentity.from_text(told["identity"])]) == plain
    assert BlobCopy.objects.get().given == told["blob_size"]


# -- a partner's, awaited ------------------------------------------------------------------------------------------------


def test_a_file_is_fetched_verified_and_receipted(world: World) -> None:
    plain = content(BIG)
    ma, report, raw = reported(world, plain)
    asked = gives(ma, raw)
    carry(world)
    row = Blob.objects.get()
    assert (row.state, row.received) == (Blob.HERE, len(raw))
    assert files.path_of(row.digest).read_bytes() == raw
    assert ma.items("blob") == [{"v": 1, "blob": row.digest, "state": "verified", "code": ""}]
    assert sum(length for _, length in asked) < len(raw) + 2 * CHUNK, "nearly nothing is fetched twice"
    assert BlobUse.objects.get(entry=report.entry_id).is_proved
    world.arrive(ma, report)
    assert world.carry() == 0


def test_five_breaks_cost_no_more_than_the_pieces_that_were_under_way(world: World) -> None:
    plain = content(BIG)
    breaks = [2, 3, 4, 5, 6]
    calls = [0]

    def spoil(_offset: int, piece: bytes) -> tuple[int, bytes]:
        calls[0] += 1
        return (502, b"") if calls[0] in breaks else (200, piece[: -(CHUNK // 2)] if calls[0] == 1 else piece)

    ma, _, raw = reported(world, plain)
    asked = gives(ma, raw, spoil=spoil)
    carry(world)
    assert Blob.objects.get().state == Blob.HERE
    assert files.path_of(Blob.objects.get().digest).read_bytes() == raw
    offsets = [offset for offset, _ in asked]
    assert offsets == sorted(offsets), "it never begins again"


def test_a_damaged_chunk_is_fetched_anew_and_never_kept(world: World) -> None:
    spoiled: list[int] = []

    def spoil(offset: int, piece: bytes) -> tuple[int, bytes]:
        if offset and offset not in spoiled:
            spoiled.append(offset)
            return 200, piece[:100] + bytes([piece[100] ^ 1]) + piece[101:]
        return 200, piece

    ma, _, raw = reported(world, content(BIG))
    gives(ma, raw, spoil=spoil)
    world.carry()
    assert Blob.objects.get().code == "blob.chunk_damaged"
    assert raw.startswith(files.arriving(Blob.objects.get().digest).read_bytes())
    carry(world)
    assert files.path_of(Blob.objects.get().digest).read_bytes() == raw
    assert len(spoiled) >= 2


def test_what_the_disk_took_back_is_found_and_fetched_again(world: World) -> None:
    ma, _, raw = reported(world, content(BIG))
    gives(ma, raw)
    blob = Blob.objects.get().digest
    place = 2 * PIECE
    files.append(blob, raw[:place] + bytes(5000) + raw[place + 5000 :], at=0)
    world.carry()
    assert 0 < files.length_of(blob) <= place
    carry(world)
    assert files.path_of(blob).read_bytes() == raw


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"digest": "0" * 64}, "blob.not_as_described"),
        ({"size": 7}, "blob.not_as_described"),
        ({"identity": age.HybridIdentity.generate(bytes).to_text()}, "age.no_match"),
        ({"identity": "not-an-age-secret-key"}, "blob.identity"),
        ({"blob_size": 1}, "age.header"),
        ({"blob_size": 5 * 1024**4}, "blob.too_large"),
    ],
)
def test_a_part_that_says_what_is_not_so_is_refused_and_its_author_hears_why(
    world: World, changed: dict[str, Any], code: str
) -> None:
    ma, report, raw = reported(world, content(3 * CHUNK), **changed)
    gives(ma, raw)
    carry(world)
    assert Blob.objects.get().state == Blob.REFUSED
    assert [item["code"] for item in ma.items("blob")] == [code]
    assert on_disk() == {}
    assert report.entry_id


def test_a_partner_that_cannot_be_dialled_brings_its_file(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    part, raw = file_part(content(BIG))
    report = report_by(world, ma, accord, ["fr"], "x", parts=(*report_parts("x"), part))
    blob = part.content["blob"]

    def bring(offset: int, piece: bytes, **changes: Any) -> Any:
        return world.post("blobs/write", write_request(ma, blob, offset, piece, world.now, **changes)).json()

    assert bring(0, b"")["code"] == "blob.not_awaited", "the entry has not come yet"
    world.arrive(ma, report)
    from tansiq.node.partners.models import Partner

    Partner.objects.filter(node_id="ma").update(card=ma.card(world.now, url=None), url="", dials_us=True)
    world.carry()
    assert Blob.objects.get().code == "blob.to_be_brought"
    place = bring(0, b"")["next"]
    assert place == 0
    assert bring(0, raw[:100])["code"] == "age.header"
    assert bring(0, raw[: PIECE + 1], digest="0" * 64)["code"] == "blob.chunk_damaged"
    while place < len(raw):
        following = bring(place, raw[place : place + PIECE])["next"]
        assert bring(place + 1, b"x" * 100)["next"] == following, "a piece that is not next is not taken"
        assert following > place
        place = following
    world.carry()
    world.settle()
    assert files.path_of(blob).read_bytes() == raw
    assert bring(0, b"") == {"v": 1, "next": len(raw), "state": "here"}
    it = world.partner("it")
    answer = world.post("blobs/write", write_request(it, blob, 0, b"", world.now)).json()
    assert answer["code"] == "blob.not_awaited"


def test_killed_at_any_commit_a_file_arrives_once_and_whole(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    part, raw = file_part(content(2 * PIECE + 5))
    gives(ma, raw)
    report = report_by(world, ma, accord, ["fr"], "x", parts=(*report_parts("x"), part))
    letter = ma.seal("fr", report, now=world.now).to_bytes()

    def play() -> None:
        if not Blob.objects.exists():
            wipe()
        assert world.post("envelopes", letter).status_code == 200
        world.settle()
        carry(world)

    def check() -> None:
        carry(world)
        assert Blob.objects.get().state == Blob.HERE
        assert files.path_of(Blob.objects.get().digest).read_bytes() == raw
        assert len(on_disk()) == 1
        assert [item["state"] for item in ma.items("blob")] == ["verified"]
        assert set(Job.objects.values_list("state", flat=True)) <= {"done"}

    assert survives(world, play, check, every=2) > 8


def test_after_a_restore_lost_files_are_awaited_again(world: World) -> None:
    ma, _, raw = reported(world, content(3 * CHUNK))
    gives(ma, raw)
    carry(world)
    wipe()
    assert blobs.await_again(world.now) == 1
    carry(world)
    assert files.path_of(Blob.objects.get().digest).read_bytes() == raw


def test_a_file_leaves_and_comes_in_a_folder(world: World, tmp_path: Any) -> None:
    from tansiq.node.exchange import blob_folders, carrying

    _, told = sent(world, content(BIG))
    out = carrying.export("ma", tmp_path, clock=world.clock)
    name = blob_folders.name_of("fr", "ma", told["blob"])
    assert out.blobs == [name]
    assert (tmp_path / name).read_bytes() == files.path_of(told["blob"]).read_bytes()
    assert carrying.export("ma", tmp_path, clock=world.clock).written == 0
    assert {f["state"] for f in carrying.take(tmp_path, clock=world.clock).files if f["kind"] == "blob"} == {"repeated"}
    ma = world.fars["ma"]
    part, raw = file_part(content(BIG, "another"), seed="another")
    place = tmp_path / blob_folders.name_of("ma", "fr", part.content["blob"])
    place.parent.mkdir()
    place.write_bytes(raw)

    def taken() -> dict[str, Any]:
        rows = carrying.take(tmp_path, clock=world.clock).files
        return next(row for row in rows if row["file"].endswith(f"{part.content['blob']}.blob"))

    assert (taken()["state"], taken()["code"]) == ("refused", "blob.not_awaited")
    accord = ma.dossiers and next(iter(ma.dossiers))
    world.arrive(ma, report_by(world, ma, str(accord), ["fr"], "x", parts=(*report_parts("x"), part)))
    place.write_bytes(raw[:-1])
    assert taken()["code"] == "blob.size_impossible"
    place.write_bytes(raw[: 2 * PIECE] + bytes([raw[2 * PIECE] ^ 1]) + raw[2 * PIECE + 1 :])
    assert taken()["state"] == "accepted"
    world.carry()
    assert Blob.objects.get(pk=part.content["blob"]).code == "blob.chunk_damaged"
    place.write_bytes(raw)
    assert taken()["state"] == "accepted"
    carry(world)
    assert files.path_of(part.content["blob"]).read_bytes() == raw
    assert taken()["state"] == "repeated"


# -- erasing -------------------------------------------------------------------------------------------------------------


def test_erasing_the_part_takes_the_file_too_unless_another_part_names_it(world: World) -> None:
    from tests.node.flows.test_erasing import recall

    ma, report, raw = reported(world, content(3 * CHUNK))
    gives(ma, raw)
    carry(world)
    part = report.parts[-1].part
    again = ma.act(report.entry_id, "supplement", world.now, parts=(*report_parts("x"), part))
    world.arrive(ma, again)
    world.settle()
    assert BlobUse.objects.filter(is_proved=True).count() == 2
    attaching.forget(again.entry_id, range(10), world.now)
    world.settle()
    assert files.has(part.content["blob"])
    world.arrive(ma, recall(world, ma, report))
    world.settle()
    assert on_disk() == {}
    assert not Blob.objects.exists()
    assert not BlobUse.objects.exists()
    answer = world.post("blobs/read", read_request(ma, part.content["blob"], 0, 100, world.now))
    assert answer.json()["code"] == "blob.not_found"


def test_an_exercise_is_deleted_with_its_files(world: World) -> None:
    from tansiq.node.flows import ending

    world.accord("ma")
    row = upload(world, content(CHUNK))
    told = attaching.content_of(world.officer("liaison"), str(row.upload_id))
    dossier = world.ask("ma", parts=(*question_parts(), Part("file", told)), exercise=True)
    ending.delete_exercise(world.officer("boss"), dossier, now=world.now)
    world.settle()
    assert on_disk() == {}
    assert not Upload.objects.exists()


def test_a_file_that_is_erased_while_it_arrives_stops_arriving(world: World) -> None:
    from tests.node.flows.test_erasing import recall

    ma, report, raw = reported(world, content(BIG))
    gives(ma, raw, spoil=lambda offset, piece: (200, piece) if not offset else (502, b""))
    world.carry()
    assert on_disk()
    world.arrive(ma, recall(world, ma, report))
    world.settle()
    assert on_disk() == {}
    assert world.carry() == 0


def test_a_file_that_is_not_what_its_name_says_is_fetched_anew(world: World) -> None:
    ma, _, raw = reported(world, content(BIG))
    gives(ma, raw)
    carry(world)
    (blob,) = Blob.objects.values_list("digest", flat=True)
    assert blobs.damaged() == []
    path = files.path_of(blob)
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    assert blobs.damaged() == [blob]
    told = [d for d in mending.mend(world.now) if d["check"] == "files"]
    assert [d["level"] for d in told] == ["ok"]
    world.settle()
    carry(world)
    assert path.read_bytes() == raw
    assert (blobs.damaged(), blobs.lost()) == ([], [])
