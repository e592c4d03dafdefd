"""The steps of the PostgreSQL schema, one numbered file each."""
