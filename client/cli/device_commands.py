"""``device add|join|list|revoke``."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import segno

from relais.client import enrolment
from relais.client.cli.account_commands import default_label
from relais.client.cli.output import rfc3339
from relais.client.errors import ClientError
from relais.client.sdk import Client
from relais.models.ids import DeviceId
from relais.models.wire.account import DeviceRequested, DevicesSeen, ListDevices

if TYPE_CHECKING:
    from relais.client.cli.run import Grammar, Invocation

_OFFER_SECONDS = 600


class NobodyCame(ClientError):
    """No device used the code within ten minutes; it is void now."""


def declare(grammar: "Grammar") -> None:
    device = grammar.group("device", "your devices: add, join, list, revoke")
    device.command("add", _add, "show a code that lets another device of yours in")
    join = device.command(
        "join", _join, "make this folder another device of the account that shows the code"
    )
    join.add_argument("link", metavar="LINK", help="the link under the code on the other device")
    join.add_argument("--label", default=default_label())
    device.command("list", _list, "list your devices")
    revoke = device.command("revoke", _revoke, "cut a lost device off, at once and for good")
    revoke.add_argument("device", metavar="DEVICE")


async def _add(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        offered = await enrolment.offer(me.session)
        call.output.line(
            {"code": offered.code, "link": offered.link}, f"{offered.link}\ncode: {offered.code}"
        )
        if sys.stdout.isatty() and not call.output.as_json:
            segno.make(offered.link, error="m").terminal(compact=True)
        try:
            async with asyncio.timeout(_OFFER_SECONDS):
                added = await admit(me, offered)
        except TimeoutError:
            raise NobodyCame from None
        await me.heal()
    call.output.line({"device": added}, f"Added: {added}. It opens all your circles now.")


async def admit(me: Client, offered: enrolment.Offer) -> DeviceId:
    """Wait for the device that knows the code and let it in. Raises `BadAnswer`, `Refusal`."""
    async for event in me.events():
        if isinstance(event, DeviceRequested) and event.ticket == offered.ticket:
            return await enrolment.approve(me.session, offered, event)
    raise NobodyCame


async def _join(call: "Invocation") -> None:
    device = enrolment.NewDevice(call.home, call.arguments.label)
    identity = await enrolment.join_account(device, call.arguments.link)
    facts = {"account": identity.account, "device": identity.device}
    call.output.one(facts, "This is a device of your account now.")


async def _list(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        mine = await enrolment.own_state(me.session)
        answer: DevicesSeen = await me.session.call(ListDevices())
        here = me.device
    seen = {one.device: one.last_seen for one in answer.devices}
    rows: list[dict[str, Any]] = [
        {
            "device": record.device.id,
            "label": record.device.label,
            "kind": record.device.kind,
            "this": record.device.id == here,
            "added_at": rfc3339(record.added_at),
            "revoked_at": rfc3339(record.revoked_at) if record.revoked_at else None,
            "last_seen": _time(seen.get(record.device.id)),
        }
        for record in mine.devices.values()
    ]
    columns = ("label", "kind", "this", "added_at", "revoked_at", "last_seen", "device")
    call.output.many(rows, columns, none="No device.")


async def _revoke(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        await me.revoke_device(call.arguments.device)
    call.output.one(
        {"device": call.arguments.device},
        "Revoked. Its keys open nothing that is written from now on.",
    )


def _time(at: int | None) -> str | None:
    return rfc3339(at) if at else None
