"""The schema, step by step: `NNNN_name.sql`, each run once and in order, in one transaction with its number."""
