"""A member hands out one note: whoever gets the file checks it without Relais, and can open nothing else with it."""

import base64
import json
import time
from pathlib import Path

import aiohttp
import pytest
from command_line import CommandLine
from patience import PATIENCE
from people import ODETTE, Town
from running_relay import RunningRelay

from relais.client.attachments import File
from relais.client.disclosure import Wanted, check, disclose
from relais.client.sdk import Circle, Client
from relais.crypto.errors import ProtocolError
from relais.models.refusal import Code, Refusal
from relais.models.wire.note import DiscloseNote, GetNote
from verifier import FILE, Outcome, load, run

verify = load()
SAID, OTHER, FIXED = "Plaie propre ce matin.", "Un secret d'une autre note", "Plaie moins propre."
PDF = b"%PDF-1.4\n" + b"x" * 90_000
PATIENT = ("--name", "Odette Verdier", "--sex", "F", "--born", "1938-04-17", "--place", "Saulieu")


async def key_of(relay: RunningRelay) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{relay.origin}/log/vkey") as answer:
        return (await answer.text()).strip()


def settled(relay: RunningRelay) -> None:
    """Wait until every entry has its place in the tree."""
    deadline = time.monotonic() + PATIENCE
    with relay.database() as database:
        while database["audit_pending"].find_one() is not None:
            assert time.monotonic() < deadline, "entries wait for their place in the tree"
            time.sleep(0.02)


async def told(town: Town) -> tuple[str, str, Circle, Client]:
    """A note with a file, read by the doctor and then corrected; another note; who discloses is the doctor."""
    nurse, doctor = await town.newcomer("Nadia Ferrand"), await town.newcomer("Denis Quéré")
    circle = await nurse.create_circle(ODETTE)
    await circle.add(doctor.account)
    posted = await circle.post(SAID, attachments=[File("compte rendu.pdf", PDF)])
    other = await circle.post(OTHER)
    theirs = await doctor.circle(circle.circle)
    await theirs.mark([note async for note in theirs.notes()], "stored", "read")
    await circle.correct(posted.note, FIXED)
    settled(town.relay)
    return posted.note, other.note, theirs, doctor


def checked(data: bytes, folder: Path, *more: str) -> Outcome:
    (folder / "note.json").write_bytes(data)
    return run(folder / "note.json", "--json", *more)


async def test_who_gets_the_file_learns_who_signed_when_and_what_without_relais(
    town: Town, tmp_path: Path
) -> None:
    note, _, circle, doctor = await told(town)
    first = (await circle.versions(note))[0]
    made = await disclose(doctor.session, circle.view, first, Wanted(attachments=True))
    key = await key_of(town.relay)
    outcome = checked(made.data, tmp_path, "--key", key, "--save", str(tmp_path / "out"))
    claims = outcome.claims
    assert outcome.code == 0
    assert claims["note-signed"][0]["name"].startswith("Nadia Ferrand")
    assert claims["note-member"][0]["role"] == "lead"
    assert claims["note-hash-logged"][0]["proven"]
    assert {one["kind"] for one in claims["receipt"]} == {"stored", "read"}
    assert {one["name"].split(" (")[0] for one in claims["receipt-logged"]} == {"Denis Quéré"}
    assert claims["attachment"][0]["name"] == "compte rendu.pdf"
    assert (tmp_path / "out/note.txt").read_text("utf-8") == SAID
    assert (tmp_path / "out/1-compte_rendu.pdf").read_bytes() == PDF
    assert not claims["note-later"][0]["proven"]


async def test_the_key_in_it_opens_that_version_and_nothing_else(town: Town) -> None:
    note, other, circle, doctor = await told(town)
    first, second = await circle.versions(note)
    made = await disclose(doctor.session, circle.view, first, Wanted())
    content_key = base64.urlsafe_b64decode(json.loads(made.data)["note"]["key"] + "=")
    opened = []
    for name in (note, other):
        for stored in (await doctor.session.call(GetNote(circle.circle, name))).notes:
            envelope = verify.read_envelope(stored.envelope)
            if envelope.signed.digest == first.digest:
                opened.append(verify.open_content(envelope, content_key)["text"])
                continue
            with pytest.raises(verify.Refused, match="commitment-differs"):
                verify.open_content(envelope, content_key)
    assert (opened, second.version) == ([SAID], 2)
    for epoch_key in circle.view.keys.values():
        assert base64.urlsafe_b64encode(epoch_key).rstrip(b"=") not in made.data
    for hidden in (OTHER, FIXED, ODETTE.name):
        assert hidden.encode() not in made.data


