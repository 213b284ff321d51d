"""The questions asked on the hot path are answered by an index, never by looking at everything."""

from typing import Any

import pytest

from relais.models.store.database import Database

C, A, D, N = "c" * 64, "a" * 64, "d" * 32, "01936b6e-0000-7000-8000-000000000000"
BETWEEN = {"$gt": 10, "$lte": 60}

QUESTIONS: dict[str, tuple[str, dict[str, Any], list[tuple[str, int]] | None]] = {
    "a page of notes": ("notes", {"circle": C, "seq": BETWEEN}, [("seq", 1)]),
    "one number": ("notes", {"circle": C, "seq": 7}, None),
    "one version": ("notes", {"circle": C, "note": N, "version": 1}, None),
    "all versions": (
        "notes",
        {"circle": C, "note": N, "version": {"$gte": 1, "$lt": 1_000}},
        [("version", 1)],
    ),
    "a page of receipts": ("receipts", {"circle": C, "seq": BETWEEN}, [("seq", 1)]),
    "receipts of a note": ("receipts", {"circle": C, "note": N}, None),
    "a circle": ("circles", {"_id": C}, None),
    "some circles": ("circles", {"_id": {"$in": [C, A]}}, None),
    "a ledger": ("entries", {"circle": C, "seq": {"$gte": 0, "$lt": 500}}, [("seq", 1)]),
    "circles of an account": ("members", {"account": A}, None),
    "a membership": ("members", {"account": A, "circle": C}, None),
    "grants made": ("grants", {"circle": C}, None),
    "grants to a device": (
        "grants",
        {"circle": C, "device": D, "seq": {"$gt": 3}},
        [("seq", 1)],
    ),
    "positions": ("positions", {"account": A}, None),
    "a chain": ("statements", {"account": A, "seq": {"$gte": 0, "$lt": 1_000}}, [("seq", 1)]),
    "a device": ("devices", {"_id": D}, None),
    "accounts by number": ("accounts", {"number": BETWEEN}, [("number", 1)]),
    "an escrow's statements": ("escrows", {"account": {"$in": [A]}}, None),
    "what somebody guards": ("escrows", {"guardians": A}, None),
    "shares": ("escrow_shares", {"escrow_device": D}, None),
    "one's requests": ("emergencies", {"account": A}, None),
    "requests to a guardian": ("emergencies", {"guardians": A}, None),
    "requests of circles": ("emergencies", {"circle": {"$in": [C]}}, None),
    "open requests": ("emergencies", {"state": "open", "escrow": A}, None),
    "approved requests": ("emergencies", {"escrow": A, "approved_at": {"$gte": 9}}, None),
    "an open door": ("emergency_doors", {"request": C}, None),
    "accounts by role": ("accounts", {"roles": "auditor"}, None),
    "a blob of a circle": ("blob_references", {"blob": C, "circle": C}, None),
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_an_index_answers(database: Database, question: str) -> None:
    collection, filter, sort = QUESTIONS[question]
    stages = await database.collection(collection).plan(filter, sort=sort)
    assert "COLLSCAN" not in stages
    assert {"IXSCAN", "IDHACK", "EXPRESS_IXSCAN", "EXPRESS_CLUSTERED_IXSCAN"} & set(stages)


async def test_a_question_without_an_index_would_be_noticed(database: Database) -> None:
    stages = await database.collection("notes").plan({"account": A})
    assert "COLLSCAN" in stages
