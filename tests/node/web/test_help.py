"""Help on every page, in every language, and all of it on one page."""

from __future__ import annotations

import re

import pytest
from django.urls import URLPattern
from django.utils import translation
from django.utils.translation import gettext

from tansiq.node.web.help import FOLDER, SAME, topic_of, topics
from tansiq.node.web.urls import urlpatterns
from tests.node.web.test_pages import signed_in
from tests.node.world import World

LOCALES = FOLDER.parent / "locale"
LANGUAGES = ("ar", "en", "fa", "fr", "it")
NAMES = sorted(p.name for p in urlpatterns if isinstance(p, URLPattern) and p.name)
NO_PAGE = {"language", "styleguide"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_has_a_topic_and_every_topic_a_page(language: str) -> None:
    found = {name: topic_of(name, language) for name in NAMES if name not in NO_PAGE}
    assert [name for name, topic in found.items() if topic is None] == []
    assert {topic.name for topic in found.values() if topic} == {one.name for one in topics(language)}


def test_languages_say_the_same_things() -> None:
    shapes = {language: [(one.name, len(one.steps)) for one in topics(language)] for language in LANGUAGES}
    assert len({str(shape) for shape in shapes.values()}) == 1
    for language in LANGUAGES:
        for one in topics(language):
            assert all([one.title, one.purpose, *one.steps]), (language, one.name)
            assert len(one.purpose) < 160, "a sentence or two"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_help_names_stands_on_a_page(language: str) -> None:
    catalogue = (LOCALES / language / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")
    text = (FOLDER / f"{language}.json").read_text(encoding="utf-8")
    named = re.findall(r"\*([^*]+)\*", text)
    assert len(named) >= 7
    assert [one for one in named if f'msgid "{one}"' not in catalogue] == []
    with translation.override(language):
        assert [one for one in named if gettext(one) == one and language != "en"] == []
    assert "*" not in "".join(str(step) for one in topics(language) for step in one.steps)


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_written_in_their_language(language: str) -> None:
    told = " ".join(" ".join([one.title, one.purpose, *one.steps]) for one in topics(language))
    letters = re.sub(r"[^\w]|\d|_", "", told.replace("tansiq officer add", "").replace("<b>", "").replace("</b>", ""))
    arabic = len(re.findall("[\u0600-\u06ff]", letters))
    assert arabic == len(letters) if language in ("ar", "fa") else arabic == 0


def test_the_longest_beginning_of_a_name_counts() -> None:
    told = {name: getattr(topic_of(name, "en"), "name", None) for name in ("desk_copies_settle", "desk_watch", *SAME)}
    assert told["desk_copies_settle"] == "desk_copies"
    assert told["desk_watch"] == "desk"
    assert {name: told[name] for name in SAME} == SAME
    assert topic_of("account_login", "en") is None


@pytest.mark.django_db
def test_what_stands_on_a_page_is_marked_and_nothing_else_is_markup(world: World) -> None:
    page = signed_in(world, "liaison").get("/search/").content.decode()
    assert 'class="menu guide"' in page
    assert "<b>What will each side learn?</b> shows what" in page
    whole = signed_in(world, "liaison").get("/help/").content.decode()
    assert all(f'id="{one.name}"' in whole for one in topics("en"))
