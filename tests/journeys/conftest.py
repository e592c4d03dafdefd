"""The fixtures of the journeys, and the rule of where they run.

A journey runs on every database with every bus. Tables of cases that are decided before the store is asked for anything,
or by what a vendor said alone, prove nothing more there: they are `ON_SQLITE`. Whatever has to do with order, runs, turns,
queues, stops, streams or files is not.
"""

import pytest

from support.backends import BACKENDS, Backend, backend_of

ON_SQLITE = pytest.mark.parametrize("backend", BACKENDS[:1], indirect=True)
"""Over a test: it runs on SQLite alone."""


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Every database with every bus."""
    return backend_of(request)
