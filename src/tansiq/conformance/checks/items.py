"""Items of every type, right and wrong, and questions."""

from __future__ import annotations

import uuid

from tansiq.conformance.stage import UNKNOWN_TYPE, Stage, speaks_of
from tansiq.conformance.verdicts import Broken, check
from tansiq.engine.envelopes.bodies import Item
from tansiq.engine.formats.json_values import JsonValue


@check("ITM-1")
def unknown_type(stage: Stage) -> None:
    """The status names the reference, and the code says what was not understood."""
    reference = str(uuid.UUID(bytes=stage.a.random(16), version=4))
    came = stage.take(stage.a, Item(UNKNOWN_TYPE, {"reference": reference}))
    told = [one.content for one in came if speaks_of(one, reference)]
    if [one.get("status") for one in told] != ["not_understood"]:
        raise Broken(f"answered {told or 'nothing'}")
    if told[0].get("code") != "item.not_understood":
        raise Broken(f"the code is {told[0].get('code')}")


MALFORMED = (
    Item("fetch", {"v": 1, "dossier": "x", "entries": "all"}),
    Item("fetch", {"v": 1, "dossier": "x", "entries": ["../../etc"]}),
    Item("heads", {"v": 1, "dossiers": [], "after": "", "until": ""}),
    Item("heads", {"v": 1, "dossiers": {"x": []}, "after": "", "until": ""}),
    Item("status", {"v": 1, "status": "burnt", "references": []}),
    Item("entry", {"header": {}, "parts": []}),
    Item("entry", {}),
    Item("query", {}),
    Item("answer", {"v": 1, "query": 7}),
    Item("card", {"payloadType": 1}),
    Item("revocation", {}),
    Item("witness", {"checkpoint": "not a note", "consistency": None, "cosigned": None}),
    Item("blob", {"v": 1, "blob": "x"}),
    Item("blind_epoch", {"v": 1}),
    Item("blind_piece", {"v": 1, "place": []}),
    Item("blind_query", {"v": 1, "elements": "AA=="}),
    Item("blind_answer", {}),
)
"""One of every type that breaks a rule of its content."""


@check("ITM-2")
def bad_beside_good(stage: Stage) -> None:
    """Every kind of bad item in one envelope, and a good one at the end, which ``take`` waits for."""
    stage.take(stage.a, *MALFORMED)


@check("ITM-16")
def question_without_accord(stage: Stage) -> None:
    """Asked twice under one number; one answer, and it is a refusal."""
    number = str(uuid.UUID(bytes=stage.b.random(16), version=4))
    fields: dict[str, JsonValue] = {
        "names": ["Conformance Nobody"],
        "schema": "Person",
        "birth_dates": [],
        "countries": [],
        "identifiers": [],
    }
    told: dict[str, JsonValue] = {"v": 1, "query": number, "fields": fields, "purpose": "prevention", "crime_area": ""}
    came = [*stage.take(stage.b, Item("query", told)), *stage.take(stage.b, Item("query", told))]
    answers = [one.content for one in came if one.type == "answer" and one.content.get("query") == number]
    if len(answers) != 1:
        raise Broken(f"{len(answers)} answers to one question")
    if answers[0].get("outcome") != "refused" or not answers[0].get("code"):
        raise Broken(f"no accord permits it, and the outcome is {answers[0].get('outcome')}")
