"""Foreign models. Knows nothing of threads: a prompt goes in, chunks come out."""
