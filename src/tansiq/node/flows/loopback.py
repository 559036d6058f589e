"""A test of the line to a partner: something that says nothing goes there by the whole road, and its signed receipt comes home.

What is owed is the heads of no dossier, which a node of any version reads and does nothing about. So it proves what a real item would need – our
keys, their card, the line or whatever carries it, their door, their clock, and a receipt under their key – and tells them nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from tansiq.engine.errors import Conflict, Rejected
from tansiq.node.accounts import policy as roles
from tansiq.node.audit.actions import record
from tansiq.node.exchange import actions as exchange
from tansiq.node.exchange import queries as links
from tansiq.node.exchange.queries import LineTest
from tansiq.node.flows.comparing import NOTHING
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

MAY = ("act", "partners")
GIVEN_UP = timedelta(minutes=10)
"""A test that is not over after this time is no reason to wait with another."""


def may_test(officer: Officer) -> bool:
    """Whoever acts with partners, or looks after them."""
    return any(roles.may(officer.roles, what) for what in MAY)


def begin(officer: Officer, partner: str, *, now: datetime) -> None:
    """Send it on its way. Raises Conflict("partner.test_under_way"), and Rejected("partner.unknown") for one that is not enrolled."""
    if not may_test(officer):
        roles.require(officer.roles, MAY[0])
    if partners.card_of(partner) is None or partner == partners.my_id():
        raise Rejected("partner.unknown", node=partner[:64])
    last = next(iter(tests_of(partner)), None)
    if last is not None and not last.is_over and now - last.begun_at < GIVEN_UP:
        raise Conflict("partner.test_under_way", partner=partner)
    with transaction.atomic():
        content = {**NOTHING}
        exchange.queue(
            [partner], "heads", content, reference=f"{links.LINE_TEST}{now:%Y%m%d%H%M%S%f}", urgent=True, now=now
        )
        facts = {"partner": partner}
        record("partner.line_tested", actor=officer.reference, facts=facts, log="internal", now=now)


def tests_of(partner: str) -> Sequence[LineTest]:
    """The last five tests of the line, the newest first."""
    return links.line_tests(partner, 5)
