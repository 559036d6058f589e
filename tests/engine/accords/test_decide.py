"""Every answer ``decide`` can give, one case each: what was asked, the code, the clause cited and who blocks."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tansiq.engine.accords import checks, local_rules
from tansiq.engine.accords import decide as decide_module
from tansiq.engine.accords.decide import (
    AccordInForce,
    LocalRules,
    Question,
    Version,
    check_derived,
    decide,
    decide_forward,
    derive,
)
from tansiq.engine.accords.markings import Marking
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
from tansiq.engine.errors import Refused, Rejected

from .strategies import NOW

DAY = timedelta(days=1)
TERMS = Terms(
    title={"en": "Drugs accord", "fr": "Accord stupéfiants", "ar": "اتفاق مكافحة المخدرات"},
    parties=("fr", "it", "ma"),
    kinds=("request",),
    purposes=("investigation", "prosecution"),
    crime_areas=("06",),
    max_level=2,
    ladders={"fr": {"DIFFUSION RESTREINTE": 1, "CONFIDENTIEL DÉFENSE": 2}},
    accreditations=(
        Accreditation(party="fr", level=2, reference="SGDSN 1"),
        Accreditation(party="it", level=2, reference="DIS 2", valid_until=NOW - DAY),
        Accreditation(party="ma", level=3, reference="DGSN 3"),
    ),
    handling_allowed=("H0", "H1", "H2"),
    categories={"suspect": "permit", "victim": "approval", "witness": "never"},
    flags={"minor": "approval", "lawyer": "never"},
    onward="consent",
    evidence="consent",
    urgent="approval",
    approver="approver",
    search=Search(mode="contact", budget_per_day=20),
    blind=Blind(families=("identifier", "word_day"), budget_per_day=50, budget_per_officer=10, cells_per_day=5000),
    approvals=(ApprovalRule(clause="Art. 9", when=When(acts=("answer",), level_at_least=1), role="prosecutor"),),
    human_rights=(
        HumanRightsRule(clause="Art. 4(1)", issue="torture", states=("*",), outcome="stop"),
        HumanRightsRule(clause="Art. 4(2)", issue="death_penalty", states=("ma",), outcome="assurance"),
        HumanRightsRule(
            clause="Art. 4(3)",
            issue="political_offence",
            acts=("send",),
            states=("ma",),
            outcome="approver",
            role="minister",
        ),
    ),
    retention_days=1095,
    review_days=365,
    in_force_from=NOW - 100 * DAY,
    until=NOW + 100 * DAY,
    clauses={
        "kinds": "Art. 1",
        "purposes": "Art. 2",
        "max_level": "Art. 7(2)",
        "categories": "Art. 5",
        "categories.witness": "Art. 5(3)",
        "search": "Art. 6",
        "blind": "Art. 6(3)",
        "onward": "Art. 11",
        "evidence": "Art. 12",
    },
)
ACCORD = AccordInForce("a" * 64, TERMS.digest, TERMS, ratified=frozenset({"fr", "it", "ma"}))
SEND = Question("send", "request", "open", "fr", frozenset({"ma"}), purpose="investigation", crime_area="0601")
USE = replace(SEND, act="print", sender="ma", recipients=frozenset(), providers=frozenset({"fr"}))


def with_terms(**changes: Any) -> AccordInForce:
    return replace(ACCORD, terms=TERMS.model_copy(update=changes))


def level(number: int, label: str | None = None) -> Marking:
    return Marking(number, "fr" if label else None, label)


def coded(*handling: str) -> Marking:
    return Marking(handling=frozenset(handling))


ASK = replace(SEND, act="query", kind="search", entry_act="query")
HIT = replace(ASK, act="hit")
BLIND = replace(ASK, families=frozenset({"word_day"}))
PLAN = Question("query", "request", "query", "fr", frozenset({"ma"}), cells=3136)
WITH_CONSENT = frozenset({("fr", "onward"), ("fr", "evidence")})
FOR_LIFE = replace(SEND, kind="channel", purpose="threat_to_life", threat="claimed", acted_as="senior")

CASES: list[tuple[str, Question, AccordInForce | None, str, str, str | None]] = [
    ("permitted", SEND, ACCORD, "permitted", "Art. 1", None),
    ("received", replace(SEND, act="receive"), ACCORD, "permitted", "Art. 1", None),
    ("founding", replace(SEND, kind="accord", purpose=None), None, "permitted_founding", "founding", None),
    ("another channel", replace(SEND, kind="correspondence", recipients=frozenset({"ext:es-fiscalia"})), None,
     "permitted_local", "local_registration", None),
    ("founding for a stranger", replace(SEND, kind="accord", purpose=None, recipients=frozenset({"tn"})), ACCORD,
     "permitted_founding", "founding", None),
    ("founding is about nobody", replace(SEND, kind="accord", purpose=None, categories=frozenset({"suspect"})), None,
     "category_never", "founding", "ma"),
    ("founding stops at level 1", replace(SEND, kind="accord", purpose=None, marking=level(2)), None,
     "level_above_ceiling", "founding", "ma"),
    ("no accord", SEND, None, "no_accord", "founding", "ma"),
    ("a life, without an accord", FOR_LIFE, None, "permitted_threat", "tansiq:threat-to-life", None),
    ("a life, under a suspended accord", FOR_LIFE, replace(ACCORD, status="suspended"), "permitted_threat",
     "tansiq:threat-to-life", None),
    ("a life, and no senior officer", replace(FOR_LIFE, acted_as="duty"), None, "threat_approval",
     "tansiq:threat-to-life", "fr"),
    ("a life, answered", replace(FOR_LIFE, acted_as="duty", threat="answered"), None, "permitted_threat",
     "tansiq:threat-to-life", None),
    ("a life is no reason to name a journalist", replace(FOR_LIFE, flags=frozenset({"journalist"})), None, "no_accord",
     "founding", "ma"),
    ("a life is no reason for a request", replace(FOR_LIFE, kind="request"), None, "no_accord", "founding", "ma"),
    ("a life is no reason to pass on", replace(USE, act="forward", recipients=frozenset({"it"}), threat="claimed",
     acted_as="senior"), ACCORD, "onward_consent", "Art. 11", "fr"),
    ("no recipient", replace(SEND, recipients=frozenset({"fr"})), ACCORD, "no_recipient", "protocol", "fr"),
    ("unknown version", replace(SEND, version="b" * 64), ACCORD, "version_not_in_force", "protocol", "ma"),
    ("nothing known of the terms", SEND, AccordInForce("a" * 64, status="pending"), "version_not_in_force", "protocol",
     "ma"),
    ("stranger", replace(SEND, recipients=frozenset({"ma", "tn"})), ACCORD, "not_a_party", "parties", "tn"),
    ("not ratified", SEND, replace(ACCORD, ratified=frozenset({"fr", "it"})), "not_ratified", "ratification", "ma"),
    ("pending", SEND, replace(ACCORD, status="pending"), "not_ratified", "ratification", "ma"),
    ("not yet", SEND, with_terms(in_force_from=NOW + DAY), "not_yet_in_force", "in_force_from", "ma"),
    ("from its first instant", SEND, with_terms(in_force_from=NOW), "permitted", "Art. 1", None),
    ("expired", SEND, with_terms(until=NOW), "expired", "until", "ma"),
    ("closing after expiry", replace(SEND, closing=True), with_terms(until=NOW), "permitted", "Art. 1", None),
    ("suspended", SEND, replace(ACCORD, suspended=frozenset({"ma"})), "suspended", "suspension", "ma"),
    ("suspended between others", SEND, replace(ACCORD, suspended=frozenset({"it"})), "permitted", "Art. 1", None),
    ("denounced", SEND, replace(ACCORD, denounced={"fr": NOW}), "denounced", "denunciation", "fr"),
    ("notice still running", SEND, replace(ACCORD, denounced={"fr": NOW + DAY}), "permitted", "Art. 1", None),
    ("closing after denunciation", replace(SEND, closing=True), replace(ACCORD, denounced={"fr": NOW}), "permitted",
     "Art. 1", None),
    ("closing act above the ceiling", replace(SEND, closing=True, marking=level(3)),
     replace(ACCORD, denounced={"fr": NOW}), "level_above_ceiling", "Art. 7(2)", "ma"),
    ("kind", replace(SEND, kind="alert"), ACCORD, "kind_not_covered", "Art. 1", "ma"),
    ("purpose", replace(SEND, purpose="border_control"), ACCORD, "purpose_not_covered", "Art. 2", "ma"),
    ("crime area", replace(SEND, crime_area="0703"), ACCORD, "crime_area_not_covered", "crime_areas", "ma"),
    ("level 1", replace(SEND, marking=level(1, "Diffusion  restreinte")), ACCORD, "permitted", "Art. 1", None),
    ("unmapped", replace(SEND, marking=Marking(1, "xx", "سري")), ACCORD, "classification_unmapped", "ladders", "ma"),
    ("mapped otherwise", replace(SEND, marking=level(2, "DIFFUSION RESTREINTE")), ACCORD, "classification_differs",
     "ladders", "ma"),
    ("above the ceiling", replace(SEND, marking=level(3)), ACCORD, "level_above_ceiling", "Art. 7(2)", "ma"),
    ("accredited", replace(SEND, marking=level(2)), ACCORD, "permitted", "Art. 1", None),
    ("accreditation lapsed", replace(SEND, marking=level(2), recipients=frozenset({"it", "ma"})), ACCORD,
     "not_accredited", "accreditations", "it"),
    ("accreditation too low", replace(SEND, marking=level(3)), with_terms(max_level=4), "not_accredited",
     "accreditations", "fr"),
    ("handling code", replace(SEND, marking=coded("H3")), ACCORD, "handling_not_covered", "handling_allowed", "ma"),
    ("category", replace(SEND, categories=frozenset({"witness"})), ACCORD, "category_never", "Art. 5(3)", "ma"),
    ("category not named", replace(SEND, categories=frozenset({"contact"})), ACCORD, "category_never", "Art. 5", "ma"),
    ("to approve", replace(SEND, categories=frozenset({"victim"})), ACCORD, "category_approval", "Art. 5", "ma"),
    ("category approved", replace(SEND, categories=frozenset({"victim"}), approvals=frozenset({"approver"})), ACCORD,
     "permitted", "Art. 1", None),
    ("privileged", replace(SEND, flags=frozenset({"lawyer"})), ACCORD, "flag_never", "flags", "ma"),
    ("minor", replace(SEND, flags=frozenset({"minor"})), ACCORD, "flag_approval", "flags", "ma"),
    ("urgent", replace(SEND, urgent=True), ACCORD, "urgent_approval", "urgent", "ma"),
    ("urgent never", replace(SEND, urgent=True), with_terms(urgent="never"), "urgent_never", "urgent", "ma"),
    ("urgent, further on", replace(SEND, urgent=True, opens=False), ACCORD, "permitted", "Art. 1", None),
    ("urgent, by the machine", replace(SEND, urgent=True, by_machine=True), ACCORD, "permitted", "Art. 1", None),
    ("the machine is refused like anybody", replace(SEND, marking=level(3), by_machine=True), ACCORD,
     "level_above_ceiling", "Art. 7(2)", "ma"),
    ("own evidence", replace(SEND, as_evidence=True), ACCORD, "permitted", "Art. 1", None),
    ("evidence of another", replace(SEND, as_evidence=True, providers=frozenset({"it"})), ACCORD, "evidence_consent",
     "Art. 12", "it"),
    ("contains H2 of another", replace(SEND, marking=coded("H2"), providers=frozenset({"it"})), ACCORD,
     "onward_consent", "Art. 11", "it"),
    ("torture", replace(SEND, human_rights_issues=frozenset({"torture"})), ACCORD, "human_rights_stop", "Art. 4(1)",
     "ma"),
    ("no assurance", replace(SEND, human_rights_issues=frozenset({"death_penalty"})), ACCORD, "assurance_missing",
     "Art. 4(2)", "ma"),
    ("assurance of another State", replace(SEND, human_rights_issues=frozenset({"death_penalty"}),
     assurances=frozenset({("death_penalty", "it")})), ACCORD, "assurance_missing", "Art. 4(2)", "ma"),
    ("assurance in hand", replace(SEND, human_rights_issues=frozenset({"death_penalty"}),
     assurances=frozenset({("death_penalty", "ma")})), ACCORD, "permitted", "Art. 1", None),
    ("named approver", replace(SEND, human_rights_issues=frozenset({"political_offence"})), ACCORD,
     "human_rights_approval", "Art. 4(3)", "ma"),
    ("the other direction", replace(SEND, sender="ma", recipients=frozenset({"fr"}),
     human_rights_issues=frozenset({"political_offence"})), ACCORD, "permitted", "Art. 1", None),
    ("approval rule", replace(SEND, entry_act="answer", marking=level(1)), ACCORD, "approval_needed", "Art. 9", "ma"),
    ("query", ASK, ACCORD, "permitted", "Art. 6", None),
    ("query not covered", ASK, with_terms(search=Search()), "search_not_covered", "Art. 6", "ma"),
    ("budget spent", replace(ASK, spent_today=20), ACCORD, "search_budget_spent", "Art. 6", "ma"),
    ("hit under contact only", HIT, ACCORD, "search_contact_only", "Art. 6", "ma"),
    ("contact under contact only", replace(HIT, discloses="contact"), ACCORD, "permitted", "Art. 6", None),
    ("blind query", BLIND, with_terms(search=Search()), "permitted", "Art. 6(3)", None),
    ("blind query not covered", BLIND, with_terms(blind=Blind()), "blind_not_covered", "Art. 6(3)", "ma"),
    ("blind query under a weaker family", replace(BLIND, families=frozenset({"word_day", "pair"})), ACCORD,
     "blind_family_not_covered", "Art. 6(3)", "ma"),
    ("blind budget spent", replace(BLIND, spent_today=50), ACCORD, "blind_budget_spent", "Art. 6(3)", "ma"),
    ("officer's blind budget spent", replace(BLIND, spent_by_officer=10), ACCORD, "blind_officer_budget_spent",
     "Art. 6(3)", "ma"),
    ("question about a plan", PLAN, with_terms(search=Search()), "permitted", "Art. 6(3)", None),
    ("questions about plans not covered", PLAN, with_terms(blind=Blind(families=("pair",))), "plans_not_covered",
     "Art. 6(3)", "ma"),
    ("the whole budget of cells", replace(PLAN, spent_today=1864), ACCORD, "permitted", "Art. 6(3)", None),
    ("one cell more", replace(PLAN, spent_today=1865), ACCORD, "cell_budget_spent", "Art. 6(3)", "ma"),
    ("print", USE, ACCORD, "permitted", "Art. 2", None),
    ("print what one does not know whose", replace(USE, providers=None), ACCORD, "provider_unknown", "protocol", "ma"),
    ("print one's own", replace(USE, providers=frozenset()), None, "permitted_own", "protocol", None),
    ("another purpose", replace(USE, purpose="border_control"), ACCORD, "purpose_not_covered", "Art. 2", "fr"),
    ("print after denunciation", USE, replace(ACCORD, denounced={"fr": NOW}), "permitted", "Art. 2", None),
    ("print what never was permitted", USE, replace(ACCORD, ratified=frozenset({"ma", "it"})), "not_ratified",
     "ratification", "fr"),
    ("export for a court", replace(USE, act="export", as_evidence=True), ACCORD, "evidence_consent", "Art. 12", "fr"),
    ("export for a court, never", replace(USE, act="export", as_evidence=True, provider_consents=WITH_CONSENT),
     with_terms(evidence="never"), "evidence_never", "Art. 12", "fr"),
    ("export for a court, consented", replace(USE, act="export", as_evidence=True, provider_consents=WITH_CONSENT),
     ACCORD, "permitted", "Art. 12", None),
    ("forward", replace(USE, act="forward", recipients=frozenset({"it"})), ACCORD, "onward_consent", "Art. 11", "fr"),
    ("forward after denunciation", replace(USE, act="forward", recipients=frozenset({"it"})),
     replace(ACCORD, denounced={"ma": NOW - DAY}), "onward_consent", "Art. 11", "fr"),
    ("forward never", replace(USE, act="forward", recipients=frozenset({"it"}), provider_consents=WITH_CONSENT),
     with_terms(onward="never"), "onward_never", "Art. 11", "fr"),
    ("forward H2 under a free accord", replace(USE, act="forward", recipients=frozenset({"it"}), marking=coded("H2")),
     with_terms(onward="free"), "onward_consent", "Art. 11", "fr"),
    ("forward TLP AMBER under a free accord", replace(USE, act="forward", recipients=frozenset({"it"}),
     marking=Marking(tlp="AMBER")), with_terms(onward="free"), "onward_consent", "Art. 11", "fr"),
    ("forward freely", replace(USE, act="forward", recipients=frozenset({"it"})), with_terms(onward="free"),
     "permitted", "Art. 11", None),
    ("forward to a State that tortures", replace(USE, act="forward", recipients=frozenset({"tn"}),
     provider_consents=WITH_CONSENT, human_rights_issues=frozenset({"torture"})), ACCORD, "human_rights_stop",
     "Art. 4(1)", "tn"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("question", "accord", "code", "clause", "blocks"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_answers(question: Question, accord: AccordInForce | None, code: str, clause: str, blocks: str | None) -> None:
    decision = decide(question, accord, now=NOW)
    assert (decision.code, decision.clause, decision.blocks) == (f"decide.{code}", clause, blocks)
    assert decision.is_permitted == code.startswith("permitted")
    assert (decision.answer == "approval") == (code.endswith("_approval") or code == "approval_needed")


def test_every_code_of_the_source_has_a_case() -> None:
    """The list above is complete: no answer exists that no case shows."""
    sources = [Path(str(module.__file__)).read_text("utf-8") for module in (checks, decide_module)]
    codes = {code for source in sources for code in re.findall(r'"decide\.([a-z0-9_]+)"', source)}
    raised = {"derived_without_sources", "marking_below_sources"}
    assert codes - raised == {case[3] for case in CASES}


def test_all_missing_approvals_are_named_at_once() -> None:
    question = replace(SEND, entry_act="answer", marking=level(1), urgent=True, flags=frozenset({"minor"}))
    decision = decide(question, ACCORD, now=NOW)
    assert (decision.answer, decision.roles) == ("approval", ("approver", "prosecutor"))
    assert decide(replace(question, approvals=frozenset(decision.roles)), ACCORD, now=NOW).is_permitted


def test_a_reservation_is_cited_with_its_party() -> None:
    reserved = Reservation(max_level=0, clauses={"max_level": "réserve 2"}, direction="receiving")
    accord = replace(ACCORD, reservations={"ma": reserved})
    decision = decide(replace(SEND, marking=level(1), recipients=frozenset({"it", "ma"})), accord, now=NOW)
    assert (decision.code, decision.clause) == ("decide.level_above_ceiling", "ma: réserve 2")
    assert (decision.reserved_by, decision.blocks) == ("ma", "ma")
    back = replace(SEND, sender="ma", recipients=frozenset({"fr"}), marking=level(1))
    assert decide(back, accord, now=NOW).is_permitted


def test_conditions_are_the_strictest_over_all_recipients() -> None:
    accord = replace(ACCORD, reservations={"it": Reservation(retention_days=30, onward="never")})
    one = decide(SEND, accord, now=NOW).conditions
    both = decide(replace(SEND, recipients=frozenset({"it", "ma"})), accord, now=NOW).conditions
    assert one is not None
    assert both is not None
    assert (one.retention_days, one.onward) == (1095, "consent")
    assert (both.retention_days, both.onward, both.search_mode) == (30, "never", "contact")


def test_each_pair_stands_under_the_newest_version_both_ratified() -> None:
    """Until all have ratified the amended version, the old one goes on among its ratifiers (VCLT art. 40(4))."""
    newer = TERMS.model_copy(update={"purposes": ("prosecution",)})
    versions = (
        Version(newer.digest, newer, frozenset({"fr", "it"})),
        Version(TERMS.digest, TERMS, frozenset({"fr", "it", "ma"})),
    )
    accord = replace(ACCORD, versions=versions).through(versions[0])
    to_italy = replace(SEND, recipients=frozenset({"it"}))
    assert decide(to_italy, accord, now=NOW).code == "decide.purpose_not_covered"
    assert decide(SEND, accord, now=NOW).is_permitted
    assert decide(replace(SEND, recipients=frozenset({"it", "ma"})), accord, now=NOW).blocks == "it"
    pinned = replace(to_italy, version=TERMS.digest)
    assert decide(replace(pinned, opens=False), accord, now=NOW).is_permitted, "a dossier goes on as it was opened"
    assert decide(pinned, accord, now=NOW).code == "decide.purpose_not_covered", "but none is opened past the newest"


def test_local_rules_refuse_approve_and_stay_silent() -> None:
    rules = LocalRules.from_json(
        {
            "node": "fr",
            "rules": [
                {"clause": "CPP 694-4", "outcome": "refuse", "states": ["ma"], "issues": ["death_penalty"]},
                {"clause": "Circulaire 12", "outcome": "approval", "role": "magistrate", "acts": ["answer"]},
            ],
        }
    )
    question = replace(
        SEND,
        human_rights_issues=frozenset({"death_penalty"}),
        assurances=frozenset({("death_penalty", "ma")}),
    )
    decision = decide(question, ACCORD, now=NOW, local=rules)
    assert (decision.code, decision.clause, decision.local) == ("decide.local_rule", "CPP 694-4", True)
    decision = decide(replace(SEND, entry_act="answer"), ACCORD, now=NOW, local=rules)
    assert (decision.code, decision.roles, decision.local) == ("decide.local_approval", ("magistrate",), True)
    theirs = replace(question, sender="ma", recipients=frozenset({"it"}))
    assert decide(theirs, ACCORD, now=NOW, local=rules).is_permitted
    stopped = decide(replace(question, marking=level(3)), ACCORD, now=NOW, local=rules)
    assert not stopped.local, "a reason both sides know is told before a secret one"
    assert LocalRules.from_json(rules.to_json()) == rules


@pytest.mark.parametrize(
    ("value", "at", "rule"),
    [
        ({"node": "fr", "rules": [{"clause": "x", "outcome": "permit"}]}, "/rules/0/outcome", "literal_error"),
        ({"node": "fr", "rules": [{"clause": "x", "outcome": "approval"}]}, "/rules/0", "role_goes_with_approval"),
        ({"rules": [{"clause": "x", "outcome": "refuse"}]}, "", "rules_without_a_node"),
        ({"node": "FR"}, "/node", "not_a_node_id"),
    ],
)
def test_malformed_local_rules_name_their_place(value: object, at: str, rule: str) -> None:
    with pytest.raises(Rejected) as caught:
        LocalRules.from_json(value)
    assert (caught.value.code, caught.value.facts) == ("accord.rules_malformed", {"at": at, "rule": rule})


def test_passing_on_asks_both_accords() -> None:
    question = replace(USE, act="forward", recipients=frozenset({"it"}), provider_consents=WITH_CONSENT)
    assert decide_forward(question, received_under=ACCORD, goes_under=ACCORD, now=NOW).is_permitted
    refused = decide_forward(question, received_under=ACCORD, goes_under=None, now=NOW)
    assert refused.code == "decide.no_accord"


def test_enforce_raises_with_clause_and_blocker() -> None:
    with pytest.raises(Refused) as caught:
        decide(SEND, None, now=NOW).enforce()
    assert caught.value.code == "decide.no_accord"
    assert caught.value.facts == {"clause": "founding", "term": "accord", "blocks": "ma", "role": ""}
    assert decide(SEND, ACCORD, now=NOW).enforce().is_permitted


def test_derived_parts() -> None:
    sources = (Marking(1, "fr", "DIFFUSION RESTREINTE", frozenset({"H1"})), Marking(handling=frozenset({"H2"})))
    assert derive(sources).handling == {"H1", "H2"}
    check_derived(derive(sources), sources)
    with pytest.raises(Refused) as below:
        check_derived(Marking(1, "fr", "DIFFUSION RESTREINTE"), sources, at="/parts/2/marking")
    assert below.value.facts == {"at": "/parts/2/marking"}
    with pytest.raises(Rejected) as none:
        derive([])
    assert none.value.code == "decide.derived_without_sources"


def test_the_local_part_has_no_permission_to_give() -> None:
    """By its type: a local rule refuses or asks for an approval."""
    assert local_rules.LocalRule.model_fields["outcome"].annotation is not None
    assert "permit" not in str(local_rules.LocalRule.model_fields["outcome"].annotation)
