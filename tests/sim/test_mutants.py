"""The simulation bites: with one law switched off, it finds a seed in which a promise is broken."""

import pytest

from .mutants import MUTANTS
from .simulate import run_seed

SEEDS_MAX = 200

FOUND_IN = {
    "epoch_check_off": 10,
    "live_leases_taken": 5,
    "wishes_unheard": 28,
    "moves_unheeded": 3,
    "rounds_not_kept": 6,
    "effects_repeated": 20,
    "lost_rounds_forgotten": 17,
    "last_decision_counts": 9,
    "uncertain_batches_new": 2,
    "slow_poll_off": 40,
    "lost_hand_in_forgotten": 49,
    "membership_known_from_before": 32,
    "viewers_write": 32,
    "removed_readers_stay": 50,
    "removals_noticed_late": 50,
    "calls_counted_per_attempt": 287,
    "calls_of_replaced_attempts_lost": 173,
    "role_changes_told_wrong": 58,
    "own_words_last": 18,
}
"""The first seed that has found each, to begin with; the others are looked at where the simulation has changed since."""


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_found(name: str) -> None:
    """Each law of the log has a checker that goes red without it, within a few seeds."""
    seeds = (FOUND_IN.get(name, 0), *range(SEEDS_MAX))
    assert any(run_seed(seed, MUTANTS[name]).breaches for seed in seeds), name
