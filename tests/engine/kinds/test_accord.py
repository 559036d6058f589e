"""The kind accord: every phase, every pair of acts side by side, and what comes to be in force among whom."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.accords.decide import Question, decide
from tansiq.engine.accords.markings import UNMARKED
from tansiq.engine.accords.terms import Reservation, Terms, read_terms
from tansiq.engine.dossiers.headers import Header
from tansiq.engine.dossiers.kind import CONFLICT
from tansiq.engine.dossiers.parts import Part
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import digest
from tansiq.engine.formats.times import format_time
from tansiq.engine.kinds.accord import KIND, defects, in_force, terms_on_the_table
from tansiq.engine.kinds.accord_consent import on_the_table, rivals, versions
from tests.engine.accords.test_decide import TERMS as BASE
from tests.engine.dossiers.simulated import START, Node, opening_of, part_refs
from tests.engine.kinds.enumerate import check_kind, check_many_writers

PARTIES = ("fr", "it", "ma")


def _new_version(node: Node) -> dict[str, Any] | None:
    """A version nobody proposed yet; one's own, so that two parties never mean the same."""
    count = len(versions(node.state))
    return {"terms": digest(f"{node.name} {count}".encode())} if count < 3 else None


def _own_on_table(node: Node) -> dict[str, Any] | None:
    own = [write.value for write in rivals(node.state) if write.by == node.name and write.act != "resolve"]
    return {"terms": own[0]} if own else None


def _rival(index: int) -> Any:
    def codes(node: Node) -> dict[str, Any] | None:
        found = sorted(node.state.facets.get("table", {}))
        return {"stands": found[index]} if len(found) > index else None

    return codes


SAMPLES: dict[str, Any] = {
    "propose": [({"terms": digest(b"first")}, ("terms",))],
    "ratify": [(lambda node: {"terms": on_the_table(node.state) or digest(b"none")}, ())],
    "amend": [(_new_version, ("terms",))],
    "withdraw": [(_own_on_table, ())],
    "object": [({"terms": digest(b"first")}, ("narrative",))],
    "consult": [({}, ("narrative",))],
    "resolve": [(_rival(0), ()), (_rival(1), ())],
    "ask_lift": [(lambda node: None, ())],
    "lift": [(lambda node: None, ())],
    "decline_lift": [(lambda node: None, ())],
    "not_accepted": [(lambda node: None, ())],
    "revoke": [(lambda node: None, ())],
}


def test_every_state_by_every_pair_of_acts() -> None:
    """Enumerated: whatever two parties do side by side ends alike in both orders, with no verdict changed."""
    phases = check_kind(KIND, SAMPLES, ("fr", "it"), steps=2)
    assert phases == set(KIND.phases)


def test_the_table_is_a_total_function_of_the_writes() -> None:
    check_many_writers(KIND)


V1 = BASE
BASE_MARKING = UNMARKED
V2 = read_terms({**BASE.to_json(), "purposes": ["prosecution"]})
V3 = read_terms({**BASE.to_json(), "retention_days": 30})


class Talks:
    """Three parties around one accord, and the parts of their entries."""

    def __init__(self) -> None:
        self.parts: dict[str, list[Part]] = {}
        self.nodes = {name: Node(name, KIND) for name in PARTIES}
        opener = self.nodes["fr"]
        self.keep(opener.open(opening_of(KIND, PARTIES), {"terms": V1.digest}, part_refs("terms")), V1)

    def keep(self, header: Header, *contents: Terms | Reservation, to: tuple[str, ...] = PARTIES) -> Header:
        for held in contents:
            kind = "terms" if isinstance(held, Terms) else "reservation"
            self.parts.setdefault(header.entry_id, []).append(Part(type=kind, content=held.to_json()))
        for name in to:
            if header.entry_id not in self.nodes[name].headers:
                self.nodes[name].take(header)
        return header

    def does(self, party: str, act: str, *contents: Terms | Reservation, days: int = 0, **codes: Any) -> Header:
        """One act that everybody learns of before anybody acts again."""
        return self.keep(self.compose(party, act, *contents, days=days, **codes), *contents)

    def compose(self, party: str, act: str, *contents: Terms | Reservation, days: int = 0, **codes: Any) -> Header:
        for held in contents:
            codes["terms" if isinstance(held, Terms) else "reservation"] = held.digest
        types = ["terms" if isinstance(held, Terms) else "reservation" for held in contents]
        if act in ("object", "consult"):
            types.append("narrative")
        if act == "ratify":
            codes.setdefault("terms", on_the_table(self.nodes[party].state) or V1.digest)
        return self.nodes[party].compose(act, codes, part_refs(*types), minutes=days * 1440)

    def side_by_side(self, *acts: tuple[str, str, tuple[Any, ...], dict[str, Any]]) -> list[Header]:
        """Acts whose authors do not know of each other; then everybody learns of all."""
        headers = [self.compose(party, act, *contents, **codes) for party, act, contents, codes in acts]
        for header, (_, _, contents, _) in zip(headers, acts, strict=True):
            self.keep(header, *contents)
        shown = {node.kind.view(node.state)["phase"] for node in self.nodes.values()}
        assert len(shown) == 1
        return headers

    @property
    def state(self) -> Any:
        return self.nodes["fr"].state

    @property
    def phase(self) -> str:
        return KIND.phase(self.state)

    @property
    def view(self) -> dict[str, Any]:
        return KIND.view(self.state)

    def reason(self, header: Header) -> str | None:
        return self.nodes["fr"].reason(header)

    def in_force(self) -> Any:
        return in_force(self.state, self.parts)


