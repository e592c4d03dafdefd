"""What a client can do, one class for each noun of the contract."""

from collections.abc import Mapping
from typing import Literal, Unpack

from threadline.client import branches, calls
from threadline.client.answer import SendResult
from threadline.client.blocks import Content
from threadline.client.branches import Branch, ReadOptions, RegenerateOptions, Unread
from threadline.client.calls import (
    MessageFilter,
    RunChange,
    SendOptions,
    SidebarOptions,
    ThreadFilter,
    ThreadOptions,
    ThreadUpdate,
    TokenOptions,
    ToolCallFilter,
    ToolOptions,
)
from threadline.client.files import (
    File,
    FileLink,
    file_content,
    file_delete,
    file_get,
    file_link,
    file_list,
    file_upload,
)
from threadline.client.models import (
    Accepted,
    AccessToken,
    Key,
    Message,
    ModelInfo,
    Run,
    Thread,
    ThreadState,
    Tool,
    ToolCall,
    ToolDefinition,
)
from threadline.client.nonblocking.pages import AsyncListing
from threadline.client.nonblocking.streams import AsyncRunStream, AsyncSidebarStream, AsyncThreadStream
from threadline.client.nonblocking.transport import AsyncTransport
from threadline.client.resume import OnReconnect, RunResume, SidebarResume, ThreadResume


