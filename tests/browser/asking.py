"""What the program does that a person talks through: it says which tools a model may use, and brings their results."""

from typing import Any

import httpx

from support.installation import Role, make_key

from .people import ASKING, Person


async def ask_with_tools(person: Person, thread_id: str, content: str, *tools: str) -> str:
    """Ask on somebody's behalf, and do not wait for the answer; returns its run."""
    body = {"content": content, "tools": tools, "background": True, "end_user_id": person.name}
    sent = await by_key(person, "POST", f"/v1/threads/{thread_id}/messages", body)
    return str(sent["run"]["id"])


async def by_key(person: Person, method: str, path: str, body: object = None, role: Role = "server") -> Any:
    """Ask with a key of the person's installation; returns the JSON of the answer. Raises httpx.HTTPStatusError."""
    headers = {"authorization": f"Bearer {make_key(person.server.data, role=role)}"}
    async with httpx.AsyncClient(base_url=person.server.url, headers=headers, **ASKING) as client:
        response = await client.request(method, path, json=body)
    response.raise_for_status()
    return response.json()
