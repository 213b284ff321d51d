from dataclasses import replace
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_log import LOG_KEY, ORIGIN, SampleLog, entry, sample_lines, sample_log, tile_files

from relais.crypto.checkpoint import Checkpoint, Policy, sign_checkpoint
from relais.crypto.export_check import ExportError, ExportReport, verify_export
from relais.crypto.merkle import EMPTY_ROOT, TreeHead, leaf_hash, root_of
from relais.crypto.pruning import ACTION, prune_subject, pruned_line
from relais.crypto.signed_note import KeyKind, SignerKey

SIZE = 1100  # four full tiles, an unfilled one, and one above
LINES = sample_lines(SIZE)
TRUSTED = Policy((LOG_KEY.verifier,))
STRANGER = SignerKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\1" * 32))


@cache
def log() -> SampleLog:
    return sample_log(LINES)


def check(export: SampleLog, *, older: TreeHead | None = None) -> ExportReport:
    return verify_export(export.read, TRUSTED, progress=lambda done, total: None, older=older)


def wrong(export: SampleLog, *, older: TreeHead | None = None) -> tuple[str, str, int | None]:
    with pytest.raises(ExportError) as caught:
        check(export, older=older)
    return caught.value.reason, caught.value.path, caught.value.index


def seen(size: int, lines: list[bytes] = LINES) -> TreeHead:
    return TreeHead(size, root_of([leaf_hash(line) for line in lines[:size]]))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, SIZE])
def test_an_export_as_it_was_written_is_good(size: int) -> None:
    report = check(sample_log(LINES[:size]))
    assert report.signed.head == seen(size)
    assert report.first_at == (entry(0).at if size else None)
    assert report.last_at == (entry(size - 1).at if size else None)


@pytest.mark.no_cover
def test_a_log_of_65793_entries_with_three_levels_of_tiles_is_good() -> None:
    lines = [LINES[number % SIZE] for number in range(65_793)]
    export = sample_log(lines)
    assert {"tile/2/000.p/1", "tile/1/001.p/1", "tile/0/257.p/1"} <= set(export.files)
    assert check(export).signed.head.size == 65_793
    # Entry 300, its tile and the one above rewritten alike: the highest, signed, tells where.
    lines[300] = entry(9).encode()
    _, files = tile_files([leaf_hash(line) for line in lines])
    forged = export.with_lines(lines)
    for path in ("tile/0/001", "tile/1/000"):
        forged = forged.with_file(path, files[path])
    assert wrong(forged) == ("entry-changed", "entries.ndjson", 0)


def test_progress_is_told_after_every_tile() -> None:
    told: list[tuple[int, int]] = []
    verify_export(log().read, TRUSTED, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, SIZE) for done in (256, 512, 768, 1024, 1100)]


def test_lines_may_arrive_in_any_pieces_and_the_last_newline_may_be_missing() -> None:
    whole = log().files["entries.ndjson"]
    assert check(log().with_file("entries.ndjson", whole[:-1])).signed.head.size == SIZE
    pieces = [whole[i : i + 7] for i in range(0, len(whole), 7)]

    def read(path: str) -> list[bytes] | None:
        return pieces if path == "entries.ndjson" else [log().files[path]]

    assert verify_export(read, TRUSTED, progress=lambda done, total: None)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, SIZE - 1), st.data())
def test_an_edited_entry_is_found_at_its_index(index: int, data: st.DataObject) -> None:
    line = bytearray(LINES[index])
    line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    if b"\n" not in line:
        export = log().with_lines([*LINES[:index], bytes(line), *LINES[index + 1 :]])
        assert wrong(export) == ("entry-changed", "entries.ndjson", index)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, SIZE - 2), st.integers(1, SIZE))
def test_deleted_entries_are_found_at_the_first(index: int, count: int) -> None:
    rest = LINES[index + count :]
    reason = "entry-deleted" if rest else "entries-truncated"
    assert wrong(log().with_lines([*LINES[:index], *rest])) == (reason, "entries.ndjson", index)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, SIZE), st.integers(1, 300))
