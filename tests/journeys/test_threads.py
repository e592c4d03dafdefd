"""Threads: made, found again, listed, changed, deleted."""

import asyncio
import uuid
from typing import Any

import pytest

from support.client import Client, counted
from support.waiting import until


def somebody() -> str:
    """Return an end user that nobody else's test has."""
    return f"user-{uuid.uuid4()}"


async def an_agent(client: Client) -> str:
    """Create an agent and return its id."""
    made = (await client.post("/v1/agents", {"handle": f"a-{uuid.uuid4()}"})).ok(201)
    return str(made["id"])


async def walk(client: Client, path: str) -> list[Any]:
    """Follow a list's cursors to its end; returns what all pages had."""
    found, cursor = [], ""
    while True:
        page = (await client.get(f"{path}{cursor}")).ok(200)
        assert page.keys() == {"data", "has_more", "next_cursor"}
        found += page["data"]
        if not page["has_more"]:
            assert page["next_cursor"] is None
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def test_a_thread_has_what_it_was_made_with(client: Client) -> None:
    """All fields come back, in the answer, in the read and in the log's first event."""
    fields = {
        "end_user_id": somebody(),
        "external_id": "ticket/7",
        "title": "A tïtle",
        "model": "demo/echo",
        "instructions": "Be brief.",
        "agent_id": await an_agent(client),
        "metadata": {"a": {"b": [1, None, True, 0.5]}},
    }
    made = (await client.post("/v1/threads", fields)).ok(201)
    assert {name: made[name] for name in fields} == fields
    assert (made["object"], made["pinned"], made["archived"], made["message_count"]) == ("thread", False, False, 0)
    assert (made["seq"], made["active_run_id"], made["last_activity_at"]) == (1, None, made["created_at"])
    # How much is unread is somebody's, and a key is nobody in particular.
    assert (await client.get(f"/v1/threads/{made['id']}")).ok(200) == {**made, "unread_count": None}
    log = await client.log(made["id"])
    assert [(frame.id, frame.event) for frame in log] == [(1, "thread.created")]
    assert log[0].data["thread"] == made


async def test_a_thread_needs_nothing(client: Client) -> None:
    """An empty body and no body at all are both a thread."""
    assert (await client.post("/v1/threads", {})).ok(201)["metadata"] == {}
    assert (await client.post("/v1/threads")).ok(201)["end_user_id"] is None


async def test_an_external_id_finds_the_thread_of_its_end_user(client: Client, foreign: Client) -> None:
    """The same id gives the same thread to the same end user, and a thread of their own to everybody else."""
    one, other = somebody(), somebody()
    fields = {"end_user_id": one, "external_id": "e", "title": "first"}
    first = (await client.post("/v1/threads", fields)).ok(201)
    again = (await client.post("/v1/threads", {**fields, "title": "second"})).ok(200)
    assert again == first
    others = [
        (await client.post("/v1/threads", {"end_user_id": other, "external_id": "e"})).ok(201)["id"],
        (await foreign.post("/v1/threads", fields)).ok(201)["id"],
    ]
    assert len({first["id"], *others}) == 3


