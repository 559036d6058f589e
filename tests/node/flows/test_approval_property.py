"""No sequence of calls, by whomever, yields a signed entry that lacks an approval its accord demands.

A Hypothesis state machine plays officers with every mixture of roles, several drafts, changes behind each other's backs, and the
machine; after every step each entry that this node has signed is asked about again: with exactly the approvals in its header, did the
accord (and the local rules) of that moment permit it? And was each of those approvals given, by somebody else, in that role, to
exactly these bytes?
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tansiq.engine.accords.decide import decide
from tansiq.engine.accords.local_rules import LocalRule, LocalRules
from tansiq.engine.errors import TansiqError
from tansiq.engine.kinds.registry import kind
from tansiq.node.dossiers import queries
from tansiq.node.dossiers.models import Approval, Draft, Entry
from tansiq.node.flows import act as flow
from tansiq.node.flows import questions
from tansiq.node.flows.intents import Intent
from tansiq.node.partners import actions as partner_actions
from tansiq.node.partners import queries as partners
from tansiq.node.register import index
from tests.node.flows.test_approvals import about_victim
from tests.node.world import World, narrative, question_parts, request

pytestmark = pytest.mark.django_db
OFFICERS = ("liaison", "liaison", "second", "boss", "stranger", "dpo", "auditor", "procureure")
RULES = [
    {"clause": "Art. 9(1)", "when": {"acts": ["ask"], "urgent": True}, "role": "approver"},
    {"clause": "Art. 9(2)", "when": {"acts": ["answer"]}, "role": "prosecutor"},
    {"clause": "Art. 9(3)", "when": {"acts": ["remind"]}, "role": "approver"},
    {"clause": "Art. 9(4)", "when": {"acts": ["remind"]}, "role": "prosecutor"},
]
LOCAL = LocalRules(
    node="fr", rules=(LocalRule(clause="Law 5", outcome="approval", role="prosecutor", acts=("withdraw",)),)
)


class Officers(RuleBasedStateMachine):
    """This node with an accord that demands much, a request of ma's to answer, and a request of ours."""

    @initialize()
    def begin(self) -> None:
        self.patch = pytest.MonkeyPatch()
        self.block = transaction.atomic()
        self.block._from_testcase = True
        self.block.__enter__()
        index.forget()
        self.world = World(self.patch)
        self.world.staff()
        self.world.hire("procureure", "prosecutor", "duty")
        ma = self.world.partner("ma")
        self.accord = self.world.accord("ma", approvals=RULES)
        partner_actions.set_local_rules(LOCAL, actor="dpo", now=self.world.now)
        asked = self.world.asked_by(ma, accord=self.accord)
        self.world.arrive(ma, asked)
        self.world.settle()
        self.dossiers = [asked.entry_id]
        self.judged: set[str] = set()
        self.versions: dict[str, Any] = {}

    def teardown(self) -> None:
        if hasattr(self, "block"):
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)
            self.patch.undo()
            assert connection.in_atomic_block

    # -- what officers do ------------------------------------------------------------------------------------------------

    def _try(self, call: Any) -> Any:
        """An officer tries; errors of the tree are answers."""
        try:
            return call()
        except TansiqError:
            return None

    def _intent(self, act: str, variant: int) -> Intent:
        if act == "ask":
            parts = about_victim(f"Name {variant}") if variant % 2 else question_parts(f"Name {variant}")
            urgent = {"urgency": "life_or_limb"} if variant < 2 else {}
            return request(
                "ma",
                parts=parts,
                codes={k: v for k, v in {**request("ma").codes, "urgency": None, **urgent}.items() if v},
            )
        dossier = self.dossiers[variant % len(self.dossiers)]
        codes = {"answer": {"extent": "full"}, "assign": {"unit": "ops"}}.get(act, {})
        parts = (narrative("answer", f"Text {variant}"),) if act == "answer" else ()
        return Intent("request", act, dossier=dossier, codes=codes, parts=parts)

    @rule(
        officer=st.sampled_from(OFFICERS),
        act=st.sampled_from(["ask", "answer", "remind", "withdraw", "assign", "received"]),
        variant=st.integers(0, 3),
        behind=st.booleans(),
    )
    def act(self, officer: str, act: str, variant: int, behind: bool) -> None:
        """Act at once, or (``behind``) under the number of a draft, one's own or another's."""
        drafts = list(Draft.objects.order_by("created_at", "pk").values_list("draft_id", flat=True))
        draft = str(drafts[variant % len(drafts)]) if behind and drafts else ""
        intent = self._intent(act, variant)
        done = self._try(lambda: flow.act(self.world.officer(officer), intent, now=self.world.now, draft_id=draft))
        if done and done.entry_id and done.dossier_id not in self.dossiers:
            self.dossiers.append(done.dossier_id)

    @rule(
        officer=st.sampled_from(["liaison", "second"]),
        act=st.sampled_from(["ask", "answer", "remind"]),
        variant=st.integers(0, 3),
    )
    def prepare(self, officer: str, act: str, variant: int) -> None:
        """What will mostly become a draft."""
        self.act(officer, act, variant, behind=False)

    @precondition(lambda self: Draft.objects.exists())
    @rule(officer=st.sampled_from(OFFICERS), which=st.integers(0, 5), is_stale=st.booleans())
    def approve(self, officer: str, which: int, is_stale: bool) -> None:
        drafts = list(Draft.objects.order_by("created_at", "pk"))
        draft = drafts[which % len(drafts)]
        digests = list(Approval.objects.values_list("digest", flat=True)) if is_stale else []
        digest = digests[which % len(digests)] if digests else draft.digest
        self._try(lambda: flow.approve(self.world.officer(officer), str(draft.pk), digest=digest, now=self.world.now))

    @precondition(lambda self: Draft.objects.exists())
    @rule(officer=st.sampled_from(OFFICERS), which=st.integers(0, 5))
    def send(self, officer: str, which: int) -> None:
        drafts = list(Draft.objects.order_by("created_at", "pk"))
        draft = str(drafts[which % len(drafts)].pk)
        done = self._try(lambda: flow.send_draft(self.world.officer(officer), draft, now=self.world.now))
        if done and done.entry_id and done.dossier_id not in self.dossiers:
            self.dossiers.append(done.dossier_id)

    @precondition(lambda self: Draft.objects.filter(state="awaiting").exists())
    @rule(which=st.integers(0, 5), between=st.sampled_from(["nothing", "change", "other", "machine"]))
    def carry_through(self, which: int, between: str) -> None:
        """The honest road, or nearly: whoever may approves, something happens in between, the author sends."""
        drafts = list(Draft.objects.filter(state="awaiting").order_by("created_at", "pk"))
        draft = drafts[which % len(drafts)]
        author = _name(draft.officer)
        for _ in range(2):
            draft.refresh_from_db()
            for officer in ("boss", "second", "procureure"):
                digest = draft.digest
                self._try(
                    lambda o=officer, d=digest: flow.approve(
                        self.world.officer(o), str(draft.pk), digest=d, now=self.world.now
                    )
                )
            if between == "change":
                changed = self._intent(draft.act, (which + 1) % 4)
                if draft.act == "ask":
                    self._try(
                        lambda i=changed: flow.act(
                            self.world.officer(author), i, now=self.world.now, draft_id=str(draft.pk)
                        )
                    )
            elif between == "other":
                self._try(
                    lambda: flow.act(
                        self.world.officer("second"), self._intent("ask", 1), now=self.world.now, draft_id=str(draft.pk)
                    )
                )
            elif between == "machine":
                self.deliver()
            self.send(author, drafts.index(draft) if which < len(drafts) else which)
            self._try(
                lambda: self._note(flow.send_draft(self.world.officer(author), str(draft.pk), now=self.world.now))
            )

    def _note(self, done: Any) -> None:
        if done.entry_id and done.dossier_id not in self.dossiers:
            self.dossiers.append(done.dossier_id)

    @rule(officer=st.sampled_from(OFFICERS), act=st.sampled_from(["ask", "answer"]), variant=st.integers(0, 3))
    def consider(self, officer: str, act: str, variant: int) -> None:
        before = (Entry.objects.count(), Draft.objects.count())
        self._try(lambda: flow.consider(self.world.officer(officer), self._intent(act, variant), now=self.world.now))
        assert (Entry.objects.count(), Draft.objects.count()) == before

    @rule(act=st.sampled_from(["answer", "remind", "received", "withdraw", "not_accepted"]), which=st.integers(0, 3))
    def machine(self, act: str, which: int) -> None:
        dossier = self.dossiers[which % len(self.dossiers)]
        codes = {"answer": {"extent": "full"}, "not_accepted": {"entry": dossier}}.get(act, {})
        self._try(lambda: flow.act_by_machine(dossier, act, codes, "bot", now=self.world.now))

    @rule()
    def deliver(self) -> None:
        self.world.later(minutes=1)
        self.world.settle()

    # -- what must hold --------------------------------------------------------------------------------------------------

    @invariant()
    def every_signed_entry_has_its_approvals(self) -> None:
        if not hasattr(self, "judged"):
            return
        for row in Entry.objects.filter(is_own=True, dossier__kind="request").exclude(pk__in=self.judged):
            self.judged.add(row.pk)
            self._look_at(row)

    def _look_at(self, row: Entry) -> None:
        entry = queries.signed_entry(row)
        header = entry.header
        if header.acted_by.is_machine:
            assert header.act in {"received", "extend", "erased", "not_accepted"}
            return
        approvals = frozenset(actor.role for actor in header.approved_by)
        state = _state_before(row)
        rules = kind("request", 1)
        parts = [salted.part for salted in entry.parts if salted]
        question = questions.of_header("send", rules, header, parts, state, version=row.dossier.accord_version)
        assert question.approvals == approvals
        accord = partners.accord_in_force(row.dossier.accord)
        decision = decide(question, accord, now=header.at, local=partners.local_rules())
        assert decision.is_permitted, (header.act, decision)
        author = header.acted_by.officer
        for actor in header.approved_by:
            assert actor.officer != author
            assert actor.role in self.world.officer(_name(actor.officer)).roles
            given = Approval.objects.filter(officer=actor.officer, role=actor.role).exclude(
                draft__officer=actor.officer
            )
            assert any(_binds(one, entry, row) for one in given)


