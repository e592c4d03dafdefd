"""The simulation bites: with one law switched off, it finds a seed in which a promise is broken."""

import pytest

from .mutants import MUTANTS
from .simulate import run_seed

SEEDS_MAX = 200


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_found(name: str) -> None:
    """Each law of the log has a checker that goes red without it, within a few seeds."""
    assert any(run_seed(seed, MUTANTS[name]).breaches for seed in range(SEEDS_MAX)), name
