"""Streams that survive their connections: the I/O around `resume`, and what a run's stream can be asked."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextlib import aclosing
from typing import Any, Generic, Literal, Self, TypeVar

import httpx

from threadline.client.answer import Answer, SendResult
from threadline.client.calls import run_cancel
from threadline.client.errors import ConnectionLost, ThreadlineError, Timeout
from threadline.client.events import Event
from threadline.client.models import Message, Run
from threadline.client.nonblocking.transport import AsyncTransport
from threadline.client.resume import OnReconnect, Resume, RunResume, SidebarResume, ThreadResume, stream_cut
from threadline.client.wire import foreign_errors_wrapped

ResumeT = TypeVar("ResumeT", bound=Resume)


class AsyncEventStream(Generic[ResumeT]):
    """Events, over as many connections as it takes.

    Connects when it is entered (`async with`), awaited, or looped over. Read by one loop at a time. Leaving the loop
    drops the connection; looping again goes on where it stopped. A stream that was entered or awaited and is not
    looped over is to be closed.
    """

    def __init__(self, transport: AsyncTransport, resume: ResumeT, on_reconnect: OnReconnect | None) -> None:
        self._transport = transport
        self._resume = resume
        self._on_reconnect = on_reconnect
        self._wanted = False
        self._opened: httpx.Response | None = None  # Connected, and waiting for a loop to read it.
        self._reading: httpx.Response | None = None  # Read by a loop, which closes it.

    @property
    def last_seq(self) -> int | None:
        """The cursor: the seq of the last event that was given out. Safe to store at any moment."""
        return self._resume.last_seq

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._events()

    async def _events(self) -> AsyncGenerator[Event, None]:
        """Yield what is left of the stream. Closed by hand where it is used here: a loop would leave that to chance."""
        self._wanted = True
        while not self._ended():
            await self.open()
            async with aclosing(self._read()) as events:
                async for event in events:
                    self._note(event)
                    yield event
                    if self._ended():
                        return

    def _ended(self) -> bool:
        return self._resume.done or not self._wanted

    def _note(self, event: Event) -> None:
        """See an event on its way out."""

    async def open(self) -> Self:
        """Connect, unless connected. Raises what a loop over this stream raises."""
        while self._opened is None and not self._resume.settled:
            try:
                await self._connect()
            except ThreadlineError as error:
                await self._pause_after(error)
        return self

    async def close(self) -> None:
        """Drop the connection and end the loop. The run goes on without us; `cancel` stops one."""
        self._wanted = False
        opened, self._opened = self._opened, None
        for response in (opened, self._reading):
            if response is not None:
                await response.aclose()

    def __await__(self) -> Generator[Any, None, Self]:
        return self.open().__await__()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def _connect(self) -> None:
        response = await self._transport.open(self._resume.request())
        if response.status_code == httpx.codes.NO_CONTENT:
            await response.aclose()
            self._resume.settle(await self._transport.call(self._resume.settling()))
        elif response.status_code == httpx.codes.CREATED:
            async with aclosing(response):
                with foreign_errors_wrapped():
                    self._resume.take_unanswered(await response.aread())
        else:
            self._resume.opened(response.headers)
            self._opened = response

    async def _read(self) -> AsyncGenerator[Event, None]:
        """Yield the new events of one connection; return after the wait for the next one, if there has to be one."""
        response, self._opened = self._opened, None
        if response is None:
            for event in self._resume.closing():
                yield event
            return
        self._reading = response
        try:
            async with aclosing(response):
                with foreign_errors_wrapped():
                    async for chunk in response.aiter_bytes():
                        for event in self._resume.feed(chunk):
                            yield event
                        if self._resume.done:
                            return
            raise stream_cut()
        except (ConnectionLost, Timeout) as error:
            if self._wanted:
                await self._pause_after(error)

    async def _pause_after(self, error: ThreadlineError) -> None:
        seconds = self._resume.pause_after(error)
        if self._on_reconnect is not None:
            self._on_reconnect(self._resume.attempt, seconds, error)
        await asyncio.sleep(seconds)


class AsyncThreadStream(AsyncEventStream[ThreadResume]):
    """A thread's events, from the cursor on, for ever; ends with `thread.deleted`."""


class AsyncSidebarStream(AsyncEventStream[SidebarResume]):
    """A person's sidebar as it changes, and some of its threads word for word; it never ends by itself.

    After each connection the list comes anew; events come once.
    """

    @property
    def cursors(self) -> Mapping[str, int | Literal["now"] | None]:
        """Of each thread that is followed the seq of its last event that was given out: where to go on."""
        return dict(self._resume.cursors)


class AsyncRunStream(AsyncEventStream[RunResume]):
    """One run's events, up to its terminal event, which is the last one always.

    A run that fails is an event, not an exception; `result().raise_for_run()` makes it one.
    """

    def __init__(self, transport: AsyncTransport, resume: RunResume, on_reconnect: OnReconnect | None) -> None:
        super().__init__(transport, resume, on_reconnect)
        self._answer = Answer()

    @property
    def run_id(self) -> str | None:
        """The run's id; None until the server has named it."""
        return self._resume.run_id

    @property
    def idempotency_key(self) -> str | None:
        """The key of the send that began this stream; None where it began with a run's id."""
        return self._resume.idempotency_key

    @property
    def run(self) -> Run | None:
        """The run as the last event that spoke of it had it."""
        return self._answer.run

    @property
    def text(self) -> str:
        """The visible text of the answer so far."""
        return self._answer.text

    @property
    def reply(self) -> Message | None:
        """The answer, once `message.completed` has come; see `final_message`."""
        return self._answer.reply

    async def text_stream(self, on_superseded: Callable[[str], None] | None = None) -> AsyncIterator[str]:
        """Yield the visible text of the answer piece by piece.

        A run whose server died is attempted again, and its text starts over. `on_superseded` is then called with the
        message's id before the next piece: forget what that message has said. `text` is right at any time.
        """
        async with aclosing(self._events()) as events:
            async for _ in events:
                if self._answer.superseded is not None and on_superseded is not None:
                    on_superseded(self._answer.superseded)
                if self._answer.piece:
                    yield self._answer.piece

    async def final_message(self) -> Message | None:
        """Wait for the run's end and return the answer; None where the run said nothing."""
        return (await self.result()).reply

    async def result(self) -> SendResult:
        """Wait for the run's end and return all that came of it."""
        async for _ in self:
            pass
        return self._answer.result(self._resume.unanswered)

    def _note(self, event: Event) -> None:
        self._answer.take(event)

    async def cancel(self, *, wait: bool = False) -> Run:
        """Stop the run; with `wait`, return only when it has settled. What was said is kept.

        The stream goes on to its end, which is `run.cancelled` unless the run was quicker.
        """
        if self.run_id is None:
            await self.open()
        return await self._transport.call(run_cancel(self._resume.known_run_id(), wait))
