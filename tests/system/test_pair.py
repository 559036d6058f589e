"""Two real nodes: a question, an answer whose conditions stick, and evidence of it all."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tansiq.demo.nodes import wait_for
from tests.system import intents
from tests.system.world import Driver, Failed, Made

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("pair")]
Pair = tuple[dict[str, Made], dict[str, Driver]]


def _ask(drivers: dict[str, Driver], **changed: Any) -> str:
    dossier = str(drivers["fr"]("act", officer="liaison", intent=intents.request("ma", **changed))["dossier"])
    for node in ("ma", "fr"):
        wait_for(
            f"receipt at {node}", lambda node=node: drivers[node]("entries", dossier=dossier)["phase"] == "received"
        )
    return dossier


def test_a_question_is_answered_and_both_sides_agree(pair: Pair) -> None:
    _, drivers = pair
    dossier = _ask(drivers)
    answer = intents.act(
        "request",
        dossier,
        "answer",
        codes={"extent": "full"},
        parts=[
            {
                **intents.narrative("answer", "Connu sous un autre nom."),
                "marking": {"level": 1, "handling": ["H1", "H2"]},
            }
        ],
    )
    drivers["ma"]("act", officer="liaison", intent=answer)
    wait_for("the answer", lambda: drivers["fr"]("entries", dossier=dossier)["phase"] == "answered")
    here, there = (drivers[n]("entries", dossier=dossier) for n in ("fr", "ma"))
    assert here == there
    assert all(effective for _, effective, _ in here["entries"])


def test_the_answers_conditions_and_the_evidence_are_shown(pair: Pair) -> None:
    nodes, drivers = pair
    dossier = _ask(drivers)
    drivers["ma"](
        "act",
        officer="liaison",
        intent=intents.act(
            "request",
            dossier,
            "answer",
            codes={"extent": "full"},
            parts=[{**intents.narrative("answer"), "marking": {"level": 1, "handling": ["H1"]}}],
        ),
    )
    wait_for("the answer", lambda: drivers["fr"]("entries", dossier=dossier)["phase"] == "answered")
    shown = nodes["fr"].command("dossier", "show", dossier, officer="liaison")
    answer = next(e for e in shown["entries"] if e["act"] == "answer")
    assert answer["parts"][0]["marking"]["handling"] == ["H1"]
    asked = next(e for e in shown["entries"] if e["act"] == "ask")
    assert asked["delivery"][0]["state"] in {"delivered", "opened"}
    assert asked["delivery"][0]["receipt"]

    # Morocco learns that its answer was opened: France's officer has just read it.
    def opened() -> bool:
        seen = nodes["ma"].command("dossier", "show", dossier, officer="liaison")
        return next(e for e in seen["entries"] if e["act"] == "answer")["delivery"][0]["state"] == "opened"

    wait_for("the evidence of opening", opened, every=0.5)


def test_logs_verify_against_what_the_partner_keeps(pair: Pair) -> None:
    _, drivers = pair
    _ask(drivers)
    for node, other in (("fr", "ma"), ("ma", "fr")):
        kept = wait_for(
            f"a checkpoint of {node} at {other}", lambda node=node, other=other: drivers[other]("kept", partner=node)
        )
        report = drivers[node]("verify", checkpoints=[kept])
        assert report["well"], report


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"codes": {"purpose": "investigation"}}, "intent.incomplete"),
        ({"participants": ["de"]}, "partner.unknown"),
        ({"accord": "0" * 64}, "decide.no_accord"),
        (
            {
                "parts": [
                    *intents.request("ma")["parts"],
                    {**intents.narrative("facts"), "marking": {"level": 3, "handling": []}},
                ]
            },
            "decide.level",
        ),
    ],
)
def test_what_may_not_be_sent_is_refused_and_leaves_nothing(pair: Pair, changed: dict[str, Any], code: str) -> None:
    _, drivers = pair
    before = drivers["fr"]("totals")
    with pytest.raises(Failed) as failure:
        drivers["fr"]("act", officer="liaison", intent=intents.request("ma", **changed))
    assert failure.value.code.startswith(code)
    assert {k: drivers["fr"]("totals")[k] for k in ("dossiers", "entries")} == {
        k: before[k] for k in ("dossiers", "entries")
    }


def test_a_stranger_is_refused_at_the_door(pair: Pair) -> None:
    nodes, drivers = pair
    before = drivers["fr"]("totals")["envelopes_in"]
    for raw in (b"", b"{}", b"TANSIQ1\n", b"TANSIQ1\n\x00\x00\x00\x02{}x", b"\x00" * 1000):
        answer = httpx.post(f"{nodes['fr'].url}/peer/v1/envelopes", content=raw, trust_env=False)
        assert answer.status_code in {401, 413, 422}
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"]
    assert drivers["fr"]("totals")["envelopes_in"] == before
