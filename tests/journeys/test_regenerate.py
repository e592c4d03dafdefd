"""Answering again: the same question, a new answer beside the earlier ones; and which branch is the active one."""

import asyncio
import uuid
from typing import Any

from support.client import Client, text_of
from support.upstream import Upstream, chat


def texts(messages: list[dict[str, Any]]) -> list[str]:
    """Return what the messages say."""
    return [text_of(message) for message in messages]


async def again(client: Client, message_id: str, key: str | None = None, **fields: Any) -> dict[str, Any]:
    """Answer again, and wait; return `{message, run, reply}`."""
    headers = {} if key is None else {"idempotency-key": key}
    answered = await client.post(f"/v1/messages/{message_id}/regenerate", fields, headers=headers)
    found: dict[str, Any] = answered.ok(200)
    return found


async def test_an_answer_is_given_again_beside_the_first(client: Client) -> None:
    """No second question, a sibling answer, the earlier one kept whole; the new one is active."""
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one", model="demo/count-3@max")
    second = await again(client, first["reply"]["id"])
    assert second["message"] == first["message"]
    assert second["run"]["input"] == first["message"]
    assert second["reply"]["id"] != first["reply"]["id"]
    assert second["reply"]["parent_id"] == first["message"]["id"]
    assert second["run"]["model"] == first["run"]["model"] == "demo/count-3@max"
    third = await again(client, first["message"]["id"], model="demo/echo")
    assert text_of(third["reply"]) == "one"
    history = await client.history(thread_id)
    assert [message["id"] for message in history] == [first["message"]["id"], third["reply"]["id"]]
    assert history[1]["siblings"] == {"position": 3, "count": 3}
    before = (await client.get(f"/v1/threads/{thread_id}/messages?leaf={first['reply']['id']}")).ok(200)["data"]
    assert before[0] == {**first["reply"], "siblings": {"position": 1, "count": 3}}
    thread = (await client.get(f"/v1/threads/{thread_id}")).ok(200)
    assert (thread["message_count"], thread["active_run_id"]) == (4, None)
    assert thread["tip_message_id"] == third["reply"]["id"]


async def test_what_came_after_is_not_shown_to_the_model(client: Client, upstream: Upstream) -> None:
    """An early answer is given again from what stood before it, with the options that it was given with."""
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, chat("ok"))
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one", model=f"openai/{model}", instructions="Be brief.", temperature=0.0)
    await client.ask(thread_id, "two")
    await again(client, first["reply"]["id"])
    await again(client, first["reply"]["id"], instructions="Be long.", temperature=1.0)
    bodies = [asked.body for asked in upstream.asked(model)]
    assert [len(body["messages"]) for body in bodies] == [2, 2, 2]
    assert [body["messages"][0]["content"] for body in bodies] == ["Be brief.", "Be brief.", "Be long."]
    assert [body["temperature"] for body in bodies] == [0.0, 0.0, 1.0]


async def test_a_busy_thread_answers_again_when_its_turn_comes(client: Client) -> None:
    """The run waits without an input, and is told in the log when it has the turn; the log is the state."""
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one")
    running = await client.begin(thread_id, "two", model="demo/stall-2@max")
    waiting = (await client.post(f"/v1/messages/{first['reply']['id']}/regenerate", {"background": True})).ok(202)
    assert waiting["run"]["status"] == "queued"
    assert waiting["run"]["input"]["id"] == first["message"]["id"]
    behind = await client.begin(thread_id, "three")
    await client.post(f"/v1/runs/{running['run']['id']}/cancel")
    assert (await client.settled(waiting["run"]["id"]))["status"] == "completed"
    assert (await client.settled(behind["run"]["id"]))["status"] == "completed"
    log = await client.log(thread_id)
    turns = [frame.data["thread"] for frame in log if frame.event == "thread.updated"]
    assert turns == [{"active_run_id": waiting["run"]["id"]}]
    assert texts(await client.history(thread_id)) == ["one", "one", "three", "three"]
    problem = await client.post(f"/v1/messages/{first['reply']['id']}/regenerate", {"on_busy": "reject"})
    assert problem.status == 200


async def test_it_is_streamed_and_happens_once(client: Client) -> None:
    """The stream is that of its run; the same key is the same run, also for many at once."""
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one")
    path = f"/v1/messages/{first['reply']['id']}/regenerate"
    async with client.open("POST", path, {"stream": True}, {"idempotency-key": "k"}) as stream:
        frames = await stream.read_to_end()
    assert [frame.event for frame in frames if frame.event != "message.delta"] == [
        "run.queued",
        "run.started",
        "message.started",
        "message.completed",
        "run.completed",
    ]
    run_id = stream.headers["x-threadline-run-id"]
    others = await asyncio.gather(*(again(client, first["reply"]["id"], "k") for _ in range(5)))
    assert {answer["run"]["id"] for answer in others} == {run_id}
    replay = await client.post(path, {"background": True}, headers={"idempotency-key": "k"})
    assert replay.headers["idempotency-replayed"] == "true"
    other = await client.post(path, {"model": "demo/echo"}, headers={"idempotency-key": "k"})
    other.problem(422, "idempotency_mismatch")
    (await client.send(thread_id, "one", key="k")).problem(422, "idempotency_mismatch")
    assert (await client.get(f"/v1/threads/{thread_id}")).ok(200)["message_count"] == 3


