"""Officers and units: who is made how, who may what at all, and to whom what arrives is routed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.node.accounts import actions, policy, queries
from tansiq.node.accounts.models import ROLES, Officer, Unit
from tests.node.conftest import NOW
from tests.node.world import PASSWORD, leaves_nothing, rolled_back

pytestmark = pytest.mark.django_db
GOOD: dict[str, Any] = {"display_name": "Nadia", "unit": "ops", "roles": ["liaison"], "language": "ar"}


@pytest.fixture
def ops() -> Unit:
    return actions.add_unit("ops", {"ar": "العمليات", "en": "Operations"}, competence=[], now=NOW)


def test_an_officer_is_made(ops: Unit) -> None:
    officer = actions.add_officer("nadia", PASSWORD, **GOOD, teams=["harbour"], now=NOW)
    found = queries.get_officer("nadia")
    assert found == officer
    assert found.circles == {"unit:ops", "team:harbour"}
    assert found.check_password(PASSWORD)
    assert PASSWORD not in found.password
    assert queries.names_of({found.reference, "machine"}) == {found.reference: "Nadia"}


@pytest.mark.parametrize(
    ("changed", "error", "code", "at"),
    [
        ({"roles": ["wizard"]}, Rejected, "account.unknown_role", "/roles"),
        ({"unit": "moon"}, Rejected, "account.unknown_unit", "/unit"),
        ({"password": "short"}, Rejected, "account.weak_password", "/password"),
        ({"username": "nadia-elamrani", "password": "nadia-elamrani"}, Rejected, "account.weak_password", "/password"),
        ({"username": "taken"}, Conflict, "account.officer_exists", None),
    ],
)
def test_a_wrong_officer_is_refused_and_leaves_nothing(
    ops: Unit, changed: dict[str, Any], error: Any, code: str, at: str | None
) -> None:
    actions.add_officer("taken", PASSWORD, **GOOD, now=NOW)
    told = {"username": "nadia", "password": PASSWORD, **GOOD} | changed
    name, password = told.pop("username"), told.pop("password")
    with leaves_nothing(but=()), pytest.raises(error) as caught:
        actions.add_officer(name, password, **told, now=NOW)
    assert (caught.value.code, caught.value.facts.get("at")) == (code, at)


def test_an_unknown_or_inactive_officer(ops: Unit) -> None:
    officer = actions.add_officer("nadia", PASSWORD, **GOOD, now=NOW)
    Officer.objects.filter(pk=officer.pk).update(is_active=False)
    for name in ("nadia", "nobody", "x"):
        with pytest.raises(Rejected, match=r"account\.unknown_officer"):
            queries.get_officer(name)


def test_every_permission_names_known_roles() -> None:
    for what, roles in policy.MAY.items():
        assert roles <= set(ROLES), what


@given(roles=st.lists(st.sampled_from(ROLES), max_size=4), what=st.sampled_from(sorted(policy.MAY)))
def test_require_says_what_may_says(roles: list[str], what: str) -> None:
    if policy.may(roles, what):
        policy.require(roles, what)
    else:
        with pytest.raises(Refused) as caught:
            policy.require(roles, what)
        assert caught.value.facts == {"what": what, "roles": sorted(policy.MAY[what])}


def test_neither_administrator_nor_auditor_acts_searches_or_approves() -> None:
    for role in ("administrator", "auditor"):
        for what in ("search", "act", "draft", "approve", "register", "import", "quarantine"):
            assert not policy.may([role], what), (role, what)


keys = st.sampled_from(["*", "06", "0601", "060101", "02", "0201"])
units = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]),
    st.tuples(st.lists(keys, max_size=3), st.booleans(), st.sampled_from([["*"], ["request"], ["report"]])),
    max_size=4,
)


@given(
    units=units, area=st.sampled_from(["0601", "060101", "0201", "09", ""]), kind=st.sampled_from(["request", "report"])
)
@settings(max_examples=60)
def test_what_arrives_goes_to_the_most_special_competent_unit(
    units: dict[str, tuple[list[str], bool, list[str]]], area: str, kind: str
) -> None:
    with rolled_back():
        for code, (competence, entry_point, kinds) in units.items():
            actions.add_unit(code, {"en": code}, competence=competence, kinds=kinds, entry_point=entry_point, now=NOW)
        found = queries.competent_unit(kind, [area] if area else [])
    fitting = {
        code: max((len(key) for key in competence if key != "*" and area.startswith(key)), default=0)
        for code, (competence, _, kinds) in units.items()
        if "*" in kinds or kind in kinds
    }
    best = max(fitting.values(), default=0)
    general = {
        c for c, (competence, _, kinds) in units.items() if "*" in competence and ("*" in kinds or kind in kinds)
    }
    entry_points = {code for code, (_, entry_point, _) in units.items() if entry_point}
    if area and best:
        assert found is not None
        assert fitting[found.code] == best
    elif entry_points:
        assert found is not None
        assert found.code in entry_points
    else:
        assert (found.code if found else None) in (general or {None})
