"""Times as people type them."""

from datetime import datetime

from relais.models.ids import Millis


def moment(text: str) -> Millis:
    """An ISO 8601 date or time; without an offset it is local. Raises ValueError."""
    return int(datetime.fromisoformat(text).astimezone().timestamp() * 1000)
