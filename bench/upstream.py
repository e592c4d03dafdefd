"""A fake OpenAI-compatible provider that talks at an exact pace: the place every token of the benchmark comes from.

`POST /v1/chat/completions` with `stream: true` answers in server-sent events, one write per token. The model's name says
how fast and how many: `t50x400` is 400 tokens at 50 a second, `t2000x5000-t50x500` is 5,000 quick ones and then 500 slow
ones. Each token is a stamp (`bench/stamp.py`). `GET /v1/models` lists an example, `GET /stats` tells how punctual it was.

It is a bare protocol on uvloop with httptools and one timer for all streams, so that it takes little of the machine
that it shares with what is measured. Run it as `python -m bench.upstream --port 9000`.
"""

import argparse
import asyncio
import ctypes
import heapq
import itertools
import os
import re
import signal
import time
from collections.abc import Iterator
from typing import Any, Final

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
    """A kernel timer with nanosecond deadlines, because the event loop's own timers are rounded to milliseconds.

    Rounded ticks would come in groups, and a server that is woken once for ten tokens looks cheaper than it is.
    """

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
        try:
            os.read(self.fd, 8)
        except BlockingIOError:
            pass


class Metronome:
    """Calls every stream when its next token is due, from one heap and one timer; knows how late it was."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
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
        while heap and heap[0][0] <= now_ns:
            due_ns, serial, answer = heap[0]
            self._note(now_ns - due_ns)
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
            self._timer.wake_at(self._armed_ns)

    def stats(self) -> dict[str, float]:
        """Return how many tokens were sent since the last call and how late they were, and start again."""
        mean_us = self.late_ns / self.tokens / 1000 if self.tokens else 0.0
        found = {"tokens": self.tokens, "late_us_mean": mean_us, "late_ms_max": self.late_ns_max / 1e6}
        self.tokens = self.late_ns = self.late_ns_max = 0
        return found


class Answer:
    """One streamed answer on one connection."""

    __slots__ = ("_after", "_closed", "_head", "_index", "_tail", "_transport", "_whole")

    def __init__(self, transport: asyncio.Transport, serial: int, model: str) -> None:
        parts = paces(model)
        self._transport = transport
        self._after = intervals(parts)
        self._whole = sum(count for _, count in parts)
        self._index = 0
        self._closed = False
        head, self._tail = _token_frame(serial, model)
        size = len(head) + stamp.LENGTH + 1 + len(self._tail)
        self._head = b"%x\r\n%b" % (size, head)
        self._tail += b"\r\n"

    def open(self, serial: int, model: str) -> None:
        """Send the response's head and the first chunk, which names the role, as OpenAI does."""
        self._transport.write(SSE_HEAD + _chunk(_event(serial, model, {"role": "assistant", "content": ""}, None)))

    def send_token(self) -> int:
        """Send the next token; return the ns to the one after it, or 0 when the answer has ended or its reader went."""
        interval_ns = next(self._after, 0)
        if self._closed or not interval_ns:
            return 0
        text = stamp.encode(self._index, time.monotonic_ns() // 1000)
        self._transport.write(self._head + text + self._tail)
        self._index += 1
        if self._index == self._whole:
            self._end()
            return 0
        return interval_ns

    def _end(self) -> None:
        serial, model = 0, "end"
        usage = {"prompt_tokens": 1, "completion_tokens": self._whole, "total_tokens": self._whole + 1}
        last = _frame({"id": "x", "object": "chat.completion.chunk", "created": 0, "model": model, "choices": [], "usage": usage})
        self._transport.write(
            _chunk(_event(serial, model, {}, "stop")) + _chunk(last) + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
        )

    def close(self) -> None:
        """The reader went away."""
        self._closed = True
