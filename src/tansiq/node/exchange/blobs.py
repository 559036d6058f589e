"""Rows of blobs: which are here, which are awaited, who uses them, and how far each partner's copy has come.

Functions *in the caller's transaction* are steps of flows. What opens a blob is never among the rows of this room but for an
upload, which nobody has sent yet; it goes when its blob is erased or its day is over.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum

from tansiq.engine.errors import Rejected, Unavailable
from tansiq.engine.formats.ids import is_id
from tansiq.node.exchange import files
from tansiq.node.exchange.actions import LEASE, PAUSES
from tansiq.node.exchange.models import Blob, BlobCopy, BlobUse, Upload

GIBI = 1024 * files.MEBI
UNFINISHED = timedelta(days=2)
UNUSED = timedelta(days=30)
SENT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Use:
    """One live part that names a blob."""

    entry: str
    index: int
    dossier: str
    author: str
    is_proved: bool = False
    blob: str = ""


def use(blob: str, size: int, part: Use, now: datetime) -> bool:
    """A live part names the blob, in the caller's transaction; returns whether the blob is here already.

    One that is not here is awaited from now on.
    """
    BlobUse.objects.get_or_create(
        entry=part.entry,
        index=part.index,
        defaults={"blob": blob, "dossier": part.dossier, "author": part.author, "is_proved": part.is_proved},
    )
    row = Blob.objects.get_or_create(digest=blob, defaults={"size": size, "created_at": now})[0]
    if row.state == Blob.REFUSED and row.size != size:
        Blob.objects.filter(pk=blob).update(state=Blob.ARRIVING, size=size, code="", failures=0, retry_at=None)
    return row.state == Blob.HERE


def announce(blob: str, partners: Iterable[str], *, pushed_to: Collection[str], now: datetime) -> None:
    """Each of ``partners`` is to have the blob, in the caller's transaction; those in ``pushed_to`` cannot come for it."""
    rows = [BlobCopy(blob=blob, partner=p, is_pushed=p in pushed_to, created_at=now) for p in partners]
    BlobCopy.objects.bulk_create(rows, ignore_conflicts=True)


def prove(entry: str, index: int) -> None:
    """The secret in that part opens the blob it names."""
    BlobUse.objects.filter(entry=entry, index=index).update(is_proved=True)


def is_proved(entry: str, index: int) -> bool:
    """Whether the secret in that part opens the blob it names."""
    return BlobUse.objects.filter(entry=entry, index=index, is_proved=True).exists()


def uses_of(blob: str) -> list[Use]:
    """Every live part that names the blob, oldest first."""
    rows = BlobUse.objects.filter(blob=blob).order_by("id")
    return [Use(row.entry, row.index, row.dossier, row.author, row.is_proved, blob) for row in rows]


def of_parts(entries: Collection[str]) -> dict[tuple[str, int], dict[str, Any]]:
    """How the blob of each part of these entries stands here and at partners; by (entry, index)."""
    uses = list(BlobUse.objects.filter(entry__in=list(entries)))
    named = {row.blob for row in uses}
    held = {row.digest: row for row in Blob.objects.filter(digest__in=named)}
    copies: dict[str, list[BlobCopy]] = {}
    for copy in BlobCopy.objects.filter(blob__in=named).order_by("partner"):
        copies.setdefault(copy.blob, []).append(copy)
    return {
        (one.entry, one.index): _shown(held[one.blob], copies.get(one.blob, [])) for one in uses if one.blob in held
    }


def _shown(row: Blob, copies: list[BlobCopy]) -> dict[str, Any]:
    return {
        "state": row.state,
        "received": row.received,
        "size": row.size,
        "media_type": row.media_type,
        "code": row.code,
        "danger": row.danger,
        "danger_facts": row.danger_facts,
        "scan": row.scan,
        "vetted_at": row.vetted_at,
        "copies": [
            {"partner": c.partner, "state": c.state, "given": c.given, "code": c.code, "verified_at": c.verified_at}
            for c in copies
        ],
    }


def get(blob: str) -> Blob | None:
    """The blob's row."""
    return Blob.objects.filter(pk=blob).first()


def lost() -> list[str]:
    """Blobs that rows say are here and that the disk has not."""
    return [one for one in _here() if not files.has(one)]


def damaged() -> list[str]:
    """Blobs whose file on the disk is not what its name says; reads every file."""
    return [one for one in _here() if files.has(one) and files.digest_of(one) != one]


def _here() -> Iterator[str]:
    return Blob.objects.filter(state=Blob.HERE).values_list("digest", flat=True).iterator()


def set_aside_damaged() -> int:
    """Take files that are not what their names say from the disk, so that they are awaited again; returns how many."""
    found = damaged()
    for one in found:
        files.erase(one)
    return len(found)


def await_again(now: datetime) -> int:
    """After a restore: what rows say is here and the disk has not is awaited again. Returns how many."""
    fresh = {"state": Blob.ARRIVING, "received": 0, "completed_at": None, "failures": 0, "retry_at": now}
    gone = lost()
    for one in gone:
        Blob.objects.filter(pk=one).update(**fresh)
    return len(gone)


