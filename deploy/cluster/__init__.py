"""`make cluster`: PostgreSQL, Redis, a load balancer and nodes on this machine, without root and without Docker."""
