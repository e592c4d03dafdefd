"""Forks: a new thread that begins with a branch of another one, and needs nothing of it afterwards."""

import uuid
from typing import Any

from support.client import Client, text_of
from support.upstream import Upstream, chat


def texts(messages: list[dict[str, Any]]) -> list[str]:
    """Return what the messages say."""
    return [text_of(message) for message in messages]


async def fork(client: Client, thread_id: str, message_id: str, **fields: Any) -> dict[str, Any]:
    """Fork a thread."""
    made = await client.post(f"/v1/threads/{thread_id}/fork", {"message_id": message_id, **fields})
    found: dict[str, Any] = made.ok(201)
    return found


async def test_a_fork_begins_with_what_was_said(client: Client, upstream: Upstream) -> None:
    """The same history up to there, a log of its own, and its own way on; the source stays as it is."""
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, chat("ok"))
    thread_id = await client.thread(title="first", model=f"openai/{model}", instructions="Be brief.")
    first = await client.ask(thread_id, "one")
    await client.ask(thread_id, "two")
    made = await fork(client, thread_id, first["reply"]["id"])
    assert made["forked_from"] == {"thread_id": thread_id, "message_id": first["reply"]["id"]}
    assert (made["title"], made["model"], made["message_count"], made["seq"]) == ("first", f"openai/{model}", 2, 1)
    assert texts(await client.history(made["id"])) == ["one", "ok"]
    assert (await client.state(made["id"]))["messages"] == [first["message"], first["reply"]]
    on = await client.ask(made["id"], "elsewhere")
    assert on["message"]["parent_id"] == first["reply"]["id"]
    assert [message["content"] for message in upstream.asked(model)[-1].body["messages"]] == [
        "Be brief.",
        "one",
        "ok",
        "elsewhere",
    ]
    assert texts(await client.history(thread_id)) == ["one", "ok", "two", "ok"]
    assert texts(await client.history(made["id"])) == ["one", "ok", "elsewhere", "ok"]
    log = await client.log(made["id"])
    assert log[0].event == "thread.created"
    assert log[0].data["thread"] == made


async def test_a_fork_outlives_its_source(client: Client) -> None:
    """Deleted, the source is gone for everybody, and the fork has its beginning still; so has a fork of the fork."""
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one")
    made = await fork(client, thread_id, first["reply"]["id"], title="mine")
    assert made["title"] == "mine"
    second = await client.ask(made["id"], "two")
    deeper = await fork(client, made["id"], second["reply"]["id"])
    for gone in (thread_id, made["id"]):
        assert (await client.delete(f"/v1/threads/{gone}")).status == 204
    assert texts(await client.history(deeper["id"])) == ["one", "one", "two", "two"]
    answered = await client.ask(deeper["id"], "three", parent_id=first["reply"]["id"])
    assert answered["message"]["parent_id"] == first["reply"]["id"]
    assert texts(await client.history(deeper["id"])) == ["one", "one", "three", "three"]
    assert (await client.get(f"/v1/threads/{thread_id}")).status == 404


async def test_what_is_inherited_can_be_edited_and_answered_again(client: Client) -> None:
    """In the fork, which is named: the source has nothing of it, and siblings are those that the fork has."""
    thread_id = await client.thread()
    first = await client.ask(thread_id, "one")
    made = await fork(client, thread_id, first["reply"]["id"])
    path = f"/v1/messages/{first['reply']['id']}/regenerate"
    again = (await client.post(path, {"thread_id": made["id"]})).ok(200)
    assert (again["run"]["thread_id"], again["run"]["input"]) == (made["id"], first["message"])
    assert again["message"] == first["message"]
    edited = await client.ask(made["id"], "uno", edit_of=first["message"]["id"])
    history = await client.history(made["id"])
    assert texts(history) == ["uno", "uno"]
    assert history[0]["siblings"] == {"position": 2, "count": 2}
    switched = (await client.patch(f"/v1/threads/{made['id']}", {"tip_message_id": first["message"]["id"]})).ok(200)
    assert switched["tip_message_id"] == again["reply"]["id"]
    history = await client.history(made["id"])
    assert history[1] == {**again["reply"], "siblings": {"position": 2, "count": 2}}
    branches = (await client.get(f"/v1/threads/{made['id']}/branches")).ok(200)["data"]
    assert [head["tip_message_id"] for head in branches] == [
        edited["reply"]["id"],
        again["reply"]["id"],
        first["reply"]["id"],
    ]
    assert [message["siblings"] for message in await client.history(thread_id)] == [None, None]


async def test_only_a_whole_message_of_the_thread_is_forked(client: Client) -> None:
    """One that is being written, one of another thread and one that is not there are refused."""
    thread_id, other_id = await client.thread(), await client.thread()
    elsewhere = (await client.ask(other_id, "x"))["message"]["id"]
    for wrong in (elsewhere, "msg_none"):
        problem = await client.post(f"/v1/threads/{thread_id}/fork", {"message_id": wrong})
        assert problem.problem(422, "invalid_request")["pointer"] == "/message_id"
    async with client.send_stream(thread_id, "x", model="demo/stall-2@max") as stream:
        await stream.read_until("message.delta")
        run = await client.run(stream.headers["x-threadline-run-id"])
        path = f"/v1/threads/{thread_id}/fork"
        busy = await client.post(path, {"message_id": run["output_message_id"]})
        assert busy.problem(409, "thread_busy")["run_id"] == run["id"]
        (await client.post(path, {"message_id": run["input_message_id"]})).ok(201)
        await client.post(f"/v1/runs/{run['id']}/cancel")
    (await client.post(path, {})).problem(422, "invalid_request")


async def test_a_person_forks_what_he_may_read(client: Client) -> None:
    """His fork is his own, the source's owner has nothing of it; a token for some threads makes none."""
    thread_id = await client.thread(end_user_id="ann")
    first = await client.ask(thread_id, "one")

    async def token(person: str, **more: Any) -> str:
        made = (await client.post("/v1/tokens", {"end_user_id": person, **more})).ok(201)
        return str(made["token"])

    async with Client(client.urls, await token("ann")) as ann, Client(client.urls, await token("bob")) as bob:
        (await bob.post(f"/v1/threads/{thread_id}/fork", {"message_id": first["reply"]["id"]})).problem(
            404, "not_found"
        )
        made = await fork(ann, thread_id, first["reply"]["id"])
        assert made["end_user_id"] == "ann"
        (await bob.get(f"/v1/threads/{made['id']}/messages")).problem(404, "not_found")
    async with Client(client.urls, await token("ann", thread_ids=[thread_id])) as limited:
        refused = await limited.post(f"/v1/threads/{thread_id}/fork", {"message_id": first["reply"]["id"]})
        refused.problem(403, "forbidden")
