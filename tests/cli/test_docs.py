"""The reference pages say what the program says: every command, every option, every setting, every example."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import get_args, get_type_hints

import click
import pytest
from msgspec import Meta, structs

from threadline.cli import commands
from threadline.cli.talk.slash import HELP
from threadline.clock import SystemClock
from threadline.providers.registry import ProviderConfig, Registry
from threadline.settings import ENV_PREFIX, FILE_ONLY, Settings, load_settings
from threadline.tools.mcp.config import McpConfig, server_of_config

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
CLI = (REFERENCE / "cli.md").read_text()
SETTINGS = (REFERENCE / "settings.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| `(--[\w-]+)` \| `(\w+)` \| (.+?) \| (.+) \|$", re.MULTILINE)
TOML = re.compile(r"```toml\n(.*?)```", re.DOTALL)


def walk(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and all below it, with their names."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            assert below is not None
            yield from walk(below, f"{name} {each}")


COMMANDS = dict(walk(commands, "threadline"))


def section(name: str) -> str:
    """Return what the page says of one command, without what it says of those below."""
    found = re.search(rf"^#+ {re.escape(name)}\n(.*?)(?=^#|\Z)", CLI, re.DOTALL | re.MULTILINE)
    assert found is not None, f"docs/reference/cli.md has no section {name!r}"
    return found[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_described(name: str) -> None:
    """Each has a section with words in it and all of its options."""
    said = section(name)
    assert len(said.split()) > 5
    options = [option for param in COMMANDS[name].params if isinstance(param, click.Option) for option in param.opts]
    for option in options:
        assert f"`{option}`" in said, f"{name} {option} is not in docs/reference/cli.md"
    arguments = [param for param in COMMANDS[name].params if isinstance(param, click.Argument)]
    for argument in arguments:
        assert f"{name} {argument.name.upper()}" in said, f"{name} {argument.name} is not in docs/reference/cli.md"


def test_nothing_is_described_that_is_not_there() -> None:
    """No section without its command, no option without its meaning."""
    titles = set(re.findall(r"^#+ (threadline.*)$", CLI, re.MULTILINE))
    assert titles == set(COMMANDS)
    for name, command in COMMANDS.items():
        options = {option for param in command.params for option in param.opts} | {"--help", "--version"}
        described = set(re.findall(r"^\| (`--.*?) \|", section(name), re.MULTILINE))
        for cell in described:
            assert set(re.findall(r"`(--[\w-]+)", cell)) <= options, f"{name} has no {cell}"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_can_be_read(name: str) -> None:
    """Every command has a sentence, and so has every option."""
    command = COMMANDS[name]
    assert command.help
    assert command.get_short_help_str(limit=100).endswith("."), command.get_short_help_str(limit=100)
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help, f"{name} {param.opts} has no help"


def test_help_says_defaults_and_choices() -> None:
    """Who reads the help needs no second page to know what he gets, and what he may say."""
    text = " ".join(COMMANDS["threadline serve"].get_help(click.Context(COMMANDS["threadline serve"])).split())
    assert "[THREADLINE_PORT; default: 8400]" in text
    assert "[THREADLINE_LEASE_SECONDS; default: 15]" in text
    assert "[THREADLINE_DATABASE]" in text
    assert "--log-level debug|info|warning|error " in text


@pytest.mark.parametrize("usage", [usage for usage, _ in HELP.values()])
def test_slash_commands_are_described(usage: str) -> None:
    """Each has its line."""
    assert f"| `{usage.split()[0]}" in section("threadline chat")


def described_settings() -> Mapping[str, tuple[str, ...]]:
    """Return the rows of the page's table, by the setting's name."""
    return {row[0]: row for row in ROW.findall(SETTINGS)}


def test_all_settings_are_described_and_no_others() -> None:
    """In the order of the program's own table."""
    assert [*described_settings(), "providers", "mcp"] == list(Settings.__struct_fields__)


@pytest.mark.parametrize("field", [field for field in structs.fields(Settings) if field.name not in FILE_ONLY])
def test_a_setting_is_described(field: structs.FieldInfo) -> None:
    """Option, variable, default and meaning are the program's."""
    _, option, variable, default, meaning = described_settings()[field.name]
    hint = get_type_hints(Settings, include_extras=True)[field.name]
    said = next(part.description for part in get_args(hint) if isinstance(part, Meta))
    assert option == f"--{field.name.replace('_', '-')}"
    assert variable == ENV_PREFIX + field.name.upper()
    assert default == ("—" if field.default in ("", ()) else f"`{field.default}`")
    assert meaning == said


@pytest.mark.parametrize("example", TOML.findall(SETTINGS))
def test_an_example_can_be_used(example: str, tmp_path: Path) -> None:
    """Every config file on the page is loaded, and its providers and MCP servers are made."""
    path = tmp_path / "threadline.toml"
    path.write_text(example)
    settings = load_settings({}, {}, path)
    env = {config.api_key_env: "sk-test" for config in settings.provider_configs() if config.api_key_env}
    registry = Registry(settings.provider_configs(), env, clock=SystemClock(), source=Random(1))
    for config in settings.provider_configs():
        assert registry.resolve(f"{config.name}/{(config.models or ('any/name',))[0]}")
    for server in settings.mcp_configs():
        assert server_of_config(server, {server.token_env or "": "hush"}).name == server.name


def test_all_keys_of_a_provider_are_described() -> None:
    """Each in its row of the table, and no others."""
    table = SETTINGS[SETTINGS.index("## Providers") : SETTINGS.index("## MCP servers")]
    described = re.findall(r"^\| `(\w+)` \| ", table, re.MULTILINE)
    assert sorted(described) == sorted(set(ProviderConfig.__struct_fields__) - {"name"})


def test_all_keys_of_an_mcp_server_are_described() -> None:
    """Each in its row of the table, and no others."""
    table = SETTINGS[SETTINGS.index("## MCP servers") :]
    described = re.findall(r"^\| `(\w+)` \| ", table, re.MULTILINE)
    assert sorted(described) == sorted(set(McpConfig.__struct_fields__) - {"name"})


def test_the_layers_are_in_the_order_that_is_said(tmp_path: Path) -> None:
    """An option over a variable over the file over the default."""
    path = tmp_path / "threadline.toml"
    path.write_text("port = 1\nattempts_max = 7\nlog_level = 'debug'\n")
    settings = load_settings({"port": "3"}, {"THREADLINE_PORT": "2", "THREADLINE_ATTEMPTS_MAX": "8"}, path)
    assert (settings.port, settings.attempts_max, settings.log_level, settings.host) == (3, 8, "debug", "127.0.0.1")


def test_links_lead_somewhere() -> None:
    """Between the pages of the reference, and within them."""
    for page in (CLI, SETTINGS):
        for target in re.findall(r"\]\(([^)]+)\)", page):
            file, _, anchor = target.partition("#")
            text = page if not file else (REFERENCE / file).read_text()
            titles = {_anchor(title) for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
            assert not anchor or anchor in titles, target


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
