"""Plans in the browser: a place drawn by keyboard and by mouse, two plans that meet, and what becomes of them; in Arabic and French."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page

from tansiq.demo.browser import Person
from tansiq.demo.chapters import plans
from tansiq.demo.nodes import wait_for
from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import At, Dossier, Request, SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


class PlanPage(At):
    """The form in which a plan is entered."""

    def begin(self, **told: str) -> None:
        self.open("/plans/new/")
        begins = datetime.now(UTC) + timedelta(hours=30)
        ends = begins + timedelta(hours=3)
        Request(self.page).fill(
            kind="surveillance",
            reference="مراقبة الميناء",
            begins=f"{begins:%Y-%m-%dT%H:%M}",
            ends=f"{ends:%Y-%m-%dT%H:%M}",
            **told,
        )
        self.page.wait_for_selector(".map[data-ready=yes]")

    @property
    def lines(self) -> list[str]:
        """The coordinates as they would be sent."""
        return self.page.input_value("[name=points]").split("\n") if self.page.input_value("[name=points]") else []

    def wait_until_told(self, count: int) -> None:
        """Until the page says the place in words: so many points, drawn as handles."""
        self.page.wait_for_function(
            """(count) => JSON.parse(document.querySelector(".map-told [data-place]").dataset.place).points.length === count
              && document.querySelectorAll(".map-point").length === count""",
            arg=count,
        )

    def keep(self) -> None:
        self.page.wait_for_url("**/plans/*-*/")
        self.page.wait_for_selector(".map[data-ready=yes]")


def test_a_place_is_drawn_and_a_plan_kept_by_keyboard_alone(page: Page, looking: Looking) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    looking.at_width(WIDE)
    page.emulate_media(reduced_motion="reduce")
    form = PlanPage(page)
    form.begin()
    page.focus("[name=shape]:checked")
    page.keyboard.press("ArrowDown")
    assert page.input_value("[name=shape]:checked") == "route"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.classList.contains('map')")
    page.keyboard.press("Enter")
    page.keyboard.press("Backspace")
    assert form.lines == []
    for press in ("Enter", "+", "ArrowRight", "Enter", "ArrowDown", "Enter"):
        page.keyboard.press(press)
    form.wait_until_told(3)
    assert len(set(form.lines)) == 3
    settled(page)
    looking.picture("ar-plan-keyboard")
    looking.check()
    page.focus("[name=points]")
    page.keyboard.press("Control+a")
    page.keyboard.type("35°45'34\"N 5°50'02\"W\n٣٥٫٧٧، -٥٫٨١")
    page.keyboard.press("Tab")
    form.wait_until_told(2)
    page.focus("[name=reference]")
    page.keyboard.press("Enter")
    form.keep()
    settled(page)
    looking.picture("ar-plan")
    looking.check()


def test_a_place_is_drawn_by_touch_and_what_each_side_learns_is_said_first(page: Page, looking: Looking) -> None:
    sign_in = SignIn(page)
    sign_in.sign_in("nadia", PASSWORD)
    sign_in.choose_language("fr")
    try:
        looking.at_width(NARROW)
        page.goto("/plans/")
        looking.check()
        form = PlanPage(page)
        form.begin()
        page.check("[name=shape][value=area]")
        box = page.locator(".map").bounding_box()
        assert box
        for count, (x, y) in enumerate(((90, 90), (200, 90), (200, 200), (120, 160)), 1):
            page.locator(".map").click(position={"x": x, "y": y})
            assert len(form.lines) == count
        page.click("[data-map=undo]")
        form.wait_until_told(3)
        page.click("[data-map=clear]")
        form.wait_until_told(0)
        page.fill("[name=points]", "35.7595, -5.8340\n35.7595, -5.8300\n35.7620, -5.8300")
        page.press("[name=points]", "Tab")
        form.wait_until_told(3)
        handle = page.locator(".map-point").first
        handle.scroll_into_view_if_needed()
        handle.drag_to(page.locator(".map"), target_position={"x": 60, "y": 220})
        page.wait_for_function("!document.querySelector('[name=points]').value.startsWith('35.759500, -5.834000')")
        form.wait_until_told(3)
        page.click("button[name=do][value=check]")
        page.wait_for_selector("#considered li")
        page.wait_for_selector(".map[data-ready=yes]")
        settled(page)
        looking.picture("fr-plan-form-390")
        looking.check()
        page.click(".plan-acts .btn-primary")
        form.keep()
        settled(page)
        looking.picture("fr-plan-390")
        looking.check()
    finally:
        sign_in.choose_language("ar")


@pytest.fixture(scope="module")
def met(nodes: Federation) -> str:
    """Two plans in one street tonight, one in France and one in Morocco; the dossier of their meeting."""
    claire, nadia = (Person(nodes.fr.url, "claire", PASSWORD), Person(nodes.ma.url, "nadia", PASSWORD))
    told: dict[str, Any] = {"kind": "operation", "phone": "+33 1 99 00 00 11"}
    page = plans.enter(claire, reference=plans.FRENCH, points=plans.STREET, hours=12, **told)
    # Plans of other tests may lie in the wider area; and Claire reads Arabic or French, as the test before left her.
    answers = (
        "Rien de ce partenaire",
        "rien à ce lieu et à cette heure",
        "لا شيء لدى هذا الشريك يتعارض مع الخطة",
        "لا شيء في هذا المكان والوقت",
    )
    wait_for("Morocco's answer", lambda: any(one in claire.open(page).text for one in answers), seconds=60, every=1)
    plans.enter(nadia, reference="عملية المقهى", points=plans.BESIDE, hours=14, **told)
    both = wait_for("the meeting", lambda: plans.met_by(claire) & plans.met_by(nadia), seconds=60)
    return str(next(iter(both)))


def test_who_to_call_stands_first_then_consent_and_an_outcome(
    page: Page, nodes: Federation, looking: Looking, met: str
) -> None:
    claire = Person(nodes.fr.url, "claire", PASSWORD)
    SignIn(page).sign_in("nadia", PASSWORD)
    here = Dossier(page)
    for language in ("fr", "ar"):
        SignIn(page).choose_language(language)
        for width in (NARROW, WIDE):
            looking.at_width(width)
            for path in ("/plans/", "/plans/conflicts/", "/plans/asked/", f"/dossiers/{met}/"):
                page.goto(path)
                settled(page)
                looking.picture(f"{language}-{path.strip('/').replace('/', '-')[:16]}-{width}")
                looking.check()
    assert page.locator(".meeting a[href^='tel:']").count() == 2
    assert plans.FRENCH not in page.content()
    for act in ("acknowledge", "consent"):
        here.wait_for_act(act, f"/dossiers/{met}/")
        here.begin(act)
        page.click("button[name=do][value=send]")
        page.wait_for_url("**/dossiers/*/")
        plans.act(claire, met, act)
    here.wait_for_act("disclose", f"/dossiers/{met}/")
    plans.say(claire, met, "propose", plans.REASON, language="fr", code_outcome="joint")
    here.wait_for_act("agree", f"/dossiers/{met}/")
    here.begin("agree")
    assert page.input_value("[name=code_proposal]"), "the one proposal is chosen already"
    page.wait_for_selector("#considered .considered")
    with page.expect_response("**/acts/agree/"):  # else the check of the choice may reach the node after the act itself
        page.select_option("[name=code_outcome]", "joint")
    settled(page)
    looking.picture("ar-agree")
    looking.check()
    page.click("button[name=do][value=send]")
    page.wait_for_url("**/dossiers/*/")
    settled(page)
    looking.picture("ar-resolved")
    looking.check()
    page.goto("/plans/conflicts/?state=all")
    assert page.locator("tbody .status-good").count() == 1
