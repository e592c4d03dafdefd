"""The two clients are twins: what one can do, the other can, under the same name, with the same arguments."""

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

import threadline.client
from threadline.client.blocking import client as blocking_client
from threadline.client.blocking import pages as blocking_pages
from threadline.client.blocking import resources as blocking_resources
from threadline.client.blocking import rooms as blocking_rooms
from threadline.client.blocking import streams as blocking_streams
from threadline.client.blocking import teams as blocking_teams
from threadline.client.nonblocking import client as nonblocking_client
from threadline.client.nonblocking import pages as nonblocking_pages
from threadline.client.nonblocking import resources as nonblocking_resources
from threadline.client.nonblocking import rooms as nonblocking_rooms
from threadline.client.nonblocking import streams as nonblocking_streams
from threadline.client.nonblocking import teams as nonblocking_teams

ROOM = Path(threadline.client.__file__).parent
TWINS = [
    (getattr(blocking, name), getattr(nonblocking, f"Async{name}"))
    for blocking, nonblocking, names in (
        (blocking_client, nonblocking_client, ["Threadline"]),
        (blocking_pages, nonblocking_pages, ["Listing"]),
        (blocking_streams, nonblocking_streams, ["RunStream", "ThreadStream", "SidebarStream"]),
        (blocking_rooms, nonblocking_rooms, ["Agents", "Members"]),
        (blocking_teams, nonblocking_teams, ["Teams"]),
        (blocking_resources, nonblocking_resources, ["Threads", "Runs", "Tokens", "Keys", "Tools", "Files", "Models"]),
    )
    for name in names
]


def public_surface(kind: type[Any]) -> dict[str, list[str] | None]:
    """The public names of a class with the parameters of its methods."""
    members = inspect.getmembers(kind, lambda member: inspect.isfunction(member) or isinstance(member, property))
    return {
        name: None if isinstance(member, property) else [str(each).split(":")[0] for each in _parameters(member)]
        for name, member in members
        if not name.startswith("_")
    }


def _parameters(member: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(member).parameters.values())


@pytest.mark.parametrize(("blocking", "nonblocking"), TWINS, ids=lambda kind: kind.__name__)
def test_the_twins_have_one_surface(blocking: type[Any], nonblocking: type[Any]) -> None:
    """Nothing can be added to one client and forgotten in the other."""
    assert public_surface(blocking) == public_surface(nonblocking)
    assert public_surface(blocking)


def test_the_room_stands_alone() -> None:
    """The SDK imports the standard library, httpx, msgspec and itself: it can be taken out as a package of its own."""
    allowed = {"httpx", "msgspec"}
    for file in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            for name in names:
                top = name.split(".")[0]
                ours = name == "threadline.client" or name.startswith("threadline.client.")
                assert ours or top in allowed or _is_standard(top), f"{file.name} imports {name}"


def _is_standard(name: str) -> bool:
    import sys

    return name in sys.stdlib_module_names