class AsyncThreads:
    """Conversations, and what is said in them."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(self, **options: Unpack[ThreadOptions]) -> Thread:
        """Create a thread; with an `external_id` that this end user already has, return that one."""
        return await self._transport.call(calls.thread_create(options))

    async def get(self, thread_id: str) -> Thread:
        """Return a thread. Raises `NotFound`."""
        return await self._transport.call(calls.thread_get(thread_id))

    def list(self, **options: Unpack[ThreadFilter]) -> AsyncListing[Thread]:
        """List threads, pinned ones first, then by latest activity."""
        return AsyncListing(lambda cursor: self._transport.call(calls.thread_list(options, cursor)))

    async def update(self, thread_id: str, **changes: Unpack[ThreadUpdate]) -> Thread:
        """Change what is given and return the thread. None clears a field."""
        return await self._transport.call(calls.thread_update(thread_id, changes))

    async def delete(self, thread_id: str) -> None:
        """Delete a thread with all that is in it; its run is cancelled and its streams end."""
        await self._transport.call(calls.thread_delete(thread_id))

    async def state(self, thread_id: str, *, limit: int | None = None) -> ThreadState:
        """Return the thread as it is now, with its latest messages; `events(after=state.seq)` goes on from there."""
        return await self._transport.call(calls.thread_state(thread_id, limit))

    def messages(self, thread_id: str, **options: Unpack[MessageFilter]) -> AsyncListing[Message]:
        """List messages, latest first unless told otherwise."""
        return AsyncListing(lambda cursor: self._transport.call(calls.message_list(thread_id, options, cursor)))

    def send(
        self,
        thread_id: str,
        content: Content,
        *,
        on_reconnect: OnReconnect | None = None,
        **options: Unpack[SendOptions],
    ) -> AsyncRunStream:
        """Return the stream of the answer to a message; it is sent when the stream is entered, awaited or looped over.

        Sent once, however often the connection breaks. Raises the `APIError` with which the server refuses it, and
        `ConnectionLost` when the server cannot be found for `reconnect_seconds_max`.
        """
        send = calls.message_send_streamed(thread_id, content, options)
        resume = RunResume(self._transport.settings, send=send)
        return AsyncRunStream(self._transport, resume, on_reconnect)

    async def send_and_wait(
        self,
        thread_id: str,
        content: Content,
        *,
        on_reconnect: OnReconnect | None = None,
        **options: Unpack[SendOptions],
    ) -> SendResult:
        """Send a message and return when its run has ended. A run that failed is returned as well: `raise_for_run`.

        What was handed to another answer (`on_busy="steer"`) has that one's reply. Where nobody answers, `run` is None.
        """
        result = await self.send(thread_id, content, on_reconnect=on_reconnect, **options).result()
        if (run_id := result.answered_by) is None:
            return result
        resume = RunResume(self._transport.settings, run_id=run_id)
        return result.answered(await AsyncRunStream(self._transport, resume, on_reconnect).result())

    async def send_in_background(self, thread_id: str, content: Content, **options: Unpack[SendOptions]) -> Accepted:
        """Send a message and return when it is stored; `runs.events(run.id)` attaches to its answer."""
        return await self._transport.call(calls.message_send_in_background(thread_id, content, options))

    async def append(
        self, thread_id: str, content: Content, *, role: str | None = None, **options: Unpack[SendOptions]
    ) -> Message:
        """Store a message that nobody answers. Server keys may set its `role`: history moved in from elsewhere."""
        return await self._transport.call(calls.message_append(thread_id, content, role, options))

    def tool_calls(self, thread_id: str, **options: Unpack[ToolCallFilter]) -> AsyncListing[ToolCall]:
        """List the tool calls of a thread with their outcomes, in the order of their requests. Needs a key."""
        return AsyncListing(lambda cursor: self._transport.call(calls.tool_call_list(thread_id, options, cursor)))

    def branches(self, thread_id: str, *, limit: int | None = None) -> AsyncListing[Branch]:
        """List the ends of a thread's branches, newest first; `messages(leaf=…)` reads one of them."""
        return AsyncListing(lambda cursor: self._transport.call(branches.thread_branches(thread_id, limit, cursor)))

    async def regenerate(self, message_id: str, **options: Unpack[RegenerateOptions]) -> Accepted:
        """Answer a question, or give an answer, again; returns when that is stored. The earlier answers stay."""
        return await self._transport.call(branches.message_regenerate(message_id, options))

    async def fork(self, thread_id: str, message_id: str, *, title: str | None = None) -> Thread:
        """Make a thread that begins with this message and everything before it."""
        return await self._transport.call(branches.thread_fork(thread_id, message_id, title))

    async def mark_read(self, thread_id: str, **options: Unpack[ReadOptions]) -> Unread:
        """Say how far somebody has read: up to a seq, a message, or all there is."""
        return await self._transport.call(branches.thread_mark_read(thread_id, options))

    async def queue(self, thread_id: str) -> tuple[Run, ...]:
        """Return the runs that wait for their turn with what they ask, the next one first."""
        return await self._transport.call(calls.run_queue(thread_id))

    def events(
        self,
        thread_id: str,
        after: int | Literal["now"] | None = None,
        *,
        on_reconnect: OnReconnect | None = None,
    ) -> AsyncThreadStream:
        """Follow a thread: from after a seq, from "now" (when the stream is entered or awaited), or from its start.

        `CaughtUp` comes once for each connection, when everything that was stored has been shown.
        """
        resume = ThreadResume(self._transport.settings, thread_id=thread_id, after=after)
        return AsyncThreadStream(self._transport, resume, on_reconnect)

    def sidebar(
        self,
        threads: Mapping[str, int | Literal["now"] | None] | None = None,
        *,
        on_reconnect: OnReconnect | None = None,
        **options: Unpack[SidebarOptions],
    ) -> AsyncSidebarStream:
        """Follow a list of threads as it changes, and the events of `threads`, each from after its cursor.

        With a token the list is its person's; a key says whose with `end_user_id`.
        """
        resume = SidebarResume(self._transport.settings, threads=threads or {}, options=options)
        return AsyncSidebarStream(self._transport, resume, on_reconnect)


