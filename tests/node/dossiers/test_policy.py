"""Who may see what: the rule about a row in hand and the condition on the table say the same, and a refusal tells nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tansiq.engine.errors import Rejected
from tansiq.node.accounts.models import ROLES
from tansiq.node.audit.models import Event
from tansiq.node.dossiers import policy, queries
from tansiq.node.dossiers.models import Case, Dossier, Draft
from tansiq.node.flows import act as flow
from tansiq.node.flows.reading import read_dossier
from tansiq.node.search import policy as search_policy
from tansiq.node.search.models import Search
from tests.node.conftest import NOW
from tests.node.flows.test_approvals import laid
from tests.node.world import PASSWORD, World, leaves_nothing, rolled_back

pytestmark = pytest.mark.django_db
CIRCLES = ("", "unit:ops", "unit:borders", "team:harbour")


@dataclass(frozen=True)
class Somebody:
    """An officer as policies see one."""

    reference: str = str(UUID(int=1, version=4))
    circles: frozenset[str] = frozenset()
    roles: list[str] = field(default_factory=list)


officers = st.builds(
    Somebody,
    circles=st.frozensets(st.sampled_from(CIRCLES[1:])),
    roles=st.lists(st.sampled_from(ROLES), max_size=3, unique=True),
)


def _rows(circles: list[str]) -> None:
    for number, circle in enumerate(circles):
        dossier = Dossier.objects.create(
            dossier_id=f"{number:064x}",
            kind="request",
            kind_version=1,
            participants=["fr", "ma"],
            opened_by="fr",
            folded={},
            phase="sent",
            opened_at=NOW,
            changed_at=NOW,
            circle=circle,
        )
        Draft.objects.create(
            kind="request",
            act="ask",
            intent={},
            officer="x",
            circle=circle,
            dossier=dossier,
            created_at=NOW,
            changed_at=NOW,
        )
        Case.objects.create(title="x", circle=circle, created_by="x", created_at=NOW)


@given(officer=officers, circles=st.lists(st.sampled_from(CIRCLES), max_size=5))
@settings(max_examples=60)
def test_may_see_is_visible_to(officer: Somebody, circles: list[str]) -> None:
    with rolled_back():
        _rows(circles)
        for model in (Dossier, Draft, Case):
            allowed = {row.pk for row in model.objects.all() if policy.may_see(officer, row)}
            assert {row.pk for row in model.objects.filter(policy.visible_to(officer))} == allowed


@given(officer=officers, owners=st.lists(st.integers(0, 2), max_size=5))
@settings(max_examples=30)
def test_may_see_is_visible_to_for_searches(officer: Somebody, owners: list[int]) -> None:
    with rolled_back():
        for owner in owners:
            who = str(UUID(int=owner, version=4))
            Search.objects.create(
                officer=who, circle="unit:ops", asked={}, purpose="investigation", found_here=[], asked_at=NOW
            )
        allowed = {row.pk for row in Search.objects.all() if search_policy.may_see(officer, row)}
        assert {row.pk for row in Search.objects.filter(search_policy.visible_to(officer))} == allowed


@given(officer=officers, author=st.sampled_from(["a", str(UUID(int=1, version=4))]), role=st.sampled_from(ROLES))
def test_nobody_approves_their_own_nor_in_a_role_they_lack(officer: Somebody, author: str, role: str) -> None:
    if policy.may_approve(officer, author=author, role=role):
        assert author != officer.reference
        assert role in officer.roles


# -- a refusal tells nothing ---------------------------------------------------------------------------------------------


def _told(call: Callable[[], Any], *names: str) -> tuple[str, dict[str, Any]]:
    with pytest.raises(Rejected) as caught:
        call()
    return caught.value.code, {k: v for k, v in caught.value.facts.items() if k not in names}


def test_not_allowed_looks_like_not_there(world: World) -> None:
    world.accord("ma")
    dossier = world.ask("ma")
    draft = laid(world).draft_id
    for name in ("stranger", "auditor"):
        outside = world.officer(name)
        for wanted, absent in ((dossier, "f" * 64), (dossier, "nonsense"), (dossier, "\x00")):
            with leaves_nothing(but=()):
                real = _told(lambda w=wanted, o=outside: queries.get_dossier_for(o, w), "dossier")
                none = _told(lambda a=absent, o=outside: queries.get_dossier_for(o, a), "dossier")
                assert real == none
                real = _told(lambda w=wanted, o=outside: read_dossier(o, w, now=world.now), "dossier")
                assert real == none
        for absent in (str(uuid4()), "nonsense"):
            real = _told(lambda o=outside: queries.get_draft_for(o, draft), "draft")
            assert real == _told(lambda o=outside, a=absent: queries.get_draft_for(o, a), "draft")
            real = _told(lambda o=outside: flow.send_draft(o, draft, now=world.now), "draft")
            assert real == _told(lambda o=outside, a=absent: flow.send_draft(o, a, now=world.now), "draft")
        assert (
            list(queries.dossiers_for(outside)) == list(queries.dossiers_for(outside, reference="PV 2026/1107")) == []
        )
        assert list(queries.drafts_for(outside)) == []


@pytest.mark.parametrize("name", ["stranger", "auditor"])
def test_pages_are_the_same_byte_for_byte(world: World, name: str) -> None:
    """Status and body of every page about a dossier or draft of another circle are those of one that does not exist."""
    world.accord("ma")
    dossier = world.ask("ma")
    draft = laid(world).draft_id
    world.client.login(username=name, password=PASSWORD)
    for real, absent, paths in (
        (dossier, "f" * 64, ("/dossiers/{}/", "/dossiers/{}/acts/answer/")),
        (draft, str(uuid4()), ("/drafts/{}/",)),
    ):
        for path in paths:
            told = [world.client.get(path.format(one)) for one in (real, absent)]
            assert told[0].status_code == 404
            assert told[0].status_code == told[1].status_code
            bodies = [_plain(page.content, one) for page, one in zip(told, (real, absent), strict=True)]
            assert bodies[0] == bodies[1], path
    assert not Event.objects.filter(event="dossier.read").exists()


def _plain(page: bytes, wanted: str) -> bytes:
    """The page without what is fresh in every one: the id that was asked for, and tokens."""
    import re

    return re.sub(rb"[A-Za-z0-9]{64}", b"", page.replace(wanted.encode(), b""))


def test_what_nobody_is_competent_for_is_seen_by_those_who_receive(world: World) -> None:
    """It must not lie unseen: no unit takes it, so liaison and duty officers do."""
    from tansiq.node.accounts.models import Unit
    from tansiq.node.desk.queries import list_for

    accord = world.accord("ma")
    Unit.objects.update(is_entry_point=False, competence=[])
    asked = world.asked_by(world.fars["ma"], accord=accord)
    world.arrive(world.fars["ma"], asked)
    world.settle()
    assert Dossier.objects.get(pk=asked.entry_id).circle == ""
    for name, sees in (("liaison", True), ("stranger", True), ("boss", False), ("auditor", False)):
        officer = world.officer(name)
        assert (asked.entry_id in {d.pk for d in queries.dossiers_for(officer)}) is sees, name
        keys = {t.key for t in list_for(officer, now=world.now).tasks}
        assert f"entry/{asked.entry_id}" in keys, "a task of no circle is on every desk"
    assert world.act("stranger", "request", "answer", asked.entry_id, codes={"extent": "nothing"}).entry_id


def test_search_by_any_writing_of_a_reference(world: World) -> None:
    world.accord("ma")
    dossier = world.ask("ma")
    liaison = world.officer("liaison")
    for writing in ("PV 2026/1107", "pv2026-1107", "PV ٢٠٢٦/١١٠٧", " pv 2026 1107 "):
        assert [d.pk for d in queries.dossiers_for(liaison, reference=writing)] == [dossier]
    assert list(queries.dossiers_for(liaison, reference="PV 2026/1108")) == []
    assert [d.pk for d in queries.dossiers_for(liaison, partner="ma", kind_name="request", is_open=True)] == [dossier]
    assert list(queries.dossiers_for(liaison, partner="it")) == []
