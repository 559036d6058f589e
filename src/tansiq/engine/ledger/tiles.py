"""Where a tree's hashes are kept: tiles of 256, after C2SP tlog-tiles.

Tile ``(0, n)`` holds leaf hashes ``256 n`` to ``256 n + 255``; tile ``(t, n)`` holds the roots of the full tiles
``(t - 1, 256 n)`` and following. Only the last tile of each level is partial and only it ever changes, by growing. Any
perfect node is found in one tile with at most 255 hashes, and a proof in a log of a million leaves touches five.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from tansiq.engine.errors import Corrupt
from tansiq.engine.ledger.merkle import HASH_BYTES, GetNode, Tree, root_of

TILE_LEVELS = 8
TILE_WIDTH = 1 << TILE_LEVELS

TileKey: TypeAlias = tuple[int, int]
GetTile: TypeAlias = Callable[[int, int], bytes]


def grow(tree: Tree, leaves: Iterable[bytes]) -> tuple[Tree, dict[TileKey, bytes]]:
    """The tree with ``leaves`` appended, and the bytes by which each tile ``(level, number)`` grows."""
    grown: dict[TileKey, bytearray] = {}

    def keep(level: int, index: int, value: bytes) -> None:
        if level % TILE_LEVELS == 0:
            grown.setdefault((level // TILE_LEVELS, index // TILE_WIDTH), bytearray()).extend(value)

    tree = tree.extend(leaves, on_node=keep)
    return tree, {key: bytes(value) for key, value in grown.items()}


def node_reader(get_tile: GetTile) -> GetNode:
    """A ``get_node`` for proofs over ``get_tile(level, number) -> bytes``, which is asked once for each tile."""
    kept: dict[TileKey, bytes] = {}

    def get_node(level: int, index: int) -> bytes:
        tile_level, rest = divmod(level, TILE_LEVELS)
        first = index << rest
        key = (tile_level, first // TILE_WIDTH)
        if key not in kept:
            kept[key] = get_tile(*key)
        offset = first % TILE_WIDTH
        hashes = split(kept[key])[offset : offset + (1 << rest)]
        if len(hashes) != 1 << rest:
            raise Corrupt("ledger.tile_short", level=key[0], number=key[1])
        return hashes[0] if rest == 0 else root_of(hashes)

    return get_node


def split(tile: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [tile[start : start + HASH_BYTES] for start in range(0, len(tile), HASH_BYTES)]
