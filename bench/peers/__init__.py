"""What is measured: a relay that parses nothing, the server people write by hand, and Threadline."""
