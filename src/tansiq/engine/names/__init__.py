"""Names of people and things in any script: folding, words, romanisation, keys, and birth dates in three calendars."""

from tansiq.engine.names.dates import DateComparison, best_comparison, compare_dates
from tansiq.engine.names.folding import MAX_NAME_CHARACTERS, fold
from tansiq.engine.names.romanise import romanise
from tansiq.engine.names.scripts import Script, script_of
from tansiq.engine.names.tokens import Name, Role, Word, read_name

__all__ = [
    "MAX_NAME_CHARACTERS",
    "DateComparison",
    "Name",
    "Role",
    "Script",
    "Word",
    "best_comparison",
    "compare_dates",
    "fold",
    "read_name",
    "romanise",
    "script_of",
]
