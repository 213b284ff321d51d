"""How long a test waits for what has to come. It measures nothing: a busy machine may stand still for a while."""

PATIENCE = 60.0
"""Seconds, after which a test ends that would hang."""
