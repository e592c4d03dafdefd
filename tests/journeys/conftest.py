"""The fixtures of the journeys."""

import pytest

from support.backends import BACKENDS, Backend, backend_of


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Every database with every bus."""
    return backend_of(request)
