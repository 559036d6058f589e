"""What a test looks at besides words: pictures, accessibility (axe), and that nothing sticks out of the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parent / "vendor/axe.min.js"
NARROW, WIDE = 390, 1366
AXE_RUN = """() => window.axe.run(document, {resultTypes: ["violations"],
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})"""


@dataclass(frozen=True)
class Looking:
    """The eyes of one test on one page."""

    page: Page
    folder: Path | None
    name: str

    def at_width(self, width: int) -> Looking:
        self.page.set_viewport_size({"width": width, "height": 900 if width >= 800 else 844})
        return self

    def picture(self, called: str) -> None:
        """Keep a picture of the whole page, when a folder was named."""
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(self.folder / f"{called}.png"), full_page=True)

    def axe_findings(self) -> list[str]:
        """Every accessibility rule that the page breaks, with the elements that break it."""
        # Evaluated in the page's own world; the content security policy governs the page's scripts, not the debugger's.
        self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = self.page.evaluate(AXE_RUN)
        return [
            f"{rule['id']} ({rule['impact']}): {rule['help']}: "
            + "; ".join(node["html"][:160] for node in rule["nodes"][:4])
            for rule in found["violations"]
        ]

    def sticking_out(self) -> list[str]:
        """Elements wider than the page that do not scroll by themselves (a page must never scroll sideways)."""
        found: list[str] = self.page.evaluate(
            """() => {
              const root = document.documentElement, width = root.clientWidth;
              if (root.scrollWidth <= width) return [];
              const sizes = `${root.scrollWidth} on ${width} of ${window.innerWidth}, scrolled by ${window.scrollX}`;
              const out = [...document.querySelectorAll("body *")].filter((one) => {
                const box = one.getBoundingClientRect();
                const scrolls = one.closest(".table-box, .places, .skip, pre, details:not([open]) > :not(summary)");
                return (box.right > width + 1 || box.left < -1) && box.width > 0 && !scrolls;
              }).slice(0, 5).map((one) => {
                const box = one.getBoundingClientRect();
                return `${box.left} to ${box.right}: ${one.outerHTML.slice(0, 120)}`;
              });
              return [sizes, ...out];
            }"""
        )
        return found

    def check(self) -> None:
        """Nothing sticks out and axe finds nothing."""
        self.page.wait_for_load_state("load")  # an element can be there before the style sheets are
        for found in (self.sticking_out(), self.axe_findings()):
            assert not found, "\n".join(found)
