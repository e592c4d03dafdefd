"""The reader: opens many streams at once, and tells for every token how late it came and whether any is missing.

It runs in a process of its own, so that its work is not counted as the server's: `python -m bench.load`, with a `Job`
as one line of JSON on its standard input. It prints `{"ready": N}` when all streams are open (see `Job.ready_mark`)
and then one `Summary`. A bare protocol on uvloop; httptools takes the chunked encoding away and a regular expression
finds the stamps, so any wire format will do.
"""

import array
import asyncio
import itertools
import re
import sys
import time
import zlib
from collections.abc import Iterable, Iterator
from typing import Final, cast

import httptools
import msgspec
import uvloop

from bench import stamp

# Longer than a stamp and than every mark: what must be kept of one read to find what the next one completes.
TAIL: Final = 63
NUMBER_OR_STAMP: Final = re.compile(rb"id: ?\d+\n|" + stamp.PATTERN.pattern)
ERRORS_MAX: Final = 5


class Job(msgspec.Struct, kw_only=True):
    """What to open and what to expect."""

    port: int
    requests: list[str]
    """One whole HTTP request a stream."""
    ports: list[int] = []
    """Where each request goes, in the same order, where not all go to `port`."""
    tokens: int = 0
    """How many tokens each stream must bring."""
    ramp_s: float = 0.02
    """The streams are opened evenly over this time."""
    settle_s: float = 1.0
    """Tokens stamped this long after the start also count as settled."""
    timeout_s: float = 60.0
    end_mark: str = ""
    """Stamps from here on are a repetition (the whole message at the end), not tokens."""
    done_mark: str = ""
    """A stream is done when it has this; without it, when its response ends."""
    ready_mark: str = ""
    """A stream is open when it has this; without it, when its response begins."""
    digest: bool = False
    """Compare what the streams got with each other: every event number and every stamp, in order."""
    hold: bool = False
    """Stay open until standard input closes, expecting nothing."""


class Spread(msgspec.Struct):
    """A distribution in milliseconds."""

    p50: float
    p99: float
    max: float


class Summary(msgspec.Struct, kw_only=True):
    """What came of a job."""

    streams: int
    failed: int
    errors: list[str]
    expected: int
    tokens: int
    lost: int
    doubled: int
    disordered: int
    agreed: bool
    events: int
    latency_ms: Spread
    settled_ms: Spread
    first_token_ms: Spread
    last_token_late_ms: Spread
    seconds: float
    """From the first request to the last token."""
    rate: float
    """Tokens a second over that time."""
    cpu_s: float
    """What the readers themselves used, opening and reading, without the adding up."""

    @property
    def exact(self) -> bool:
        """Whether every stream had every token once and in order."""
        return not (self.failed or self.lost or self.doubled or self.disordered)


def spread(values_ms: Iterable[float]) -> Spread:
    """Return the median, the 99th percentile and the maximum; zeros for nothing."""
    ordered = sorted(values_ms)
    if not ordered:
        return Spread(0.0, 0.0, 0.0)
    last = len(ordered) - 1
    return Spread(ordered[round(last * 0.5)], ordered[round(last * 0.99)], ordered[last])


