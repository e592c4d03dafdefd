"""Read marks: each person's own, exact, and nothing of the log."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from support.client import Client


@asynccontextmanager
async def person(client: Client, name: str, **more: Any) -> AsyncIterator[Client]:
    """Speak as an end user."""
    token = (await client.post("/v1/tokens", {"end_user_id": name, **more})).ok(201)["token"]
    async with Client(client.urls, token) as speaker:
        yield speaker


async def unread(client: Client, thread_id: str, query: str = "") -> int | None:
    """Return the count of the thread and of the list, which must be the same."""
    one = (await client.get(f"/v1/threads/{thread_id}{query}")).ok(200)["unread_count"]
    listed = (await client.get(f"/v1/threads{query}")).ok(200)["data"]
    assert [thread["unread_count"] for thread in listed if thread["id"] == thread_id] == [one]
    found: int | None = one
    return found


async def mark(client: Client, thread_id: str, **body: Any) -> dict[str, Any]:
    """Say how far one has read."""
    found: dict[str, Any] = (await client.request("PUT", f"/v1/threads/{thread_id}/read", body)).ok(200)
    return found


async def test_what_others_say_is_unread_until_it_is_read(client: Client) -> None:
    """One's own words are never unread; an answer is; a mark takes it away, and may be taken back."""
    name = f"ann-{random.getrandbits(64)}"
    thread_id = await client.thread(end_user_id=name)
    async with person(client, name) as ann:
        assert await unread(ann, thread_id) == 0
        first = await ann.ask(thread_id, "one")
        assert await unread(ann, thread_id) == 1
        assert await mark(ann, thread_id) == {
            "thread_id": thread_id,
            "end_user_id": name,
            "seq": (await ann.get(f"/v1/threads/{thread_id}")).ok(200)["seq"],
            "unread_count": 0,
        }
        assert await unread(ann, thread_id) == 0
        before = (await ann.get(f"/v1/threads/{thread_id}")).ok(200)["seq"]
        await mark(ann, thread_id)
        assert (await ann.get(f"/v1/threads/{thread_id}")).ok(200)["seq"] == before
        await ann.ask(thread_id, "two")
        await ann.ask(thread_id, "three")
        assert await unread(ann, thread_id) == 2
        assert (await mark(ann, thread_id, message_id=first["message"]["id"]))["unread_count"] == 3
        assert (await mark(ann, thread_id, seq=first["reply"]["seq"]))["unread_count"] == 2
        assert await unread(ann, thread_id) == 2
    assert await unread(client, thread_id, f"?end_user_id={name}") == 2
    assert (await client.get(f"/v1/threads/{thread_id}")).ok(200)["unread_count"] is None
    assert not any("unread" in frame.raw.decode() for frame in await client.log(thread_id))


async def test_counts_are_exact_whatever_happens(client: Client) -> None:
    """Thirty random steps of three writers and two marks, on several branches, counted from outside each time."""
    dice = random.Random(3)
    name = f"ann-{random.getrandbits(64)}"
    thread_id = await client.thread(end_user_id=name)
    said: list[tuple[int, bool]] = []
    marked = 0
    ids: list[str] = []
    for _ in range(30):
        match dice.choice(["own", "agent", "system", "mark"]):
            case "mark":
                marked = dice.choice([0, *(seq for seq, _ in said)])
                await mark(client, thread_id, seq=marked, end_user_id=name)
            case who:
                role = {"own": "user", "agent": "assistant", "system": "system"}[who]
                place = {"edit_of": dice.choice(ids)} if ids and dice.random() < 0.5 else {}
                sent = await client.send(thread_id, "x", respond=False, role=role, **place)
                message = sent.ok(201)["message"]
                ids.append(message["id"])
                said.append((message["seq"], who == "agent"))
        expected = sum(is_others and seq > marked for seq, is_others in said)
        assert (await client.get(f"/v1/threads/{thread_id}?end_user_id={name}")).ok(200)["unread_count"] == expected


async def test_a_mark_is_ones_own(client: Client) -> None:
    """A token marks for its own person; a key says for whom; nobody's mark moves another one's."""
    name = f"ann-{random.getrandbits(64)}"
    thread_id, other_id = await client.thread(end_user_id=name), await client.thread()
    answered = await client.ask(thread_id, "one")
    await mark(client, thread_id, end_user_id="somebody")
    assert await unread(client, thread_id, f"?end_user_id={name}") == 1
    path = f"/v1/threads/{thread_id}/read"
    async with person(client, name) as ann, person(client, "bob") as bob:
        refused = (await ann.request("PUT", path, {"end_user_id": "bob"})).problem(422, "invalid_request")
        assert refused["pointer"] == "/end_user_id"
        (await bob.request("PUT", path, {})).problem(404, "not_found")
        assert (await ann.get(f"/v1/threads/{thread_id}?end_user_id=bob")).ok(200)["unread_count"] == 1
    both = await client.request("PUT", path, {"seq": 1, "message_id": answered["message"]["id"]})
    both.problem(422, "invalid_request")
    (await client.request("PUT", path, {"seq": -1})).problem(422, "invalid_request")
    nobody = await client.request("PUT", f"/v1/threads/{other_id}/read", {})
    assert nobody.problem(422, "invalid_request")["pointer"] == "/end_user_id"
    elsewhere = await client.request("PUT", f"/v1/threads/{other_id}/read", {"message_id": answered["message"]["id"]})
    elsewhere.problem(422, "invalid_request")


async def test_what_a_fork_has_from_its_source_is_read(client: Client) -> None:
    """Only what is said in the fork is new there."""
    name = f"ann-{random.getrandbits(64)}"
    thread_id = await client.thread(end_user_id=name)
    first = await client.ask(thread_id, "one")
    made = (await client.post(f"/v1/threads/{thread_id}/fork", {"message_id": first["reply"]["id"]})).ok(201)
    query = f"?end_user_id={name}"
    assert await unread(client, made["id"], query) == 0
    await client.ask(made["id"], "two")
    assert await unread(client, made["id"], query) == 1
    assert (await mark(client, made["id"], message_id=first["reply"]["id"]))["unread_count"] == 1
