"""The connection machine of a stream, without I/O: which request comes next, which events are new, when to give up.

The law it keeps: every event of the log is given to the caller exactly once and in order, over as many connections as
it takes. The cursor is the seq of the last event that the caller *got*; it moves as the caller pulls, not as bytes
arrive, so that `last_seq` is safe to store at any moment.

A driver (`blocking.streams`, `nonblocking.streams`) does, until `done`:

    response = send(resume.request())            any error -> wait resume.pause_after(error), again
    200: resume.opened(...); for each piece of the body: resume.feed(piece)
         the body ends -> wait resume.pause_after(STREAM_CUT), again
    204: resume.settle(GET run)                  the run has ended, and nothing of it is left after the cursor
    201: resume.take_unanswered(body)            the message is stored, and nobody answers it
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from threadline.client import calls
from threadline.client.calls import Call, SidebarOptions
from threadline.client.errors import ConnectionLost, ThreadlineError, UnexpectedAnswer
from threadline.client.events import (
    CaughtUp,
    Event,
    RunEvent,
    SidebarListed,
    SidebarRemoved,
    SidebarThread,
    TerminalEvent,
    ThreadDeleted,
    UnknownEvent,
    decode_event,
    terminal_event_of,
)
from threadline.client.models import Appended, Message, Run
from threadline.client.settings import Settings
from threadline.client.sse import SSEParser

SETTLED_SECONDS = 5.0
"""A connection that has brought bytes for this long is healthy, also where there is nothing new to say (a run that
waits for a person). Less would let a server that accepts and cuts, again and again, keep us busy for ever."""


OnReconnect = Callable[[int, float, ThreadlineError], None]
"""Called before each pause: how many failures since the last progress, the pause in seconds, what went wrong."""


class Resume:
    """What both kinds of streams have in common. `last_seq` is the seq of the last event given out, None before it."""

    def __init__(self, settings: Settings, after: int | None = None) -> None:
        self.last_seq = after
        self.done = False
        self._outage = settings.outage()
        self._clock = settings.clock
        self._parser = SSEParser()
        self._opened_at = 0.0
        self._connection_seq = 0

    @property
    def attempt(self) -> int:
        """How many connections have failed since the last progress."""
        return self._outage.attempt

    @property
    def settled(self) -> bool:
        """Whether no connection is needed any more, although the caller may not have got the last event yet."""
        return self.done

    def request(self) -> Call[None]:
        """Return the request that goes on after the cursor."""
        raise NotImplementedError

    def settling(self) -> Call[Run]:
        """Return the request that says what became of a stream with nothing left (204)."""
        raise UnexpectedAnswer("the server has nothing to stream, where it should go on for ever")

    def settle(self, run: Run) -> None:
        """Take the answer to `settling`."""
        raise NotImplementedError

    def closing(self) -> Iterator[Event]:
        """Yield what is left to say once `settled`."""
        yield from ()

    def opened(self, headers: Mapping[str, str]) -> None:
        """Begin a connection whose answer is an event stream."""
        self._parser = SSEParser()  # What the last connection left unfinished never happened.
        self._opened_at = self._clock()
        self._connection_seq = 0

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield the new events that a piece of the body completes, up to the stream's last one."""
        if self._clock() - self._opened_at >= SETTLED_SECONDS:
            self._outage.over()
        for frame in self._parser.feed(chunk):
            event = decode_event(frame)
            if self._take(event):
                yield event
            if self.done:
                return

    def pause_after(self, error: ThreadlineError) -> float:
        """Return the seconds to wait before the next connection.

        Raises `error` when no waiting can mend it, and `ConnectionLost` when there was no progress for too long.
        """
        try:
            return self._outage.pause_after(error, seconds_first=(self._parser.retry_ms or 0) / 1000)
        except ConnectionLost as lost:
            lost.last_seq = self.last_seq
            self._describe(lost)
            raise

    def _take(self, event: Event) -> bool:
        """Move the cursor over an event; False when the caller has it already, or is not meant to see it."""
        if isinstance(event, CaughtUp):
            return self._catch_up(event)
        seq = event.seq
        if seq is None:
            return True  # Unknown, and not of the log: nothing to count.
        if seq < self._connection_seq:
            # Dropped as seen, an event out of order would be lost without a sound.
            raise UnexpectedAnswer(f"the log went backwards, from seq {self._connection_seq} to {seq}")
        self._connection_seq = seq
        if self.last_seq is not None and seq <= self.last_seq:
            return False
        assert seq > (self.last_seq or 0), "a caller gets each event once, and in order"
        self.last_seq = seq
        self._outage.over()
        self.done = self._is_last(event)
        return True

    def _catch_up(self, event: CaughtUp) -> bool:
        raise NotImplementedError

    def _is_last(self, event: Event) -> bool:
        raise NotImplementedError

    def take_unanswered(self, body: bytes) -> None:
        """Hear 201, which answers a send and nothing else. Raises `UnexpectedAnswer`."""
        raise UnexpectedAnswer("asked for an event stream, got HTTP 201")

    def _describe(self, lost: ConnectionLost) -> None:
        """Add to the last error what is needed to go on later."""


