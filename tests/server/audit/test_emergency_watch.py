"""Emergency access is looked at afterwards: what is found, until when somebody has to look, and who hears when nobody does."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from audit_house import watched
from escrowed import HOUR, Night, enrolled, escrowed, night
from members import House, Person, new_keys, now, refused

from relais.crypto import account
from relais.crypto.account import Profile
from relais.models.refusal import Code
from relais.models.wire.watch import (
    Finding,
    Findings,
    GetRules,
    ListFindings,
    ReviewFinding,
    ReviewsDue,
    SetRules,
)

DAY = 24 * HOUR


@pytest.fixture
async def auditor(house: House) -> AsyncIterator[Person]:
    """Who reviews whatever is left open when the test ends."""
    one = await house.person("Audrey", "auditor")
    yield one
    for rule in ("break-glass", "escrow-login"):
        for found in (await listed(one)).rows:
            if found.rule == rule:
                await one.on.call(ReviewFinding(rule, found.index, "expected"))  # type: ignore[arg-type]


async def listed(auditor: Person, about: str | None = None) -> Findings:
    found: Findings = await auditor.on.call(ListFindings(True, about, 0, 200))
    return found


async def found_of(auditor: Person, escrow: str, rule: str) -> list[Finding]:
    return [row for row in (await listed(auditor, escrow)).rows if row.rule == rule]


async def released(house: House, auditor: Person) -> tuple[Night, Finding]:
    scene = await night(house)
    await scene.let_in()
    await watched(house)
    (found,) = await found_of(auditor, scene.escrow.id, "break-glass")
    return scene, found


async def test_every_release_is_found_and_due_in_three_days(house: House, auditor: Person) -> None:
    scene, found = await released(house, auditor)
    assert (found.circle, found.about) == (scene.circle.id, scene.omar.id)
    assert found.due == found.at + 72 * HOUR


async def test_until_when_is_a_setting(house: House, auditor: Person) -> None:
    rules = await auditor.on.call(GetRules())
    after = await auditor.on.call(SetRules(replace(rules, review_hours=24)))
    _, found = await released(house, auditor)
    assert found.due == found.at + 24 * HOUR
    await refused(auditor.on.call(SetRules(replace(after, review_hours=0))), Code.MALFORMED)
    await auditor.on.call(SetRules(replace(after, review_hours=72)))


async def test_who_was_let_in_does_not_review_it(house: House, auditor: Person) -> None:
    scene = await night(house)
    scene.omar = await house.person("Omar", "professional", "auditor")
    scene.escrow.person.meet(scene.omar)
    await scene.let_in()
    await watched(house)
    (found,) = await found_of(auditor, scene.escrow.id, "break-glass")
    ask = ReviewFinding("break-glass", found.index, "expected")
    await refused(scene.omar.on.call(ask), Code.FORBIDDEN, "not-allowed")
    assert (await auditor.on.call(ask)).verdict == "expected"


async def test_a_login_of_an_escrow_that_nobody_was_approved_by_is_found(
    house: House, auditor: Person
) -> None:
    made = await escrowed(house, *[await house.person(n, "coordinator") for n in ("G", "H")])
    await watched(house)
    assert await found_of(auditor, made.id, "escrow-login") == [], "it was being made"
    await made.person.on.login()
    await watched(house)
    (found,) = await found_of(auditor, made.id, "escrow-login")
    assert (found.account, found.due) == (made.id, None)


async def test_a_login_of_an_escrow_after_an_approval_is_nothing_strange(
    house: House, auditor: Person
) -> None:
    scene = await night(house)
    await scene.approved()
    await scene.escrow.person.on.login()
    await watched(house)
    assert await found_of(auditor, scene.escrow.id, "escrow-login") == []


async def test_what_is_overdue_is_chased_once_a_day_and_told(house: House, auditor: Person) -> None:
    administrator = await house.person("Ada", "administrator")
    elsewhere = await of_another_organisation(house)
    _, found = await released(house, auditor)
    assert found.due is not None
    chaser = house.node.audit.chaser
    assert await chaser.look(found.due - 1) == 0
    assert await chaser.look(found.due) == 1
    assert await chaser.look(found.due + HOUR) == 0, "within the day"
    assert await auditor.on.hear(ReviewsDue) == ReviewsDue(1)
    assert await shown(house) == 1
    assert await chaser.look(found.due + DAY) == 1
    assert await administrator.on.hear(ReviewsDue) == ReviewsDue(1)
    assert [one for one in elsewhere.on.heard if isinstance(one, ReviewsDue)] == []
    said = [one["subject"] for one in await house.audit() if one["action"] == "audit.chase"]
    mine = [one for one in said if one["index"] == found.index]
    assert sorted(one["days"] for one in mine) == [0, 1]
    assert {one["finding"] for one in mine} == {"break-glass"}

    await auditor.on.call(ReviewFinding("break-glass", found.index, "explained"))
    assert await chaser.look(found.due + 3 * DAY) == 0
    assert await shown(house) == 0


async def test_auditors_are_told_how_many_are_overdue(
    house: House, auditor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, found = await released(house, auditor)
    assert (await listed(auditor)).overdue == 0
    late = now() + 73 * HOUR
    monkeypatch.setattr("relais.server.audit.watch.answers.now_ms", lambda: late)
    assert (await listed(auditor)).overdue == 1
    assert found.due is not None


async def of_another_organisation(house: House) -> Person:
    """An auditor of somewhere else."""
    one = await house.person("Elsa", "auditor")
    moved = Profile("Elsa", "auditor", "Elsewhere")
    at = max(now(), one.state.at)
    await one.append(account.change_profile(one.state, one.keys, moved, at=at))
    return one


async def shown(house: House) -> float:
    async with house.door().http.get(house.node.origin + "/metrics") as answer:
        lines = (await answer.text()).splitlines()
    (line,) = [one for one in lines if one.startswith("relais_reviews_overdue ")]
    return float(line.split()[1])


async def test_an_escrow_that_is_being_made_may_log_in(house: House, auditor: Person) -> None:
    made = await enrolled(house, new_keys())
    await made.on.login()
    await watched(house)
    assert await found_of(auditor, made.id, "escrow-login") == []
