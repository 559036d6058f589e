"""Steps that several writes of this room take."""

from __future__ import annotations

from datetime import datetime

from tansiq.engine.errors import Rejected
from tansiq.node.accounts.queries import officers
from tansiq.node.desk import actions as desk

MAX_TEXT = 4000


def require_text(text: str, at: str) -> str:
    """The text without space around it; raises Rejected("rights.text")."""
    said = text.strip()
    if not 3 <= len(said) <= MAX_TEXT:
        raise Rejected("rights.text", at=at, limit=MAX_TEXT)
    return said


def lay_on_desks(
    sort: str, row_id: object, *, title_code: str, due_at: datetime, link: str, urgent: bool = False, now: datetime
) -> None:
    """A task ``<sort>/<row>/<officer>`` on the desk of every data-protection officer, in the caller's transaction."""
    for owner in [one.reference for one in officers() if one.is_active and one.has_role("data_protection")]:
        desk.put(
            sort,
            f"{sort}/{row_id}/{owner}",
            title_code=title_code,
            facts={},
            owner=owner,
            due_at=due_at,
            link=link,
            urgent=urgent,
            now=now,
        )