async def test_twenty_at_once_with_one_external_id_make_one_thread(client: Client) -> None:
    """Whoever comes first makes it; all others find it."""
    fields = {"end_user_id": somebody(), "external_id": "race"}
    answers = await asyncio.gather(*(client.post("/v1/threads", fields) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200] * 19 + [201]
    assert len({answer.json["id"] for answer in answers}) == 1


async def test_the_list_has_the_pinned_first_and_then_the_latest_activity(client: Client) -> None:
    """A message brings its thread to the front; a pin brings it before all that have none."""
    user = somebody()
    ids = [await client.thread(end_user_id=user, title=f"t{number}") for number in range(4)]
    path = f"/v1/threads?end_user_id={user}&limit=200"
    assert [thread["id"] for thread in await walk(client, path)] == ids[::-1]
    await client.ask(ids[0], "x")
    await client.patch(f"/v1/threads/{ids[2]}", {"pinned": True})
    assert [thread["id"] for thread in await walk(client, path)] == [ids[2], ids[0], ids[3], ids[1]]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_of_the_list_neither_skip_nor_repeat(client: Client, limit: int) -> None:
    """Threads made within one millisecond and pinned ones included, every page size gives all of them once."""
    user = somebody()
    ids = await asyncio.gather(*(client.thread(end_user_id=user) for _ in range(7)))
    for pinned in ids[2:4]:
        await client.patch(f"/v1/threads/{pinned}", {"pinned": True})
    whole = await walk(client, f"/v1/threads?end_user_id={user}&limit=200")
    assert {thread["id"] for thread in whole} == set(ids)
    assert await walk(client, f"/v1/threads?end_user_id={user}&limit={limit}") == whole


async def test_the_list_is_filtered(client: Client) -> None:
    """By end user, by archived or not, and by a word of the title in whatever case, taken literally."""
    user = somebody()
    plain = await client.thread(end_user_id=user, title="Plain 100% talk")
    stored = await client.thread(end_user_id=user, title="STORED_away")
    bare = await client.thread(end_user_id=user)
    await client.patch(f"/v1/threads/{stored}", {"archived": True})

    async def listed(query: str) -> set[str]:
        return {thread["id"] for thread in await walk(client, f"/v1/threads?end_user_id={user}&limit=200{query}")}

    assert await listed("") == {plain, stored, bare}
    assert await listed("&archived=true") == {stored}
    assert await listed("&archived=false") == {plain, bare}
    assert await listed("&q=stored") == {stored}
    assert await listed("&q=100%25") == {plain}
    assert await listed("&q=%25") == {plain}
    assert await listed("&q=_") == {stored}
    assert await listed("&q=nothing") == set()
    assert await walk(client, f"/v1/threads?end_user_id={somebody()}") == []


async def test_bad_limits_and_cursors_of_the_list_are_said(client: Client) -> None:
    """A limit is 1 to 200; a cursor is one that this list has handed out."""
    for limit in ("0", "201", "-1", "x", "1.5", ""):
        problem = (await client.get(f"/v1/threads?limit={limit}")).problem(422, "invalid_request")
        assert "limit" in problem["pointer"]
    thread_id = await client.thread()
    for word in ("a", "b"):
        await client.send(thread_id, word, respond=False)
    of_messages = (await client.get(f"/v1/threads/{thread_id}/messages?limit=1")).ok(200)["next_cursor"]
    for cursor in ("x", "%00", "AAAA", "é", "W10", of_messages):
        (await client.get(f"/v1/threads?cursor={cursor}")).problem(400, "bad_cursor")


async def test_a_change_is_an_event_with_the_changed_fields_only(client: Client) -> None:
    """What stays as it was is not in the event; a change that changes nothing is no event at all."""
    thread_id, agent_id = await client.thread(title="before", metadata={"a": 1}), await an_agent(client)
    changed = (await client.patch(f"/v1/threads/{thread_id}", {"title": "after", "metadata": {"a": 1}})).ok(200)
    assert (changed["title"], changed["seq"]) == ("after", 2)
    same = (await client.patch(f"/v1/threads/{thread_id}", {"title": "after"})).ok(200)
    assert same["seq"] == 2
    await client.patch(
        f"/v1/threads/{thread_id}", {"title": None, "pinned": True, "archived": True, "agent_id": agent_id}
    )
    await client.patch(f"/v1/threads/{thread_id}", {"model": "demo/echo", "instructions": "x", "metadata": {}})
    log = await client.log(thread_id)
    assert [frame.event for frame in log] == ["thread.created"] + ["thread.updated"] * 3
    assert [frame.data["thread"] for frame in log[1:]] == [
        {"title": "after"},
        {"title": None, "pinned": True, "archived": True, "agent_id": agent_id},
        {"model": "demo/echo", "instructions": "x", "metadata": {}},
    ]
    thread = (await client.get(f"/v1/threads/{thread_id}")).ok(200)
    assert thread == {**(await client.state(thread_id))["thread"], "unread_count": None}
    assert (thread["title"], thread["pinned"], thread["metadata"], thread["seq"]) == (None, True, {}, 4)


async def test_a_change_of_the_wrong_form_changes_nothing(client: Client) -> None:
    """Unknown fields, wrong types and null where there is no empty are 422 with a pointer."""
    thread_id = await client.thread(title="t")
    wrong = [{"pinned": None}, {"pinned": "yes"}, {"metadata": None}, {"title": 7}, {"id": "thr_1"}, {"titel": "x"}]
    for body in wrong:
        problem = (await client.patch(f"/v1/threads/{thread_id}", body)).problem(422, "invalid_request")
        assert problem["pointer"] == f"/{next(iter(body))}"
    assert (await client.get(f"/v1/threads/{thread_id}")).ok(200)["seq"] == 1


async def test_a_thread_counts_its_messages_and_names_its_active_run(client: Client) -> None:
    """`message_count` counts from creation, `active_run_id` is there while one answers, `last_activity_at` moves."""
    thread_id = await client.thread()
    before = (await client.get(f"/v1/threads/{thread_id}")).ok(200)
    async with client.send_stream(thread_id, "x", model="demo/stall-3@max") as stream:
        await stream.read_until("message.delta")
        during = (await client.get(f"/v1/threads/{thread_id}")).ok(200)
        run_id = stream.headers["x-threadline-run-id"]
        assert (during["message_count"], during["active_run_id"]) == (2, run_id)
        assert during["last_activity_at"] > before["last_activity_at"]
        await client.post(f"/v1/runs/{run_id}/cancel")
        await stream.read_to_end()
    after = (await client.get(f"/v1/threads/{thread_id}")).ok(200)
    assert (after["message_count"], after["active_run_id"]) == (2, None)
    assert after["seq"] == len(await client.log(thread_id))
    assert after["last_activity_at"] >= during["last_activity_at"]


async def test_a_deleted_thread_stops_its_run_and_tells_its_readers(client: Client) -> None:
    """A stalled run is cancelled, everybody who follows hears `thread.deleted`, and their streams end cleanly."""
    thread_id = await client.thread()
    async with (
        client.events(thread_id) as follow,
        client.send_stream(thread_id, "x", model="demo/stall-3@max") as stream,
    ):
        await stream.read_until("message.delta")
        waiting = await client.begin(thread_id, "behind it")
        asked = asyncio.ensure_future(client.send(thread_id, "waited for"))
        await until(lambda: _queued(client, thread_id, 3), "the third send")
        assert (await client.delete(f"/v1/threads/{thread_id}")).status == 204
        of_thread, of_run = await follow.read_to_end(), await stream.read_to_end()
        (await asked).problem(404, "not_found")
    assert [frame.id for frame in of_thread if frame.id] == list(range(1, len(of_thread)))
    assert of_thread[-1].event == "thread.deleted"
    assert of_run[-1].event == "run.cancelled"
    cancelled = [frame.data["run"]["id"] for frame in of_thread if frame.event == "run.cancelled"]
    assert len(cancelled) == 3
    assert {stream.headers["x-threadline-run-id"], waiting["run"]["id"]} < set(cancelled)
    assert [frame.data["message"]["status"] for frame in of_thread if frame.event == "message.completed"] == [
        "cancelled"
    ]


async def _queued(client: Client, thread_id: str, number: int) -> bool:
    return len((await client.state(thread_id))["runs"]) == number


async def test_a_deleted_thread_is_nowhere(client: Client) -> None:
    """Every address of it answers 404 from then on, like an id that never was; its external id is free again."""
    user = somebody()
    thread_id = await client.thread(end_user_id=user, external_id="e")
    run_id = (await client.ask(thread_id, "x"))["run"]["id"]
    (await client.delete(f"/v1/threads/{thread_id}")).ok(204)
    for gone, run in ((thread_id, run_id), ("thr_00000000000000000000000000", "run_00000000000000000000000000")):
        for method, path, body in (
            ("GET", f"/v1/threads/{gone}", None),
            ("PATCH", f"/v1/threads/{gone}", {"title": "x"}),
            ("DELETE", f"/v1/threads/{gone}", None),
            ("GET", f"/v1/threads/{gone}/state", None),
            ("GET", f"/v1/threads/{gone}/events", None),
            ("GET", f"/v1/threads/{gone}/messages", None),
            ("POST", f"/v1/threads/{gone}/messages", {"content": "x"}),
            ("GET", f"/v1/runs/{run}", None),
            ("GET", f"/v1/runs/{run}/events", None),
            ("POST", f"/v1/runs/{run}/cancel", {}),
        ):
            options = {} if body is None else {"body": body}
            (await client.request(method, path, **options)).problem(404, "not_found")
    assert await walk(client, f"/v1/threads?end_user_id={user}") == []
    again = (await client.post("/v1/threads", {"end_user_id": user, "external_id": "e"})).ok(201)
    assert again["id"] != thread_id


async def test_a_deletion_is_felt_by_readers_that_are_far_behind(client: Client) -> None:
    """A reader that is still replaying when the thread goes gets the whole log up to `thread.deleted`."""
    thread_id = await client.thread()
    for _ in range(3):
        await client.ask(thread_id, "x", model="demo/count-300@max")
    async with client.events(thread_id) as follow:
        await follow.next()
        (await client.delete(f"/v1/threads/{thread_id}")).ok(204)
        frames = await follow.read_to_end()
    assert [frame.id for frame in frames if frame.id] == list(range(1, 1 + len([f for f in frames if f.id])))
    assert frames[-1].event == "thread.deleted"
    whole = [frame.data["message"] for frame in frames if frame.event == "message.completed"]
    assert [message["content"][0]["text"] for message in whole] == [counted(300)] * 3


async def test_changes_at_once_are_all_kept(client: Client) -> None:
    """Ten people who each change another field at the same time: nobody's change is written over."""
    thread_id = await client.thread()
    fields: list[dict[str, Any]] = [
        {"title": "t"},
        {"pinned": True},
        {"archived": True},
        {"model": "demo/echo"},
        {"instructions": "i"},
        {"agent_id": await an_agent(client)},
        {"metadata": {"m": 1}},
    ]
    answers = await asyncio.gather(*(client.patch(f"/v1/threads/{thread_id}", body) for body in fields))
    assert sorted(answer.ok(200)["seq"] for answer in answers) == list(range(2, 9))
    thread = (await client.get(f"/v1/threads/{thread_id}")).ok(200)
    for body in fields:
        assert body.items() <= thread.items()
    assert sorted(str(frame.data["thread"]) for frame in (await client.log(thread_id))[1:]) == sorted(map(str, fields))
