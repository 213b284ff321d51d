"""The last profile of each circle that could be read, sealed in the folder: what any member replaces by garbage is not lost."""

from relais.client.home import Home
from relais.crypto import content
from relais.crypto.content import Content
from relais.models.ids import CircleId


def keep(home: Home, circle: CircleId, profile: Content) -> None:
    """Remember what was read; writes only what is new."""
    data = content.encode(profile)
    if home.read(_name(circle)) != data:
        home.write(_name(circle), data)


def last_read(home: Home, circle: CircleId) -> Content | None:
    """None if this device has read none."""
    data = home.read(_name(circle))
    return None if data is None else content.decode(data)


def _name(circle: CircleId) -> str:
    return f"profiles/{circle}"
