"""Chaos: three nodes, a PostgreSQL and a Redis of their own, and everything that can go away goes away."""
