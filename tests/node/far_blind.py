"""Far nodes that ask and are asked blindly, made of engine functions only, as a second implementation would."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tansiq.engine.blind import batches, filters, oprf
from tansiq.engine.blind.keys import SCHEME, question_keys, record_keys
from tansiq.engine.blind.oprf import Evaluation, Mode
from tansiq.engine.blind.schemes import Scheme
from tansiq.engine.envelopes import bodies
from tansiq.engine.formats.ids import b64decode, b64encode
from tansiq.engine.formats.times import format_time
from tests.node.far import DAY, Far, repeatable
from tests.node.world import World

FAMILIES = ["identifier", "pair_day", "word_day"]
BLIND = {"families": FAMILIES, "budget_per_day": 20, "budget_per_officer": 10}
NAME, BORN, PASSPORT = "Samir Talbi", "1984-03-17", "XK4471902"


def renamed(keys: dict[str, list[str]], scheme: str) -> dict[str, list[str]]:
    """The keys as an invented scheme of that name makes them: the same, under its name."""
    return {family: [key.replace(SCHEME, scheme, 1) for key in listed] for family, listed in keys.items()}


def invented(scheme: str) -> Scheme:
    """A scheme that a program of tomorrow speaks."""

    def of_record(*given: Any, **named: Any) -> dict[str, list[str]]:
        return renamed(record_keys(*given, **named), scheme)

    def of_question(*given: Any, **named: Any) -> dict[str, list[str]]:
        return renamed(question_keys(*given, **named), scheme)

    return Scheme(of_record, of_question)


@dataclass
class Asker:
    """A partner that puts our filters together and asks us, as a second implementation would."""

    world: World
    far: Far
    filters: dict[str, filters.Filter] = field(default_factory=dict)
    number: int = 0
    scheme: str = ""

    @property
    def epoch(self) -> dict[str, Any]:
        """The newest epoch (of the scheme that is asked under, if one is named)."""
        announced = [e for e in self.far.items("blind_epoch") if e["state"] == "open"]
        return next(e for e in reversed(announced) if self.scheme in ("", e["scheme"]))

    def take(self) -> None:
        """Put together what has come."""
        announced = self.epoch
        pieces = [p for p in self.far.items("blind_piece") if p["epoch"] == announced["epoch"]]
        for told in announced["filters"]:
            mine = {p["place"]: b64decode(p["content"]) for p in pieces if p["family"] == told["family"]}
            current = filters.from_bytes(b"".join(mine[str(n)] for n in range(told["pieces"])))
            assert current.digest() == told["digest"]
            while (change := mine.get(current.digest())) is not None:
                current = filters.apply(current, filters.delta_from_bytes(change))
            self.filters[told["family"]] = current

    def question(self, keys: dict[str, list[str]], **changed: Any) -> tuple[bodies.Item, batches.Batch, list[str]]:
        """A blinded question about these keys."""
        flat = [(family, key) for family, listed in keys.items() for key in listed]
        batch = batches.prepare(
            [k.encode() for _, k in flat], mode=Mode.VOPRF, random=repeatable(f"asker{self.number}")
        )
        self.number += 1
        content = {
            "v": 1,
            "query": str(UUID(int=self.number, version=4)),
            "epoch": self.epoch["epoch"],
            "families": sorted(keys),
            "purpose": "investigation",
            "crime_area": "0601",
            "asked_by": "officer-7",
            "elements": b64encode(b"".join(batch.elements)),
        }
        return bodies.Item("blind_query", content | changed), batch, [family for family, _ in flat]

    def ask(self, keys: dict[str, list[str]], **changed: Any) -> set[str] | str:
        """The families that met, or the code of a refusal."""
        item, batch, families = self.question(keys, **changed)
        before = len(self.far.items("blind_answer"))
        self.world.arrive(self.far, item)
        self.world.settle()
        (answer,) = self.far.items("blind_answer")[before:]
        assert answer["query"] == item.content["query"]
        if answer["code"]:
            return str(answer["code"])
        raw = b64decode(answer["elements"])
        evaluation = Evaluation(tuple(raw[i : i + 32] for i in range(0, len(raw), 32)), b64decode(answer["proof"]))
        public = next(
            e["public"] for e in self.far.items("blind_epoch") if (e["epoch"], e["state"]) == (answer["epoch"], "open")
        )
        outputs = batch.finalize(evaluation, public=b64decode(public))
        return {f for f, output in zip(families, outputs, strict=True) if self.filters[f].find([output])[0]}


@dataclass
class Holder:
    """A partner that holds one man ready for us, as a second implementation would."""

    world: World
    far: Far
    number: int = 1
    scheme: str = SCHEME
    pair: oprf.KeyPair = field(init=False)
    known: dict[str, filters.Filter] = field(init=False)
    answered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        random = repeatable(f"holder{self.number}")
        self.pair = oprf.derive_key_pair(random(32), b"test", mode=Mode.VOPRF)
        keys = record_keys(["سمير الطالبي"], [BORN], [("passport", PASSPORT)])
        self.known = {
            family: filters.fill(
                filters.build(
                    [oprf.compute(self.pair, k.encode(), mode=Mode.VOPRF) for k in renamed(keys, self.scheme)[family]],
                    capacity=512,
                ),
                200,
                random,
            )[0]
            for family in FAMILIES
        }

    def announcement(self, **changed: Any) -> bodies.Item:
        content = {
            "v": 1,
            "epoch": self.number,
            "state": "open",
            "scheme": self.scheme,
            "public": b64encode(self.pair.public),
            "ends_at": format_time(self.world.now + 30 * DAY),
            "filters": [{"family": f, "digest": self.known[f].digest(), "pieces": 2} for f in FAMILIES],
        }
        return bodies.Item("blind_epoch", content | changed)

    def pieces(self) -> list[bodies.Item]:
        found = []
        for family in FAMILIES:
            raw = self.known[family].to_bytes()
            for place, part in enumerate((raw[:1000], raw[1000:])):
                told = {"v": 1, "epoch": self.number, "family": family, "place": str(place), "content": b64encode(part)}
                found.append(bodies.Item("blind_piece", told))
        return found

    def tell(self) -> None:
        """Announce and send everything, out of order."""
        self.world.arrive(self.far, *reversed(self.pieces()), self.announcement())

    def answer(self, question: dict[str, Any], **changed: Any) -> bodies.Item:
        raw = b64decode(question["elements"])
        elements = [raw[i : i + 32] for i in range(0, len(raw), 32)]
        done = oprf.evaluate(self.pair, elements, mode=Mode.VOPRF, random=repeatable("proof"))
        content = {
            "v": 1,
            "query": question["query"],
            "epoch": self.number,
            "code": "",
            "elements": b64encode(b"".join(done.elements)),
            "proof": b64encode(done.proof or b""),
        }
        return bodies.Item("blind_answer", content | changed)
