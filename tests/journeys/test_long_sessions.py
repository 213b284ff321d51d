"""Programs that stay connected while others take new phones and lose old ones. Found by the random days (tests/simulation)."""

from people import ODETTE, Town

from relais.client import enrolment, healing, posting
from relais.client.posting import Writing
from relais.crypto import account, kit
from relais.models.wire.account import AppendStatement
from relais.models.wire.circle import GetMissing


async def test_who_met_somebody_before_their_new_device_still_opens_the_next_key_for_it(
    town: Town,
) -> None:
    nurse, doctor = await town.newcomer("Nadia"), await town.newcomer("Denis")
    circle = await nurse.create_circle(ODETTE)
    await circle.add(doctor.account)
    pharmacist = await town.newcomer("Paule")
    await circle.add(pharmacist.account)
    words, _ = await enrolment.make_kit(doctor.session, "fr")
    await doctor.heal()

    await circle.remove(pharmacist.account)

    assert circle.view.state.audiences["team"].epoch == 2
    assert (await doctor.session.call(GetMissing(circle.circle))).missing == ()
    device = kit.keys_of(kit.seed_of(words)).id
    granted = circle._session.accounts[doctor.account].in_force(device)
    assert granted, "the device is known now"


async def test_a_circle_opened_after_ones_other_device_came_is_for_that_device_too(
    town: Town,
) -> None:
    person = await town.person("Nadia")
    one, other = await town.connect(person), await town.connect(person)
    await enrolment.make_kit(other.session, "fr")

    circle = await one.create_circle(ODETTE)

    assert (await one.session.call(GetMissing(circle.circle))).missing == ()


async def test_a_device_revoked_behind_ones_back_costs_a_new_key_all_the_same(town: Town) -> None:
    nurse, doctor = await town.newcomer("Nadia"), await town.newcomer("Denis")
    circle = await nurse.create_circle(ODETTE)
    words, _ = await enrolment.make_kit(doctor.session, "fr")
    await circle.add(doctor.account)
    await circle.refresh()
    lost = kit.keys_of(kit.seed_of(words)).id
    mine, keys = await enrolment.own_state(doctor.session), doctor.session.identity.keys
    statement = account.revoke_device(mine, keys, lost, at=doctor.session.clock.now())
    await doctor.session.call(AppendStatement(statement))

    await healing.rotate_if_due(nurse.session, circle.circle)

    await circle.refresh()
    assert circle.view.state.audiences["team"].epoch == 2


async def test_a_lost_socket_is_opened_again_whatever_is_asked_first(town: Town) -> None:
    nurse = await town.newcomer("Nadia")
    await nurse.session.transport.disconnect()

    mine = await enrolment.own_state(nurse.session)

    assert mine.account == nurse.account
    assert nurse.session.transport.connected


async def test_a_note_of_somebody_removed_meanwhile_is_given_up_and_holds_up_no_other(
    town: Town,
) -> None:
    nurse, doctor = await town.newcomer("Nadia"), await town.newcomer("Denis")
    circle = await nurse.create_circle(ODETTE)
    await circle.add(doctor.account)
    own = await doctor.create_circle(ODETTE)
    now = doctor.session.clock.now()
    late = posting.keep(doctor.session.home, circle.circle, Writing("trop tard"), at=now)
    posting.keep(doctor.session.home, own.circle, Writing("à temps"), at=now)

    await circle.remove(doctor.account)
    posted, refused = await doctor.flush()

    assert [one.circle for one in posted] == [own.circle]
    assert [(one.note, why.reason) for one, why in refused] == [(late.note, "not-a-member")]
    assert posting.waiting(doctor.session) == []
