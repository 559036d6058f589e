"""All of ``bench/matching`` with one command, beside the peers, with one report at the end.

python -m bench.matching --list                      what there is, and how long it takes on two quiet cores
python -m bench.matching --quick                     all of it at small sizes: shows that it runs
python -m bench.matching --budget 20 --out report.md what fits into twenty minutes, the most telling first
python -m bench.matching --only linkage-1m spark
"""

from __future__ import annotations

import sys

from bench.running import Measurement, run_all

_FULL = ("data/names/train/wikidata_full_names.tsv", "data/lists/ofac_sdn_2023.csv", "data/names/gallery/negatives_global.csv")  # fmt: skip
_WORDS = (*_FULL, "data/names/train/wd_arabic_80.tsv", "data/names/train/wd_russian_80.tsv", "data/names/train/wd_hebrew_80.tsv")  # fmt: skip
_FEBRL = ("data/febrl/dataset4a.csv", "data/febrl/dataset4b.csv", "data/febrl/dataset3.csv")

MATCHING = [
    Measurement(
        "names",
        "Arabic-script full names among 100,000 Latin names",
        "bench.matching.peers --task wd --part test --seconds 15",
        "bench.matching.peers --task wd --part test --seconds 1 --questions 40",
        2.5,
        _FULL,
    ),
    Measurement(
        "names-1m",
        "The same among 1,000,000 names",
        "bench.matching.peers --task wd --part test --size 1000000 --seconds 15",
        "bench.matching.peers --task wd --part test --size 150000 --seconds 1 --questions 40 --ways tansiq cdist tantivy",
        4.5,
        _FULL,
    ),
    Measurement(
        "un",
        "UN list in original script among its Latin names and 100,000 others",
        "bench.matching.peers --task un --seconds 8",
        "bench.matching.peers --task un --seconds 1 --questions 40",
        1.5,
        (*_FULL, "data/lists/un_consolidated.xml"),
    ),
    Measurement(
        "tokens",
        "Single Arabic words unseen in training, among all Latin words",
        "bench.matching.peers --task tokens --part test --seconds 6",
        "bench.matching.peers --task tokens --part test --seconds 1 --questions 40",
        1.0,
        _WORDS,
    ),
    Measurement(
        "latin",
        "Latin spellings of one Arabic name",
        "bench.matching.peers --task latin --part test --seconds 8",
        "bench.matching.peers --task latin --part test --seconds 1 --questions 40",
        1.5,
        _FULL,
    ),
    Measurement(
        "pairs",
        "Pairs with hard rivals, and nomenklatura's cases",
        "bench.matching.pairs --part test --rivals simple own labelled",
        "bench.matching.pairs --part test --rivals labelled --seconds 1",
        1.0,
        (*_FULL, "data/names/nomenklatura_cases.csv"),
    ),
    Measurement(
        "fairness",
        "Is anybody's name matched worse? By region and length",
        "bench.matching.fairness --part test",
        "bench.matching.fairness --part test --tasks un",
        0.7,
        (*_FULL, "data/lists/un_consolidated.xml"),
    ),
    Measurement(
        "febrl4",
        "Linkage beside splink: FEBRL 4",
        "bench.matching.linkage --task febrl4",
        "bench.matching.linkage --task febrl4",
        0.4,
        _FEBRL,
    ),
    Measurement(
        "febrl3",
        "De-duplication beside splink: FEBRL 3",
        "bench.matching.linkage --task febrl3",
        "bench.matching.linkage --task febrl3",
        0.4,
        _FEBRL,
    ),
    Measurement(
        "screening",
        "A list of 100,000 passengers against 1,000,000 subjects, killed in the middle and resumed",
        "bench.matching.screening --size 1000000 --passengers 100000",
        "bench.matching.screening --size 20000 --passengers 1000",
        4.5,
        _FULL,
    ),
    Measurement(
        "unseen",
        "Words that the letter costs have not seen, beside the peers; full names of them by script",
        "bench.matching.unseen",
        "bench.matching.unseen --languages hebrew --seconds 1",
        4.0,
        _WORDS,
    ),
    Measurement(
        "throughput",
        "Build and questions a second at 1,000,000 names",
        "bench.matching.throughput --size 1000000 --questions 20000 --part test",
        "bench.matching.throughput --size 100000 --questions 400 --part test",
        1.5,
        _FULL,
    ),
    Measurement(
        "ceiling",
        "What the gallery of 1,000,000 leaves to be reached",
        "bench.matching.ceiling --part test --size 1000000",
        "bench.matching.ceiling --part test --size 100000",
        0.7,
        _FULL,
    ),
    Measurement(
        "linkage-1m",
        "Linkage beside splink: 1,000,000 × 1,000,000 invented records",
        "bench.matching.linkage --task invented --size 1000000",
        "bench.matching.linkage --task invented --size 20000",
        12.0,
    ),
    Measurement(
        "spark",
        "The same linkage on one machine and on local clusters of Spark",
        "bench.matching.spark --sizes 5000 50000 --workers 1 2",
        "bench.matching.spark --sizes 1000 --workers 2 --parts 2",
        6.0,
    ),
    Measurement(
        "throughput-10m",
        "Build and questions a second at 10,000,000 names",
        "bench.matching.throughput --size 10000000 --part test",
        "bench.matching.throughput --size 120000 --questions 400 --part test",
        8.0,
        _FULL,
    ),
]


if __name__ == "__main__":
    sys.exit(run_all(MATCHING, doc=__doc__ or "", program="bench.matching"))
