"""An entry says for which organisation, to what end and on whose behalf somebody acted, and under which request."""

import io
import json
import logging
from collections.abc import Callable

import aiohttp
import pytest
from members import House, Person, refused
from patience import PATIENCE

from relais.crypto import account
from relais.crypto.account import Profile
from relais.models.refusal import Code
from relais.models.store.errors import Unavailable
from relais.models.wire import account as account_wire
from relais.models.wire import auth
from relais.models.wire import circle as circle_wire
from relais.server.audit.purpose import STATED, purpose_of
from relais.server.logs import JsonLines
from relais.server.requests import asking, current

OTHER = "ab" * 32


async def _last(house: House, action: str, person: Person | None = None) -> dict[str, object]:
    every = sorted(await house.audit(), key=lambda one: str(one["id"]))
    found = [one for one in every if one["action"] == action]
    return [one for one in found if person is None or one["account"] == person.id][-1]


async def test_an_entry_names_the_organisation_that_the_profile_says_at_that_time(
    house: House,
) -> None:
    nurse = await house.person("Nadia")
    circle = await nurse.open_circle()
    before = await _last(house, "circle.create", nurse)
    profile = Profile("Nadia", "nurse", "Maison de santé")
    at = nurse.state.at + 1
    await nurse.append(account.change_profile(nurse.state, nurse.keys, profile, at=at))
    await nurse.post(circle, "a")
    after = await _last(house, "note.post", nurse)
    assert (before["organisation"], after["organisation"]) == ("Beaune", "Maison de santé")


@pytest.mark.parametrize(
    ("action", "role", "expected"),
    [
        ("note.post", "professional", "TREAT"),
        ("circle.sync", "carer", "FAMRQT"),
        ("admin.invite", "administrator", "HOPERAT"),
        ("auth.token", "professional", "HSYSADMIN"),
        ("account.append", "professional", "HSYSADMIN"),
        ("audit.search", "auditor", "HCOMPL"),
        ("log.entries", "auditor", "HCOMPL"),
    ],
)
def test_each_action_has_its_usual_purpose(action: str, role: str, expected: str) -> None:
    assert purpose_of(action, role, None) == expected


def test_a_stated_purpose_replaces_care_and_nothing_else() -> None:
    assert purpose_of("circle.sync", "professional", "ETREAT") == "ETREAT"
    assert purpose_of("audit.search", "auditor", "ETREAT") == "HCOMPL"
    assert purpose_of("admin.invite", "administrator", "ETREAT") == "HOPERAT"
    assert "HCOMPL" not in STATED


async def test_purpose_and_principal_are_those_stated_when_connecting(house: House) -> None:
    nurse = await house.person("Nadia")
    await nurse.on.socket.disconnect()
    token = (await nurse.on.login()).token
    said = {"token": token, "purpose": "ETREAT", "on_behalf_of": OTHER}
    await nurse.on.socket.connect(
        nurse.on.origin, auth=said, transports=["websocket"], wait_timeout=PATIENCE
    )
    await nurse.on.call(circle_wire.ListCircles(False))
    entry = await _last(house, "circle.list", nurse)
    assert (entry["purpose"], entry["on_behalf_of"]) == ("ETREAT", OTHER)


@pytest.mark.parametrize(
    ("field", "value"),
    [("purpose", "FUN"), ("purpose", 7), ("on_behalf_of", "me"), ("on_behalf_of", "AB" * 32)],
)
async def test_what_is_stated_badly_is_refused(house: House, field: str, value: object) -> None:
    nurse = await house.person("Nadia")
    await nurse.on.socket.disconnect()
    token = (await nurse.on.login()).token
    with pytest.raises(Exception, match="malformed|refused|One or more"):
        await nurse.on.socket.connect(
            nurse.on.origin,
            auth={"token": token, field: value},
            transports=["websocket"],
            wait_timeout=PATIENCE,
        )
    entry = await _last(house, "socket.connect")
    assert (entry["outcome"], entry["reason"]) == ("refused", "malformed")


