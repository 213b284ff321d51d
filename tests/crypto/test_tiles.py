from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_log import tile_files
from tlog_scales.reader import TilesReader

from relais.crypto.merkle import (
    EMPTY_ROOT,
    TreeHead,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from relais.crypto.tiles import (
    TILE_WIDTH,
    Tile,
    TileEdge,
    TileError,
    VerifiedTiles,
    decode_entries,
    decode_hashes,
    encode_entries,
    entry_bundles_of,
    new_tiles,
    parse_path,
    tiles_for_consistency,
    tiles_for_inclusion,
    tiles_of,
)

SIZES = [1, 2, 255, 256, 257, 600, 65_535, 65_536, 65_537, 66_000]
LEAVES = [leaf_hash(str(i).encode()) for i in range(max(SIZES))]


@cache
def log_of(size: int) -> tuple[TreeHead, dict[str, bytes]]:
    return tile_files(LEAVES[:size])


def places(size: int) -> list[int]:
    return sorted({0, size // 2, size - 1, min(size - 1, 255), size // 256 * 256 % size})


def test_a_tree_of_70000_has_the_tiles_of_the_specification() -> None:
    tiles = list(tiles_of(70_000))
    full = [tile for tile in tiles if tile.width == TILE_WIDTH]
    assert [tile.level for tile in full] == [0] * 273 + [1]
    partial = [(tile.level, tile.index, tile.width) for tile in tiles if tile.width < TILE_WIDTH]
    assert partial == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]


def test_a_tree_of_256_has_a_full_tile_and_one_of_width_1_above() -> None:
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


@pytest.mark.parametrize("size", SIZES)
def test_an_edge_writes_exactly_the_tiles_of_its_tree(size: int) -> None:
    head, files = log_of(size)
    assert set(files) == {tile.path for tile in tiles_of(size)}
    assert head == TreeHead(size, root_of(LEAVES[:size]))


@given(st.lists(st.integers(0, 700), max_size=4))
def test_appending_in_pieces_writes_the_same_tiles_as_at_once(pieces: list[int]) -> None:
    edge, files, size = TileEdge(), {}, 0
    for piece in pieces:
        before = {part.tile.path for part in edge.unfilled()} | set(files)
        leaves = LEAVES[size : size + piece]
        edge, filled = edge.append(leaves)
        written = {part.tile.path: part.encode() for part in filled}
        new = {tile.path for tile in new_tiles(size, size + piece)}
        files |= written
        unfilled = {part.tile.path for part in edge.unfilled()}
        assert new == (set(written) | unfilled) - before
        size += piece
    head, expected = tile_files(LEAVES[:size])
    files |= {part.tile.path: part.encode() for part in edge.unfilled()}
    assert (edge.head(), files) == (head, expected)


def test_an_edge_whose_rows_are_not_its_sizes_is_a_mistake_of_the_caller() -> None:
    assert TileEdge(1, ((LEAVES[0],),)).root() == LEAVES[0]
    assert TileEdge().root() == EMPTY_ROOT
    for size, rows in [(2, ((LEAVES[0],),)), (256, ((),)), (0, ((),))]:
        with pytest.raises(ValueError, match="as wide as its size"):
            TileEdge(size, rows)


@pytest.mark.parametrize("size", SIZES)
def test_proofs_read_from_verified_tiles_hold(size: int) -> None:
    head, files = log_of(size)
    tiles = VerifiedTiles(files.get, head)
    for index in places(size):
        proof = inclusion_proof(tiles.hash_at, index=index, size=size)
        verify_inclusion(LEAVES[index], index=index, head=head, proof=proof)
        tiles.verify_leaf(LEAVES[index], index=index)
        old = TreeHead(index, root_of(LEAVES[:index]))
        growth = consistency_proof(tiles.hash_at, old_size=index, new_size=size)
        verify_consistency(old, head, growth)
        tiles.verify_extends(old)


@pytest.mark.parametrize("size", SIZES)
def test_what_a_proof_reads_is_known_beforehand(size: int) -> None:
    head, files = log_of(size)
    for index in places(size):
        some = {tile.path: files[tile.path] for tile in tiles_for_inclusion(index, size)}
        tiles = VerifiedTiles(some.get, head)
        assert inclusion_proof(tiles.hash_at, index=index, size=size) is not None
        tiles.verify_leaf(LEAVES[index], index=index)
        some = {tile.path: files[tile.path] for tile in tiles_for_consistency(index, size)}
        tiles = VerifiedTiles(some.get, head)
        assert consistency_proof(tiles.hash_at, old_size=index, new_size=size) is not None
        tiles.verify_extends(TreeHead(index, root_of(LEAVES[:index])))


class TheirFiles:
    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def get(self, *path: str) -> bytes | None:
        return self.files.get("/".join(path))


@pytest.mark.parametrize("size", SIZES)
def test_an_independent_library_reads_our_tiles_and_makes_the_same_proofs(size: int) -> None:
    head, files = log_of(size)
    theirs = TilesReader(TheirFiles(files))
    theirs.set_size(size)
    assert theirs.calculate_root_hash() == head.root
    tiles = VerifiedTiles(files.get, head)
    for index in places(size):
        path = theirs.get_inclusion_proof(index, size).node_hashes
        assert inclusion_proof(tiles.hash_at, index=index, size=size) == tuple(path)
        growth = theirs.get_consistency_proof(index + 1, size).node_hashes
        assert consistency_proof(tiles.hash_at, old_size=index + 1, new_size=size) == tuple(growth)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("tile/0/001", "tile-changed"),
        ("tile/0/000", "tile-changed"),
        ("tile/0/x002/057", None),  # not on the way
        ("tile/1/000", "tile-changed"),
        ("tile/1/001.p/1", "tree-mismatch"),
        ("tile/2/000.p/1", "tree-mismatch"),
        ("tile/0/257.p/208", "tree-mismatch"),
    ],
)
def test_a_changed_tile_on_the_way_to_the_root_is_named(path: str, reason: str | None) -> None:
    size = 66_000
    head, files = log_of(size)
    data = files.get(path, bytes(32))
    changed = {**files, path: bytes([data[0] ^ 1]) + data[1:]}
    index = 0 if path == "tile/0/000" else 300
    if reason is None:
        return VerifiedTiles(changed.get, head).verify_leaf(LEAVES[index], index=index)
    with pytest.raises(TileError) as caught:
        VerifiedTiles(changed.get, head).verify_leaf(LEAVES[index], index=index)
    assert caught.value.reason == reason
    assert caught.value.path == (path if reason == "tile-changed" else None)
    return None


