"""``post``, ``withdraw``, ``notes``, ``fetch``, ``ack``, ``receipts``, ``broadcast``."""

from argparse import BooleanOptionalAction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relais.client import posting, receipts
from relais.client.attachments import File
from relais.client.cli.output import Exit, bar, rfc3339
from relais.client.clock import ServerClock
from relais.client.errors import ServerUnreachable
from relais.client.healing import Help
from relais.client.home import Home, write_atomically
from relais.client.outbox import Waiting
from relais.client.posting import Posted, Writing
from relais.client.sdk import Circle, Client, Note
from relais.crypto.ledger_state import TEAM
from relais.models.ids import Millis
from relais.models.refusal import Refusal

if TYPE_CHECKING:
    import argparse

    from relais.client.cli.run import Grammar, Invocation

TYPES = ("OBS", "INST", "INTERV", "DEM-AVIS", "GEN")


def declare(grammar: "Grammar") -> None:
    post = grammar.command("post", _post, "write a note")
    post.add_argument("circle", metavar="CIRCLE")
    _writing_options(post)
    post.add_argument("--reply-to", metavar="NOTE")
    post.add_argument(
        "--audience",
        action="append",
        default=[],
        metavar="NAME",
        help="who may read it; again for a further one; by default the team, or whoever reads what it answers",
    )
    post.add_argument(
        "--replace", metavar="NOTE", help="correct one of your notes: post its next version"
    )
    withdraw = grammar.command("withdraw", _withdraw, "withdraw one of your notes")
    _circle_and_note(withdraw)
    withdraw.add_argument("--reason", default="")
    notes = grammar.command("notes", _notes, "read a circle's notes, oldest first")
    notes.add_argument("circle", metavar="CIRCLE")
    notes.add_argument("--after", type=int, default=0, metavar="SEQ")
    notes.add_argument("--follow", action="store_true", help="wait for more until interrupted")
    notes.add_argument(
        "--no-receipts", action="store_true", help="do not tell the others that you read them"
    )
    notes.add_argument(
        "--anew", action="store_true", help="take the order of the notes as the server has it now"
    )
    fetch = grammar.command("fetch", _fetch, "save an attachment")
    _circle_and_note(fetch)
    fetch.add_argument("attachment", metavar="ATTACHMENT", help="its id or name")
    fetch.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    _circle_and_note(grammar.command("ack", _ack, "acknowledge a note"))
    _circle_and_note(
        grammar.command("receipts", _receipts, "say who stored, read and acknowledged a note")
    )
    broadcast = grammar.command("broadcast", _broadcast, "send one note to several circles")
    broadcast.add_argument("circles", nargs="+", metavar="CIRCLE")
    _writing_options(broadcast)


def _writing_options(command: "argparse.ArgumentParser") -> None:
    command.add_argument("--text", required=True)
    command.add_argument("--attach", action="append", type=Path, default=[], metavar="FILE")
    command.add_argument(
        "--original", action="store_true", help="attach pictures as they are, metadata included"
    )
    command.add_argument("--type", choices=TYPES, help="GEN, where it is not said")
    command.add_argument("--urgent", action=BooleanOptionalAction)
    command.add_argument("--ack", action=BooleanOptionalAction, help="ask for acknowledgement")


def _circle_and_note(command: "argparse.ArgumentParser") -> None:
    command.add_argument("circle", metavar="CIRCLE")
    command.add_argument("note", metavar="NOTE")


def _said(given: "argparse.Namespace") -> dict[str, Any]:
    """What the options say, as fields of `Writing`: what they leave open is not there."""
    said = {
        "type": given.type,
        "files": tuple(File(path.name, path.read_bytes(), given.original) for path in given.attach),
        "urgent": given.urgent,
        "acknowledge": given.ack,
    }
    return {name: value for name, value in said.items() if value not in (None, ())}