class AsyncRuns:
    """Answers being made."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def get(self, run_id: str) -> Run:
        """Return a run as it is now. Raises `NotFound`."""
        return await self._transport.call(calls.run_get(run_id))

    async def cancel(self, run_id: str, *, wait: bool = False) -> Run:
        """Stop a run; with `wait`, return only when it has settled. A no-op for a run that has ended."""
        return await self._transport.call(calls.run_cancel(run_id, wait))

    async def approve(self, run_id: str, tool_use_id: str, *, reason: str | None = None) -> Run:
        """Agree to a tool call that the run waits for; again is fine. Raises `APIError` with the code `not_waiting`."""
        return await self._transport.call(calls.run_decide(run_id, tool_use_id, True, reason))

    async def refuse(self, run_id: str, tool_use_id: str, *, reason: str | None = None) -> Run:
        """Refuse a tool call that the run waits for; the model is told the reason."""
        return await self._transport.call(calls.run_decide(run_id, tool_use_id, False, reason))

    async def post_result(self, run_id: str, tool_use_id: str, output: object, *, is_error: bool = False) -> Run:
        """Post what a tool call gave that your program makes itself. The first result counts."""
        return await self._transport.call(calls.run_post_result(run_id, tool_use_id, output, is_error))

    async def change(self, run_id: str, **changes: Unpack[RunChange]) -> Run:
        """Rewrite or move a run that waits. Raises `APIError` with the code `run_started` once its turn has started."""
        return await self._transport.call(calls.run_change(run_id, changes))

    def events(
        self, run_id: str, after: int | None = None, *, on_reconnect: OnReconnect | None = None
    ) -> AsyncRunStream:
        """Follow a run, from after a seq or from its start, to its terminal event."""
        resume = RunResume(self._transport.settings, run_id=run_id, after=after)
        return AsyncRunStream(self._transport, resume, on_reconnect)


class AsyncFiles:
    """Files for messages."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def upload(
        self, data: bytes, media_type: str, *, name: str | None = None, end_user_id: str | None = None
    ) -> File:
        """Upload a file; the same again is the same file. Raises `TooLarge`."""
        return await self._transport.call(file_upload(data, media_type, name, end_user_id))

    async def get(self, file_id: str) -> File:
        """Return what is known of a file. Raises `NotFound`."""
        return await self._transport.call(file_get(file_id))

    def list(
        self, *, thread_id: str | None = None, end_user_id: str | None = None, limit: int | None = None
    ) -> AsyncListing[File]:
        """List files, newest first: those of a thread, of a person, or all that one has."""
        return AsyncListing(lambda cursor: self._transport.call(file_list(thread_id, end_user_id, limit, cursor)))

    async def delete(self, file_id: str) -> None:
        """Delete a file. Raises `NotFound`, and an `APIError` (409) where a thread has it in a message."""
        await self._transport.call(file_delete(file_id))

    async def content(self, file_id: str) -> bytes:
        """Return a file's bytes. Raises `NotFound`."""
        return await self._transport.call(file_content(file_id))

    async def link(self, file_id: str, *, expires_in: int | None = None) -> FileLink:
        """Make a link that works without a key for so many seconds."""
        return await self._transport.call(file_link(file_id, expires_in))


class AsyncTokens:
    """End-user tokens, for browsers and phones."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(self, end_user_id: str, **options: Unpack[TokenOptions]) -> AccessToken:
        """Make a short-lived token that acts for one end user."""
        return await self._transport.call(calls.token_create(end_user_id, options))


class AsyncKeys:
    """API keys of the tenant. Needs an admin key."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(self, *, name: str | None = None, role: str | None = None) -> Key:
        """Make a key. Its `secret` is in this answer and nowhere else."""
        return await self._transport.call(calls.key_create(name, role))

    def list(self, *, limit: int | None = None) -> AsyncListing[Key]:
        """List the keys, without their secrets, in pages of `limit`."""
        return AsyncListing(lambda cursor: self._transport.call(calls.key_list(limit, cursor)))

    async def revoke(self, key_id: str) -> None:
        """Revoke a key."""
        await self._transport.call(calls.key_revoke(key_id))


class AsyncTools:
    """Registered tools of the tenant: webhooks, MCP servers, and tools that the client answers."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(self, name: str, kind: str, **options: Unpack[ToolOptions]) -> Tool:
        """Register a tool. A webhook's `secret` is in this answer and nowhere else."""
        return await self._transport.call(calls.tool_create(name, kind, options))

    async def list(self) -> tuple[Tool, ...]:
        """Return all of them by name, without their secrets."""
        return await self._transport.call(calls.tool_list())

    async def get(self, tool: str) -> Tool:
        """Return a tool by its name or id. Raises `NotFound`."""
        return await self._transport.call(calls.tool_get(tool))

    async def definitions(self, tool: str) -> tuple[ToolDefinition, ...]:
        """Return what a model is told of a tool; an MCP server is asked for all of its tools."""
        return await self._transport.call(calls.tool_definitions(tool))

    async def update(self, tool: str, *, rotate_secret: bool = False, **options: Unpack[ToolOptions]) -> Tool:
        """Change what is given. With `rotate_secret` the answer has another secret."""
        return await self._transport.call(calls.tool_update(tool, options, rotate_secret))

    async def delete(self, tool: str) -> None:
        """Take a tool away. Its name is free again."""
        await self._transport.call(calls.tool_delete(tool))


class AsyncModels:
    """The models that can be asked for."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self) -> tuple[ModelInfo, ...]:
        """Return them all."""
        return await self._transport.call(calls.model_list())
