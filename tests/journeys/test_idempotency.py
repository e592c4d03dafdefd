"""A send happens once, however often it is sent."""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any

from support.client import Answer, Client, counted, text_of
from support.fixtures import Installation, StartServer
from support.upstream import Upstream, chat


async def runs_of(client: Client, thread_id: str) -> list[str]:
    """Return the runs that the log knows of."""
    return [frame.data["run"]["id"] for frame in await client.log(thread_id) if frame.event == "run.queued"]


async def test_the_same_key_and_body_give_the_same_answer_in_every_form(client: Client) -> None:
    """Streamed, waited for and in the background are one send: the same message and run, said to be a replay."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "hello", key="k-1") as stream:
        frames = await stream.read_to_end()
    assert "idempotency-replayed" not in stream.headers
    run_id, message_id = frames[0].data["run"]["id"], frames[0].data["run"]["input_message_id"]
    async with client.send_stream(thread_id, "hello", key="k-1") as again:
        assert await again.read_to_end() == frames
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == stream.headers["location"]
    for form, status in (({}, 200), ({"background": True}, 202), ({"stream": False}, 200)):
        answer = await client.send(thread_id, "hello", key="k-1", **form)
        sent = answer.ok(status)
        assert (sent["run"]["id"], sent["message"]["id"]) == (run_id, message_id)
        assert sent["message"]["request_id"] == "k-1"
        assert answer.headers["idempotency-replayed"] == "true"
        assert answer.headers["x-threadline-run-id"] == run_id
    assert await runs_of(client, thread_id) == [run_id]
    assert len(await client.history(thread_id)) == 2


async def test_a_retry_attaches_to_the_answer_that_is_going(client: Client) -> None:
    """A second stream with the key, in mid-answer, has the same frames from the first to the last, live."""
    thread_id = await client.thread()
    model = "demo/count-60@150"
    async with client.send_stream(thread_id, "x", key="k", model=model) as one:
        await one.read_until("message.delta")
        async with client.send_stream(thread_id, "x", key="k", model=model) as two:
            waited = asyncio.create_task(client.send(thread_id, "x", key="k", model=model))
            second = await two.read_to_end()
        first = await one.read_to_end()
        assert [frame.raw for frame in first] == [frame.raw for frame in second]
        assert text_of((await waited).ok(200)["reply"]) == counted(60)
    assert len(await runs_of(client, thread_id)) == 1


async def test_another_body_with_the_key_is_refused(client: Client) -> None:
    """Whatever differs, content or option, is 422 `idempotency_mismatch`; nothing is stored."""
    thread_id = await client.thread()
    await client.ask(thread_id, "hello")
    (await client.send(thread_id, "hello", key="k")).ok(200)
    before = await client.log(thread_id)
    others: list[tuple[Any, dict[str, Any]]] = [
        ("other", {}),
        ("hello", {"model": "demo/echo"}),
        ("hello", {"instructions": "x"}),
        ("hello", {"metadata": {"a": 1}}),
        ("hello", {"temperature": 0.5}),
        ("hello", {"max_output_tokens": 5}),
        ("hello", {"respond": False}),
        ("hello", {"on_busy": "reject"}),
        ([{"type": "text", "text": "hello"}, {"type": "text", "text": "more"}], {}),
    ]
    for content, fields in others:
        (await client.send(thread_id, content, key="k", **fields)).problem(422, "idempotency_mismatch")
    assert await client.log(thread_id) == before


async def test_the_same_body_may_be_written_differently(client: Client) -> None:
    """The parsed body counts: the order of its fields, spaces, defaults and escapes make no difference."""
    thread_id = await client.thread()
    path, headers = f"/v1/threads/{thread_id}/messages", {"idempotency-key": "k"}
    bodies = [
        b'{"content":"h\xc3\xa9","metadata":{"a":1,"b":2}}',
        b'{"metadata": {"b": 2, "a": 1}, "content": "h\\u00e9"}',
        b'{"content":"h\xc3\xa9","metadata":{"a":1,"b":2},"respond":true,"on_busy":"enqueue","role":"user"}',
    ]
    ids = {(await client.post(path, data=body, headers=headers)).ok(200)["run"]["id"] for body in bodies}
    assert len(ids) == 1


async def test_a_key_may_be_quoted_or_bare(client: Client) -> None:
    """`"k"` as the standard has it and `k` as people write it are the same key; nonsense is refused."""
    thread_id = await client.thread()
    first = (await client.send(thread_id, "x", key='"a \\"b\\" c"')).ok(200)
    assert first["message"]["request_id"] == 'a "b" c'
    assert (await client.send(thread_id, "x", key='a "b" c')).ok(200)["run"] == first["run"]
    for wrong in ("", '""', "x" * 257, "\u00e9"):
        headers = {"idempotency-key": wrong}
        answer = await client.post(f"/v1/threads/{thread_id}/messages", {"content": "x"}, headers=headers)
        answer.problem(422, "invalid_request")
    assert len(await runs_of(client, thread_id)) == 1


async def test_twenty_at_once_are_one_run_and_one_call_of_the_vendor(client: Client, upstream: Upstream) -> None:
    """Concurrent duplicates in all three forms: one run, one message, one upstream call, the same answer for all."""
    model = f"once-{uuid.uuid4()}"
    upstream.play(model, chat("on", "ce", pause=0.05))
    thread_id = await client.thread()

    async def streamed() -> str:
        async with client.send_stream(thread_id, "x", key="k", model=f"openai/{model}") as stream:
            await stream.read_to_end()
        return str(stream.headers["x-threadline-run-id"])

    async def sent(**form: Any) -> str:
        answer: Answer = await client.send(thread_id, "x", key="k", model=f"openai/{model}", **form)
        assert answer.status in (200, 202)
        return str(answer.json["run"]["id"])

    forms = [streamed, sent, lambda: sent(background=True), streamed]
    ids = await asyncio.gather(*(forms[number % 4]() for number in range(20)))
    assert len(set(ids)) == 1
    assert (await client.settled(ids[0]))["status"] == "completed"
    assert await runs_of(client, thread_id) == [ids[0]]
    assert len(upstream.asked(model)) == 1
    assert text_of((await client.history(thread_id))[1]) == "once"


async def test_what_was_refused_is_not_remembered(client: Client) -> None:
    """After a 404, a 409 and a 422 the key is free: the corrected send with the same key is accepted."""
    thread_id = await client.thread()
    (await client.send(thread_id, "x", key="k", model="nobody/x")).problem(404, "model_unknown")
    (await client.send(thread_id, "x", key="k", parent_id="msg_none")).problem(422, "invalid_request")
    (await client.send(thread_id, "", key="k")).problem(422, "invalid_request")
    answer = await client.send(thread_id, "x", key="k")
    assert answer.ok(200)["run"]["status"] == "completed"
    assert "idempotency-replayed" not in answer.headers


async def test_a_failed_run_was_accepted_and_is_remembered(client: Client) -> None:
    """The provider's failure is the run's: the same key gives the same failed run, not a second try."""
    thread_id = await client.thread()
    fields = {"model": "demo/fail-provider_refused@max", "key": "k"}
    first = (await client.send(thread_id, "x", **fields)).ok(200)
    assert first["run"]["status"] == "failed"
    assert (await client.send(thread_id, "x", **fields)).ok(200)["run"] == first["run"]
    async with client.send_stream(thread_id, "x", **fields) as stream:
        assert (await stream.read_to_end())[-1].event == "run.failed"


async def test_a_send_without_an_answer_happens_once_too(client: Client) -> None:
    """`respond: false` with a key is stored once and answered alike."""
    thread_id = await client.thread()
    first = await client.send(thread_id, "x", key="k", respond=False)
    again = await client.send(thread_id, "x", key="k", respond=False)
    assert first.ok(201) == again.ok(201)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await client.history(thread_id)) == 1


async def test_a_key_belongs_to_its_thread_and_its_end_user(client: Client, foreign: Client) -> None:
    """The same key and body elsewhere is another send: in another thread, and in another tenant."""
    ids = set()
    for one in (client, client, foreign):
        thread_id = await one.thread(end_user_id="ann")
        answer = await one.send(thread_id, "x", key="k")
        ids.add(answer.ok(200)["run"]["id"])
        assert "idempotency-replayed" not in answer.headers
    assert len(ids) == 3


async def test_browser_and_server_of_one_end_user_share_a_key(client: Client) -> None:
    """A send from the browser whose answer was lost is found by the server's retry for the same person."""
    thread_id = await client.thread(end_user_id="ann")
    token = (await client.post("/v1/tokens", {"end_user_id": "ann"})).ok(201)["token"]
    async with Client(client.urls, token) as browser:
        first = (await browser.send(thread_id, "x", key="k")).ok(200)
    again = await client.send(thread_id, "x", key="k")
    assert again.ok(200)["run"]["id"] == first["run"]["id"]
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_queued_send_is_found_again(client: Client) -> None:
    """A retry of a send that still waits gives the waiting run, and its stream when the turn comes."""
    thread_id = await client.thread()
    first = await client.begin(thread_id, "x", model="demo/stall-1@max")
    (await client.send(thread_id, "waits", key="k", background=True)).ok(202)
    again = (await client.send(thread_id, "waits", key="k", background=True)).ok(202)
    assert (again["run"]["status"], again["message"]["seq"]) == ("queued", None)
    async with client.send_stream(thread_id, "waits", key="k") as stream:
        await client.post(f"/v1/runs/{first['run']['id']}/cancel")
        assert (await stream.read_to_end())[-1].event == "run.completed"
    settled = (await client.send(thread_id, "waits", key="k")).ok(200)
    assert settled["message"]["seq"] is not None
    assert settled["run"]["id"] == again["run"]["id"]


