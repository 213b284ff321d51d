"""A witness of transparency logs: a program of its own that another organisation runs (c2sp.org/tlog-witness)."""
