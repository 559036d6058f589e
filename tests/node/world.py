"""A small world for tests of the node's rooms: this node (``fr``) on the test database, and far nodes beyond its doors.

Nothing of ours is replaced. What a partner sends goes through the real address ``/peer/v1/…``; what we send goes through
the real delivery loop into the far node's door (an ``httpx`` transport stands for the network); jobs run as the worker runs
them. Only the clock is the test's own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from django.apps import apps
from django.db import transaction
from django.test import Client

from tansiq.engine.accords.terms import read_terms
from tansiq.engine.dossiers.entries import Part, SignedEntry
from tansiq.engine.envelopes import bodies, words
from tansiq.engine.envelopes.cards import fingerprint
from tansiq.engine.envelopes.relaying import split
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.formats import canonical
from tansiq.node.accounts import actions as accounts
from tansiq.node.accounts.queries import get_officer
from tansiq.node.audit.tasks import sequence_all
from tansiq.node.cli import setup
from tansiq.node.exchange import delivery
from tansiq.node.exchange.queries import partners_with_work
from tansiq.node.flows import act as flow
from tansiq.node.flows import fetching
from tansiq.node.flows.intents import Intent
from tansiq.node.flows.working import JOBS, MATCHING_JOBS, tell_dead
from tansiq.node.jobs import tasks as jobs
from tansiq.node.partners import actions as partner_actions
from tansiq.node.vault import keys
from tests.node.far import Far, repeatable

NOW = datetime.fromisoformat("2026-11-22T09:00:00+00:00")
PASSWORD = "olive-lantern-42-river"
ENVELOPE_TYPE = "application/vnd.tansiq.envelope"
AUDIT = ("audit.Event",)
"""The tables that a refusal may write: the row that says so."""

TERMS: dict[str, Any] = {
    "v": 1,
    "title": {"en": "Test accord", "ar": "اتفاق الاختبار"},
    "kinds": ["request", "report"],
    "purposes": ["investigation", "prevention"],
    "crime_areas": ["*"],
    "max_level": 1,
    "categories": {"suspect": "permit", "victim": "approval", "information_provider": "never"},
    "flags": {"minor": "approval"},
    "search": {"mode": "hit", "budget_per_day": 5},
    "approvals": [],
    "retention_days": 1825,
    "review_days": 1095,
    "in_force_from": "2026-01-01T00:00:00.000Z",
    "clauses": {"kinds": "Art. 2", "max_level": "Art. 5", "search": "Art. 7"},
}
"""Terms that permit what the tests do; ``World.accord`` adds the parties and replaces members."""

ASK = {
    "purpose": "investigation",
    "crime_area": "0601",
    "use": "intelligence",
    "restrictions": "none",
    "urgency": "life_or_limb",
}


def narrative(topic: str, text: str = "…", **members: Any) -> Part:
    """A narrative part."""
    return Part(type="narrative", language="fr", content={"topic": topic, "text": text}, **members)


def subject(name: str, **members: Any) -> Part:
    """A part about a person."""
    content = {"schema": "Person", "properties": {"name": [name], "birthDate": ["1984-03-17"]}}
    return Part(type="subject", category="suspect", content=content, **members)


def question_parts(name: str = "Youssef Ziani", text: str = "Est-il connu de vos services ?") -> tuple[Part, ...]:
    """The parts of a complete urgent request about a person."""
    topics = ("offence", "objective_reasons", "link", "urgency_reasons")
    return (
        Part(type="question", language="fr", content={"text": text}),
        subject(name),
        *(narrative(t) for t in topics),
    )


@dataclass
class World:
    """This node, its officers, its partners, and the time."""

    monkeypatch: pytest.MonkeyPatch
    now: datetime = NOW
    root: Ed25519Signer = field(default_factory=lambda: Ed25519Signer.generate(repeatable("our root")))
    fars: dict[str, Far] = field(default_factory=dict)
    client: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        self.monkeypatch.setattr("django.utils.timezone.now", lambda: self.now)
        told = {
            "state": "FR",
            "url": "http://fr.example",
            "phone": "+33 1 00 00 00 00",
            "email": "",
            "languages": "fr,en",
        }
        names = {"fr": "France", "en": "France", "ar": "فرنسا"}
        self.own_card = setup.make_card("fr", names, told, self.root, keys.current(), serial=1, now=self.now)
        partner_actions.install_self(self.own_card, actor="administrator", now=self.now)

    def clock(self) -> datetime:
        """The time, as loops ask for it."""
        return self.now

    def later(self, **told: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(**told)
        return self.now

    # -- people ---------------------------------------------------------------------------------------------------------

    def unit(
        self, code: str, *, competence: Sequence[str] = (), entry_point: bool = False, kinds: Sequence[str] = ("*",)
    ) -> None:
        """A unit of ours."""
        accounts.add_unit(
            code, {"en": code}, competence=list(competence), kinds=list(kinds), entry_point=entry_point, now=self.now
        )

    def hire(self, name: str, *roles: str, unit: str = "ops", teams: Sequence[str] = ()) -> Any:
        """An officer of ours."""
        accounts.add_officer(
            name,
            PASSWORD,
            display_name=name.title(),
            unit=unit,
            roles=list(roles),
            teams=list(teams),
            language="en",
            now=self.now,
        )
        return get_officer(name)

    def staff(self) -> None:
        """The usual people: ``liaison`` and ``boss`` and ``second`` of the entry point, ``stranger`` of another unit, ``dpo``, ``auditor``."""
        self.unit("ops", competence=["*"], entry_point=True)
        self.unit("borders")
        self.hire("liaison", "liaison", "analyst")
        self.hire("boss", "approver", "prosecutor")
        self.hire("second", "approver", "liaison")
        self.hire("stranger", "liaison", "approver", unit="borders")
        self.hire("dpo", "data_protection")
        self.hire("auditor", "auditor")

    def officer(self, name: str) -> Any:
        """The officer, read afresh."""
        return get_officer(name)

    # -- partners -------------------------------------------------------------------------------------------------------

    def partner(self, node_id: str, *, url: str | None = "", enrolled: bool = True) -> Far:
        """A far node, enrolled here as it is in life (its words read aloud), and knowing us and the others."""
        far = self.fars[node_id] = Far(node_id, self.now, url=url)
        far.knows(self.own_card)
        for other in self.fars.values():
            if other is not far:
                other.knows(far.card(self.now))
                far.knows(other.card(self.now))
        if enrolled:
            self.enrol(far)
        return far

    def enrol(self, far: Far) -> None:
        """Enrol it by card and words."""
        spoken = " ".join(words.spell(fingerprint(far.root.public), "fr"))
        partner_actions.enrol(far.card(self.now), spoken=spoken, actor="administrator", now=self.now)

    def accord(self, *others: str, **changed: Any) -> str:
        """An accord among us and ``others``, proposed here and ratified by all, each side's acts as real entries."""
        held = read_terms({**TERMS, "parties": sorted(["fr", *others]), **changed})
        codes = {"terms": held.digest}
        intent = Intent(
            kind="accord",
            act="propose",
            participants=tuple(others),
            codes=codes,
            parts=(Part(type="terms", content=held.to_json()),),
        )
        accord = flow.act(self.officer("boss"), intent, now=self.now).dossier_id
        flow.act(self.officer("boss"), Intent(kind="accord", act="ratify", dossier=accord, codes=codes), now=self.now)
        self.settle()
        for other in others:
            if not self.fars[other].url:
                self.fetch(self.fars[other])
        for other in others:
            entry = self.fars[other].act(accord, "ratify", self.now, codes=codes)
            self.arrive(self.fars[other], entry)
            for third in set(others) - {other}:
                self.fars[third].keep(entry)
        self.settle()
        return accord

    # -- in -------------------------------------------------------------------------------------------------------------

    def post(self, path: str, raw: bytes, **headers: Any) -> Any:
        """Knock at the partners' door."""
        return self.client.post(f"/peer/v1/{path}", data=raw, content_type=ENVELOPE_TYPE, **headers)

    def arrive(self, far: Far, *items: bodies.Item | SignedEntry, work: bool = True, **changes: Any) -> dict[str, Any]:
        """An envelope of ``far`` arrives and (with ``work``) is opened; returns its receipt."""
        answer = self.post("envelopes", far.seal("fr", *items, now=self.now, **changes).to_bytes())
        assert answer.status_code == 200, answer.content
        if work:
            self.work()
        return dict(answer.json())

    def work(self, names: Sequence[str] | None = None) -> int:
        """Run the jobs that are due, as the worker does; returns how many."""
        every = {**JOBS, **MATCHING_JOBS}
        handlers = {name: every[name] for name in names} if names is not None else every
        done = 0
        while jobs.run_one(handlers, clock=self.clock, worker="test", on_dead=tell_dead):
            done += 1
            assert done < 1000
        return done

    # -- out ------------------------------------------------------------------------------------------------------------

    def deliver(self) -> int:
        """Deliver what waits, through the real loop's step; returns how many envelopes were receipted."""
        with httpx.Client(transport=httpx.MockTransport(self._network)) as http:
            return sum(
                delivery.deliver_to(partner, "test", http, self.clock, threading.Event())
                for partner in partners_with_work(self.now, "test")
            )

    def carry(self, worker: str = "test") -> int:
        """One round of fetching and bringing files, as the worker's own thread does it."""
        with httpx.Client(transport=httpx.MockTransport(self._network)) as http:
            return fetching.turn(worker, http, self.clock, threading.Event())

    def _network(self, request: httpx.Request) -> httpx.Response:
        far = next(far for far in self.fars.values() if far.url and request.url.host == httpx.URL(far.url).host)
        if far.is_down:
            raise httpx.ConnectError("down", request=request)
        status, raw = far.serve(request.url.path, request.content, self.now)
        return httpx.Response(status, content=raw)

    def fetch(self, far: Far) -> list[dict[str, Any]]:
        """``far`` dials in, takes what waits for it, and brings the receipts; returns them."""
        answer = self.post("pull", far.pull_request("fr", self.now))
        assert answer.status_code == 200, answer.content
        receipts = [far.receive(raw, self.now) for raw in split(answer.content)]
        for receipt in receipts:
            assert self.post("receipts", canonical.dumps(receipt)).status_code == 200
        return receipts

    def settle(self) -> None:
        """Work and deliver until nothing moves, and number the events."""
        while self.work() + self.deliver():
            pass
        sequence_all(self.now)

    # -- what is here ---------------------------------------------------------------------------------------------------

    def act(
        self,
        name: str,
        kind: str,
        act: str,
        dossier: str,
        *,
        codes: Mapping[str, Any] | None = None,
        parts: Sequence[Part] = (),
    ) -> Any:
        """An officer of ours acts in a dossier."""
        return flow.act(
            self.officer(name),
            Intent(kind=kind, act=act, dossier=dossier, codes=dict(codes or {}), parts=tuple(parts)),
            now=self.now,
        )

    def ask(self, *others: str, name: str = "Youssef Ziani", officer: str = "liaison", **changed: Any) -> str:
        """Our liaison sends a complete request; returns the dossier."""
        return str(flow.act(self.officer(officer), request(*others, name=name, **changed), now=self.now).dossier_id)

    def asked_by(
        self,
        far: Far,
        *,
        name: str = "Samir Talbi",
        accord: str,
        codes: Mapping[str, Any] | None = None,
        **changed: Any,
    ) -> SignedEntry:
        """``far`` asks us under ``accord``; the entry is not sent yet."""
        opening = {"accord": accord, "accord_version": self.version(accord), **changed.pop("opening", {})}
        return far.open(
            "request",
            ["fr"],
            self.now,
            codes={**ASK, **(codes or {})},
            parts=changed.pop("parts", question_parts(name)),
            **opening,
        )

    def version(self, accord: str) -> str | None:
        """The version of the accord that is in force here."""
        from tansiq.node.partners.queries import accord_in_force

        found = accord_in_force(accord)
        return found.version_digest if found else None


