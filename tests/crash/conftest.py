"""The fixtures of the crash tests."""

from support.fixtures import installation, make_server  # noqa: F401 - pytest finds them by their names here
