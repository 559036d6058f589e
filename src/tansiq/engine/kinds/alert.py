"""An alert: look out for this person, thing or danger, and do with a hit no more than what is asked here.

One issuing authority, any number of recipients, one audience. Which *class* an alert has – a person wanted for arrest or missing, a
vehicle, a document, an imminent threat … – decides what may be asked of a partner and what must be said before it can be
issued (list ``alert_classes``). An alert is nobody's order to arrest: a recipient whose register it meets opens a bilateral
dossier of kind ``alert_hit``, and until the issuing authority has confirmed the hit there, nothing coercive is done.

It stands until a date. The issuing authority reviews it, extends it, adds to it, corrects it, cancels it; once the date has
passed its machine says so (``expire``). What was corrected, cancelled or has expired is owed an answer by every recipient: its
machine confirms when it has let go of its copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

from tansiq.engine.dossiers import acts
from tansiq.engine.dossiers.acts import ActSpec, Codes, PartsRule, Submission, TimeText
from tansiq.engine.dossiers.kind import ABOUT, Deadline, Kind, MachineAct, Missing, prevailing
from tansiq.engine.dossiers.parts import Part, topics
from tansiq.engine.dossiers.states import State
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.formats.times import format_time, parse_time
from tansiq.engine.kinds import changes

ISSUING, RECIPIENT = frozenset({"issuing"}), frozenset({"recipient"})
CONTENT: Final = frozenset({"narrative", "subject", "location", "file", "photograph", "fingerprints", "translation"})
ENDINGS: Final = frozenset({"correct", "cancel", "expire"})
TIME_TO_LET_GO: Final = timedelta(days=3)
"""How long recipients have to confirm that they let go of an alert that has expired."""


class Term(Codes):
    """Until when it stands, and when the issuing authority looks at it again."""

    expires: TimeText
    review: TimeText


class Issue(Codes):
    """What kind of alert, what is asked of whoever meets its subject, for which purpose, and its term."""

    alert_class: acts.ListedCode
    asks: acts.ListedCode
    purpose: acts.ListedCode
    crime_area: acts.ListedCode | None = None
    urgency: acts.ListedCode | None = None
    expires: TimeText
    review: TimeText


class Cancel(changes.Withdrawal):
    """Why it is not needed any more."""

    ground: Literal["found", "decision_lifted", "issued_in_error", "other"]


def _has_a_term(given: Submission) -> str | None:
    """It ends after it is issued, and is reviewed before it ends."""
    expires, review = parse_time(given.code("expires")), parse_time(given.code("review"))
    if expires <= given.header.at:
        return "alert.over_before_it_begins"
    return None if given.header.at < review <= expires else "alert.review_not_within_term"


def _is_over(given: Submission) -> str | None:
    """The machine says that it has expired only once it has."""
    expires = expires_at(given.state)
    return None if expires is not None and expires <= given.header.at else "alert.not_over_yet"


def expires_at(state: State) -> datetime | None:
    """Until when the alert stands, as it was said last."""
    term = state.value("term")
    return parse_time(term["expires"]) if term else None


def is_standing(state: State, now: datetime) -> bool:
    """Whether the alert is in force at ``now``: neither cancelled nor past its end."""
    expires = expires_at(state)
    return KIND.phase(state) == "in_force" and expires is not None and now < expires


class Alert(Kind):
    """One issuing authority, any number of recipients; nothing that a recipient does changes the phase."""

    name = "alert"
    ROLES = ("issuing", "recipient")
    RESOLVER = ISSUING
    CLOSED = frozenset({"cancelled", "expired"})
    ACTS = {
        "issue": ActSpec(
            by=ISSUING,
            codes=Issue,
            parts=PartsRule(frozenset({"narrative"}), CONTENT),
            rule=_has_a_term,
            effects=(
                acts.puts(ABOUT, "alert_class", "asks", "purpose", "crime_area", "urgency"),
                acts.puts("term", "expires", "review"),
            ),
            opening=True,
        ),
        "received": ActSpec(by=RECIPIENT, effects=(acts.puts("received", per_party=True),), machine=True, closing=True),
        "update": ActSpec(
            by=ISSUING, parts=PartsRule(frozenset({"narrative"}), CONTENT), effects=(acts.counts("updates"),)
        ),
        "correct": ActSpec(
            by=ISSUING,
            codes=changes.Change,
            parts=PartsRule(allowed=CONTENT),
            names={"entry": frozenset({"issue", "update", "correct"})},
            rule=changes.own_part,
            effects=(changes.owes,),
            closing=True,
        ),
        "extend": ActSpec(by=ISSUING, codes=Term, rule=_has_a_term, effects=(acts.puts("term", "expires", "review"),)),
        "cancel": ActSpec(
            by=ISSUING,
            codes=Cancel,
            parts=PartsRule(allowed=frozenset({"narrative"})),
            effects=(acts.puts("cancelled", "ground"), changes.owes),
            closing=True,
        ),
        "expire": ActSpec(
            by=ISSUING,
            codes=changes.Withdrawal,
            rule=_is_over,
            effects=(changes.owes,),
            machine=True,
            closing=True,
        ),
        "confirm": ActSpec(
            by=RECIPIENT,
            codes=changes.Confirm,
            names={"change": ENDINGS},
            when=changes.owes_something,
            rule=changes.owed_by_author,
            effects=(changes.settles,),
            machine=True,
            closing=True,
        ),
    }
    TRANSITIONS = {
        ("new", "issue"): "in_force",
        **{("in_force", act): "in_force" for act in ("received", "update", "correct", "extend", "confirm")},
        ("in_force", "cancel"): "cancelled",
        ("in_force", "expire"): "expired",
        **{("cancelled", act): "cancelled" for act in ("received", "confirm")},
        **{("expired", act): "expired" for act in ("received", "confirm")},
    }
    CONCURRENT: ClassVar[Mapping[frozenset[str], str]] = prevailing(("cancel", "resolve"), ("expire",))
    """One authority alone ends an alert; only if its chain forks do the two ends meet, and its own word prevails."""
    CODE_LISTS = {
        "issue.alert_class": "alert_classes",
        "issue.asks": "alert_measures",
        "issue.purpose": "purposes",
        "issue.crime_area": "crime_areas",
        "issue.urgency": "urgency_grounds",
    }

    def missing(self, codes: Mapping[str, object], parts: Sequence[Part], *, act: str | None = None) -> list[Missing]:
        """Beside what the act declares: the subject and the words that the class of the alert demands.

        A person wanted for arrest: the offence, the issuing authority, and the decision with its reference.
        """
        found = super().missing(codes, parts, act=act)
        known = code_list("alert_classes").by_code.get(str(codes.get("alert_class")))
        if act not in (None, "issue") or known is None:
            return found
        clause = f"alert:class:{known.code}"
        schemata = _texts(known.facts.get("subjects"))
        present = {part.content.get("schema") for part in parts if part.type == "subject"}
        if schemata and not present & {*schemata}:
            found.append(Missing(f"/parts/subject/{schemata[0]}", clause))
        told = topics(parts)
        found = [one for one in found if one.at != "/parts/narrative"]
        return [
            *found,
            *(
                Missing(f"/parts/narrative/{topic}", clause)
                for topic in _texts(known.facts.get("needs"))
                if topic not in told
            ),
        ]

    def check_listed(
        self, act: str, codes: Mapping[str, object], pins: Mapping[str, str], *, at: str = "/codes"
    ) -> None:
        """Beside the lists: ``Rejected("alert.not_asked_in_this_class")`` for a measure that its class does not know."""
        super().check_listed(act, codes, pins, at=at)
        known = code_list("alert_classes").by_code.get(str(codes.get("alert_class")))
        if act == "issue" and known is not None and codes.get("asks") not in _texts(known.facts.get("asks")):
            raise Rejected(
                "alert.not_asked_in_this_class", at=f"{at}/asks", asks=str(codes.get("asks")), alert_class=known.code
            )

    def check_body(self, act: str, parts: Sequence[Part]) -> None:
        """``Rejected("part.holds_a_source", at=…)`` where a subject is the person who provided the information."""
        for index, part in enumerate(parts):
            if part.category == "information_provider":
                raise Rejected("part.holds_a_source", at=f"/parts/{index}/category", act=act)

    def deadlines(self, state: State) -> list[Deadline]:
        """The review that the issuing authority owes while the alert stands, and what each recipient has yet to confirm."""
        term = state.value("term")
        owed = changes.owed_confirmations(state, "alert")
        if term is None or self.phase(state) != "in_force":
            return owed
        return [Deadline("review", parse_time(term["review"]), state.opener, "alert:review"), *owed]

    def machine_acts(self, state: State, me: str, now: datetime, calendar: object) -> list[MachineAct]:
        """``received`` at once; ``expire`` by the issuing node once the time is over. ``confirm`` is for the node that has let go."""
        del calendar
        if me != state.opener:
            return [] if state.latest(f"received:{me}") else [MachineAct("received", {}, "alert:received")]
        expires = expires_at(state)
        if self.phase(state) != "in_force" or expires is None or now < expires:
            return []
        return [MachineAct("expire", {"due": format_time(now + TIME_TO_LET_GO)}, "alert:expiry")]

    def shown(self, state: State) -> dict[str, JsonValue]:
        """What it asks, until when, who has it, why it ended, and who has not confirmed."""
        recipients = [party for party in state.participants if party != state.opener]
        return {
            "about": state.value(ABOUT),
            "term": state.value("term"),
            "received": [party for party in recipients if state.latest(f"received:{party}")],
            "updates": state.count("updates"),
            "cancelled": state.value("cancelled"),
            "owed": changes.shown_owed(state),
        }


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()


KIND = Alert()
