"""What blind questions cost beside openmined-psi, on the same records in one run: set-up, one question, a list, and bytes.

    python -m bench.blind.cost [--records 20000] [--questions 100] [--large 6000000]

*Set-up* makes every record's keys, evaluates them (``engine.blind.many``, as the node does) and makes the filter; beside it the bare cost of the
group operations that the same keys need (hash to the group, one multiplication). Both once in one process by processor time, which other
work on the machine does not change, and once on all processors by the clock. *One question* is a person with a name, a date and a
document: blinding, evaluation with its proof, check, unblinding and look-up in a filter of ``--large`` marks (uniform ones, as the real ones
are); *a list* is a full batch of 1,024 keys. openmined-psi does the same with exact keys and no proof; its set-up message is a Golomb-coded set
at the same false-hit rate. Needs ``pip install openmined-psi`` (dependency group ``bench``).
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context

import numpy as np

from tansiq.engine.blind import batches, filters, group, many, oprf
from tansiq.engine.blind.keys import question_keys, record_keys
from tansiq.engine.blind.oprf import Mode
from tansiq.engine.envelopes import age, bodies, sealing
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.formats.ids import b64encode, new_id

DST = b"HashToGroup-bench"


def records(count: int) -> list[bytes]:
    """The keys of invented people."""
    keys: list[bytes] = []
    for number in range(count):
        name = f"Invented{number % 9973:x} Person{number % 7919:x}"
        born = f"{1950 + number % 50}-{1 + number % 12:02}-{2 + number % 27:02}"
        found = record_keys([name], [born], [("passport", f"X{number:08}")])
        keys += [key.encode() for listed in found.values() for key in listed]
    return keys


def bare(keys: list[bytes], secret: bytes) -> int:
    """The group operations that every key needs at least."""
    for key in keys:
        group.multiply(secret, group.hash_to_element(key, DST))
    return len(keys)


def bare_spread(keys: list[bytes], secret: bytes) -> None:
    """The same on all processors, without anything else."""
    slices = [keys[at : at + 1000] for at in range(0, len(keys), 1000)]
    context = get_context("forkserver")
    context.set_forkserver_preload([many.__name__, __name__])
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        list(pool.map(bare, slices, [secret] * len(slices)))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of this process's processor."""
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - cpu


def main() -> None:
    """Run it and print what came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--large", type=int, default=6_000_000)
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    pair = oprf.generate_key_pair(os.urandom)
    keys = set_up(given.records, pair)
    question(given.questions, given.large, pair)
    peer(keys, given.questions)


def set_up(count: int, pair: oprf.KeyPair) -> list[bytes]:
    """Make a register ready, and beside it the bare group operations."""
    few = records(max(1, 2000 * count // 20_000))
    rounds = [
        (
            timed(lambda: bare(few, pair.secret))[1],
            timed(lambda: filters.build([oprf.compute(pair, key, mode=Mode.VOPRF) for key in few]).to_bytes())[1],
        )
        for _ in range(5)
    ]
    least, ours = (min(column) for column in zip(*rounds, strict=True))
    print(
        f"set-up of {len(few)} keys in one process: {ours:.2f} s, {ours / least:.2f} of the bare {least:.2f} s (processor)"
    )
    keys: list[bytes] = []
    made: list[filters.Filter] = []
    keys_clock, _ = timed(lambda: keys.extend(records(count)))
    least, _ = timed(lambda: bare_spread(keys, pair.secret))
    ours, _ = timed(lambda: made.append(filters.build(many.compute_all(pair, keys, mode=Mode.VOPRF))))
    whole = keys_clock + ours
    print(
        f"set-up of {count} records, {len(keys)} keys, on all processors: {whole:.2f} s ({keys_clock:.2f} s of it making keys), "
        f"{whole / least:.2f} of the bare {least:.2f} s (clock); filter {len(made[0].to_bytes()) / len(made[0]):.2f} bytes a distinct key"
    )
    return keys


def question(count: int, large: int, pair: oprf.KeyPair) -> None:
    """One question against a filter of ``large`` marks, and a full batch of a list."""
    bits = filters.bucket_bits_for(large)
    marks = np.unique(np.frombuffer(os.urandom(8 * large), dtype=np.uint64) >> np.uint64(64 - bits - 40))
    held = filters.Filter(bits, marks)
    keys = question_keys(
        ["يوسف الزياني"], ["1984-03-17"], [("passport", "XK4471902")], families=("identifier", "pair_day", "word_day")
    )
    inputs = [key.encode() for listed in keys.values() for key in listed]
    clock, cpu, size = asked(inputs, held, pair, count)
    print(
        f"one question of {len(inputs)} keys in a batch of {size}, filter of {len(marks)} marks: p50 {clock:.1f} ms, "
        f"processor {cpu:.1f} ms; {32 * size} bytes out, {32 * size + 64} back; "
        f"in an envelope {envelope(size)} out, {envelope(size, answer=True)} back"
    )
    many_inputs = [b"%d" % number for number in range(batches.LARGEST_STEP)]
    clock, cpu, size = asked(many_inputs, held, pair, max(3, count // 20))
    print(f"a full batch of a list, {size} keys: p50 {clock:.0f} ms, processor {cpu:.0f} ms for both sides")


def asked(inputs: list[bytes], held: filters.Filter, pair: oprf.KeyPair, count: int) -> tuple[float, float, int]:
    """Median milliseconds by the clock, mean ones of the processor, and the batch's size."""
    times, size, begin_cpu = [], 0, time.process_time()
    for _ in range(count):
        begin = time.perf_counter()
        batch = batches.prepare(inputs, mode=Mode.VOPRF, random=os.urandom)
        answer = oprf.evaluate(pair, batch.elements, mode=Mode.VOPRF, random=os.urandom)
        held.find(batch.finalize(answer, public=pair.public))
        times.append((time.perf_counter() - begin) * 1000)
        size = len(batch.elements)
    return statistics.median(times), 1000 * (time.process_time() - begin_cpu) / count, size


