"""Times as people type them."""

from datetime import datetime

from relais.models.ids import Millis


def moment(text: str) -> Millis:
    """An ISO 8601 date or time; without an offset it is local. Raises ValueError."""
    return int(datetime.fromisoformat(text).astimezone().timestamp() * 1000)


NO_END: Millis = 0


def moment_or_none(text: str) -> Millis:
    """As `moment`; ``none`` is `NO_END`. Raises ValueError."""
    return NO_END if text == "none" else moment(text)


def history(text: str) -> bool | Millis:
    """``all``, ``none``, or a date from whose first minute on, local time. Raises ValueError."""
    words: dict[str, bool | Millis] = {"all": True, "none": False}
    return words[text] if text in words else moment(text)
