"""Segments laid together as arrays: what a merge, a build by several processes, and the order on disk rest on.

Nothing is read or encoded anew: words keep their numbers' meanings, names are renumbered, bytes are copied. Subjects
are put in the order of the rarest word of their first name, words in the order of their Latin reading: names that one
question asks for lie side by side, so that a search touches few pages. The order means nothing to any answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tansiq.engine.matching.segment import Arrays, finish
from tansiq.engine.names.compiled import compiled
from tansiq.engine.names.kernels import hash_texts

Bools = npt.NDArray[np.bool_]
_WORD_TEXTS = ("word", "code", "reading")
_WORD_VALUES = ("word_hash", "word_script", "word_role", "word_background", "word_table")


@compiled
def _gather(
    raw: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], order: npt.NDArray[np.int64],
    out: npt.NDArray[np.uint8], out_starts: npt.NDArray[np.int64],
) -> None:  # fmt: skip
    at = 0
    for place in range(order.shape[0]):
        out_starts[place] = at
        for byte in range(starts[order[place]], starts[order[place] + 1]):
            out[at] = raw[byte]
            at += 1
    out_starts[order.shape[0]] = at


@compiled
def _rarest(
    words: npt.NDArray[np.int32], starts: npt.NDArray[np.int64], names: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64], rank: npt.NDArray[np.int64], out: npt.NDArray[np.int64],
) -> None:  # fmt: skip
    """The rank of the rarest word of each of these names (-1: no name, or a name without words)."""
    for k in range(names.shape[0]):
        out[k], least = -1, np.int64(1) << 60
        if names[k] < 0:
            continue
        for at in range(starts[names[k]], starts[names[k] + 1]):
            if counts[words[at]] < least:
                least, out[k] = counts[words[at]], rank[words[at]]


class _Joined:
    """Texts of several sources end to end, from which some are taken in a given order."""

    def __init__(self, sources: Sequence[Arrays], name: str) -> None:
        self.raw = np.concatenate([np.asarray(s[f"{name}_raw"], dtype=np.uint8) for s in sources])
        shifts = np.cumsum([0] + [len(s[f"{name}_raw"]) for s in sources])
        parts = [s[f"{name}_starts"][:-1].astype(np.int64) + shift for s, shift in zip(sources, shifts, strict=False)]
        self.starts = np.concatenate([*parts, [shifts[-1]]]).astype(np.int64)
        self._kind = sources[0][f"{name}_starts"].dtype

    def take(self, order: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.generic]]:
        """The raw bytes and starts of the texts in ``order``."""
        size = int((self.starts[order + 1] - self.starts[order]).sum())
        raw, starts = np.empty(size, dtype=np.uint8), np.empty(len(order) + 1, dtype=np.int64)
        _gather(self.raw, self.starts, order, raw, starts)
        return raw, starts.astype(self._kind)


def _same_words(sources: Sequence[Arrays]) -> tuple[npt.NDArray[np.int64], list[npt.NDArray[np.int32]]]:
    """For each word of the union the place (over all sources end to end) where it stands first, and for each source
    the number that each of its words has in the union.
    """
    numbers: dict[tuple[bytes, int, int], int] = {}
    first: list[int] = []
    renumbered, shift = [], 0
    for source in sources:
        raw, starts = source["word_raw"].tobytes(), source["word_starts"].tolist()
        marks = zip(source["word_script"].tolist(), source["word_role"].tolist(), strict=True)
        mine = np.empty(len(starts) - 1, dtype=np.int32)
        for place, (script, role) in enumerate(marks):
            key = (raw[starts[place] : starts[place + 1]], script, role)
            number = numbers.setdefault(key, len(first))
            if number == len(first):
                first.append(shift + place)
            mine[place] = number
        renumbered.append(mine)
        shift += len(mine)
    return np.array(first, dtype=np.int64), renumbered


def _labels(sources: Sequence[Arrays]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.generic]]:
    """The union of the label sets, and which of them each subject carries."""
    known: dict[str, int] = {}
    carried = []
    for source in sources:
        listed = [json.dumps(labels) for labels in json.loads(bytes(source["label_sets"]))]
        places = np.array([known.setdefault(labels, len(known)) for labels in listed], dtype=np.int64)
        carried.append(places[source["subject_labels"].astype(np.int64)])
    text = f"[{', '.join(known)}]".encode()
    small = np.uint16 if len(known) < 65536 else np.uint32
    return np.frombuffer(text, dtype=np.uint8), np.concatenate(carried).astype(small)


def last_of_each(sources: Sequence[Arrays]) -> list[Bools]:
    """For each source which of its subjects stay when of subjects with one id only the last does."""
    sizes = [len(source["id_starts"]) - 1 for source in sources]
    masks = [np.ones(size, dtype=bool) for size in sizes]
    if len(sources) < 2:
        return masks
    shifts = np.cumsum([0, *sizes])
    hashes = np.concatenate([hash_texts(source["id_raw"], source["id_starts"].astype(np.uint32)) for source in sources])
    order = np.argsort(hashes, kind="stable")
    for place in np.flatnonzero(hashes[order][1:] == hashes[order][:-1]).tolist():
        one, other = int(order[place]), int(order[place + 1])
        if _id_at(sources, shifts, one) == _id_at(sources, shifts, other):
            holder = int(np.searchsorted(shifts, one, "right")) - 1
            masks[holder][one - shifts[holder]] = False
    return masks


def _id_at(sources: Sequence[Arrays], shifts: npt.NDArray[np.int64], subject: int) -> bytes:
    holder = int(np.searchsorted(shifts, subject, "right")) - 1
    raw, starts, own = sources[holder]["id_raw"], sources[holder]["id_starts"], subject - int(shifts[holder])
    return bytes(raw[int(starts[own]) : int(starts[own + 1])])


def combine(sources: Sequence[tuple[Arrays, Bools]]) -> Arrays:
    """One segment's arrays from those of several, each with the subjects it keeps; ids must be distinct among them."""
    arrays = [source for source, _ in sources]
    kept = np.concatenate([mask for _, mask in sources])
    first, renumbered = _same_words(arrays)
    subjects = np.cumsum([0] + [len(mask) for _, mask in sources])
    owner = np.concatenate([a["name_subject"].astype(np.int64) + s for a, s in zip(arrays, subjects, strict=False)])
    word_shift = np.cumsum([0] + [len(a["name_words"]) for a in arrays])
    words = np.concatenate([new[a["name_words"]] for a, new in zip(arrays, renumbered, strict=True)]).astype(np.int32)
    name_starts = np.concatenate(
        [
            *(a["name_starts"][:-1].astype(np.int64) + s for a, s in zip(arrays, word_shift, strict=False)),
            word_shift[-1:],
        ]
    )
    texts = {name: _Joined(arrays, name) for name in ("id", "surface", "extra", *_WORD_TEXTS)}
    readings, reading_starts = texts["reading"].take(first)
    alphabetical = _ranks(readings, reading_starts)
    first_name = np.searchsorted(owner, np.arange(len(kept)))
    has_name = np.bincount(owner, minlength=len(kept)) > 0
    rarest = np.empty(len(kept), dtype=np.int64)
    counts = np.bincount(words, minlength=len(first))
    _rarest(words, name_starts, np.where(has_name, first_name, -1), counts, alphabetical, rarest)
    order = np.argsort(rarest, kind="stable")
    order = order[kept[order]]
    return _laid_out(arrays, texts, order, owner, words, name_starts, first)


