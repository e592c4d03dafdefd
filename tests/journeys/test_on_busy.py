"""What a send does to a thread that is answering, besides waiting: each way leaves a log that says what happened."""

import uuid
from typing import Any

import pytest

from support.client import ENDINGS, Client, text_of
from support.upstream import Upstream, chat


async def speaking(client: Client, thread_id: str) -> str:
    """Begin an answer that says two words and then nothing more; return its run once it has said them."""
    run_id: str = (await client.begin(thread_id, "q0", model="demo/stall-2@max"))["run"]["id"]
    async with client.open("GET", f"/v1/runs/{run_id}/events") as stream:
        await stream.read_until("message.delta")
    return run_id


async def waiting(client: Client, thread_id: str) -> list[dict[str, Any]]:
    """Return the runs that wait, as the queue shows them."""
    page: dict[str, Any] = (await client.get(f"/v1/threads/{thread_id}/queue")).ok(200)
    assert (page["has_more"], page["next_cursor"]) == (False, None)
    assert [run["position"] for run in page["data"]] == list(range(1, len(page["data"]) + 1))
    found: list[dict[str, Any]] = page["data"]
    return found


def asked(runs: list[dict[str, Any]]) -> list[str]:
    """Return what the runs ask."""
    return [text_of(run["input"]) for run in runs]


async def test_interrupt_stops_the_answer_and_goes_first(client: Client) -> None:
    """What was said stays, and the new message is answered before those that waited already."""
    thread_id = await client.thread()
    first = await speaking(client, thread_id)
    waited = (await client.begin(thread_id, "q1"))["run"]["id"]
    urgent = (await client.begin(thread_id, "now", on_busy="interrupt"))["run"]["id"]
    assert (await client.settled(waited))["status"] == "completed"
    stopped = await client.run(first)
    assert (stopped["status"], stopped["error"]) == ("cancelled", None)
    history = await client.history(thread_id)
    assert [text_of(message) for message in history[2:]] == ["now", "now", "q1", "q1"]
    assert text_of(history[1])
    assert history[1]["status"] == "cancelled"
    ends = [frame.data["run"]["id"] for frame in await client.log(thread_id) if frame.event in ENDINGS]
    assert ends == [first, urgent, waited]


async def test_interrupts_in_a_row_lose_nothing(client: Client) -> None:
    """Each question gets its turn, and each run its end, whether the one before it had begun or not."""
    thread_id = await client.thread()
    await speaking(client, thread_id)
    sent = [await client.begin(thread_id, text, on_busy="interrupt") for text in ("a", "b")]
    for each in sent:
        assert (await client.settled(each["run"]["id"]))["status"] in ("completed", "cancelled")
    said = [text_of(message) for message in await client.history(thread_id)]
    assert set(said) >= {"a", "b"}


async def test_rollback_takes_question_and_answer_off_the_branch(client: Client) -> None:
    """The new message stands where the old one stood; what was said is still there, with its end."""
    thread_id = await client.thread()
    await client.ask(thread_id, "before")
    earlier = await client.history(thread_id)
    first = await speaking(client, thread_id)
    sent = await client.begin(thread_id, "instead", on_busy="rollback")
    await client.settled(sent["run"]["id"])
    stopped = await client.run(first)
    assert stopped["status"] == "cancelled"
    state = await client.state(thread_id)
    shown = [message for message in state["messages"] if message["run_id"] == sent["run"]["id"]]
    assert [text_of(message) for message in shown] == ["instead", "instead"]
    assert shown[0]["parent_id"] == earlier[-1]["id"]
    assert state["thread"]["tip_message_id"] == shown[1]["id"]
    log = await client.log(thread_id)
    ends = next(place for place, frame in enumerate(log) if frame.event == "run.cancelled")
    assert [frame.event for frame in log[ends + 1 : ends + 3]] == ["thread.updated", "message.created"]
    assert log[ends + 1].data["thread"] == {"tip_message_id": earlier[-1]["id"]}
    taken_off = [frame.data["message"] for frame in log if frame.event == "message.completed"][1]
    assert (taken_off["run_id"], taken_off["status"]) == (first, "cancelled")


async def test_what_was_rolled_back_is_not_in_the_next_prompt(client: Client, upstream: Upstream) -> None:
    """The model is told what the active branch says, and nothing of what was taken off it."""
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, chat("ok"))
    thread_id = await client.thread()
    await client.ask(thread_id, "before")
    await speaking(client, thread_id)
    await client.ask(thread_id, "instead", model=f"openai/{model}", on_busy="rollback")
    told = [(each["role"], each["content"]) for each in upstream.asked(model)[0].body["messages"]]
    assert told == [("user", "before"), ("assistant", "before"), ("user", "instead")]


async def test_rollback_of_the_first_question_leaves_an_empty_branch(client: Client) -> None:
    """The new message is the first one, and has no parent."""
    thread_id = await client.thread()
    await speaking(client, thread_id)
    sent = await client.ask(thread_id, "instead", on_busy="rollback")
    assert (sent["message"]["parent_id"], text_of(sent["reply"])) == (None, "instead")