def envelope(size: int, *, answer: bool = False) -> int:
    """Bytes of the envelope that carries so many elements, whole: manifest, post-quantum key exchange, padding."""
    told = {"v": 1, "query": "0" * 36, "epoch": 1, "elements": b64encode(os.urandom(32 * size))}
    told |= {"proof": b64encode(os.urandom(64))} if answer else {"families": ["identifier", "pair_day", "word_day"]}
    now = datetime.now(UTC)
    sealed = sealing.seal(
        bodies.Body((bodies.Item("blind_answer" if answer else "blind_query", told),)).to_bytes(),
        envelope_id=new_id(now, os.urandom),
        sender="fr",
        recipient="ma",
        incarnation=1,
        sequence=1,
        previous_manifest_digest=None,
        created_at=now,
        expires_at=now + timedelta(days=30),
        mailbox=age.HybridIdentity.generate(os.urandom).recipient(),
        node_signer=Ed25519Signer.generate(os.urandom),
    )
    return len(sealed.to_bytes())


def peer(keys: list[bytes], count: int) -> None:
    """The same keys through openmined-psi."""
    try:
        import private_set_intersection.python as psi
    except ImportError:
        print("openmined-psi is not installed; left out")
        return
    server, client = psi.server.CreateWithNewKey(True), psi.client.CreateWithNewKey(True)
    texts = [key.decode() for key in keys]
    made: list = []  # type: ignore[type-arg]
    _, cpu = timed(lambda: made.append(server.CreateSetupMessage(2.0**-40, 1, texts, psi.DataStructure.GCS)))
    setup = made[0]
    each = 1e6 * cpu / len(keys)
    print(
        f"openmined-psi: set-up of the same {len(keys)} keys {cpu:.2f} s of one processor ({each:.0f} µs a key), "
        f"{setup.ByteSize() / len(set(keys)):.2f} bytes a distinct key"
    )
    times, begin_cpu, sent, got, rounds = [], time.process_time(), 0, 0, min(count, 20)
    for number in range(rounds):
        begin = time.perf_counter()
        request = client.CreateRequest(texts[number * 12 : number * 12 + 12])
        answer = server.ProcessRequest(request)
        client.GetIntersection(setup, answer)
        times.append((time.perf_counter() - begin) * 1000)
        sent, got = request.ByteSize(), answer.ByteSize()
    cpu = 1000 * (time.process_time() - begin_cpu) / rounds
    print(
        f"openmined-psi: one question of 12 keys, no proof: p50 {statistics.median(times):.1f} ms, processor {cpu:.1f} ms "
        f"(it reads its set-up of {len(set(keys))} keys anew each time); {sent} bytes out, {got} back"
    )


if __name__ == "__main__":
    main()
