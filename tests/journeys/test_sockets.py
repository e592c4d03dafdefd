"""Sockets: the same events with the same seqs, and requests that are answered by their `ref`."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from support.client import ENDINGS, Client, counted, text_of
from support.fixtures import Installation, StartServer
from support.server import Server
from support.sockets import Socket, open_socket, refusal_of
from support.upstream import Upstream, chat
from support.waiting import patience

from .test_access import browser, short_lived


async def test_a_socket_carries_the_log_as_it_is(client: Client) -> None:
    """Replay, `caught_up`, live: message for message the JSON that event streams carry, on the same number line."""
    thread_id = await client.thread()
    await client.ask(thread_id, "one")
    async with open_socket(client, thread_id) as socket:
        caught_up = await socket.wait_for_type("caught_up")
        assert caught_up == {"type": "caught_up", "seq": len(socket.events(thread_id)), "thread_id": thread_id}
        await client.ask(thread_id, "x", model="demo/count-60@300")
        log = [frame.data for frame in await client.log(thread_id)]
        await socket.wait_for(lambda said: said.get("seq") == log[-1]["seq"] and said["type"] != "caught_up")
        assert socket.events(thread_id) == log


async def test_a_socket_goes_on_from_any_cursor(client: Client) -> None:
    """`after` is a seq or `now`; beyond the end it is refused like any request."""
    thread_id = await client.thread()
    await client.ask(thread_id, "x", model="demo/count-5@max")
    log = [frame.data for frame in await client.log(thread_id)]
    async with open_socket(client, thread_id, "?after=3") as socket:
        await socket.wait_for_type("caught_up")
        assert socket.events(thread_id) == log[3:]
    async with open_socket(client, thread_id, "?after=now") as socket:
        await socket.wait_for_type("caught_up")
        assert socket.events(thread_id) == []
    for query in ("?after=999", "?after=x", "?after="):
        assert await refusal_of(client, thread_id, query) == 400


async def test_a_send_over_a_socket_is_a_send(client: Client) -> None:
    """Answered with message and run; once for each key; everybody reads the answer; a wrong body is a problem."""
    thread_id = await client.thread()
    async with open_socket(client, thread_id) as socket, client.events(thread_id) as stream:
        first = await socket.ask("send", message={"content": "hi", "model": "demo/count-20@max"}, idempotency_key="k")
        again = await socket.ask("send", message={"content": "hi", "model": "demo/count-20@max"}, idempotency_key="k")
        assert (first["is_replay"], again["is_replay"]) == (False, True)
        assert first["message"]["id"] == again["message"]["id"]
        assert first["run"]["input"]["id"] == first["message"]["id"]
        ended = await socket.wait_for_type("run.completed")
        assert ended["run"]["id"] == first["run"]["id"]
        await stream.read_until("run.completed")
        assert [frame.data for frame in stream.frames if frame.id] == socket.events(thread_id)
        assert text_of((await client.history(thread_id))[1]) == counted(20)
        stored = await socket.ask("send", message={"content": "noted", "respond": False})
        assert stored["run"] is None
        for fields, code, pointer in (
            ({"message": {"content": "other"}, "idempotency_key": "k"}, "idempotency_mismatch", None),
            ({"message": {"content": ""}}, "invalid_request", "/message/content"),
            ({"message": {"content": "x", "stream": True}}, "invalid_request", "/message/stream"),
            ({"message": {"content": "x", "nonsense": 1}}, "invalid_request", "/message"),
            ({"message": {"content": "x\x00"}}, "invalid_request", "/message/content"),
            ({"message": {"content": "x", "model": "nobody/none"}}, "model_unknown", None),
            ({"message": {"content": "x"}, "idempotency_key": "ä"}, "invalid_request", "/headers/idempotency-key"),
        ):
            problem = await socket.refused("send", **fields)
            assert (problem["code"], problem.get("pointer")) == (code, pointer)
    assert len(await client.history(thread_id)) == 3


async def test_a_cancel_over_a_socket(client: Client) -> None:
    """It stops the run; what was said is kept."""
    thread_id = await client.thread()
    async with open_socket(client, thread_id) as socket:
        run = (await socket.ask("send", message={"content": "x", "model": "demo/count-9999@100"}))["run"]
        await socket.wait_for_type("message.delta")
        assert (await socket.ask("cancel", run_id=run["id"]))["run"]["id"] == run["id"]
        ended = await socket.wait_for(lambda said: said["type"] in ENDINGS)
        assert ended["type"] == "run.cancelled"
        assert (await socket.refused("cancel", run_id="run_00000000000000000000000000"))["code"] == "not_found"


async def test_one_socket_carries_many_threads(client: Client) -> None:
    """Each from its cursor, none disturbing another; what is unsubscribed says no more, and may come again."""
    home, other, third = [await client.thread() for _ in range(3)]
    await client.ask(other, "x", model="demo/count-5@max")
    async with open_socket(client, home) as socket:
        assert (await socket.ask("subscribe", thread_id=other, after=4))["seq"] == 4
        assert (await socket.ask("subscribe", thread_id=third, after="now"))["seq"] == 1
        await asyncio.gather(*(socket.wait_for_type("caught_up", thread_id) for thread_id in (home, other, third)))
        sent = [await socket.ask("send", thread_id=it, message={"content": "hi"}) for it in (other, third)]
        for answer in sent:
            await socket.wait_for(
                lambda said, run=answer["run"]["id"]: said["type"] == "run.completed" and said["run"]["id"] == run
            )
        for thread_id, after in ((home, 0), (other, 4), (third, 1)):
            assert socket.events(thread_id) == [frame.data for frame in await client.log(thread_id, after)]
        assert (await socket.refused("subscribe", thread_id=other))["code"] == "invalid_request"
        assert (await socket.ask("unsubscribe", thread_id=other))["was_subscribed"]
        assert not (await socket.ask("unsubscribe", thread_id=other))["was_subscribed"]
        before = len(socket.events(other))
        await client.ask(other, "unheard")
        await socket.ask("send", thread_id=third, message={"content": "a sign that the rest would have come"})
        assert len(socket.events(other)) == before
        await socket.ask("subscribe", thread_id=other, after="now")


async def test_a_deleted_thread_ends_and_its_socket_stays(client: Client) -> None:
    """Its last event is `thread.deleted`; the other threads of the socket go on."""
    home, other = await client.thread(), await client.thread()
    async with open_socket(client, home) as socket:
        await socket.ask("subscribe", thread_id=other)
        (await client.delete(f"/v1/threads/{home}")).ok(204)
        await socket.wait_for_type("thread.deleted", home)
        await client.ask(other, "hi")
        await socket.wait_for_type("run.completed", other)
        assert (await socket.refused("subscribe", thread_id=home))["code"] == "not_found"


async def test_what_is_no_request_is_a_problem_and_no_end(client: Client) -> None:
    """Bad JSON, an unknown type, a missing field, bytes: each is answered, and the socket goes on."""
    thread_id = await client.thread()
    async with open_socket(client, thread_id) as socket:
        for raw in ("{", "[]", '"x"', '{"type": "dance", "ref": "a"}', '{"type": "send", "ref": "a"}', '{"ref": "a"}'):
            socket.heard.clear()
            await socket.connection.send_str(raw)
            assert (await socket.wait_for_type("error"))["error"]["code"] == "invalid_request"
        socket.heard.clear()
        for data in (b"{}", b"\xff", b'{"ref": "\xff"}', b'{"x":' * 50_000, b"[" * 50_000):
            socket.heard.clear()
            await socket.connection.send_bytes(data)
            assert (await socket.wait_for_type("error"))["error"]["code"] == "invalid_request"
        assert (await socket.ask("send", message={"content": "still here"}))["run"]


async def test_who_may_not_is_refused_before_it_begins(client: Client, foreign: Client, nobody: Client) -> None:
    """401 without a credential; 404 for what is somebody else's or nowhere, also by subscribing; 403 without `read`."""
    thread_id, other = await client.thread(end_user_id="ann"), await client.thread(end_user_id="bob")
    assert await refusal_of(nobody, thread_id) == 401
    assert await refusal_of(nobody, thread_id, "?token=x") == 401
    assert await refusal_of(foreign, thread_id) == 404
    assert await refusal_of(client, "thr_00000000000000000000000000") == 404
    assert await refusal_of(client, "thr_%00") == 404
    mine = await foreign.thread()
    run_id = (await client.begin(thread_id, "x", model="demo/stall-1@max"))["run"]["id"]
    async with client.open("GET", f"/v1/runs/{run_id}/events") as begun:
        await begun.read_until("run.started")
    async with open_socket(foreign, mine) as socket:
        for kind, fields in (
            ("subscribe", {"thread_id": thread_id}),
            ("send", {"thread_id": thread_id, "message": {"content": "x"}}),
            ("cancel", {"run_id": run_id}),
        ):
            assert (await socket.refused(kind, **fields))["status"] == 404
    async with browser(client, "ann") as ann, browser(client, "ann", rights=["send"]) as deaf:
        assert await refusal_of(deaf, thread_id) == 403
        assert await refusal_of(ann, other) == 404
        async with open_socket(ann, thread_id) as socket:
            assert (await socket.refused("subscribe", thread_id=other))["status"] == 404
    async with browser(client, "ann", rights=["read"]) as mute, open_socket(mute, thread_id) as socket:
        assert (await socket.refused("send", message={"content": "x"}))["status"] == 403
        assert (await socket.refused("cancel", run_id=run_id))["status"] == 403
    assert (await client.run(run_id))["status"] == "running"
    await client.post(f"/v1/runs/{run_id}/cancel")


