"""`threadline tools`: what models may call, with and without a server and a database."""

from pathlib import Path

from support.server import Server
from threadline import Threadline

from .conftest import Run

SHOP = '''
from threadline.tools import tool

@tool(approval="always")
def refund(amount: int) -> int:
    """Give money back.

    All of it.
    """
    return amount
'''


def test_the_tools_are_listed(run: Run, server: Server, sdk: Threadline) -> None:
    """The installation's, then the tenant's: without secrets, and without what a terminal would obey."""
    sdk.tools.create(
        "hook",
        "webhook",
        description="Tell \x1b[31mred lies.\nMore.",
        url="https://shop.example/",
        input_schema={"type": "object"},
        headers={"authorization": "hush-hush"},
        approval={"any": [{"argument": "/amount", "over": 5}]},
    )
    sdk.tools.create("git", "mcp", url="https://git.example/mcp")
    try:
        done = run("tools", "ls", "--data", server.data)
        assert done.status == 0, done.err
        git, hook = (line.split() for line in done.out.splitlines())
        assert (git[0], git[1], git[-1]) == ("git__*", "mcp", "https://git.example/mcp")
        assert hook[:2] == ["hook", "webhook"]
        assert " ".join(hook[3:]) == "approval: by rule Tell \ufffd[31mred lies. More."
        assert "hush" not in done.out
    finally:
        sdk.tools.delete("hook")
        sdk.tools.delete("git")


def test_what_is_configured_is_listed_before_the_first_start(run: Run, tmp_path: Path) -> None:
    """From the config file and the option; a tool that cannot be loaded is a sentence."""
    (tmp_path / "shop_of_cli_test.py").write_text(SHOP)
    (tmp_path / "threadline.toml").write_text('[mcp.files]\ncommand = "npx"\nargs = ["files"]\n')
    given = ("--data", tmp_path / "none", "--config", tmp_path / "threadline.toml")
    done = run("tools", "ls", *given, "--tools", "shop_of_cli_test")
    assert done.status == 0, done.err
    refund, files = (line.split() for line in done.out.splitlines())
    assert refund[:4] == ["refund", "python", "everybody", "approval:"]
    assert (files[0], files[-2:]) == ("files__*", ["npx", "files"])
    assert not (tmp_path / "none").exists()
    done = run("tools", "ls", *given, "--tools", "no_such_module_of_a_test")
    assert done.status == 1
    assert "no_such_module_of_a_test" in done.err


def test_an_unknown_tenant_is_said(run: Run, server: Server) -> None:
    """A mistyped name is no empty list."""
    done = run("tools", "ls", "--data", server.data, "--tenant", "nobody")
    assert done.status == 1
    assert "'nobody'" in done.err
