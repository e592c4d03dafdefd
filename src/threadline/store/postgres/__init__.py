"""PostgreSQL: the truth of many nodes."""