async def test_a_token_in_the_address_opens_a_socket_until_it_expires(
    client: Client, nobody: Client, server: Server
) -> None:
    """Closed with 4401 when its time is over; in no line of the log meanwhile."""
    thread_id = await client.thread(end_user_id="ann")

    @asynccontextmanager
    async def replayed(person: Client) -> AsyncIterator[Socket]:
        async with open_socket(nobody, thread_id, f"?token={person.key}") as socket:
            await socket.wait_for_type("caught_up")
            yield socket

    async with AsyncExitStack() as stack:
        ann, (socket,) = await short_lived(stack, client, replayed)
        assert ann.key is not None
        assert await socket.wait_for_close() == 4401
        assert socket.events(thread_id)
        assert await refusal_of(nobody, thread_id, f"?token={ann.key}") == 401
        assert ann.key not in server.log()


async def test_revoking_a_key_ends_what_its_socket_may_do(client: Client, admin: Client) -> None:
    """It is closed, by the revocation or by the next request, whichever comes first; what it says then is not stored."""
    made = (await admin.post("/v1/keys", {"name": "short"})).ok(201)
    thread_id = await client.thread()
    async with Client(client.urls, made["secret"]) as short, open_socket(short, thread_id) as socket:
        await socket.ask("send", message={"content": "hi"})
        (await admin.delete(f"/v1/keys/{made['id']}")).ok(204)
        with suppress(ConnectionError):
            await socket.say("send", message={"content": "hi"})
        assert await socket.wait_for_close() == 4401
    assert len([it for it in await client.history(thread_id) if it["role"] == "user"]) == 1


