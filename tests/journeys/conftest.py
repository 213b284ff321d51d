"""The relay and the people these tests share."""

from relay_fixtures import administrator, relay, town
from two_people import cast, circle

__all__ = ["administrator", "cast", "circle", "relay", "town"]