def _ranks(raw: npt.NDArray[np.uint8], starts: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """The place of each text in alphabetical order."""
    plain, at = raw.tobytes(), starts.tolist()
    order = sorted(range(len(at) - 1), key=lambda k: plain[at[k] : at[k + 1]])
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def _laid_out(
    arrays: Sequence[Arrays],
    texts: dict[str, _Joined],
    order: npt.NDArray[np.int64],
    owner: npt.NDArray[np.int64],
    words: npt.NDArray[np.int32],
    name_starts: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
) -> Arrays:
    """Subjects in ``order``, their names with them, and the words those names hold."""
    renumbered = np.full(sum(len(a["id_starts"]) - 1 for a in arrays), -1, dtype=np.int64)
    renumbered[order] = np.arange(len(order))
    made: Arrays = {}
    new_owner = renumbered[owner]
    names = np.argsort(new_owner, kind="stable")
    names = names[np.searchsorted(new_owner[names], 0) :]
    lengths = name_starts[names + 1] - name_starts[names]
    starts = np.concatenate(([0], np.cumsum(lengths)))
    spread = np.repeat(name_starts[names] - starts[:-1], lengths) + np.arange(starts[-1])
    flat = words[spread]
    used = np.flatnonzero(np.bincount(flat, minlength=len(first)))
    compact = np.full(len(first), -1, dtype=np.int32)
    compact[used] = np.arange(len(used), dtype=np.int32)
    for name in _WORD_TEXTS:
        made[f"{name}_raw"], made[f"{name}_starts"] = texts[name].take(first[used])
    for name in _WORD_VALUES:
        made[name] = np.concatenate([a[name] for a in arrays])[first[used]]
    for name in ("id", "extra"):
        made[f"{name}_raw"], made[f"{name}_starts"] = texts[name].take(order)
    made["surface_raw"], made["surface_starts"] = texts["surface"].take(names)
    made["name_words"], made["name_starts"] = compact[flat], starts.astype(np.int32)
    made["name_subject"] = new_owner[names].astype(np.int32)
    made["label_sets"], carried = _labels(arrays)
    made["subject_labels"] = carried[order]
    shifts = np.cumsum([0] + [len(a["id_starts"]) - 1 for a in arrays])
    holders = np.concatenate([a["key_subjects"].astype(np.int64) + s for a, s in zip(arrays, shifts, strict=False)])
    hashes = np.concatenate([a["key_hashes"] for a in arrays])
    present = renumbered[holders] >= 0 if len(holders) else np.zeros(0, dtype=bool)
    made["key_hashes"], made["key_subjects"] = hashes[present], renumbered[holders][present].astype(np.int32)
    return finish(made)
