"""Moving a whole installation from one database to another, and proving that all of it has arrived."""
