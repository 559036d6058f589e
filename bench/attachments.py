"""A large file between two real nodes on this machine, over a line that is cut five times: rate, bytes repeated, and memory.

Everything is on: sealing, signed requests, a tag a chunk, both digests, receipts, audit. Beside it, in the same run, the *bare cost*: the
same bytes sealed, opened and digested twice by one process with nothing around them. The figures to quote are the ratio, and by how
much the most memory of each process grew.

    python -m bench.attachments [--mb 2048] [--cuts 5]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import tempfile
import time
from pathlib import Path

from tansiq.engine.envelopes.age import HybridIdentity
from tansiq.engine.envelopes.age.payload import CHUNK
from tansiq.engine.envelopes.blobs import Chunks
from tests.system.attached import MB, pair


def main() -> None:
    """Run it and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mb", type=int, default=2048)
    parser.add_argument("--cuts", type=int, default=5)
    given = parser.parse_args()
    size = given.mb * MB
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    bare = bare_cost(min(size, 256 * MB))
    with tempfile.TemporaryDirectory() as folder, pair(Path(folder)) as both:
        small, _ = both.send(MB)
        both.follow(small, seconds=120)
        before, start = both.peaks(), both.line.carried
        begin = time.monotonic()
        dossier, told = both.send(size)
        sealed = time.monotonic() - begin
        step = size // (given.cuts + 1)
        both.line.cuts = [both.line.carried + step * (n + 1) for n in range(given.cuts)]
        took = both.follow(dossier, seconds=3600)
        assert both.drivers["ma"]("opened", officer="liaison", dossier=dossier) == told["digest"]
        after, carried = both.peaks(), both.line.carried - start
        print(f"file {given.mb} MB, line cut {len(both.line.cut_at)} times")
        print(f"sealed and read back at the sender     {given.mb / sealed:8.1f} MB/s")
        print(f"carried, verified and receipted        {given.mb / took:8.1f} MB/s")
        print(f"bare cost of the same bytes            {bare:8.1f} MB/s")
        print(f"sustained, of the bare cost            {given.mb / took / bare:8.2f}")
        print(f"bytes on the line, of the sealed file  {carried / told['blob_size']:8.3f}")
        for name, peak in sorted(after.items()):
            print(f"peak memory {name:12} {before.get(name, 0):6} MB before, {peak:6} MB after")


def bare_cost(size: int) -> float:
    """MB per second of the least that must happen: seal, open, digest the sealed bytes, open again and digest both sides."""
    block = os.urandom(CHUNK)
    chunks, _ = Chunks.begin(HybridIdentity.generate(), size)
    begin = time.monotonic()
    outside, inside = hashlib.sha256(), hashlib.sha256()
    for number in range(chunks.layout.chunks):
        raw = chunks.seal(number, block)
        chunks.open(number, raw)
        plain = chunks.open(number, raw)
        outside.update(raw)
        inside.update(plain)
    return size / MB / (time.monotonic() - begin)


if __name__ == "__main__":
    main()
