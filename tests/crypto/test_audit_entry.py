from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto.audit_entry import AuditEntry, AuditEntryError, decode_audit_entry
from relais.crypto.merkle import leaf_hash

words = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times = st.datetimes().filter(lambda time: time.year >= 1000)
subjects = st.dictionaries(
    words, texts | st.booleans() | st.integers(1 - 2**53, 2**53 - 1), max_size=5
)
entries = st.builds(
    AuditEntry,
    id=st.uuids(version=4).map(lambda value: f"{str(value)[:14]}7{str(value)[15:]}"),
    at=times.map(lambda time: f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"),
    action=st.lists(words, min_size=1, max_size=3).map(".".join),
    outcome=st.just("ok"),
    account=texts,
    device=texts,
    role=texts,
    organisation=texts,
    purpose=texts,
    on_behalf_of=texts,
    circle=texts,
    source=texts,
    request=texts,
    subject=subjects,
) | st.builds(
    AuditEntry,
    id=st.just("0195f3a0-7c00-7abc-8def-0123456789ab"),
    at=st.just("2026-03-01T07:30:00.000Z"),
    action=st.just("circle.sync"),
    outcome=st.just("refused"),
    reason=words,
)
ENTRY = AuditEntry(
    id="0195f3a0-7c00-7abc-8def-0123456789ab",
    at="2026-03-01T07:30:00.000Z",
    action="note.post",
    outcome="ok",
)


@given(entries)
def test_every_entry_reads_as_it_was_written(entry: AuditEntry) -> None:
    data = entry.encode()
    assert decode_audit_entry(data) == entry
    assert b"\n" not in data
    assert entry.leaf_hash() == leaf_hash(data)


@given(entries, entries)
def test_two_entries_have_one_encoding_only_if_they_are_equal(
    one: AuditEntry, other: AuditEntry
) -> None:
    assert (one.encode() == other.encode()) == (one == other)


def test_every_field_is_present_and_sorted() -> None:
    assert ENTRY.encode() == (
        b'{"account":null,"action":"note.post","at":"2026-03-01T07:30:00.000Z","circle":null,'
        b'"device":null,"id":"0195f3a0-7c00-7abc-8def-0123456789ab","on_behalf_of":null,'
        b'"organisation":null,"outcome":"ok","purpose":null,"reason":null,"request":null,'
        b'"role":null,"source":null,"subject":{},"v":1}'
    )


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"id": "x"},
        {"at": "2026-03-01T07:30:00Z"},
        {"at": "2026-13-01T07:30:00.000Z"},
        {"action": "a" * 41},
        {"action": "Post"},
        {"outcome": "failed"},
        {"reason": "forbidden"},
        {"outcome": "refused"},
        {"account": 7},
        {"request": "\ud800"},
        {"subject": [("a", 1)]},
        {"subject": {"a": 0.5}},
        {"subject": {"a": 2**53}},
        {"subject": {"A": 1}},
        {"subject": {7: 1}},
    ],
)
def test_an_entry_that_would_be_refused_is_not_written(change: dict[str, Any]) -> None:
    assert replace(ENTRY, outcome="refused", reason="forbidden").encode()
    with pytest.raises(AuditEntryError, match="bad-field"):
        replace(ENTRY, **change).encode()


def test_an_entry_has_at_most_65535_bytes() -> None:
    room = 65_535 - len(replace(ENTRY, request="").encode())
    assert len(replace(ENTRY, request="x" * room).encode()) == 65_535
    with pytest.raises(AuditEntryError, match="entry-too-large"):
        replace(ENTRY, request="x" * (room + 1)).encode()
    with pytest.raises(AuditEntryError, match="entry-too-large"):
        decode_audit_entry(b" " * 65_536)
