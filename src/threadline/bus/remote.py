"""What the buses outside of this process share: a connection that comes back by itself, and a queue that never waits.

While the bus is away nudges are dropped; readers of other nodes then learn from the slow poll what they were not told.
"""

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from itertools import chain

from threadline.bus.contract import Listener, Nudge, Whisper, WhisperListener
from threadline.bus.wire import from_message, from_whispered, is_whispered, to_messages, to_whispered
from threadline.ids import ThreadId
from threadline.observe import log

ANSWER_SECONDS = 5.0
"""How long the other side may take for anything. After that the connection is given up."""

PING_SECONDS = 5.0
"""How often a connection on which nothing is sent is tried: some go away without a word."""

RECONNECT_SECONDS_MIN = 0.1
RECONNECT_SECONDS_MAX = 3.0

PENDING_MAX = 10_000
"""Threads that may wait to be told about. Beyond it the poll tells of them."""

WHISPERS_PENDING_MAX = 2_000
"""Whispers that may wait while the wire is busy. The oldest go first: a newer one says more."""

Say = Callable[[str], Awaitable[None]]
"""Sends one message; an empty one only asks whether somebody is there. Raises whatever its library raises."""


class RemoteBus(ABC):
    """One node's connection to a bus that is a server."""

    def __init__(self) -> None:
        # A node that starts again is another sender: what it said in its last life it has not told its new readers.
        self._name = secrets.token_hex(8)
        self._listener: Listener = _nobody
        self._whispered: WhisperListener | None = None
        # One entry a thread: while the wire is busy only the newest seq counts. "Look again" stands by itself.
        self._pending: dict[tuple[ThreadId, bool], Nudge] = {}
        self._whispers: deque[Whisper] = deque(maxlen=WHISPERS_PENDING_MAX)
        self._work = asyncio.Event()
        self._has_tried = asyncio.Event()
        self._is_connected = False
        self._is_closing = False
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    def _connected(self, hear: Callable[[str], None], lost: Callable[[], None]) -> AbstractAsyncContextManager[Say]:
        """Connect, call `hear` with each message, and `lost` when the connection has gone."""

    async def open(self, listener: Listener, whispered: WhisperListener | None = None) -> None:
        """Begin to hear the other nodes. A bus that is away is waited for beside the work."""
        self._listener = listener
        self._whispered = whispered
        self._is_closing = False
        self._task = asyncio.create_task(self._run(), name="bus")
        await self._has_tried.wait()

    def nudge(self, nudges: Sequence[Nudge]) -> None:
        """Tell the other nodes."""
        if not self._is_connected:
            return
        for nudge in nudges:
            key = (nudge.thread_id, nudge.seq == 0)
            if key in self._pending or len(self._pending) < PENDING_MAX:
                self._pending[key] = nudge
        self._work.set()

    def whisper(self, whispers: Sequence[Whisper]) -> None:
        """Tell the other nodes what is never stored."""
        if self._is_connected and whispers:
            self._whispers.extend(whispers)
            self._work.set()

    async def is_healthy(self) -> bool:
        """Whether nudges get through at the moment."""
        return self._is_connected

    async def close(self) -> None:
        """Stop hearing and telling."""
        self._listener = _nobody
        self._whispered = None
        self._is_connected = False
        # Said as well as cancelled: `asyncio.wait_for` of Python 3.11, which a library may use, loses a cancellation
        # that comes together with the answer.
        self._is_closing = True
        self._work.set()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        delay = RECONNECT_SECONDS_MIN
        while not self._is_closing:
            try:
                async with self._connected(self._hear, self._work.set) as say:
                    log.info("bus_connected")
                    self._is_connected, delay = True, RECONNECT_SECONDS_MIN
                    self._has_tried.set()
                    await self._tell_forever(say)
            except Exception as error:
                # Whatever it is: without a bus a node is slower and nothing else.
                log.warning("bus_away", detail=str(error) or type(error).__name__)
            finally:
                self._is_connected = False
                self._pending.clear()
                self._whispers.clear()
            self._has_tried.set()
            await asyncio.sleep(delay)
            delay = min(delay * 2, RECONNECT_SECONDS_MAX)

    async def _tell_forever(self, say: Say) -> None:
        while not self._is_closing:
            with suppress(TimeoutError):
                async with asyncio.timeout(PING_SECONDS):
                    await self._work.wait()
            self._work.clear()
            pending, self._pending = self._pending, {}
            whispers = list(self._whispers)
            self._whispers.clear()
            async with asyncio.timeout(ANSWER_SECONDS):
                for message in chain(to_messages(self._name, pending.values()), to_whispered(self._name, whispers)):
                    await say(message)
                if not pending and not whispers:
                    await say("")

    def _hear(self, message: str) -> None:
        if is_whispered(message):
            if self._whispered is not None and (whispers := from_whispered(message, self._name)):
                self._whispered(whispers)
        elif nudges := from_message(message, self._name):
            self._listener(nudges)


def _nobody(nudges: Sequence[Nudge]) -> None:
    """Hear nothing."""
