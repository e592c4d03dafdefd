"""The fixtures of the journeys."""

import pytest

from support.backends import BACKENDS, Backend, backend_of
from support.fixtures import (  # noqa: F401 - pytest finds them by their names here
    admin,
    client,
    foreign,
    installation,
    make_server,
    nobody,
    nodes,
    operator,
    server,
    upstream,
    vendors,
)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Every database with every bus."""
    return backend_of(request)
