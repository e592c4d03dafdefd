"""Finds the Python tools of an installation: those that the setting `tools` names, and those of installed packages."""

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from threadline.errors import SettingsRefused
from threadline.tools.meta import META_NAMES
from threadline.tools.python import PythonTool, tool

ENTRY_POINT_GROUP = "threadline.tools"


def load_tools(names: Sequence[str]) -> list[PythonTool]:
    """Load `module` (all of its tools) or `module:name` (a tool, a function, or a list of them), and entry points.

    Raises:
        SettingsRefused: there is no such module or name, it is no tool, or two have the same name.
    """
    found: dict[str, PythonTool] = {}
    for source, value in [*map(_named, names), *map(_installed, entry_points(group=ENTRY_POINT_GROUP))]:
        for each in _tools_of(source, value):
            if each.name in META_NAMES:
                raise SettingsRefused(f"{source} has a tool {each.name!r}; models find others with the one of ours.")
            if found.setdefault(each.name, each) is not each:
                raise SettingsRefused(f"{source} has a tool {each.name!r}, and so has another source of tools.")
    return list(found.values())


def _named(name: str) -> tuple[str, Any]:
    module_name, _, attribute = name.partition(":")
    # As `python -m` does: the program that was installed does not look where it was started.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        value: Any = import_module(module_name)
        for part in attribute.split(".") if attribute else ():
            value = getattr(value, part)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise SettingsRefused(f"The tools {name!r} cannot be loaded: {error}.") from error
    return name, value


def _installed(point: EntryPoint) -> tuple[str, Any]:
    try:
        return point.value, point.load()
    except (ImportError, AttributeError, TypeError) as error:
        raise SettingsRefused(f"The tools of the package entry {point.name!r} cannot be loaded: {error}.") from error


def _tools_of(source: str, value: Any) -> Iterable[PythonTool]:
    if isinstance(value, PythonTool):
        return [value]
    if isinstance(value, ModuleType):
        # What a module has imported from another one is that one's.
        found = [each for each in vars(value).values() if isinstance(each, PythonTool)]
        return [each for each in dict.fromkeys(found) if each.__module__ == value.__name__] or found
    if isinstance(value, list | tuple):
        return [each for item in value for each in _tools_of(source, item)]
    if callable(value):
        try:
            return [tool(value)]
        except TypeError as error:
            raise SettingsRefused(str(error)) from error
    raise SettingsRefused(f"{source} is no tool, no function, and no list of them.")
