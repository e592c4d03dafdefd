"""The real engine, journal, leases and rescue on three nodes in one process, in false time, from one seed."""
