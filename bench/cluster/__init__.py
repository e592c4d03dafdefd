"""Threadline on PostgreSQL: the database, the nodes, and what is measured of them."""
