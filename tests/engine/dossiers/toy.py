"""A kind with one of everything, for the tests of the fold: a question that is put, answered, withdrawn, put again."""

from __future__ import annotations

from typing import Literal

from tansiq.engine.dossiers.acts import (
    ActSpec,
    Codes,
    EntryId,
    ListedCode,
    PartsRule,
    closes,
    counts,
    has_open,
    must_be_open,
    opens,
    puts,
)
from tansiq.engine.dossiers.kind import Kind, prevailing


class Put(Codes):
    urgent: bool = False


class Assign(Codes):
    unit: ListedCode


class Answer(Codes):
    extent: Literal["full", "partial", "nothing"]


class Reply(Codes):
    question: EntryId


ASKER, ASKED = frozenset({"asker"}), frozenset({"asked"})


class Toy(Kind):
    name = "toy"
    ROLES = ("asker", "asked")
    RESOLVER = frozenset({"asker"})
    ACTS = {
        "ask": ActSpec(by=ASKER, codes=Put, opening=True, effects=(puts("asked", "urgent"),)),
        "received": ActSpec(by=ASKED, machine=True),
        "assign": ActSpec(by=ASKED, codes=Assign, effects=(puts("assigned", "unit", per_party=True),)),
        "remind": ActSpec(by=ASKER, effects=(counts("reminders"),)),
        "query": ActSpec(by=ASKED, effects=(opens("queries"),)),
        "reply": ActSpec(
            by=ASKER,
            codes=Reply,
            names={"question": frozenset({"query"})},
            when=has_open("queries"),
            rule=must_be_open("queries", "question"),
            effects=(closes("queries", "question"),),
        ),
        "answer": ActSpec(
            by=ASKED,
            codes=Answer,
            parts=PartsRule(allowed=frozenset({"narrative"})),
            effects=(puts("answer", "extent"),),
            closing=True,
        ),
        "refuse": ActSpec(by=ASKED),
        "withdraw": ActSpec(by=ASKER, closing=True),
        "reopen": ActSpec(by=ASKER),
    }
    TRANSITIONS = {
        ("new", "ask"): "open",
        ("open", "received"): "received",
        **{(phase, act): phase for phase in ("open", "received") for act in ("assign", "remind", "query", "reply")},
        ("open", "answer"): "answered",
        ("received", "answer"): "answered",
        ("open", "refuse"): "refused",
        ("received", "refuse"): "refused",
        ("open", "withdraw"): "withdrawn",
        ("received", "withdraw"): "withdrawn",
        ("answered", "reopen"): "open",
        ("refused", "reopen"): "open",
        ("withdrawn", "reopen"): "open",
    }
    CONCURRENT = prevailing(("answer", "refuse", "resolve"), ("withdraw",), ("reopen",), ("received",))


TOY = Toy()
