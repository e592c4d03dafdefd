"""Several processes on one port: a supervisor that accepts connections, and workers, each a node of its own."""
