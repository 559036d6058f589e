"""Partners compare what they hold of the dossiers they share: heads, or a digest of all heads where it may be that nothing differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import count, groupby, islice
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from tansiq.engine.dossiers.states import contains
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import is_digest, require_digest
from tansiq.engine.formats.json_values import JsonValue
from tansiq.node.dossiers import queries
from tansiq.node.exchange import actions as exchange
from tansiq.node.exchange import queries as links
from tansiq.node.flows.taking import ask_for
from tansiq.node.jobs import actions as jobs
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    from tansiq.node.dossiers.models import Dossier

TOLD_AT_ONCE = 1000
"""Dossiers in one item of heads: with up to 32 heads each it stays far below the limit of an envelope."""
MAX_TOLD = 2000
MAX_HEADS = 32
PREFIXES = 256
_PREFIX = re.compile("[0-9a-f]{2}")
NOTHING: Final[dict[str, Any]] = {"v": 1, "dossiers": {}, "after": "f" * 64, "until": "f" * 64}
"""Heads of no dossier, which a node of an older version reads and does nothing about."""
SUMMARY_JOB = "flows.summary"
DAY = timedelta(days=1)


def compare(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """A partner told its heads of shared dossiers: send it what they do not include, and fetch what we lack ourselves.

    ``content`` is ``{"v": 1, "dossiers": {id: [heads]}, "after": id or "", "until": id or ""}``: what it says of the dossiers whose ids lie
    beyond ``after`` up to and with ``until`` (empty: to the end) is all it has of them. ``summary`` and ``wanted`` beside it spare two nodes
    that have the same the telling of it all.
    """
    told = content.get("dossiers")
    after, until = content.get("after", ""), content.get("until", "")
    if not isinstance(told, dict) or len(told) > MAX_TOLD or not all(is_digest(name) for name in told):
        raise Rejected("item.malformed", at="/dossiers")
    for name, bound in (("after", after), ("until", until)):
        if bound != "" and not is_digest(bound):
            raise Rejected("item.malformed", at=f"/{name}")
    heads = {name: _heads(name, listed) for name, listed in told.items()}
    for dossier in queries.shared_with(sender, after=str(after), until=str(until)):
        _send_what_lacks(sender, dossier, heads.get(dossier.dossier_id, []), now)
    for name in heads:
        if queries.dossier_by_id(name) is None:
            _fetch(sender, name, [name], now)
    if "summary" in content:
        _weigh(sender, _summary(content["summary"]), now)
    if "wanted" in content:
        _tell_wanted(sender, _prefixes(content["wanted"], "wanted"), now)


def _summary(told: JsonValue) -> dict[str, str]:
    if not isinstance(told, dict):
        raise Rejected("item.malformed", at="/summary")
    for prefix in _prefixes(list(told), "summary"):
        require_digest(told[prefix], at=f"/summary/{prefix}")
    return {prefix: str(digest) for prefix, digest in told.items()}


def _prefixes(listed: JsonValue, member: str) -> list[str]:
    """Two hex digits each, every one once."""
    if not isinstance(listed, list) or len(listed) > PREFIXES or len(set(map(str, listed))) != len(listed):
        raise Rejected("item.malformed", at=f"/{member}")
    for one in listed:
        if not isinstance(one, str) or not _PREFIX.fullmatch(one):
            raise Rejected("item.malformed", at=f"/{member}")
    return sorted(map(str, listed))


def _weigh(sender: str, theirs: dict[str, str], now: datetime) -> None:
    """Want the heads of whatever differs; nothing is said where nothing does. A partner learns no more often than once an hour."""
    ours = queries.summary_with(sender)
    differing = sorted(prefix for prefix in ours.keys() | theirs.keys() if ours.get(prefix) != theirs.get(prefix))
    if differing:
        content = {**NOTHING, "wanted": differing}
        with transaction.atomic():
            exchange.queue([sender], "heads", content, reference=f"wanted/{now:%Y%m%d%H}", now=now)


def _tell_wanted(sender: str, wanted: list[str], now: datetime) -> None:
    """Tell our heads of what a partner found to differ; once an hour, since it costs us more than its asking costs the partner."""
    for first, last in _runs(wanted):
        after = "" if first == 0 else f"{first - 1:02x}".ljust(64, "f")
        _tell(sender, after, f"{last:02x}".ljust(64, "f"), f"heads/{now:%Y%m%d%H}/{first:02x}", now)


def _runs(prefixes: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Prefixes that follow each other, as their first and last."""
    numbers = [int(prefix, 16) for prefix in prefixes]
    for _, run in groupby(enumerate(numbers), key=lambda at: at[1] - at[0]):
        together = [number for _, number in run]
        yield together[0], together[-1]


