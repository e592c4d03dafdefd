"""Follows one answer to its end, with a hand on Ctrl-C.

The stream is read in a thread of its own, so that a Ctrl-C never strikes in the middle of a read: it becomes one more
item of the queue between that thread and this one. The first one asks the server to stop the run, and the stream goes
on to its end, which is `run.cancelled`; the second one leaves at once. The answer then goes on, or stops, without us.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType

from msgspec import Struct

from threadline.cli.talk.screen import REFRESHES_PER_SECOND_MAX, Screen
from threadline.cli.talk.sentences import outage
from threadline.cli.terminal import one_line
from threadline.client import RunStream, events
from threadline.client.answer import Answer
from threadline.client.errors import ThreadlineError
from threadline.client.models import AskedCall, Run
from threadline.client.resume import OnReconnect

Open = Callable[[OnReconnect], RunStream]
"""Opens the stream of an answer: by sending something, or by the id of a run."""

Cancel = Callable[[str], object]
"""Asks the server to stop a run."""

Ask = Callable[[Run], bool]
"""Puts before a person what a waiting run asks. Returns False where he leaves it for later."""

TOOL_CHARS_MAX = 100

QUEUED_SECONDS = 0.5
"""How long a run may be queued before somebody wants to know."""


class _Opened(Struct, frozen=True):
    run_id: str | None


class _Outage(Struct, frozen=True):
    words: str


class _Stop(Struct, frozen=True):
    """Ctrl-C."""


class _NotStopped(Struct, frozen=True):
    error: ThreadlineError


class _End(Struct, frozen=True):
    """The stream is over; with an error, before its time."""

    error: ThreadlineError | None = None


_Item = events.Event | _Opened | _Outage | _Stop | _NotStopped | _End


class Following:
    """One answer on its way to a screen."""

    def __init__(self, open_stream: Open, cancel: Cancel, screen: Screen, ask: Ask | None = None) -> None:
        """`ask` is None where nobody is there to be asked: what is waited for is said, and others may answer it."""
        self._ask = ask
        self._is_left = False
        self._open_stream = open_stream
        self._cancel = cancel
        self._screen = screen
        self._items: SimpleQueue[_Item] = SimpleQueue()
        self._answer = Answer()
        self._run_id: str | None = None
        self._stop_wanted = False
        self._stop_asked = False
        self._out_since: float | None = None
        self._queued_at: float | None = None
        self._position: int | None = None

    def to_end(self) -> Run | None:
        """Show the answer until its run has ended, and return the run; None where nobody answers, as in some rooms.

        A run that waits for somebody is returned as it is where its question is left for later.

        Raises what the stream raises, and KeyboardInterrupt with the second Ctrl-C.
        """
        self._screen.begin()
        try:
            with self._interrupts():
                # A daemon: whoever leaves with the second Ctrl-C does not wait for the network.
                threading.Thread(target=self._read, name="answer", daemon=True).start()
                for item in self._arriving():
                    self._take(item)
                    if self._is_left:
                        break
            if self._answer.run is None:
                self._screen.note("nobody answers here")
        finally:
            self._screen.end()
        return self._answer.run

    def _arriving(self) -> Iterator[_Item]:
        while True:
            self._screen.tick()
            try:
                item = self._items.get(timeout=1 / REFRESHES_PER_SECOND_MAX)
            except Empty:
                self._say_if_queued()
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    def _read(self) -> None:
        error: ThreadlineError | None = None
        try:
            with self._open_stream(self._note_outage) as stream:
                self._items.put(_Opened(stream.run_id))
                for event in stream:
                    if self._is_left:
                        break
                    self._items.put(event)
        except ThreadlineError as raised:
            error = raised
        finally:
            self._items.put(_End(error))

    def _note_outage(self, attempt: int, seconds: float, error: ThreadlineError) -> None:
        self._items.put(_Outage(outage(error, seconds)))

    def _take(self, item: _Item) -> None:
        match item:
            case _Outage(words=words):
                self._out_since = self._out_since or time.monotonic()
                self._screen.state(words)
            case _Stop():
                self._stop_wanted = True
                self._screen.state("stopping…")
            case _NotStopped(error=error):
                self._stop_asked = False
                self._screen.note(f"could not be stopped: {error}")
            case _Opened(run_id=run_id):
                self._run_id = run_id
            case _End():
                raise AssertionError("the end is not handed on")
            case _:
                self._show(item)
        self._stop_where_wanted()

    def _show(self, event: events.Event) -> None:
        if self._out_since is not None:
            self._screen.state("")
            self._screen.note(f"connection lost, and back after {time.monotonic() - self._out_since:.1f} s")
            self._out_since = None
        self._answer.take(event)
        if self._answer.superseded is not None:
            self._screen.start_over()
        match event:
            case events.MessageSuperseded():
                self._screen.note("the server was interrupted, and begins the answer again")
            case events.MessageDelta(kind="reasoning", text=text):
                self._screen.think(text)
            case events.ToolRequested() | events.ToolCompleted():
                self._screen.note(_of_tool(event))
            case events.RunQueued(run=run):
                self._queued_at, self._position = time.monotonic(), run.position
            case events.RunWaiting(run=run):
                self._put_question(run)
            case events.MessageCreated():
                self._queued_at = None
                self._screen.state("")
            case _:
                pass
        if self._answer.piece:
            self._screen.say(self._answer.piece)

    def _put_question(self, run: Run) -> None:
        if self._ask is None:
            for asked in run.waiting_for.approvals if run.waiting_for else ():
                self._screen.note(f"waits for somebody to agree: {call_of(asked)}")
            for asked in run.waiting_for.results if run.waiting_for else ():
                self._screen.note(f"waits for what a program gives: {call_of(asked)}")
            return
        # What was said so far stays above the question.
        self._screen.end()
        try:
            self._is_left = not self._ask(run)
        except KeyboardInterrupt:
            self._items.put(_Stop())
        self._screen.begin()

    def _say_if_queued(self) -> None:
        # In a free thread a run has its turn in the commit that queues it, and there is nothing to say.
        if self._queued_at is not None and time.monotonic() - self._queued_at > QUEUED_SECONDS:
            self._queued_at = None
            place = "" if self._position is None else f", number {self._position}"
            self._screen.state(f"waiting for its turn{place}…")

    def _stop_where_wanted(self) -> None:
        if self._run_id is None and self._answer.run is not None:
            self._run_id = self._answer.run.id
        if self._stop_wanted and not self._stop_asked and self._run_id is not None:
            self._stop_asked, self._stop_wanted = True, False
            threading.Thread(target=self._ask_to_stop, args=(self._run_id,), name="stop", daemon=True).start()

    def _ask_to_stop(self, run_id: str) -> None:
        try:
            self._cancel(run_id)
        except ThreadlineError as error:
            self._items.put(_NotStopped(error))

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        presses = 0

        def note(number: int, frame: FrameType | None) -> None:
            nonlocal presses
            presses += 1
            if presses > 1:
                raise KeyboardInterrupt
            self._items.put(_Stop())

        def leave(number: int, frame: FrameType | None) -> None:
            # Left by the front door, so that the terminal is as it was: its cursor shown, its echo on.
            sys.exit(128 + number)

        before = {
            signal.SIGINT: signal.signal(signal.SIGINT, note),
            signal.SIGTERM: signal.signal(signal.SIGTERM, leave),
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def call_of(asked: AskedCall) -> str:
    """Say in one line which call is asked for."""
    return one_line(f"{asked.name} {asked.input}", TOOL_CHARS_MAX)


def _of_tool(event: events.ToolRequested | events.ToolCompleted) -> str:
    if isinstance(event, events.ToolRequested):
        return one_line(f"calls {event.name} {event.input}", TOOL_CHARS_MAX)
    return one_line(f"{event.name} {'failed' if event.is_error else 'answered'}: {event.output}", TOOL_CHARS_MAX)
