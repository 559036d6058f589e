"""The alert: what each class asks and needs, its term, its ends; and the hit that nothing coercive follows before it is confirmed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.dossiers.entries import compose, new_opening
from tansiq.engine.dossiers.headers import Header
from tansiq.engine.dossiers.kind import CONFLICT
from tansiq.engine.dossiers.parts import Part, SaltedPart
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.times import format_time, parse_time
from tansiq.engine.kinds.alert import expires_at, is_standing
from tansiq.engine.kinds.registry import kind
from tests.engine.dossiers.simulated import OFFICER, START, Node, opening_of, part_refs
from tests.engine.kinds.enumerate import check_kind, check_many_writers
from tests.engine.kinds.samples import ALERT as SAMPLES
from tests.engine.kinds.samples import ALERT_HIT as HIT_SAMPLES
from tests.engine.kinds.samples import LATER, YEAR_LATER
from tests.shared import ROOT

ALERT, HIT = kind("alert"), kind("alert_hit")
TERM = {"expires": YEAR_LATER, "review": LATER}
WANTED = {"alert_class": "wanted_arrest", "asks": "arrest", "purpose": "wanted_persons", **TERM}
PERSON = Part("subject", {"schema": "Person", "properties": {"name": ["x"]}}, category="suspect")
TOLD = [Part("narrative", {"topic": topic, "text": "…"}) for topic in ("offence", "issuing_authority", "decision")]


def issue(*parts: Part, **codes: Any) -> Header:
    salted = [SaltedPart(bytes([index]) * 32, part) for index, part in enumerate(parts)]
    opening = new_opening(ALERT, ["fr", "it", "ma"], random=bytes)
    common: dict[str, Any] = {"author": "fr", "acted_by": OFFICER, "now": START, "opening": opening}
    return compose(ALERT, None, act="issue", codes={**WANTED, **codes}, parts=salted, **common)


def standing(**codes: Any) -> Node:
    fr = Node("fr", ALERT)
    fr.open(opening_of(ALERT, ("fr", "it", "ma")), {**WANTED, **codes}, part_refs("narrative", "subject"))
    return fr


def test_a_person_is_wanted_only_with_offence_authority_and_decision() -> None:
    assert issue(PERSON, *TOLD).act == "issue"
    for missing in range(3):
        told = [part for index, part in enumerate(TOLD) if index != missing]
        with pytest.raises(Rejected, match=r"entry\.incomplete") as caught:
            issue(PERSON, *told)
        assert caught.value.facts["fields"] == [f"/parts/narrative/{TOLD[missing].topic}"]


def test_a_class_wants_its_subject() -> None:
    vehicle = Part("subject", {"schema": "Vehicle", "properties": {"registrationNumber": ["1"]}})
    for parts in (TOLD, [vehicle, *TOLD]):
        with pytest.raises(Rejected, match=r"entry\.incomplete") as caught:
            issue(*parts)
        assert caught.value.facts["fields"] == ["/parts/subject/Person"]


def test_a_class_asks_no_more_than_it_may() -> None:
    with pytest.raises(Rejected, match=r"alert\.not_asked_in_this_class"):
        issue(PERSON, *TOLD, asks="freeze")
    with pytest.raises(Rejected, match=r"codes\.unknown_code"):
        issue(PERSON, *TOLD, alert_class="red")


def test_every_class_asks_something_and_nothing_unknown() -> None:
    measures, schemata = code_list("alert_measures"), {"Person", "Vehicle", "Vessel", "Airplane", "TravelDocument"}
    schemata |= {"BankAccount", "CryptoWallet", "Company", "Firearm", "PhoneDevice", "PhoneLine"}
    for entry in code_list("alert_classes").entries:
        asks, needs, subjects = (entry.facts[name] for name in ("asks", "needs", "subjects"))
        assert isinstance(asks, list | tuple)
        assert isinstance(needs, list | tuple)
        assert isinstance(subjects, list | tuple)
        assert asks
        assert all(one in measures for one in asks)
        assert needs
        assert {str(one) for one in needs} <= set(ALERT.labels["topics"])
        assert {str(one) for one in subjects} <= schemata


@pytest.mark.parametrize(
    ("term", "reason"),
    [
        ({"expires": format_time(START - timedelta(days=1))}, "alert.over_before_it_begins"),
        ({"review": format_time(START + timedelta(days=400))}, "alert.review_not_within_term"),
        ({"review": format_time(START - timedelta(days=1))}, "alert.review_not_within_term"),
    ],
)
def test_a_term_that_means_nothing_has_no_effect(term: dict[str, str], reason: str) -> None:
    fr = standing(**term)
    assert fr.reason(next(iter(fr.headers.values()))) == reason


def test_it_stands_until_its_end_and_the_issuers_machine_says_so() -> None:
    fr = standing(expires=format_time(START + timedelta(hours=1)), review=format_time(START + timedelta(hours=1)))
    end = START + timedelta(hours=1)
    assert is_standing(fr.state, end - timedelta(seconds=1))
    assert not is_standing(fr.state, end)
    assert ALERT.machine_acts(fr.state, "fr", end - timedelta(seconds=1), None) == []
    (owed,) = ALERT.machine_acts(fr.state, "fr", end, None)
    assert owed.act == "expire"
    early = fr.act("expire", owed.codes, minutes=30)
    assert fr.reason(early) == "alert.not_over_yet"
    assert fr.reason(fr.act("expire", owed.codes, minutes=61)) is None
    assert ALERT.phase(fr.state) == "expired"
    assert ALERT.machine_acts(fr.state, "fr", end, None) == []
    assert {d.owner for d in ALERT.deadlines(fr.state)} == {"it", "ma"}


def test_an_extension_puts_end_and_review_off() -> None:
    fr = standing()
    later = {"expires": format_time(START + timedelta(days=700)), "review": format_time(START + timedelta(days=600))}
    assert [d.due_at for d in ALERT.deadlines(fr.state)] == [parse_time(LATER)]
    assert fr.reason(fr.act("extend", later)) is None
    assert expires_at(fr.state) == parse_time(later["expires"])
    assert [(d.name, d.owner, d.due_at) for d in ALERT.deadlines(fr.state)] == [
        ("review", "fr", parse_time(later["review"]))
    ]


def test_a_cancellation_is_owed_by_every_recipient_until_its_machine_confirms() -> None:
    fr = standing()
    cancel = fr.act("cancel", {"ground": "found", "due": LATER})
    assert {d.owner for d in ALERT.deadlines(fr.state)} == {"it", "ma"}
    entry = next(entry for entry, header in fr.headers.items() if header is cancel)
    it, ma = fr.copy("it"), fr.copy("ma")
    confirmed = it.act("confirm", {"change": entry})
    assert it.reason(confirmed) is None
    assert it.reason(it.act("confirm", {"change": entry})) == "kind.not_now", "once is enough"
    ma.take(confirmed)
    assert {d.owner for d in ALERT.deadlines(ma.state)} == {"ma"}


def test_nobody_but_the_issuer_ends_it() -> None:
    it = standing().copy("it")
    assert it.reason(it.act("cancel", {"ground": "found", "due": LATER})) == "kind.not_for_this_role"
    assert it.reason(it.act("extend", TERM)) == "kind.not_for_this_role"


def test_every_state_and_pair_of_acts_of_an_alert_commutes_or_stands_in_the_table() -> None:
    phases = check_kind(ALERT, SAMPLES, ("fr", "ma"))
    assert phases == set(ALERT.phases) - {CONFLICT}, "one authority alone ends it"
    check_many_writers(ALERT)


# -- the hit -----------------------------------------------------------------------------------------------------------------


def hit() -> tuple[Node, Node]:
    ma = Node("ma", HIT)
    codes = {"strength": "probable", "purpose": "wanted_persons"}
    ma.open(opening_of(HIT, ("fr", "ma")), codes, part_refs("narrative"))
    return ma, ma.copy("fr")


def test_nothing_coercive_is_done_before_the_issuer_has_confirmed() -> None:
    ma, fr = hit()
    assert HIT.view(ma.state)["is_coercion_permitted"] is False
    assert "execute" not in HIT.permitted(ma.state, "ma")
    done = {"measure": "arrest", "outcome": "done"}
    assert ma.reason(ma.act("execute", done, part_refs("narrative"))) == "kind.not_in_this_phase"
    ma.take(fr.act("confirm_hit", {"measure": "locate_and_report", "due": LATER}))
    assert HIT.view(ma.state)["is_coercion_permitted"] is True
    refused = ma.act("execute", done, part_refs("narrative"))
    assert ma.reason(refused) == "alert_hit.measure_not_confirmed"
    right = ma.act("execute", {"measure": "locate_and_report", "outcome": "done"}, part_refs("narrative"))
    assert ma.reason(right) is None
    assert HIT.phase(ma.state) == "executed"


def test_whoever_met_it_does_not_confirm_it() -> None:
    ma, _fr = hit()
    assert ma.reason(ma.act("confirm_hit", {"measure": "arrest", "due": LATER})) == "kind.not_for_this_role"


def test_the_issuer_has_twelve_hours_and_then_the_measure_has_its_own() -> None:
    _ma, fr = hit()
    (owed,) = HIT.machine_acts(fr.state, "fr", START, None)
    assert owed.codes == {"due": format_time(START + timedelta(hours=12))}
    fr.act("received", owed.codes)
    assert HIT.machine_acts(fr.state, "fr", START, None) == []
    assert [(d.name, d.owner) for d in HIT.deadlines(fr.state)] == [("confirm_hit", "fr")]
    fr.act("confirm_hit", {"measure": "arrest", "due": LATER})
    assert [(d.name, d.owner, d.due_at) for d in HIT.deadlines(fr.state)] == [("execute", "ma", parse_time(LATER))]


@pytest.mark.parametrize(
    ("mine", "theirs", "phase"), [("withdraw", "confirm_hit", "withdrawn"), ("withdraw", "stop", "stopped")]
)
def test_what_ends_coercion_prevails_over_what_permits_it(mine: str, theirs: str, phase: str) -> None:
    ma, fr = hit()
    if theirs == "stop":
        ma.take(fr.act("confirm_hit", {"measure": "arrest", "due": LATER}))
    one = ma.act(mine)
    other = fr.act(theirs, {"measure": "arrest", "due": LATER} if theirs == "confirm_hit" else {})
    ma.take(other)
    fr.take(one)
    assert HIT.phase(ma.state) == HIT.phase(fr.state) == phase


def test_what_was_executed_was_executed() -> None:
    ma, fr = hit()
    ma.take(fr.act("confirm_hit", {"measure": "arrest", "due": LATER}))
    ma.act("execute", {"measure": "arrest", "outcome": "done"}, part_refs("narrative"))
    ma.take(fr.act("stop"))
    assert HIT.phase(ma.state) == "executed"
    assert [write.act for write in HIT.outcome(ma.state).noted] == ["stop"], "the stop is noted, not lost"


def test_every_state_and_pair_of_acts_of_a_hit_commutes_or_stands_in_the_table() -> None:
    assert check_kind(HIT, HIT_SAMPLES, ("ma", "fr")) == {*HIT.phases}
    check_many_writers(HIT)
    assert CONFLICT in HIT.phases


# -- words -------------------------------------------------------------------------------------------------------------------


def test_an_alert_is_never_called_a_notice_of_the_criminal_police_organisation() -> None:
    """Their notices and diffusions are their own; ours must never be taken for one."""
    forbidden = (
        "interpol",
        "الإنتربول",
        "انتربول",
        "اینترپل",
        "red notice",
        "notice rouge",
        "avviso rosso",
        "نشرة حمراء",
    )
    folder = ROOT / "src/tansiq"
    read = [folder / "engine/kinds/alert.py", folder / "engine/kinds/alert_hit.py"]
    read += [*folder.glob("engine/kinds/alert*.json"), *folder.glob("engine/formats/codes/alert_*.json")]
    read += [
        *folder.glob("node/**/alert*.py"),
        *folder.glob("node/**/alert*.html"),
        *folder.glob("node/**/alert*.json"),
    ]
    read += [*folder.glob("node/web/templates/web/alerts/*.html"), *folder.glob("demo/chapters/*.py")]
    assert len(read) > 8
    for path in read:
        text = path.read_text(encoding="utf-8").lower()
        assert not [word for word in forbidden if word in text], path
    for language in ("ar", "fr", "en"):
        pages = (folder / f"node/web/locale/{language}/LC_MESSAGES/django.po").read_text(encoding="utf-8").lower()
        assert not [word for word in forbidden if word in pages], language
    assert json.dumps(ALERT.labels)
