"""Batches of fixed sizes: how many keys a question holds is not told by how many elements it sends.

A person gives between one and a few dozen keys, and that number would say something about the person (how many names,
documents, telephones are known). So a batch is filled up with blinded random inputs to 16, 32, 64 … 1,024 elements,
and beyond that to a multiple of 1,024. A blinded element is uniform whatever was blinded, so the filling cannot be
told from the rest, by place or by value; its outputs are thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tansiq.engine.blind import oprf
from tansiq.engine.blind.oprf import Blinded, Evaluation, Mode, Random
from tansiq.engine.errors import Rejected

SMALLEST: Final = 16
LARGEST_STEP: Final = 1024
_FILLING_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Batch:
    """A filled-up batch of the asker; the first ``count`` are the real ones."""

    blinded: tuple[Blinded, ...]
    count: int
    mode: Mode

    @property
    def elements(self) -> tuple[bytes, ...]:
        """What is sent."""
        return tuple(one.element for one in self.blinded)

    def finalize(self, evaluation: Evaluation, *, public: bytes | None = None) -> list[bytes]:
        """The outputs of the real inputs, in order; the proof covers the filling too. Raises as ``oprf.finalize``."""
        oprf.check(self.blinded, evaluation, mode=self.mode, public=public)
        real = zip(self.blinded[: self.count], evaluation.elements, strict=False)
        return [oprf.unblind(one, element) for one, element in real]


def size_for(count: int) -> int:
    """The size to which a batch of ``count`` inputs is filled up."""
    if count <= LARGEST_STEP:
        return max(SMALLEST, 1 << max(count - 1, 0).bit_length())
    return -(-count // LARGEST_STEP) * LARGEST_STEP


def prepare(inputs: Sequence[bytes], *, mode: Mode, random: Random) -> Batch:
    """Blind ``inputs`` (at least one) and fill the batch up; raises ``Rejected("blind.batch_size")`` beyond 64,512."""
    size = size_for(len(inputs))
    if not inputs or size > oprf.MAX_BATCH:
        raise Rejected("blind.batch_size", count=len(inputs))
    filling = [random(_FILLING_BYTES) for _ in range(size - len(inputs))]
    blinded = tuple(oprf.blind(value, mode=mode, random=random) for value in [*inputs, *filling])
    return Batch(blinded, len(inputs), mode)
