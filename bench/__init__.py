"""The benchmark suite: `python -m bench` measures Threadline beside two peers on this machine, in one run."""
