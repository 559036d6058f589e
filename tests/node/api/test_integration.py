"""The integration API as another system of the authority calls it: over HTTP, with its token, against the real flows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tansiq.engine.errors import Refused
from tansiq.node.audit.models import Event
from tansiq.node.clients import actions as clients
from tansiq.node.desk import actions as desk
from tansiq.node.desk.queries import list_for
from tansiq.node.dossiers.models import Draft, Entry
from tansiq.node.flows import act as flow
from tansiq.node.flows import erasing, handed_drafts, telling
from tansiq.node.register import actions as register
from tests.node.world import NOW, World, changed, request, rows

ALL = ["check", "search", "desk", "dossiers", "drafts", "register.read", "register.write"]
CHECK = {"subject": {"names": ["يوسف الزياني"]}, "purpose": "investigation", "reference": "control 7"}


class Caller:
    """Another system: its token, and what it calls."""

    def __init__(self, world: World, *scopes: str, unit: str = "ops", **told: Any) -> None:
        self.world = world
        issued = clients.add(
            "cases", "Case system", unit=unit, scopes=scopes or ALL, actor="administrator", now=NOW, **told
        )
        self.token = issued.token
        self.account = issued.client.officer

    def __call__(self, method: str, path: str, value: Any = None, *, token: str | None = None) -> Any:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode() if value is not None else b""
        return self.world.client.generic(
            method,
            f"/api/v1/{path}",
            raw,
            content_type="application/json",
            headers={"authorization": f"Bearer {self.token if token is None else token}"},
        )


def person(world: World, name: str = "Youssef Ziani", **told: Any) -> Any:
    """A person in our register."""
    content = {"schema": "Person", "properties": {"name": [name], "birthDate": ["1984-03-17"]}}
    return register.add_subject(world.officer("liaison"), content, circle="unit:ops", now=world.now, **told)


def refused(answer: Any, status: int, code: str, at: str | None = None) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer.headers["content-type"] == "application/problem+json"
    if at is not None:
        assert answer.json()["facts"]["at"] == at


# -- the door --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "tansiq_none"])
def test_without_a_token_nothing_is_told(world: World, token: str) -> None:
    call = Caller(world)
    for method, path in [("GET", "me"), ("POST", "check"), ("GET", "desk"), ("GET", "dossiers"), ("POST", "drafts")]:
        answer = call(method, path, {} if method == "POST" else None, token=token)
        refused(answer, 401, "client.token")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_an_officers_session_is_no_token(world: World) -> None:
    world.client.force_login(world.officer("liaison"))
    answer = world.client.get("/api/v1/me")
    refused(answer, 401, "client.token")


def test_each_call_wants_its_scope(world: World) -> None:
    call = Caller(world, "check")
    assert call("GET", "me").json()["scopes"] == ["check"]
    for method, path, value in [
        ("POST", "searches", CHECK),
        ("GET", "desk", None),
        ("GET", "dossiers", None),
        ("POST", "drafts", {"intent": {}}),
        ("POST", "register/entities", {"list_key": "x", "entities": [{}]}),
        ("POST", "register/x/copies", {"purpose": "investigation", "reason": "case"}),
    ]:
        refused(call(method, path, value), 403, "client.scope")


def test_the_rate_is_told_with_when_to_come_back(world: World) -> None:
    call = Caller(world, per_minute=1)
    assert call("GET", "me").status_code == 200
    answer = call("GET", "me")
    refused(answer, 429, "client.too_many")
    assert answer.headers["retry-after"] == "60"


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 422, "api.malformed"),
        (b"{", 422, "json.syntax"),
        (b'{"purpose":"a","purpose":"b"}', 422, "json.duplicate_key"),
        (b'{"subject":{"names":["\\ud800"]},"purpose":"investigation"}', 422, "json.lone_surrogate"),
        (b"[]", 422, "api.malformed"),
    ],
)
def test_foreign_json_is_read_strictly_and_stores_nothing(world: World, raw: bytes, status: int, code: str) -> None:
    call = Caller(world)
    before = rows(but=("clients.Client",))
    refused(call("POST", "check", raw), status, code)
    assert changed(before, rows(but=("clients.Client",))) == []


@pytest.mark.parametrize(
    ("value", "code", "at"),
    [
        ({**CHECK, "weather": "fine"}, "api.malformed", "/weather"),
        ({**CHECK, "subject": {"names": "x"}}, "api.malformed", "/subject/names"),
        ({"subject": CHECK["subject"]}, "api.malformed", "/purpose"),
        ({**CHECK, "purpose": "curiosity"}, "codes.unknown_code", "/purpose"),
        ({**CHECK, "subject": {}}, "search.too_little", "/names"),
    ],
)
def test_a_wrong_question_names_place_and_rule(world: World, value: Any, code: str, at: str) -> None:
    refused(Caller(world)("POST", "check", value), 422, code, at)


def test_an_address_that_is_none(world: World) -> None:
    refused(Caller(world)("GET", "weather"), 404, "api.no_such_address")


def test_the_description_names_every_call(world: World) -> None:
    told = world.client.get("/api/v1/openapi.json").json()
    assert {
        "/api/v1/check",
        "/api/v1/searches",
        "/api/v1/desk",
        "/api/v1/dossiers",
        "/api/v1/drafts",
        "/api/v1/register/entities",
    } <= set(told["paths"])


# -- questions -------------------------------------------------------------------------------------------------------------


def test_a_check_finds_across_scripts_at_once_and_is_logged(world: World) -> None:
    subject = person(world)
    call = Caller(world)
    answer = call("POST", "check", CHECK)
    assert answer.status_code == 200, answer.content
    (hit,) = answer.json()["hits"]
    assert (hit["subject"], hit["caption"]) == (str(subject.subject_id), "Youssef Ziani")
    assert hit["explanation"]
    assert Event.objects.filter(actor=call.account.reference).exists()


def test_a_check_tells_nothing_that_its_unit_may_not_see(world: World) -> None:
    person(world)
    assert Caller(world, unit="borders")("POST", "check", CHECK).json()["hits"] == []


def test_partners_are_asked_and_answer_later(world: World) -> None:
    world.accord("ma")
    call = Caller(world)
    answer = call("POST", "searches", {**CHECK, "ask": ["ma"]})
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert [(one["partner"], one["state"]) for one in told["partners"]] == [("ma", "waiting")]
    again = call("GET", f"searches/{told['search']}").json()
    assert again["is_complete"] is False
    world.client.logout()
    other = clients.add("other", "Other", unit="ops", scopes=ALL, actor="administrator", now=NOW)
    refused(call("GET", f"searches/{told['search']}", token=other.token), 422, "search.not_found")


# -- the desk --------------------------------------------------------------------------------------------------------------


def test_the_desk_is_the_units_page_by_page(world: World) -> None:
    for number in range(3):
        desk.put("note", f"note/{number}", title_code="desk.approved", facts={}, circle="unit:ops", now=world.now)
    desk.put("note", "note/theirs", title_code="desk.approved", facts={}, circle="unit:borders", now=world.now)
    call = Caller(world)
    first = call("GET", "desk?limit=2&language=ar").json()
    second = call("GET", f"desk?limit=2&after={first['after']}").json()
    assert [t["task"] for t in first["tasks"] + second["tasks"]] == ["note/0", "note/1", "note/2"]
    assert call("POST", "desk/done", {"task": "note/1"}).status_code == 200
    assert len(call("GET", "desk").json()["tasks"]) == 2
    refused(call("POST", "desk/done", {"task": "note/theirs"}), 422, "desk.unknown_task")
    refused(call("GET", "desk?after=nonsense"), 422, "desk.bad_cursor")


# -- drafts ----------------------------------------------------------------------------------------------------------------


def intent() -> dict[str, Any]:
    return request("ma").to_json()


def test_a_machine_drafts_and_an_officer_takes_over_and_signs(world: World) -> None:
    world.accord("ma")
    call = Caller(world)
    answer = call("POST", "drafts", {"intent": intent()})
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert told["missing"] == []
    assert told["readers"] == ["ma"]
    assert Entry.objects.filter(dossier__kind="request").count() == 0, "a machine signs nothing"
    officer = world.officer("liaison")
    assert f"drafted/{told['draft']}" in [t.key for t in list_for(officer, now=world.now).tasks]
    handed_drafts.take_over(officer, told["draft"], now=world.now)
    assert f"drafted/{told['draft']}" not in [t.key for t in list_for(officer, now=world.now).tasks]
    signed = flow.send_draft(officer, told["draft"], now=world.now)
    assert signed.is_signed
    assert call("GET", f"drafts/{told['draft']}").json()["state"] == "sent"
    assert Draft.objects.get().officer == officer.reference


def test_a_draft_that_an_officer_took_over_is_the_machines_no_more(world: World) -> None:
    world.accord("ma")
    call = Caller(world)
    draft = call("POST", "drafts", {"intent": intent()}).json()["draft"]
    taken = handed_drafts.take_over(world.officer("second"), draft, now=world.now)
    assert taken.officer == world.officer("second").reference
    with pytest.raises(Refused, match=r"dossier\.not_your_draft"):
        flow.send_draft(call.account, draft, now=world.now)


def test_a_wrong_draft_names_the_place(world: World) -> None:
    refused(Caller(world)("POST", "drafts", {"intent": {"kind": 7}}), 422, "intent.malformed", "/intent/kind")


# -- copies ----------------------------------------------------------------------------------------------------------------


def test_a_dossier_leaves_as_a_numbered_copy_and_is_listed_without_content(world: World) -> None:
    world.accord("ma")
    dossier = world.ask("ma")
    call = Caller(world)
    (listed,) = call("GET", "dossiers?kind=request").json()["dossiers"]
    assert listed["dossier"] == dossier
    assert "Youssef" not in json.dumps(listed)
    answer = call("POST", f"dossiers/{dossier}/copies", {"purpose": "investigation", "reason": "case file"})
    assert answer.status_code == 201, answer.content
    assert "Youssef Ziani" in json.dumps(answer.json()["content"])
    assert answer.json()["copy_number"] == 1
    refused(call("POST", f"dossiers/{dossier}/copies", {"purpose": "investigation"}), 422, "api.malformed", "/reason")


def test_a_copy_of_a_subject_is_called_back_when_it_is_erased(world: World) -> None:
    subject = person(world)
    call = Caller(world)
    path = f"register/{subject.subject_id}/copies"
    answer = call("POST", path, {"purpose": "investigation", "reason": "case file"})
    assert answer.status_code == 201, answer.content
    assert answer.json()["content"][0]["properties"]["name"] == ["Youssef Ziani"]
    number = answer.json()["copy_number"]
    erasing.erase_subject(world.officer("dpo"), str(subject.subject_id), ground="right", now=world.now)
    assert f"copy/register/{number}" in [t["task"] for t in call("GET", "desk").json()["tasks"]]
    settled = {"kind": "register", "outcome": "destroyed"}
    assert call("POST", f"copies/{number}/settled", settled).status_code == 204
    assert f"copy/register/{number}" not in [t["task"] for t in call("GET", "desk").json()["tasks"]]
    refused(call("POST", f"copies/{number}/settled", settled), 422, "erasure.copy_not_found")


# -- upsert ----------------------------------------------------------------------------------------------------------------


def test_entities_are_stored_once_changed_when_they_change_and_told_row_by_row(world: World) -> None:
    call = Caller(world)
    entity = {"id": "w-1", "schema": "Person", "properties": {"name": ["Karim Ouali"], "birthDate": ["1990-02-03"]}}
    given = {"list_key": "wanted", "entities": [entity, {"id": "w-2", "schema": "Dragon", "properties": {}}]}
    told = call("POST", "register/entities", given).json()
    assert told["counts"]["added"] == 1, told
    assert [p["rule"] for p in told["problems"]], "the other row is named"
    assert call("POST", "register/entities", given).json()["counts"]["unchanged"] == 1
    entity["properties"]["birthDate"] = ["1990-02-04"]
    again = call("POST", "register/entities", {"list_key": "wanted", "entities": [entity]}).json()
    assert (again["counts"]["changed"], again["counts"]["delisted"]) == (1, 0)
    hits = call("POST", "check", {"subject": {"names": ["كريم والي"]}, "purpose": "investigation"}).json()["hits"]
    assert [hit["caption"] for hit in hits] == ["Karim Ouali"]


# -- the document ----------------------------------------------------------------------------------------------------------


def test_the_examples_of_the_document_run_as_they_stand(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.accord("ma")
    world.ask("ma")
    person(world)
    token = clients.add("border", "Border", unit="ops", scopes=ALL, actor="administrator", now=NOW).token
    answers: list[httpx.Response] = []

    def carry(request: httpx.Request) -> httpx.Response:
        """The network between the example and the node."""
        told = world.client.generic(
            request.method,
            request.url.raw_path.decode(),
            request.content,
            content_type="application/json",
            headers={"authorization": request.headers["authorization"]},
        )
        answers.append(httpx.Response(told.status_code, content=told.content))
        return answers[-1]

    transport, real = httpx.MockTransport(carry), httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **told: real(transport=transport, **told))
    page = Path("docs/integrator/README.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {"token": token}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "docs/integrator/README.md", "exec"), names)
    assert [a.status_code for a in answers if not a.is_success] == [], [a.text for a in answers if not a.is_success]
    assert names["stored"]["counts"]["added"] == 1
    assert names["drafted"]["readers"] == ["ma"]
    body = b"{}"
    signed = {"webhook-id": "1", "webhook-timestamp": "2"}
    signed["webhook-signature"] = telling.signature("whsec_AAAA", "1", "2", body)
    assert names["is_from_the_node"]("whsec_AAAA", signed, body)
    assert not names["is_from_the_node"]("whsec_AAAA", signed, b"{ }")