async def test_only_what_was_asked_is_answered_again(client: Client) -> None:
    """Instructions are no question, nor is what stands before an answer at the beginning; bad fields are named."""
    thread_id = await client.thread()
    system = (await client.send(thread_id, "be kind", respond=False, role="system")).ok(201)["message"]
    greeting = await client.send(thread_id, "hello", respond=False, role="assistant", edit_of=system["id"])
    for message in (system, greeting.ok(201)["message"]):
        refused = await client.post(f"/v1/messages/{message['id']}/regenerate", {})
        refused.problem(422, "invalid_request")
    (await client.post("/v1/messages/msg_none/regenerate", {})).problem(404, "not_found")
    answered = await client.ask(thread_id, "x")
    path = f"/v1/messages/{answered['reply']['id']}/regenerate"
    (await client.post(path, {"model": "nobody/x"})).problem(404, "model_unknown")
    (await client.post(path, {"content": "x"})).problem(422, "invalid_request")
    both = (await client.post(path, {"stream": True, "background": True})).problem(422, "invalid_request")
    assert both["pointer"] == "/background"


async def test_one_goes_to_another_branch_and_back(client: Client) -> None:
    """`tip_message_id` names any message of a branch; the newest behind it is the tip, and the log tells of it."""
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one")
    old = await client.ask(thread_id, "old")
    new = await client.ask(thread_id, "new", edit_of=old["message"]["id"])
    path = f"/v1/threads/{thread_id}"
    switched = (await client.patch(path, {"tip_message_id": old["message"]["id"]})).ok(200)
    assert switched["tip_message_id"] == old["reply"]["id"]
    assert texts(await client.history(thread_id)) == ["one", "one", "old", "old"]
    assert [message["id"] for message in (await client.state(thread_id))["messages"]][-1] == old["reply"]["id"]
    on = await client.ask(thread_id, "older")
    assert on["message"]["parent_id"] == old["reply"]["id"]
    (await client.patch(path, {"tip_message_id": new["reply"]["id"]})).ok(200)
    (await client.patch(path, {"tip_message_id": first["message"]["id"]})).ok(200)
    assert texts(await client.history(thread_id)) == ["one", "one", "old", "old", "older", "older"]
    updates = [frame.data["thread"] for frame in await client.log(thread_id) if frame.event == "thread.updated"]
    assert [update["tip_message_id"] for update in updates] == [
        old["reply"]["id"],
        new["reply"]["id"],
        on["reply"]["id"],
    ]
    for wrong in ("msg_none", (await client.ask(await client.thread(), "x"))["message"]["id"]):
        problem = (await client.patch(path, {"tip_message_id": wrong})).problem(422, "invalid_request")
        assert problem["pointer"] == "/tip_message_id"


async def test_going_elsewhere_does_not_stop_an_answer(client: Client) -> None:
    """The answer comes to its end on its own branch; what is asked next goes to the branch that was chosen."""
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one")
    running = await client.begin(thread_id, "two", model="demo/count-30@100")
    async with client.open("GET", f"/v1/runs/{running['run']['id']}/events") as stream:
        await stream.read_until("message.started")
    other = await client.send(thread_id, "uno", respond=False, edit_of=first["message"]["id"])
    ended = await client.settled(running["run"]["id"])
    assert ended["status"] == "completed"
    assert texts(await client.history(thread_id)) == ["uno"]
    asked = await client.ask(thread_id, "due")
    assert asked["message"]["parent_id"] == other.ok(201)["message"]["id"]
    path = f"/v1/threads/{thread_id}/messages?leaf={ended['output_message_id']}&order=asc"
    assert texts((await client.get(path)).ok(200)["data"])[:3] == ["one", "one", "two"]


async def test_the_branches_are_listed(client: Client) -> None:
    """One head for each, newest first, the active one marked; in pages."""
    thread_id = await client.thread()
    path = f"/v1/threads/{thread_id}/branches"
    assert (await client.get(path)).ok(200) == {"data": [], "has_more": False, "next_cursor": None}
    first = await client.ask(thread_id, "one")
    heads = [first["reply"]]
    for _ in range(4):
        heads.append((await again(client, first["message"]["id"]))["reply"])
    await client.patch(f"/v1/threads/{thread_id}", {"tip_message_id": heads[1]["id"]})
    page = (await client.get(f"{path}?limit=2")).ok(200)
    found = page["data"]
    while page["has_more"]:
        page = (await client.get(f"{path}?limit=2&cursor={page['next_cursor']}")).ok(200)
        found += page["data"]
    assert [head["tip_message_id"] for head in found] == [message["id"] for message in heads][::-1]
    assert [head["is_active"] for head in found] == [False, False, False, True, False]
    assert found[0] == {
        "object": "branch",
        "tip_message_id": heads[-1]["id"],
        "is_active": False,
        "role": "assistant",
        "status": "complete",
        "excerpt": "one",
        "last_activity_at": heads[-1]["completed_at"],
        "seq": heads[-1]["seq"],
    }
    (await client.get(f"{path}?cursor=x")).problem(400, "bad_cursor")
    (await client.get("/v1/threads/thr_none/branches")).problem(404, "not_found")
