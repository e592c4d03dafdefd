"""Pages of history: in both directions, while messages come in, with good cursors and with bad ones."""

import asyncio
from typing import Any

import pytest

from support.client import Client, text_of


async def walk(client: Client, thread_id: str, order: str, limit: int) -> list[dict[str, Any]]:
    """Follow the cursors to the end; returns what all pages had, in their order."""
    found, cursor = [], ""
    while True:
        path = f"/v1/threads/{thread_id}/messages?order={order}&limit={limit}{cursor}"
        page = (await client.get(path)).ok(200)
        assert len(page["data"]) <= limit
        found += page["data"]
        if not page["has_more"]:
            assert page["next_cursor"] is None
            return found
        assert len(page["data"]) == limit
        cursor = f"&cursor={page['next_cursor']}"


async def filled(client: Client, number: int) -> str:
    """Make a thread with that many messages, `m0 m1 …`."""
    thread_id = await client.thread()
    for place in range(number):
        (await client.send(thread_id, f"m{place}", respond=False)).ok(201)
    return thread_id


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_have_every_message_once_in_order(client: Client, order: str) -> None:
    """Every page size gives the same list, in the order that was asked for."""
    thread_id = await filled(client, 7)
    expected = [f"m{place}" for place in range(7)]
    for limit in (1, 2, 3, 6, 7, 8, 200):
        found = [text_of(message) for message in await walk(client, thread_id, order, limit)]
        assert found == (expected if order == "asc" else expected[::-1])


async def test_the_newest_come_first_unless_asked_otherwise(client: Client) -> None:
    """The default order is newest first, and a cursor goes on in the order of its own page."""
    thread_id = await filled(client, 4)
    first = (await client.get(f"/v1/threads/{thread_id}/messages?limit=2")).ok(200)
    assert [text_of(message) for message in first["data"]] == ["m3", "m2"]
    path = f"/v1/threads/{thread_id}/messages?limit=2&cursor={first['next_cursor']}"
    assert [text_of(message) for message in (await client.get(path)).ok(200)["data"]] == ["m1", "m0"]


async def test_pages_neither_skip_nor_repeat_while_messages_come_in(client: Client) -> None:
    """Readers in both directions who page while others write see what was there when they began, once, in order."""
    thread_id = await filled(client, 12)
    are_reading = True

    async def write() -> None:
        place = 12
        while are_reading:
            await client.send(thread_id, f"m{place}", respond=False)
            place += 1

    writing = asyncio.create_task(write())
    for _ in range(5):
        backwards = [text_of(message) for message in await walk(client, thread_id, "desc", 3)]
        newest = int(backwards[0].removeprefix("m"))
        assert backwards == [f"m{place}" for place in range(newest, -1, -1)]
    are_reading = False
    await writing
    forwards = [text_of(message) for message in await walk(client, thread_id, "asc", 3)]
    assert forwards[:12] == [f"m{place}" for place in range(12)]
    assert len(forwards) == len(set(forwards))


async def test_a_page_while_an_answer_comes_has_its_text_so_far(client: Client) -> None:
    """The message in progress is there as `streaming`, with what was said of it; afterwards it is complete."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "x", model="demo/stall-4@max") as stream:
        seen = ""
        while seen != "w0 w1 w2 w3":
            seen += (await stream.read_until("message.delta")).data["text"]
        question, answer = await client.history(thread_id)
        assert (question["status"], answer["status"], text_of(answer)) == ("complete", "streaming", seen)
        assert answer["completed_at"] is None
        await client.post(f"/v1/runs/{answer['run_id']}/cancel", {"wait": True})
    (_, answer) = await client.history(thread_id)
    assert (answer["status"], text_of(answer)) == ("cancelled", seen)


async def test_bad_limits_orders_and_cursors_of_history_are_said(client: Client) -> None:
    """Limits are 1 to 200, orders are two, and a cursor of another list is none of this one."""
    thread_id = await filled(client, 2)
    path = f"/v1/threads/{thread_id}/messages"
    for query in ("limit=0", "limit=201", "limit=x", "limit=", "order=up", "view=all"):
        problem = (await client.get(f"{path}?{query}")).problem(422, "invalid_request")
        assert query.split("=")[0] in problem["pointer"]
    of_threads = (await client.get("/v1/threads?limit=1")).ok(200)["next_cursor"] or "W3RydWVd"
    for cursor in ("x", "AAAA", "W10", "%FF", "WyJkZXNjIiwiYSJd", of_threads):
        (await client.get(f"{path}?cursor={cursor}")).problem(400, "bad_cursor")


async def test_a_cursor_of_another_thread_shows_nothing_of_it(client: Client) -> None:
    """The thread in the address has never handed it out."""
    mine, other = await filled(client, 3), await filled(client, 3)
    cursor = (await client.get(f"/v1/threads/{other}/messages?limit=1")).ok(200)["next_cursor"]
    (await client.get(f"/v1/threads/{mine}/messages?cursor={cursor}")).problem(400, "bad_cursor")


async def test_an_empty_thread_has_an_empty_page(client: Client) -> None:
    """No messages is a page too."""
    page = (await client.get(f"/v1/threads/{await client.thread()}/messages")).ok(200)
    assert page == {"data": [], "has_more": False, "next_cursor": None}
