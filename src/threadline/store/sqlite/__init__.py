"""The embedded store: one SQLite file in WAL mode, one writer thread, a few reader threads."""