def request(*others: str, name: str = "Youssef Ziani", **changed: Any) -> Intent:
    """A complete urgent request."""
    told: dict[str, Any] = {
        "codes": dict(ASK),
        "parts": question_parts(name),
        "title": name,
        "reference": "PV 2026/1107",
    }
    return Intent(kind="request", act="ask", participants=tuple(others), **(told | changed))


def rows(*, but: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, content included: two of these are equal if and only if nothing was stored or changed."""
    left_out = {"contenttypes.ContentType", "auth.Permission", "sessions.Session", *but}
    return {
        model._meta.label: [dict(row) for row in model._default_manager.order_by("pk").values()]
        for model in apps.get_models(include_auto_created=True)
        if model._meta.label not in left_out
    }


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The tables that differ."""
    return sorted(table for table in before if before[table] != after[table])


@contextmanager
def leaves_nothing(*, but: Sequence[str] = AUDIT) -> Iterator[None]:
    """What happens inside may add to the tables ``but`` names and must leave every other as it was."""
    before = rows(but=but)
    yield
    assert changed(before, rows(but=but)) == []


@contextmanager
def rolled_back() -> Iterator[None]:
    """A store of its own for one Hypothesis example: whatever it wrote is gone afterwards."""
    block = transaction.atomic()
    block._from_testcase = True  # what Django's own test cases say, so that durable blocks may stand inside
    with block:
        yield
        transaction.set_rollback(True)
