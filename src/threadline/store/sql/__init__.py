"""The verbs that both dialects say alike: one text for each statement, `?` for each value."""
