"""Events of the logs in words, and what a verification found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import pgettext

from tansiq.node.accounts.queries import names_of
from tansiq.node.web import words
from tansiq.node.web.languages import language_now
from tansiq.node.wording import sentence

if TYPE_CHECKING:
    from tansiq.node.audit.models import Event


def event_word(event: str) -> str:
    """What happened, in words; an event without words is shown by its code."""
    return {
        "act.refused": pgettext("event", "An act was refused"),
        "blind.answered": pgettext("event", "A blind question was answered"),
        "blind.answered_for": pgettext("event", "A partner's blind question was answered"),
        "blind.asked": pgettext("event", "A partner was asked blindly"),
        "blind.epoch_announced": pgettext("event", "A partner announced a key for blind questions"),
        "blind.epoch_begun": pgettext("event", "A key for a partner's blind questions was made"),
        "blind.epoch_ended": pgettext("event", "A key for blind questions was destroyed"),
        "blind.epoch_opened": pgettext("event", "Filters for a partner's blind questions were sent"),
        "blind.epoch_usable": pgettext("event", "A partner's filters for blind questions are complete"),
        "case.opened": pgettext("event", "A case was opened"),
        "dossier.read": pgettext("event", "A dossier was read"),
        "dossier.routed": pgettext("event", "A dossier was routed"),
        "draft.approved": pgettext("event", "A draft was approved"),
        "draft.awaiting_approval": pgettext("event", "A draft awaits approval"),
        "draft.saved": pgettext("event", "A draft was saved"),
        "entry.quarantined": pgettext("event", "An entry was put in quarantine"),
        "entry.signed": pgettext("event", "An entry was signed here"),
        "entry.taken": pgettext("event", "A partner's entry was taken in"),
        "envelope.accepted": pgettext("event", "An envelope was accepted"),
        "envelope.receipted": pgettext("event", "A partner signed a receipt"),
        "envelope.unopenable": pgettext("event", "An envelope could not be opened"),
        "item.refused": pgettext("event", "Something received was refused"),
        "item.status": pgettext("event", "A partner told the state of an entry"),
        "note.written": pgettext("event", "A note was written"),
        "officer.added": pgettext("event", "An officer was added"),
        "partner.card_renewed": pgettext("event", "A partner renewed its card"),
        "partner.enrolled": pgettext("event", "A partner was enrolled"),
        "partner.key_revoked": pgettext("event", "A key was revoked"),
        "copy.settled": pgettext("event", "What became of a copy was recorded"),
        "draft.thinned": pgettext("event", "A draft lost what was erased"),
        "erasure.proved": pgettext("event", "A proof of erasure was made"),
        "parts.erased_everywhere": pgettext("event", "A part was erased wherever it lay"),
        "part.passed_on": pgettext("event", "A part was passed on"),
        "part.recalled_onward": pgettext("event", "What was passed on was recalled"),
        "part.reshared": pgettext("event", "A part came that was passed on"),
        "parts.erased": pgettext("event", "Parts were erased"),
        "parts.released": pgettext("event", "Parts were let in from quarantine"),
        "quarantine.decided": pgettext("event", "An entry in quarantine was decided on"),
        "plan.added": pgettext("event", "A plan was entered"),
        "plan.answered": pgettext("event", "A partner answered about a plan"),
        "plan.answered_for": pgettext("event", "A partner's question about a plan was answered"),
        "plan.asked": pgettext("event", "A partner was asked about a plan"),
        "plan.cancelled": pgettext("event", "A plan was cancelled"),
        "plan.conflict": pgettext("event", "Two plans met"),
        "plan.conflict_closed": pgettext("event", "A conflict of plans was closed"),
        "plan.done": pgettext("event", "A plan was done"),
        "plan.escalated": pgettext("event", "A conflict of plans went to a superior"),
        "plan.exception": pgettext("event", "An exception to asking was decided"),
        "plan.moved": pgettext("event", "A plan was moved"),
        "plan.not_asked": pgettext("event", "A partner could not be asked about a plan"),
        "plan.partners_joined": pgettext("event", "Further partners may be asked about a plan"),
        "query.answered": pgettext("event", "A partner answered a search"),
        "query.answered_for": pgettext("event", "A partner's search was answered"),
        "query.asked": pgettext("event", "A partner was searched"),
        "reference.added": pgettext("event", "A reference was added"),
        "register.import_finished": pgettext("event", "An import ended"),
        "register.import_ordered": pgettext("event", "A file was brought to be imported"),
        "register.import_started": pgettext("event", "An import began"),
        "register.restriction_lifted": pgettext("event", "A restriction was lifted"),
        "register.review_escalated": pgettext(
            "event", "Reviews that nobody decided were laid before the data-protection officer"
        ),
        "register.reviewed": pgettext("event", "It was decided whether a subject is kept"),
        "register.judged": pgettext("event", "Two subjects were judged"),
        "register.judgement_undone": pgettext("event", "A judgement was undone"),
        "register.statement_corrected": pgettext("event", "A statement was corrected"),
        "register.statement_retired": pgettext("event", "A statement was retired"),
        "register.statements_added": pgettext("event", "Statements were added"),
        "register.subject_added": pgettext("event", "A subject was added"),
        "register.subject_erased": pgettext("event", "A subject was erased"),
        "register.subject_read": pgettext("event", "A subject was read"),
        "register.subject_received": pgettext("event", "A subject was received"),
        "rights.answered": pgettext("event", "A data-subject request was answered"),
        "rights.breach_closed": pgettext("event", "A data breach was closed"),
        "rights.breach_notice": pgettext("event", "A notice of a breach was drafted for a partner"),
        "rights.breach_opened": pgettext("event", "A data breach was written down"),
        "rights.breach_otherwise": pgettext("event", "It was noted that a partner was told of a breach otherwise"),
        "rights.breach_persons": pgettext("event", "It was noted that the persons concerned were told of a breach"),
        "rights.breach_read": pgettext("event", "A data breach was read"),
        "rights.breach_supervisor": pgettext(
            "event", "It was noted that the supervisory authority was told of a breach"
        ),
        "rights.chosen": pgettext("event", "A measure for a data subject was chosen"),
        "rights.consulted": pgettext("event", "An originator was consulted for a data subject"),
        "rights.decided": pgettext("event", "A data-subject request was decided"),
        "rights.done": pgettext("event", "A measure for a data subject was carried out"),
        "rights.gone_through": pgettext("event", "Our own entries were gone through for a data subject"),
        "rights.identified": pgettext("event", "The identity of a data subject was checked"),
        "rights.judged": pgettext("event", "Something found for a data subject was judged"),
        "rights.looked": pgettext("event", "Everything held about a data subject was searched"),
        "rights.originator_said": pgettext("event", "What an originator said for a data subject was noted"),
        "rights.read": pgettext("event", "A data-subject request was read"),
        "rights.received": pgettext("event", "A data-subject request was registered"),
        "search.made": pgettext("event", "A search was made"),
        "screening.made": pgettext("event", "A list was brought for screening"),
        "screening.begun": pgettext("event", "Partners began to be asked blindly about a list"),
        "screening.ended": pgettext("event", "A screening ended"),
        "screening.judged": pgettext("event", "A hit of a screening was judged"),
        "screening.exported": pgettext("event", "Hits of a screening were taken out"),
        "roster.absence": pgettext("event", "An absence was put on the duty roster"),
        "roster.added": pgettext("event", "A shift was put on the duty roster"),
        "roster.removed": pgettext("event", "A shift was taken off the duty roster"),
        "threat.claimed": pgettext("event", "A threat to life was claimed without an accord"),
        "threat.overdue": pgettext("event", "The review of a threat to life is overdue"),
        "threat.reviewed": pgettext("event", "What was sent for a threat to life was reviewed"),
        "threat.reviews_read": pgettext("event", "The reviews of threats to life were read"),
        "unit.saved": pgettext("event", "A unit was saved"),
    }.get(event, event)


def events_shown(events: Iterable[Event], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """One line for each event: when, who, what, about which dossier, and the facts that were logged."""
    rows = list(events)
    people = names_of({row.actor for row in rows})
    return [
        {
            "number": row.index,
            "log": row.log,
            "at": row.at,
            "word": event_word(row.event),
            "code": row.event,
            "actor": _actor(row.actor, people, names),
            "dossier": row.dossier,
            "facts": sorted(_facts(row).items()),
            "is_erased": row.told is None,
            "is_sequenced": row.tree_id is not None,
        }
        for row in rows
    ]


def _actor(actor: str, people: Mapping[str, str], names: Mapping[str, str]) -> str:
    if actor.startswith("node:"):
        return names.get(actor.removeprefix("node:"), actor)
    return people.get(actor) or words.officer_role(actor)


def _facts(row: Event) -> dict[str, str]:
    told = (row.told or {}).get("facts") or {}
    return {name: _flat(value) for name, value in told.items() if value not in (None, "", [], {})}


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_flat(one)}" for name, one in value.items() if one not in (None, "", [], {}))
    return ", ".join(map(_flat, value)) if isinstance(value, list) else str(value)


def report_shown(report: Mapping[str, Any]) -> dict[str, Any]:
    """A verification in words: one line for each log, one for each finding."""
    language = language_now()

    def told(finding: Mapping[str, Any]) -> str:
        return sentence(str(finding["code"]), finding["facts"], language, isolate=True)

    return {
        "is_well": report["is_well"],
        "texts_checked": report["texts_checked"],
        "waiting": report["waiting"],
        "findings": [told(finding) for finding in report["findings"]],
        "trees": [{**tree, "findings": [told(finding) for finding in tree["findings"]]} for tree in report["trees"]],
    }
