"""Partners that do not come to an end."""

from __future__ import annotations

from tansiq.conformance.stage import Stage
from tansiq.conformance.verdicts import NotApplicable, check

STUCK = 40


@check("ENV-30")
def stops_in_the_middle(stage: Stage) -> None:
    """Forty connections stand still in the middle of an envelope; the other partner's is accepted meanwhile."""
    if not stage.line.is_network:
        raise NotApplicable("there is no network between the kit and the node")
    raw = stage.a.seal((), stage.clock()).to_bytes()
    with stage.line.stuck(raw, count=STUCK):
        stage.take(stage.b)
