"""Plans for tests, and a partner with plans of its own: it asks and answers as a second implementation would, with engine functions only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tansiq.engine.blind import batches, cells, filters, oprf, singly
from tansiq.engine.blind.cells import Cells, Extent, Stretch
from tansiq.engine.blind.oprf import Evaluation, Mode
from tansiq.engine.blind.places import read_place
from tansiq.engine.dossiers.entries import Part
from tansiq.engine.dossiers.headers import Actor
from tansiq.engine.envelopes import bodies
from tansiq.engine.formats.ids import b64decode, b64encode
from tansiq.engine.formats.times import format_time
from tansiq.node.flows import planning
from tests.node.far import Far, repeatable
from tests.node.world import World

CELLS = 200_000
BLIND = {
    "families": ["identifier", "pair_day", "word_day"],
    "budget_per_day": 20,
    "budget_per_officer": 10,
    "cells_per_day": CELLS,
}
CONTACT = {"name": "Salle de commandement", "phone": "+33 1 99 00 00 11"}
PARIS, TANGIER = [2.3522, 48.8566], [-5.8326, 35.7595]
PERSON = {"names": ["Samir Talbi"], "birth_dates": ["1984-03-17"], "identifiers": [["phone", "+212600000417"]]}


def tonight(world: World, hour: float = 11, hours: float = 4) -> dict[str, str]:
    """A window that begins so many hours from now."""
    begins = world.now + timedelta(hours=hour)
    return {"from": begins.isoformat(), "to": (begins + timedelta(hours=hours)).isoformat()}


def entered(world: World, at: Sequence[float] = PARIS, **changed: Any) -> Any:
    """An operation around a point tonight, with no margins unless they are given."""
    told = {
        "kind": "operation",
        "reference": "Opération Lanterne",
        "geometry": {"type": "Point", "coordinates": list(at)},
        "before_min": 0,
        "after_min": 0,
        "contact": CONTACT,
        **tonight(world),
    }
    return planning.read_plan({**told, **changed})


def plan(world: World, at: Sequence[float] = PARIS, *, officer: str = "liaison", **changed: Any) -> Any:
    """A plan of ours."""
    return planning.add(world.officer(officer), entered(world, at, **changed), now=world.now)


@dataclass
class Planner:
    """A partner with plans: the cells and subject keys of each, by name."""

    world: World
    far: Far
    accord: str
    plans: dict[str, Cells] = field(default_factory=dict)
    subjects: list[str] = field(default_factory=list)
    answered: int = 0
    asked: int = 0
    keys: dict[str, oprf.KeyPair] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)

    def plans_at(
        self, at: Sequence[float] = PARIS, *, name: str = "one", hour: float = 11, hours: float = 4, **changed: Any
    ) -> Cells:
        """It plans something around a point, as its own program would cut it into cells."""
        begins = self.world.now + timedelta(hours=hour)
        geometry = changed.get("geometry", {"type": "Point", "coordinates": list(at)})
        stretch = Stretch(read_place(geometry), begins, begins + timedelta(hours=hours))
        extent = Extent((stretch,), changed.get("buffer_m", 1000), changed.get("is_district", False))
        self.plans[name] = cells.cells_of(extent)
        return self.plans[name]

    # -- being asked --------------------------------------------------------------------------------------------------

    def held(self, level: str) -> list[str]:
        found = {
            key
            for one in self.plans.values()
            for key in (one.coarse if level == "coarse" else (*one.fine, *one.district))
        }
        return sorted(found) if level != "subject" else self.subjects

    def answer_to(self, question: dict[str, Any], **changed: Any) -> bodies.Item:
        """What it answers to one of our questions."""
        pair = singly.key_for(repeatable(question["query"])(32), holder="x", asker="fr", query=question["query"])
        raw = b64decode(question["elements"])
        done = oprf.evaluate(
            pair, [raw[i : i + 32] for i in range(0, len(raw), 32)], mode=Mode.VOPRF, random=repeatable("proof")
        )
        outputs = {key: oprf.compute(pair, key.encode(), mode=Mode.VOPRF) for key in self.held(question["level"])}
        held = singly.filter_of(outputs.values(), repeatable("filling"))
        self.keys[question["query"]] = pair
        self.outputs[question["query"]] = {singly.name_of(o, held.bucket_bits): k for k, o in outputs.items()}
        content = {
            "v": 1,
            "query": question["query"],
            "level": question["level"],
            "code": "",
            "public": b64encode(pair.public),
            "elements": b64encode(b"".join(done.elements)),
            "proof": b64encode(done.proof or b""),
            "filter": b64encode(held.to_bytes()),
        }
        return bodies.Item("plan_answer", content | changed)

    def unanswered(self) -> list[dict[str, Any]]:
        return self.far.items("plan_query")[self.answered :]

    def answers(self, **changed: Any) -> int:
        """Answer until we ask no more; returns how many questions there were."""
        before = self.answered
        self.world.settle()
        while waiting := self.unanswered():
            self.answered += len(waiting)
            self.world.arrive(self.far, *(self.answer_to(one, **changed) for one in waiting))
            self.world.settle()
        return self.answered - before

    # -- asking -------------------------------------------------------------------------------------------------------

    def question(
        self, of_level: str, keys: Sequence[str], **changed: Any
    ) -> tuple[bodies.Item, batches.Batch, dict[str, Any]]:
        """A question of its own about these keys."""
        self.asked += 1
        batch = batches.prepare(
            [k.encode() for k in keys], mode=Mode.VOPRF, random=repeatable(f"{self.far.node_id}{self.asked}")
        )
        content: dict[str, Any] = {
            "v": 1,
            "query": str(UUID(int=self.asked + 7_000 * ord(self.far.node_id[0]), version=4)),
            "level": of_level,
            "asked_by": "officer-7",
            "elements": b64encode(b"".join(batch.elements)),
        }
        content |= changed
        return bodies.Item("plan_query", content), batch, content

    def ask(self, level: str, keys: Sequence[str], **changed: Any) -> tuple[str, dict[str, str]] | str:
        """The id of its question and what it hit, with marks; or the code of a refusal."""
        item, batch, content = self.question(level, keys, **changed)
        before = len(self.far.items("plan_answer"))
        self.world.arrive(self.far, item)
        self.world.settle()
        (answer,) = self.far.items("plan_answer")[before:]
        assert answer["query"] == content["query"]
        if answer["code"]:
            return str(answer["code"])
        raw = b64decode(answer["elements"])
        evaluation = Evaluation(tuple(raw[i : i + 32] for i in range(0, len(raw), 32)), b64decode(answer["proof"]))
        outputs = batch.finalize(evaluation, public=b64decode(answer["public"]))
        return content["query"], singly.hits(filters.from_bytes(b64decode(answer["filter"])), keys, outputs)

    def finds(self, name: str = "one") -> tuple[str, dict[str, str]]:
        """It asks coarsely and finely about a plan of its own; what the fine question hit."""
        mine = self.plans[name]
        coarse = self.ask("coarse", mine.coarse)
        assert isinstance(coarse, tuple)
        if not coarse[1]:
            return coarse
        fine = self.ask("fine", cells.within(mine, coarse[1]), follows=coarse[0])
        assert isinstance(fine, tuple)
        return fine

    def opens(self, query: str, hits: dict[str, str], **codes: Any) -> str:
        """Its machine opens a dossier about what it found; returns the dossier."""
        begins, ends = cells.window_of(list(hits))
        told = {
            "levels": ["close"],
            "begins": format_time(begins),
            "ends": format_time(ends),
            "acknowledge_by": format_time(self.world.now + timedelta(minutes=30)),
            "resolve_by": format_time(begins - timedelta(minutes=30)),
        }
        entry = self.far.open(
            "deconfliction",
            ["fr"],
            self.world.now,
            codes=told | codes,
            parts=(
                Part("contact_point", {"name": "Permanence", "phone": "+212 5 00 00 00 01", "node": self.far.node_id}),
                Part("plan_marks", {"query": query, "marks": sorted(set(hits.values()))}),
            ),
            accord=self.accord,
            accord_version=self.world.version(self.accord),
        )
        self.world.arrive(self.far, entry)
        self.world.settle()
        return str(entry.dossier)

    @property
    def dossiers(self) -> list[str]:
        """The deconflictions it takes part in."""
        return [d for d, held in self.far.dossiers.items() if held.kind.name == "deconfliction"]


def machine() -> Actor:
    """A partner's machine."""
    return Actor("machine", clause="deconfliction:met")


def planner(world: World, node: str = "ma", **blind: Any) -> Planner:
    """A partner whose accord lets both ask about plans."""
    if node not in world.fars:
        world.partner(node)
    accord = world.accord(node, kinds=["deconfliction"], blind={**BLIND, **blind})
    world.settle()
    return Planner(world, world.fars[node], accord)


def at_utc(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text)