# -- arriving ------------------------------------------------------------------------------------------------------------


def wanting(now: datetime, limit: int = 50) -> list[Blob]:
    """Awaited blobs that nobody works on and whose pause is over, the smallest first: a letter need not wait for a film."""
    free = (Q(leased_until=None) | Q(leased_until__lte=now)) & (Q(retry_at=None) | Q(retry_at__lte=now))
    return list(Blob.objects.filter(free, state=Blob.ARRIVING).order_by("failures", "size")[:limit])


def bringing(now: datetime, limit: int = 50) -> list[BlobCopy]:
    """Copies that this node has to bring, that nobody works on, and whose pause is over."""
    free = (Q(leased_until=None) | Q(leased_until__lte=now)) & (Q(retry_at=None) | Q(retry_at__lte=now))
    rows = BlobCopy.objects.filter(free, is_pushed=True, state__in=["announced", "arriving"])
    here = Blob.objects.filter(state=Blob.HERE).values("digest")
    return list(rows.filter(blob__in=here).order_by("failures", "id")[:limit])


def lease(row: Blob | BlobCopy, worker: str, now: datetime) -> bool:
    """Take the work on one row for a minute; False when another has it."""
    free = Q(leased_until=None) | Q(leased_until__lte=now) | Q(leased_by=worker)
    taken = type(row).objects.filter(free, pk=row.pk).update(leased_until=now + LEASE, leased_by=worker)
    return bool(taken)


def release(row: Blob | BlobCopy, worker: str) -> None:
    """Give the work back."""
    type(row).objects.filter(pk=row.pk, leased_by=worker).update(leased_until=None, leased_by="")


def let_go(worker: str) -> None:
    """Give back what a worker of this name held when it died."""
    for model in (Blob, BlobCopy):
        model.objects.filter(leased_by__startswith=f"{worker}/").update(leased_until=None, leased_by="")


def advanced(row: Blob | BlobCopy, length: int) -> None:
    """Bytes came (or were taken): for people to see, and the failures before count no longer."""
    member = "received" if isinstance(row, Blob) else "given"
    told: dict[str, Any] = {member: length, "failures": 0, "retry_at": None, "code": ""}
    if isinstance(row, BlobCopy):
        told["state"] = "arriving"
    type(row).objects.filter(pk=row.pk).exclude(state__in=["verified", Blob.HERE]).update(**told)


def failed(row: Blob | BlobCopy, code: str, now: datetime) -> None:
    """A try failed: pause, a second at first and a quarter of an hour at most, for ever."""
    count = row.failures + 1
    pause = PAUSES[min(count, len(PAUSES)) - 1] * (1 + os.urandom(1)[0] / 1024)
    type(row).objects.filter(pk=row.pk).update(failures=count, retry_at=now + timedelta(seconds=pause), code=code[:80])


def arrived(blob: str, vetted: dict[str, Any], now: datetime) -> None:
    """The whole is here, verified and looked at (``vetted`` as for :func:`judged`), in the caller's transaction."""
    Blob.objects.filter(pk=blob).update(
        state=Blob.HERE, received=Blob.objects.get(pk=blob).size, code="", completed_at=now
    )
    judged(blob, vetted, now)


def judged(blob: str, vetted: dict[str, Any], now: datetime) -> None:
    """What was found in the file: {media_type, danger, danger_facts, scan}; in the caller's transaction."""
    Blob.objects.filter(pk=blob).update(**vetted, vetted_at=now)


def here() -> Iterator[Blob]:
    """Every blob that is whole on this node."""
    return Blob.objects.filter(state=Blob.HERE).order_by("digest").iterator()


def refuse(blob: str, code: str) -> None:
    """The blob will never be taken in, in the caller's transaction."""
    Blob.objects.filter(pk=blob).update(state=Blob.REFUSED, code=code[:80])


# -- at partners ---------------------------------------------------------------------------------------------------------


def given(blob: str, partner: str, length: int) -> None:
    """A partner has asked for bytes up to ``length``: it has what comes before."""
    rows = BlobCopy.objects.filter(blob=blob, partner=partner, state__in=["announced", "arriving"])
    rows.filter(given__lt=length).update(given=length, state="arriving")


def settled(blob: str, partner: str, state: str, code: str, now: datetime) -> bool:
    """The partner's signed word that it has the whole, or will not take it; in the caller's transaction. False if it was known."""
    rows = BlobCopy.objects.filter(blob=blob, partner=partner).exclude(state=state)
    told: dict[str, Any] = {"state": state, "code": code[:80]}
    if state == "verified":
        told["verified_at"] = now
    return bool(rows.update(**told))


def late(before: datetime) -> list[BlobCopy]:
    """Copies announced before ``before`` of which no signed word has come."""
    rows = BlobCopy.objects.filter(state__in=["announced", "arriving"], created_at__lt=before)
    return list(rows.order_by("id")[:500])


# -- uploads -------------------------------------------------------------------------------------------------------------


def get_upload(officer: str, upload_id: object) -> Upload:
    """The upload, if it is this officer's; raises Rejected("file.upload_unknown") otherwise."""
    found = Upload.objects.filter(pk=upload_id, officer=officer).first() if is_id(upload_id) else None
    if found is None:
        raise Rejected("file.upload_unknown", at="/files")
    return found


