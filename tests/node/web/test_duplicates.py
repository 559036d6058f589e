"""Records that may be one: who sees which pairs, judging, undoing, and that nothing of a hidden record shows."""

from __future__ import annotations

from datetime import datetime

import pytest

from tansiq.node.audit.models import Event
from tansiq.node.register import actions, duplicates
from tansiq.node.register.models import Judgement, Subject
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World

pytestmark = pytest.mark.django_db
MOHAMED = {"schema": "Person", "properties": {"name": ["محمد بن سليمان الشريف"], "birthDate": ["1960-05-12"]}}
CHERIF = {"schema": "Person", "properties": {"name": ["Mohamed Chérif Benslimane"], "birthDate": ["1960-05-12"]}}
OTHER = {"schema": "Person", "properties": {"name": ["Olena Kovalenko"], "birthDate": ["1990-01-02"]}}


def kept(world: World, content: dict[str, object], now: datetime, circle: str = "") -> Subject:
    return actions.add_subject(world.officer("liaison"), content, circle=circle, now=now)


def test_a_likely_pair_is_listed_once_and_goes_when_it_is_judged(world: World, now: datetime) -> None:
    left, right, _ = (kept(world, content, now) for content in (MOHAMED, CHERIF, OTHER))
    client = signed_in(world, "liaison")
    page = client.get("/register/duplicates/")
    assert page.content.decode().count("/register/pairs/") == 1
    assert "Mohamed Chérif Benslimane" in text_of(page)
    address = f"/register/pairs/{right.pk}/{left.pk}/"
    told = text_of(client.get(address))
    for words in ("very likely", "speaks for it", "the same day", "Are they the same?"):
        assert words in told
    assert client.post(f"{address}judge/", {"verdict": "same", "reason": ""}).status_code == 400
    assert client.post(f"{address}judge/", {"verdict": "maybe", "reason": "x"}).status_code == 400
    assert not Judgement.objects.exists()
    assert client.post(f"{address}judge/", {"verdict": "same", "reason": "the photographs agree"}).status_code == 302
    assert "the photographs agree" in text_of(client.get(address))
    assert "/register/pairs/" not in client.get("/register/duplicates/").content.decode()
    again = client.post(f"{address}judge/", {"verdict": "different", "reason": "second thoughts"})
    assert again.status_code == 400


def test_a_judgement_is_taken_back_with_a_reason(world: World, now: datetime) -> None:
    left, right = (kept(world, content, now) for content in (MOHAMED, CHERIF))
    client = signed_in(world, "liaison")
    address = f"/register/pairs/{left.pk}/{right.pk}/"
    client.post(f"{address}judge/", {"verdict": "different", "reason": "another father"})
    assert client.post(f"{address}undo/", {"reason": ""}).status_code == 400
    assert client.post(f"{address}undo/", {"reason": "it was the same father"}).status_code == 302
    assert Judgement.objects.get().revoked_at is not None
    assert "/register/pairs/" in client.get("/register/duplicates/").content.decode()


def test_a_record_of_another_circle_is_in_no_pair(world: World, now: datetime) -> None:
    left, right = kept(world, MOHAMED, now), kept(world, CHERIF, now, circle="unit:ops")
    stranger = signed_in(world, "stranger")
    assert "/register/pairs/" not in stranger.get("/register/duplicates/").content.decode()
    hidden, absent = (
        stranger.get(f"/register/pairs/{left.pk}/{other}/")
        for other in (right.pk, "00000000-0000-4000-8000-000000000000")
    )
    assert hidden.status_code == absent.status_code >= 400


def test_looking_at_a_pair_is_recorded_for_both(world: World, now: datetime) -> None:
    left, right = (kept(world, content, now) for content in (MOHAMED, CHERIF))
    officer = signed_in(world, "liaison")
    before = Event.objects.count()
    officer.get(f"/register/pairs/{left.pk}/{right.pk}/")
    assert Event.objects.count() == before + 2


def test_a_page_looks_at_a_bounded_number_and_says_where_to_go_on(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content in (MOHAMED, OTHER, OTHER, CHERIF, MOHAMED):
        kept(world, content, now)
    officer = world.officer("liaison")
    whole = duplicates.possible_duplicates(officer)
    monkeypatch.setattr(duplicates, "LOOKED_AT", 2)
    found, after = [], None
    for _ in range(5):
        page = duplicates.possible_duplicates(officer, after=after)
        found += page.pairs
        after = page.next_after
        assert page.looked_at <= 2
        if after is None:
            break
    assert [(p.left.pk, p.right.pk) for p in found] == [(p.left.pk, p.right.pk) for p in whole.pairs]
    assert len(found) == 4


def test_the_subject_itself_names_what_it_may_be(world: World, now: datetime) -> None:
    left, right = (kept(world, content, now) for content in (MOHAMED, CHERIF))
    page = signed_in(world, "liaison").get(f"/register/{left.pk}/").content.decode()
    assert f"/register/pairs/{left.pk}/{right.pk}/" in page
