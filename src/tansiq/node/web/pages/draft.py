"""A draft in words: exactly what would be signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tansiq.node.accounts.queries import names_of
from tansiq.node.web import words
from tansiq.node.web.pages.dossier import code_shown, part_shown

if TYPE_CHECKING:
    from tansiq.node.dossiers.models import Draft


def draft_shown(row: Draft, names: Mapping[str, str]) -> dict[str, Any]:
    """What the draft says, who prepared it, whose approval it awaits and by which clause."""
    intent = row.intent
    people = names_of({row.officer, *(approval.officer for approval in row.approvals.all())})
    codes = [
        (words.code_name(row.kind, name), code_shown(row.kind, row.act, name, code))
        for name, code in intent["codes"].items()
    ]
    return {
        "id": str(row.draft_id),
        "kind": row.kind,
        "act": row.act,
        "state": row.state,
        "dossier": intent["dossier"],
        "title": intent["title"],
        "exercise": bool(row.dossier.exercise) if row.dossier else bool(intent.get("exercise")),
        "author": people.get(row.officer, row.officer),
        "recipients": words.named(intent["participants"], names),
        "codes": codes,
        "parts": [part_shown(row.kind, {"erased": False, **part}) for part in intent["parts"]],
        "role": words.officer_role(row.role) if row.role else "",
        "clause": row.clause,
        "digest": row.digest,
        "changed_at": row.changed_at,
        "approvals": [
            {
                "by": people.get(a.officer, a.officer),
                "role": words.officer_role(a.role),
                "at": a.approved_at,
                "holds": a.digest == row.digest,
            }
            for a in row.approvals.all()
        ],
    }