async def test_only_what_is_asked_for_is_in_it(town: Town, tmp_path: Path) -> None:
    note, _, circle, doctor = await told(town)
    await circle.add(
        (await town.newcomer("Bérénice Loiseau")).account
    )  # after the note was written
    first = (await circle.versions(note))[0]
    made = await disclose(doctor.session, circle.view, first, Wanted(receipts=False))
    bundle = json.loads(made.data)
    assert (bundle["note"]["receipts"], bundle["note"]["blobs"]) == ([], {})
    assert [json.loads(one["entry"])["action"] for one in bundle["entries"]] == ["note.post"]
    assert len(made.accounts) == 1  # the author; whoever only read, or came later, is not named
    assert len(bundle["note"]["ledger"]) == first.header.ledger_seq + 1
    claims = checked(made.data, tmp_path, "--key", await key_of(town.relay)).claims
    assert "receipt" not in claims
    assert not claims["attachment-missing"][0]["proven"]


async def test_somebody_else_cannot_disclose_and_the_attempt_is_refused(town: Town) -> None:
    note, _, circle, _ = await told(town)
    stranger = await town.newcomer("Stéphane")
    with pytest.raises(Refusal) as caught:
        await stranger.session.call(DiscloseNote(circle.circle, note, 1, True))
    assert caught.value.code is Code.FORBIDDEN


async def test_a_file_that_would_not_hold_is_not_written(town: Town) -> None:
    note, _, circle, doctor = await told(town)
    first = (await circle.versions(note))[0]
    made = await disclose(doctor.session, circle.view, first, Wanted())
    key = await key_of(town.relay)
    check(made.data, key)
    with pytest.raises(ProtocolError) as caught:
        check(made.data.replace(b'"version":1', b'"version":2'), key)
    assert caught.value.reason == "bundle-version"


async def test_the_commands_write_the_file_and_the_program_that_checks_it(
    town: Town, tmp_path: Path
) -> None:
    relay = town.relay
    nurse, auditor = CommandLine(tmp_path / "nurse"), CommandLine(tmp_path / "auditor")
    person = ("--profession", "nurse")
    nurse.run("enrol", relay.invite("professional"), "--name", "Nadia", *person)
    auditor.run("enrol", relay.invite("auditor"), "--name", "Inès", *person)
    circle = nurse.json("circle", "new", *PATIENT)["circle"]
    note = nurse.json("post", circle, "--text", SAID)["note"]
    key = await key_of(relay)
    made = nurse.json("disclose", circle, note, "-o", str(tmp_path / "note.json"))
    assert set(made) == {"file", "verifier", "note", "version", "entries", "accounts"}
    program = tmp_path / "relais_verify.py"
    assert (made["verifier"], program.read_bytes()) == (str(program), FILE.read_bytes())
    outcome = run(tmp_path / "note.json", "--key", key, "--json", program=program)
    assert (outcome.code, outcome.json["content"]["text"]) == (0, SAID)
    done = auditor.json(
        "audit", "bundle", str(tmp_path / "b.json"), "--circle", circle, "--key", key
    )
    assert set(done) == {"file", "verifier", "key"}
    claims = run(tmp_path / "b.json", "--key", key, "--json").claims
    assert claims["entries"][0]["count"] >= 2
    assert (
        nurse.run("audit", "bundle", str(tmp_path / "c.json"), code=3).error["code"] == "forbidden"
    )
    nobodys = note[:-1] + ("0" if note[-1] == "f" else "f")
    assert nurse.run("disclose", circle, nobodys, "-o", str(tmp_path / "d"), code=4)