def in_force_among(*parties: str) -> Talks:
    talks = Talks()
    for party in parties:
        talks.does(party, "ratify")
    return talks


def ratify(party: str, **codes: Any) -> tuple[str, str, tuple[Any, ...], dict[str, Any]]:
    return party, "ratify", (), codes


def amend(party: str, terms: Terms) -> tuple[str, str, tuple[Any, ...], dict[str, Any]]:
    return party, "amend", (terms,), {}


def plain(party: str, act: str, **codes: Any) -> tuple[str, str, tuple[Any, ...], dict[str, Any]]:
    return party, act, (), codes


def test_proposed_ratified_in_force() -> None:
    talks = Talks()
    assert (talks.phase, talks.in_force().status) == ("proposed", "pending")
    assert talks.in_force().terms == V1, "what is on the table is shown before it binds"
    talks.does("fr", "ratify")
    assert talks.phase == "proposed"
    assert talks.in_force().status == "pending"
    talks.does("ma", "ratify")
    accord = talks.in_force()
    assert talks.phase == "in_force"
    assert (accord.status, accord.ratified, accord.version_digest) == ("in_force", {"fr", "ma"}, V1.digest)
    assert "ratify" in KIND.permitted(talks.state, "it")
    assert "ratify" not in KIND.permitted(talks.state, "fr")
    talks.does("it", "ratify")
    assert talks.in_force().ratified == {"fr", "it", "ma"}


def test_a_reservation_stands_in_a_part_and_its_digest_in_the_header() -> None:
    talks = Talks()
    talks.does("fr", "ratify")
    talks.does("ma", "ratify", Reservation(max_level=0))
    accord = talks.in_force()
    assert accord.reservations == {"ma": Reservation(max_level=0)}
    assert not defects(talks.state, talks.parts)


def test_a_reservation_that_loosens_does_not_bind() -> None:
    talks = Talks()
    talks.does("fr", "ratify")
    talks.does("it", "ratify")
    talks.does("ma", "ratify", Reservation(max_level=4))
    assert talks.in_force().ratified == {"fr", "it"}
    (defect,) = defects(talks.state, talks.parts)
    assert (defect.code, defect.facts["term"], defect.facts["party"]) == (
        "accord.reservation_loosens",
        "max_level",
        "ma",
    )


@pytest.mark.parametrize("announced", [True, False])
def test_a_reservation_is_announced_exactly_if_it_is_carried(announced: bool) -> None:
    talks = Talks()
    codes = {"terms": V1.digest, **({"reservation": digest(b"x")} if announced else {})}
    header = talks.nodes["ma"].compose("ratify", codes, part_refs(*(() if announced else ("reservation",))))
    assert talks.reason(talks.keep(header)) == "accord.reservation_unannounced"


def test_erased_or_altered_parts_bind_nobody() -> None:
    talks = in_force_among("fr", "it", "ma")
    entry = versions(talks.state)[0].entry
    assert in_force(talks.state, {}).status == "pending"
    assert terms_on_the_table(talks.state, {}) is None
    assert defects(talks.state, {})[0].code == "accord.terms_absent"
    altered = {entry: [Part(type="terms", content=V2.to_json())]}
    assert in_force(talks.state, altered).status == "pending"
    assert defects(talks.state, altered)[0].code == "accord.digest_differs"


