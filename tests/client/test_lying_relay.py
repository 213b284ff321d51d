"""A relay that makes things up, or a member that spoils them: what this member believes, and what not."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from relais.client import circle_state, membership, receipts
from relais.client.accounts import AccountBook
from relais.client.alarms import Alarms
from relais.client.circle_state import CircleView
from relais.client.clock import ServerClock
from relais.client.errors import LedgerAlarm, ProfileUnreadable
from relais.client.home import Home
from relais.client.identity import Identity
from relais.client.pins import Pins
from relais.client.reading import Note
from relais.client.session import Session
from relais.crypto import (
    account,
    cbor,
    content,
    cose,
    envelope,
    epoch,
    grant,
    ledger,
    receipt,
    suite,
)
from relais.crypto.account import AccountState, Profile
from relais.crypto.content import Content, Form
from relais.crypto.device import DeviceKeys
from relais.crypto.envelope import Draft, To
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger import CircleState, Create, MemberAdd
from relais.models.ids import uuid7
from relais.models.wire.account import Chain, Chains, GetAccounts
from relais.models.wire.circle import (
    GetGrants,
    GetLedger,
    GrantsGot,
    GrantsReported,
    Ledger,
    ReportGrants,
)
from relais.models.wire.note import GetReceipts, Receipts, StoredReceipt

START = 1_790_000_000_000
KEY = secrets.token_bytes(32)


@dataclass(frozen=True)
class Person:
    keys: DeviceKeys
    chain: bytes
    state: AccountState

    @property
    def account(self) -> str:
        return self.state.account


def person(name: str) -> Person:
    keys = DeviceKeys.from_random(secrets.token_bytes(64))
    device = keys.device("interactive", name)
    chain = account.create(keys, device, Profile(name, "", ""), at=START)
    return Person(keys, chain, account.replay([chain]))


@dataclass
class Relay:
    """What `Session` is to the code that reads; it answers whatever a test puts into it."""

    identity: Identity
    home: Home
    pins: Pins
    people: dict[str, Person]
    entries: list[bytes] = field(default_factory=list)
    profile: bytes | None = None
    grants: list[bytes] = field(default_factory=list)
    receipts: list[bytes] = field(default_factory=list)
    roles: tuple[str, ...] = ("professional",)

    def __post_init__(self) -> None:
        self.clock = ServerClock()
        self.alarms = Alarms(self.home, self.clock.now)
        self.accounts = AccountBook(cast(Any, self), self.pins, self.alarms)

    async def call(self, request: Any) -> Any:
        answers: dict[type, Callable[[Any], Any]] = {
            GetAccounts: lambda ask: Chains(
                tuple(Chain(one, (self.people[one].chain,), None) for one in ask.accounts)
            ),
            GetLedger: lambda ask: Ledger(
                tuple(self.entries[ask.from_seq :]), self.profile, more=False
            ),
            GetGrants: lambda ask: GrantsGot(
                tuple(self.grants[ask.after : ask.after + 1]),  # one at a time
                min(ask.after + 1, len(self.grants)),
            ),
            ReportGrants: lambda ask: GrantsReported(len(ask.grants)),
            GetReceipts: lambda _: Receipts(
                tuple(StoredReceipt(at + 1, one) for at, one in enumerate(self.receipts)),
                len(self.receipts),
            ),
        }
        return answers[type(request)](request)

    async def fetch(self) -> CircleView:
        state = ledger.replay(self.entries, lambda one: self.people[one].state)
        return await circle_state.fetch(cast(Session, self), state.circle)


@dataclass
class Scene:
    nurse: Person
    doctor: Person
    stranger: Person
    relay: Relay
    circle: CircleState

    def profile(
        self,
        by: Person,
        name: str,
        version: int = 1,
        *,
        inside: bool = True,
        key: bytes = b"",
    ) -> bytes:
        """Sealed under the epoch's key; from outside, to its inbox key, which is no secret. `key`: the content's."""
        current = self.circle.audiences["team"].current
        to = To("team", 1, key=KEY if inside else None, inbox_key=current.inbox_key)
        form = Form(
            "relais/patient/1", {"name": name, "sex": "F", "born": "1950-01-01", "place": "p"}
        )
        said = Content("PROFILE", name, form)
        made = self.draft(by, "profile", version, replaces="0" * 64 if version > 1 else None)
        entropy = key + secrets.token_bytes(envelope.ENTROPY_SIZE - len(key))
        return envelope.seal(by.keys, made, said, to=[to], entropy=entropy)

    def garbage(self, by: Person, said: bytes | None, version: int = 1) -> bytes:
        """Sealed around what is no profile; None: under a key nobody has."""
        key = secrets.token_bytes(32)
        good = envelope.peek(self.profile(by, "x", version, key=key))
        seal_key = suite.hkdf(key if said else bytes(32), ["relais/1 note", "encrypt"])
        body = cose.encrypt0(seal_key, said or b"", nonce=bytes(12), aad=good.header_bytes)
        payload = cbor.encode([good.header_bytes, body])
        return cose.sign(payload, keys=by.keys, context=cose.NOTE)

    async def opened_epoch(self, view: CircleView) -> membership.Change:
        """What this member would send to open the next epoch."""
        return membership._prepare(cast(Session, self.relay), view, [], ["team"], at=START + 40)

    def draft(
        self, by: Person, kind: str, version: int = 1, *, replaces: str | None = None
    ) -> Draft:
        return Draft(
            circle=self.circle.circle,
            note=uuid7(START),
            version=version,
            replaces=replaces,
            kind=kind,
            account=by.account,
            at=START + 20,
            ledger_seq=self.circle.seq,
            ledger_head=self.circle.head,
        )

    def grant(self, by: Person, key: bytes) -> bytes:
        return grant.seal(
            by.keys,
            self.doctor.keys.device("interactive", "Doctor"),
            circle=self.circle.circle,
            account=self.doctor.account,
            granter=by.account,
            epochs=[("team", 1, key)],
            at=START + 20,
        )

    def note(self) -> Note:
        """A version by the nurse, as this member has read it."""
        header = cast(Any, self.draft(self.nurse, "post"))
        return Note(self.circle.circle, 1, START + 21, header, "d" * 64, Content("GEN", "un"))

    def receipt(self, by: Person, note: Note, version: int = 1) -> bytes:
        return receipt.write(
            by.keys,
            circle=self.circle.circle,
            note=note.note,
            version=version,
            envelope=note.digest,
            kind="acknowledged",
            account=by.account,
            at=START + 30,
        )


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A nurse who leads, a doctor who reads here, and somebody the relay has made up."""
    nurse, doctor, stranger = person("Nurse"), person("Doctor"), person("Dr Denis Durand")
    people = {one.account: one for one in (nurse, doctor, stranger)}
    identity = Identity(
        "https://relais.example", doctor.account, doctor.keys, "interactive", "here"
    )
    home = Home(tmp_path, bytes(32))
    relay = Relay(identity, home, Pins(home), people)
    head = nurse.state.head
    first = ledger.write_entry(
        None,
        nurse.keys,
        account=nurse.account,
        account_head=head,
        operations=[
            Create(secrets.token_bytes(16)),
            MemberAdd(nurse.account, head, "lead", ("team",), START, None, 0),
            epoch.open_operation("team", 1, KEY),
        ],
        at=START,
    )
    before = ledger.apply(None, first, nurse.state)
    added = MemberAdd(
        doctor.account, doctor.state.head, "professional", ("team",), START + 10, None, 0
    )
    second = ledger.write_entry(
        before,
        nurse.keys,
        account=nurse.account,
        account_head=head,
        operations=[added],
        at=START + 10,
    )
    relay.entries = [first, second]
    made = Scene(nurse, doctor, stranger, relay, ledger.apply(before, second, nurse.state))
    relay.grants = [made.grant(nurse, KEY)]
    return made


