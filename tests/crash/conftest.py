"""The fixtures of the crash tests."""

import pytest

from support.backends import BACKENDS, Backend, backend_of
from support.fixtures import installation, make_server  # noqa: F401 - pytest finds them by their names here


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Every database with every bus."""
    return backend_of(request)
