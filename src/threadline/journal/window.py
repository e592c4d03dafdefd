"""The recent past of each live thread, in memory: readers are served from here and fall back to the store.

A window holds committed entries only and has no hole. A thread has one while somebody holds it (a reader, or a run
that writes); nobody holds an idle thread, so it costs nothing.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from threadline.events import Entry, MessageDelta, encode_event
from threadline.ids import ThreadId
from threadline.limits import WINDOW_BYTES_MAX, WINDOW_BYTES_TOTAL_MAX

ENTRY_BYTES = 400
"""What an entry costs beside its text, roughly: the structs, their frame and their places in lists."""

Take = Callable[[], bool]
"""Takes what is in a window, without waiting. False: whoever gave it goes on by itself."""


class Window:
    """The newest entries of one thread, and those who wait for the next one."""

    __slots__ = ("_entries", "_next", "_takes", "_waiters", "bytes", "head", "holders")

    def __init__(self) -> None:
        self.holders = 0
        self.bytes = 0
        self.head = 0
        self._entries: list[Entry] = []
        self._next: int | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        self._takes: dict[Take, asyncio.Future[None]] = {}

    def after(self, cursor: int) -> Sequence[Entry] | None:
        """Return the entries after `cursor`; None where the window does not reach back that far."""
        if self._next is None:
            return None
        # A reader may be ahead: it has read from the store what is committed but not yet published here.
        if cursor >= self._next - 1:
            return ()
        place = cursor + 1 - (self._next - len(self._entries))
        return None if place < 0 else self._entries[place:]

    def settle(self, cursor: int, head: int) -> None:
        """Begin at `cursor`: somebody found nothing after it in the store, and knew of `head` before he looked.

        Not where more was told of meanwhile: he looks once more. What was told before and is not in the store was
        never so, since nudges come after commits.
        """
        if self._next is None and self.head <= max(cursor, head):
            self._next = cursor + 1
            self.head = min(self.head, cursor)

    def push(self, entry: Entry) -> int:
        """Take the next entry. Returns by how many bytes the window has grown (or shrunk)."""
        before = self.bytes
        if self._next is not None and entry.seq < self._next:
            return 0
        if entry.seq != self._next:
            # Another node wrote in between. What is here has a hole behind it: start anew.
            self.clear()
        self._entries.append(entry)
        self._next = entry.seq + 1
        self.bytes += _size(entry)
        if self.bytes > WINDOW_BYTES_MAX:
            self.shrink()
        return self.bytes - before

    def shrink(self) -> None:
        """Forget the older half."""
        half = len(self._entries) // 2
        self.bytes -= sum(map(_size, self._entries[:half]))
        del self._entries[:half]

    def clear(self) -> None:
        """Forget everything, position too."""
        self._entries.clear()
        self._next = None
        self.bytes = 0

    @property
    def position(self) -> int | None:
        """The seq up to which this window goes, where the thread is known to go on behind it."""
        return None if self._next is None or self.head < self._next else self._next - 1

    def wake(self) -> None:
        """Wake all who wait."""
        for take, over in list(self._takes.items()):
            if not over.done() and not take():
                over.set_result(None)
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_for_wake(self) -> None:
        """Sleep until there may be something new, or a heartbeat is due."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)

    async def call_while(self, take: Take) -> None:
        """Call `take` where others are woken, until it returns False: who keeps up needs no turn of a task."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._takes[take] = over
        try:
            await over
        finally:
            del self._takes[take]


class Windows:
    """The windows of one process. Used in the event loop only."""

    def __init__(self) -> None:
        self._windows: dict[ThreadId, Window] = {}
        self._bytes = 0

    def hold(self, thread_id: ThreadId) -> Window:
        """Return the thread's window and keep it until `release`."""
        window = self._windows.get(thread_id)
        if window is None:
            window = self._windows[thread_id] = Window()
        window.holders += 1
        return window

    def release(self, thread_id: ThreadId) -> None:
        """Undo one `hold`; the last one lets the window go."""
        window = self._windows[thread_id]
        window.holders -= 1
        assert window.holders >= 0, "released as often as held"
        if window.holders == 0:
            self._bytes -= window.bytes
            del self._windows[thread_id]

    def publish(self, entries: Sequence[Entry]) -> None:
        """Take committed entries, in the order of their commit, and wake their readers."""
        touched: dict[Window, None] = {}
        for entry in entries:
            window = self._windows.get(entry.thread_id)
            if window is not None:
                self._bytes += window.push(entry)
                touched[window] = None
        for window in touched:
            window.wake()
        if self._bytes > WINDOW_BYTES_TOTAL_MAX:
            self._shrink_all()

    def note_head(self, thread_id: ThreadId, seq: int) -> bool:
        """Hear that a thread has reached `seq`, from the bus or the slow poll. Returns whether its window has not."""
        window = self._windows.get(thread_id)
        if window is None:
            return False
        window.head = max(window.head, seq)
        return window.position is not None

    def behind(self) -> dict[ThreadId, int]:
        """Return the threads that are known to go on behind their window, and up to where it goes."""
        return {
            thread_id: position
            for thread_id, window in self._windows.items()
            if (position := window.position) is not None
        }

    def give_up(self, thread_ids: Iterable[ThreadId]) -> None:
        """Empty the windows that are still behind: their readers go to the store."""
        for thread_id in thread_ids:
            window = self._windows.get(thread_id)
            if window is not None and window.position is not None:
                self._bytes -= window.bytes
                window.clear()
                window.wake()

    def wake_all(self) -> None:
        """Wake every reader: a heartbeat is due."""
        for window in list(self._windows.values()):
            window.wake()

    def watched(self) -> list[ThreadId]:
        """Return the threads that somebody holds."""
        return list(self._windows)

    def __len__(self) -> int:
        return len(self._windows)

    def _shrink_all(self) -> None:
        for window in self._windows.values():
            self._bytes -= window.bytes
            window.shrink()
            self._bytes += window.bytes


def _size(entry: Entry) -> int:
    event = entry.event
    # Twice: the event itself, and its frame.
    return ENTRY_BYTES + 2 * (len(event.text) if isinstance(event, MessageDelta) else len(encode_event(event)))
