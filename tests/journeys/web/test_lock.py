"""A device that locks: by a code, by a passkey, after a while, and the way back for who has neither."""

import pytest
from playwright.async_api import CDPSession, expect
from web_stage import Stage, enrol, join, unique
from web_storage import change, crypto_keys
from web_window import Window

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CODE = "274913"
TEXT = "Lu seulement par qui ouvre."
AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "hasPrf": True,
    "automaticPresenceSimulation": True,
}


async def with_a_note(stage: Stage, **options: str) -> tuple[Window, str]:
    window = await stage.member("Nadia Ferrand", **options)
    circle, _ = await stage.circle("Mme Serrure", window)
    await circle.post(TEXT)
    await window.open_circle(circle.circle)
    await window.note(TEXT).wait_for()
    return window, circle.circle


async def set_code(window: Window, code: str = CODE) -> None:
    await window.go("lock")
    await window.field("lock.code.new").fill(code)
    await window.field("lock.code.repeat").fill(code)
    await window.button("lock.code.make").click()
    await expect(window.text("lock.set").first).to_be_visible()


async def unlock(window: Window, code: str = CODE) -> None:
    await window.field("unlock.code").fill(code)
    await window.button("unlock.action").click()


async def test_a_device_locked_by_a_code_shows_nothing_until_it_is_given(stage: Stage) -> None:
    window, circle = await with_a_note(stage)
    await set_code(window)
    await window.button("lock.now").click()
    await expect(window.heading("unlock.title")).to_be_visible()

    assert await crypto_keys(window) == [["HMAC", False, "sign"]], "no key that opens or signs"
    await window.page.reload()
    await expect(window.heading("unlock.title")).to_be_visible()
    await window.go(f"circle/{circle}")
    await expect(window.heading("unlock.title")).to_be_visible()
    await expect(window.page.locator("note-card")).to_have_count(0)

    await unlock(window, "000000")
    await expect(window.text("reason.wrong-pin")).to_be_visible()
    await unlock(window)
    await expect(window.note(TEXT)).to_be_visible()
    await window.write("Écrit après l’ouverture.")
    await window.until_sent("Écrit après l’ouverture.")


async def test_a_code_anybody_would_try_first_and_two_that_differ_are_not_taken(
    stage: Stage,
) -> None:
    window = await stage.member("Nadia Ferrand")
    await window.go("lock")
    await window.field("lock.code.new").fill("123456")
    await window.field("lock.code.repeat").fill("123457")
    await window.button("lock.code.make").click()
    await expect(window.text("lock.code.differs")).to_be_visible()
    await window.field("lock.code.repeat").fill("123456")
    await window.button("lock.code.make").click()
    await expect(window.text("reason.weak-pin")).to_be_visible()
    await expect(window.button("lock.now")).to_have_count(0)


async def authenticator(window: Window) -> CDPSession:
    session = await window.context.new_cdp_session(window.page)
    await session.send("WebAuthn.enable")
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return session


async def named(stage: Stage) -> Window:
    """Somebody at an address with a name: there are no passkeys for an address of numbers."""
    window = await stage.window()
    url = (await stage.town.invitation()).replace("127.0.0.1", "localhost")
    await enrol(window, url, unique("Nadia Ferrand"))
    await window.button("kit.later").click()
    await window.until_online()
    return window


async def test_a_passkey_that_computes_a_secret_locks_and_opens(stage: Stage) -> None:
    window = await named(stage)
    session = await authenticator(window)
    await window.go("lock")
    await window.button("lock.passkey.make").click()
    await expect(window.text("lock.passkey.set").first).to_be_visible()
    await window.button("lock.now").click()
    assert await crypto_keys(window) == [], "not even one that needs the passkey"

    await window.button("unlock.passkey").click()
    await window.until_online()
    await window.page.reload()
    await session.send("WebAuthn.disable")
    await session.send("WebAuthn.enable")
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    await window.button("unlock.passkey").click()
    await expect(window.text("reason.passkey-refused")).to_be_visible()
    await expect(window.heading("unlock.title")).to_be_visible()


async def test_a_passkey_without_that_secret_is_declined_and_locks_nothing(stage: Stage) -> None:
    window = await named(stage)
    session = await window.context.new_cdp_session(window.page)
    await session.send("WebAuthn.enable")
    plain = {"options": {**AUTHENTICATOR, "hasPrf": False}}
    await session.send("WebAuthn.addVirtualAuthenticator", plain)
    await window.go("lock")
    await window.button("lock.passkey.make").click()
    await expect(window.text("reason.no-prf")).to_be_visible()
    await window.page.reload()
    await window.until_online()


async def test_after_some_minutes_of_quiet_it_locks_by_itself(stage: Stage) -> None:
    window, _ = await with_a_note(stage)
    await set_code(window)
    await window.page.get_by_role(
        "radio", name=window.words("lock.minutes", count=1), exact=True
    ).check(force=True)
    saved = window.words("lock.minutes.set", count=1)
    await expect(window.page.get_by_role("status").filter(has_text=saved)).to_be_visible()
    await window.page.clock.install()
    await window.page.reload()
    await unlock(window)
    await window.until_online()
    await window.page.clock.fast_forward("00:20")
    await expect(window.heading("unlock.title")).to_have_count(0)
    await window.page.clock.fast_forward("00:41")
    await expect(window.heading("unlock.title")).to_be_visible()


async def test_a_code_wrong_too_often_opens_nothing_and_another_device_brings_everything_back(
    stage: Stage,
) -> None:
    locked, circle = await with_a_note(stage)
    other = await join(stage, locked)
    await set_code(locked)
    await locked.button("lock.now").click()
    await locked.heading("unlock.title").wait_for()
    await change(locked, "lock", {"tries": 9})
    await locked.page.reload()
    await unlock(locked, "000000")
    await expect(locked.text("unlock.exhausted")).to_be_visible()
    await expect(locked.field("unlock.code")).to_have_count(0)

    await other.go("devices/add")
    code = await other.page.locator(".offer .code").inner_text()
    await locked.page.get_by_role("link", name=locked.words("welcome.join")).click()
    await locked.field("join.code").fill(code)
    await locked.button("join.action").click()
    await locked.until_online()
    await locked.open_circle(circle)
    await expect(locked.note(TEXT)).to_be_visible()
    await locked.page.reload()
    await locked.until_online()


async def test_a_page_in_another_tab_locks_too(stage: Stage) -> None:
    window, _ = await with_a_note(stage)
    beside = await window.context.new_page()
    await beside.goto(stage.relay.origin)
    await beside.locator("nav.rail").wait_for()
    await set_code(window)
    await expect(beside.get_by_role("heading", name=window.words("unlock.title"))).to_be_visible()
