"""Single versions whose own keys a member is owed: those of its history under epochs that began before it (docs/protocol.md §5).

Whoever comes with a history that begins at a moment comes with new epochs, so under the old ones nothing is added: what is
owed is found once, and remembered.
"""

from collections import OrderedDict
from dataclasses import dataclass

from relais.crypto import envelope
from relais.crypto.ledger import CircleState, Member, is_owed_key
from relais.models.ids import AccountId, CircleId, DeviceId, Millis, NoteId
from relais.models.store.notes import NoteStore, StoredVersion
from relais.server import authorize
from relais.server.circle_book import CircleView

REMEMBERED = 5_000
PAGE = 200
Stay = tuple[CircleId, AccountId, Millis, int]


@dataclass(frozen=True)
class OwedVersion:
    """A version, and the epochs whose key opens it too."""

    seq: int
    note: NoteId
    version: int
    epochs: tuple[tuple[str, int], ...]

    @property
    def name(self) -> tuple[NoteId, int]:
        return self.note, self.version


class OwedNotes:
    """Finds, and remembers, what members are owed by single versions."""

    def __init__(self, notes: NoteStore) -> None:
        self._notes = notes
        self._found: OrderedDict[Stay, tuple[OwedVersion, ...]] = OrderedDict()

    async def of(self, state: CircleState, member: Member) -> tuple[OwedVersion, ...]:
        """In the circle's order; nothing for whoever has the whole history, or none."""
        if not 0 < member.history < member.came_at:
            return ()
        key = (state.circle, member.account, member.history, member.last.seq)
        if (known := self._found.get(key)) is None:
            known = self._found[key] = await self._look(state, member)
            if len(self._found) > REMEMBERED:
                self._found.popitem(last=False)
        return known

    async def missing(
        self, view: CircleView, now: Millis
    ) -> list[tuple[AccountId, DeviceId, OwedVersion]]:
        """What devices are owed and were not granted."""
        found = []
        for account in authorize.readers_now(view.state, now):
            for owed in await self.of(view.state, view.state.members[account]):
                for device in authorize.reading_devices(view.accounts[account]):
                    if (device, *owed.name) not in view.granted:
                        found.append((account, device, owed))
        return found

    async def _look(self, state: CircleState, member: Member) -> tuple[OwedVersion, ...]:
        """By the time of storing, which lies at most ten minutes before what the author says, and before this stay."""
        early = member.history - authorize.CLOCK_AHEAD
        first = await self._notes.first_where(state.circle, lambda one: one.at >= early)
        late = member.last.since + authorize.CLOCK_AHEAD
        end = await self._notes.first_where(state.circle, lambda one: one.at > late)
        found: list[OwedVersion] = []
        for after in range(first - 1, end - 1, PAGE):
            some = await self._notes.between(state.circle, after, min(after + PAGE, end - 1))
            found += [one for version in some if (one := _owed(state, member, version))]
        return tuple(found)


def _owed(state: CircleState, member: Member, version: StoredVersion) -> OwedVersion | None:
    header = envelope.peek(version.envelope).header
    keys = tuple((key.audience, key.epoch) for key in header.keys)
    if not is_owed_key(state, member, keys, header.at):
        return None
    return OwedVersion(version.seq, version.note, version.version, keys)
