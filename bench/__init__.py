"""Measurements: what the relay does on this machine, against a floor measured in the same run."""
