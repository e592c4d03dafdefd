"""Why a table of the config file, or an option, is not usable: in words that say what would be."""

import re
from difflib import get_close_matches
from typing import Final, Literal, get_args, get_origin, get_type_hints

from msgspec import Struct, ValidationError

_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`")
_NO_CHOICE: Final = re.compile(r"Invalid enum value '(.*)' - at `\$\.(\w+)")


def misfit(error: ValidationError, kind: type[Struct]) -> str:
    """Return what msgspec says of a value that was to be a `kind`, with the choices or the name that may be meant."""
    said = str(error)
    if unknown := _UNKNOWN.match(said):
        near = get_close_matches(unknown[1], kind.__struct_fields__, n=1)
        return f"there is no `{unknown[1]}`" + "".join(f"; is `{name}` meant" for name in near)
    if no_choice := _NO_CHOICE.match(said):
        given, name = no_choice.groups()
        return f"{given!r} is none of {', '.join(choices(kind, name))}" + said[said.index(" - at") :]
    return said


def choices(kind: type[Struct], name: str) -> tuple[str, ...]:
    """Return what a field takes where that can be counted: the words of its `Literal`. Empty elsewhere."""
    pending = [get_type_hints(kind)[name]]
    while pending:
        hint = pending.pop()
        if get_origin(hint) is Literal:
            return get_args(hint)
        pending += get_args(hint)
    return ()
