"""Words for codes: what stands above a text is never a bare code."""

from __future__ import annotations

import pytest
from django.utils import translation

from tansiq.node.web import words


@pytest.mark.parametrize("language", ["ar", "fr", "en", "it", "fa"])
def test_a_text_is_headed_by_its_topic_its_act_or_just_as_words(language: str) -> None:
    with translation.override(language):
        assert words.narrative_label("request", "offence") == words.topic_label("request", "offence") != "offence"
        assert words.narrative_label("request", "answer") == words.act_label("request", "answer") != "answer"
        for unnamed in ("facts", "of-a-later-version"):
            assert words.narrative_label("report", unnamed) == words.list_label("part_types", "narrative")
        assert words.narrative_label("unknown-kind", "facts") != "facts"
