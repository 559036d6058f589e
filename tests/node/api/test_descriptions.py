"""What the integration API says of itself holds: whatever is sent, it answers as its OpenAPI describes, and never with a defect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tansiq.node.clients import actions as clients
from tests.node.world import NOW, World

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SCOPES = ["check", "search", "desk", "dossiers", "drafts", "register.read", "register.write"]


@pytest.fixture
def served(world: World) -> Iterator[Any]:
    """The node as a WSGI application; as in Django's own client, a request does not close the test's connection."""
    world.accord("ma")  # first: that client connects the signals again
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_every_operation_answers_as_described(world: World, served: Any) -> None:
    token = clients.add(
        "any", "Any", unit="ops", scopes=SCOPES, per_minute=60_000, actor="administrator", now=NOW
    ).token
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", served)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 13

    for operation in operations:

        @settings(
            max_examples=12,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers(case: Any) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

        answers()
