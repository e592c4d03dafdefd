"""Who is in a thread at the moment, and who is typing. Never stored: it is true while it is said."""
