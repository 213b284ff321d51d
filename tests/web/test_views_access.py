"""Every page, in both languages and colour schemes, on a phone and on a desktop: WCAG 2.1 AA as far as axe sees it."""

from typing import Any

import pytest
from page_faults import TOO_SMALL, TOO_WIDE, faults
from views_site import (
    BROADCAST,
    CIRCLE,
    DESKTOP,
    EVERY_ROLE,
    PHONE,
    Views,
    id32,
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ROLES = {"roles": EVERY_ROLE}
OUT = {"phase": "none"}
HELP = {"since": 0, "people": ["Karim Benali", "Sophie Garnier"], "mine": True, "lastSeen": 1}
WHO = {"name": "Nadia Ferrand", "profession": "Infirmière", "organisation": "Cabinet"}
RESET = {"account": "aa", **WHO, "by": {"account": "bb", **WHO}, "at": 1_700_000_000_000}
PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "circles": ("/#/", {}),
    "no circles": ("/#/", {"circles": "none"}),
    "circle": (f"/#/circle/{CIRCLE}", {}),
    "empty circle": (f"/#/circle/{CIRCLE}", {"notes": "none"}),
    "closed circle": (f"/#/circle/{CIRCLE}", {"info": {"closed": True, "mayPost": False}}),
    "circle being unlocked": (f"/#/circle/{CIRCLE}", {"info": {"help": HELP}}),
    "circle to let in": (f"/#/circle/{CIRCLE}", {"waiting": [{**RESET, "mayReadmit": True}]}),
    "waiting to be let in": ("/#/", {"circles": "none", "returning": 2}),
    "members": (f"/#/circle/{CIRCLE}/members", {"waiting": [{**RESET, "mayReadmit": True}]}),
    "accesses": (f"/#/circle/{CIRCLE}/accesses", {}),
    "new circle": ("/#/new", {}),
    "me": ("/#/me", {}),
    "devices": ("/#/devices", {}),
    "add a device": ("/#/devices/add", {}),
    "recovery kit": ("/#/kit", {}),
    "kit to replace": ("/#/kit/replace", {"me": {"kit": "made"}}),
    "kit check": ("/#/kit/check", {}),
    "nothing to check": ("/#/kit/check", {"kitCheck": "none"}),
    "kit check offered": ("/#/", {"reminder": "kit-check"}),
    "lock": ("/#/lock", {}),
    "lock set": ("/#/lock", {"lock": {"isSet": True, "hasCode": True, "hasPasskey": True}}),
    "lock offered": ("/#/me", {"reminder": "lock"}),
    "no promise": ("/#/devices", {"keeping": "not-kept"}),
    "person": (f"/#/circle/{CIRCLE}/members/{id32(2)}", {}),
    "person who changed": (f"/#/circle/{CIRCLE}/members/{id32(4)}", {}),
    "broadcasts": ("/#/broadcasts", ROLES),
    "no broadcasts": ("/#/broadcasts", {**ROLES, "broadcasts": "none"}),
    "new broadcast": ("/#/broadcasts/new", ROLES),
    "broadcast": (f"/#/broadcasts/{BROADCAST}", ROLES),
    "audit": ("/#/audit", ROLES),
    "reviews overdue": ("/#/audit", {**ROLES, "overdue": 1}),
    "administration": ("/#/admin", ROLES),
    "emergency to decide": ("/#/emergency", {"emergency": "asked"}),
    "no emergency": ("/#/emergency", {}),
    "emergency card read": (f"/#/emergency/{id32(109)}", {}),
    "emergency asked for": (f"/#/emergency/{id32(109)}", {"emergency": "mine"}),
    "emergency declined": (f"/#/emergency/{id32(109)}", {"emergency": "declined"}),
    "somebody asks to come in": (f"/#/circle/{CIRCLE}", {"emergency": "follow"}),
    "somebody came in": (f"/#/circle/{CIRCLE}", {"emergency": "in"}),
    "guarded members": (f"/#/circle/{CIRCLE}/members", {"guarded": True, "emergency": "in"}),
    "emergency card": (f"/#/circle/{CIRCLE}/card", {"guarded": True}),
    "new escrow": ("/#/escrow", ROLES),
    "unknown": ("/#/nowhere", {}),
    "enrol": ("/enrol#TOKEN0123456789ab", OUT),
    "used invitation": ("/enrol#used", OUT),
    "join": ("/join#7KQDM2XP9RTAV4HE", OUT),
    "restore": ("/#/restore", OUT),
    "welcome": ("/", OUT),
    "revoked": ("/", {"phase": "revoked"}),
    "lost": ("/", {"phase": "lost"}),
    "locked": ("/", {"phase": "locked", "lock": {"hasCode": True, "hasPasskey": True}}),
    "code exhausted": ("/", {"phase": "locked", "lock": {"isExhausted": True}}),
    "trouble": (
        "/#/",
        {
            "connectivity": {"state": "offline", "waiting": 2, "failed": 1},
            "alarms": [
                {
                    "id": "a",
                    "kind": "fork",
                    "circle": CIRCLE,
                    "circleName": "Mme P.",
                    "at": 1_760_000_000_000,
                }
            ],
        },
    ),
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("language", "scheme"), [("fr-FR", "light"), ("en-GB", "dark")])
async def test_a_page_is_accessible_and_fits(
    views: Views, name: str, language: str, scheme: str
) -> None:
    path, scene = PAGES[name]
    async with views.context(language=language, color_scheme=scheme) as context:
        page = await views.show(context, path, scene)
        assert await page.evaluate("document.documentElement.lang") == language[:2]
        for size in (PHONE, DESKTOP):
            await page.set_viewport_size(size)
            assert await page.locator("h1:visible").count() == 1
            assert await page.evaluate(TOO_WIDE) == [], f"scrolls sideways at {size['width']}"
            assert await faults(page) == [], f"axe at {size['width']}"
            if size is PHONE:
                assert await page.evaluate(TOO_SMALL) == [], "too small to touch"


