"""What an opening form knows when it is begun: from an address, from a draft, or from the dossier that it answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.times import parse_time
from tansiq.engine.kinds.registry import kind
from tansiq.node.dossiers.queries import dossier_by_id, get_draft_for, view_of
from tansiq.node.flows.intents import Intent
from tansiq.node.partners.queries import correspondents
from tansiq.node.search.alerts import get_alert_for
from tansiq.node.web.forms.opening import Start
from tansiq.node.web.forms.sources import source_of

if TYPE_CHECKING:
    from django.http import QueryDict

    from tansiq.engine.dossiers.parts import Part
    from tansiq.node.accounts.models import Officer


ANSWERED_WITHIN = timedelta(days=7)
"""What the form proposes for a message that is not urgent, as between nodes (Directive (EU) 2023/977 art. 5)."""


def start_of(officer: Officer, kind_name: str, given: QueryDict) -> Start:
    """The start that an address names: ``?draft=`` a draft of the officer's own, ``?to=`` partners to be ticked, ``?entry=&part=`` the words
    of an entry that it is made from, and any code by its name (``?alert_class=missing``)."""
    if given.get("draft"):
        return _from_draft(officer, kind_name, given["draft"])
    if kind_name == "alert_hit":
        return _on_alert(officer, given.get("alert", ""))
    source = source_of(officer, given)
    if source is not None:
        return Start(
            cites=source.dossier,
            blocks=("narrative",),
            initial={"b0_text": source.text, **source.conditions},
            source=source,
        )
    if kind(kind_name).HAS_CORRESPONDENT:
        return _message(given)
    chosen = {
        f"code_{name}": given[name]
        for name in kind(kind_name).acts[kind(kind_name).opening_act].codes.model_fields
        if given.get(name)
    }
    return Start(partners=tuple(given.getlist("to")), initial=chosen)


def _on_alert(officer: Officer, alert_id: str) -> Start:
    """A hit goes to the alert's issuer alone, cites the alert, and serves its purpose."""
    alert = get_alert_for(officer, alert_id, now=timezone.now())
    dossier = dossier_by_id(alert.dossier_id)
    about = (view_of(dossier).get("about") if dossier else None) or {}
    told = {f"code_{name}": about[name] for name in ("purpose", "crime_area", "urgency") if about.get(name)}
    return Start(partners=(alert.issuer,), cites=alert.dossier_id, is_fixed=True, initial=told)


def _message(given: QueryDict) -> Start:
    """A message that is registered: mostly one that came today, and is answered within a week."""
    now = timezone.localtime()
    usual = {
        "code_direction": "incoming",
        "code_channel": "paper",
        "code_purpose": "investigation",
        "code_received_at": now,
        "code_due": now + ANSWERED_WITHIN,
    }
    to = given.get("to", "")
    channel = next((row.channel for row in correspondents() if row.party == to), "")
    initial = {**usual, **({"code_channel": channel} if channel else {})}
    return Start(partners=(to,) if to else (), blocks=("narrative/message",), initial=initial)


def _from_draft(officer: Officer, kind_name: str, draft_id: str) -> Start:
    draft = get_draft_for(officer, draft_id)
    intent = Intent.from_json(draft.intent)
    if draft.officer != officer.reference or draft.kind != kind_name or intent.dossier:
        raise Rejected("dossier.draft_not_found", draft=draft_id[:40])
    written = [one for one in map(_block_of, intent.parts) if one is not None]
    initial: dict[str, Any] = {
        "title": intent.title,
        "reference": intent.reference,
        "accord": intent.accord,
        "issues": list(intent.issues),
        "assurances": ["/".join(pair) for pair in intent.assurances],
        **{f"code_{name}": _code(value) for name, value in intent.codes.items()},
        **{f"b{place}_{name}": value for place, (_name, told) in enumerate(written) for name, value in told.items()},
    }
    if intent.parts:
        initial |= _conditions(intent.parts[0])
    return Start(
        partners=intent.participants,
        cites=intent.cites,
        continues=intent.continues,
        blocks=tuple(name for name, _told in written),
        is_fixed=bool(intent.cites),
        initial=initial,
        draft=draft_id,
    )


def _code(value: Any) -> Any:
    if isinstance(value, str) and len(value) == 24 and value.endswith("Z"):
        return timezone.localtime(parse_time(value))
    return value


def _conditions(part: Part) -> dict[str, Any]:
    """The conditions that a form put on all of its parts, read from one of them."""
    return {
        "level": part.marking.level,
        "handling": sorted(part.marking.handling),
        "tlp": part.marking.tlp or "",
        "handling_note": part.handling_note or "",
        **({"language": part.language} if part.language else {}),
    }


def _block_of(part: Part) -> tuple[str, dict[str, Any]] | None:
    """The block that made a part, and what was written into it; None for a part that no block makes."""
    told: dict[str, Any] = {}
    if part.grading is not None:
        told = {
            f"grade_{axis}": f"{part.grading.scheme}:{getattr(part.grading, axis)}"
            for axis in ("source", "information")
        }
    content = part.content
    if part.type == "narrative":
        return f"narrative/{content['topic']}", {**told, "text": content["text"]}
    if part.type == "subject":
        told |= {name: "\n".join(values) for name, values in content["properties"].items()}
        return f"subject/{content['schema']}", {**told, "category": part.category or "", "flags": list(part.flags)}
    if part.type == "location":
        degrees = {
            n: content[f"{n}_e7"] / 10**7 for n in ("latitude", "longitude") if content.get(f"{n}_e7") is not None
        }
        return "location", {**told, **degrees, "place": content.get("name") or ""}
    return None
