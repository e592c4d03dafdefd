"""Clients that do not read, do not ask, or do not speak HTTP: they hurt nobody but themselves."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from support.backends import BACKENDS
from support.client import Client, counted, said
from support.fixtures import Installation, StartServer
from support.server import Server
from support.waiting import PATIENCE_SECONDS, patience, until

MIB = 1024 * 1024
IN_ONE_PROCESS = pytest.mark.parametrize("backend", BACKENDS[:2], indirect=True)
"""What one process holds in memory is its windows and pages of its store; a bus carries seqs, whichever it is."""
LONG = " ".join(f"{number:04d}" + "x" * 995 for number in range(950))
"""An answer of 950 kB in 950 words."""


@asynccontextmanager
async def raw(server: Server, data: bytes = b"") -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection of our own that has sent these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(data)
        await writer.drain()
        yield reader, writer
    finally:
        writer.close()


def deaf(server: Server, request: bytes) -> socket.socket:
    """Connect with the smallest buffer there is, ask, and never read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.connect(("127.0.0.1", server.port))
    connection.sendall(request)
    return connection


def asking(path: str, key: str) -> bytes:
    """Return a request in HTTP/1.1."""
    return f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n".encode()


@IN_ONE_PROCESS
async def test_readers_that_never_read_stop_nobody_and_fill_no_memory(
    make_server: StartServer, installation: Installation
) -> None:
    """Forty of them on threads with megabytes of answers: others get theirs whole, and the process stays small."""
    server = make_server(THREADLINE_DEFAULT_MODEL="demo/echo@max").start()
    async with Client(server.url, installation.key) as client:
        thread_id = await client.thread()
        await client.ask(thread_id, "warm up")
        before = server.resident_bytes()
        path = f"/v1/threads/{thread_id}/events"
        live = [deaf(server, asking(path, installation.key)) for _ in range(20)]
        try:
            async with client.events(thread_id) as follow:

                async def read_all() -> None:
                    while follow.events().count("run.completed") < 9:
                        await follow.read_until("run.completed")

                # Meanwhile: whoever does not read for a minute is one of the others.
                reading = asyncio.create_task(read_all())
                for _ in range(6):
                    await client.ask(thread_id, LONG)
                late = [deaf(server, asking(path, installation.key)) for _ in range(20)]
                live += late
                for _ in range(2):
                    await client.ask(thread_id, LONG)
                await reading
            numbers = [frame.id for frame in follow.frames if frame.id is not None]
            assert numbers == list(range(1, len(numbers) + 1))
            words = [frame.data["message"] for frame in follow.frames if frame.event == "message.completed"]
            assert [message["content"][0]["text"] == LONG for message in words[1:]] == [True] * 8
            grown = server.resident_bytes() - before
            # Forty readers who are 34 MB behind: what is kept for each is a page of the log and one large event.
            assert grown < 250 * MIB, f"{grown / MIB:.0f} MiB more"
        finally:
            for connection in live:
                connection.close()


async def test_a_slow_reader_misses_nothing(client: Client) -> None:
    """Who sleeps while more passes than is kept in memory goes on from the store, without a gap."""
    thread_id = await client.thread()
    async with client.events(thread_id) as follow:
        await follow.read_until("caught_up")
        for _ in range(4):
            await client.ask(thread_id, LONG)
        while follow.events().count("run.completed") < 4:
            await follow.read_until("run.completed")
    numbers = [frame.id for frame in follow.frames if frame.id is not None]
    assert numbers == list(range(1, len(numbers) + 1))
    assert said(follow.frames) == LONG * 4


@IN_ONE_PROCESS
async def test_a_huge_backlog_is_replayed_in_pieces(client: Client, server: Server) -> None:
    """Megabytes of log come as many writes of bounded size, and the server does not hold them all at once."""
    thread_id = await client.thread()
    for _ in range(5):
        await client.ask(thread_id, LONG)
    before = server.resident_bytes()
    sizes: list[int] = []
    peak = before
    async with client.events(thread_id) as follow, patience():
        body = b""
        async for data, is_whole in follow.response.content.iter_chunks():
            assert is_whole or data
            sizes.append(len(data))
            assert len(data) <= 64 * 1024 or data.count(b"\nevent: ") <= 1
            body = body[-100:] + data
            if len(sizes) % 10 == 0:
                peak = max(peak, server.resident_bytes())
            if b"event: caught_up" in body:
                break
    assert sum(sizes) > 9 * MIB
    # What is larger than 64 KiB is one frame: a whole message, or as much of an answer as came at once.
    assert len(sizes) > 25
    assert peak - before < 60 * MIB


async def test_many_readers_of_one_thread_see_the_same_bytes(client: Client) -> None:
    """A hundred who watch one answer, half of them from its middle, all hold what the log holds."""
    thread_id = await client.thread()
    begin = asyncio.Event()

    async def watch(is_late: bool) -> bytes:
        if is_late:
            await begin.wait()
        async with client.events(thread_id) as follow:
            await follow.read_until("run.completed")
        return b"\n\n".join(frame.raw for frame in follow.frames if frame.id is not None)

    readers = [asyncio.create_task(watch(number % 2 == 1)) for number in range(100)]
    async with client.send_stream(thread_id, "x", model="demo/count-200@200") as stream:
        for _ in range(5):
            await stream.read_until("message.delta")
        begin.set()
        await stream.read_to_end()
    seen = set(await asyncio.gather(*readers))
    assert seen == {b"\n\n".join(frame.raw for frame in await client.log(thread_id))}
    assert said(stream.frames) == counted(200)


