"""The audit log: what is recorded (`record`), and the tree that proves nothing was removed."""