class Reader(asyncio.Protocol):
    """One stream: its connection, and every piece that came over it.

    While streams run it only keeps the pieces and looks for marks; they are read when all is over, so that the reading
    takes nothing from the server that is measured.
    """

    def __init__(self, job: Job, request: str) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[None] = loop.create_future()
        self.error = ""
        self.sent_us = 0
        self.pieces: list[tuple[int, bytes]] = []
        """When each piece of the body came, in µs, and what it was."""
        self._job = job
        self._request = request.encode()
        self._ready_mark = job.ready_mark.encode()
        self._done_mark = job.done_mark.encode()
        self._tail = b""
        self._now_us = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)
        self.sent_us = time.monotonic_ns() // 1000
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._now_us = time.monotonic_ns() // 1000
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.fail(f"unreadable response: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail("the connection was cut")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status != 200:
            self.fail(f"status {status}")
        elif not self._ready_mark:
            self._settle(self.opened)

    def on_body(self, body: bytes) -> None:
        if not self._job.hold:
            self.pieces.append((self._now_us, body))
        if self._ready_mark or self._done_mark:
            self._look_for_marks(self._tail + body)
            self._tail = body[-TAIL:]

    def on_message_complete(self) -> None:
        if self._done_mark or self._job.hold:
            self.fail("the response ended early")
        else:
            self._finish()

    def _look_for_marks(self, data: bytes) -> None:
        if self._ready_mark and self._ready_mark in data:
            self._settle(self.opened)
            self._ready_mark = b""
        if self._done_mark and self._done_mark in data:
            self._finish()

    def _finish(self) -> None:
        self._settle(self.opened)
        self._settle(self.done)
        self._transport.close()

    def refuse(self, error: str) -> None:
        """Note that there never was a connection."""
        self.error = error
        self._settle(self.opened)
        self._settle(self.done)

    def fail(self, error: str) -> None:
        """End this stream with a reason, unless it has ended already."""
        if not self.done.done():
            self.error = error
            self._finish()

    @staticmethod
    def _settle(future: asyncio.Future[None]) -> None:
        if not future.done():
            future.set_result(None)


class Found:
    """What the pieces of one stream hold: the number, the stamp and the arrival of every token."""

    def __init__(self, job: Job, pieces: list[tuple[int, bytes]]) -> None:
        self.indices = array.array("I")
        self.stamps_us = array.array("q")
        self.arrivals_us = array.array("q")
        self.events = 0
        self.digest = 0
        self._pattern = NUMBER_OR_STAMP if job.digest else stamp.PATTERN
        tail = b""
        end_mark = job.end_mark.encode()
        for now_us, body in pieces:
            data = tail + body
            stop = data.find(end_mark) if end_mark else -1
            until = self._count(data if stop < 0 else data[:stop], now_us)
            if stop >= 0:
                break
            tail = data[max(until, len(data) - TAIL) :]

    def _count(self, data: bytes, now_us: int) -> int:
        """Note what is in this piece; return where the last of it ended."""
        until = 0
        for match in self._pattern.finditer(data):
            until = match.end()
            self.digest = zlib.crc32(match[0], self.digest)
            if match[1] is None:
                self.events += 1
            else:
                self.indices.append(int(match[1], 16))
                self.stamps_us.append(int(match[2], 16))
                self.arrivals_us.append(now_us)
        return until

    @property
    def late_us(self) -> Iterator[tuple[int, int]]:
        """Every token's stamp, and how long after it the token came."""
        pairs = zip(self.stamps_us, self.arrivals_us, strict=True)
        return ((stamped_us, arrived_us - stamped_us) for stamped_us, arrived_us in pairs)

    @property
    def steps_back(self) -> int:
        """How often a token came that stands before the one that came before it."""
        return sum(after < before for before, after in itertools.pairwise(self.indices))


async def open_streams(job: Job) -> list[Reader]:
    """Open all streams, evenly over the ramp; a refused connection is noted as that stream's error."""
    loop = asyncio.get_running_loop()
    readers = [Reader(job, request) for request in job.requests]
    step_s = job.ramp_s / max(1, len(readers))
    start_s = loop.time()

    async def open_one(number: int, reader: Reader) -> None:
        await asyncio.sleep(start_s + number * step_s - loop.time())
        try:
            port = job.ports[number] if job.ports else job.port
            await loop.create_connection(lambda: reader, "127.0.0.1", port)
        except OSError as error:
            reader.refuse(str(error))

    async with asyncio.TaskGroup() as group:
        for number, reader in enumerate(readers):
            group.create_task(open_one(number, reader))
    return readers


async def wait_for(readers: list[Reader], what: str, timeout_s: float) -> None:
    """Wait until every reader is `opened` or `done`; those that are not in time fail."""
    futures = [getattr(reader, what) for reader in readers]
    await asyncio.wait(futures, timeout=timeout_s)
    for reader in readers:
        if not getattr(reader, what).done():
            reader.fail(f"not {what} after {timeout_s:.0f} s")


def say(content: object) -> None:
    """Print one line of JSON for the process that waits for it."""
    sys.stdout.write(msgspec.json.encode(content).decode() + "\n")
    sys.stdout.flush()


async def perform(job: Job) -> None:
    """Do the job and print what came of it."""
    start_us = time.monotonic_ns() // 1000
    used_s = time.process_time()
    readers = await open_streams(job)
    await wait_for(readers, "opened", job.timeout_s)
    say({"ready": sum(not reader.error for reader in readers)})
    if job.hold:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, sys.stdin.read)
    else:
        await wait_for(readers, "done", job.timeout_s)
    used_s = time.process_time() - used_s
    say(summarise(job, readers, start_us, used_s))


def summarise(job: Job, readers: list[Reader], start_us: int, used_s: float) -> Summary:
    """Put all streams' findings together."""
    found = [Found(job, reader.pieces) for reader in readers]
    tokens = sum(len(one.indices) for one in found)
    distinct = sum(len(set(one.indices)) for one in found)
    late = [pair for one in found for pair in one.late_us]
    settled_us = start_us + int(job.settle_s * 1e6)
    spoken = [(reader, one) for reader, one in zip(readers, found, strict=True) if one.indices]
    seconds = (max((one.arrivals_us[-1] for _, one in spoken), default=start_us) - start_us) / 1e6
    return Summary(
        streams=len(readers),
        failed=sum(bool(reader.error) for reader in readers),
        errors=sorted({reader.error for reader in readers if reader.error})[:ERRORS_MAX],
        expected=job.tokens * len(readers),
        tokens=tokens,
        lost=job.tokens * len(readers) - distinct,
        doubled=tokens - distinct,
        disordered=sum(one.steps_back for one in found),
        agreed=len({(one.digest, one.events) for one in found}) == 1,
        events=sum(one.events for one in found),
        latency_ms=spread(late_us / 1000 for _, late_us in late),
        settled_ms=spread(late_us / 1000 for stamped_us, late_us in late if stamped_us >= settled_us),
        first_token_ms=spread((one.arrivals_us[0] - reader.sent_us) / 1000 for reader, one in spoken),
        last_token_late_ms=spread((one.arrivals_us[-1] - one.stamps_us[-1]) / 1000 for _, one in spoken),
        seconds=seconds,
        rate=tokens / seconds if seconds else 0.0,
        cpu_s=used_s,
    )


def main() -> None:
    """Read the job from standard input and do it."""
    job = msgspec.json.decode(sys.stdin.readline(), type=Job)
    uvloop.run(perform(job))


if __name__ == "__main__":
    main()
