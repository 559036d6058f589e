"""Reads of what is owed, what is under way and how each link is doing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, Q

from tansiq.engine.envelopes.sequences import Inbound, Range
from tansiq.node.exchange.models import Contradiction, InEnvelope, Item, Link, OutEnvelope, Recovery
from tansiq.node.partners import queries as partners


def partners_with_work(now: datetime, worker: str, *, but: Collection[str] = ()) -> list[str]:
    """Partners (``but`` those) to whom something waits and whose link is neither pausing nor leased by another than ``worker``.

    ``but`` are those that ``worker`` is at; whatever else it holds it could not give back, because the store failed.
    Those that dial us fetch for themselves (``pulling.waiting`` seals for them) unless a relay holds it for them; what goes by hand is
    exported (``carrying.export``).
    """
    waiting = set(Item.objects.filter(envelope=None, delivered_at=None).values_list("partner", flat=True).distinct())
    waiting |= set(OutEnvelope.objects.filter(state=OutEnvelope.READY).values_list("partner", flat=True).distinct())
    waiting -= set(but)
    if not waiting:
        return []
    elsewhere = Q(leased_until__gt=now) & ~Q(leased_by__startswith=f"{worker}/")
    busy = Link.objects.filter(partner__in=waiting).filter(elsewhere | Q(retry_at__gt=now))
    routed = set(Link.objects.filter(partner__in=waiting).exclude(route=[]).values_list("partner", flat=True))
    fetching = partners.dialling() - routed
    return sorted(waiting - set(busy.values_list("partner", flat=True)) - fetching - partners.by_hand())


def is_pausing(partner: str, now: datetime) -> bool:
    """Whether the link rests after a failed attempt."""
    return Link.objects.filter(partner=partner, retry_at__gt=now).exists()


def delivery_of(references: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """For each item reference, how it stands at each partner: queued, sent, delivered or refused, with its evidence."""
    evidence: dict[str, list[dict[str, Any]]] = {}
    rows = (
        # By partner too: so the rule of one item a reference is an index for it.
        Item.objects.filter(partner__in=partners.ids(), reference__in=list(references), type="entry")
        .select_related("envelope")
        .defer("content", "envelope__raw")
    )
    for item in rows:
        envelope = item.envelope
        evidence.setdefault(item.reference, []).append(
            {
                "partner": item.partner,
                "state": _state(item, envelope),
                "queued_at": item.created_at,
                "sent_at": envelope.created_at if envelope else None,
                "delivered_at": item.delivered_at,
                "opened_at": item.opened_at,
                "attempts": envelope.attempts if envelope else 0,
                "code": envelope.code if envelope else "",
                "envelope_id": envelope.envelope_id if envelope else "",
                "manifest_digest": envelope.manifest_digest if envelope else "",
                "receipt": envelope.receipt if envelope else None,
            }
        )
    return evidence


def _state(item: Item, envelope: OutEnvelope | None) -> str:
    if item.not_understood:
        return "not_understood"
    if item.opened_at:
        return "opened"
    if item.delivered_at:
        return "delivered"
    if envelope is None:
        return "queued"
    return "refused" if envelope.state == OutEnvelope.REFUSED else "sent"


LINE_TEST = "line-test/"


@dataclass(frozen=True, slots=True)
class LineTest:
    """One test of the line: when it was begun, sealed, and receipted; ``code`` is why it was refused."""

    begun_at: datetime
    sealed_at: datetime | None
    receipted_at: datetime | None
    code: str
    attempts: int
    via: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        return self.receipted_at is not None or bool(self.code)


def line_tests(partner: str, most: int) -> list[LineTest]:
    """The newest tests of the line to this partner."""
    rows = Item.objects.filter(partner=partner, type="heads", reference__startswith=LINE_TEST)
    route = Link.objects.filter(partner=partner).values_list("route", flat=True).first() or []
    found = []
    for item in rows.select_related("envelope").defer("content", "envelope__raw").order_by("-id")[:most]:
        sealed = item.envelope
        is_refused = sealed is not None and sealed.state == OutEnvelope.REFUSED
        found.append(
            LineTest(
                begun_at=item.created_at,
                sealed_at=sealed.created_at if sealed else None,
                receipted_at=None if is_refused else item.delivered_at,
                code=sealed.code if sealed and is_refused else "",
                attempts=sealed.attempts if sealed else 0,
                via=tuple(route),
            )
        )
    return found


def has_item(partner: str, type_: str, reference: str) -> bool:
    """Whether something of that name was ever owed to the partner."""
    return Item.objects.filter(partner=partner, type=type_, reference=reference).exists()


def links() -> dict[str, dict[str, Any]]:
    """For each partner: waiting items, failures, last error, last delivery, and since when the oldest item waits."""
    found: dict[str, dict[str, Any]] = {}
    for link in Link.objects.all():
        found[link.partner] = {
            "failures": link.failures,
            "last_error": link.last_error,
            "retry_at": link.retry_at,
            "last_delivered_at": link.last_delivered_at,
            "carried_out_at": link.carried_out_at,
            "carried_in_at": link.carried_in_at,
            "waiting": 0,
            "waiting_since": None,
            "missing": _gaps(link),
        }
    waiting = (
        Item.objects.filter(delivered_at=None, not_understood=False)
        .values("partner")
        .annotate(n=Count("id"), since=Min("created_at"))
    )
    for row in waiting:
        found.setdefault(
            row["partner"],
            {"failures": 0, "last_error": "", "retry_at": None, "last_delivered_at": None, "missing": []},
        ).update(waiting=row["n"], waiting_since=row["since"])
    for row in InEnvelope.objects.values("sender").annotate(last=Max("received_at")):
        found.setdefault(
            row["sender"],
            {"failures": 0, "last_error": "", "retry_at": None, "last_delivered_at": None, "waiting": 0, "missing": []},
        )
        found[row["sender"]]["last_received_at"] = row["last"]
    return found


def _gaps(link: Link) -> list[str]:
    """What has not arrived from this partner, as first–last of each range, with its incarnation."""
    return [
        f"{incarnation}:{first}-{last}" for incarnation, ranges in missing_from(link).items() for first, last in ranges
    ]


def missing_from(link: Link) -> dict[int, tuple[Range, ...]]:
    """What the partner has numbered and not brought, by incarnation.

    What it brought before this node was restored, or made again, it has our receipt for and brings no more: the entries in it come by
    comparison. So a gap counts that begins after the first envelope since.
    """
    missing = Inbound.from_json(link.inbound).missing() if link.inbound else {}
    begun = Recovery.objects.aggregate(at=Max("begun_at"))["at"] if missing else None
    if begun is None:
        return missing
    rows = InEnvelope.objects.filter(sender=link.partner, received_at__gte=begun)
    since = dict(rows.values_list("incarnation").annotate(first=Min("sequence")))
    counted = {
        incarnation: tuple(gap for gap in ranges if gap[0] > since.get(incarnation, gap[0]))
        for incarnation, ranges in missing.items()
    }
    return {incarnation: ranges for incarnation, ranges in counted.items() if ranges}


def undelivered_since(before: datetime, *, urgent: bool) -> list[Item]:
    """Items queued before ``before`` that no receipt has ended."""
    rows = Item.objects.filter(delivered_at=None, created_at__lt=before, urgent=urgent, not_understood=False)
    return list(rows.exclude(envelope__state=OutEnvelope.REFUSED).defer("content")[:500])


def ids_used_twice(partner: str, most: int) -> list[dict[str, Any]]:
    """Envelope ids under which ``partner`` signed more than one manifest, with the manifests as signed."""
    found: dict[str, list[Any]] = {}
    for row in Contradiction.objects.filter(sender=partner).order_by("id")[:most]:
        found.setdefault(row.envelope_id, []).append(row.manifest)
    first = InEnvelope.objects.filter(sender=partner, envelope_id__in=list(found)).values_list(
        "envelope_id", "manifest"
    )
    known = dict(first)
    return [{"envelope": one, "manifests": [known[one], *others]} for one, others in found.items() if one in known]


def numbers_used_twice(partner: str, most: int) -> list[dict[str, Any]]:
    """Numbers under which ``partner`` sent more than one envelope, with the manifests as signed."""
    rows = InEnvelope.objects.filter(sender=partner)
    places = (
        rows.values("incarnation", "sequence")
        .annotate(n=Count("id"))
        .filter(n__gt=1)
        .order_by("incarnation", "sequence")
    )
    return [
        {
            "incarnation": place["incarnation"],
            "sequence": place["sequence"],
            "manifests": list(
                rows.filter(incarnation=place["incarnation"], sequence=place["sequence"])
                .order_by("id")
                .values_list("manifest", flat=True)
            ),
        }
        for place in places[:most]
    ]


def ready_for(partner: str, limit: int = 20) -> list[OutEnvelope]:
    """Sealed envelopes that wait for ``partner``, in sequence."""
    return list(
        OutEnvelope.objects.filter(partner=partner, state=OutEnvelope.READY).order_by("incarnation", "sequence")[:limit]
    )
