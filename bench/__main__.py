"""Every benchmark in one run, with one report at the end; ``python -m bench.matching`` is the matcher's part of it alone.

python -m bench                 everything at the sizes that the documents quote (an hour and a half on two quiet cores)
python -m bench --quick         everything at small sizes, some ten minutes: shows that it runs
python -m bench --list          what there is, and how long it takes
python -m bench --only delivery blind-cost
"""

from __future__ import annotations

import sys

from bench.matching.__main__ import MATCHING
from bench.running import Measurement, run_all

_FULL = ("data/names/train/wikidata_full_names.tsv",)
NODE = [
    Measurement(
        "delivery",
        "Delivery between two nodes",
        "bench.delivery --entries 400 --seconds 15",
        "bench.delivery --entries 40 --seconds 3",
        1.5,
    ),
    Measurement(
        "attachments",
        "A large file over a line that is cut",
        "bench.attachments --mb 2048 --cuts 5",
        "bench.attachments --mb 32 --cuts 2",
        4.0,
    ),
    Measurement(
        "register",
        "Import and export of the register",
        "bench.register_import --count 60000",
        "bench.register_import --count 2000",
        1.5,
    ),
    Measurement(
        "blind-families",
        "Families of blind keys: recall and strangers",
        "bench.blind.families --records 1000000",
        "bench.blind.families --records 20000 --questions 200",
        4.0,
        _FULL,
    ),
    Measurement(
        "blind-cost", "Blind questions beside openmined-psi", "bench.blind.cost", "bench.blind.cost", 1.0, _FULL
    ),
]


if __name__ == "__main__":
    sys.exit(run_all([*NODE, *MATCHING], doc=__doc__ or "", program="bench"))
