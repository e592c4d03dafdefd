"""What tests of a real server share: the process, a client that keeps every byte, a vendor that does as it is told."""
