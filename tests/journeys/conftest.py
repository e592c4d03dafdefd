"""The fixtures of the journeys."""

from support.fixtures import (  # noqa: F401 - pytest finds them by their names here
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
