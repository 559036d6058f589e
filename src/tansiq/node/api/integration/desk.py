"""The desk: what needs somebody, for a machine that shows it elsewhere or does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from tansiq.engine.formats.ids import LANGUAGES
from tansiq.node.api.integration import schemas
from tansiq.node.api.integration.access import account_of
from tansiq.node.desk import actions, queries
from tansiq.node.wording import sentence

if TYPE_CHECKING:
    from tansiq.node.desk.models import Task

router = Router(tags=["desk"])
LIMIT = 200


@router.get("/desk", response=schemas.Desk, summary="What needs this client's unit now")
def tasks(
    request: HttpRequest, after: str = "", limit: int = Query(50, ge=1, le=LIMIT), language: str = "en"
) -> dict[str, Any]:
    """Scope ``desk``. Most urgent first. ``language`` is one of ar, fr, en, it, fa."""
    account = account_of(request, "desk")
    page = queries.list_for(account, now=timezone.now(), limit=limit, after=after or None)
    chosen = language if language in LANGUAGES else "en"
    return {"tasks": [_task(task, chosen) for task in page.tasks], "after": page.after}


@router.post("/desk/done", response=schemas.Task, summary="This task is dealt with")
def done(request: HttpRequest, given: schemas.TaskDone) -> dict[str, Any]:
    """Scope ``desk``. Done already is done; it comes back if something new happens."""
    return _task(actions.mark_done(account_of(request, "desk"), given.task, now=timezone.now()), "en")


def _task(task: Task, language: str) -> dict[str, Any]:
    return {
        "task": task.key,
        "kind": task.kind,
        "code": task.title_code,
        "what": sentence(task.title_code, task.facts, language),
        "link": task.link,
        "urgent": task.urgent,
        "due_at": task.due_at,
        "changed_at": task.changed_at,
    }
