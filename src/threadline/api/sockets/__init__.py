"""WebSockets: the same events with the same seqs, and what only they can carry: requests, presence, typing."""
