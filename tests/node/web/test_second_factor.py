"""A node that is reached over TLS asks for a second factor before anything else, and its cookies belong to its host alone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def demanding(settings: Any) -> None:
    """As a node in production; the test's own requests are not over TLS."""
    settings.NODE = replace(settings.NODE, https=True, demo=False, escalation_seconds=[60, 180, 600])


@pytest.mark.usefixtures("demanding")
def test_nothing_is_done_before_there_is_one(world: World) -> None:
    page = signed_in(world, "liaison")
    for address in ("/", "/search/", "/dossiers/", "/desk/events"):
        assert page.get(address)["Location"] == "/accounts/2fa/"
    assert page.post("/search/", {"names": "x"}).status_code == 302
    assert page.get("/search/", headers={"hx-request": "true"})["HX-Redirect"] == "/accounts/2fa/"
    assert "asks for a second factor" in text_of(page.get("/accounts/2fa/"))
    assert page.get("/help/").status_code == 200


@pytest.mark.usefixtures("demanding")
@pytest.mark.parametrize(("kind", "is_enough"), [("totp", True), ("webauthn", True), ("recovery_codes", False)])
def test_a_key_or_an_app_is_one_and_recovery_codes_are_none(world: World, kind: str, is_enough: bool) -> None:
    Authenticator.objects.create(user=world.officer("liaison"), type=kind, data={})
    assert (signed_in(world, "liaison").get("/").status_code == 200) is is_enough


@pytest.mark.usefixtures("demanding")
def test_a_node_may_leave_it_to_its_officers(world: World, settings: Any) -> None:
    settings.NODE = replace(settings.NODE, second_factor_optional=True)
    assert signed_in(world, "liaison").get("/").status_code == 200


def test_over_tls_cookies_belong_to_the_host_alone(tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text('node_id = "ma"\nhttps = true\n', encoding="utf-8")
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "LANGUAGE_COOKIE_NAME", "SESSION_COOKIE_SECURE")
    said = f"from tansiq.node.site import settings as s; print(*(getattr(s, name) for name in {names!r}))"
    told = {"TANSIQ_HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", said], env=told, capture_output=True, text=True, check=True)
    *cookies, is_secure = done.stdout.split()
    assert all(name.startswith("__Host-") for name in cookies)
    assert is_secure == "True"


def test_a_visitor_is_told_no_version(world: World) -> None:
    from django.test import Client

    from tansiq.node.web.context import version

    assert version() not in Client().get("/accounts/login/").content.decode()
    assert version() in signed_in(world, "liaison").get("/").content.decode()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "BREW"])
def test_pages_take_no_other_methods(world: World, method: str) -> None:
    for address in ("/", "/search/", "/accounts/login/", "/nowhere/"):
        answer = signed_in(world, "liaison").generic(method, address)
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")
