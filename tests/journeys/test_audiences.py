"""Several audiences in one circle, by the Python member: what each may read, write, correct, and steal."""

import pytest
import thief
from people import ODETTE, Person, Town, new_home

from relais.client.cli.note_commands import note_facts
from relais.client.cli.output import rfc3339
from relais.client.errors import AudienceExists, UnknownNote
from relais.client.identity import Identity, new_keys
from relais.client.sdk import Change, Circle, Client
from relais.crypto import account
from relais.crypto.device import INTERACTIVE
from relais.crypto.errors import ProtocolError
from relais.models.refusal import Refusal
from relais.models.wire.account import AppendStatement


async def household(town: Town) -> tuple[Circle, Client, Client]:
    """A nurse in team, care and family; a doctor in team and care; a daughter in family alone."""
    nurse, doctor = await town.newcomer("Nadia"), await town.newcomer("Denis")
    daughter = await town.newcomer("Claire", "carer")
    circle = await nurse.create_circle(ODETTE)
    await circle.add(doctor.account)
    await circle.open_audience("care", [doctor.account])
    await circle.open_audience("family")
    await circle.add(daughter.account, role="carer", audiences=["family"])
    return circle, doctor, daughter


async def texts(client: Client, circle: str) -> list[str | None]:
    opened = await client.circle(circle)
    return [note.content.text if note.content else None async for note in opened.notes()]


async def test_a_family_member_decrypts_nothing_of_care_with_the_whole_database_in_hand(
    town: Town,
) -> None:
    circle, doctor, daughter = await household(town)
    await circle.post("à l'équipe")
    await circle.post("aux soignants", audiences=("care",))
    await circle.post("à la famille", audiences=("family",))
    await circle.post("à tous", audiences=("care", "family", "team"))
    await circle.remove(doctor.account)  # whose keys change for all that follows
    await circle.post("aux soignants encore", audiences=("care",))

    assert await texts(daughter, circle.circle) == ["à la famille", "à tous"]
    assert [one.name for one in await daughter.circles()] == [ODETTE.name]
    with town.relay.database() as database:
        hers = thief.readable(database, [daughter.session.identity.keys], circle.circle)
        his = thief.readable(database, [doctor.session.identity.keys], circle.circle)
    assert {content.text for content in hers.values()} == {"à la famille", "à tous"}
    assert {content.text for content in his.values()} == {"à l'équipe", "aux soignants", "à tous"}


async def test_an_answer_goes_to_whom_the_note_went_and_a_correction_too(town: Town) -> None:
    circle, doctor, daughter = await household(town)
    asked = await circle.post("Qui passe demain ?", audiences=("family",))
    theirs = await daughter.circle(circle.circle)
    answer = await theirs.post("Moi, à dix heures.", reply_to=asked.note)
    first = await circle.post("Dose : 1", audiences=("care",))
    await circle.correct(first.note, "Dose : 1/2")
    await circle.withdraw(first.note, "patient décédé")

    (said,) = await theirs.versions(answer.note)
    assert said.audiences == ("family",)
    versions = await (await doctor.circle(circle.circle)).versions(first.note)
    assert [one.audiences for one in versions] == [("care",)] * 3
    with pytest.raises(UnknownNote):
        await (await doctor.circle(circle.circle)).versions(asked.note)


async def test_somebody_writes_for_the_audiences_they_are_in_and_to_no_other(town: Town) -> None:
    circle, _, daughter = await household(town)
    theirs = await daughter.circle(circle.circle)
    posted = await theirs.post("Elle a bien dormi.")

    assert (await theirs.versions(posted.note))[0].audiences == ("family",)
    with pytest.raises((Refusal, ProtocolError), match="not-a-member"):
        await theirs.post("à l'équipe", audiences=("team",))


async def test_an_audience_taken_away_is_closed_from_the_next_note_on(town: Town) -> None:
    circle, doctor, _ = await household(town)
    await circle.post("avant", audiences=("care",))
    await circle.change(doctor.account, Change(audiences=("team",)))
    await circle.post("après", audiences=("care",))
    await circle.post("à l'équipe")

    assert await texts(doctor, circle.circle) == ["à l'équipe"]
    with town.relay.database() as database:
        read = thief.readable(database, [doctor.session.identity.keys], circle.circle)
        assert thief.current_epoch(database, circle.circle, "care") == 2
    assert {content.text for content in read.values()} == {"avant", "à l'équipe"}


async def test_whoever_came_without_the_history_reads_an_audience_from_when_they_entered_it(
    town: Town,
) -> None:
    circle, _, _ = await household(town)
    substitute = await town.newcomer("Solène")
    await circle.add(substitute.account, history=False)
    await circle.post("aux soignants", audiences=("care",))
    await circle.change(substitute.account, Change(audiences=("care", "team")))
    await circle.post("aux soignants, avec elle", audiences=("care",))

    assert await texts(substitute, circle.circle) == ["aux soignants, avec elle"]


async def test_an_audience_opens_once(town: Town) -> None:
    circle, _, _ = await household(town)
    with pytest.raises(AudienceExists):
        await circle.open_audience("care")


async def another_device(town: Town, client: Client) -> Client:
    """A second device of somebody's, in the account and given no key yet."""
    session, keys = client.session, new_keys()
    mine = session.accounts[client.account]
    word = account.possession(keys, keys.device(INTERACTIVE, "tablette"), mine.account)
    added = account.add_device(mine, session.identity.keys, word, at=session.clock.now())
    await session.call(AppendStatement(added))
    home = new_home(town.folder, "tablette")
    Identity(session.identity.origin, mine.account, keys, INTERACTIVE, "tablette").save(home)
    return await town.connect(Person("tablette", home))


async def test_a_note_whose_key_is_on_its_way_says_since_when_and_who_can_help(town: Town) -> None:
    circle, doctor, _ = await household(town)
    await circle.post("à l'équipe")
    tablet = await another_device(town, doctor)
    theirs = await tablet.circle(circle.circle)
    (note,) = [one async for one in theirs.notes()]

    waiting, coming = note_facts(tablet, theirs, note)["waiting"], await theirs.help()

    assert note.locked
    assert waiting["since"] >= rfc3339(note.stored_at)
    assert coming is not None
    assert {"Nadia", "Denis"} <= set(coming.names)
    await doctor.heal()
    await theirs.refresh()
    (note,) = [one async for one in theirs.notes()]
    assert note_facts(tablet, theirs, note)["waiting"] is None
    assert await theirs.help() is None