@pytest.mark.parametrize(
    ("opener", "holds"),
    [
        (".thumb", ".stage img"),
        (".file", ".viewer-file"),
        ("button.badge", ".versions"),
        ("button[aria-label=Retirer]", "textarea"),
    ],
)
async def test_a_dialog_is_accessible_and_gives_the_focus_back(
    views: Views, opener: str, holds: str
) -> None:
    async with views.context() as context:
        page = await views.show(context, f"/#/circle/{CIRCLE}")
        button = page.locator(opener).first
        await button.click()
        await page.locator("dialog[open]").locator(holds).wait_for()
        assert await faults(page) == []
        assert await page.evaluate(
            "document.querySelector('dialog').contains(document.activeElement)"
        )
        await page.keyboard.press("Escape")
        await page.locator("dialog").wait_for(state="detached")
        assert await button.evaluate("(element) => element === document.activeElement")


@pytest.mark.parametrize("language", ["fr-FR", "en-GB"])
async def test_an_open_matrix_and_an_open_audit_entry_are_accessible(
    views: Views, language: str
) -> None:
    async with views.context(language=language) as context:
        page = await views.show(context, f"/#/circle/{CIRCLE}")
        await page.locator("note-card", has_text="Allergie").locator("button.seen").click()
        await page.locator("table.receipts").wait_for()
        assert await faults(page) == []
        assert await page.evaluate(TOO_WIDE) == []
        page = await views.show(context, "/#/audit", ROLES)
        await page.locator("button.audit-open").first.click()
        await page.locator("audit-verify button").click()
        await page.locator("audit-verify .notice").wait_for()
        assert await faults(page) == []
        assert await page.evaluate(TOO_WIDE) == []


async def test_axe_would_find_a_button_without_a_name(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/me")
        await page.evaluate(
            "document.querySelector('main').append(document.createElement('button'))"
        )
        assert any("button-name" in fault for fault in await faults(page))
