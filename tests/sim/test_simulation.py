"""Promises 1 to 6, 9 and 10 on three nodes that die, sleep, and lose their store, their nudges and their clients."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .simulate import run_seed

SEEDS = 160
CHUNKS = 8

_TRACES = "from sim.simulate import run_seed; print([run_seed(seed).trace for seed in range(4, 12)])"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_promise_holds_in_every_seed(chunk: int) -> None:
    """Whatever goes wrong in it. `make sim` runs more; `make sim ARGS="--seed N"` tells the story of one."""
    for seed in range(chunk, SEEDS, CHUNKS):
        result = run_seed(seed)
        assert not result.breaches, f'make sim ARGS="--seed {seed}"'


def test_the_seeds_are_not_idle() -> None:
    """Runs are attempted again, and most seeds have something to say: a simulation in which nothing happens proves nothing."""
    results = [run_seed(seed) for seed in range(30)]
    runs, calls = sum(one.runs for one in results), sum(one.calls for one in results)
    assert runs > 60
    assert calls > runs * 1.05
    assert sum(one.events for one in results) > 2000
    assert sum(one.events > 20 for one in results) > 20


def test_a_seed_reproduces() -> None:
    """One seed has one trace, in this process and in others, whatever their hashes of strings are."""
    here = [run_seed(seed).trace for seed in range(4, 12)]
    assert len(set(here)) == len(here)
    for hashes in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": hashes}
        folder = Path(__file__).parents[1]
        done = subprocess.run(
            [sys.executable, "-c", _TRACES], cwd=folder, env=env, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == str(here)
