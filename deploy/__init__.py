"""What it takes to run Threadline: files for operators, and a cluster for one machine."""
