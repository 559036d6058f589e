"""Two real nodes for the browser: made, enrolled and started as in the demonstration, with an accord between them.

The test process itself never touches the store: Playwright's event loop and Django's synchronous rows do not mix.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tansiq.demo import people
from tansiq.demo.nodes import FRANCE, MOROCCO, PASSWORD, Node, wait_for
from tansiq.engine.accords.terms import read_terms
from tests.system.world import Made, enrolled, start

TITLE = {"ar": "اتفاق مغربي فرنسي", "fr": "Accord franco-marocain", "en": "Franco-Moroccan accord"}

__all__ = ["PASSWORD", "Federation", "federation"]


@dataclass(frozen=True)
class Federation:
    """France and Morocco, running, with their accord in force."""

    fr: Node
    ma: Node
    accord: str


@contextmanager
def federation(folder: Path) -> Iterator[Federation]:
    """Both nodes with officers and invented subjects; stopped at the end, whatever happened."""
    made = [Made(FRANCE, folder / "fr" / "home"), Made(MOROCCO, folder / "ma" / "home")]
    try:
        enrolled(made)
        for node in made:
            told = {"officers": people.OFFICERS[node.node_id], "subjects": people.SUBJECTS[node.node_id]}
            node.hands("program", words=["seed", "-"], given=told)
        start(made)
        yield Federation(made[0], made[1], _accord(*made))
    finally:
        for node in made:
            node.hands.kill()
            node.stop()


def _accord(fr: Made, ma: Made) -> str:
    """Proposed in France, ratified on both sides, each by the officer who may."""
    held = read_terms(people.terms(["fr", "ma"], TITLE, bilateral=True))
    codes = {"terms": held.digest}
    hands = {"henri": fr.hands, "driss": ma.hands}
    try:
        part = {"type": "terms", "content": held.to_json()}
        proposal = {"kind": "accord", "act": "propose", "participants": ["ma"], "codes": codes, "parts": [part]}
        accord = str(hands["henri"]("act", officer="henri", intent=proposal)["dossier"])
        for officer, hand in hands.items():
            wait_for(f"the accord before {officer}", lambda h=hand: h("entries", dossier=accord)["entries"], seconds=90)
            ratify = {"kind": "accord", "act": "ratify", "dossier": accord, "codes": codes}
            hand("act", officer=officer, intent=ratify)
        for hand in hands.values():
            wait_for(
                "the accord in force", lambda h=hand: h("entries", dossier=accord)["phase"] == "in_force", seconds=90
            )
    finally:
        for hand in hands.values():
            hand.kill()
    return accord
