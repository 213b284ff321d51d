"""The shared vectors of docs/protocol.md, read as any other client reads them."""

import subprocess
import sys

from protocol_vectors import (
    FILES,
    VECTORS,
    Json,
    cases,
    device_keys,
    plain,
    refused,
    unhexed,
)

from relais.crypto import account, cbor, content, epoch, join, kit, login, receipt, suite


def test_the_vectors_are_those_their_generator_writes() -> None:
    generator = VECTORS / "generate_protocol.py"
    command = [sys.executable, str(generator), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@cases("cbor", "good")
def test_cbor_reads_and_writes_the_same_bytes(case: Json) -> None:
    data, value = bytes.fromhex(case["hex"]), plain(case["value"])
    assert cbor.decode(data) == value
    assert cbor.encode(value) == data


@cases("cbor", "bad")
def test_cbor_refuses_what_it_would_not_write(case: Json) -> None:
    refused(case["reason"], lambda: cbor.decode(bytes.fromhex(case["hex"])))


@cases("content", "good")
def test_contents_read_and_pad_as_written(case: Json) -> None:
    data = bytes.fromhex(case["cbor"])
    padded = content.pad(data)
    assert content.encode(content.decode(data)) == data
    assert padded.hex().startswith(case["padded"])
    assert len(padded) == case["padded_length"]
    assert content.unpad(padded) == data


@cases("content", "bad")
def test_contents_of_another_shape_or_padding_are_refused(case: Json) -> None:
    if "cbor" in case:
        refused(case["reason"], lambda: content.decode(bytes.fromhex(case["cbor"])))
    else:
        refused(case["reason"], lambda: content.unpad(bytes.fromhex(case["padded"])))


@cases("epoch", "good")
def test_an_epoch_key_gives_what_the_vector_says(case: Json) -> None:
    key, where = bytes.fromhex(case["key"]), (case["audience"], case["epoch"])
    place = epoch.NotePlace(case["circle"], case["note"], case["version"])
    assert epoch.commitment(key, *where).hex() == case["commitment"]
    assert epoch.inbox_seed(key, *where).hex() == case["inbox_seed"]
    assert epoch.inbox_public(key, *where).hex() == case["inbox_public"]
    assert epoch.wrap_key(key, *where, place=place).hex() == case["wrap_key"]
    assert cbor.encode(epoch.inbox_info(*where, place=place)).hex() == case["inbox_info"]


@cases("receipt", "good")
def test_a_receipt_verifies_and_comes_out_the_same(case: Json) -> None:
    data, fields = bytes.fromhex(case["receipt"]), dict(case["again"])
    state = account.replay(unhexed(FILES["receipt"]["chain"]["statements"]))
    keys = device_keys("receipt", case["by"])
    receipt.verify(receipt.peek(data), state)
    assert fields.pop("device") == keys.id
    assert receipt.write(keys, **fields) == data


@cases("receipt", "bad")
def test_a_receipt_with_a_defect_is_refused(case: Json) -> None:
    state = account.replay(unhexed(FILES["receipt"]["chain"]["statements"]))
    data = bytes.fromhex(case["receipt"])
    refused(case["reason"], lambda: receipt.verify(receipt.peek(data), state))


@cases("login", "good")
def test_a_login_verifies_and_comes_out_the_same(case: Json) -> None:
    data, keys = bytes.fromhex(case["login"]), device_keys("login", case["by"])
    challenge = bytes.fromhex(case["challenge"])
    read = login.peek(data)
    login.verify(read, keys.sign_public)
    assert (read.challenge, read.origin, read.at) == (challenge, case["origin"], case["at"])
    assert login.answer(keys, challenge, origin=case["origin"], at=case["at"]) == data


@cases("login", "bad")
def test_a_login_with_a_defect_is_refused(case: Json) -> None:
    public = device_keys("login", "anne phone").sign_public
    data = bytes.fromhex(case["login"])
    refused(case["reason"], lambda: login.verify(login.peek(data), public))


@cases("kit", "good")
def test_a_kit_comes_back_from_its_words_and_its_code(case: Json) -> None:
    seed = bytes.fromhex(case["seed"])
    keys = kit.keys_of(seed)
    assert (keys.sign_seed.hex(), keys.kem_seed.hex()) == (case["sign_seed"], case["kem_seed"])
    assert keys.id == case["id"]
    assert (kit.qr_text(seed), kit.seed_of_qr(case["qr"])) == (case["qr"], seed)
    for language, words in case["words"].items():
        assert " ".join(kit.words(seed, language)) == words
        assert kit.seed_of(words) == seed


@cases("kit", "bad")
def test_a_kit_misread_is_refused(case: Json) -> None:
    if "qr" in case:
        refused(case["reason"], lambda: kit.seed_of_qr(case["qr"]))
    else:
        refused(case["reason"], lambda: kit.seed_of(case["words"]))


@cases("join", "good")
def test_a_joining_code_is_read_however_typed(case: Json) -> None:
    secret = bytes.fromhex(case["secret"])
    assert join.make_code(secret) == case["code"]
    assert {join.read_code(text) for text in [case["code"], *case["typed"]]} == {secret}


@cases("join", "good")
def test_both_ends_of_a_joining_code_derive_the_same(case: Json) -> None:
    secret = bytes.fromhex(case["secret"])
    possession, statement = bytes.fromhex(case["possession"]), bytes.fromhex(case["statement"])
    assert join.ticket(secret) == case["ticket"]
    assert join.request_mac(secret, possession).hex() == case["request_mac"]
    assert join.answer_mac(secret, statement).hex() == case["answer_mac"]


@cases("join", "bad")
def test_a_joining_code_mistyped_is_refused(case: Json) -> None:
    refused(case["reason"], lambda: join.read_code(case["code"]))


@cases("hpke", "good")
def test_a_seal_of_the_vector_opens(case: Json) -> None:
    if "seed" in case:
        info = cbor.decode(bytes.fromhex(case["info"]))
        plaintext = suite.open_sealed(
            bytes.fromhex(case["seed"]), bytes.fromhex(case["sealed"]), info=info
        )
        assert plaintext.hex() == case["plaintext"]
    assert len(case["sealed"]) == len(case["plaintext"]) + 2 * suite.SEAL_OVERHEAD


@cases("hpke", "bad")
def test_a_seal_with_a_defect_does_not_open(case: Json) -> None:
    info = cbor.decode(bytes.fromhex(case["info"]))
    seed, sealed = bytes.fromhex(case["seed"]), bytes.fromhex(case["sealed"])
    refused(case["reason"], lambda: suite.open_sealed(seed, sealed, info=info))
