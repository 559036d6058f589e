"""The documents name and link to what exists, and every word that a screen can show stands in every language."""

from __future__ import annotations

from pathlib import Path

import pytest

from tansiq.engine.dossiers.kind import CONFLICT
from tools import catalogues, docs


def test_the_documents_tell_the_truth_about_this_tree() -> None:
    found = docs.problems()
    assert not found, "\n".join(found)


def test_every_word_stands_in_every_language() -> None:
    found = sorted(catalogues.word_problems())
    assert not found, "\n".join(found)


def test_what_is_wrong_in_a_page_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there.md").write_text("# One heading\n\n## One heading\n\n## `code` and – more\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#one-heading-1) [c](there.md#code-and--more) [d](https://example.org/x)\n"
        "[e](gone.md) ![i](gone.png) [f](there.md#nowhere) `[g](not_a_link.md)`\n\n```\n[h](in_a_fence.md) `src/gone.py`\n```\n"
        "`src/tansiq/engine/errors.py` `flows/act.py` `act.py` `make test` `tansiq desk` `/peer/v1/pull` `a/b`\n"
        "`src/tansiq/gone.py` `gone_entirely.py` `make gone` `tansiq gone` `docs/gone/` `test_gone`\n"
    )
    links = list(docs.link_problems(page))
    assert [line.rpartition(" ")[2] for line in links] == ["nowhere", "nowhere", "#nowhere"]
    assert "gone.md" in links[0]
    assert "gone.png" in links[1]
    names = {line.split("`")[1] for line in docs.name_problems(page)}
    assert names == {"src/tansiq/gone.py", "gone_entirely.py", "make gone", "tansiq gone", "docs/gone/", "test_gone"}


def test_a_generated_page_that_fell_behind_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "states.md"
    monkeypatch.setattr(docs, "generated", lambda: {page: "new"})
    assert list(docs.stale())
    docs.write(docs.generated().items())
    assert not list(docs.stale())


def test_the_drawings_name_every_phase_of_every_kind() -> None:
    text = docs.states_page()
    for rules in docs._kinds():
        section = text.partition(f"## {rules.name}, version {rules.version}")[2].partition("\n## ")[0]
        for phase in set(rules.phases) - {CONFLICT}:
            assert phase in section
        for act in rules.acts:
            assert f"| `{act}` |" in section
