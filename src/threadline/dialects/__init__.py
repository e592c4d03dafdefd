"""One log, many dialects: pure projections of entries into frames."""
