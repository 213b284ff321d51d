"""The Python member: SDK, command line, key store, outbox and transport."""
