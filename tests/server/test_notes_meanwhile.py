"""What changes while a note is being checked counts for that note."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from members import Circle, House, Person, new_keys, now, refused

from relais.crypto import account
from relais.crypto.content import Attachment, Content
from relais.models.ids import uuid7
from relais.models.refusal import Code
from relais.models.store.notes import NoteStore
from relais.server.blobs import Blobs


async def team(house: House) -> tuple[Person, Person, Person, Circle]:
    nurse, doctor, lea = [await house.person(name) for name in ("Nadia", "Denis", "Lea")]
    circle = await nurse.open_circle()
    for other in (doctor, lea):
        await nurse.add(circle, other)
        other.meet(nurse, doctor)
    return nurse, doctor, lea, circle


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, store: type, name: str, happens: Callable[[], Awaitable[Any]]
) -> None:
    """Let something happen, once, while this is asked of the store."""
    real = getattr(store, name)

    async def asked(self: Any, *args: Any) -> Any:
        monkeypatch.setattr(store, name, real)
        await happens()
        return await real(self, *args)

    monkeypatch.setattr(store, name, asked)


async def test_a_removal_while_a_correction_is_checked_makes_its_epoch_old(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, doctor, lea, circle = await team(house)
    first = doctor.note(circle)
    await doctor.send(first)
    correction = doctor.correction(circle, first)
    meanwhile(monkeypatch, NoteStore, "versions", lambda: nurse.remove(circle, lea))
    refusal = await refused(doctor.send(correction), Code.STALE_EPOCH)
    assert refusal.facts["epoch"] == 2
    assert (await nurse.sync(circle)).last_seq == 1
    assert (await doctor.send(doctor.correction(circle, first))).seq == 2


async def test_an_author_removed_while_their_blobs_are_checked_posts_no_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, doctor, _, circle = await team(house)
    monkeypatch.setattr(Blobs, "link", _linked)
    meanwhile(monkeypatch, Blobs, "link", lambda: nurse.remove(circle, doctor))
    await refused(doctor.send(with_picture(doctor, circle)), Code.FORBIDDEN, "not-a-member")
    assert (await nurse.sync(circle)).last_seq == 0
    assert (await nurse.send(with_picture(nurse, circle))).seq == 1


async def test_a_device_revoked_while_its_correction_is_checked_posts_no_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, doctor, _, circle = await team(house)
    keys = new_keys()
    word = account.possession(keys, keys.device("interactive", "phone"), doctor.id)
    await doctor.append(account.add_device(doctor.state, doctor.keys, word, at=now()))
    phone = Person("Denis", doctor.state, house.door(keys))
    await phone.on.connect()
    first = phone.note(circle)
    await phone.send(first)
    correction = phone.correction(circle, first)
    revoking = account.revoke_device(doctor.state, doctor.keys, keys.id, at=now())
    meanwhile(monkeypatch, NoteStore, "versions", lambda: doctor.append(revoking))
    refusal = await refused(phone.send(correction), Code.STALE_EPOCH)
    assert refusal.facts["rotate"] is True
    assert (await nurse.sync(circle)).last_seq == 1


def with_picture(person: Person, circle: Circle) -> bytes:
    """A note that names a blob."""
    picture = Attachment(
        id=uuid7(now()),
        blob="b" * 64,
        key=bytes(32),
        name="wound.jpg",
        media_type="image/jpeg",
        size=10,
        sha256="a" * 64,
        width=None,
        height=None,
        thumbnail=None,
    )
    content = Content("GEN", "", attachments=(picture,))
    return person.seal(circle, person.draft(circle), content)


async def _linked(*_: Any) -> None:
    """As if it had been uploaded."""
