"""A circle with an escrow in it, the escrow's guardians, and somebody outside who has to get in."""

from dataclasses import dataclass

from people import ODETTE, Person, Town

from relais.client import emergency, escrow
from relais.client.emergency import HOUR, Asking
from relais.client.emergency_card import Card
from relais.client.escrow import Sharing
from relais.client.guarding import Escrow
from relais.client.sdk import Circle, Client
from relais.crypto.account import Profile
from relais.models.ids import Digest, Millis

BEFORE = "avant l'urgence"
WHY = "Appelée pour un malaise, je ne connais pas le traitement."


@dataclass
class Guarded:
    """Nadia leads the circle. `guardians` are in it no more than anybody; Olga is outside."""

    town: Town
    nadia: Client
    circle: Circle
    escrow: Escrow
    people: tuple[Person, ...]
    guardians: tuple[Client, ...]
    outside: Person
    olga: Client

    @property
    def card(self) -> Card:
        return Card(self.circle.circle, self.escrow.account, self.town.relay.origin)

    async def ask(
        self, who: Client | None = None, *, card: Card | None = None, lasts: Millis = 12 * HOUR
    ) -> Digest:
        """Olga asks, or somebody else."""
        asking = Asking("vital", WHY, lasts)
        return await emergency.ask((who or self.olga).session, card or self.card, asking)

    async def escrow_now(self) -> Escrow:
        """As it is by what a guardian is shown."""
        return await escrow.found(self.guardians[0].session, self.escrow.account)

    async def another_circle(self) -> Circle:
        """A further circle of Nadia's with the escrow in it."""
        circle = await self.nadia.create_circle(ODETTE)
        await circle.add(self.escrow.account)
        await circle.post(BEFORE)
        return circle

    def card_of(self, circle: Circle) -> Card:
        return Card(circle.circle, self.escrow.account, self.town.relay.origin)


async def guarded(town: Town, *, guardians: int = 3, quorum: int = 2) -> Guarded:
    nadia, outside = await town.newcomer("Nadia"), await town.person("Olga")
    people = tuple([await town.person(f"Garant {number}") for number in range(1, guardians + 1)])
    clients = tuple([await town.connect(person) for person in people])
    made = await make_escrow(town, nadia, [one.account for one in clients], quorum=quorum)
    circle = await nadia.create_circle(ODETTE)
    await circle.add(made.account)
    await circle.post(BEFORE)
    return Guarded(town, nadia, circle, made, people, clients, outside, await town.connect(outside))


async def make_escrow(
    town: Town, maker: Client, guardians: list[str], *, quorum: int = 2
) -> Escrow:
    profile = Profile("Accès d’urgence · Sud", "Accès d’urgence", "Sud")
    url = await town.invitation("escrow")
    return await escrow.make(maker.session, url, profile, Sharing(tuple(guardians), quorum))


async def texts(client: Client, circle: str) -> list[str | None]:
    """What somebody reads of a circle, in order."""
    opened = await client.circle(circle)
    return [note.content.text if note.content else None async for note in opened.notes()]
