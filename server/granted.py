"""Who was granted which key, and which further grants are worth storing.

The server cannot tell whether a grant opens. So one that does not must not keep another member's out, and
nobody may store the same one for ever.
"""

from collections.abc import Collection, Iterable, Mapping

from relais.models.ids import AccountId, DeviceId
from relais.models.store.circles import GrantMade, GrantRow

MOST_FOR_ONE_DEVICE = 8
"""Grants for one device in one request: each can hold a thousand keys."""
MOST_GRANTERS = 8
"""Accounts that may grant one device the key of one epoch."""

Key = tuple[DeviceId, str, int]
Granted = Mapping[Key, frozenset[AccountId | None]]
"""Which device was granted the key of which audience and epoch, and by whom."""


def granted_with(granted: Granted, made: Iterable[GrantMade]) -> Granted:
    """What was granted, once these are too."""
    after = dict(granted)
    for one in made:
        key = _key(one)
        after[key] = after.get(key, frozenset()) | {one.granter}
    return after


def made_by(rows: Iterable[GrantRow]) -> list[GrantMade]:
    """Key by key what these grants hold."""
    return [GrantMade(row.device, *key, row.granter) for row in rows for key in row.keys]


def keys_in(rows: Iterable[GrantRow]) -> set[Key]:
    return {_key(one) for one in made_by(rows)}


def new_grants(granted: Granted, rows: Collection[GrantRow]) -> list[GrantRow]:
    """Those with a key that their account has not granted the device yet, nor `MOST_GRANTERS` others."""
    new: list[GrantRow] = []
    for row in rows:
        made = made_by([row])
        if any(_is_welcome(granted, one) for one in made):
            granted = granted_with(granted, made)
            new.append(row)
    return new


def _is_welcome(granted: Granted, one: GrantMade) -> bool:
    granters = granted.get(_key(one), frozenset())
    return one.granter not in granters and len(granters) < MOST_GRANTERS


def _key(one: GrantMade) -> Key:
    return one.device, one.audience, one.epoch