@pytest.mark.parametrize("path", ["tile/0/001", "tile/0/257.p/208", "tile/1/000"])
def test_a_missing_or_short_tile_is_named(path: str) -> None:
    head, files = log_of(66_000)
    missing = {name: data for name, data in files.items() if name != path}
    for some, reason in [(missing, "tile-missing"), ({**files, path: b"short"}, "tile-malformed")]:
        with pytest.raises(TileError) as caught:
            VerifiedTiles(some.get, head).verify_leaf(LEAVES[300], index=300)
        assert (caught.value.reason, caught.value.path) == (reason, path)


def test_a_full_tile_stands_in_for_an_unfilled_one_that_was_deleted() -> None:
    head, _ = log_of(257)
    _, later = log_of(600)
    tiles = VerifiedTiles(later.get, TreeHead(257, head.root))
    assert "tile/0/001.p/1" not in later
    with pytest.raises(TileError, match="tile-missing"):
        tiles.verify_leaf(LEAVES[256], index=256)  # level 1 is still unfilled, of another width
    above = {"tile/1/000.p/1": later["tile/1/000.p/2"][:32]}
    VerifiedTiles((later | above).get, head).verify_leaf(LEAVES[256], index=256)


def test_a_leaf_outside_of_the_tree_or_another_one_is_refused() -> None:
    head, files = log_of(600)
    tiles = VerifiedTiles(files.get, head)
    tiles.verify_leaf(LEAVES[599], index=599)
    for leaf, index, reason in [
        (LEAVES[599], 600, "index-out-of-range"),
        (LEAVES[599], -1, "index-out-of-range"),
        (LEAVES[599], 598, "leaf-mismatch"),
        (b"short", 599, "leaf-mismatch"),
    ]:
        with pytest.raises(TileError) as caught:
            tiles.verify_leaf(leaf, index=index)
        assert caught.value.reason == reason


