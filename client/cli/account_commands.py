"""``enrol``, ``whoami``, ``directory``, ``kit``, ``restore``."""

import getpass
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import segno

from relais.client import enrolment, kit_page, rehearsal
from relais.client.cli.output import Exit, rfc3339
from relais.client.errors import BadLink
from relais.client.sdk import Client
from relais.client.transport import origin_of
from relais.crypto import kit
from relais.crypto.account import Profile
from relais.crypto.device import RECOVERY
from relais.crypto.errors import ProtocolError
from relais.models.ids import DeviceId

if TYPE_CHECKING:
    from relais.client.cli.run import Grammar, Invocation


def declare(grammar: "Grammar") -> None:
    enrol = grammar.command("enrol", _enrol, "make an account with a one-time invitation")
    enrol.add_argument("url", metavar="URL")
    enrol.add_argument("--name", required=True)
    enrol.add_argument("--profession", required=True)
    enrol.add_argument("--organisation", default="")
    enrol.add_argument("--label", default=default_label(), help="what you call this device")
    grammar.command("whoami", _whoami, "say which account and device this folder is")
    directory = grammar.command("directory", _directory, "find people to invite")
    directory.add_argument("text", metavar="TEXT")
    made = grammar.command(
        "kit",
        _kit,
        "make a recovery kit: 24 words and a QR code to print; or check the one you have",
    )
    made.add_argument("--language", choices=("fr", "en"), default="fr")
    made.add_argument("--page", type=Path, metavar="FILE", help="write a page to print (HTML)")
    made.add_argument(
        "--replace",
        action="store_true",
        help="revoke the kits you had: the new one takes their place",
    )
    made.add_argument(
        "--check", action="store_true", help="is the sheet still there? asks for its third word"
    )
    made.add_argument("--word", help="with --check: the word; else asked for, or read from a pipe")
    restore = grammar.command("restore", _restore, "get everything back with a recovery kit")
    restore.add_argument("url", metavar="URL", help="the server's address")
    restore.add_argument(
        "--words",
        help="the 24 words, or the text of the QR code; else asked for, or read from a pipe",
    )
    restore.add_argument("--label", default=default_label())


_KIT_IS_THERE = (
    "That is the word. Put the sheet away safely; you are not asked again for a good while."
)
_KIT_IS_ANOTHER = (
    "This is not the third word of your kit. Is it the right sheet, that of the newest kit?\n"
    "If it is lost, make another, which takes the place of the old one: relais kit --replace"
)


def default_label() -> str:
    return (platform.node() or "computer")[:80]


async def _enrol(call: "Invocation") -> None:
    given = call.arguments
    profile = Profile(given.name, given.profession, given.organisation)
    device = enrolment.NewDevice(call.home, given.label)
    identity = await enrolment.enrol(device, given.url, profile)
    facts = {"account": identity.account, "device": identity.device}
    call.output.one(
        facts,
        f"Welcome, {given.name}. Your account is {identity.account}.\nNow make a recovery kit: relais kit",
    )


async def _whoami(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        facts = {
            "account": me.account,
            "device": me.device,
            "name": me.name,
            "roles": list(me.roles),
            "server": me.session.identity.origin,
            "kit_check_due": rehearsal.is_due(
                me.session.home, me.session.accounts[me.account], now=me.session.clock.now()
            ),
        }
    if facts["kit_check_due"] and not call.output.as_json:
        print("Is your recovery kit still there? relais kit --check", file=sys.stderr)
    call.output.one(facts, "\n".join(f"{key:8} {_plain(value)}" for key, value in facts.items()))


async def _directory(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        found = await me.directory(call.arguments.text)
    rows = [
        {
            "account": one.account,
            "name": one.name,
            "profession": one.profession,
            "organisation": one.organisation,
            "roles": list(one.roles),
        }
        for one in found
    ]
    columns = ("name", "profession", "organisation", "account")
    call.output.many(rows, columns, none="Nobody of that name, profession or organisation.")


async def _kit(call: "Invocation") -> int | None:
    if call.arguments.check:
        return await _check_kit(call)
    given = call.arguments
    async with Client.open(call.home) as me:
        former = await _kits(me) if given.replace else []
        words, code = await enrolment.make_kit(me.session, given.language)
        await me.heal()
        if given.page:
            kit_page.write(
                given.page, name=me.name, words=words, code=code, language=given.language
            )
        call.output.one({"words": words, "qr": code}, _readable_kit(words, code))
        for device in former:  # only now: whoever has no new kit keeps the old one
            await me.revoke_device(device)
    return Exit.OK


async def _kits(me: Client) -> list[DeviceId]:
    devices = (await enrolment.own_state(me.session)).devices_in_force()
    return [device.id for device in devices if device.kind == RECOVERY]


async def _check_kit(call: "Invocation") -> int:
    async with Client.open(call.home) as me:
        home, mine = me.session.home, await enrolment.own_state(me.session)
        if rehearsal.load(home, mine) is None:
            raise rehearsal.NoKitHere
        word = call.arguments.word or _asked_word()
        is_right = rehearsal.check(home, mine, word, now=me.session.clock.now())
        known = rehearsal.load(home, mine)
    facts = {"right": is_right, "ask_again": rfc3339(known.ask_at) if is_right and known else None}
    call.output.one(facts, _KIT_IS_THERE if is_right else _KIT_IS_ANOTHER)
    return Exit.OK if is_right else Exit.FAILED


def _asked_word() -> str:
    if sys.stdin.isatty():
        return input("Take the sheet of your recovery kit. What is the third word? ")
    return sys.stdin.read()


async def _restore(call: "Invocation") -> int | None:
    try:
        seed = _seed(call.arguments.words or _asked_words())
    except ProtocolError:
        raise BadLink("the 24 words do not match: look for a word that was misread") from None
    origin = origin_of(call.arguments.url)
    identity = await enrolment.restore(
        enrolment.NewDevice(call.home, call.arguments.label), origin, seed
    )
    facts = {"account": identity.account, "device": identity.device}
    call.output.one(facts, "Everything is back on this device.")
    return Exit.OK


def _seed(text: str) -> bytes:
    if text.strip().startswith("relais-kit:"):
        return kit.seed_of_qr(text.strip())
    return kit.seed_of(text.split())


def _asked_words() -> str:
    return getpass.getpass("The 24 words: ") if sys.stdin.isatty() else sys.stdin.read()


def _readable_kit(words: list[str], code: str) -> str:
    rows = [words[i : i + 6] for i in range(0, len(words), 6)]
    numbered = "\n".join(
        "  ".join(f"{6 * row + i + 1:2} {word:12}" for i, word in enumerate(line))
        for row, line in enumerate(rows)
    )
    if not sys.stdout.isatty():
        return numbered
    segno.make(code, error="m").terminal(compact=True)
    return f"{numbered}\n\nWrite them down or print them; they are kept nowhere else."


def _plain(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
