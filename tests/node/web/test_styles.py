"""The stylesheet serves both directions, and its colours can be read."""

from __future__ import annotations

import re

import pytest

from tests.shared import ROOT

SHEETS = ROOT / "src/tansiq/node/web/static/web"
TEMPLATES = ROOT / "src/tansiq/node/web/templates"
PHYSICAL = re.compile(
    r"(?:^|[;{\s])(?:(?:margin|padding|border)-(?:left|right)|left|right|float|text-align:\s*(?:left|right)\b)\s*:(?!\s*none)"
)
PAIRS = [
    ("ink", "ground"), ("ink", "sheet"), ("ink-soft", "ground"), ("ink-soft", "sheet"), ("ink-soft", "sunken"),
    ("accent", "sheet"), ("accent", "ground"), ("on-accent", "accent-fill"), ("top-ink", "top"), ("top-soft", "top"),
    ("bad", "bad-wash"), ("bad", "sheet"), ("careful", "careful-wash"), ("careful", "sheet"), ("soon", "soon-wash"),
    ("good", "good-wash"), ("ink", "soon-wash"), ("ink", "bad-wash"), ("ink", "careful-wash"), ("ink", "good-wash"),
]  # fmt: skip


def test_only_logical_properties() -> None:
    for path in SHEETS.glob("*.css"):
        found = PHYSICAL.findall(path.read_text())
        assert not found, f"{path.name}: {found}"


def test_templates_carry_no_style_and_no_handler() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(
            r"\sstyle=|\son[a-z]+=|hx-on|<style|javascript:|<script(?![^>]*\s(?:src=|type=\"application/json\"))", text
        ), path


def _themes() -> dict[str, dict[str, str]]:
    text = (SHEETS / "tansiq.css").read_text()
    light = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", text.split("@media (prefers-color-scheme")[0]))
    dark = dict(
        re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", text.split("@media (prefers-color-scheme")[1].split("}")[0])
    )
    return {"light": light, "dark": light | dark}


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(one * 2 for one in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), PAIRS)
def test_text_has_a_contrast_of_at_least_4_5(theme: str, front: str, back: str) -> None:
    colours = _themes()[theme]
    one, two = sorted((_luminance(colours[front]), _luminance(colours[back])))
    assert (two + 0.05) / (one + 0.05) >= 4.5, (theme, front, back)
