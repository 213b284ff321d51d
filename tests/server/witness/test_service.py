"""The witness over HTTP, as c2sp.org/tlog-witness has it."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sample_log import LOG_KEY, ORIGIN
from tlog_scales import tlog
from tlog_scales.signing import Vkey
from witnesses import AT, TreeOf, add, made, serving

from relais.crypto.checkpoint import Group, Policy, verify_checkpoint
from relais.crypto.signed_note import SignerKey, VerifierKey, parse_signed_note
from relais.crypto.witness import cosignature_in, parse_add_checkpoint
from relais.server.config import SettingsError
from relais.server.witness.memory import make_witness, opened

TREE, FORK = TreeOf(LOG_KEY), TreeOf(LOG_KEY, salt="fork ")


@pytest.fixture
async def witness(tmp_path: Path) -> AsyncIterator[tuple[str, VerifierKey]]:
    path, key = made(tmp_path, "w1")["w1"]
    async with serving(path, LOG_KEY.verifier) as url:
        yield url, key


async def test_what_extends_the_last_tree_is_cosigned(witness: tuple[str, VerifierKey]) -> None:
    url, key = witness
    for old, new in ((0, 5), (5, 5), (5, 12), (12, 40)):
        body = TREE.asks(old, new)
        status, answer, _ = await add(url, body)
        assert status == 200
        note = parse_signed_note(parse_add_checkpoint(body).note)
        signature = cosignature_in(answer, note, key)
        whole = note.encode() + signature.encode().encode()
        found = verify_checkpoint(whole, Policy((LOG_KEY.verifier,), (Group((key,), 1),), 1))
        assert [one.at for one in found.signed] == [None, AT]
        theirs = tlog.Checkpoint.from_text(whole.decode())
        theirs.verify(Vkey.from_string(key.encode()))  # by a library that shares no code with ours


async def test_each_refusal_has_its_status(witness: tuple[str, VerifierKey]) -> None:
    url, _ = witness
    stranger = SignerKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\5" * 32))
    other = SignerKey("other.example", LOG_KEY.private)
    assert (await add(url, TREE.asks(0, 9)))[0] == 200
    assert await add(url, TREE.asks(5, 12)) == (409, b"9\n", "text/x.tlog.size")
    assert await add(url, TREE.asks(0, 12)) == (409, b"9\n", "text/x.tlog.size")
    statuses = {
        "a fork": (FORK.asks(9, 12), 422),
        "a fork of the same size": (FORK.asks(9, 9), 422),
        "an old size above the new": (TREE.asks(5, 5).replace(b"old 5", b"old 9"), 400),
        "no request": (b"hello", 400),
        "no checkpoint": (b"old 0\n\nhello", 400),
        "signed by a stranger": (TreeOf(stranger).asks(9, 12), 403),
        "an unknown log": (TreeOf(other).asks(9, 12), 404),
    }
    for name, (body, status) in statuses.items():
        assert (name, (await add(url, body))[0]) == (name, status)
    assert (await add(url, TREE.asks(9, 12)))[0] == 200


async def test_what_was_cosigned_last_is_told_with_both_signatures(
    witness: tuple[str, VerifierKey],
) -> None:
    url, key = witness
    place = f"{url}/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
    async with aiohttp.ClientSession() as session:
        assert (await session.get(place)).status == 404
        assert (await session.get(f"{url}/vkey/checkpoint")).status == 404
        await add(url, TREE.asks(0, 9))
        note = await (await session.get(place)).read()
    found = verify_checkpoint(note, Policy((LOG_KEY.verifier,), (key,), 1))
    assert (found.head, len(found.note.signatures)) == (TREE.head(9), 2)


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    path, _ = made(tmp_path, "w1")["w1"]
    async with serving(path, LOG_KEY.verifier) as url:
        assert (await add(url, TREE.asks(0, 9)))[0] == 200
    async with serving(path, LOG_KEY.verifier) as url:
        assert (await add(url, FORK.asks(0, 9)))[0] == 409
        assert (await add(url, FORK.asks(9, 12)))[0] == 422
        assert (await add(url, TREE.asks(9, 12)))[0] == 200


async def test_a_damaged_memory_cosigns_nothing(tmp_path: Path) -> None:
    path, _ = made(tmp_path, "w1")["w1"]
    digest = hashlib.sha256(ORIGIN.encode()).hexdigest()
    file = tmp_path / "w1.pem.seen" / digest
    async with serving(path, LOG_KEY.verifier) as url:
        assert (await add(url, TREE.asks(0, 9)))[0] == 200
        good = file.read_bytes()
        for bad in (b"", good.replace(b"\n9\n", b"\n8\n"), good[:-20]):
            file.write_bytes(bad)
            assert (await add(url, TREE.asks(9, 12)))[0] == 500
        file.write_bytes(good)
        assert (await add(url, TREE.asks(9, 12)))[0] == 200


def test_a_key_without_its_memory_is_not_used_again(tmp_path: Path) -> None:
    path, _ = made(tmp_path, "w1")["w1"]
    with opened(path), pytest.raises(SettingsError, match="in use by another"), opened(path):
        pass
    other, _ = made(tmp_path, "w2")["w2"]
    (tmp_path / "w1.pem.seen" / "vkey").write_bytes(
        (tmp_path / "w2.pem.seen" / "vkey").read_bytes()
    )
    with pytest.raises(SettingsError, match="is not the one"), opened(path):
        pass
    (tmp_path / "w1.pem.seen" / "vkey").unlink()
    with pytest.raises(SettingsError, match="has no memory"), opened(path):
        pass
    with opened(other) as memory:
        assert memory.key.name == "w2.example"


def test_a_witness_keeps_the_key_it_has(tmp_path: Path) -> None:
    path = tmp_path / "w.pem"
    with pytest.raises(SettingsError, match="no space"):
        make_witness(path, "not a name")
    make_witness(path, "w.example")
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        make_witness(path, "w.example")
