"""The erasure ledger: a file beside the store that a backup does not hold, from which a restored node erases again.

A copy of the store of last month holds what was erased since. So every erasure is also a line of ``erasures.jsonl``, a file that is only
ever appended to and that no backup takes in: the administrator keeps it elsewhere (``erasure_ledger`` in ``node.toml``, another disk, a copy by
hand). A line is a DSSE envelope under the node's key whose payload names the line before it by digest, so that lines neither change nor
vanish from the middle unseen; it holds ids and reasons, no content.

Rows are the truth and the file follows: a job writes what the file lacks. Killed while writing, it leaves a line without an end, which the
next run cuts off. ``replay`` is what ``tansiq restore`` calls before anything is served.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from tansiq.engine.envelopes import dsse
from tansiq.engine.envelopes.signing import key_id
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical, strict_json
from tansiq.engine.formats.ids import digest, is_digest, is_id
from tansiq.node.dossiers import erased, queries
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners.queries import own_node_keys
from tansiq.node.register import actions as register_actions
from tansiq.node.register import queries as register
from tansiq.node.vault import keys

JOB = "flows.erasure_ledger"
PAYLOAD_TYPE = "application/vnd.tansiq.erasure-ledger+json"
FILE = "erasures.jsonl"
MAX_LINE = 16 * 1024
_PART = frozenset({"entry", "part", "dossier", "author", "reason", "change", "at"})
_SUBJECT = frozenset({"subject", "officer", "ground", "barred"})


def path() -> Path:
    """Where this node keeps its ledger."""
    told = settings.NODE.erasure_ledger
    return Path(told) if told else Path(settings.NODE.home) / FILE


def leave(now: datetime) -> None:
    """Owe the ledger what the store has and it has not, in the caller's transaction."""
    enqueue(JOB, {}, now=now, key=JOB)


def write(payload: dict[str, object], now: datetime) -> None:  # noqa: ARG001 - a job handler's shape
    """Job ``flows.erasure_ledger``: append every erasure that the file lacks, and let it reach the disk."""
    append(path())


def append(target: Path) -> int:
    """Append to ``target`` what it lacks; returns how many lines. Raises Rejected("erasure.ledger_broken") for a file that is not ours."""
    target.parent.mkdir(parents=True, exist_ok=True)
    known: set[str] = set()
    last = ""
    end = 0
    for told, raw in _lines(target, _publics()):
        known.add(name_of(told))
        last, end = digest(raw), end + len(raw) + 1
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        file.truncate(end)  # a line that a kill cut short is written anew
        file.seek(end)
        count = 0
        for told in _told():
            if name_of(told) in known:
                continue
            raw = _line(told, last)
            file.write(raw + b"\n")
            last, count = digest(raw), count + 1
        file.flush()
        os.fsync(file.fileno())
    return count


def _told() -> Iterator[dict[str, Any]]:
    yield from erased.ledger()
    for row in register.erasures():
        yield {"what": "subject", **row}


def name_of(told: Mapping[str, Any]) -> str:
    """What a line is about: one part, or one subject."""
    return f"{told['entry']}/{told['part']}" if told["what"] == "part" else str(told["subject"])


def _line(told: Mapping[str, Any], last: str) -> bytes:
    signed = dsse.sign(PAYLOAD_TYPE, canonical.dumps({"v": 1, "prev": last, **told}), [keys.current().node])
    return canonical.dumps(signed.to_json())


def _publics() -> dict[str, bytes]:
    return {key_id(public): public for public in own_node_keys()}


def read(source: Path) -> list[dict[str, Any]]:
    """Every whole line of a ledger, each verified; a last line without its end is left out.

    Raises Rejected("erasure.ledger_broken", line=…) for the first line that this node did not sign, or that does not follow the one before.
    """
    return [told for told, _raw in _lines(source, _publics())]


def _lines(source: Path, publics: Mapping[str, bytes]) -> Iterator[tuple[dict[str, Any], bytes]]:
    if not source.exists():
        return
    last = ""
    with source.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), start=1):
            if not line.endswith(b"\n"):
                if len(line) > MAX_LINE:
                    raise _broken(source, number)
                return
            raw = line[:-1]
            told = _opened(raw, publics, last, source, number)
            yield told, raw
            last = digest(raw)


def _opened(raw: bytes, publics: Mapping[str, bytes], last: str, source: Path, number: int) -> dict[str, Any]:
    try:
        signed = dsse.Signed.from_json(strict_json.loads(raw))
        told = canonical.loads(dsse.verify_one(signed, payload_type=PAYLOAD_TYPE, keys=publics))
    except Rejected as error:
        raise _broken(source, number) from error
    if not isinstance(told, dict) or told.get("v") != 1 or told.get("prev") != last:
        raise _broken(source, number)
    held = {name: value for name, value in told.items() if name not in {"v", "prev"}}
    what, names = held.get("what"), held.keys() - {"what"}
    is_part = what == "part" and names == _PART and is_digest(held["entry"]) and is_digest(held["part"])
    is_subject = what == "subject" and names == _SUBJECT and is_id(held["subject"])
    if not (is_part or is_subject):
        raise _broken(source, number)
    return held


def _broken(source: Path, number: int) -> Rejected:
    return Rejected("erasure.ledger_broken", at=str(source), line=number)


# -- after a restore -------------------------------------------------------------------------------------------------------


def replay(told: list[dict[str, Any]], now: datetime) -> int:
    """Erase again what the ledger names, before anything is served; returns how many parts and subjects were there again.

    What is not in the copy is noted, so that it stays out when partners send it again.
    """
    from tansiq.node.flows.reaching import erase

    again = 0
    for one in told:
        if one["what"] != "part":
            continue
        with transaction.atomic():
            row = queries.entry_by_id(one["entry"])
            if row is None:
                erased.note_replayed(one, now=now)
                continue
            refs = queries.signed_entry(row).header.parts
            places = [place for place, ref in enumerate(refs) if ref.commitment == one["part"]]
            again += sum(queries.has_part(row.entry_id, place) for place in places)
            erase(row, places, reason=one["reason"], change=one["change"], now=now)
    return again + register_actions.replay_erasures([one for one in told if one["what"] == "subject"], now=now)
