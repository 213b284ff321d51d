"""The audit log from outside: everything done is in it, an export proves itself, and each tampering is found."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from command_line import CommandLine
from patience import PATIENCE
from people import ODETTE, Town
from running_relay import RunningRelay

from relais.client.sdk import Client
from relais.crypto.audit_entry import AuditEntry, decode_audit_entry
from relais.crypto.checkpoint import Policy, verify_checkpoint
from relais.crypto.merkle import TreeHead, leaf_hash, verify_consistency, verify_inclusion
from relais.crypto.signed_note import parse_vkey
from relais.models.refusal import Refusal
from relais.models.wire.audit import CircleAccesses, ProveConsistency, ProveEntry, SearchAudit
from relais.models.wire.note import GetNote, SyncCircle


def settled(relay: RunningRelay) -> None:
    """Wait until every entry has its place in the tree."""
    deadline = time.monotonic() + PATIENCE
    with relay.database() as database:
        while database["audit_pending"].find_one() is not None:
            assert time.monotonic() < deadline, "entries wait for their place in the tree"
            time.sleep(0.02)


@dataclass(frozen=True)
class Export:
    """An export, the key as the server publishes it, and the size of the log at the time."""

    folder: Path
    vkey: str
    verify: Callable[..., Any]

    def entries(self) -> list[AuditEntry]:
        lines = (self.folder / "entries.ndjson").read_bytes().splitlines()
        return [decode_audit_entry(line) for line in lines]


async def published_key(relay: RunningRelay) -> str:
    async with aiohttp.ClientSession() as http, http.get(relay.origin + "/log/vkey") as answer:
        return (await answer.text()).strip()


async def exported(relay: RunningRelay, folder: Path) -> Export:
    settled(relay)
    relay.command("audit", "export", str(folder))
    vkey = await published_key(relay)
    command = CommandLine(folder.parent / "nobody")

    def verify(where: Path = folder, *words: str, code: int = 0, key: str = vkey) -> Any:
        done = command.run("audit", "verify", str(where), "--key", key, *words, code=code)
        return done.json if code == 0 else done.error

    return Export(folder, vkey, verify)


async def busy_circle(town: Town) -> tuple[str, Client, Client]:
    """Two people who did a bit of everything, and a stranger who was refused."""
    nurse, doctor = await town.newcomer("Nadia Ferrand"), await town.newcomer("Denis Quéré")
    circle = await nurse.create_circle(ODETTE)
    await circle.add(doctor.account)
    posted = await circle.post("Une note que le journal ne dit pas")
    theirs = await doctor.circle(circle.circle)
    assert len([note async for note in theirs.notes()]) == 1
    await theirs.acknowledge(posted.note)
    await circle.correct(posted.note, "corrigée")
    stranger = await town.newcomer("Stéphane")
    with pytest.raises(Refusal):
        await stranger.session.call(SyncCircle(circle.circle, 0, 10))
    await circle.remove(doctor.account)
    return circle.circle, nurse, doctor


async def test_everything_done_or_refused_is_in_the_log_and_no_content_or_name_is(
    town: Town, tmp_path: Path
) -> None:
    circle, nurse, doctor = await busy_circle(town)
    export = await exported(town.relay, tmp_path / "export")

    entries = [entry for entry in export.entries() if entry.circle == circle]
    done = {(entry.action, entry.outcome, entry.account) for entry in entries}
    assert {
        ("circle.create", "ok", nurse.account),
        ("circle.append", "ok", nurse.account),
        ("note.post", "ok", nurse.account),
        ("circle.ledger", "ok", doctor.account),
        ("circle.grants", "ok", doctor.account),
        ("circle.sync", "ok", doctor.account),
        ("note.get", "ok", doctor.account),
        ("receipt.post", "ok", doctor.account),
    } <= done
    (refused,) = [entry for entry in entries if entry.outcome == "refused"]
    assert (refused.action, refused.reason) == ("circle.sync", "forbidden")
    assert refused.subject["rule"] == "not-a-member"
    posts = [entry for entry in entries if entry.action == "note.post"]
    assert [(e.subject["seq"], e.subject["version"]) for e in posts] == [(1, 1), (2, 2)]
    text = (export.folder / "entries.ndjson").read_text()
    for secret in ("Nadia", "Ferrand", "Odette", "Verdier", "Saulieu", "journal ne dit", "corrig"):
        assert secret not in text


async def test_an_export_verifies_by_the_published_key_and_continues_the_one_before(
    town: Town, tmp_path: Path
) -> None:
    await busy_circle(town)
    first = await exported(town.relay, tmp_path / "first")
    before = first.verify()
    assert set(before) == {
        *(
            "verified",
            "size",
            "root",
            "log",
            "key",
            "key_from_export",
            "first_at",
            "last_at",
            "pruned",
            "witnesses",
            "untold",
        )
    }
    assert before["untold"] == "not-enrolled"
    assert (before["verified"], before["key_from_export"]) == (True, False)
    assert before["size"] == len(first.entries()) > 10
    await busy_circle(town)
    second = await exported(town.relay, tmp_path / "second")

    after = second.verify(second.folder, "--since", f"{before['size']}:{before['root']}")

    assert after["size"] > before["size"]
    old = TreeHead(before["size"], bytes.fromhex(before["root"]))
    newer = f"{after['size']}:{after['root']}"
    assert first.verify(first.folder, "--since", newer, code=7)["reason"] == "rolled-back"
    other = f"{old.size}:{'ab' * 32}"
    assert second.verify(second.folder, "--since", other, code=7)["reason"] == "forked-tree"


def _lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        path = folder / "entries.ndjson"
        lines = path.read_bytes().splitlines()
        path.write_bytes(b"".join(line + b"\n" for line in change(lines)))

    return tamper


def _other_account(lines: list[bytes]) -> list[bytes]:
    number = next(i for i, line in enumerate(lines) if b'"action":"note.post"' in line)
    entry = json.loads(lines[number])
    changed = lines[number].replace(entry["account"].encode(), b"ab" * 32)
    return [*lines[:number], changed, *lines[number + 1 :]]


def _first_tile(folder: Path) -> Path:
    return min(path for path in (folder / "tile" / "0").rglob("*") if path.is_file())


def _flip_in_tile(folder: Path) -> None:
    path = _first_tile(folder)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def _smaller_checkpoint(folder: Path) -> None:
    path = folder / "checkpoint"
    name, size, *rest = path.read_text().split("\n")
    path.write_text("\n".join((name, str(int(size) - 1), *rest)))


TAMPERINGS: dict[str, tuple[Callable[[Path], None], str]] = {
    "edited": (_lines(_other_account), "entry-changed"),
    "deleted": (_lines(lambda lines: [*lines[:4], *lines[5:]]), "entry-deleted"),
    "inserted": (_lines(lambda lines: [*lines[:4], lines[0], *lines[4:]]), "entry-inserted"),
    "moved": (
        _lines(lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]]),
        "entry-reordered",
    ),
    "cut": (_lines(lambda lines: lines[:-1]), "entries-truncated"),
    "grown": (_lines(lambda lines: [*lines, lines[-1]]), "entry-inserted"),
    "tile": (_flip_in_tile, "tile-changed"),
    "tile-gone": (lambda folder: _first_tile(folder).unlink(), "tile-missing"),
    "checkpoint": (_smaller_checkpoint, "checkpoint-forged"),
    "checkpoint-gone": (lambda folder: (folder / "checkpoint").unlink(), "file-missing"),
    "entries-gone": (lambda folder: (folder / "entries.ndjson").unlink(), "file-missing"),
}


async def test_each_tampering_with_an_export_is_found_and_named(town: Town, tmp_path: Path) -> None:
    await busy_circle(town)
    export = await exported(town.relay, tmp_path / "export")
    for name, (tamper, reason) in TAMPERINGS.items():
        copy = tmp_path / name
        shutil.copytree(export.folder, copy)
        tamper(copy)
        error = export.verify(copy, code=7)
        assert error == {"code": "protocol", "reason": reason}, name
    foreign = replace(parse_vkey(export.vkey), public=bytes(32)).encode()
    assert export.verify(key=foreign, code=7)["reason"] == "foreign-key"
    assert export.verify()["verified"] is True, "and the whole one is good"


async def test_the_auditor_finds_proves_and_sees_that_nothing_was_rewritten(town: Town) -> None:
    auditor = await town.newcomer("Audrey", "auditor")
    circle, nurse, _ = await busy_circle(town)
    settled(town.relay)
    key = parse_vkey(await published_key(town.relay))

    found = await auditor.session.call(
        SearchAudit(nurse.account, circle, None, "note.post", "ok", None, None, 0, 50)
    )

    assert len(found.rows) == 2
    seqs = [decode_audit_entry(row.entry).subject["seq"] for row in found.rows]
    assert seqs == [2, 1], "newest first"
    for row in found.rows:
        proof = await auditor.session.call(ProveEntry(row.index))
        assert proof.entry == row.entry
        head = verify_checkpoint(proof.checkpoint, Policy((key,))).head
        verify_inclusion(leaf_hash(row.entry), index=row.index, head=head, proof=proof.path)
    await busy_circle(town)
    settled(town.relay)
    later = await auditor.session.call(ProveConsistency(head.size))
    newest = verify_checkpoint(later.checkpoint, Policy((key,))).head
    verify_consistency(head, newest, later.path)
    assert newest.size > head.size
    searches = SearchAudit(auditor.account, None, None, "audit.search", None, None, None, 0, 50)
    settled(town.relay)
    rows = (await auditor.session.call(searches)).rows
    assert rows, "who looks is looked at"


async def test_the_auditor_is_refused_every_note(town: Town) -> None:
    auditor = await town.newcomer("Audrey", "auditor")
    circle, nurse, _ = await busy_circle(town)
    (note, *_) = [one async for one in (await nurse.circle(circle)).notes()]
    for request in (SyncCircle(circle, 0, 10), GetNote(circle, note.note)):
        with pytest.raises(Refusal) as refused:
            await auditor.session.call(request)
        assert refused.value.reason == "not-a-member"


async def test_members_see_the_accesses_to_their_own_circle(town: Town) -> None:
    circle, nurse, doctor = await busy_circle(town)
    settled(town.relay)

    rows = (await nurse.session.call(CircleAccesses(circle, 0, 100))).rows

    entries = [decode_audit_entry(row.entry) for row in rows]
    assert {entry.circle for entry in entries} == {circle}
    assert {nurse.account, doctor.account} <= {entry.account for entry in entries}
    with pytest.raises(Refusal):
        await doctor.session.call(CircleAccesses(circle, 0, 100))


async def test_entries_are_for_auditors_and_hashes_for_everybody(town: Town) -> None:
    await busy_circle(town)
    settled(town.relay)
    auditor, nurse = await town.newcomer("Audrey", "auditor"), await town.newcomer("Nadia")

    async with aiohttp.ClientSession() as http:

        async def status(path: str, who: Client | None) -> int:
            bearer = {"Authorization": f"Bearer {who.session.token}"} if who else {}
            async with http.get(town.relay.origin + path, headers=bearer) as answer:
                return answer.status

        async with http.get(town.relay.origin + "/log/checkpoint") as answer:
            size = int((await answer.text()).split("\n")[1])
        part = "000" if size >= 256 else f"000.p/{size}"
        assert await status(f"/log/tile/0/{part}", None) == 200
        assert await status(f"/log/tile/entries/{part}", None) == 401
        assert await status(f"/log/tile/entries/{part}", nurse) == 403
        assert await status(f"/log/tile/entries/{part}", auditor) == 200