async def _post(call: "Invocation") -> int | None:
    given = call.arguments
    if given.replace:
        return await _correct(call)
    home = Home.open(call.home)
    audiences = tuple(given.audience)
    writing = Writing(given.text, reply_to=given.reply_to, audiences=audiences, **_said(given))
    waiting = posting.keep(home, given.circle, writing, at=ServerClock().now())
    try:
        async with Client.open(home) as me:
            posted = await _deliver_all(me, waiting, call)
    except ServerUnreachable as error:
        facts = {
            "circle": waiting.circle,
            "note": waiting.note,
            "version": waiting.version,
            "seq": None,
            "at": None,
            "queued": True,
        }
        call.output.one(facts, f"Kept. {error}")
        return Exit.UNREACHABLE
    _say_posted(call, posted)
    return Exit.OK


async def _deliver_all(me: Client, waiting: Waiting, call: "Invocation") -> Posted:
    """What waits from before goes first; the new note is the last in the outbox."""
    for earlier in posting.waiting(me.session):
        if earlier.note == waiting.note:
            break
        await _deliver_earlier(me, earlier, call)
    return await posting.deliver(me.session, waiting, progress=bar("sending"))


async def _deliver_earlier(me: Client, earlier: Waiting, call: "Invocation") -> None:
    try:
        await posting.deliver(me.session, earlier)
    except Refusal as refusal:
        call.output.error(refusal)


async def _correct(call: "Invocation") -> int:
    """Files given take the place of those the note had."""
    given = call.arguments
    changed = _said(given)
    if given.attach:
        changed["attached"] = ()
    if given.reply_to:
        changed["reply_to"] = given.reply_to
    async with Client.open(call.home) as me:
        circle = await me.circle(given.circle)
        posted = await circle.correct(given.replace, given.text, progress=bar("sending"), **changed)
    _say_posted(call, posted)
    return Exit.OK


def _say_posted(call: "Invocation", posted: Posted) -> None:
    facts = {
        "circle": posted.circle,
        "note": posted.note,
        "version": posted.version,
        "seq": posted.seq,
        "at": rfc3339(posted.at),
    }
    call.output.one(
        facts, f"Posted: {posted.note} version {posted.version}, number {posted.seq} of the circle."
    )