def test_a_version_with_a_party_outside_the_dossier_binds_nobody() -> None:
    talks = in_force_among("fr", "it")
    wider = read_terms({**V1.to_json(), "parties": ["fr", "it", "ma", "tn"]})
    talks.does("fr", "amend", wider)
    talks.does("fr", "ratify")
    talks.does("it", "ratify")
    assert talks.in_force().version_digest == V1.digest
    assert defects(talks.state, talks.parts)[0].code == "accord.party_outside"


def test_an_amendment_binds_those_who_ratify_it_and_the_old_version_goes_on() -> None:
    talks = in_force_among("fr", "it", "ma")
    talks.does("it", "amend", V2)
    assert talks.phase == "amending"
    assert talks.in_force().version_digest == V1.digest
    talks.does("it", "ratify")
    assert talks.in_force().version_digest == V1.digest
    talks.does("fr", "ratify")
    assert talks.phase == "in_force"
    accord = talks.in_force()
    assert (accord.version_digest, accord.ratified) == (V2.digest, {"fr", "it"})
    assert accord.among(("fr", "ma")).version_digest == V1.digest
    assert accord.at_version(V1.digest).ratified == {"fr", "it", "ma"}
    to_morocco = Question("send", "request", "ask", "fr", frozenset({"ma"}), purpose="investigation")
    to_italy = Question("send", "request", "ask", "fr", frozenset({"it"}), purpose="investigation")
    now = START + timedelta(days=1)
    assert decide(to_morocco, accord, now=now).is_permitted
    assert decide(to_italy, accord, now=now).code == "decide.purpose_not_covered"
    talks.does("ma", "ratify")
    assert talks.in_force().among(("fr", "ma")).version_digest == V2.digest


def test_a_counter_proposal_takes_the_place_of_the_proposal() -> None:
    talks = Talks()
    talks.does("ma", "amend", V2)
    assert talks.phase == "proposed"
    late = talks.compose("it", "ratify", terms=V1.digest)
    assert talks.reason(talks.keep(late)) == "accord.not_on_the_table"


def test_withdrawing_before_and_after_it_binds() -> None:
    talks = Talks()
    assert "withdraw" not in KIND.permitted(talks.state, "it")
    talks.does("fr", "withdraw", terms=V1.digest)
    assert talks.phase == "withdrawn"
    assert talks.in_force().terms is None
    again = talks.compose("it", "amend", V1)
    assert talks.reason(talks.keep(again, V1)) == "accord.version_known"
    talks.does("it", "amend", V2)
    assert talks.phase == "proposed"
    talks.does("fr", "ratify")
    talks.does("it", "ratify")
    assert "withdraw" not in KIND.permitted(talks.state, "it")
    talks.does("ma", "amend", V3)
    talks.does("ma", "withdraw", terms=V3.digest)
    assert talks.phase == "in_force"
    talks.does("ma", "ratify")
    assert talks.in_force().ratified == {"fr", "it", "ma"}, "what binds can be joined after the amendment is gone"
    other = talks.compose("fr", "withdraw", terms=V2.digest)
    assert talks.reason(talks.keep(other)) == "kind.not_now"


def test_suspension_is_the_declaring_partys_alone() -> None:
    talks = in_force_among("fr", "it", "ma")
    talks.does("ma", "suspend")
    accord = talks.in_force()
    assert talks.phase == "in_force"
    assert (accord.status, accord.suspended) == ("in_force", {"ma"})
    talks.does("it", "suspend")
    assert (talks.phase, talks.in_force().status) == ("suspended", "suspended")
    talks.does("ma", "resume")
    assert (talks.phase, talks.in_force().suspended) == ("in_force", {"it"})
    assert "resume" not in KIND.permitted(talks.state, "ma")


