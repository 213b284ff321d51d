"""A member's folder: sealed, private, atomic."""

import io
import json
import os
import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import keyring
import pytest
from counting import count_up
from keyring.backend import KeyringBackend

from relais.client import unlocking
from relais.client.errors import (
    AlreadyEnrolled,
    DamagedHome,
    NotEnrolled,
    PassphraseNeeded,
    WrongPassphrase,
)
from relais.client.home import Home, HomeInMemory, write_atomically


@pytest.fixture(autouse=True)
def passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAIS_PASSPHRASE", "un mot de passe assez long")
    monkeypatch.setattr(unlocking, "_MEMORY_KIB", 64)


def test_what_is_written_is_read_by_the_next_process(tmp_path: Path) -> None:
    Home.create(tmp_path / "me").write("state", {"seq": 3, "key": b"\x01"})
    assert Home.open(tmp_path / "me").read("state") == {"seq": 3, "key": b"\x01"}


def test_nothing_in_the_folder_is_legible(tmp_path: Path) -> None:
    Home.create(tmp_path / "me").write("state", {"patient": "Denise Durand"})
    content = b"".join(file.read_bytes() for file in (tmp_path / "me").rglob("*") if file.is_file())
    assert b"Denise" not in content


def test_folder_and_files_are_their_owners_only(tmp_path: Path) -> None:
    Home.create(tmp_path / "me").write("outbox/one", 1)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "me").rglob("*")}
    assert modes <= {0o600, 0o700}
    assert stat.S_IMODE((tmp_path / "me").stat().st_mode) == 0o700


def test_another_passphrase_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Home.create(tmp_path / "me")
    monkeypatch.setenv("RELAIS_PASSPHRASE", "pas le bon mot de passe")
    with pytest.raises(WrongPassphrase):
        Home.open(tmp_path / "me")


def test_a_folder_without_an_account_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NotEnrolled, match="relais enrol"):
        Home.open(tmp_path / "nobody")


def test_a_second_account_in_one_folder_is_refused(tmp_path: Path) -> None:
    Home.create(tmp_path / "me")
    with pytest.raises(AlreadyEnrolled):
        Home.create(tmp_path / "me")


@pytest.mark.parametrize("byte", [0, 12, -1])
def test_a_changed_byte_is_damage(tmp_path: Path, byte: int) -> None:
    home = Home.create(tmp_path / "me")
    home.write("state", "fine")
    file = tmp_path / "me" / "state.relais"
    data = bytearray(file.read_bytes())
    data[byte] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(DamagedHome, match="state"):
        home.read("state")


def test_a_file_put_in_the_place_of_another_is_damage(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "me")
    home.write("one", 1)
    (tmp_path / "me" / "one.relais").rename(tmp_path / "me" / "two.relais")
    with pytest.raises(DamagedHome, match="two"):
        home.read("two")


def test_a_damaged_lock_is_named(tmp_path: Path) -> None:
    Home.create(tmp_path / "me")
    (tmp_path / "me" / "lock.json").write_text("{")
    with pytest.raises(DamagedHome, match=r"lock\.json"):
        Home.open(tmp_path / "me")
    (tmp_path / "me" / "lock.json").write_text(json.dumps({"kind": "passphrase"}))
    with pytest.raises(DamagedHome, match=r"lock\.json"):
        Home.open(tmp_path / "me")


def test_without_terminal_passphrase_or_keyring_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RELAIS_PASSPHRASE")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(PassphraseNeeded, match="RELAIS_PASSPHRASE"):
        Home.create(tmp_path / "me")


def test_a_passphrase_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RELAIS_PASSPHRASE")
    monkeypatch.setattr(unlocking, "_store_in_keyring", lambda: None)
    Home.create(tmp_path / "me", ask=lambda _question: "tapée deux fois").write("x", 1)
    assert Home.open(tmp_path / "me", ask=lambda _question: "tapée deux fois").read("x") == 1
    with pytest.raises(PassphraseNeeded):
        Home.create(tmp_path / "other", ask=lambda _question: "court")


def test_a_passphrase_costs_what_the_rfc_recommends_and_the_salt_is_new_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("RELAIS_PASSPHRASE", "un mot de passe assez long")
    locks = []
    for name in ("one", "other"):
        Home.create(tmp_path / name)
        locks.append(json.loads((tmp_path / name / "lock.json").read_bytes()))
    costs = {"memory_kib": 65_536, "iterations": 3, "lanes": 4}
    assert [{key: lock[key] for key in costs} for lock in locks] == [costs, costs]
    assert locks[0]["salt"] != locks[1]["salt"]


class MemoryKeyring(KeyringBackend):
    """An OS keyring that can lose what it holds."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password


def test_with_a_keyring_nothing_is_asked_and_the_folder_alone_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RELAIS_PASSPHRASE")
    backend, before = MemoryKeyring(), keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        Home.create(tmp_path / "me").write("x", 1)
        assert Home.open(tmp_path / "me").read("x") == 1
        (kept,) = backend.held.values()
        assert kept not in (tmp_path / "me" / "lock.json").read_text()
        backend.held.clear()
        with pytest.raises(PassphraseNeeded, match="no longer holds"):
            Home.open(tmp_path / "me")
    finally:
        keyring.set_keyring(before)


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "file"
    write_atomically(target, b"old")
    monkeypatch.setattr(os, "fsync", _disk_full)
    with pytest.raises(OSError, match="full"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def _disk_full(_handle: int) -> None:
    raise OSError("full")


def test_two_processes_lose_no_update_of_each_other(tmp_path: Path) -> None:
    key = bytes(32)
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        for counted in [pool.submit(count_up, str(tmp_path), key) for _ in range(3)]:
            counted.result()
    assert Home(tmp_path, key).read("count") == 60


def test_a_home_in_memory_keeps_what_it_is_told_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = HomeInMemory()
    value = {"seed": b"\x01", "seen": [1]}
    home.write("keys", value)
    home.update("pins/one", lambda before: {**(before or {}), "seq": 3})
    value["seen"] = [2]

    assert home.read("keys") == {"seed": b"\x01", "seen": [1]}
    assert home.read("pins/one") == {"seq": 3}
    assert home.names("pins") == ["pins/one"]
    home.remove("keys")
    home.remove("keys")
    assert home.read("keys") is None
    assert HomeInMemory().read("pins/one") is None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="Not a directory"):
        (home.path / "blobs").mkdir(parents=True)
