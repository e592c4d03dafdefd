"""The fixtures of the tests of what `deploy/` has."""

from support.databases import database, postgres, redis  # noqa: F401 - pytest finds them by their names here