def test_a_fork_and_a_rollback_are_told_apart() -> None:
    head, files = log_of(600)
    tiles = VerifiedTiles(files.get, head)
    tiles.verify_extends(head)
    with pytest.raises(TileError, match="forked-tree"):
        tiles.verify_extends(TreeHead(300, root_of(LEAVES[1:301])))
    with pytest.raises(TileError, match="rolled-back"):
        tiles.verify_extends(TreeHead(601, root_of(LEAVES[:601])))


def test_a_subtree_that_is_not_complete_has_no_hash() -> None:
    head, files = log_of(257)
    tiles = VerifiedTiles(files.get, head)
    assert tiles.hash_at(8, 0) == root_of(LEAVES[:256])
    assert tiles.hash_at(3, 31) == root_of(LEAVES[248:256])
    for level, index in [(8, 1), (0, 257), (0, -1), (1, 128)]:
        with pytest.raises(ValueError, match="no such subtree"):
            tiles.hash_at(level, index)


def test_only_so_many_tiles_are_kept_and_none_is_read_twice_meanwhile() -> None:
    head, files = log_of(66_000)
    read: list[str] = []

    def fetch(path: str) -> bytes | None:
        read.append(path)
        return files.get(path)

    tiles = VerifiedTiles(fetch, head, cached=3)
    for index in (0, 1, 2, 300, 0):
        tiles.verify_leaf(LEAVES[index], index=index)
    assert read.count("tile/0/000") == 1
    for index in (300, 600, 900, 300):
        tiles.verify_leaf(LEAVES[index], index=index)
    assert read.count("tile/0/001") == 2
    assert read.count("tile/0/257.p/208") == 1


@given(
    st.sampled_from(["entries", 0, 1, 2, 3]),
    st.integers(0, 2**20),
    st.integers(1, TILE_WIDTH),
)
def test_a_path_names_its_tile_and_no_other(level: str | int, index: int, width: int) -> None:
    tile = Tile(level, index, width)  # type: ignore[arg-type]
    assert parse_path(tile.path) == tile


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=TILE_WIDTH))
def test_a_bundle_reads_as_it_was_written(entries: list[bytes]) -> None:
    assert decode_entries(encode_entries(entries), width=len(entries)) == tuple(entries)


def test_a_bundle_holds_1_to_256_entries_of_at_most_65535_bytes() -> None:
    assert len(encode_entries([bytes(65_535)] * 256)) == 256 * 65_537
    for entries in ([], [b""] * 257, [bytes(65_536)]):
        with pytest.raises(ValueError, match="1 to 256 entries"):
            encode_entries(entries)


def test_entry_bundles_have_the_widths_of_the_leaf_tiles() -> None:
    paths = [tile.path for tile in entry_bundles_of(600)]
    assert paths == ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"]
    assert [tile.width for tile in entry_bundles_of(256)] == [256]


def test_a_tile_of_the_wrong_length_is_refused() -> None:
    assert decode_hashes(bytes(64), Tile(0, 0, 2)) == (bytes(32), bytes(32))
    for size in (63, 65, 32, 0):
        with pytest.raises(TileError, match="tile-malformed"):
            decode_hashes(bytes(size), Tile(0, 0, 2))
