"""Laws of the tree: every size up to a few hundred, every mutation of a proof."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.errors import Corrupt, Rejected
from tansiq.engine.ledger import merkle, tiles
from tests.engine.ledger.trees import leaves_of, mth, reader

LEAVES = leaves_of(300)
NODES = reader(LEAVES)
ROOTS = [mth(LEAVES[:size]) for size in range(len(LEAVES) + 1)]


def test_growing_gives_the_root_the_norm_defines_at_every_size() -> None:
    tree = merkle.Tree()
    for size, leaf in enumerate(LEAVES):
        assert tree.size == size
        assert tree.root() == ROOTS[size]
        assert len(tree.peaks) == size.bit_count()
        tree = tree.append(leaf)
    assert tree == merkle.Tree().extend(LEAVES)


def test_every_leaf_of_every_size_is_proved_included() -> None:
    for size in [*range(1, 70), 127, 128, 129, 255, 256, 257, 300]:
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, NODES)
            merkle.verify_inclusion(index, size, LEAVES[index], proof, ROOTS[size])


def test_every_pair_of_sizes_is_proved_consistent() -> None:
    for new in [*range(1, 70), 128, 129, 255, 256, 257, 300]:
        for old in range(1, new + 1):
            proof = merkle.consistency_proof(old, new, NODES)
            merkle.verify_consistency(old, new, ROOTS[old], ROOTS[new], proof)


def test_every_subtree_is_proved_to_stand_in_every_tree() -> None:
    for size in range(1, 40):
        for start in range(size + 1):
            for end in range(start, size + 1):
                if start % (1 << max(end - start - 1, 0).bit_length()):
                    with pytest.raises(Rejected):
                        merkle.subtree_consistency_proof(start, end, size, NODES)
                    continue
                subtree = mth(LEAVES[start:end])
                assert merkle.subtree_root(start, end, NODES) == subtree
                proof = merkle.subtree_consistency_proof(start, end, size, NODES)
                merkle.verify_subtree_consistency(start, end, size, subtree, ROOTS[size], proof)
                for index in range(start, end):
                    path = merkle.subtree_inclusion_proof(index, start, end, NODES)
                    merkle.verify_subtree_inclusion(index, start, end, LEAVES[index], path, subtree)


def _mutations(proof: list[bytes], at: int, bit: int) -> list[list[bytes]]:
    """Proofs that differ from ``proof`` in one step: a bit, a step more, a step less, two steps swapped."""
    stranger = merkle.leaf_hash(b"stranger")
    changed = [[*proof, stranger], [stranger, *proof], [*proof, b""], [*proof, b"\x00" * 31]]
    if proof:
        at %= len(proof)
        flipped = bytearray(proof[at])
        flipped[bit // 8] ^= 1 << (bit % 8)
        changed += [
            [*proof[:at], bytes(flipped), *proof[at + 1 :]],
            [*proof[:at], *proof[at + 1 :]],
            [*proof[:at], proof[at], *proof[at:]],
            [*proof[:at], proof[at][:-1], *proof[at + 1 :]],
        ]
    if len(proof) > 1:
        changed.append(proof[::-1])
    return changed


@given(st.integers(1, 300), st.integers(0, 299), st.integers(0, 9), st.integers(0, 255))
def test_no_mutated_inclusion_proof_passes(size: int, index: int, at: int, bit: int) -> None:
    index %= size
    proof = merkle.inclusion_proof(index, size, NODES)
    for wrong in _mutations(proof, at, bit):
        with pytest.raises(Rejected):
            merkle.verify_inclusion(index, size, LEAVES[index], wrong, ROOTS[size])
    for other in {index - 1, index + 1, index ^ 1, index ^ 2, size} - {index}:
        with pytest.raises(Rejected):
            merkle.verify_inclusion(other, size, LEAVES[index], proof, ROOTS[size])
    with pytest.raises(Rejected):
        merkle.verify_inclusion(index, size, merkle.leaf_hash(b"stranger"), proof, ROOTS[size])
    with pytest.raises(Rejected):
        merkle.verify_inclusion(index, size, LEAVES[index], proof, ROOTS[size - 1])


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 9), st.integers(0, 255))
def test_no_mutated_consistency_proof_passes(one: int, two: int, at: int, bit: int) -> None:
    old, new = min(one, two), max(one, two)
    proof = merkle.consistency_proof(old, new, NODES)
    for wrong in _mutations(proof, at, bit):
        with pytest.raises(Rejected):
            merkle.verify_consistency(old, new, ROOTS[old], ROOTS[new], wrong)
    if old < new:
        with pytest.raises(Rejected):
            merkle.verify_consistency(old, new, ROOTS[new], ROOTS[old], proof)
        with pytest.raises(Rejected):
            merkle.verify_consistency(new, old, ROOTS[new], ROOTS[old], proof)
    for stranger in (ROOTS[old - 1], ROOTS[new - 1]):
        with pytest.raises(Rejected):
            merkle.verify_consistency(old, new, stranger, ROOTS[new], proof)
        with pytest.raises(Rejected):
            merkle.verify_consistency(old, new, ROOTS[old], stranger, proof)


@given(st.integers(2, 300), st.data())
def test_a_rewritten_leaf_makes_every_later_tree_inconsistent(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new - 1))
    changed = list(LEAVES[:new])
    changed[data.draw(st.integers(0, old - 1))] = merkle.leaf_hash(b"rewritten")
    proof = merkle.consistency_proof(old, new, reader(changed))
    with pytest.raises(Rejected):
        merkle.verify_consistency(old, new, ROOTS[old], mth(changed), proof)


def test_an_empty_tree_has_a_root_and_proves_nothing() -> None:
    assert merkle.Tree().root() == merkle.EMPTY_ROOT == mth([])
    with pytest.raises(Rejected) as caught:
        merkle.verify_consistency(0, 3, merkle.EMPTY_ROOT, ROOTS[3], [])
    assert caught.value.code == "ledger.range_invalid"
    with pytest.raises(Rejected):
        merkle.consistency_proof(0, 3, NODES)
    with pytest.raises(Rejected):
        merkle.inclusion_proof(0, 0, NODES)


@given(st.integers(0, 300))
def test_a_tree_survives_json(size: int) -> None:
    tree = merkle.Tree().extend(LEAVES[:size])
    assert merkle.Tree.from_json(tree.to_json()) == tree


@pytest.mark.parametrize(
    "value",
    [
        None, [], {}, {"size": 1}, {"size": 1, "peaks": []}, {"size": 1, "peaks": ["00"]}, {"size": 1, "peaks": [1]},
        {"size": True, "peaks": ["00" * 32]}, {"size": -1, "peaks": []}, {"size": 1, "peaks": ["AB" * 32]},
        {"size": 1, "peaks": ["zz" * 32]}, {"size": 0, "peaks": ["00" * 32]}, {"size": 2**63, "peaks": ["00" * 32]},
        {"size": 0, "peaks": [], "more": 1},
    ],
)  # fmt: skip
def test_a_malformed_tree_is_refused(value: object) -> None:
    with pytest.raises(Rejected) as caught:
        merkle.Tree.from_json(value)
    assert caught.value.code == "ledger.tree_malformed"


def test_a_leaf_that_is_no_hash_is_refused() -> None:
    with pytest.raises(Rejected) as caught:
        merkle.Tree().append(b"short")
    assert caught.value.code == "ledger.hash_length"


@given(st.lists(st.integers(0, 400), min_size=1, max_size=5))
def test_tiles_grown_in_any_batches_hold_every_node(batches: list[int]) -> None:
    leaves = leaves_of(sum(batches))
    kept: dict[tuple[int, int], bytes] = {}
    tree = merkle.Tree()
    start = 0
    for count in batches:
        tree, grown = tiles.grow(tree, leaves[start : start + count])
        start += count
        for key, more in grown.items():
            kept[key] = kept.get(key, b"") + more
    assert tree.root() == merkle.root_of(leaves)
    assert all(len(tile) <= 256 * 32 for tile in kept.values())
    assert b"".join(kept[0, number] for number in range(-(-len(leaves) // 256))) == b"".join(leaves)
    get_node = tiles.node_reader(lambda level, number: kept[level, number])
    for index in range(0, len(leaves), 97):
        proof = merkle.inclusion_proof(index, len(leaves), get_node)
        merkle.verify_inclusion(index, len(leaves), leaves[index], proof, tree.root())


def test_levels_of_tiles_above_the_second_are_found() -> None:
    count = 65_536 + 300
    leaves = leaves_of(count)
    kept: dict[tuple[int, int], bytes] = {}
    tree, grown = tiles.grow(merkle.Tree(), leaves)
    kept.update(grown)
    assert {level for level, _ in kept} == {0, 1, 2}
    asked: list[tuple[int, int]] = []

    def get_tile(level: int, number: int) -> bytes:
        asked.append((level, number))
        return kept[level, number]

    proof = merkle.consistency_proof(1234, count, tiles.node_reader(get_tile))
    merkle.verify_consistency(1234, count, merkle.root_of(leaves[:1234]), tree.root(), proof)
    assert len(asked) == len(set(asked)) <= 7


def test_a_tile_that_lost_hashes_is_corrupt() -> None:
    _, grown = tiles.grow(merkle.Tree(), LEAVES[:8])
    get_node = tiles.node_reader(lambda level, number: grown[level, number][:-32])
    with pytest.raises(Corrupt) as caught:
        get_node(3, 0)
    assert caught.value.code == "ledger.tile_short"