async def test_a_members_profile_is_opened(scene: Scene) -> None:
    scene.relay.profile = scene.profile(scene.nurse, "Odette")
    view = await scene.relay.fetch()
    assert view.profile is not None
    assert view.profile.text == "Odette"


async def test_a_profile_by_somebody_outside_the_circle_is_refused(scene: Scene) -> None:
    """Anybody can seal to the inbox key: the relay could give a patient another's name."""
    scene.relay.profile = scene.profile(scene.stranger, "Somebody else", inside=False)
    with pytest.raises(ProtocolError, match="not-a-member"):
        await scene.relay.fetch()


async def test_an_older_profile_than_the_one_seen_last_is_an_alarm(scene: Scene) -> None:
    old, new = (scene.profile(scene.nurse, name, version) for version, name in ((1, "A"), (2, "B")))
    scene.relay.profile = new
    await scene.relay.fetch()
    await scene.relay.fetch()
    scene.relay.profile = old
    with pytest.raises(LedgerAlarm, match="rollback"):
        await scene.relay.fetch()
    scene.relay.profile = scene.profile(scene.nurse, "C", 2)
    with pytest.raises(LedgerAlarm, match="fork"):
        await scene.relay.fetch()


GARBAGE = {
    "cannot-open": None,
    "bad-padding": b"no profile",
    "non-canonical": content.pad(b"\xff"),
    "wrong-type": content.pad(content.encode(Content("GEN", "no profile"))),
}


