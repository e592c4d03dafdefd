"""Branches: what is edited stays where it was, beside what it became; one branch is the active one."""

import uuid
from typing import Any

from support.client import Client, text_of
from support.upstream import Upstream, chat


def texts(messages: list[dict[str, Any]]) -> list[str]:
    """Return what the messages say."""
    return [text_of(message) for message in messages]


async def page(client: Client, thread_id: str, query: str = "") -> dict[str, Any]:
    """Return a page of history, oldest first."""
    found: dict[str, Any] = (await client.get(f"/v1/threads/{thread_id}/messages?order=asc&{query}")).ok(200)
    return found


async def test_an_edited_question_stands_beside_the_first_one(client: Client) -> None:
    """Both are kept, each says which of two it is, and the branch of the newer one is active."""
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one")
    second = await client.ask(thread_id, "two")
    edited = await client.ask(thread_id, "two, really", edit_of=second["message"]["id"])
    assert edited["message"]["parent_id"] == first["reply"]["id"] == second["message"]["parent_id"]
    active = await client.history(thread_id)
    assert texts(active) == ["one", "one", "two, really", "two, really"]
    assert [message["siblings"] for message in active] == [None, None, {"position": 2, "count": 2}, None]
    before = (await page(client, thread_id, f"leaf={second['reply']['id']}"))["data"]
    assert texts(before) == ["one", "one", "two", "two"]
    assert before[2]["siblings"] == {"position": 1, "count": 2}
    assert before[3] == second["reply"]
    state = await client.state(thread_id)
    assert state["messages"] == active
    assert state["thread"]["tip_message_id"] == edited["reply"]["id"]
    assert state["thread"]["message_count"] == 6


async def test_the_model_is_shown_its_own_branch_alone(client: Client, upstream: Upstream) -> None:
    """What was said on another branch is not in the prompt."""
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, chat("ok"))
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one")
    await client.ask(thread_id, "two")
    await client.ask(thread_id, "anew", edit_of=first["message"]["id"], model=f"openai/{model}")
    await client.ask(thread_id, "on", parent_id=first["reply"]["id"], model=f"openai/{model}")
    prompts = [[message["content"] for message in asked.body["messages"]] for asked in upstream.asked(model)]
    assert prompts == [["anew"], ["one", "one", "on"]]


async def test_the_first_message_can_be_edited(client: Client) -> None:
    """The beginning has siblings too: two trees in one thread."""
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one")
    again = await client.ask(thread_id, "uno", edit_of=first["message"]["id"])
    assert again["message"]["parent_id"] is None
    active = await client.history(thread_id)
    assert texts(active) == ["uno", "uno"]
    assert active[0]["siblings"] == {"position": 2, "count": 2}


async def test_an_edit_that_waits_keeps_its_place(client: Client) -> None:
    """At a busy thread the place is chosen when it is sent, not when its turn comes."""
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one")
    running = await client.begin(thread_id, "two", model="demo/stall-2@max")
    waiting = await client.begin(thread_id, "uno", edit_of=first["message"]["id"])
    behind = await client.begin(thread_id, "due", parent_id=first["reply"]["id"])
    assert behind["run"]["input"]["parent_id"] == first["reply"]["id"]
    await client.post(f"/v1/runs/{running['run']['id']}/cancel")
    await client.settled(waiting["run"]["id"])
    await client.settled(behind["run"]["id"])
    assert texts(await client.history(thread_id)) == ["one", "one", "due", "due"]
    reply = (await client.run(waiting["run"]["id"]))["output_message_id"]
    assert texts((await page(client, thread_id, f"leaf={reply}"))["data"]) == ["uno", "uno"]


async def test_history_can_be_moved_in_as_branches(client: Client) -> None:
    """Stored messages take `parent_id` and `edit_of` as well."""
    thread_id = await client.thread()
    root = (await client.send(thread_id, "root", respond=False)).ok(201)["message"]
    left = (await client.send(thread_id, "left", respond=False)).ok(201)["message"]
    right = (await client.send(thread_id, "right", respond=False, edit_of=left["id"])).ok(201)["message"]
    assert left["parent_id"] == right["parent_id"] == root["id"]
    leaf = (await client.send(thread_id, "below left", respond=False, parent_id=left["id"])).ok(201)["message"]
    assert texts(await client.history(thread_id)) == ["root", "left", "below left"]
    assert leaf["parent_id"] == left["id"]


