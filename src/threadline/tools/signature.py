"""A Python function's signature and docstring become what a model is told of it: a description and a JSON Schema."""

import inspect
import re
from collections.abc import Callable
from typing import Any, NamedTuple, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct

from threadline.tools.contract import Call

_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?|Notes?):\s*$", re.MULTILINE)
_ARGUMENT = re.compile(r"^\*{0,2}(\w+)(?:\s*\([^)]*\))?:\s*(.*)$")


class Signature(NamedTuple):
    """What a function takes. `arguments` is the type of its input, `context` the parameter that is given the `Call`."""

    description: str
    schema: dict[str, Any]
    arguments: type[Struct]
    context: str | None


def signature_of(function: Callable[..., Any]) -> Signature:
    """Look at a function. Raises TypeError where a model could not call it."""
    hints = get_type_hints(function, include_extras=True)
    fields: list[Any] = []
    context = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"The tool {_name(function)} takes {parameter}; a tool's parameters each have a name.")
        if parameter.name not in hints:
            raise TypeError(f"The parameter {parameter.name!r} of the tool {_name(function)} has no type.")
        if hints[parameter.name] is Call:
            context = parameter.name
            continue
        default = NODEFAULT if parameter.default is parameter.empty else parameter.default
        fields.append((parameter.name, hints[parameter.name], default))
    arguments = msgspec.defstruct(_name(function), fields, forbid_unknown_fields=True, kw_only=True)
    description, of_arguments = _documented(inspect.getdoc(function) or "")
    return Signature(description, _schema(arguments, of_arguments), arguments, context)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _schema(arguments: type[Struct], of_arguments: dict[str, str]) -> dict[str, Any]:
    try:
        (root,), components = msgspec.json.schema_components([arguments], ref_template="#/$defs/{name}")
    except (TypeError, NotImplementedError) as error:
        raise TypeError(f"The tool {arguments.__name__} has a parameter without a JSON form: {error}.") from error
    schema: dict[str, Any] = components.pop(root["$ref"].rpartition("/")[2])
    schema.pop("title", None)
    for name, text in of_arguments.items():
        if name in schema["properties"]:
            schema["properties"][name].setdefault("description", text)
    if components:
        schema["$defs"] = components
    return schema


def _documented(text: str) -> tuple[str, dict[str, str]]:
    """Return what a docstring says of a function, and of each of its parameters (in the form of Google's guide)."""
    parts = _SECTION.split(text)
    of_arguments: dict[str, str] = {}
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        if title in ("Args", "Arguments", "Parameters"):
            of_arguments = _arguments(inspect.cleandoc(body))
    return parts[0].strip(), of_arguments


def _arguments(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = None
    for line in text.splitlines():
        begins = _ARGUMENT.match(line)
        if begins is not None:
            name = begins[1]
            found[name] = begins[2].strip()
        elif name is not None:
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found
