"""What a poll reads from the socket by itself is what aiohttp would have read, however it is cut."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from support.waiting import PATIENCE_SECONDS
from threadline.errors import ProviderFailure
from threadline.providers.failures import Failures
from threadline.providers.http import HttpRequest, Pool
from threadline.providers.tap import READ_BYTES, Tap

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
EVENTS = [b"data: %d %b\n\n" % (number, b"x" * (number * 37 % 300)) for number in range(120)]


class Taken:
    """How often a tap took a body out of its chunks by itself."""

    times = 0


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Taken:
    """Count."""
    counted = Taken()
    real: Callable[[Tap, bytes], bytes] = Tap._out_of_chunks

    def counting(tap: Tap, data: bytes) -> bytes:
        counted.times += 1
        return real(tap, data)

    monkeypatch.setattr(Tap, "_out_of_chunks", counting)
    return counted


@asynccontextmanager
async def saying(pieces: Sequence[bytes], hang_up: bool = False) -> AsyncIterator[tuple[Pool, str, list[int]]]:
    """Serve these bytes, piece by piece, to every request. The list counts the connections."""
    connections: list[int] = []
    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        serving.add(asyncio.current_task())
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.0005)
                if hang_up:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    pool = Pool(Failures("openai", "openai"), {})
    host, port = server.sockets[0].getsockname()
    async with asyncio.timeout(PATIENCE_SECONDS):  # Words that are lost on the way are waited for; not for ever.
        yield pool, f"http://{host}:{port}/", connections
    await pool.close()
    server.close()
    await asyncio.gather(*(task for task in serving if task is not None))


async def polled(
    pool: Pool, url: str, source: random.Random | None = None, keep: Callable[[bytes], object] | None = None
) -> bytes:
    """Read a body as a busy engine does: polled where it can be, and waited for in between."""
    seen: list[bytes] = []
    keep = keep or seen.append
    with await pool.send(HttpRequest(url, {}, b"")) as response:
        while part := await response.read():
            keep(part)
            while (part := response.read_nowait()) is not None:
                keep(part)
                if source is not None and source.random() < 0.05:
                    break
                await asyncio.sleep(0.002)
    return b"".join(seen)


def in_chunks(parts: Sequence[bytes], end: bytes = b"0\r\n\r\n", extension: bytes = b"") -> bytes:
    """Return a chunked body."""
    return b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts) + end


def cut_anywhere(data: bytes, source: random.Random, size_max: int) -> list[bytes]:
    """Return the bytes in pieces of any size."""
    pieces = []
    while data:
        size = source.randint(1, size_max)
        pieces.append(data[:size])
        data = data[size:]
    return pieces


@pytest.mark.parametrize("size_max", [40, 700, 20_000])
@pytest.mark.parametrize("seed", range(4))
async def test_a_body_in_chunks_is_read_whole(taken: Taken, seed: int, size_max: int) -> None:
    """Chunks cut anywhere by the network, polled or waited for by turns: every byte once, in order."""
    source = random.Random(seed)
    # As a vendor sends them, until our tap knows where it is; then anyhow.
    whole = [in_chunks([event], end=b"") for event in EVENTS[:40]]
    pieces = [CHUNKED, *whole, *cut_anywhere(in_chunks(EVENTS[40:]), source, size_max)]
    async with saying(pieces) as (pool, url, connections):
        for _ in range(2):
            assert await polled(pool, url, source) == b"".join(EVENTS)
        assert len(connections) == 1, "the connection was good for a second question"
    assert taken.times


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(in_chunks(EVENTS[9:], extension=b";a=b"), id="extensions"),
        pytest.param(in_chunks([b"".join(EVENTS[9:]) * 20 + b"y" * READ_BYTES]), id="a huge chunk"),
        pytest.param(in_chunks(EVENTS[9:], end=b"0\r\ntrailer: yes\r\n\r\n"), id="a trailer"),
    ],
)
async def test_unusual_chunks_go_back_to_the_parser(taken: Taken, rest: bytes) -> None:
    """What is not plain is given back in mid-body, and nothing is lost on the way."""
    plain = [in_chunks([event], end=b"") for event in EVENTS[:9]]
    pieces = [CHUNKED, *plain, *cut_anywhere(rest, random.Random(2), 5000)]
    async with saying(pieces) as (pool, url, connections):
        waited = b""
        with await pool.send(HttpRequest(url, {}, b"")) as response:
            while part := await response.read():
                waited += part
        assert await polled(pool, url) == waited
        assert len(waited) >= sum(map(len, EVENTS))
        assert len(connections) == 1
    assert taken.times


@pytest.mark.parametrize("rest", [b"", b"5", b"5\r\n", b"5\r\nhel", b"5\r\nhello"])
async def test_a_body_that_is_cut_is_told(taken: Taken, rest: bytes) -> None:
    """A body that breaks off, between chunks or within one, gives what came before, and then the failure."""
    pieces = [CHUNKED, *(in_chunks([event], end=b"") for event in EVENTS[:20]), rest]
    seen: list[bytes] = []
    async with saying(pieces, hang_up=True) as (pool, url, _):
        with pytest.raises(ProviderFailure):
            await polled(pool, url, keep=seen.append)
    assert b"".join(seen).startswith(b"".join(EVENTS[:20]))
    assert taken.times


async def test_a_body_without_chunks_is_polled_through_the_parser(taken: Taken) -> None:
    """A body of a known length, and one that ends with its connection."""
    whole = b"".join(EVENTS)
    known = HEAD + b"content-length: %d\r\n\r\n" % len(whole)
    async with saying([known, *cut_anywhere(whole, random.Random(3), 700)]) as (pool, url, connections):
        assert [await polled(pool, url) for _ in range(2)] == [whole, whole]
        assert len(connections) == 1
    until_end = HEAD + b"connection: close\r\n\r\n"
    async with saying([until_end, *cut_anywhere(whole, random.Random(4), 700)], hang_up=True) as (pool, url, _):
        assert await polled(pool, url) == whole
    assert not taken.times


async def test_leaving_while_polled_closes_the_connection(taken: Taken) -> None:
    """Whoever leaves in mid-body takes the connection with him; the next question gets one of its own."""
    async with saying([CHUNKED, *(in_chunks([event], end=b"") for event in EVENTS)]) as (pool, url, connections):
        for _ in range(2):
            with await pool.send(HttpRequest(url, {}, b"")) as response:
                await response.read()
                while not taken.times:
                    response.read_nowait()
                    await asyncio.sleep(0.001)
            taken.times = 0
        assert len(connections) == 2
