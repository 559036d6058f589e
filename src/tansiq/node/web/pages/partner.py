"""Partners and accords as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from babel import Locale
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.engine.envelopes import words as spoken
from tansiq.engine.envelopes.cards import fingerprint
from tansiq.engine.errors import TansiqError
from tansiq.node.exchange.queries import LineTest, links
from tansiq.node.partners.queries import accord_in_force, accords_among, my_id, opened, partners
from tansiq.node.web import words
from tansiq.node.web.forms.parts import language_name
from tansiq.node.web.languages import language_now
from tansiq.node.web.markings import level_name
from tansiq.node.wording import sentence

if TYPE_CHECKING:
    from tansiq.engine.accords.in_force import AccordInForce
    from tansiq.engine.accords.terms import Terms
    from tansiq.node.partners.models import Accord, Partner

SPOKEN = ("ar", "fr", "en")
LISTED_ALL = "*"


def partners_shown() -> list[dict[str, Any]]:
    """Every partner with whom to call there and how the link is doing."""
    held = links()
    me = my_id()
    return [partner_shown(row, held.get(row.node_id, {}), me) for row in partners()]


def line_test_shown(test: LineTest) -> dict[str, Any]:
    """A test of the line as the steps of a delivery, and how long the way there and back took."""
    steps = [
        {"label": _("Begun"), "at": test.begun_at, "state": "done"},
        {"label": _("Sealed and signed"), "at": test.sealed_at, "state": "done" if test.sealed_at else "waiting"},
    ]
    if test.code:
        text = sentence(test.code, {}, language_now(), isolate=True)
        steps.append({"label": _("Refused"), "state": "failed", "text": text})
    else:
        done = test.receipted_at is not None
        steps.append(
            {
                "label": _("Receipt signed by the partner"),
                "at": test.receipted_at,
                "state": "done" if done else "waiting",
            }
        )
    took = (test.receipted_at - test.begun_at).total_seconds() if test.receipted_at else None
    return {
        "steps": steps,
        "took": f"{took:.1f}" if took is not None else "",
        "attempts": test.attempts,
        "via": test.via,
    }


def partner_shown(row: Partner, link: Mapping[str, Any], me: str) -> dict[str, Any]:
    """One partner."""
    card = opened(row)
    contact = card.contact
    return {
        "node_id": row.node_id,
        "name": row.name_in(language_now()),
        "state": Locale.parse(language_now()).territories.get(row.state, row.state),
        "is_enrolled": row.status == row.ENROLLED,
        "phone": contact.phone,
        "email": contact.email,
        "languages": [_language(code) for code in contact.languages],
        "last_heard_at": row.last_heard_at,
        "waiting": link.get("waiting", 0),
        "waiting_since": link.get("waiting_since"),
        "failures": link.get("failures", 0),
        "trouble": sentence(link["last_error"], {}, language_now(), isolate=True) if link.get("last_error") else "",
        "last_delivered_at": link.get("last_delivered_at"),
        "missing": link.get("missing", []),
        "by_hand": row.by_hand,
        "carried_out_at": link.get("carried_out_at"),
        "carried_in_at": link.get("carried_in_at"),
        "accords": [{"id": a.accord_id, "title": a.title_in(language_now())} for a in accords_among([me, row.node_id])],
        "valid_until": card.valid_until,
        "keys": card.keys,
        "enrolled_at": row.enrolled_at,
        "serial": row.serial,
        "fingerprint": [
            (language_name(code), " ".join(spoken.spell(fingerprint(bytes(row.root_public)), code))) for code in SPOKEN
        ],
    }


def human_rights_of(node: str) -> list[dict[str, Any]]:
    """The human-rights table of every accord in force with a partner: what is stopped, or needs an assurance or an approval.

    Only lines that apply where this partner would receive: its State, or every State.
    """
    found = []
    for row in accords_among([my_id(), node]):
        accord = accord_in_force(row.accord_id)
        for rule in accord.terms.human_rights if accord and accord.terms else ():
            if LISTED_ALL not in rule.states and node[:2] not in rule.states:
                continue
            told = {"issue": words.issue_label(rule.issue), "outcome": outcome_word(rule.outcome)}
            role = words.officer_role(rule.role) if rule.role else ""
            found.append({**told, "rule": rule, "role": role, "accord": row.title_in(language_now())})
    return found


def _language(code: str) -> str:
    try:
        return language_name(code)
    except KeyError:
        return code


def status_word(status: str) -> tuple[str, str]:
    """The state of an accord in a word, and its tone."""
    return {
        "in_force": (pgettext("accord", "in force"), "good"),
        "pending": (pgettext("accord", "not yet in force"), "waiting"),
        "suspended": (pgettext("accord", "suspended"), "careful"),
        "denounced": (pgettext("accord", "denounced"), "stopped"),
    }.get(status, (status, "plain"))


def accord_shown(row: Accord, names: Mapping[str, str]) -> dict[str, Any]:
    """An accord: its parties, what each accepted, and its terms in words."""
    found: AccordInForce | None
    try:
        found = accord_in_force(row.accord_id)
    except TansiqError:
        found = None
    word, tone = status_word(row.status)
    return {
        "id": row.accord_id,
        "title": row.title_in(language_now()),
        "word": word,
        "tone": tone,
        "version": row.version_digest,
        "parties": [_party(party, found, names) for party in row.parties],
        "terms": terms_shown(found.terms, names) if found and found.terms else [],
        "terms_of": found.terms if found else None,
        "updated_at": row.updated_at,
    }


def _party(party: str, found: AccordInForce | None, names: Mapping[str, str]) -> dict[str, Any]:
    reservation = found.reservations.get(party) if found else None
    left: datetime | None = found.denounced.get(party) if found else None
    return {
        "node_id": party,
        "name": names.get(party, party),
        "has_ratified": bool(found and party in found.ratified),
        "is_suspended": bool(found and party in found.suspended),
        "leaves_at": left,
        "reserves": [term_name(term) for term in reservation.terms] if reservation else [],
    }


def term_name(term: str) -> str:
    """What a term of an accord is called."""
    return {
        "kinds": _("What may be exchanged"),
        "purposes": _("For which purposes"),
        "crime_areas": _("For which crime areas"),
        "max_level": _("Highest classification"),
        "handling_allowed": _("Handling codes"),
        "categories": _("Categories of persons"),
        "flags": _("Protected persons"),
        "onward": _("Passing on to others"),
        "evidence": _("Use as evidence"),
        "urgent": _("Urgent requests"),
        "search": _("Searches by partners"),
        "blind": _("Blind queries by partners"),
        "approvals": _("Approvals"),
        "human_rights": _("Human rights"),
        "retention_days": _("Kept at most"),
        "review_days": _("Reviewed after"),
        "in_force_from": _("In force from"),
        "until": _("Until"),
    }.get(term, term)


def terms_shown(terms: Terms, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each term with its clause, in words an officer can act on."""
    del names
    rows: list[tuple[str, Any]] = [
        ("kinds", [words.kind_label(kind) for kind in terms.kinds]),
        ("purposes", [words.list_label("purposes", code) for code in terms.purposes]),
        (
            "crime_areas",
            [_("all") if code == LISTED_ALL else words.list_label("crime_areas", code) for code in terms.crime_areas],
        ),
        ("max_level", f"{terms.max_level} – {level_name(terms.max_level)}"),
        ("handling_allowed", list(terms.handling_allowed)),
        ("categories", _permissions("data_subject_categories", terms.categories)),
        ("flags", _permissions("person_flags", terms.flags)),
        ("onward", freedom_word(terms.onward)),
        ("evidence", freedom_word(terms.evidence)),
        ("urgent", permission_word(terms.urgent)),
        ("search", _search(terms)),
        ("blind", _blind(terms)),
        ("approvals", [f"{words.officer_role(rule.role)} ({rule.clause})" for rule in terms.approvals]),
        ("human_rights", [_human_rights(rule) for rule in terms.human_rights]),
        ("retention_days", _days(terms.retention_days)),
        ("review_days", _days(terms.review_days)),
    ]
    return [
        {"name": term_name(term), "value": value, "clause": clause_of(terms, term)} for term, value in rows if value
    ]


