"""The fixtures of the tests of what `deploy/` has."""

from support.fixtures import installation, make_server  # noqa: F401 - pytest finds them by their names here
