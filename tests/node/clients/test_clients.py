"""Clients: a token opens what its scopes say, for as long as it holds, as often as its rate allows – and signs nobody in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tansiq.engine.errors import Conflict, Refused, Rejected, Unavailable
from tansiq.node.clients import actions, policy, queries
from tansiq.node.clients.models import Client
from tests.node.world import NOW, PASSWORD, World


def added(code: str = "border", **changed: object) -> actions.Issued:
    told = {"unit": "borders", "scopes": ["check", "desk"], "actor": "administrator", "now": NOW} | changed
    return actions.add(code, "Border control", **told)  # type: ignore[arg-type]


def test_a_token_admits_its_client_and_is_kept_as_a_digest_alone(world: World) -> None:
    issued = added()
    assert actions.admit(issued.token, NOW).code == "border"
    kept = Client.objects.values_list("token_digest", flat=True).get()
    assert issued.token not in kept
    assert kept == queries.digest_of(issued.token)


@pytest.mark.parametrize("token", ["", "tansiq_", "tansiq_" + "A" * 43, "x" * 10_000])
def test_what_is_no_token_opens_nothing(world: World, token: str) -> None:
    added()
    with pytest.raises(Refused, match=r"client\.token"):
        actions.admit(token, NOW)


def test_a_revoked_renewed_or_run_out_token_opens_nothing(world: World) -> None:
    issued = added(days=1)
    with pytest.raises(Refused):
        actions.admit(issued.token, NOW + timedelta(days=1))
    renewed = actions.renew("border", actor="administrator", now=NOW)
    with pytest.raises(Refused):
        actions.admit(issued.token, NOW)
    assert actions.admit(renewed.token, NOW).code == "border"
    actions.revoke("border", actor="administrator", now=NOW)
    with pytest.raises(Refused):
        actions.admit(renewed.token, NOW)


def test_the_rate_is_counted_by_the_minute(world: World) -> None:
    token = added(per_minute=2).token
    actions.admit(token, NOW)
    actions.admit(token, NOW + timedelta(seconds=20))
    with pytest.raises(Unavailable) as refused:
        actions.admit(token, NOW + timedelta(seconds=40))
    assert refused.value.facts == {"limit": 2, "seconds": 20}
    actions.admit(token, NOW + timedelta(seconds=60))


def test_nobody_signs_in_with_a_machines_account(world: World) -> None:
    account = added().client.officer
    assert not account.has_usable_password()
    assert not world.client.login(username=account.username, password=PASSWORD)
    assert set(account.roles) <= {"analyst", "liaison"}


def test_no_scope_gives_a_role_that_approves_or_oversees() -> None:
    for scope in policy.SCOPES:
        assert set(policy.roles_for([scope])) <= {"analyst", "liaison"}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"scopes": ["everything"]}, "client.unknown_scope"),
        ({"scopes": []}, "client.no_scope"),
        ({"unit": "nowhere"}, "account.unknown_unit"),
        ({"per_minute": 0}, "client.rate"),
        ({"days": 0}, "client.life"),
        ({"days": 401}, "client.life"),
    ],
)
def test_a_client_that_cannot_be_is_not_added(world: World, changed: dict[str, object], code: str) -> None:
    with pytest.raises(Rejected, match=code):
        added(**changed)
    assert queries.clients() == []


def test_a_code_is_taken_once(world: World) -> None:
    added()
    with pytest.raises(Conflict, match=r"client\.exists"):
        added()


@pytest.mark.parametrize("url", ["https://cases.example/hook", "http://127.0.0.1:9000/hook", "http://localhost/hook"])
def test_addresses_to_which_notices_may_go(url: str) -> None:
    policy.require_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://cases.example/hook",
        "ftp://cases.example",
        "https://",
        "https://me:secret@cases.example",
        "hook",
        "https://[x",
    ],
)
def test_addresses_to_which_none_may_go(url: str) -> None:
    with pytest.raises(Rejected, match=r"client\.address"):
        policy.require_address(url)