async def test_keys_outlive_the_process(
    make_server: StartServer, installation: Installation, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """After `kill -9` and a restart the key still gives the first answer, also of a run that was cut in the middle."""
    server = make_server(**vendors).start()
    name = f"m-{uuid.uuid4()}"
    upstream.play(name, chat("half ", ending="hang"), chat("half ", "whole"))
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        done = (await client.send(thread_id, "done", key="done", model="demo/echo@max")).ok(200)
        model = f"openai/{name}"
        async with client.send_stream(thread_id, "cut", key="cut", model=model) as stream:
            await stream.read_until("message.delta")
            server.kill9()
            await stream.read_to_cut()
    await asyncio.to_thread(server.start)
    async with Client(server.url, installation.key) as client:
        again = await client.send(thread_id, "done", key="done", model="demo/echo@max")
        assert again.ok(200)["run"] == done["run"]
        assert again.headers["idempotency-replayed"] == "true"
        (await client.send(thread_id, "other", key="done")).problem(422, "idempotency_mismatch")
        retried = (await client.send(thread_id, "cut", key="cut", model=model)).ok(200)
        assert retried["run"]["id"] == stream.headers["x-threadline-run-id"]
        assert (retried["run"]["status"], retried["run"]["attempt"]) == ("completed", 2)
        assert text_of(retried["reply"]) == "half whole"
        assert len(await runs_of(client, thread_id)) == 2


async def test_keys_are_forgotten_when_their_time_is_over(make_server: StartServer, installation: Installation) -> None:
    """With a short memory the key is free again after it, and the send is a new one."""
    server = make_server(THREADLINE_IDEMPOTENCY_HOURS="0.0000001").start()
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        (await client.send(thread_id, "x", key="k", model="demo/echo@max")).ok(200)
    # The sweep is at start and every minute.
    server.stop()
    await asyncio.to_thread(server.start)
    async with Client(server.url, installation.key) as client:
        while (
            "idempotency-replayed"
            in (again := await client.send(thread_id, "x", key="k", model="demo/echo@max")).headers
        ):
            await asyncio.sleep(0.01)
        again.ok(200)
        assert len(await runs_of(client, thread_id)) == 2
