"""A fake OpenAI-compatible provider that talks at an exact pace: the place every token of the benchmark comes from.

`POST /v1/chat/completions` with `stream: true` answers in server-sent events, one write per token. The model's name
says how fast and how many: `t50x400` is 400 tokens at 50 a second, `t2000x5000-t50x500` is 5,000 quick ones and then
500 slow ones. Each token is a stamp (`bench/stamp.py`). `GET /v1/models` lists an example, `GET /stats` tells how
punctual it was.

It is a bare protocol on uvloop with httptools and one timer for all streams, so that it takes little of the machine
that it shares with what is measured. Run it as `python -m bench.upstream --port 9000`.
"""

import argparse
import asyncio
import contextlib
import ctypes
import heapq
import itertools
import os
import re
import time
from collections.abc import Iterator
from typing import Final, cast

import httptools
import msgspec
import uvloop

from bench import stamp

# The golden ratio's fraction puts any number of streams evenly over one interval, whatever moment each was asked for.
GOLDEN: Final = 0.6180339887498949
PART: Final = re.compile(r"t(\d+)x(\d+)")
MODEL: Final = re.compile(r"t\d+x\d+(-t\d+x\d+)*")
SSE_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
TICK_US: Final = 1000
TIMERFD_FLAGS: Final = os.O_NONBLOCK | os.O_CLOEXEC
TFD_TIMER_ABSTIME: Final = 1