@pytest.mark.parametrize("reason", GARBAGE)
async def test_what_a_member_seals_as_profile_and_is_none_leaves_the_one_before(
    scene: Scene, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The server cannot look inside: one member could close the circle to everybody."""
    scene.relay.profile = scene.profile(scene.nurse, "Odette")
    good = (await scene.relay.fetch()).profile
    scene.relay.profile = scene.garbage(scene.nurse, GARBAGE[reason], version=2)
    view = await scene.relay.fetch()
    assert (good is None, view.profile, view.profile_fault) == (False, good, reason)
    assert reason in caplog.text
    assert "Odette" not in caplog.text


@pytest.mark.parametrize("reason", GARBAGE)
async def test_a_device_that_read_no_profile_before_shows_none(scene: Scene, reason: str) -> None:
    scene.relay.profile = scene.garbage(scene.nurse, GARBAGE[reason])
    view = await scene.relay.fetch()
    assert (view.profile, view.profile_fault) == (None, reason)
    assert view.keys == {("team", 1): KEY}


async def test_the_next_epoch_seals_the_last_profile_that_was_read(scene: Scene) -> None:
    scene.relay.profile = scene.profile(scene.nurse, "Odette")
    await scene.relay.fetch()
    scene.relay.profile = scene.garbage(scene.nurse, b"no profile", version=2)
    change = await scene.opened_epoch(await scene.relay.fetch())
    assert change.profile is not None
    sealed = envelope.peek(change.profile)
    assert envelope.open_envelope(sealed, change.keys).text == "Odette"
    assert sealed.header.version == 3
    assert sealed.header.replaces == envelope.peek(scene.relay.profile).digest


async def test_the_next_epoch_waits_for_a_device_that_has_read_the_profile(scene: Scene) -> None:
    scene.relay.profile = scene.garbage(scene.nurse, b"no profile")
    with pytest.raises(ProfileUnreadable):
        await scene.opened_epoch(await scene.relay.fetch())


async def test_a_grant_that_does_not_hold_keeps_no_other_from_being_opened(scene: Scene) -> None:
    good = scene.relay.grants[0]
    wrong_key = scene.grant(scene.nurse, secrets.token_bytes(32))
    scene.relay.grants = [wrong_key, scene.grant(scene.stranger, KEY), good]
    assert (await scene.relay.fetch()).keys == {("team", 1): KEY}
    scene.relay.grants = [wrong_key]
    assert (await scene.relay.fetch()).keys == {}


async def test_an_acknowledgement_by_a_member_counts(scene: Scene) -> None:
    view, note = await scene.relay.fetch(), scene.note()
    scene.relay.receipts = [scene.receipt(scene.doctor, note)]
    (seen,) = await receipts.of_note(cast(Session, scene.relay), view, [note])
    assert (seen.account, seen.kind, seen.at) == (scene.doctor.account, "acknowledged", START + 30)


async def test_an_acknowledgement_by_an_account_outside_the_circle_is_refused(scene: Scene) -> None:
    """The relay can make an account with a doctor's name, and sign with it."""
    view, note = await scene.relay.fetch(), scene.note()
    scene.relay.receipts = [scene.receipt(scene.stranger, note)]
    with pytest.raises(ProtocolError, match="not-a-member"):
        await receipts.of_note(cast(Session, scene.relay), view, [note])


async def test_receipts_of_versions_one_does_not_have_are_passed_over(scene: Scene) -> None:
    view, note = await scene.relay.fetch(), scene.note()
    scene.relay.receipts = [scene.receipt(scene.doctor, note, version) for version in (1, 2)]
    seen = await receipts.of_note(cast(Session, scene.relay), view, [note])
    assert [one.version for one in seen] == [1]