def _heads(dossier_id: str, listed: JsonValue) -> list[str]:
    if not isinstance(listed, list) or len(listed) > MAX_HEADS:
        raise Rejected("item.malformed", at=f"/dossiers/{dossier_id}")
    return [require_digest(head, at=f"/dossiers/{dossier_id}/{place}") for place, head in enumerate(listed)]


def _send_what_lacks(sender: str, dossier: Dossier, heads: list[str], now: datetime) -> None:
    known: dict[str, int] = {}
    missing = []
    for head in heads:
        trace = queries.load_trace(head)
        if trace is None:
            missing.append(head)
            continue
        for strand, number in trace.known.items():
            known[strand] = max(known.get(strand, 0), number)
    if missing:
        _fetch(sender, dossier.dossier_id, missing, now)
    for row in queries.entries_in_order(dossier):
        if not contains(known, row.trace["strand"], row.trace["number"]):
            with transaction.atomic():
                wire = queries.signed_entry(row).to_wire()
                exchange.queue_again(sender, "entry", wire, reference=row.entry_id, dossier=dossier.dossier_id, now=now)


def _fetch(sender: str, dossier_id: str, wanted: list[str], now: datetime) -> None:
    with transaction.atomic():
        ask_for([sender], dossier_id, wanted, now)


def tell_heads(now: datetime, *, only: Iterable[str]) -> None:
    """Tell these partners our heads of the dossiers we share, so that each side learns what it lacks."""
    for partner in only:
        _tell(partner, "", "", f"heads/{now:%Y%m%d%H%M%S}", now)


def tell_summary(now: datetime, *, only: str = "") -> int:
    """Tell every partner (or one) a digest of all we share, once a day and partner; returns how many partners were told now.

    Where both have the same, that is all that travels.
    """
    told = 0
    for partner in partners.partners():
        reference = f"summary/{now:%Y%m%d}" if not only else f"summary/{now:%Y%m%d%H%M}"
        if only in ("", partner.node_id) and not links.has_item(partner.node_id, "heads", reference):
            content = {**NOTHING, "summary": queries.summary_with(partner.node_id)}
            with transaction.atomic():
                exchange.queue([partner.node_id], "heads", content, reference=reference, now=now)
            told += 1
    return told


def daily(payload: dict[str, Any], now: datetime) -> None:  # noqa: ARG001 - a job handler's shape
    """Job ``flows.summary``: tell summaries, and owe itself again for tomorrow."""
    tell_summary(now)
    begin(now)


def begin(now: datetime) -> None:
    """Owe the next summary, a day from now, unless one is owed already."""
    with transaction.atomic():
        jobs.enqueue(SUMMARY_JOB, {}, now=now, run_at=now + DAY, key=SUMMARY_JOB)


def _tell(partner: str, after: str, until: str, reference: str, now: datetime) -> None:
    """Our heads of the dossiers shared with ``partner`` from beyond ``after`` up to and with ``until``, in as many items as it takes."""
    shared = (
        (d.dossier_id, sorted(queries.folded_of(d).heads)[:MAX_HEADS])
        for d in queries.shared_with(partner, after=after, until=until)
    )
    for number in count():
        batch = dict(islice(shared, TOLD_AT_ONCE))
        is_last = len(batch) < TOLD_AT_ONCE
        content = {"v": 1, "dossiers": batch, "after": after, "until": until if is_last else max(batch)}
        with transaction.atomic():
            exchange.queue([partner], "heads", content, reference=f"{reference}/{number}", now=now)
        if is_last:
            return
        after = max(batch)
