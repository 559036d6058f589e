"""Files: brought in pieces by a script, and opened by whoever may. Sealing, limits and rights are asked in ``flows``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST

from tansiq.engine.errors import Conflict, Refused, Rejected, TansiqError, Unavailable
from tansiq.node.exchange import blobs
from tansiq.node.flows import attaching, file_uses
from tansiq.node.web.access import for_officers
from tansiq.node.web.languages import language_now
from tansiq.node.web.streaming import streamed
from tansiq.node.wording import explain

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.exchange.models import Upload

STATUS: dict[type[TansiqError], int] = {Rejected: 422, Refused: 403, Conflict: 409, Unavailable: 503}
CHUNKS_AT_ONCE = 16


def for_scripts(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """An error of the tree as JSON: its code, its facts, and the sentence that the script shows."""

    @wraps(view)
    def run(*args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(*args, **kwargs)
        except TansiqError as error:
            told = {"code": error.code, "facts": error.facts, "sentence": explain(error, language_now())}
            return JsonResponse(told, status=next((s for kind, s in STATUS.items() if isinstance(error, kind)), 500))

    return run


@require_POST
@for_officers
@for_scripts
def begin(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """POST files/: begin to bring a file; the answer says under which id, where to begin, and how much at once."""
    told = {name: request.POST.get(name, "") for name in ("name", "size", "type")}
    if not (told["size"].isascii() and told["size"].isdecimal() and len(told["size"]) < 17):
        raise Rejected("file.piece", at="/size", limit=0)
    row = attaching.begin(officer, told["name"], int(told["size"]), told["type"], now=now)
    if not row.size:
        row = attaching.finish(officer, str(row.upload_id), now=now)
    return _standing(row)


@require_http_methods(["GET", "POST"])
@for_officers
@for_scripts
def piece(request: HttpRequest, officer: Officer, now: datetime, upload_id: str) -> HttpResponse:
    """GET files/<id>/ says where to go on; POST with ``?offset=`` takes the next piece, and with the last one the file is whole."""
    row = blobs.get_upload(officer.reference, upload_id)
    if request.method == "POST" and not row.blob:
        offset = request.GET.get("offset", "")
        if not (offset.isascii() and offset.isdecimal() and len(offset) < 17):
            raise Rejected("file.piece", at="/offset", limit=attaching.PIECE)
        row = attaching.put(officer, upload_id, int(offset), request.body, now=now)
    if not row.blob and attaching.expected(row) >= row.size:
        row = attaching.finish(officer, upload_id, now=now)
    return _standing(row)


def _standing(row: Upload) -> HttpResponse:
    offset = row.size if row.blob else attaching.expected(row)
    told = {"upload": str(row.upload_id), "name": row.told["name"], "type": row.told["media_type"], "size": row.size}
    return JsonResponse({**told, "offset": offset, "piece": attaching.PIECE, "whole": bool(row.blob)})


@require_POST
@for_officers
def download(
    request: HttpRequest, officer: Officer, now: datetime, dossier_id: str, entry_id: str, index: int
) -> StreamingHttpResponse:
    """The file of one part, for the use that the button names. A POST: every opening is audited, and none happens by looking ahead."""
    use = request.POST.get("use", "read")
    found = file_uses.open_file(officer, dossier_id, entry_id, index, use=use, now=now)
    # Whatever it is called, no browser is to show or run it here.
    response = StreamingHttpResponse(streamed(request, _joined(found.plain())), content_type="application/octet-stream")
    response["Content-Length"] = str(found.told.size)
    name = attaching.clean_name(found.told.name)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A mebibyte at once: each crossing between threads costs more than a chunk."""
    held: list[bytes] = []
    for one in pieces:
        held.append(one)
        if len(held) == CHUNKS_AT_ONCE:
            yield b"".join(held)
            held = []
    if held:
        yield b"".join(held)