async def test_too_many_requests_are_refused_and_the_socket_lives(client: Client) -> None:
    """A client in a loop is told so; nothing of its own events is lost by it."""
    thread_id = await client.thread()
    async with open_socket(client, thread_id) as socket:
        # Nobody has to be asked about these: the pace is the client's alone, and not that of a store.
        refs = [await socket.say("dance") for _ in range(1500)]
        codes = [(await socket.reply_to(ref))["error"]["code"] for ref in refs]
        assert set(codes) == {"rate_limited", "invalid_request"}
        assert codes.count("invalid_request") >= 100


async def test_a_drain_cuts_sockets_and_a_restart_has_it_all(
    make_server: StartServer, installation: Installation, vendors: Mapping[str, str], upstream: Upstream
) -> None:
    """A socket in mid-answer is cut, never closed as if all were well; from its cursor the rest comes."""
    server = make_server(**vendors, THREADLINE_DRAIN_SECONDS="0.5").start()
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, chat("half ", ending="hang"), chat("half ", "whole"))
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        async with open_socket(client, thread_id) as socket:
            await socket.ask("send", message={"content": "x", "model": f"openai/{model}"})
            await socket.wait_for_type("message.delta")
            server.sigterm()
            assert await socket.wait_for_close() not in (1000, 1001)
            seen = socket.events(thread_id)
        assert await asyncio.to_thread(server.wait_for_exit) == 0
    await asyncio.to_thread(server.start)
    async with (
        Client(server.url, installation.key) as client,
        open_socket(client, thread_id, f"?after={seen[-1]['seq']}") as socket,
    ):
        await socket.wait_for_type("run.completed")
        assert seen + socket.events(thread_id) == [frame.data for frame in await client.log(thread_id)]


@pytest.mark.parametrize("sockets", [30])
async def test_a_whole_room_reads_the_same(client: Client, sockets: int) -> None:
    """Everybody in a room sees every token, in the same bytes, whoever asked."""
    thread_id = await client.thread()
    async with patience(), asyncio.TaskGroup() as tasks:

        async def read(number: int) -> list[object]:
            async with open_socket(client, thread_id, f"?after={number % 2}") as socket:
                await socket.wait_for_type("caught_up")
                here.release()
                await socket.wait_for_type("run.completed")
                return [(said["seq"], said) for said in socket.events(thread_id) if said["seq"] > 1]

        here = asyncio.Semaphore(0)
        readers = [tasks.create_task(read(number)) for number in range(sockets)]
        for _ in readers:
            await here.acquire()
        await client.ask(thread_id, "x", model="demo/count-200@400")
    logs = [reader.result() for reader in readers]
    assert all(log == logs[0] for log in logs)
    assert logs[0] == [(frame.id, frame.data) for frame in await client.log(thread_id, 1)]


async def test_who_is_gone_before_he_is_let_in_is_no_fault(
    make_server: StartServer, installation: Installation
) -> None:
    """A page that is closed while its socket opens: nobody is let in, and nothing is written down as an error."""
    server = make_server().start()
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        upgrade = (
            f"GET /v1/threads/{thread_id}/socket HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {installation.key}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        ).encode()
        for _ in range(50):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(upgrade)
            await writer.drain()
            writer.transport.abort()
        async with open_socket(client, thread_id) as socket:
            await socket.wait_for_type("caught_up")