def _name(reference: str | None) -> str:
    from tansiq.node.accounts.models import Officer

    return str(Officer.objects.get(officer_id=reference).username)


def _binds(approval: Approval, entry: Any, row: Entry) -> bool:
    """Whether the approval was given to the very parts, codes and audience of the entry."""
    intent = Intent.from_json(approval.draft.intent)
    same = [part.to_json() for part in intent.parts] == [p.part.to_json() for p in entry.parts if p]
    codes = {k: list(v) if isinstance(v, tuple) else v for k, v in entry.header.codes.items()}
    bound = intent.digest(accord_version=row.dossier.accord_version) == approval.digest
    return same and dict(intent.to_json()["codes"]) == codes and intent.act == entry.header.act and bound


def _state_before(row: Entry) -> Any:
    """The state in which the entry was signed: after the entries it cites, which were all there were."""
    from tansiq.engine.dossiers.states import join

    header = queries.load_header(row.pk)
    if header.opening is not None:
        return None
    states = [queries.load_trace(cited).after for cited in header.cited]
    if any(state is None for state in states):
        return queries.folded_of(row.dossier).state
    out = states[0]
    for state in states[1:]:
        out = join(out, state)
    return out


def test_no_sequence_of_calls_signs_without_the_approval_that_the_accord_demands() -> None:
    run_state_machine_as_test(
        Officers,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
