"""The laws of the log: one write door, one live read, one owner for each run."""
