"""Who is this? A candidate index over names in any script, scores that are probabilities, and the reason for each."""

from tansiq.engine.matching.comparing import compare_subjects
from tansiq.engine.matching.index import Index
from tansiq.engine.matching.subjects import (
    COMMON_ABOVE,
    MAX_MATCHES,
    USUAL_MATCHES,
    Label,
    Labels,
    Match,
    Query,
    Subject,
    band_of,
)
from tansiq.engine.matching.warming import warm

__all__ = [
    "COMMON_ABOVE",
    "MAX_MATCHES",
    "USUAL_MATCHES",
    "Index",
    "Label",
    "Labels",
    "Match",
    "Query",
    "Subject",
    "band_of",
    "compare_subjects",
    "warm",
]
