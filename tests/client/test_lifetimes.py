"""Who closes what: loops that are left, tasks that are cancelled, streams that are entered."""

import asyncio
import gc

import pytest

from support.waiting import PATIENCE_SECONDS
from threadline.client import AsyncThreadline, Threadline, events

from . import wire_samples as wire
from .scripted_server import Exchange, ScriptedServer, stream
from .speakers import QUICK

FRAMES = wire.answered("Hel", "lo ", "you")


class Watched:
    """An answer that stalls after some events, and knows when its client has left."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        try:
            await exchange.begin(headers=wire.RUN_HEADERS)
            for each in FRAMES[:5]:
                await exchange.piece(each)
            await exchange.wait_until_gone()
        finally:  # A client that leaves while it is written to is a ConnectionError here.
            self.gone.set()

    async def wait_until_left(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.gone.wait()


async def test_a_cancelled_task_drops_its_connection(server: ScriptedServer) -> None:
    """Cancelling the task that reads is not a break: it ends at once, raises nothing of ours, and closes."""
    watched = Watched()
    server.answer(watched)
    read_enough = asyncio.Event()

    async def read(client: AsyncThreadline) -> None:
        async for event in client.threads.send("thr_1", "hello"):
            if event.seq == 6:
                read_enough.set()

    async with AsyncThreadline(server.url, backoff=QUICK) as client:
        reading = asyncio.create_task(read(client))
        await read_enough.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await watched.wait_until_left()


async def test_a_cancelled_task_does_not_wait_out_its_pause(server: ScriptedServer) -> None:
    """Cancelling a task that waits for a server to come back ends the wait."""
    server.vanish()
    paused = asyncio.Event()
    async with AsyncThreadline(server.url) as client:
        stream = client.threads.send("thr_1", "hello", on_reconnect=lambda *_: paused.set())
        opening = asyncio.create_task(stream.open())
        await paused.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert (stream.run_id, stream.last_seq) == (None, None)


async def test_leaving_a_loop_drops_the_connection(server: ScriptedServer) -> None:
    """`break` without a context manager holds no connection: at once when blocking, soon in asyncio."""

    def left_by_break() -> None:
        with Threadline(server.url, backoff=QUICK) as client:
            for event in client.threads.send("thr_1", "hello"):
                if isinstance(event, events.MessageDelta):
                    break
            loop.call_soon_threadsafe(checked.set)
            blocking.result = asyncio.run_coroutine_threadsafe(watched[0].wait_until_left(), loop).result(
                PATIENCE_SECONDS
            )

    class blocking:
        result: object = "not yet"

    loop, checked, watched = asyncio.get_running_loop(), asyncio.Event(), [Watched(), Watched()]
    server.answer(*watched)
    await asyncio.to_thread(left_by_break)
    assert blocking.result is None
    async with AsyncThreadline(server.url, backoff=QUICK) as client:
        async for event in client.threads.send("thr_1", "hello"):
            if isinstance(event, events.MessageDelta):
                break
        gc.collect()
        await watched[1].wait_until_left()


async def test_leaving_a_text_stream_drops_the_connection(server: ScriptedServer) -> None:
    """The same holds one level up."""
    watched = Watched()
    server.answer(watched)
    async with AsyncThreadline(server.url, backoff=QUICK) as client:
        async for piece in client.threads.send("thr_1", "hello").text_stream():
            assert piece == "Hel"
            break
        await watched.wait_until_left()


async def test_entering_connects_and_leaving_drops(server: ScriptedServer) -> None:
    """Who enters a stream knows that the message was taken, and who leaves it holds nothing."""
    watched = [Watched(), Watched()]
    server.answer(*watched)

    def blocking() -> str | None:
        with client.threads.send("thr_1", "hello") as stream:
            return stream.run_id

    with Threadline(server.url, backoff=QUICK) as client:
        assert await asyncio.to_thread(blocking) == "run_1"
        await watched[0].wait_until_left()
    async with AsyncThreadline(server.url, backoff=QUICK) as nonblocking:
        lazy = nonblocking.threads.send("thr_1", "hello")
        assert len(server.seen) == 1
        async with lazy as entered:
            assert entered.run_id == "run_1"
        await watched[1].wait_until_left()


async def test_many_streams_share_a_client(server: ScriptedServer) -> None:
    """A hundred answers at a time through one client, each cut once, each whole."""

    async def cut_then_finish(exchange: Exchange) -> None:
        first = exchange.seen.method == "POST"
        frames = FRAMES[:4] if first else FRAMES[4:]
        await stream(*frames, then="cut" if first else "end", headers=wire.RUN_HEADERS)(exchange)

    server.otherwise = cut_then_finish
    async with AsyncThreadline(server.url, backoff=QUICK) as client:
        results = await asyncio.gather(*(client.threads.send_and_wait("thr_1", "hello") for _ in range(100)))
    assert [result.text for result in results] == ["Hello you"] * 100
    assert len(server.seen) == 200