def test_denunciation_takes_effect_after_the_notice_of_the_terms() -> None:
    talks = in_force_among("fr", "it", "ma")
    left = talks.does("ma", "denounce")
    accord = talks.in_force()
    assert accord.denounced == {"ma": left.at + timedelta(days=V1.notice_days)}
    assert talks.phase == "in_force"
    ask = Question("send", "request", "ask", "fr", frozenset({"ma"}), purpose="investigation")
    assert decide(ask, accord, now=left.at + timedelta(days=89)).is_permitted
    out = left.at + timedelta(days=90)
    assert decide(ask, accord, now=out).code == "decide.denounced"
    closing = Question("send", "request", "answer", "ma", frozenset({"fr"}), closing=True, marking=BASE_MARKING)
    assert decide(closing, accord, now=out).is_permitted
    assert accord.status_at(out) == "in_force"


def test_a_stated_date_counts_only_if_it_is_later() -> None:
    for days, expected in ((10, 90), (200, 200)):
        talks = in_force_among("fr", "it")
        left = talks.does("it", "denounce", takes_effect=format_time(START + timedelta(days=days)))
        (at,) = talks.in_force().denounced.values()
        assert at == (START if days == 200 else left.at) + timedelta(days=expected)
        (deadline,) = KIND.deadlines(talks.state)
        assert (deadline.owner, deadline.due_at) == ("it", START + timedelta(days=days))
        assert talks.phase == "denounced"
        assert talks.in_force().status_at(at) == "denounced"


def test_who_ratifies_again_is_bound_by_that_version_alone() -> None:
    talks = in_force_among("fr", "it", "ma")
    talks.does("it", "amend", V2)
    talks.does("it", "ratify")
    talks.does("ma", "denounce")
    talks.does("ma", "ratify")
    accord = talks.in_force()
    assert not accord.denounced
    assert accord.version_digest == V2.digest
    assert accord.at_version(V1.digest).ratified == {"fr", "it"}


def test_objecting_and_consulting_bind_nobody_and_need_reasons() -> None:
    talks = Talks()
    talks.does("it", "object", terms=V1.digest)
    talks.does("ma", "consult")
    assert talks.view["objections"] == {"it": V1.digest}
    assert talks.view["consultations"] == 1
    silent = talks.nodes["ma"].compose("object", {"terms": V1.digest})
    assert talks.reason(talks.keep(silent)) == "kind.part_missing"
    unknown = talks.compose("ma", "object", terms=V3.digest)
    assert talks.reason(talks.keep(unknown)) == "accord.version_unknown"
    talks.does("it", "ratify")
    assert talks.view["objections"] == {}


# What parties do side by side: (what was before, acts, phase, on the table, in force among).
ALL = ("fr", "it", "ma")
CONCURRENT: list[tuple[str, tuple[str, ...], list[Any], str, Terms | None, set[str] | None]] = [
    ("ratify ∥ ratify", (), [ratify("fr"), ratify("it")], "in_force", V1, {"fr", "it"}),
    ("ratify ∥ amend", ("fr",), [ratify("it"), amend("ma", V2)], "amending", V2, {"fr", "it"}),
    ("ratify ∥ withdraw, binding", ("it",), [ratify("ma"), plain("fr", "withdraw", terms=V1.digest)], "in_force", V1,
     {"it", "ma"}),
    ("ratify ∥ withdraw, not binding", (), [ratify("ma"), plain("fr", "withdraw", terms=V1.digest)], "withdrawn", None,
     None),
    ("ratify ∥ denounce", ("fr", "it"), [ratify("ma"), plain("it", "denounce")], "in_force", V1, {"fr", "it", "ma"}),
    ("ratify ∥ suspend", ("fr", "it"), [ratify("ma"), plain("it", "suspend")], "in_force", V1, {"fr", "it", "ma"}),
    ("amend ∥ amend", ALL, [amend("it", V2), amend("ma", V3)], CONFLICT, None, set(ALL)),
    ("amend ∥ the same amendment", ALL, [amend("it", V2), amend("ma", V2)], "amending", V2, set(ALL)),
    ("amend ∥ withdraw", (), [amend("it", V2), plain("fr", "withdraw", terms=V1.digest)], "proposed", V2, None),
    ("amend ∥ denounce", ALL, [amend("it", V2), plain("ma", "denounce")], "amending", V2, set(ALL)),
    ("amend ∥ suspend", ALL, [amend("it", V2), plain("ma", "suspend")], "amending", V2, set(ALL)),
    ("denounce ∥ denounce", ALL, [plain("it", "denounce"), plain("ma", "denounce")], "denounced", V1, set(ALL)),
    ("denounce ∥ suspend", ("fr", "it"), [plain("it", "denounce"), plain("fr", "suspend")], "denounced", V1,
     {"fr", "it"}),
    ("suspend ∥ suspend", ALL, [plain("it", "suspend"), plain("ma", "suspend")], "suspended", V1, set(ALL)),
    ("object ∥ ratify", ("fr",), [plain("it", "object", terms=V1.digest), ratify("ma")], "in_force", V1, {"fr", "ma"}),
]  # fmt: skip


