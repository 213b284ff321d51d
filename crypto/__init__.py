"""What members do with keys, pure: no clock, no randomness, no input or output of its own."""
