"""Who could read a version, and when: by periods, audiences, histories and devices."""

from care import DAY, HOUR, NOW, Circle, Person, accounts, adds, draft, opens, to_epoch

from relais.crypto import envelope, ledger
from relais.crypto.content import Content
from relais.crypto.device import BOT
from relais.crypto.envelope import Header
from relais.crypto.ledger import CircleState, MemberRemove
from relais.crypto.readers import Reader, readers_of


def people(*names: str) -> list[Person]:
    return [Person(name) for name in names]


def states(circle: Circle, *known: Person) -> list[CircleState]:
    found: list[CircleState] = []
    chains = accounts(*known)
    for entry in circle.entries:
        author = chains[ledger.peek_entry(entry).account]
        found.append(ledger.apply(found[-1] if found else None, entry, author))
    return found


def header(circle: Circle, who: Person, *audiences: str, at: int) -> Header:
    sealed = envelope.seal(
        who.keys,
        draft(circle, who, at=at),
        Content("GEN", "un"),
        to=[to_epoch(circle, name) for name in audiences or ("team",)],
        entropy=bytes(envelope.ENTROPY_SIZE),
    )
    return envelope.peek(sealed).header


def found(circle: Circle, of: Header, *known: Person) -> dict[str, list[Reader]]:
    by: dict[str, list[Reader]] = {}
    for one in readers_of(states(circle, *known), accounts(*known), of):
        by.setdefault(one.account, []).append(one)
    return by


def test_members_guests_and_whoever_left_each_in_their_span() -> None:
    anne, bruno, guest, late = people("anne", "bruno", "guest", "late")
    circle = Circle(anne).then(
        anne, adds(bruno, "professional"), adds(guest, "carer", until=NOW + 2 * HOUR)
    )
    note = header(circle, anne, at=NOW + HOUR)
    circle.then(anne, MemberRemove(bruno.id), opens("team", 2), at=NOW + 3 * HOUR)
    circle.then(anne, adds(late, "professional", at=NOW + 4 * HOUR), at=NOW + 4 * HOUR)
    by = found(circle, note, anne, bruno, guest, late)
    assert {who: [(one.since, one.until) for one in some] for who, some in by.items()} == {
        anne.id: [(NOW + HOUR, None)],
        bruno.id: [(NOW + HOUR, NOW + 3 * HOUR)],
        guest.id: [(NOW + HOUR, NOW + 2 * HOUR)],
        late.id: [(NOW + 4 * HOUR, None)],
    }


def test_a_history_from_a_moment_opens_what_was_written_since_by_its_own_key() -> None:
    anne, late = people("anne", "late")
    circle = Circle(anne)
    before, since = (header(circle, anne, at=NOW + at) for at in (HOUR, 3 * HOUR))
    coming = adds(late, "professional", at=NOW + DAY, history=NOW + 2 * HOUR)
    circle.then(anne, coming, opens("team", 2), at=NOW + DAY)
    assert late.id not in found(circle, before, anne, late)
    (span,) = found(circle, since, anne, late)[late.id]
    assert (span.by_own_key, span.epoch, span.since) == (True, 1, NOW + DAY)
    (later,) = found(circle, header(circle, anne, at=NOW + 2 * DAY), anne, late)[late.id]
    assert (later.by_own_key, later.epoch) == (False, 2)


def test_each_stay_is_judged_by_the_history_it_came_with() -> None:
    anne, bruno = people("anne", "bruno")
    circle = Circle(anne).then(anne, adds(bruno, "professional"))
    first = header(circle, anne, at=NOW + HOUR)
    circle.then(anne, MemberRemove(bruno.id), opens("team", 2), at=NOW + 2 * HOUR)
    absence = header(circle, anne, at=NOW + 3 * HOUR)
    at = NOW + 4 * HOUR
    circle.then(anne, adds(bruno, "professional", at=at, history=at), opens("team", 3), at=at)
    assert [one.until for one in found(circle, first, anne, bruno)[bruno.id]] == [NOW + 2 * HOUR]
    assert bruno.id not in found(circle, absence, anne, bruno)


def test_only_those_of_its_audiences_and_no_bot() -> None:
    anne, bruno = people("anne", "bruno")
    lab = Person("lab", kind=BOT)
    circle = Circle(anne, ("team", "family")).then(
        anne, adds(bruno, "professional"), adds(lab, "bot")
    )
    family = found(circle, header(circle, anne, "family", at=NOW), anne, bruno, lab)
    assert set(family) == {anne.id}
    both = found(circle, header(circle, anne, "family", "team", at=NOW), anne, bruno, lab)
    assert [one.audience for one in both[anne.id]] == ["family", "team"]
    assert [one.audience for one in both[bruno.id]] == ["team"]


def test_devices_that_were_there_in_that_span_and_can_read() -> None:
    anne, bruno = people("anne", "bruno")
    tablet, gone = bruno.join("bruno tablet"), bruno.join("bruno old phone")
    machine = bruno.join("bruno machine", kind=BOT)
    late = bruno.join("bruno new phone", at=NOW + 3 * HOUR)
    circle = Circle(anne).then(anne, adds(bruno, "professional"))
    note = header(circle, anne, at=NOW + HOUR)
    bruno.lose(gone, at=NOW + 3 * HOUR)
    (span,) = found(circle, note, anne, bruno)[bruno.id]
    assert span.devices == (bruno.keys.id, tablet.id, gone.id, late.id)
    assert machine.id not in span.devices
    after = header(circle, anne, at=NOW + 4 * HOUR)
    assert gone.id not in found(circle, after, anne, bruno)[bruno.id][0].devices
    circle.then(anne, MemberRemove(bruno.id), opens("team", 2), at=NOW + 2 * HOUR)
    assert late.id not in found(circle, note, anne, bruno)[bruno.id][0].devices
