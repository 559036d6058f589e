"""Drawn markings, terms, reservations, accords and questions: shared by the tests of this room.

The alphabets are small on purpose, so that what is drawn meets what is drawn elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tansiq.engine.accords.decide import AccordInForce, LocalRule, LocalRules, Question
from tansiq.engine.accords.markings import HANDLING_CODES, TLP_ORDER, Marking, strictest
from tansiq.engine.accords.questions import USES
from tansiq.engine.accords.terms import (
    Accreditation,
    ApprovalRule,
    Blind,
    HumanRightsRule,
    Reservation,
    Search,
    Terms,
    When,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NODES = ("fr", "it", "ma-dgsn", "tn")
KINDS = ("request", "alert")
ACTS = ("open", "answer", "forward", "export", "send", "query", "hit")
PURPOSES = ("investigation", "prosecution", "asset_recovery")
AREAS = ("06", "0601", "07", "0703")
CATEGORIES = ("suspect", "victim", "witness")
FLAGS = ("minor", "journalist")
ISSUES = ("death_penalty", "torture")
ROLES = ("approver", "prosecutor", "senior")
FAMILIES = ("identifier", "pair_year", "word_day")
LADDERS = {
    0: (("uk", "OFFICIAL"),),
    1: (("fr", "DIFFUSION RESTREINTE"), ("it", "RISERVATO"), ("eu", "RESTREINT UE/EU RESTRICTED")),
    2: (("it", "RISERVATISSIMO"), ("de", "VS-VERTRAULICH")),
    3: (("fr", "SECRET"), ("it", "SEGRETO")),
    4: (("it", "SEGRETISSIMO"),),
}
MAPPED = {
    ladder: {label: level for level, pairs in LADDERS.items() for name, label in pairs if name == ladder}
    for ladder in ("fr", "it", "eu", "uk")
}


def some(values: tuple[str, ...], *, min_size: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    """Some of ``values``, each at most once."""
    return st.lists(st.sampled_from(values), unique=True, min_size=min_size).map(tuple)


def sets(values: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    """A set of some of ``values``."""
    return st.frozensets(st.sampled_from(values))


def handling_sets(codes: tuple[str, ...] = HANDLING_CODES) -> st.SearchStrategy[frozenset[str]]:
    """Sets of handling codes that mean something: H0 stands alone."""
    return st.frozensets(st.sampled_from(codes)).map(lambda drawn: drawn if len(drawn) < 2 else drawn - {"H0"})


@st.composite
def simple_markings(draw: st.DrawFn) -> Marking:
    """A marking as one author writes it: at most one ladder."""
    level = draw(st.integers(0, 4))
    ladder, label = draw(st.sampled_from([(None, None), *LADDERS[level]]))
    tlp = draw(st.sampled_from([None, *TLP_ORDER]))
    return Marking(level=level, ladder=ladder, label=label, handling=draw(handling_sets()), tlp=tlp)


def markings() -> st.SearchStrategy[Marking]:
    """A marking as it may stand on a product: the join of up to three."""
    return st.lists(simple_markings(), min_size=1, max_size=3).map(strictest)


def areas() -> st.SearchStrategy[tuple[str, ...]]:
    """Crime areas, or all of them."""
    return st.one_of(st.just(("*",)), some(AREAS, min_size=1))


def permissions(codes: tuple[str, ...]) -> st.SearchStrategy[dict[str, str]]:
    """A permission for some of ``codes``."""
    return st.dictionaries(st.sampled_from(codes), st.sampled_from(["permit", "approval", "never"]))


def instants() -> st.SearchStrategy[datetime]:
    """Instants around NOW, a day apart."""
    return st.integers(-3, 3).map(lambda days: NOW + timedelta(days=days))


@st.composite
def approval_rules(draw: st.DrawFn) -> ApprovalRule:
    """An approval rule that often applies."""
    when = When(
        kinds=draw(some(KINDS)),
        acts=draw(some(ACTS)),
        urgent=draw(st.sampled_from([None, True, False])),
        level_at_least=draw(st.integers(0, 3)),
    )
    return ApprovalRule(clause="Art. 9", when=when, role=draw(st.sampled_from(ROLES)))


@st.composite
def human_rights_rules(draw: st.DrawFn) -> HumanRightsRule:
    """A line of the table issue × act × State."""
    outcome = draw(st.sampled_from(["stop", "assurance", "approver"]))
    return HumanRightsRule(
        clause="Art. 4",
        issue=draw(st.sampled_from(ISSUES)),
        acts=draw(some(ACTS)),
        states=draw(some(("fr", "it", "ma", "*"), min_size=1)),
        outcome=outcome,
        role=draw(st.sampled_from(ROLES)) if outcome == "approver" else None,
    )


TERM_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "kinds": some(KINDS),
    "purposes": some(PURPOSES),
    "crime_areas": areas(),
    "max_level": st.integers(0, 4),
    "handling_allowed": some(HANDLING_CODES),
    "categories": permissions(CATEGORIES),
    "flags": permissions(FLAGS),
    "onward": st.sampled_from(["free", "consent", "never"]),
    "evidence": st.sampled_from(["free", "consent", "never"]),
    "urgent": st.sampled_from(["permit", "approval", "never"]),
    "search": st.builds(Search, mode=st.sampled_from(["none", "contact", "hit"]), budget_per_day=st.integers(0, 3)),
    "blind": st.builds(
        Blind,
        families=some(FAMILIES),
        budget_per_day=st.integers(0, 3),
        budget_per_officer=st.integers(0, 3),
        cells_per_day=st.integers(0, 3),
    ),
    "approvals": st.lists(approval_rules(), max_size=2).map(tuple),
    "human_rights": st.lists(human_rights_rules(), max_size=2).map(tuple),
    "retention_days": st.integers(1, 2000),
    "review_days": st.integers(1, 2000),
    "in_force_from": instants(),
    "until": st.one_of(st.none(), instants()),
}
MOSTLY_OPEN = {
    "kinds": KINDS,
    "purposes": PURPOSES,
    "crime_areas": ("*",),
    "max_level": 4,
    "handling_allowed": HANDLING_CODES,
    "categories": dict.fromkeys(CATEGORIES, "permit"),
    "flags": dict.fromkeys(FLAGS, "permit"),
    "onward": "free",
    "evidence": "free",
    "urgent": "permit",
    "search": Search(mode="hit", budget_per_day=100),
    "blind": Blind(families=FAMILIES, budget_per_day=100, budget_per_officer=100, cells_per_day=100),
    "approvals": (),
    "human_rights": (),
    "retention_days": 1000,
    "review_days": 300,
    "in_force_from": NOW - timedelta(days=100),
    "until": None,
}


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """Terms that are open but for a few drawn ones: of terms drawn at random, nothing would ever be permitted."""
    drawn = draw(st.sets(st.sampled_from(sorted(TERM_VALUES)), max_size=5))
    values = {name: draw(TERM_VALUES[name]) if name in drawn else held for name, held in MOSTLY_OPEN.items()}
    if values["until"] is not None and values["until"] <= values["in_force_from"]:
        values["until"] = values["in_force_from"] + timedelta(days=1)
    parties = draw(st.one_of(st.just(NODES), st.just(NODES[:3])))
    accredited = draw(st.one_of(st.just(parties), some(parties)))
    return Terms(
        title={"en": "Drawn"},
        parties=parties,
        ladders=MAPPED,
        accreditations=[accreditation(node, draw(st.integers(2, 4))) for node in accredited],
        clauses={"max_level": "Art. 7"},
        **values,
    )


def accreditation(party: str, level: int = 4) -> Accreditation:
    """A valid accreditation."""
    return Accreditation(party=party, level=level, reference="No 7")


@st.composite
def reservations(draw: st.DrawFn) -> Reservation:
    """A reservation of a few terms; it may ask for looser ones, which then count for nothing."""
    drawn = draw(st.sets(st.sampled_from(sorted(set(TERM_VALUES) - {"crime_areas"})), max_size=3))
    return Reservation(
        direction=draw(st.sampled_from(["both", "sending", "receiving"])),
        towards=draw(st.one_of(st.none(), some(NODES, min_size=1))),
        **{name: draw(TERM_VALUES[name]) for name in drawn},
    )


@st.composite
def accords(draw: st.DrawFn) -> AccordInForce:
    """An accord, mostly in force among all, with at most two things amiss."""
    version = draw(terms())
    accord = AccordInForce("a" * 64, version.digest, version, ratified=frozenset(NODES))
    return replace(accord, **draw(deviations(ACCORD_DEVIATIONS, 2)))


ACCORD_DEVIATIONS: dict[str, st.SearchStrategy[Any]] = {
    "reservations": st.dictionaries(st.sampled_from(NODES), reservations(), min_size=1, max_size=2),
    "ratified": sets(NODES),
    "status": st.sampled_from(["pending", "suspended", "denounced"]),
    "suspended": sets(NODES),
    "denounced": st.dictionaries(st.sampled_from(NODES), instants(), max_size=1),
}
QUESTION_DEVIATIONS: dict[str, st.SearchStrategy[Any]] = {
    "kind": st.sampled_from((*KINDS, "accord", "unheard_of")),
    "entry_act": st.sampled_from(("open", "answer")),
    "recipients": sets(NODES),
    "marking": markings(),
    "purpose": st.sampled_from((None, *PURPOSES)),
    "crime_area": st.sampled_from((None, *AREAS)),
    "categories": sets(CATEGORIES),
    "flags": sets(FLAGS),
    "urgent": st.just(True),
    "closing": st.just(True),
    "opens": st.just(False),
    "by_machine": st.just(True),
    "as_evidence": st.just(True),
    "approvals": sets(ROLES),
    "providers": st.one_of(st.none(), sets(NODES)),
    "provider_consents": st.sets(
        st.sampled_from([(node, what) for node in NODES for what in ("onward", "evidence")])
    ).map(frozenset),
    "human_rights_issues": sets(ISSUES),
    "assurances": st.sets(st.sampled_from([(issue, state) for issue in ISSUES for state in ("fr", "it", "ma")])).map(
        frozenset
    ),
    "discloses": st.just("contact"),
    "spent_today": st.integers(1, 3),
    "families": sets(FAMILIES),
    "spent_by_officer": st.integers(1, 3),
    "costs": st.integers(1, 3),
}


@st.composite
def deviations(draw: st.DrawFn, table: dict[str, st.SearchStrategy[Any]], most: int) -> dict[str, Any]:
    """A drawn value for at most ``most`` of the names in ``table``."""
    return {name: draw(table[name]) for name in draw(st.sets(st.sampled_from(sorted(table)), max_size=most))}


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """A question that mostly could be permitted, with up to five drawn facts."""
    act = draw(st.sampled_from(["send", "send", "send", "receive", "forward", "export", "print", "hit", "query"]))
    sender, partner = draw(st.permutations(NODES))[:2]
    plain = Question(act, "request", "open", sender, frozenset({partner}), purpose="investigation", crime_area="0601")
    if act in USES:
        plain = replace(plain, providers=frozenset({partner}))
    if draw(st.integers(0, 3)) == 0:
        threat, acted_as = draw(st.sampled_from(("claimed", "answered"))), draw(st.sampled_from(("duty", "senior")))
        plain = replace(plain, kind="alert", purpose=None, threat=threat, acted_as=acted_as)
    return replace(plain, **draw(deviations(QUESTION_DEVIATIONS, 5)))


@st.composite
def local_rules(draw: st.DrawFn) -> LocalRules:
    """Rules of one of the nodes."""
    rules = [
        LocalRule(
            clause="Loi 1",
            outcome=outcome,
            role=draw(st.sampled_from(ROLES)) if outcome == "approval" else None,
            acts=draw(some(ACTS)),
            states=draw(some(("fr", "it", "ma", "*"), min_size=1)),
            issues=draw(some(ISSUES)),
            flags=draw(some(FLAGS)),
        )
        for outcome in draw(st.lists(st.sampled_from(["refuse", "approval"]), max_size=3))
    ]
    return LocalRules(node=draw(st.sampled_from(NODES)), rules=rules)


def json_values() -> st.SearchStrategy[Any]:
    """Any JSON that the strict reader lets through, in the sizes that matter here."""
    texts = st.one_of(st.sampled_from(("", "*", "fr", "06", "H1", "never")), st.text(max_size=5))
    scalars = st.one_of(st.none(), st.booleans(), st.integers(-3, 2**53 - 1), texts)
    return st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
        max_leaves=6,
    )
