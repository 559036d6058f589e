"""What blind questions cost beside openmined-psi, in one run: set-up, one question, and bytes.

    python -m bench.blind.cost [--records 20000] [--questions 200] [--large 6000000]

*Set-up* evaluates every key of the records and makes the filter; beside it the bare cost of the same group operations (hash to the group,
one multiplication) on as many processes. *One question* is a person with a name, a date and a document: blinding, evaluation with its proof,
check, unblinding and look-up in a filter of ``--large`` marks (uniform marks, as the real ones are). openmined-psi does the same with exact
keys and no proof; its set-up message is a Golomb-coded set. Needs ``pip install openmined-psi`` (dependency group ``bench``).
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from tansiq.engine.blind import batches, filters, group, oprf
from tansiq.engine.blind.keys import question_keys, record_keys
from tansiq.engine.blind.oprf import Mode

DST = b"HashToGroup-bench"


def records(count: int) -> list[bytes]:
    """The keys of invented people."""
    keys: list[bytes] = []
    for number in range(count):
        name = f"Invented{number % 9973:x} Person{number % 7919:x}"
        born = f"{1950 + number % 50}-{1 + number % 12:02}-{1 + number % 28:02}"
        found = record_keys([name], [born], [("passport", f"X{number:08}")])
        keys += [key.encode() for listed in found.values() for key in listed]
    return keys


def bare(keys: list[bytes], secret: bytes) -> int:
    """The group operations that every key needs at least."""
    for key in keys:
        group.multiply(secret, group.hash_to_element(key, DST))
    return len(keys)


def outputs(keys: list[bytes], pair: oprf.KeyPair) -> list[bytes]:
    """Every key's output."""
    return [oprf.compute(pair, key, mode=Mode.VOPRF) for key in keys]


def spread(pool: ProcessPoolExecutor, work, keys: list[bytes], extra) -> tuple[float, list]:  # type: ignore[no-untyped-def]
    """Seconds for ``work`` over all keys on the pool, and what came."""
    slices = [keys[at : at + 1000] for at in range(0, len(keys), 1000)]
    begin = time.perf_counter()
    found = list(pool.map(work, slices, [extra] * len(slices)))
    return time.perf_counter() - begin, found


def main() -> None:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--large", type=int, default=6_000_000)
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    keys, pair = records(given.records), oprf.generate_key_pair(os.urandom)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("forkserver")) as pool:
        list(pool.map(bare, [keys[:100]] * 4, [pair.secret] * 4))
        least, _ = spread(pool, bare, keys, pair.secret)
        begin = time.perf_counter()
        _, parts = spread(pool, outputs, keys, pair)
        made = filters.build([output for part in parts for output in part])
        raw = made.to_bytes()
        ours = time.perf_counter() - begin
    print(
        f"set-up of {given.records} records, {len(keys)} keys: {ours:.2f} s, {ours / least:.2f} of the bare {least:.2f} s; "
        f"filter {len(raw) / len(made):.2f} bytes a distinct key"
    )
    question(given.questions, given.large, pair)
    peer(keys, given.questions)


def question(count: int, large: int, pair: oprf.KeyPair) -> None:
    """One question against a filter of ``large`` marks."""
    bits = filters.bucket_bits_for(large)
    marks = np.unique(np.frombuffer(os.urandom(8 * large), dtype=np.uint64) >> np.uint64(64 - bits - 40))
    held = filters.Filter(bits, marks)
    keys = question_keys(
        ["يوسف الزياني"], ["1984-03-17"], [("passport", "XK4471902")], families=("identifier", "pair_day", "word_day")
    )
    inputs = [key.encode() for listed in keys.values() for key in listed]
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        batch = batches.prepare(inputs, mode=Mode.VOPRF, random=os.urandom)
        answer = oprf.evaluate(pair, batch.elements, mode=Mode.VOPRF, random=os.urandom)
        held.find(batch.finalize(answer, public=pair.public))
        times.append((time.perf_counter() - begin) * 1000)
    size = len(batch.elements)
    print(
        f"one question of {len(inputs)} keys in a batch of {size}, filter of {len(marks)} marks: "
        f"p50 {statistics.median(times):.1f} ms, max {max(times):.1f} ms; {32 * size} bytes out, {32 * size + 64} back"
    )


def peer(keys: list[bytes], count: int) -> None:
    """The same keys through openmined-psi."""
    try:
        import private_set_intersection.python as psi
    except ImportError:
        print("openmined-psi is not installed; left out")
        return
    server, client = psi.server.CreateWithNewKey(True), psi.client.CreateWithNewKey(True)
    texts = [key.decode() for key in keys]
    begin = time.perf_counter()
    setup = server.CreateSetupMessage(2.0**-40, 1, texts, psi.DataStructure.GCS)
    made = time.perf_counter() - begin
    print(
        f"openmined-psi: set-up of the same keys {made:.2f} s (one core), {setup.ByteSize() / len(set(keys)):.2f} bytes a distinct key"
    )
    times = []
    for number in range(min(count, 20)):
        asked = texts[number * 12 : number * 12 + 12]
        begin = time.perf_counter()
        answer = server.ProcessRequest(client.CreateRequest(asked))
        client.GetIntersection(setup, answer)
        times.append((time.perf_counter() - begin) * 1000)
    print(
        f"openmined-psi: one question of 12 keys: p50 {statistics.median(times):.1f} ms (the set-up is read anew each time)"
    )


if __name__ == "__main__":
    main()
