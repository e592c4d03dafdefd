"""What a check has found: that something is well, worth a look, or broken, and what to do about it."""

from typing import Literal

from msgspec import Struct

Level = Literal["ok", "warning", "error"]


class Finding(Struct, frozen=True):
    """One sentence about the installation. `advice` says what to do; without it there is nothing to do."""

    level: Level
    what: str
    advice: str = ""


def ok(what: str) -> Finding:
    """Something is well."""
    return Finding("ok", what)


def warning(what: str, advice: str) -> Finding:
    """Something works and could go wrong later."""
    return Finding("warning", what, advice)


def error(what: str, advice: str) -> Finding:
    """Something does not work."""
    return Finding("error", what, advice)
