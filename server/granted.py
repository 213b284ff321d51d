"""Who was granted which key, and which further grants are worth storing.

The server cannot tell whether a grant opens. So one that does not must not keep another member's out, and
nobody may store the same one for ever. A device that says one does not open concerns nobody but itself: it is
granted the key again, and by one account so often and no more.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from relais.models.ids import AccountId, DeviceId
from relais.models.store.circles import GrantMade, GrantRow

MOST_FOR_ONE_DEVICE = 8
"""Grants for one device in one request: each can hold a thousand keys."""
MOST_GRANTERS = 8
"""Accounts that may grant one device the key of one epoch."""

MOST_IN_VAIN = 3
"""Grants of one key to one device by one account that may turn out not to open, before it is asked no more."""

Key = tuple[DeviceId, str, int]
Granted = Mapping[Key, frozenset[AccountId | None]]
"""Which device was granted the key of which audience and epoch, and by whom."""
InVain = Mapping[tuple[Key, AccountId | None], int]
"""How many of an account's grants of a key to a device it could not open."""


def granted_with(granted: Granted, made: Iterable[GrantMade]) -> Granted:
    """What was granted, once these are too; what does not open is not."""
    after = dict(granted)
    for one in made:
        if one.unopenable:
            continue
        key = _key(one)
        after[key] = after.get(key, frozenset()) | {one.granter}
    return after


def made_in_vain(made: Iterable[GrantMade]) -> InVain:
    return Counter((_key(one), one.granter) for one in made if one.unopenable)


def may_try(in_vain: InVain, key: Key, granter: AccountId) -> bool:
    """Whether an account may still grant a device this key, as far as earlier ones did not open."""
    return in_vain.get((key, granter), 0) < MOST_IN_VAIN


def made_by(rows: Iterable[GrantRow]) -> list[GrantMade]:
    """Key by key what these grants hold."""
    return [GrantMade(row.device, *key, row.granter) for row in rows for key in row.keys]


def keys_in(rows: Iterable[GrantRow]) -> set[Key]:
    return {_key(one) for one in made_by(rows)}


def new_grants(granted: Granted, rows: Collection[GrantRow], *, in_vain: InVain) -> list[GrantRow]:
    """Those with a key that their account has not granted the device yet, nor `MOST_GRANTERS` others, nor too often in vain."""
    new: list[GrantRow] = []
    for row in rows:
        made = made_by([row])
        if any(
            _is_welcome(granted, one) and may_try(in_vain, _key(one), row.granter) for one in made
        ):
            granted = granted_with(granted, made)
            new.append(row)
    return new


def _is_welcome(granted: Granted, one: GrantMade) -> bool:
    granters = granted.get(_key(one), frozenset())
    return one.granter not in granters and len(granters) < MOST_GRANTERS


def _key(one: GrantMade) -> Key:
    return one.device, one.audience, one.epoch
