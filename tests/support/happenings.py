"""What people do in a `World`: each event by the client's own code, by whoever is to do it, as far as it makes sense."""

import asyncio
import json
from typing import Any

from people import ODETTE
from road import Steps, WatchedHome
from schedule import Event
from truth import CircleTruth, Version
from world import DAY, HOUR, MINUTE, Human, Phone, World

from relais.client import enrolment, healing, membership, posting, unlocking
from relais.client.circle_state import CircleView
from relais.client.enrolment import NewDevice
from relais.client.identity import Identity
from relais.client.posting import Writing
from relais.client.sdk import Circle
from relais.crypto import kit
from relais.crypto.ledger import MemberChange
from relais.models.wire.account import DeviceRequested
from relais.models.wire.auth import RequestJoin


class Happenings(World):
    """A world in which every event of `schedule.EVENTS` can happen. Each says in words what it did."""

    def _pick(self, phone: Phone, event: Event) -> CircleTruth | None:
        circles = self.circles(phone.identity.account)
        return circles[event.circle % len(circles)] if circles else None

    async def _open(self, phone: Phone, circle: CircleTruth) -> Circle:
        return await (await self.client(phone)).circle(circle.circle)

    def _writing(self, phone: Phone, circle: CircleTruth, event: Event) -> Writing:
        """To some of the audiences its author is in."""
        mine = sorted(circle.stays[phone.identity.account].audiences)
        if circle.stays[phone.identity.account].role == "bot":
            mine = circle.audiences
        named = tuple(name for place, name in enumerate(mine) if event.choice >> place & 1)
        self.written += 1
        return Writing(text=f"note {self.written}", audiences=named or (mine[0],))

    async def _post(self, phone: Phone, event: Event) -> str:
        circle = self._pick(phone, event)
        if circle is None:
            return "in no circle"
        opened = await self._open(phone, circle)
        writing = self._writing(phone, circle, event)
        return await self.send(opened, writing)

    async def send(self, opened: Circle, writing: Writing) -> str:
        session = opened._session
        waiting = posting.keep(session.home, opened.circle, writing, at=session.clock.now())
        self.texts[waiting.note, waiting.version] = writing.text
        posted = await posting.deliver(session, waiting)
        return f"{writing.text} to {' '.join(writing.audiences)}, seq {posted.seq}"

    _bot_post = _post

    async def _post_offline(self, phone: Phone, event: Event) -> str:
        """Written without network; it goes out in the evening."""
        circle = self._pick(phone, event)
        if circle is None:
            return "in no circle"
        writing = self._writing(phone, circle, event)
        waiting = posting.keep(phone.home, circle.circle, writing, at=self.time.ms)
        self.texts[waiting.note, waiting.version] = writing.text
        return f"{writing.text} kept"

    async def _correct(self, phone: Phone, event: Event, *, withdraw: bool = False) -> str:
        circle = self._pick(phone, event)
        mine = circle and self._newest_of(circle, phone.identity.account)
        if not circle or not mine:
            return "nothing of theirs"
        chosen = mine[event.other % len(mine)]
        opened = await self._open(phone, circle)
        self.written += 1
        text = f"note {self.written}"
        named = tuple(sorted({name for name, _ in chosen.keys}))
        replaced = (chosen.note, chosen.version, chosen.digest)
        return await self.send(
            opened, Writing(text=text, replaces=replaced, withdraw=withdraw, audiences=named)
        )

    def _newest_of(self, circle: CircleTruth, author: str) -> list[Version]:
        """The newest version of each of somebody's notes that can be corrected by them."""
        newest = {one.note: one for one in circle.versions if one.author == author}
        stay = circle.stays[author]
        return [
            one
            for one in newest.values()
            if {name for name, _ in one.keys} <= stay.audiences
            and not self.texts[one.note, one.version].startswith("withdrawn")
            and circle.may(author, one, self.time.ms)
        ]

    async def _withdraw(self, phone: Phone, event: Event) -> str:
        circle = self._pick(phone, event)
        mine = circle and self._newest_of(circle, phone.identity.account)
        if not circle or not mine:
            return "nothing of theirs"
        chosen = mine[event.other % len(mine)]
        opened = await self._open(phone, circle)
        self.written += 1
        named = tuple(sorted({name for name, _ in chosen.keys}))
        replaced = (chosen.note, chosen.version, chosen.digest)
        text = f"withdrawn {self.written}"
        return await self.send(
            opened, Writing(text=text, replaces=replaced, withdraw=True, audiences=named)
        )

    async def _open_circle(self, phone: Phone, event: Event) -> str:
        if len(self.truth.circles) >= 3:
            return "enough circles"
        created = await (await self.client(phone)).create_circle(ODETTE)
        return created.circle[:6]

    async def _add(self, phone: Phone, event: Event) -> str:
        return await self._added(phone, event, history=event.choice % 2 == 0)

    async def _add_since(self, phone: Phone, event: Event) -> str:
        """With a history that begins up to four days ago."""
        since = self.time.ms - event.choice % (4 * 24) * HOUR
        return await self._added(phone, event, history=since)

    async def _added(self, phone: Phone, event: Event, *, history: bool | int) -> str:
        circle = self._pick(phone, event)
        if circle is None:
            return "in no circle"
        absent = [
            one
            for one in self.humans
            if one.account not in circle.stays or not circle.stays[one.account].active(self.time.ms)
        ]
        if not absent:
            return "everybody is in"
        other = absent[event.other % len(absent)]
        opened = await self._open(phone, circle)
        role, until = self._terms(phone, circle, other, event.choice)
        await opened.add(other.account, role=role, history=history, until=until)
        return f"{other.name} as {role} in {circle.circle[:6]}, until {until}, history {history}"

    def _terms(
        self, phone: Phone, circle: CircleTruth, other: Human, choice: int
    ) -> tuple[str, int | None]:
        if other.is_bot:
            return "bot", None
        is_lead = circle.stays[phone.identity.account].role == "lead"
        role = ("professional", "carer", "lead")[choice // 2 % (3 if is_lead else 2)]
        lasts = (None, None, 90 * MINUTE, 3 * DAY)[choice // 8 % 4]
        return role, self.time.ms + lasts if lasts else None

    def _others(self, phone: Phone, circle: CircleTruth) -> list[str]:
        me = phone.identity.account
        return [one for one in circle.stays if one != me and not circle.stays[one].ended]

    async def _remove(self, phone: Phone, event: Event) -> str:
        circle = self._pick(phone, event)
        others = circle and self._others(phone, circle)
        if not circle or not others:
            return "nobody to remove"
        other = others[event.other % len(others)]
        opened = await self._open(phone, circle)
        await opened.remove(other)
        return f"{self.name_of(other)} from {circle.circle[:6]}"

    async def _leave(self, phone: Phone, event: Event) -> str:
        circle = self._pick(phone, event)
        if circle is None:
            return "in no circle"
        await (await self._open(phone, circle)).leave()
        return circle.circle[:6]

    async def _change(self, phone: Phone, event: Event) -> str:
        """Another role, other audiences, another end."""
        circle = self._pick(phone, event)
        others = circle and self._others(phone, circle)
        if not circle or not others:
            return "nobody to change"
        other = others[event.other % len(others)]
        if circle.stays[other].role == "bot":
            return "a bot stays one"
        role, until = self._terms(phone, circle, self.owner(other), event.choice)
        chosen = [n for k, n in enumerate(circle.audiences) if event.choice >> (6 + k) & 1]
        named = tuple(chosen) or ("team",)
        client = await self.client(phone)

        def plan(view: CircleView, now: int) -> tuple[list[Any], list[str]]:
            member = view.state.members[other]
            gained = set(named) - member.audiences if member.history else set()
            opened = (member.audiences - set(named)) | gained
            return [MemberChange(other, role, named, until)], sorted(opened)

        await membership.append(client.session, circle.circle, plan)
        return f"{self.name_of(other)} to {role} {named} until {until}"

    async def _new_audience(self, phone: Phone, event: Event) -> str:
        circle = self._pick(phone, event)
        if circle is None or len(circle.audiences) > 2:
            return "enough audiences"
        name = ("care", "social")[len(circle.audiences) - 1]
        me = phone.identity.account
        client = await self.client(phone)
        stay = circle.stays[me]
        if stay.role != "lead":
            return "no lead"
        held = tuple(sorted({*stay.audiences, name}))

        def plan(view: CircleView, now: int) -> tuple[list[Any], list[str]]:
            return [MemberChange(me, "lead", held, stay.until)], [name]

        await membership.append(client.session, circle.circle, plan)
        return name

    async def _rotate(self, phone: Phone, event: Event) -> str:
        """What a device does that hears of something missing."""
        client = await self.client(phone)
        healed = await client.heal()
        for circle in self.circles(phone.identity.account):
            await healing.rotate_if_due(client.session, circle.circle)
        return f"healed {healed}"

    async def _join(self, phone: Phone, event: Event) -> str:
        """A further phone by a code on this one; if this one is killed once it agreed, the other is in all the same."""
        if len(self.human(phone).phones) > 3:
            return "enough phones"
        client, before = await self.client(phone), set(self.truth.devices[phone.identity.account])
        offered = await enrolment.offer(client.session)
        new = NewDevice(self.folder_of_its_own(), "second")
        self.requested = asyncio.get_running_loop().create_future()
        self.road.steps = Steps()
        joining = asyncio.create_task(enrolment.join_account(new, offered.link))
        try:
            asked = await self._asked(self.requested, joining)
            request = DeviceRequested(asked.ticket, asked.possession, asked.mac)
            await enrolment.approve(client.session, offered, request)
        finally:
            said = await self._joined(phone, new, joining, before)
        await client.heal()
        return said

    async def _asked(
        self, requested: "asyncio.Future[RequestJoin]", joining: "asyncio.Task[Identity]"
    ) -> RequestJoin:
        """What the new phone asks. Raises what it raised, if it could not ask."""
        await asyncio.wait({requested, joining}, return_when=asyncio.FIRST_COMPLETED)
        if not requested.done():
            await joining
        return await requested

    async def _joined(
        self,
        phone: Phone,
        new: NewDevice,
        joining: "asyncio.Task[Identity]",
        before: set[str],
    ) -> str:
        """The new phone, if it was let in."""
        self.requested = None
        if self.truth.devices[phone.identity.account].keys() <= before:
            joining.cancel()
            await asyncio.gather(joining, return_exceptions=True)
            return "not let in"
        return self._in_hand(self.human(phone), new, await joining)

    def _in_hand(self, human: Human, new: NewDevice, identity: Identity) -> str:
        lock = json.loads((new.home / "lock.json").read_bytes())
        steps = Steps()
        home = WatchedHome(new.home, unlocking.key_of(lock, new.ask), steps)
        human.phones.append(Phone(human.name, home, steps, identity))
        return f"{human.name} has {identity.device[:4]}"

    async def _kit(self, phone: Phone, event: Event) -> str:
        human = self.human(phone)
        if human.kit is not None:
            return "has one"
        client = await self.client(phone)
        human.kit, _ = await enrolment.make_kit(client.session, "fr")
        await client.heal()
        return "made"

    async def _restore(self, phone: Phone, event: Event) -> str:
        """Somebody who has a kit takes a new phone by it."""
        humans = [one for one in self.humans if one.kit is not None]
        if not humans:
            return "nobody has a kit"
        human = humans[event.other % len(humans)]
        assert human.kit is not None
        if kit.keys_of(kit.seed_of(human.kit)).id not in self.truth.devices[human.account]:
            return "the kit was revoked"
        self.road.steps = Steps()
        new = NewDevice(self.folder_of_its_own(), "new")
        identity = await enrolment.restore(new, self.road.origin, kit.seed_of(human.kit))
        return self._in_hand(human, new, identity)

    async def _revoke(self, phone: Phone, event: Event) -> str:
        others = [
            one
            for one in self.truth.devices[phone.identity.account]
            if one != phone.identity.device
        ]
        if not others:
            return "no other device"
        device = others[event.other % len(others)]
        await (await self.client(phone)).revoke_device(device)
        return device[:4]

    async def _lose(self, phone: Phone, event: Event) -> str:
        """It is gone, with all that is in it, and may never be revoked."""
        human = self.human(phone)
        if len([one for one in human.phones if self.is_online(one)]) < 2 and human.kit is None:
            return "their last"
        phone.lost = True
        await self.end(phone)
        return "lost"

    async def _reset(self, phone: Phone, event: Event) -> str:
        """Everything is lost, the kit too; the administration lets the person begin again under a new account."""
        human = self.human(phone)
        new = await self.new_account(human.name, "professional", resets=human.account)
        for one in human.phones:
            one.lost = True
            await self.end(one)
        human.former.append(human.account)
        human.account, human.kit = new.identity.account, None
        human.phones.append(new)
        return f"{human.name} begins again with {new.identity.device[:4]}"

    async def _readmit(self, phone: Phone, event: Event) -> str:
        """A colleague knows that it is them."""
        circle = self._pick(phone, event)
        if circle is None:
            return "in no circle"
        opened = await self._open(phone, circle)
        waiting = await opened.waiting()
        if not waiting:
            return "nobody waits"
        await opened.readmit(waiting[event.other % len(waiting)].account)
        return f"{self.name_of(waiting[event.other % len(waiting)].account)} to {circle.circle[:6]}"

    async def _go_offline(self, phone: Phone, event: Event) -> str:
        phone.offline_until = self.today + 1 + event.choice % 4
        await self.end(phone)
        return f"until day {phone.offline_until}"

    async def _month(self, phone: Phone, event: Event) -> str:
        await self.wait(31 * DAY)
        return "passes"