async def test_a_thread_has_a_way_of_its_own(client: Client) -> None:
    """Its `on_busy` is for sends that do not say it; it can be changed and emptied; a free thread is not concerned."""
    thread_id = await client.thread(on_busy="reject")
    first = await speaking(client, thread_id)
    (await client.send(thread_id, "a")).problem(409, "thread_busy")
    await client.begin(thread_id, "b", on_busy="enqueue")
    changed = (await client.request("PATCH", f"/v1/threads/{thread_id}", {"on_busy": "latest"})).ok(200)
    assert changed["on_busy"] == "latest"
    await client.begin(thread_id, "c")
    assert asked(await waiting(client, thread_id)) == ["c"]
    await client.request("PATCH", f"/v1/threads/{thread_id}", {"on_busy": None})
    await client.begin(thread_id, "d")
    assert asked(await waiting(client, thread_id)) == ["c", "d"]
    told = [frame.data["thread"] for frame in await client.log(thread_id) if frame.event == "thread.updated"]
    assert told == [{"on_busy": "latest"}, {"on_busy": None}]
    assert (await client.run(first))["status"] == "running"
    (await client.request("PATCH", f"/v1/threads/{thread_id}", {"on_busy": "shout"})).problem(422, "invalid_request")


async def test_interrupt_of_a_free_thread_is_a_send(client: Client) -> None:
    """There is nothing to interrupt."""
    answered = await client.ask(await client.thread(), "hello", on_busy="interrupt")
    assert text_of(answered["reply"]) == "hello"


async def test_latest_waits_alone(client: Client) -> None:
    """The others that wait end as cancelled, say why, and are in no history; the answer in progress goes on."""
    thread_id = await client.thread()
    first = await speaking(client, thread_id)
    replaced = [(await client.begin(thread_id, f"q{number}"))["run"]["id"] for number in range(3)]
    last = (await client.begin(thread_id, "last", on_busy="latest"))["run"]
    assert asked(await waiting(client, thread_id)) == ["last"]
    for run_id in replaced:
        run = await client.run(run_id)
        assert (run["status"], run["error"]["code"], run["position"]) == ("cancelled", "replaced", None)
    assert (await client.run(first))["status"] == "running"
    await client.post(f"/v1/runs/{first}/cancel")
    await client.settled(last["id"])
    assert [text_of(message) for message in (await client.history(thread_id))[2:]] == ["last", "last"]


async def test_merge_makes_one_question_of_two(client: Client) -> None:
    """The blocks are added to the newest waiting question, and the send's answer is that run and that message."""
    thread_id = await client.thread()
    first = await speaking(client, thread_id)
    older = await client.begin(thread_id, "older")
    newer = await client.begin(thread_id, "one")
    merged = await client.begin(thread_id, "two", key="k", on_busy="merge")
    assert merged["run"]["id"] == newer["run"]["id"]
    assert merged["message"]["id"] == newer["message"]["id"]
    assert [block["text"] for block in merged["message"]["content"]] == ["one", "two"]
    again = await client.send(thread_id, "two", key="k", on_busy="merge", background=True)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.ok(202)["message"]["content"] == merged["message"]["content"]
    assert [run["id"] for run in await waiting(client, thread_id)] == [older["run"]["id"], newer["run"]["id"]]
    await client.post(f"/v1/runs/{first}/cancel")
    await client.settled(newer["run"]["id"])
    question = (await client.history(thread_id))[4]
    assert [block["text"] for block in question["content"]] == ["one", "two"]


async def test_merge_has_an_end(client: Client) -> None:
    """What takes in more and more is written anew each time: over a quarter of a megabyte the next one waits beside it."""
    thread_id = await client.thread()
    await speaking(client, thread_id)
    first = await client.begin(thread_id, "a" * 200_000, on_busy="merge")
    beside = await client.begin(thread_id, "b" * 200_000, on_busy="merge")
    within = await client.begin(thread_id, "c", on_busy="merge")
    assert len({first["run"]["id"], beside["run"]["id"]}) == 2
    assert within["run"]["id"] == beside["run"]["id"]
    assert [len(run["input"]["content"]) for run in await waiting(client, thread_id)] == [1, 2]


async def test_merge_with_nobody_waits(client: Client) -> None:
    """Where nothing waits there is nothing to be added to: the send waits as one of its own."""
    thread_id = await client.thread()
    first = await speaking(client, thread_id)
    sent = await client.begin(thread_id, "alone", on_busy="merge")
    assert sent["run"]["id"] != first
    assert asked(await waiting(client, thread_id)) == ["alone"]


@pytest.mark.parametrize("on_busy", ["enqueue", "interrupt", "rollback", "merge", "latest"])
async def test_a_stream_that_met_a_busy_thread_sees_its_own_run(client: Client, on_busy: str) -> None:
    """However a send got in, its stream begins with `run.queued`, which has its place, and ends with its end."""
    thread_id = await client.thread()
    first = await speaking(client, thread_id)
    async with client.send_stream(thread_id, "mine", on_busy=on_busy) as stream:
        queued = await stream.next()
        assert queued is not None
        assert (queued.event, queued.data["run"]["position"]) == ("run.queued", 1)
        if on_busy not in ("interrupt", "rollback"):
            await client.post(f"/v1/runs/{first}/cancel")
        frames = await stream.read_to_end()
    assert frames[-1].event == "run.completed"
    assert {frame.data["run"]["id"] for frame in frames if "run" in frame.data} == {queued.data["run"]["id"]}
