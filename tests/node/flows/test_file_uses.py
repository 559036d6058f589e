"""What a recipient may do with a file is what its conditions, the accord and the rules of the house allow, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from tansiq.engine.accords.local_rules import LocalRule, LocalRules
from tansiq.engine.accords.markings import Marking
from tansiq.engine.errors import Refused, Rejected, Unavailable
from tansiq.node.audit.models import Event
from tansiq.node.exchange.models import Blob
from tansiq.node.flows import file_uses
from tansiq.node.flows.attaching import file_in
from tansiq.node.partners import actions as partners
from tests.node.far_files import content, file_part, gives, wipe
from tests.node.flows.test_files import carry, reported, sent
from tests.node.flows.test_taking import report_by, report_parts
from tests.node.world import World, leaves_nothing

PLAIN = content(200_000)


@pytest.fixture(autouse=True)
def fresh_disk() -> Iterator[None]:
    wipe()
    yield
    wipe()


def arrived(world: World, **changed: Any) -> tuple[str, int]:
    """A file of ma's that is whole here; its entry (which opened the dossier) and place."""
    ma, report, raw = reported(world, changed.pop("plain", PLAIN), **changed)
    gives(ma, raw)
    carry(world)
    return report.entry_id, len(report.parts) - 1


def may(world: World, entry: str, index: int, use: str, officer: str = "liaison") -> str:
    """What comes of asking: the code of the refusal, or nothing."""
    try:
        file_uses.open_file(world.officer(officer), entry, entry, index, use=use, now=world.now)
    except (Refused, Rejected, Unavailable) as error:
        return error.code
    return ""


def test_a_file_is_opened_whole_and_who_opened_it_is_known(world: World) -> None:
    entry, index = arrived(world)
    found = file_uses.open_file(world.officer("liaison"), entry, entry, index, use="read", now=world.now)
    assert hashlib.sha256(b"".join(found.plain())).hexdigest() == hashlib.sha256(PLAIN).hexdigest()
    event = Event.objects.get(event="file.opened")
    assert event.actor == world.officer("liaison").reference
    assert event.told["facts"] == {
        "entry": entry,
        "part": index,
        "use": "read",
        "clause": event.told["facts"]["clause"],
    }
    assert event.told["facts"]["clause"]


CONDITIONS: list[tuple[Marking, dict[str, str]]] = [
    (Marking(), {}),
    (Marking(handling=frozenset({"H1"})), {"evidence": "decide.evidence_consent"}),
    (Marking(handling=frozenset({"H2"})), {"export": "decide.onward_consent"}),
    (Marking(handling=frozenset({"H3"})), {"export": "file.words_only"}),
    (Marking(tlp="AMBER"), {"export": "decide.onward_consent"}),
    (Marking(level=1), {"export": "file.level"}),
]


def test_conditions_are_enforced_for_each_use_and_refusals_are_audited(world: World) -> None:
    accord = world.accord("ma", onward="free", evidence="free")
    ma, parts = world.fars["ma"], []
    for number, (marking, _) in enumerate(CONDITIONS):
        note = {"handling_note": "Not to be shown to the press"} if marking.needs_note else {}
        part, raw = file_part(b"file %d" % number, seed=str(number), marking=marking, **note)
        parts.append(part)
        gives(ma, raw)
        world.arrive(ma, report := report_by(world, ma, accord, ["fr"], "x", parts=(*report_parts("x"), part)))
        carry(world)
        found = {use: may(world, report.entry_id, 2, use) for use in file_uses.USES}
        assert found == {use: CONDITIONS[number][1].get(use, "") for use in file_uses.USES}
    codes = [event.told["facts"]["code"] for event in Event.objects.filter(event="file.refused").order_by("id")]
    assert codes == [code for _, refused in CONDITIONS for code in refused.values()]


def test_local_rules_stop_a_use(world: World) -> None:
    entry, index = arrived(world)
    rule = LocalRule(clause="Loi test 5", outcome="refuse", acts=("print",), states=("ma",))
    partners.set_local_rules(LocalRules(node="fr", rules=(rule,)), actor="dpo", now=world.now)
    with pytest.raises(Refused, match=r"decide\.local_rule") as caught:
        file_uses.open_file(world.officer("liaison"), entry, entry, index, use="read", now=world.now)
    assert caught.value.facts["clause"] == "Loi test 5"


def test_who_need_not_know_the_dossier_cannot_tell_that_the_file_exists(world: World) -> None:
    entry, index = arrived(world)
    for name in ("stranger", "auditor"):
        with leaves_nothing(but=()):
            assert may(world, entry, index, "read", officer=name) == "dossier.not_found"
    assert may(world, entry, 0, "read") == "blob.not_found", "a part that is no file"
    assert may(world, entry, 99, "read") == "blob.not_found"
    assert may(world, entry, index, "sell") == "file.use_unknown"
    assert may(world, entry, index, "export", officer="second") != "account.role"


def test_a_file_of_another_dossier_is_not_opened_through_this_one(world: World) -> None:
    entry, index = arrived(world)
    other = world.ask("ma")
    with pytest.raises(Rejected, match=r"blob\.not_found"):
        file_uses.open_file(world.officer("liaison"), other, entry, index, use="read", now=world.now)


def test_what_is_still_under_way_is_not_opened(world: World) -> None:
    _, report, _ = reported(world, PLAIN)
    assert may(world, report.entry_id, len(report.parts) - 1, "read") == "blob.not_here"


def test_a_program_that_came_as_a_picture_is_not_opened(world: World) -> None:
    entry, index = arrived(world, plain=b"\x7fELF" + bytes(500), name="holiday.jpg", media_type="image/jpeg")
    assert Blob.objects.get().media_type == "application/x-elf"
    assert may(world, entry, index, "read") == "file.program"


def test_what_is_not_what_it_is_called_says_so(world: World) -> None:
    entry, index = arrived(world, plain=b"%PDF-1.7 ...", name="holiday.jpg", media_type="image/jpeg")
    found = file_uses.open_file(world.officer("liaison"), entry, entry, index, use="read", now=world.now)
    assert found.is_contradicted
    assert found.found == "application/pdf"


def test_ones_own_file_is_ones_own(world: World) -> None:
    dossier, told = sent(world, PLAIN)
    index = next(place for place in range(20) if file_in(dossier, place) is not None)
    for use in file_uses.USES:
        found = file_uses.open_file(world.officer("liaison"), dossier, dossier, index, use=use, now=world.now)
        assert b"".join(found.plain()) == PLAIN
    assert told["name"] == found.told.name
