"""Sends to a thread that is answering: they wait their turn, or are refused with a way to attach."""

import asyncio

from support.client import ENDINGS, Client, text_of

from .test_on_busy import speaking


async def test_what_waits_is_answered_in_the_order_of_its_sending(client: Client) -> None:
    """Five sends at a busy thread are answered one after the other, each question right before its answer."""
    thread_id = await client.thread()
    first = await speaking(client, thread_id)
    behind = [(await client.begin(thread_id, f"q{number}"))["run"]["id"] for number in range(1, 6)]
    await client.post(f"/v1/runs/{first}/cancel")
    for run_id in behind:
        assert (await client.settled(run_id))["status"] == "completed"
    history = await client.history(thread_id)
    said = [text_of(message) for message in history[2:]]
    assert said == [word for number in range(1, 6) for word in (f"q{number}", f"q{number}")]
    assert [message["parent_id"] for message in history] == [None, *(message["id"] for message in history[:-1])]
    log = await client.log(thread_id)
    assert [frame.data["run"]["id"] for frame in log if frame.event in ENDINGS] == [first, *behind]


async def test_a_question_that_waits_is_no_message_yet(client: Client) -> None:
    """`run.queued` carries it with null seq and parent; `message.created` comes with its turn, its parent is the tip."""
    thread_id = await client.thread()
    first = await speaking(client, thread_id)
    async with client.send_stream(thread_id, "second") as stream:
        queued = await stream.next()
        assert queued is not None
        waits = queued.data["run"]
        assert (queued.event, waits["status"]) == ("run.queued", "queued")
        assert (waits["input"]["seq"], waits["input"]["parent_id"]) == (None, None)
        assert len(await client.history(thread_id)) == 2
        assert (await client.get(f"/v1/threads/{thread_id}")).ok(200)["message_count"] == 2
        run = await client.run(waits["id"])
        assert (run["status"], run["input"]["seq"], text_of(run["input"])) == ("queued", None, "second")
        await client.post(f"/v1/runs/{first}/cancel")
        created = await stream.read_until("message.created")
        await stream.read_to_end()
    tip = (await client.history(thread_id))[1]
    message = created.data["message"]
    assert (message["id"], message["parent_id"]) == (waits["input"]["id"], tip["id"])
    assert message["seq"] == created.id
    # The end of the one and the turn of the next are one commit: nobody sees a free thread with a queue.
    log = await client.log(thread_id)
    ends = next(place for place, frame in enumerate(log) if frame.event == "run.cancelled")
    assert log[ends + 1].event == "message.created"


async def test_a_waiting_send_is_waited_for(client: Client) -> None:
    """A send without a form of delivery that has to queue is answered when its own run has ended."""
    thread_id = await client.thread()
    first = await client.begin(thread_id, "first", model="demo/count-20@200")
    answered = await client.ask(thread_id, "second")
    assert text_of(answered["reply"]) == "second"
    assert answered["message"]["parent_id"] == (await client.run(first["run"]["id"]))["output_message_id"]


async def test_a_send_may_refuse_to_wait(client: Client) -> None:
    """`on_busy: reject` is 409 with the run and where to follow it, nothing is stored, and the way leads somewhere."""
    thread_id = await client.thread()
    first = (await client.begin(thread_id, "first", model="demo/stall-2@max"))["run"]["id"]
    before = (await client.state(thread_id))["runs"]
    problem = (await client.send(thread_id, "second", key="k", on_busy="reject")).problem(409, "thread_busy")
    assert problem["run_id"] == first
    assert problem["events_url"].startswith(f"/v1/threads/{thread_id}/events")
    assert [run["id"] for run in (await client.state(thread_id))["runs"]] == [run["id"] for run in before]
    async with client.open("GET", problem["events_url"]) as follow:
        await client.post(f"/v1/runs/{problem['run_id']}/cancel")
        assert (await follow.read_until("run.cancelled")).data["run"]["id"] == first
    # Not remembered: the same key is good for the same send once the thread is free.
    assert (await client.send(thread_id, "second", key="k", on_busy="reject")).ok(200)["run"]["status"] == "completed"


async def test_nobody_waits_for_ever_behind_a_failure(client: Client) -> None:
    """Whatever becomes of the answer before, the next one is made."""
    thread_id = await client.thread()
    first = await client.begin(thread_id, "x", model="demo/stall-1@max")
    models = ("demo/fail-provider_refused@max", "demo/cut-3@max", "demo/echo@max")
    behind = [(await client.begin(thread_id, "x", model=model))["run"]["id"] for model in models]
    await client.post(f"/v1/runs/{first['run']['id']}/cancel")
    ends = [(await client.settled(run_id))["status"] for run_id in behind]
    assert ends == ["failed", "failed", "completed"]


async def test_messages_without_an_answer_do_not_wait(client: Client) -> None:
    """`respond: false` at a busy thread is stored at once, behind the answer in progress."""
    thread_id = await client.thread()
    await client.begin(thread_id, "x", model="demo/stall-2@max")
    while len(await client.history(thread_id)) < 2:
        await asyncio.sleep(0.005)
    note = (await client.send(thread_id, "note", respond=False)).ok(201)["message"]
    history = await client.history(thread_id)
    assert history[-1]["id"] == note["id"]
    assert note["parent_id"] == history[-2]["id"]


async def test_forty_sends_at_once_all_get_an_answer(client: Client) -> None:
    """Concurrent sends to one thread: none is an error, none is lost, none is answered twice."""
    thread_id = await client.thread()
    answers = await asyncio.gather(*(client.send_through(thread_id, f"q{number}") for number in range(40)))
    assert {text_of(answer.ok(200)["reply"]) for answer in answers} == {f"q{number}" for number in range(40)}
    history = await client.history(thread_id)
    assert len(history) == 80
    assert [message["parent_id"] for message in history] == [None, *(message["id"] for message in history[:-1])]
    for question, answer in zip(history[::2], history[1::2], strict=True):
        assert text_of(question) == text_of(answer)


async def test_a_queue_has_an_end(client: Client) -> None:
    """A client in a loop is told to slow down, with a time, and nothing of what was accepted is lost."""
    thread_id = await client.thread()
    await client.begin(thread_id, "x", model="demo/stall-1@max")
    answers = await asyncio.gather(*(client.send_through(thread_id, "x", background=True) for _ in range(110)))
    refused = [answer for answer in answers if answer.status != 202]
    assert len(refused) == 10
    for answer in refused:
        assert answer.problem(429, "rate_limited")["retryable"]
        assert int(answer.headers["retry-after"]) > 0
    assert len((await client.state(thread_id))["runs"]) == 101
    (await client.delete(f"/v1/threads/{thread_id}")).ok(204)
