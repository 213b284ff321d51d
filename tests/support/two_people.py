"""Two people who use the command line, a circle of theirs, and the keys each command prints."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from command_line import CommandLine
from running_relay import RunningRelay

PATIENT = ("--name", "Odette Verdier", "--sex", "F", "--born", "1938-04-17", "--place", "Saulieu")
POSTED = {"circle", "note", "version", "seq", "at"}
DEVICE = {"account", "device"}
ATTACHMENT = {"id", "name", "media_type", "size", "sha256"}
KEYS: dict[str, set[str]] = {
    "enrol": DEVICE,
    "whoami": {"account", "device", "name", "roles", "server", "kit_check_due"},
    "directory": {"account", "name", "profession", "organisation", "roles"},
    "circle new": {"circle"},
    "circle list": {
        *("circle", "name", "active", "closed", "unread", "urgent", "last_seq", "last_at"),
        *("locked", "waiting"),
    },
    "circle add": {"circle", "account", "role", "audiences", "history"},
    "circle change": {"circle", "account", "role", "audiences", "until"},
    "circle audience": {"circle", "audience", "members"},
    "circle remove": {"circle", "account", "epoch"},
    "circle leave": {"circle"},
    "members": {
        *("account", "name", "profession", "organisation", "role", "audiences", "since"),
        *("until", "active", "escrow", "reset_to", "reset_name", "reset_at"),
    },
    "post": POSTED,
    "notes": {
        *("circle", "seq", "note", "version", "author", "author_name", "at", "type", "text"),
        *("form", "attachments", "urgent", "acknowledge", "reply_to", "broadcast", "withdrawn"),
        *("locked", "audiences", "waiting", "damaged"),
    },
    "fetch": {"file", "size"},
    "ack": {"note", "version"},
    "receipts": {"version", "account", "name", "stored", "read", "acknowledged"},
    "broadcast": {"broadcast", "notes"},
    "device add": {"code", "link"},
    "device join": DEVICE,
    "device list": {"device", "label", "kind", "this", "added_at", "revoked_at", "last_seen"},
    "device revoke": {"device"},
    "kit": {"words", "qr"},
    "restore": DEVICE,
    "verify": {"account", "name", "number", "qr", "mark", "compared_at", "same"},
}


@dataclass(frozen=True)
class Cast:
    nurse: CommandLine
    doctor: CommandLine
    accounts: dict[str, str]
    relay: RunningRelay


@pytest.fixture(scope="module")
def cast(relay: RunningRelay, tmp_path_factory: pytest.TempPathFactory) -> Cast:
    """Two people, enrolled by the command line."""
    folder = tmp_path_factory.mktemp("cast")
    nurse, doctor = CommandLine(folder / "nurse"), CommandLine(folder / "doctor")

    def enrol(who: CommandLine, name: str, profession: str) -> dict[str, str]:
        url = relay.invite("professional", organisation="Cabinet du Morvan")
        words = ("--name", name, "--profession", profession, "--organisation", "Cabinet du Morvan")
        made: dict[str, str] = who.json("enrol", url, *words)
        return made

    with ThreadPoolExecutor(2) as both:
        first = both.submit(enrol, nurse, "Nadia Ferrand", "nurse")
        second = both.submit(enrol, doctor, "Denis Quéré", "physician")
        made = {"nurse": first.result(), "doctor": second.result()}
    assert all(set(one) == KEYS["enrol"] for one in made.values())
    return Cast(nurse, doctor, {name: one["account"] for name, one in made.items()}, relay)


@pytest.fixture(scope="module")
def circle(cast: Cast) -> str:
    """A circle of the nurse's with the doctor in it."""
    made: dict[str, str] = cast.nurse.json("circle", "new", *PATIENT)
    assert set(made) == KEYS["circle new"]
    added = cast.nurse.json("circle", "add", made["circle"], cast.accounts["doctor"])
    assert added == {
        "circle": made["circle"],
        "account": cast.accounts["doctor"],
        "role": "professional",
        "audiences": ["team"],
        "history": "all",
    }
    return made["circle"]