def paces(model: str) -> list[tuple[int, int]]:
    """Return the (interval in ns, tokens) parts of a model's name; empty if the name is not one of ours."""
    if not MODEL.fullmatch(model):
        return []
    parts = [(int(rate), int(count)) for rate, count in PART.findall(model)]
    if any(rate == 0 for rate, _ in parts) or sum(count for _, count in parts) > stamp.TOKENS_MAX:
        return []
    return [(1_000_000_000 // rate, count) for rate, count in parts]


def intervals(parts: list[tuple[int, int]]) -> Iterator[int]:
    """Yield, for each token of an answer, the time from it to the next one in ns."""
    for interval_ns, count in parts:
        yield from itertools.repeat(interval_ns, count)


class Timer:
    """A kernel timer on the monotonic clock: uvloop's own timers round by a clock of theirs, early as often as late."""

    class _Spec(ctypes.Structure):
        _fields_ = tuple((name, ctypes.c_long) for name in ("every_s", "every_ns", "at_s", "at_ns"))

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.fd: int = self._libc.timerfd_create(time.CLOCK_MONOTONIC, TIMERFD_FLAGS)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._spec = self._Spec()
        self._pointer = ctypes.byref(self._spec)

    def wake_at(self, at_ns: int) -> None:
        """Become readable at this moment of the monotonic clock; a moment in the past means at once."""
        self._spec.at_s, self._spec.at_ns = divmod(max(at_ns, 1), 1_000_000_000)
        self._libc.timerfd_settime(self.fd, TFD_TIMER_ABSTIME, self._pointer, None)

    def clear(self) -> None:
        """Forget that it fired."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.fd, 8)


class Metronome:
    """Calls every stream when its next token is due, from one heap and one timer; knows how late it was.

    Due moments are rounded up to a grid, by default of one millisecond. Waking for every token by itself would be more
    exact, but the kernel's share of that (50 µs a token) takes a quarter of a small machine away from what is measured.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, tick_us: int) -> None:
        self._tick_ns = tick_us * 1000
        self._heap: list[tuple[int, int, Answer]] = []
        self._timer = Timer()
        self._serial = itertools.count(1)
        self._armed_ns = 0
        self.tokens = 0
        self.late_ns = 0
        self.late_ns_max = 0
        loop.add_reader(self._timer.fd, self._tick)

    def add(self, answer: "Answer", interval_ns: int) -> None:
        """Start an answer at its own phase: at most one interval from now."""
        serial = next(self._serial)
        phase_ns = int((serial * GOLDEN) % 1.0 * interval_ns)
        now_ns = time.monotonic_ns()
        due_ns = now_ns + (phase_ns - now_ns) % interval_ns
        heapq.heappush(self._heap, (due_ns, serial, answer))
        self._arm()

    def _tick(self) -> None:
        self._timer.clear()
        self._armed_ns = 0
        heap = self._heap
        now_ns = time.monotonic_ns()
        while heap and self._on_grid(heap[0][0]) <= now_ns:
            due_ns, serial, answer = heap[0]
            self._note(now_ns - self._on_grid(due_ns))
            interval_ns = answer.send_token()
            if interval_ns:
                heapq.heapreplace(heap, (due_ns + interval_ns, serial, answer))
            else:
                heapq.heappop(heap)
        self._arm()

    def _note(self, late_ns: int) -> None:
        self.tokens += 1
        self.late_ns += late_ns
        if late_ns > self.late_ns_max:
            self.late_ns_max = late_ns

    def _arm(self) -> None:
        if self._heap and self._heap[0][0] != self._armed_ns:
            self._armed_ns = self._heap[0][0]
            self._timer.wake_at(self._on_grid(self._armed_ns))

    def _on_grid(self, due_ns: int) -> int:
        return -(-due_ns // self._tick_ns) * self._tick_ns

    def stats(self) -> dict[str, float]:
        """Return how many tokens were sent since the last call and how late they were, and start again."""
        mean_us = self.late_ns / self.tokens / 1000 if self.tokens else 0.0
        found = {"tokens": self.tokens, "late_us_mean": mean_us, "late_ms_max": self.late_ns_max / 1e6}
        self.tokens = self.late_ns = self.late_ns_max = 0
        return found


class Answer:
    """One streamed answer on one connection: what each of its bytes is."""

    __slots__ = ("_after", "_closed", "_head", "_index", "_model", "_serial", "_tail", "_transport", "_whole")

    def __init__(self, transport: asyncio.Transport, serial: int, model: str) -> None:
        parts = paces(model)
        self._transport = transport
        self._serial = serial
        self._model = model
        self._after = intervals(parts)
        self._whole = sum(count for _, count in parts)
        self._index = 0
        self._closed = False
        # All token chunks of an answer are alike but for the stamp, whose width is fixed: encoded once.
        before, after = self._event({"content": "@"}, None).split(b"@")
        size = len(before) + stamp.LENGTH + 1 + len(after)
        self._head = b"%x\r\n%b" % (size, before)
        self._tail = after + b"\r\n"

    def open(self) -> None:
        """Send the response's head and the first chunk, which names the role, as OpenAI does."""
        self._transport.write(SSE_HEAD + _chunk(self._event({"role": "assistant", "content": ""}, None)))

    def send_token(self) -> int:
        """Send the next token; return the ns until the one after it, 0 when there is none or the reader went away."""
        interval_ns = next(self._after)
        if self._closed:
            return 0
        text = stamp.encode(self._index, time.monotonic_ns() // 1000)
        self._transport.write(self._head + text + self._tail)
        self._index += 1
        if self._index < self._whole:
            return interval_ns
        self._end()
        return 0

    def _end(self) -> None:
        usage = {"prompt_tokens": 1, "completion_tokens": self._whole, "total_tokens": self._whole + 1}
        frames = (self._event({}, "stop"), self._frame(choices=[], usage=usage), b"data: [DONE]\n\n")
        self._transport.write(b"".join(_chunk(frame) for frame in frames) + b"0\r\n\r\n")

    def _event(self, delta: dict[str, str], finish_reason: str | None) -> bytes:
        return self._frame(choices=[{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    def _frame(self, **fields: object) -> bytes:
        named = {"id": f"chatcmpl-{self._serial:08x}", "object": "chat.completion.chunk", "created": 1_760_000_000}
        return b"data: %b\n\n" % msgspec.json.encode({**named, "model": self._model, **fields})

    def close(self) -> None:
        """Stop at the next token: the reader went away."""
        self._closed = True


def _chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


class Request(msgspec.Struct):
    """The part of a chat completion request that matters here."""

    model: str = ""
    stream: bool = False


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection, kept alive between requests."""

    serials: Final = itertools.count(1)

    def __init__(self, metronome: Metronome) -> None:
        self._metronome = metronome
        self._answer: Answer | None = None
        self._path = b""
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer:
            self._answer.close()

    def on_url(self, url: bytes) -> None:
        self._path, self._body = url, b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._path == b"/v1/chat/completions":
            self._complete()
        elif self._path == b"/stats":
            self._reply(200, self._metronome.stats())
        elif self._path == b"/v1/models":
            self._reply(200, {"object": "list", "data": [{"id": "t50x400", "object": "model", "owned_by": "bench"}]})
        else:
            self._reply(404, _error("no such path"))

    def _complete(self) -> None:
        try:
            request = msgspec.json.decode(self._body, type=Request)
        except msgspec.MsgspecError as error:
            return self._reply(400, _error(str(error)))
        parts = paces(request.model)
        if not parts:
            return self._reply(404, _error("a model here is named like t50x400"))
        if not request.stream:
            return self._reply(200, _completion(request.model))
        self._answer = Answer(self._transport, next(self.serials), request.model)
        self._answer.open()
        return self._metronome.add(self._answer, parts[0][0])

    def _reply(self, status: int, content: object) -> None:
        body = msgspec.json.encode(content)
        head = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(head % (status, len(body)) + body)


def _error(message: str) -> dict[str, object]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


def _completion(model: str) -> dict[str, object]:
    message = {"role": "assistant", "content": "An answer in one piece."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 6, "total_tokens": 7}
    named = {"id": "chatcmpl-0", "object": "chat.completion", "created": 1_760_000_000, "model": model}
    return {**named, "choices": [choice], "usage": usage}


async def serve(port: int, tick_us: int) -> None:
    """Answer on 127.0.0.1 until the process is told to stop."""
    loop = asyncio.get_running_loop()
    metronome = Metronome(loop, tick_us)
    server = await loop.create_server(lambda: Connection(metronome), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


def main() -> None:
    """Read the port from the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tick-us", type=int, default=TICK_US, help="the grid that tokens are sent on")
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.tick_us))


if __name__ == "__main__":
    main()