@pytest.mark.parametrize("backend", BACKENDS[:1], indirect=True)
async def test_two_thousand_silent_connections_do_not_stop_service(
    make_server: StartServer, installation: Installation
) -> None:
    """Connections that say nothing, or half a head, cost little, let others be served, and are closed in time.

    While they are waited for: a quiet stream has its heartbeat, and stays open.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = make_server(THREADLINE_DEFAULT_MODEL="demo/echo@max").start()
    silent: list[socket.socket] = []
    try:
        async with Client(server.url, installation.key) as client:
            thread_id = await client.thread()
            before = server.resident_bytes()
            for number in range(2000):
                silent.append(socket.create_connection(("127.0.0.1", server.port), timeout=60))
                if number % 2:
                    silent[-1].sendall(b"POST /v1/threads HTTP/1.1\r\nhost: x\r\nauthoriz")
            assert (await client.ask(thread_id, "x"))["run"]["status"] == "completed"
            assert server.resident_bytes() - before < 150 * MIB
            end = len(await client.log(thread_id))
            async with client.events(thread_id, after="now") as follow, patience():
                await follow.read_until("caught_up")
                await follow.wait_for_comment()
                assert set(follow.comments) == {"heartbeat"}
                # All of them are closed by the server, not by us.
                for connection in silent:
                    connection.settimeout(PATIENCE_SECONDS)
                    assert await asyncio.to_thread(_is_closed, connection)
                await client.patch(f"/v1/threads/{thread_id}", {"title": "still here"})
                assert (await follow.read_until("thread.updated")).id == end + 1
    finally:
        for connection in silent:
            connection.close()


def _is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(4096) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n" + b"".join(b"h%d: x\r\n" % number for number in range(500)) + b"\r\n",
        b"POST /v1/threads HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n",
        b"POST /v1/threads HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["tls", "words", "version", "long header", "many headers", "length", "chunk"],
)
async def test_what_is_no_http_is_shown_the_door(server: Server, client: Client, data: bytes) -> None:
    """Garbage gets an error or nothing, and its connection is closed; the server does not notice."""
    async with raw(server, data) as (reader, _), patience():
        try:
            answer = await reader.read()
        except ConnectionError:
            answer = b""
    assert not answer or answer.startswith(b"HTTP/1.1 4"), answer[:100]
    assert (await client.get("/healthz")).status == 200


@pytest.mark.parametrize("endless", [b"GET /", b"GET /healthz HTTP/1.1\r\nx: "], ids=["address", "header"])
async def test_a_later_head_is_bounded_like_the_first_one(server: Server, client: Client, endless: bytes) -> None:
    """Who was served once on a connection may not fill our memory with the head of the next request."""
    first = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    async with raw(server, first) as (reader, writer), patience():
        assert (await reader.readuntil(b'{"status":"ok"}')).startswith(b"HTTP/1.1 200")
        with suppress(ConnectionError):
            writer.write(endless)
            for _ in range(64):
                writer.write(b"a" * 65536)
                await writer.drain()
        with suppress(ConnectionError):
            answer = await reader.read()
            assert not answer or answer.startswith(b"HTTP/1.1 400"), answer[:100]
    assert (await client.get("/healthz")).status == 200


async def test_a_client_that_leaves_in_the_middle_of_its_body_has_sent_nothing(server: Server, client: Client) -> None:
    """Half a body is no send."""
    thread_id = await client.thread()
    head = (
        f"POST /v1/threads/{thread_id}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {client.key}\r\n"
        'content-type: application/json\r\ncontent-length: 20\r\n\r\n{"content"'
    )
    async with raw(server, head.encode()):
        await asyncio.sleep(0.05)
    await client.ask(thread_id, "x")
    assert len(await client.history(thread_id)) == 2


async def test_a_client_that_leaves_after_its_body_has_sent(server: Server, client: Client) -> None:
    """A whole send whose answer nobody waits for is answered all the same, once."""
    thread_id = await client.thread()
    body = b'{"content": "x", "model": "demo/count-20@100"}'
    head = (
        f"POST /v1/threads/{thread_id}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {client.key}\r\n"
        f"content-type: application/json\r\nidempotency-key: gone\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    async with raw(server, head.encode() + body):

        async def is_stored() -> bool:
            return len(await client.history(thread_id)) == 2

        await until(is_stored, "the send")
    again = await client.send(thread_id, "x", key="gone", model="demo/count-20@100")
    assert again.ok(200)["run"]["status"] == "completed"
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json["reply"]["content"][0]["text"] == counted(20)


async def test_readers_that_leave_are_forgotten(client: Client, nobody: Client) -> None:
    """After fifty readers have come and gone, none is counted any more."""

    async def readers() -> float:
        text = (await nobody.get("/metrics")).body.decode()
        return float(next(line for line in text.splitlines() if line.startswith("threadline_readers ")).split()[1])

    before = await readers()
    thread_id = await client.thread()

    async def come_and_go() -> None:
        async with client.events(thread_id) as follow:
            await follow.read_until("caught_up")

    await asyncio.gather(*(come_and_go() for _ in range(50)))

    async def are_gone() -> bool:
        return await readers() <= before

    await until(are_gone, "that all readers are gone")