class RunResume(Resume):
    """The stream of one run, made by a send or found by its id; ends with the run's terminal event."""

    def __init__(
        self,
        settings: Settings,
        *,
        send: Call[Any] | None = None,
        run_id: str | None = None,
        after: int | None = None,
    ) -> None:
        super().__init__(settings, after)
        assert (send is None) != (run_id is None), "a run's stream begins with a send or with a run's id"
        self.run_id = run_id
        self._send = send
        self._closing: TerminalEvent | None = None
        self.unanswered: Message | None = None
        """What was sent, where nobody answers it."""

    @property
    def idempotency_key(self) -> str | None:
        """The key of the send that began this stream."""
        return self._send.headers["idempotency-key"] if self._send else None

    @property
    def settled(self) -> bool:
        """Whether no connection is needed any more, although the caller may not have got the last event yet."""
        return self.done or self._closing is not None or self.unanswered is not None

    def known_run_id(self) -> str:
        """Return the run's id. Raises `UnexpectedAnswer` when the server has answered without naming it."""
        if self.run_id is None:
            raise UnexpectedAnswer("the server did not name the run of this send")
        return self.run_id

    def request(self) -> Call[None]:
        """Return the send until the server has named the run, and from then on the run's events after the cursor.

        Sending again is safe: with the same key the server attaches us to the run that the first try made, if it did.
        """
        if self.run_id is not None:
            return calls.run_events(self.run_id, self.last_seq)
        assert self._send is not None
        return self._send

    def opened(self, headers: Mapping[str, str]) -> None:
        """Begin a connection; the answer to a send names the run."""
        super().opened(headers)
        self.run_id = self.run_id or headers.get("x-threadline-run-id")

    def settling(self) -> Call[Run]:
        """Return the request for the run itself."""
        return calls.run_get(self.known_run_id())

    def settle(self, run: Run) -> None:
        """Take the run as it is. Raises `ConnectionLost` if it has not ended, whatever its stream said."""
        if not run.is_terminal:
            raise ConnectionLost(f"the server ended the stream of run {run.id}, which is {run.status}")
        self._closing = terminal_event_of(run, self.last_seq or 0)

    def closing(self) -> Iterator[Event]:
        """Yield the terminal event of a run that was settled, so that every stream of a run ends with one."""
        self.done = True
        if self.unanswered is None:
            assert self._closing is not None, "only what was settled is closed"
            yield self._closing

    def take_unanswered(self, body: bytes) -> None:
        """Hear that nobody answers what was sent: in a room, those who were not called. There are no events then."""
        self.unanswered = calls.reader_of(Appended)(body).message

    def _take(self, event: Event) -> bool:
        # A proxy may have taken the header away; the run's own events name it as well.
        if self.run_id is None and isinstance(event, RunEvent):
            self.run_id = event.run.id
        return super()._take(event)

    def _catch_up(self, event: CaughtUp) -> bool:
        return False  # Of no use within one run, which ends.

    def _is_last(self, event: Event) -> bool:
        return isinstance(event, TerminalEvent)

    def _describe(self, lost: ConnectionLost) -> None:
        lost.run_id = self.run_id
        lost.idempotency_key = self.idempotency_key


class ThreadResume(Resume):
    """The stream of a thread; ends with its deletion only."""

    def __init__(self, settings: Settings, *, thread_id: str, after: int | Literal["now"] | None = None) -> None:
        super().__init__(settings, after if isinstance(after, int) else None)
        self._thread_id = thread_id
        self._start: Literal["now"] | None = "now" if after == "now" else None

    def request(self) -> Call[None]:
        """Return the thread's events after the cursor; before there is one, from where the caller wanted to begin."""
        return calls.thread_events(self._thread_id, self._start if self.last_seq is None else self.last_seq)

    def _catch_up(self, event: CaughtUp) -> bool:
        # "now" is pinned here: after a cut it must mean the moment of the first connection, not a later one.
        if self.last_seq is None or event.seq > self.last_seq:
            self.last_seq = event.seq
            self._outage.over()
        return True

    def _is_last(self, event: Event) -> bool:
        return isinstance(event, ThreadDeleted)


class SidebarResume(Resume):
    """The stream of a whole sidebar; it never ends. Each thread that is followed word for word has a cursor."""

    def __init__(
        self, settings: Settings, *, threads: Mapping[str, int | Literal["now"] | None], options: SidebarOptions
    ) -> None:
        super().__init__(settings)
        self.cursors = dict(threads)
        self._options = options

    def request(self) -> Call[None]:
        """Return the list anew, and the events of each thread after its cursor."""
        return calls.sidebar(self.cursors, self._options)

    def _take(self, event: Event) -> bool:
        match event:
            case SidebarThread() | SidebarListed():
                return True
            case SidebarRemoved(thread_id=thread_id) | ThreadDeleted(thread_id=thread_id):
                # Asked for again it would be unknown.
                self.cursors.pop(thread_id, None)
                return True
            case UnknownEvent(seq=int(seq), data={"thread_id": str(thread_id)}):
                return self._move(thread_id, seq)
            case UnknownEvent():
                return True
            case CaughtUp(seq=seq, thread_id=thread_id):
                if thread_id is not None:
                    # "now" is pinned here.
                    self._move(thread_id, seq)
                return True
            case _:
                return self._move(event.thread_id, event.seq)

    def _move(self, thread_id: str, seq: int) -> bool:
        before = self.cursors.get(thread_id)
        if isinstance(before, int) and seq <= before:
            return False
        if thread_id in self.cursors:
            self.cursors[thread_id] = seq
        self._outage.over()
        return True


def stream_cut() -> ThreadlineError:
    """Return the error of a stream that ended without its last event: to us a break, however clean it looked."""
    return ConnectionLost("the stream ended before its last event")