def clause_of(terms: Terms, term: str) -> str:
    """The place in the instrument, or nothing where the accord names none."""
    clause = terms.clause(term)
    return "" if clause == term else clause


def _permissions(listed: str, permissions: Mapping[str, str]) -> list[str]:
    return [f"{words.list_label(listed, code)}: {permission_word(answer)}" for code, answer in permissions.items()]


def permission_word(answer: str) -> str:
    """Permit, approval or never."""
    return {
        "permit": pgettext("permission", "permitted"),
        "approval": pgettext("permission", "with an approval"),
        "never": pgettext("permission", "never"),
    }.get(answer, answer)


def freedom_word(freedom: str) -> str:
    """Free, consent or never."""
    return {
        "free": pgettext("freedom", "free"),
        "consent": pgettext("freedom", "with the consent of the provider"),
        "never": pgettext("freedom", "never"),
    }.get(freedom, freedom)


def _search(terms: Terms) -> str:
    told = {
        "none": _("not permitted"),
        "contact": _("answered with whom to ask"),
        "hit": _("answered with hit or no hit"),
    }[terms.search.mode]
    if terms.search.mode == "none":
        return told
    return _("%(answer)s, at most %(count)d a day") % {"answer": told, "count": terms.search.budget_per_day}


def _blind(terms: Terms) -> list[str]:
    if not terms.blind.families:
        return [_("not permitted")]
    limits = {"count": terms.blind.budget_per_day, "each": terms.blind.budget_per_officer}
    told = [words.list_label("blind_families", family) for family in terms.blind.families]
    return [*told, _("at most %(count)d a day, %(each)d of one officer") % limits]


def _human_rights(rule: Any) -> str:
    return f"{words.issue_label(rule.issue)}: {outcome_word(rule.outcome)} ({rule.clause})"


def outcome_word(outcome: str) -> str:
    """What a line of the human-rights table asks."""
    return {
        "stop": _("never"),
        "assurance": _("only with an assurance"),
        "approver": _("only with an approval"),
    }[outcome]


def _days(days: int) -> str:
    from django.utils.translation import ngettext

    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