def test_inserted_entries_are_found_at_the_first(index: int, count: int) -> None:
    new = [entry(5000 + number).encode() for number in range(count)]
    export = log().with_lines([*LINES[:index], *new, *LINES[index:]])
    assert wrong(export) == ("entry-inserted", "entries.ndjson", index)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1))
def test_two_entries_that_changed_places_are_found_at_the_first(one: int, other: int) -> None:
    first, second = sorted((one, other))
    if first < second:
        lines = list(LINES)
        lines[first], lines[second] = lines[second], lines[first]
        assert wrong(log().with_lines(lines)) == ("entry-reordered", "entries.ndjson", first)


def test_a_file_cut_in_the_middle_of_a_line_is_truncated() -> None:
    whole = log().files["entries.ndjson"]
    cut = log().with_file("entries.ndjson", whole[: whole.index(LINES[700]) + 20])
    assert wrong(cut) == ("entries-truncated", "entries.ndjson", 700)
    assert wrong(log().with_lines([])) == ("entries-truncated", "entries.ndjson", 0)


def test_a_file_cut_together_with_its_tiles_is_truncated() -> None:
    cut = log().with_lines(LINES[:1030]).with_file("tile/0/004.p/76", None)
    assert wrong(cut) == ("entries-truncated", "entries.ndjson", 1030)


def test_an_endless_line_is_refused_without_being_kept() -> None:
    endless = log().with_file("entries.ndjson", b"x" * 1_000_000)
    assert wrong(endless) == ("entry-changed", "entries.ndjson", 0)


def test_an_entry_rewritten_with_its_tile_is_found_by_the_tile_above() -> None:
    lines = [*LINES[:300], entry(9999).encode(), *LINES[301:]]
    _, files = tile_files([leaf_hash(line) for line in lines])
    export = log().with_lines(lines).with_file("tile/0/001", files["tile/0/001"])
    assert wrong(export) == ("entry-changed", "entries.ndjson", 256)


def test_entries_rewritten_with_all_their_tiles_are_another_tree() -> None:
    lines = [*LINES[:300], entry(9999).encode(), *LINES[301:]]
    forged = sample_log(lines).with_file("checkpoint", log().files["checkpoint"])
    assert wrong(forged) == ("tree-mismatch", "checkpoint", None)


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/002", "tile/0/004.p/76", "tile/1/000.p/4"])
def test_a_changed_or_missing_tile_is_named_when_the_entries_are_good(path: str) -> None:
    data = log().files[path]
    for changed in (bytes([data[0] ^ 1]) + data[1:], data[:-1], data + b"\0", b""):
        assert wrong(log().with_file(path, changed)) == ("tile-changed", path, None)
    assert wrong(log().with_file(path, None)) == ("tile-missing", path, None)


def test_a_missing_tile_above_hides_no_edit() -> None:
    lines = [*LINES[:300], entry(9999).encode(), *LINES[301:]]
    export = log().with_lines(lines).with_file("tile/1/000.p/4", None)
    assert wrong(export) == ("tile-missing", "tile/1/000.p/4", None)


def test_unfilled_tiles_of_another_tree_hide_no_edit() -> None:
    lines = [*LINES[:300], entry(9999).encode(), *LINES[301:]]
    export = log().with_lines(lines).with_file("tile/1/000.p/4", bytes(128))
    assert wrong(export) == ("tree-mismatch", "checkpoint", None)


def test_an_export_with_another_key_is_foreign() -> None:
    assert wrong(sample_log(LINES[:5], key=STRANGER))[:2] == ("foreign-key", "log.vkey")


def test_a_checkpoint_signed_with_another_key_is_foreign() -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), [STRANGER]).encode()
    assert wrong(log().with_file("checkpoint", note))[:2] == ("foreign-key", "checkpoint")
    other = sign_checkpoint(Checkpoint("other.example", 0, EMPTY_ROOT), [LOG_KEY]).encode()
    assert wrong(log().with_file("checkpoint", other))[:2] == ("foreign-key", "checkpoint")


