"""National law and a node's own assessment of partner States: rules that may stop its own acts, and nobody else's.

They are the local part of ``decide``. They stand sealed on their node, are never sent, and can only add: a rule has
no outcome that permits. An entry that arrives and is locally unacceptable is kept in quarantine and answered
``not_accepted``, without the reason.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from tansiq.engine.accords.questions import Decision, Question
from tansiq.engine.accords.terms import (
    EVERY,
    MAX_RULES,
    Areas,
    Codes,
    Level,
    Line,
    NodeId,
    States,
    Word,
    Words,
    covers,
)
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.json_values import JsonValue, pointer


class LocalRule(BaseModel):
    """One rule: where every condition named is met, the act is refused or needs ``role``; an empty list is any.

    ``states`` are those of the partners concerned: who would receive, or from whom it comes. ``categories``,
    ``flags`` and ``issues`` are met when the question has one of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clause: Line
    outcome: Literal["refuse", "approval"]
    role: Word | None = None
    acts: Words = ()
    kinds: Words = ()
    states: States = (EVERY,)
    purposes: Codes = ()
    crime_areas: Areas = (EVERY,)
    categories: Codes = ()
    flags: Codes = ()
    issues: Words = ()
    level_at_least: Level = 0
    urgent: bool | None = None

    @model_validator(mode="after")
    def _names_its_approver(self) -> Self:
        if (self.outcome == "approval") != (self.role is not None):
            raise PydanticCustomError("role_goes_with_approval", "breaks a rule")
        return self

    def is_about(self, question: Question, states: frozenset[str]) -> bool:
        """Whether every condition of the rule is met."""
        area_met = self.crime_areas == (EVERY,) or (
            question.crime_area is not None and covers(self.crime_areas, question.crime_area)
        )
        return (
            area_met
            and (not self.acts or bool({*self.acts} & {question.act, question.entry_act}))
            and (not self.kinds or question.kind in self.kinds)
            and (EVERY in self.states or bool(states & {*self.states}))
            and (not self.purposes or question.purpose in self.purposes)
            and (not self.categories or bool(question.categories & {*self.categories}))
            and (not self.flags or bool(question.flags & {*self.flags}))
            and (not self.issues or bool(question.human_rights_issues & {*self.issues}))
            and question.marking.level >= self.level_at_least
            and self.urgent in (None, question.urgent)
        )


class LocalRules(BaseModel):
    """All rules of ``node``; without rules it answers nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: NodeId | None = None
    rules: Annotated[tuple[LocalRule, ...], Field(max_length=MAX_RULES)] = ()

    @model_validator(mode="after")
    def _knows_whose(self) -> Self:
        if self.rules and self.node is None:
            raise PydanticCustomError("rules_without_a_node", "breaks a rule")
        return self

    def to_json(self) -> dict[str, JsonValue]:
        """The JSON form, every field named."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, value: object, *, at: str = "") -> LocalRules:
        """Read rules; ``Rejected("accord.rules_malformed", at=…, rule=…)`` names the first mistake."""
        raw = canonical.dumps(value)
        try:
            return cls.model_validate_json(raw, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise Rejected("accord.rules_malformed", at=pointer(at, *first["loc"]), rule=first["type"]) from None

    def is_own_act(self, question: Question) -> bool:
        """Whether the act is this node's: what it sends, uses or answers, and what it takes in."""
        if question.act == "receive":
            return self.node in question.recipients
        return self.node == question.sender

    def decisions(self, question: Question) -> list[Decision]:
        """What the rules say against the question, in their order; empty where it is not this node's act."""
        if not self.is_own_act(question):
            return []
        partners = {question.sender} if question.act == "receive" else {*question.addressees, *question.others}
        states = frozenset(partner[:2] for partner in partners)
        return [
            decision
            for rule in self.rules
            if rule.is_about(question, states)
            for decision in _said(rule, question, self.node)
        ]


def _said(rule: LocalRule, question: Question, node: str | None) -> list[Decision]:
    if rule.outcome == "refuse":
        return [Decision("refuse", "decide.local_rule", rule.clause, "local_rules", blocks=node, local=True)]
    if rule.role is None or rule.role in question.approvals:
        return []
    return [
        Decision(
            "approval",
            "decide.local_approval",
            rule.clause,
            "local_rules",
            blocks=node,
            role=rule.role,
            roles=(rule.role,),
            local=True,
        )
    ]


NONE: Final = LocalRules()
