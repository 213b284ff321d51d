"""The relay and the people these tests share."""

from relay_fixtures import administrator, relay, town

__all__ = ["administrator", "relay", "town"]