async def test_pages_stay_on_their_branch(client: Client) -> None:
    """A list that was begun goes on where it began, while the thread goes on elsewhere; both directions, no gap."""
    thread_id = await client.thread()
    for number in range(4):
        last = await client.ask(thread_id, f"q{number}")
    expected = texts(await client.history(thread_id))
    for order in ("asc", "desc"):
        first = (await client.get(f"/v1/threads/{thread_id}/messages?limit=3&order={order}")).ok(200)
        await client.ask(thread_id, "elsewhere", edit_of=last["message"]["parent_id"])
        found, cursor = first["data"], first["next_cursor"]
        while cursor is not None:
            rest = (await client.get(f"/v1/threads/{thread_id}/messages?limit=3&cursor={cursor}")).ok(200)
            found, cursor = [*found, *rest["data"]], rest["next_cursor"]
        assert texts(found) == (expected if order == "asc" else expected[::-1])
        switched = await client.ask(thread_id, "q3", edit_of=last["message"]["id"])
        assert switched["message"]["parent_id"] == last["message"]["parent_id"]


async def test_the_state_has_a_page_of_the_active_branch(client: Client) -> None:
    """`next_cursor` of the state goes on with what is above, on the same branch."""
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one")
    await client.ask(thread_id, "two")
    await client.ask(thread_id, "deux", parent_id=first["reply"]["id"])
    state = (await client.get(f"/v1/threads/{thread_id}/state?limit=3")).ok(200)
    assert texts(state["messages"]) == ["one", "deux", "deux"]
    assert state["has_more"]
    above = (await client.get(f"/v1/threads/{thread_id}/messages?cursor={state['next_cursor']}")).ok(200)
    assert texts(above["data"]) == ["one"]
    assert not above["has_more"]


async def test_an_answer_in_progress_is_seen_on_its_branch(client: Client) -> None:
    """With its words so far, also while another branch is looked at."""
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one")
    async with client.send_stream(thread_id, "x", edit_of=first["message"]["id"], model="demo/stall-2@max") as stream:
        await stream.read_until("message.delta")
        run_id = stream.headers["x-threadline-run-id"]
        reply = (await client.run(run_id))["output_message_id"]
        here = (await page(client, thread_id, f"leaf={reply}"))["data"]
        there = (await page(client, thread_id, f"leaf={first['reply']['id']}"))["data"]
        assert here[-1]["status"] == "streaming"
        assert text_of(here[-1])
        assert texts(there) == ["one", "one"]
        await client.post(f"/v1/runs/{run_id}/cancel")


async def test_where_a_message_goes_is_said_once(client: Client) -> None:
    """`parent_id` and `edit_of` together are refused, and so is what the thread does not have; leaves likewise."""
    thread_id, other_id = await client.thread(), await client.thread()
    first = await client.ask(thread_id, "one")
    elsewhere = (await client.ask(other_id, "x"))["message"]["id"]
    both = await client.send(thread_id, "two", parent_id=first["reply"]["id"], edit_of=first["message"]["id"])
    assert both.problem(422, "invalid_request")["pointer"] == "/edit_of"
    for wrong in (elsewhere, "msg_none"):
        problem = (await client.send(thread_id, "two", edit_of=wrong)).problem(422, "invalid_request")
        assert problem["pointer"] == "/edit_of"
        (await client.get(f"/v1/threads/{thread_id}/messages?leaf={wrong}")).problem(404, "not_found")
    assert len(await client.history(thread_id)) == 2


async def test_an_edit_is_once_too(client: Client) -> None:
    """The same key edits once; another message to edit is another body."""
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one")
    made = await client.ask(thread_id, "uno", key="k", edit_of=first["message"]["id"])
    again = await client.ask(thread_id, "uno", key="k", edit_of=first["message"]["id"])
    assert (again["message"], again["run"]["id"]) == (made["message"], made["run"]["id"])
    other = await client.send(thread_id, "uno", key="k", parent_id=first["reply"]["id"])
    other.problem(422, "idempotency_mismatch")
    (await client.send(thread_id, "uno", key="k")).problem(422, "idempotency_mismatch")
