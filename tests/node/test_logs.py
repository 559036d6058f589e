"""What processes say of themselves holds neither addresses nor messages: both may quote a case."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, RequestFactory

from tansiq.node.site.logs import Discreet
from tests.node.world import World

CANARY = "Zurvanqahtani"


@pytest.fixture
def heard() -> Iterator[io.StringIO]:
    """Everything that is logged, as the node writes it."""
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(Discreet(settings.LOGGING["formatters"]["line"]["fmt"]))
    root = logging.getLogger()
    root.addHandler(handler)
    yield told
    root.removeHandler(handler)


def test_an_exception_is_told_by_its_class_and_place(heard: io.StringIO) -> None:
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise ValueError(f"no such person: {CANARY}") from error
    except ValueError:
        logging.getLogger("tansiq").exception("it broke")
    told = heard.getvalue()
    assert "ValueError after KeyError" in told
    assert "test_logs.py" in told
    assert CANARY not in told


@pytest.mark.django_db
def test_an_address_is_told_by_the_name_of_its_page(world: World, heard: io.StringIO) -> None:
    page = Client(raise_request_exception=False, enforce_csrf_checks=True)
    assert page.post(f"/dossiers/{CANARY}/", {"q": CANARY}).status_code == 403
    assert "403 at dossiers_show" in heard.getvalue()
    request: Any = RequestFactory().get(f"/search/?q={CANARY}")
    request.resolver_match = type("Match", (), {"view_name": "search"})()
    logging.getLogger("django.request").error(
        "Internal Server Error: %s", request.path, extra={"request": request, "status_code": 500}
    )
    assert "500 at search" in heard.getvalue()
    assert CANARY not in heard.getvalue()


def test_the_node_writes_by_it() -> None:
    from logging.config import dictConfig

    told = settings.LOGGING["formatters"]["line"]
    assert told["()"] == f"{Discreet.__module__}.{Discreet.__name__}"
    dictConfig(
        {**settings.LOGGING, "handlers": {"none": {"class": "logging.NullHandler", "formatter": "line"}}, "root": {}}
    )