def test_a_checkpoint_that_was_edited_is_forged() -> None:
    edited = log().files["checkpoint"].replace(b"\n1100\n", b"\n1101\n")
    assert wrong(log().with_file("checkpoint", edited))[:2] == ("checkpoint-forged", "checkpoint")


@pytest.mark.parametrize("data", [b"", b"\xff\n\n", b"x" * 300_000])
def test_a_checkpoint_or_key_that_is_none_is_malformed(data: bytes) -> None:
    assert wrong(log().with_file("checkpoint", data))[:2] == ("checkpoint-malformed", "checkpoint")
    assert wrong(log().with_file("log.vkey", data))[:2] == ("key-malformed", "log.vkey")


def test_an_export_that_too_few_witnesses_have_cosigned_is_refused() -> None:
    witness = SignerKey(
        "w.example", Ed25519PrivateKey.from_private_bytes(b"\2" * 32), KeyKind.COSIGNATURE
    )
    asked = Policy((LOG_KEY.verifier,), (witness.verifier,), quorum=1)
    head = TreeHead(SIZE, root_of(map(leaf_hash, LINES)))
    note = sign_checkpoint(Checkpoint(ORIGIN, head.size, head.root), [LOG_KEY])
    cosigned = log().with_file("checkpoint", note.cosigned_by(witness, at=9).encode())
    report = verify_export(cosigned.read, asked, progress=lambda done, total: None)
    assert [(one.key.name, one.at) for one in report.signed.signed] == [
        (ORIGIN, None),
        ("w.example", 9),
    ]
    with pytest.raises(ExportError, match="too-few-witnesses"):
        verify_export(log().read, asked, progress=lambda done, total: None)


@pytest.mark.parametrize("path", ["checkpoint", "log.vkey", "entries.ndjson"])
def test_an_export_without_one_of_its_files_is_refused(path: str) -> None:
    assert wrong(log().with_file(path, None)) == ("file-missing", path, None)


def test_an_entry_logged_in_another_spelling_is_malformed() -> None:
    lines = [*LINES[:300], LINES[300].replace(b":", b": ", 1), *LINES[301:]]
    assert wrong(sample_log(lines)) == ("entry-malformed", "entries.ndjson", 300)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 1024, SIZE])
def test_a_log_that_extends_the_tree_that_was_kept_is_good(size: int) -> None:
    assert check(log(), older=seen(size)).signed.head.size == SIZE


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1024, SIZE])
def test_a_log_that_forked_from_the_tree_that_was_kept_is_refused(size: int) -> None:
    kept = seen(size, [entry(7777).encode(), *LINES[1:]])
    assert wrong(log(), older=kept) == ("forked-tree", "checkpoint", None)
    assert wrong(log(), older=TreeHead(0, bytes(32)))[0] == "forked-tree"


def test_a_log_smaller_than_the_tree_that_was_kept_is_rolled_back() -> None:
    truncated = sample_log(LINES[:800])
    assert check(truncated, older=seen(800)).signed.head.size == 800
    assert wrong(truncated, older=seen(801)) == ("rolled-back", "checkpoint", None)


def pruned(places: set[int], *, named: set[int]) -> SampleLog:
    """An export whose content at these places is gone, and whose last entry names some as pruned."""
    bits = sum(1 << place for place in named)
    lines = sample_lines(200)
    lines.append(replace(entry(200), action=ACTION, subject=prune_subject(0, bits)).encode())
    left = [pruned_line(leaf_hash(line)) if at in places else line for at, line in enumerate(lines)]
    return sample_log(lines).with_lines(left)


def test_what_an_entry_of_the_log_names_as_pruned_may_be_gone_and_is_counted() -> None:
    assert check(pruned({3, 4, 150}, named={3, 4, 150})).pruned == 3


def test_what_no_entry_of_the_log_names_as_pruned_is_withheld() -> None:
    assert wrong(pruned({3, 4, 150}, named={3, 150}))[::2] == ("entry-withheld", 4)
