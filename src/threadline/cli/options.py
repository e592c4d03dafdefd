"""The options that several commands share, made from the one table of settings."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import click
from msgspec import Meta

from threadline.misfit import choices
from threadline.settings import ENV_PREFIX, Settings, load_settings

F = TypeVar("F", bound=Callable[..., Any])

WHERE = ("data", "database")
"""The settings that say which installation is meant."""


def setting_options(*names: str) -> Callable[[F], F]:
    """Add the options of these settings, and `--config`, to a command."""

    def add(function: F) -> F:
        for name in reversed(names):
            function = click.option(
                f"--{name.replace('_', '-')}", name, default=None, metavar=_metavar(name), help=description(name)
            )(function)
        return click.option(
            "--config", type=click.Path(path_type=Path), default=None, help="Config file. Default: ./threadline.toml."
        )(function)

    return add


def description(name: str) -> str:
    """Return what the table says of a setting."""
    hint = get_type_hints(Settings, include_extras=True)[name]
    for part in get_args(hint):
        if isinstance(part, Meta) and part.description:
            return f"{part.description} [{ENV_PREFIX}{name.upper()}{_default(name)}]"
    raise AssertionError(f"the setting {name} has no description")


def _metavar(name: str) -> str:
    return "|".join(choices(Settings, name)) or name.upper()


def _default(name: str) -> str:
    """Say the default of a setting, where it is more than "none": those are explained in the description."""
    value = getattr(Settings(), name)
    if not value:
        return ""
    return f"; default: {value:g}" if isinstance(value, float) else f"; default: {value}"


def settings_from(options: dict[str, Any]) -> Settings:
    """Load the settings of a command from its options. Raises SettingsRefused."""
    config = options.pop("config", None)
    given = {name: value for name, value in options.items() if value is not None}
    return load_settings(given, os.environ, config)
