"""Decoded JSON becomes models: known fields typed, unknown ones kept.

A server may be newer than this package. What it says beyond our knowledge must neither break a program nor get lost on
the way through it, so every model carries its unknown fields in `extra`, and writes them out again.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from threadline.client.errors import UnexpectedAnswer


class Model(Struct, frozen=True, kw_only=True):
    """What the wire's objects have in common: `extra`, the fields that this version does not know, as JSON values."""

    extra: dict[str, Any] = field(default_factory=dict)


ModelT = TypeVar("ModelT", bound=Model)

# How a field's raw JSON is prepared before msgspec checks it: given by the module that has the model.
Preparation = Callable[[Any], Any]
_PREPARATIONS: dict[type[Model], Mapping[str, Preparation]] = {}


def prepare(kind: type[Model], **fields: Preparation) -> None:
    """Say which fields of `kind` hold models themselves, and how these are read."""
    _PREPARATIONS[kind] = fields


def one(kind: type[Model]) -> Preparation:
    """Preparation of a field that holds a `kind` or null."""
    return lambda raw: read(kind, raw) if isinstance(raw, dict) else raw


def many(prepare_one: Preparation) -> Preparation:
    """Preparation of a field that holds a list."""
    return lambda raw: tuple(map(prepare_one, raw)) if isinstance(raw, list) else raw


def parse(body: bytes | str) -> Any:
    """Parse JSON. Raises `UnexpectedAnswer` when it is none."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise UnexpectedAnswer(f"the server's answer is not JSON: {error}") from error


def read(kind: type[ModelT], raw: object) -> ModelT:
    """Build a `kind` from decoded JSON.

    Raises `UnexpectedAnswer` when a known field does not have its type, or a required one is missing.
    """
    if not isinstance(raw, dict):
        raise UnexpectedAnswer(f"the server's {kind.__name__} is not a JSON object")
    names, preparations = _names(kind), _PREPARATIONS.get(kind, {})
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in names:
            extra[name] = value
        elif name in preparations:
            known[name] = preparations[name](value)
        else:
            known[name] = value
    known["extra"] = extra
    try:
        return msgspec.convert(known, kind)
    except msgspec.ValidationError as error:
        raise UnexpectedAnswer(f"the server's {kind.__name__} does not have its form: {error}") from error


@cache
def _names(kind: type[Model]) -> frozenset[str]:
    return frozenset(kind.__struct_fields__) - {"extra"}


def plain(value: object) -> object:
    """Undo `read`: the JSON value of a model. Optional fields that are not set are left out."""
    match value:
        case Model():
            fields = {name: getattr(value, name) for name in value.__struct_fields__ if name != "extra"}
            return {name: plain(each) for name, each in fields.items() if each is not None} | value.extra
        case list() | tuple():
            return [plain(each) for each in value]
        case Mapping():
            return {name: plain(each) for name, each in value.items()}
        case _:
            return value