async def test_over_http_they_are_headers(house: House) -> None:
    auditor = await house.person("Inès", "auditor")
    token = auditor.on.token
    assert token is not None
    address = f"{house.node.origin}/audit/export?format=csv"
    headers = {"Authorization": f"Bearer {token.token}", "Relais-On-Behalf-Of": OTHER}
    async with aiohttp.ClientSession() as http:
        async with http.get(address, headers=headers) as answer:
            assert answer.status == 200
        async with http.get(address, headers={**headers, "Relais-Purpose": "FUN"}) as answer:
            assert (answer.status, await answer.json()) == (
                400,
                {"error": {"code": "malformed", "field": "purpose"}},
            )
    done = [one for one in await house.audit() if one["action"] == "audit.export"]
    assert [(one["purpose"], one["on_behalf_of"]) for one in done[:1]] == [("HCOMPL", OTHER)]


async def test_a_bot_acts_for_its_organisation(house: House) -> None:
    bot = await house.person("Labo", "bot", kind="bot")
    await bot.on.call(circle_wire.ListCircles(False))
    entry = await _last(house, "circle.list", bot)
    assert entry["on_behalf_of"] == "Beaune"


async def test_each_request_has_its_own_id_and_so_has_its_refusal(house: House) -> None:
    nurse = await house.person("Nadia")
    await nurse.on.call(circle_wire.ListCircles(False))
    await nurse.on.call(circle_wire.ListCircles(False))
    await refused(nurse.on.call(account_wire.ListAccounts(0, 10)), Code.FORBIDDEN, "not-allowed")
    mine = [one for one in await house.audit() if one["account"] == nurse.id]
    asked = [one["request"] for one in mine if one["action"] != "auth.enrol"]
    assert all(isinstance(one, str) for one in asked)
    assert len(set(asked)) == len(asked)


def test_a_log_line_names_the_request_it_is_about() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("relais.test.requests")
    logger.addHandler(handler)
    try:
        with asking() as request:
            logger.error("inside")
        logger.error("outside")
    finally:
        logger.removeHandler(handler)
    inside, outside = map(json.loads, stream.getvalue().splitlines())
    assert inside["request"] == request
    assert "request" not in outside
    assert current() is None


READS: dict[str, Callable[[Person], object]] = {
    "account.get": lambda me: account_wire.GetAccounts((me.id,)),
    "device.list": lambda me: account_wire.ListDevices(),
    "directory.search": lambda me: account_wire.SearchDirectory("nadia", 5),
    "circle.list": lambda me: circle_wire.ListCircles(False),
}


@pytest.mark.parametrize("action", READS)
async def test_a_read_is_recorded_when_it_succeeds(house: House, action: str) -> None:
    nurse = await house.person("Nadia")
    await nurse.on.call(READS[action](nurse))
    entry = await _last(house, action, nurse)
    assert entry["outcome"] == "ok"


@pytest.mark.parametrize("action", READS)
async def test_a_read_whose_entry_cannot_be_stored_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    nurse = await house.person("Nadia")

    async def fails(document: object) -> None:
        raise Unavailable("no disk")

    with monkeypatch.context() as patch:
        patch.setattr(house.node.base.stores.pending, "add", fails)
        await refused(nurse.on.call(READS[action](nurse)), Code.UNAVAILABLE)
    await nurse.on.call(READS[action](nurse))


async def test_an_account_that_is_looked_up_alone_is_named(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Gaspard")
    await nurse.on.call(account_wire.GetAccounts((doctor.id,)))
    await nurse.on.call(account_wire.GetAccounts((doctor.id, nurse.id)))
    told = [
        one["subject"]
        for one in sorted(await house.audit(), key=lambda one: str(one["id"]))
        if one["action"] == "account.get" and one["account"] == nurse.id
    ]
    assert told[-2:] == [{"account": doctor.id, "found": 1}, {"found": 2}]


async def test_looking_at_an_invitation_is_recorded(house: House) -> None:
    admin = await house.person("Ada", "administrator")
    made = await admin.on.call(account_wire.Invite(("professional",), "MSP", 3))
    token = made.path.partition("#")[2]
    await house.door().exchange(auth.LookInvitation(token))
    looked = await _last(house, "auth.invitation")
    assert (looked["outcome"], looked["subject"]) == ("ok", {"roles": "professional"})
    assert looked["organisation"] is None
    invited = await _last(house, "admin.invite", admin)
    assert invited["subject"] == {"roles": "professional", "organisation": "MSP"}