def uploads_of_blob(blob: str) -> list[Upload]:
    """Finished uploads of that blob; for the machine."""
    return list(Upload.objects.filter(blob=blob))


def require_quota(wanted: int) -> None:
    """Raise Unavailable("blob.no_room") when all files together would be more than this node keeps.

    What is only announced takes no room yet: a partner that names more than it sends keeps nobody else's file out.
    """
    held = Blob.objects.exclude(state=Blob.REFUSED).aggregate(n=Sum("received"))["n"] or 0
    held += Upload.objects.filter(blob="").aggregate(n=Sum("size"))["n"] or 0
    if held + wanted > settings.NODE.max_files_gb * GIBI:
        raise Unavailable("blob.no_room")


def open_upload(officer: str, told: dict[str, Any], identity: str, size: int, head: bytes, now: datetime) -> Upload:
    """Begin an upload: the head of its sealed file is on the disk when this returns."""
    row = Upload(officer=officer, told=told, identity=identity, size=size, created_at=now, changed_at=now)
    with files.held(str(row.upload_id)):
        row.sealed_size = files.append(str(row.upload_id), head, at=0, sync=True)
    row.save(force_insert=True)
    return row


def grown(row: Upload, sealed_size: int, now: datetime) -> None:
    """So many sealed bytes of the upload are on the disk."""
    row.sealed_size, row.changed_at = sealed_size, now
    row.save(update_fields=["sealed_size", "changed_at"])


def finish_upload(row: Upload, blob: str, told: dict[str, Any], vetted: dict[str, Any], now: datetime) -> None:
    """The upload is whole and has its name: file first, then rows, so that no row promises what is not there."""
    files.keep(str(row.upload_id), blob)
    with transaction.atomic():
        fresh = {"size": row.sealed_size, "created_at": now}
        held = Blob.objects.select_for_update().get_or_create(digest=blob, defaults=fresh)[0]
        held.state, held.received, held.completed_at = Blob.HERE, held.size, now
        held.save()
        judged(blob, vetted, now)
        row.blob, row.told, row.changed_at = blob, told, now
        row.save(update_fields=["blob", "told", "changed_at"])


def drop_upload(row: Upload) -> None:
    """The officer does not want it after all."""
    Upload.objects.filter(pk=row.pk).delete()
    files.drop(str(row.upload_id))


# -- erasing -------------------------------------------------------------------------------------------------------------


def forget(entry: str, indexes: Collection[int]) -> list[str]:
    """These parts are erased, in the caller's transaction; returns the blobs that no live part names any more."""
    rows = BlobUse.objects.filter(entry=entry, index__in=list(indexes))
    named = set(rows.values_list("blob", flat=True))
    rows.delete()
    left = named - set(BlobUse.objects.filter(blob__in=named).values_list("blob", flat=True))
    Upload.objects.filter(blob__in=left).delete()
    return sorted(left)


def erase(blob: str) -> bool:
    """Remove a blob that no live part and no upload names: file and rows. Idempotent; False if it is in use again."""
    with transaction.atomic():
        Blob.objects.select_for_update().filter(pk=blob).first()
        if BlobUse.objects.filter(blob=blob).exists() or Upload.objects.filter(blob=blob).exists():
            return False
        files.erase(blob)
        Blob.objects.filter(pk=blob).delete()
        BlobCopy.objects.filter(blob=blob).delete()
    return True


def sweep(now: datetime, *, wanted: Collection[str] = ()) -> int:
    """Remove what nobody asks for any more: broken uploads after two days, files never sent after thirty, and files on the
    disk that no row knows. ``wanted`` are blobs that drafts name. Returns how many went.
    """
    gone = 0
    for row in Upload.objects.filter(blob="", changed_at__lt=now - UNFINISHED):
        drop_upload(row)
        gone += 1
    # Once it is sent, its secret stands in its part; a day later nobody goes back to the form it came by.
    Upload.objects.filter(blob__in=BlobUse.objects.values("blob"), changed_at__lt=now - SENT).delete()
    old = Upload.objects.exclude(blob="").exclude(blob__in=list(wanted)).filter(changed_at__lt=now - UNUSED)
    old.delete()
    unused = Blob.objects.exclude(digest__in=BlobUse.objects.values("blob"))
    unused = unused.exclude(digest__in=Upload.objects.exclude(blob="").values("blob")).exclude(digest__in=list(wanted))
    for blob in list(unused.values_list("digest", flat=True)[:1000]):
        gone += erase(blob)
    return gone + _sweep_files(now)


def _sweep_files(now: datetime) -> int:
    gone = 0
    for name, is_whole in files.names():
        place = files.path_of(name) if is_whole else files.arriving(name)
        is_old = place.exists() and place.stat().st_mtime < (now - UNFINISHED).timestamp()
        known = Blob.objects.filter(pk=name).exists() or (is_id(name) and Upload.objects.filter(pk=name).exists())
        if is_old and not known:
            place.unlink(missing_ok=True)
            gone += 1
    return gone