@pytest.mark.parametrize("case", CONCURRENT, ids=[case[0] for case in CONCURRENT])
def test_side_by_side(case: tuple[str, tuple[str, ...], list[Any], str, Terms | None, set[str] | None]) -> None:
    _, before, acts, phase, table, among = case
    for order in itertools.permutations(acts):
        talks = in_force_among(*before)
        headers = talks.side_by_side(*order)
        assert [talks.reason(header) for header in headers] == [None] * len(headers)
        assert (talks.phase, on_the_table(talks.state)) == (phase, table.digest if table else None)
        accord = talks.in_force()
        assert (accord.ratified if accord.status != "pending" else None) == among


def conflict() -> tuple[Talks, list[Header]]:
    talks = in_force_among("fr", "it", "ma")
    return talks, talks.side_by_side(amend("it", V2), amend("ma", V3))


def test_in_a_conflict_nobody_ratifies_and_what_binds_goes_on() -> None:
    talks, _ = conflict()
    assert {write["by"] for write in talks.view["standing"]} == {"it", "ma"}
    assert all("ratify" not in KIND.permitted(talks.state, party) for party in PARTIES)
    assert "resolve" in KIND.permitted(talks.state, "fr")
    assert "resolve" not in KIND.permitted(talks.state, "it")
    assert talks.in_force().version_digest == V1.digest


def test_the_depositary_says_which_stands() -> None:
    talks, (first, _) = conflict()
    talks.does("fr", "resolve", stands=first.entry_id)
    assert (talks.phase, on_the_table(talks.state)) == ("amending", V2.digest)
    for party in PARTIES:
        talks.does(party, "ratify")
    assert talks.in_force().version_digest == V2.digest


def test_an_author_withdraws_or_a_further_amendment_takes_the_place_of_both() -> None:
    talks, _ = conflict()
    talks.does("ma", "withdraw", terms=V3.digest)
    assert (talks.phase, on_the_table(talks.state)) == ("amending", V2.digest)
    talks, _ = conflict()
    merged = read_terms({**V3.to_json(), "purposes": ["prosecution"]})
    talks.does("it", "amend", merged)
    assert (talks.phase, on_the_table(talks.state)) == ("amending", merged.digest)


def test_an_amendment_the_depositary_did_not_know_of_is_a_rival_again() -> None:
    talks, (first, _) = conflict()
    merged = read_terms({**V3.to_json(), "purposes": ["prosecution"]})
    talks.side_by_side(plain("fr", "resolve", stands=first.entry_id), amend("ma", merged))
    assert talks.phase == CONFLICT
    chosen = next(write for write in rivals(talks.state) if write.act == "resolve")
    talks.does("fr", "resolve", stands=chosen.entry)
    assert on_the_table(talks.state) == V2.digest


def test_the_part_must_be_the_version_announced() -> None:
    part = Part(type="terms", content=V2.to_json())
    assert KIND.missing({"terms": V2.digest}, [part], act="propose") == []
    with pytest.raises(Rejected) as caught:
        KIND.missing({"terms": V1.digest}, [part], act="propose")
    assert (caught.value.code, caught.value.facts["at"]) == ("accord.digest_differs", "/parts/0/content")
    assert [missing.at for missing in KIND.missing({}, [])] == ["/codes/terms", "/parts/terms"]


def test_strangers_and_machines_sign_nothing_here() -> None:
    talks = Talks()
    stranger = Node(
        "tn", KIND, talks.nodes["fr"].folded, dict(talks.nodes["fr"].headers), dict(talks.nodes["fr"].traces)
    )
    header = stranger.compose("ratify", {"terms": V1.digest})
    assert stranger.reason(stranger.take(header)) == "kind.not_a_participant"
    assert not any(spec.machine for act, spec in KIND.ACTS.items() if act != "revoke")
    assert all(spec.officer_roles for act, spec in KIND.ACTS.items() if act not in ("object", "consult"))