async def _withdraw(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        circle = await me.circle(call.arguments.circle)
        posted = await circle.withdraw(call.arguments.note, call.arguments.reason)
    _say_posted(call, posted)


async def _notes(call: "Invocation") -> int:
    given = call.arguments
    async with Client.open(call.home) as me:
        circle = await me.circle(given.circle)
        if given.anew:
            circle.read_anew()
        for granter in sorted(set(circle.view.unfit.values())):
            call.output.aside(_wrong_key(me.session.accounts[granter].profile.name))
        pending: list[Note] = []
        waiting = damaged = 0
        async for note in circle.notes(after=given.after, follow=given.follow):
            call.output.line(note_facts(me, circle, note), _readable(me, circle, note))
            pending.append(note)
            waiting += note.locked
            damaged += note.damaged is not None
            if not given.no_receipts and (given.follow or len(pending) == 100):
                await _mark_read(circle, pending)
        if not given.no_receipts:
            await _mark_read(circle, pending)
        if waiting and (help_there := await circle.help()):
            call.output.aside(_what_helps(waiting, help_there))
    return Exit.PROOF if damaged else Exit.OK


def _wrong_key(name: str) -> str:
    return (
        f"A key that {name} handed to this device opens nothing. The server was told and asks for it again; "
        "tell your administrator."
    )


def _what_helps(waiting: int, coming: Help) -> str:
    """What to expect, and what one can do about it."""
    who = ", ".join(coming.names) or "nobody who is in the circle now"
    seen = rfc3339(coming.last_seen) if coming.last_seen else "their devices came here"
    return (
        f"{waiting} being unlocked by your colleagues, since {rfc3339(coming.since)}. "
        f"The key comes when one of these opens Relais: {who}. None of them was online since {seen}; "
        "call one if it is urgent."
    )


async def _mark_read(circle: Circle, pending: list[Note]) -> None:
    readable = [note for note in pending if note.content]
    pending.clear()
    if readable:
        await circle.mark(readable, "stored", "read")


def note_facts(me: Client, circle: Circle, note: Note) -> dict[str, Any]:
    """The stable keys of ``notes --json`` (docs/command-line.md)."""
    content, header = note.content, note.verified
    return {
        "circle": note.circle,
        "seq": note.seq,
        "note": header.note if header else None,
        "version": header.version if header else None,
        "author": header.account if header else None,
        "author_name": me.session.accounts[header.account].profile.name if header else None,
        "at": rfc3339(header.at if header else note.stored_at),
        "type": content.type if content else None,
        "text": content.text if content else None,
        "form": {"schema": content.form.schema, "data": dict(content.form.data)}
        if content and content.form
        else None,
        "attachments": [
            {
                "id": one.id,
                "name": one.name,
                "media_type": one.media_type,
                "size": one.size,
                "sha256": one.sha256,
            }
            for one in note.attachments
        ],
        "urgent": header is not None and header.urgent,
        "acknowledge": header is not None and header.acknowledge,
        "reply_to": content.reply_to if content else None,
        "broadcast": content.broadcast if content else None,
        "withdrawn": note.withdrawn,
        "locked": note.locked,
        "damaged": note.damaged,
        "audiences": list(header.audiences) if header else [],
        "waiting": {"since": rfc3339(_entitled_since(me, circle, note))} if note.locked else None,
    }


def _entitled_since(me: Client, circle: Circle, note: Note) -> Millis:
    """Since when this device should be able to read it: it is there, the member is in, the device is in the account."""
    member = circle.view.state.members[me.account]
    added_at = me.session.accounts[me.account].devices[me.device].added_at
    return max(note.stored_at, member.last.since, added_at)


def _readable(me: Client, circle: Circle, note: Note) -> str:
    facts = note_facts(me, circle, note)
    if note.refused:
        return f"{note.seq:>5}  {facts['at']}  not authentic, not shown: {note.damaged}"
    marks = [name for name in ("urgent", "acknowledge", "withdrawn") if facts[name]]
    marks += [f"for {', '.join(note.audiences)}"] if note.audiences != (TEAM,) else []
    marks += [f"damaged: {note.damaged}"] if note.damaged else []
    marks += [f"being unlocked since {facts['waiting']['since']}"] if note.locked else []
    version = f" (version {note.version})" if note.version > 1 else ""
    head = (
        f"{note.seq:>5}  {facts['at']}  {facts['author_name']}{version}  {' '.join(marks)}".rstrip()
    )
    files = "".join(
        f"\n       + {one['name']} ({one['size']} bytes, {one['id']})"
        for one in facts["attachments"]
    )
    text = facts["text"] or ""
    return f"{head}\n       {note.note}\n       {text.replace(chr(10), chr(10) + '       ')}{files}"


async def _fetch(call: "Invocation") -> None:
    given = call.arguments
    async with Client.open(call.home) as me:
        circle = await me.circle(given.circle)
        data = await circle.fetch(given.note, given.attachment, progress=bar("fetching"))
    write_atomically(given.output, data)
    call.output.one({"file": str(given.output), "size": len(data)}, f"Saved as {given.output}.")


async def _ack(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        circle = await me.circle(call.arguments.circle)
        note = await circle.acknowledge(call.arguments.note)
    facts = {"note": note.note, "version": note.version}
    call.output.one(facts, f"Acknowledged: version {note.version}.")


async def _receipts(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        circle = await me.circle(call.arguments.circle)
        seen = await circle.receipts(call.arguments.note)
        rows = _receipt_rows(me, seen)
    call.output.many(
        rows, ("version", "name", *receipts.KINDS), none="Nobody else has received it yet."
    )


def _receipt_rows(me: Client, seen: list[receipts.Seen]) -> list[dict[str, Any]]:
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for one in seen:
        name = me.session.accounts[one.account].profile.name
        blank = {
            "version": one.version,
            "account": one.account,
            "name": name,
            **dict.fromkeys(receipts.KINDS),
        }
        rows.setdefault((one.version, one.account), blank)[one.kind] = rfc3339(one.at)
    return list(rows.values())


async def _broadcast(call: "Invocation") -> None:
    given = call.arguments
    async with Client.open(call.home) as me:
        broadcast, posted = await me.broadcast(
            given.circles, Writing(given.text, **_said(given)), progress=bar("sending")
        )
    facts = {
        "broadcast": broadcast,
        "notes": [
            {"circle": one.circle, "note": one.note, "version": one.version, "seq": one.seq}
            for one in posted
        ],
    }
    call.output.one(facts, f"Sent to {len(posted)} circles: broadcast {broadcast}.")
