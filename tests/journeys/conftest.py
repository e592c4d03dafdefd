"""The fixtures of the journeys."""

import pytest

pytest.register_assert_rewrite("support")

from support.fixtures import (  # noqa: E402, F401 - pytest finds them by their names here
    admin,
    client,
    foreign,
    installation,
    make_server,
    nobody,
    operator,
    server,
    upstream,
    vendors,
)
