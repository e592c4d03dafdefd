"""One conversation with the server: begun with its first message, gone on with, or changed for another."""

import getpass
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from threadline.cli.talk.following import Following, Open, call_of
from threadline.cli.talk.screen import Screen
from threadline.cli.terminal import CommandRefused, one_line
from threadline.client import RunStream, Threadline
from threadline.client.errors import APIError, NotFound
from threadline.client.models import Message, ModelInfo, Run, Thread, ThreadState
from threadline.client.resume import OnReconnect

THREADS_LISTED = 20
MESSAGES_SHOWN = 6
"""Of a thread that is opened: enough to know where one was."""

TITLE_CHARS = 60
Agree = Callable[[str], bool | None]
"""Asks whether a call may be made, which is named in one line; None: later."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Conversation:
    """Where we are: the thread, once there is one, and the model that was asked for."""

    def __init__(
        self, client: Threadline, screen: Screen, end_user_id: str | None, model: str | None, agree: Agree | None = None
    ) -> None:
        """`agree` asks the person whether a tool may be called; None where nobody is there."""
        self._agree = agree
        self.thread: Thread | None = None
        self.model = model
        self._client = client
        self._screen = screen
        self._end_user_id = end_user_id
        self._title: str | None = None

    def send(self, text: str) -> Run | None:
        """Send a message, show its answer, and return how it ended. Raises what the SDK raises."""
        is_first = self.thread is None
        thread = self.thread or self._begin(text)

        def open_stream(on_reconnect: OnReconnect) -> RunStream:
            return self._client.threads.send(thread.id, text, model=self.model, on_reconnect=on_reconnect)

        try:
            return self._follow(open_stream)
        except APIError:
            # Refused, so nothing is in it: an unknown model, say. Nobody wants an empty thread in the list.
            if is_first:
                self._client.threads.delete(thread.id)
                self.thread = None
            raise

    def open(self, thread_id: str) -> ThreadState:
        """Go to another thread and return its state. Raises CommandRefused, and what the SDK raises."""
        try:
            state = self._client.threads.state(thread_id, limit=MESSAGES_SHOWN)
        except (NotFound, ValueError) as error:
            raise CommandRefused(f"This key knows no thread {one_line(thread_id, TITLE_CHARS)}.") from error
        self.thread = state.thread
        return state

    def attach(self, run: Run) -> Run | None:
        """Show the answer of a run that is under way, from its first word, and return how it ended."""

        def open_stream(on_reconnect: OnReconnect) -> RunStream:
            return self._client.runs.events(run.id, on_reconnect=on_reconnect)

        return self._follow(open_stream)

    def leave(self) -> None:
        """Leave the thread; the next message begins another one."""
        self.thread = self._title = None

    def name(self, title: str) -> None:
        """Give the thread a title; where there is none yet, the next one."""
        if self.thread is None:
            self._title = title
        else:
            self.thread = self._client.threads.update(self.thread.id, title=title)

    def recent(self) -> list[Thread]:
        """Return our latest threads, the very latest first."""
        page = self._client.threads.list(end_user_id=self._end_user_id, limit=THREADS_LISTED).page()
        return sorted(page, key=lambda thread: thread.last_activity_at or _LONG_AGO, reverse=True)

    def models(self) -> tuple[ModelInfo, ...]:
        """Return the models that the server knows by name."""
        return self._client.models.list()

    def _begin(self, text: str) -> Thread:
        title = self._title or one_line(text, TITLE_CHARS) or None
        self.thread = self._client.threads.create(end_user_id=self._end_user_id, title=title, model=self.model)
        return self.thread

    def _follow(self, open_stream: Open) -> Run | None:
        ask = None if self._agree is None else self._decide
        return Following(open_stream, self._client.runs.cancel, self._screen, ask).to_end()

    def _decide(self, run: Run) -> bool:
        """Put what a run asks before the person, and tell the server. Returns False where he leaves it for later."""
        assert self._agree is not None, "asked for by the caller"
        # The stream may tell of a question that was answered long ago.
        run = self._client.runs.get(run.id)
        if run.status != "waiting" or run.waiting_for is None:
            return True
        for asked in run.waiting_for.approvals:
            answer = self._agree(call_of(asked))
            if answer is None:
                return False
            try:
                (self._client.runs.approve if answer else self._client.runs.refuse)(run.id, asked.tool_use_id)
            except APIError as error:
                if error.code != "not_waiting":
                    raise
                # Somebody else was quicker.
        return True

    def queue(self) -> tuple[Run, ...]:
        """Return what waits for its turn in this thread, the next one first."""
        return () if self.thread is None else self._client.threads.queue(self.thread.id)


def settled(state: ThreadState) -> Iterator[Message]:
    """Yield the messages of a state that are whole: those that are being written are followed, not shown twice."""
    yield from (message for message in state.messages if message.status != "streaming")


def end_user_of_terminal(key: str) -> str | None:
    """Say for whom this terminal's threads are: for whoever is logged in here; a token knows that by itself."""
    if not key.startswith("tl_"):
        return None
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # A user id without a name, as containers have it.
        return "cli"
