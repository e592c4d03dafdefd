"""Wakes sleepers. The database is the truth, the bus is a hint: losing a nudge costs time, never words."""
