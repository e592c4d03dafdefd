"""Every request of the contract, as a value: what to send, how to read the answer, whether it may be sent twice.

Both clients make their requests here, so that a route, a default or a retry rule stands in one place. Options come as
typed keyword arguments; what is not given, or given as None, is not sent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypedDict, TypeVar
from urllib.parse import quote
from uuid import uuid4

import msgspec

from threadline.client.blocks import Content, content_json
from threadline.client.decode import Model, parse, read
from threadline.client.errors import UnexpectedAnswer
from threadline.client.models import (
    Accepted,
    AccessToken,
    Appended,
    Key,
    Message,
    ModelInfo,
    Page,
    Run,
    Thread,
    ThreadState,
    Tool,
    ToolCall,
    ToolDefinition,
)
from threadline.client.retry import Repeat

AnswerT_co = TypeVar("AnswerT_co", covariant=True)
ModelT = TypeVar("ModelT", bound=Model)

_IDEMPOTENCY_KEY_LENGTH_MAX = 255


@dataclass(frozen=True, slots=True)
class Call(Generic[AnswerT_co]):
    """One request. `read` turns the body of a good answer into what the caller gets."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    read: Callable[[bytes], AnswerT_co]
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeat: Repeat = Repeat.ALWAYS


class ThreadOptions(TypedDict, total=False):
    """What a new thread may be given. An `external_id` that this end user already has brings back that thread."""

    end_user_id: str | None
    external_id: str | None
    title: str | None
    model: str | None
    instructions: str | None
    agent_id: str | None
    on_busy: str | None
    on_disconnect: str | None
    metadata: Mapping[str, Any] | None


class SidebarOptions(TypedDict, total=False):
    """Whose threads, and how many of them."""

    end_user_id: str | None
    archived: bool | None
    limit: int | None


class ThreadUpdate(TypedDict, total=False):
    """What can be changed in a thread. None is sent, and clears the field."""

    title: str | None
    pinned: bool
    archived: bool
    model: str | None
    instructions: str | None
    agent_id: str | None
    on_busy: str | None
    on_disconnect: str | None
    tip_message_id: str
    metadata: Mapping[str, Any] | None


class ThreadFilter(TypedDict, total=False):
    """Which threads to list. `q` searches; `limit` is the size of a page, 1 to 200."""

    end_user_id: str | None
    archived: bool | None
    q: str | None
    limit: int | None


class MessageFilter(TypedDict, total=False):
    """Which messages to list, in pages of `limit`, 1 to 200. `order` is `desc` unless given.

    `leaf` is the last message of the branch; without it the active branch is listed.
    """

    limit: int | None
    order: Literal["asc", "desc"] | None
    leaf: str | None
    view: Literal["user", "audit"] | None


class SendOptions(TypedDict, total=False):
    """How a message is to be answered.

    `idempotency_key` is made if it is not given. Give one that you have stored, and a send can be repeated after a
    crash of your own program: the same key with the same body is answered with the same run.
    """

    model: str | None
    instructions: str | None
    on_busy: str | None
    on_disconnect: str | None
    parent_id: str | None
    edit_of: str | None
    max_output_tokens: int | None
    temperature: float | None
    tools: Sequence[str] | None
    tools_mode: str | None
    tool_choice: str | Mapping[str, str] | None
    metadata: Mapping[str, Any] | None
    idempotency_key: str | None


class RunChange(TypedDict, total=False):
    """What can be changed of a run that waits: what it asks, or its position, counted from 1."""

    content: Content | None
    position: int | None


class ToolCallFilter(TypedDict, total=False):
    """Which tool calls to list. `since` and `until` bound the time of the request, such as 2026-01-31T12:00:00.000Z."""

    run_id: str | None
    name: str | None
    is_error: bool | None
    status: str | None
    since: str | None
    until: str | None
    limit: int | None


class TokenOptions(TypedDict, total=False):
    """What a token is limited to. `expires_in` is in seconds."""

    thread_ids: Sequence[str] | None
    rights: Sequence[str] | None
    expires_in: int | None


class ToolOptions(TypedDict, total=False):
    """What a tool has, by its kind. `headers` go along with every request and are never shown again."""

    description: str | None
    input_schema: Mapping[str, Any] | None
    url: str | None
    headers: Mapping[str, str] | None
    approval: str | Mapping[str, Any] | None
    idempotent: bool | None
    timeout_seconds: float | None
    allow: Sequence[str] | None


def thread_create(options: ThreadOptions) -> Call[Thread]:
    """Create a thread. Without an `external_id` a repetition would make a second one."""
    repeat = Repeat.ALWAYS if options.get("external_id") else Repeat.IF_REFUSED
    return Call("POST", "/v1/threads", reader_of(Thread), body=body_of(given_of(options)), repeat=repeat)


def thread_get(thread_id: str) -> Call[Thread]:
    """Read a thread."""
    return Call("GET", path_of("threads", thread_id), reader_of(Thread))


def thread_list(options: ThreadFilter, cursor: str | None) -> Call[Page[Thread]]:
    """Read one page of threads."""
    return Call("GET", "/v1/threads", page_reader(Thread), query=query_of(options, cursor))


def thread_update(thread_id: str, changes: ThreadUpdate) -> Call[Thread]:
    """Change a thread. Sent twice it might undo what somebody else did in between."""
    body = body_of(dict(changes))
    return Call("PATCH", path_of("threads", thread_id), reader_of(Thread), body=body, repeat=Repeat.IF_REFUSED)


def thread_delete(thread_id: str) -> Call[None]:
    """Delete a thread."""
    return Call("DELETE", path_of("threads", thread_id), _nothing)


def thread_state(thread_id: str, limit: int | None) -> Call[ThreadState]:
    """Read the fold of a thread's log."""
    return Call("GET", path_of("threads", thread_id, "state"), reader_of(ThreadState), query=query_of({"limit": limit}))


def thread_events(thread_id: str, after: int | Literal["now"] | None) -> Call[None]:
    """Follow a thread, from after a seq, from now, or from its start."""
    return Call("GET", path_of("threads", thread_id, "events"), _nothing, query=query_of({"after": after}))


def sidebar(threads: Mapping[str, int | Literal["now"] | None], options: SidebarOptions) -> Call[None]:
    """Follow a list of threads, and some of them word for word, each from after its cursor."""
    named = ",".join(name if after is None else f"{name}:{after}" for name, after in threads.items())
    return Call("GET", "/v1/stream", _nothing, query=query_of({**options, "threads": named or None}))


def message_list(thread_id: str, options: MessageFilter, cursor: str | None) -> Call[Page[Message]]:
    """Read one page of messages."""
    return Call("GET", path_of("threads", thread_id, "messages"), page_reader(Message), query=query_of(options, cursor))


def message_send_streamed(thread_id: str, content: Content, options: SendOptions) -> Call[None]:
    """Send a message and follow its run."""
    return _send(thread_id, {"content": content_json(content), "stream": True}, options, _nothing)


def message_send_in_background(thread_id: str, content: Content, options: SendOptions) -> Call[Accepted]:
    """Send a message and be answered as soon as it is stored."""
    return _send(thread_id, {"content": content_json(content), "background": True}, options, reader_of(Accepted))


def message_append(thread_id: str, content: Content, role: str | None, options: SendOptions) -> Call[Message]:
    """Store a message that nobody answers."""
    body = {"content": content_json(content), "respond": False} | ({"role": role} if role else {})
    return _send(thread_id, body, options, lambda answer: reader_of(Appended)(answer).message)


def run_get(run_id: str) -> Call[Run]:
    """Read a run."""
    return Call("GET", path_of("runs", run_id), reader_of(Run))


def run_events(run_id: str, after: int | None) -> Call[None]:
    """Follow a run, from after a seq or from its start."""
    headers = {} if after is None else {"last-event-id": str(after)}
    return Call("GET", path_of("runs", run_id, "events"), _nothing, headers=headers)


def run_cancel(run_id: str, wait: bool) -> Call[Run]:
    """Stop a run. Cancelling what has ended is a no-op, so it may be sent twice."""
    return Call("POST", path_of("runs", run_id, "cancel"), reader_of(Run), body=body_of({"wait": wait}))


def run_change(run_id: str, changes: RunChange) -> Call[Run]:
    """Rewrite or move a run that waits."""
    given = given_of(dict(changes))
    if "content" in given:
        given["content"] = content_json(changes["content"] or "")
    return Call("PATCH", path_of("runs", run_id), reader_of(Run), body=body_of(given), repeat=Repeat.IF_REFUSED)


def run_decide(run_id: str, tool_use_id: str, approve: bool, reason: str | None) -> Call[Run]:
    """Agree to a tool call, or refuse it."""
    body = body_of(given_of({"tool_use_id": tool_use_id, "approve": approve, "reason": reason}))
    return Call("POST", path_of("runs", run_id, "approvals"), reader_of(Run), body=body)


def run_post_result(run_id: str, tool_use_id: str, output: object, is_error: bool) -> Call[Run]:
    """Post the result of a tool call that the client has made."""
    body = body_of({"tool_use_id": tool_use_id, "output": output, "is_error": is_error})
    return Call("POST", path_of("runs", run_id, "tool_results"), reader_of(Run), body=body)


def tool_call_list(thread_id: str, options: ToolCallFilter, cursor: str | None) -> Call[Page[ToolCall]]:
    """Read a page of tool calls."""
    path = path_of("threads", thread_id, "tool_calls")
    return Call("GET", path, page_reader(ToolCall), query=query_of(options, cursor))


def run_queue(thread_id: str) -> Call[tuple[Run, ...]]:
    """Read what waits in a thread."""
    return Call("GET", path_of("threads", thread_id, "queue"), lambda body: page_reader(Run)(body).data)


def token_create(end_user_id: str, options: TokenOptions) -> Call[AccessToken]:
    """Make an end-user token."""
    body = body_of({"end_user_id": end_user_id} | given_of(options))
    return Call("POST", "/v1/tokens", reader_of(AccessToken), body=body, repeat=Repeat.IF_REFUSED)


def key_create(name: str | None, role: str | None) -> Call[Key]:
    """Make an API key."""
    body = body_of(given_of({"name": name, "role": role}))
    return Call("POST", "/v1/keys", reader_of(Key), body=body, repeat=Repeat.IF_REFUSED)


def key_list(limit: int | None, cursor: str | None) -> Call[Page[Key]]:
    """Read one page of keys."""
    return Call("GET", "/v1/keys", page_reader(Key), query=query_of({"limit": limit}, cursor))


def key_revoke(key_id: str) -> Call[None]:
    """Revoke a key."""
    return Call("DELETE", path_of("keys", key_id), _nothing)


def tool_create(name: str, kind: str, options: ToolOptions) -> Call[Tool]:
    """Register a tool."""
    body = body_of({"name": name, "kind": kind} | given_of(options))
    return Call("POST", "/v1/tools", reader_of(Tool), body=body, repeat=Repeat.IF_REFUSED)


def tool_list() -> Call[tuple[Tool, ...]]:
    """Read the tenant's tools."""
    return Call("GET", "/v1/tools", lambda body: page_reader(Tool)(body).data)


def tool_get(tool: str) -> Call[Tool]:
    """Read a tool by its name or id."""
    return Call("GET", path_of("tools", tool), reader_of(Tool))


def tool_definitions(tool: str) -> Call[tuple[ToolDefinition, ...]]:
    """Read what a model is told of a tool, or of all tools of a server."""
    return Call("GET", path_of("tools", tool, "definitions"), lambda body: page_reader(ToolDefinition)(body).data)


def tool_update(tool: str, options: ToolOptions, rotate_secret: bool) -> Call[Tool]:
    """Change a tool. A secret that was made anew is in one answer only, so nothing is repeated that arrived."""
    body = body_of(given_of(options) | ({"rotate_secret": True} if rotate_secret else {}))
    repeat = Repeat.IF_REFUSED if rotate_secret else Repeat.ALWAYS
    return Call("PATCH", path_of("tools", tool), reader_of(Tool), body=body, repeat=repeat)


def tool_delete(tool: str) -> Call[None]:
    """Delete a tool."""
    return Call("DELETE", path_of("tools", tool), _nothing)


def model_list() -> Call[tuple[ModelInfo, ...]]:
    """Read which models can be asked for."""
    return Call("GET", "/v1/models", lambda body: page_reader(ModelInfo)(body).data)


def health(question: Literal["healthz", "readyz"]) -> Call[None]:
    """Ask whether the server is alive or ready. Not repeated: the question is how it is now."""
    return Call("GET", f"/{question}", _nothing, repeat=Repeat.NEVER)


def _send(
    thread_id: str, body: Mapping[str, object], options: SendOptions, read_answer: Callable[[bytes], AnswerT_co]
) -> Call[AnswerT_co]:
    given = given_of(options)
    key = checked_key(given.pop("idempotency_key", None))
    return Call(
        "POST",
        path_of("threads", thread_id, "messages"),
        read_answer,
        body=body_of({**given, **body}),
        headers={"idempotency-key": key},
    )


def checked_key(given: object) -> str:
    """Return the idempotency key of a send. Raises `ValueError` for one that a header cannot carry unchanged."""
    if given is None:
        return uuid4().hex
    key = str(given)
    visible = key.isascii() and key.isprintable() and key == key.strip()
    if not 0 < len(key) <= _IDEMPOTENCY_KEY_LENGTH_MAX or not visible or '"' in key:
        raise ValueError(f"idempotency_key must be 1 to {_IDEMPOTENCY_KEY_LENGTH_MAX} visible ASCII characters")
    return key


def path_of(*segments: str) -> str:
    """Join path segments. Raises `ValueError` for an id that would lead to another route than the one meant."""
    if any(segment in ("", ".", "..") for segment in segments):
        raise ValueError(f"not an id: {segments!r}")
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)


def given_of(options: Mapping[str, object]) -> dict[str, object]:
    """Leave out what is not given."""
    return {name: value for name, value in options.items() if value is not None}


def body_of(fields: Mapping[str, object]) -> bytes:
    """Encode a body."""
    return msgspec.json.encode(fields)


def query_of(options: Mapping[str, object], cursor: str | None = None) -> dict[str, str]:
    """Write a query, with the cursor of a page."""
    given = given_of({**options, "cursor": cursor})
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}


def _nothing(body: bytes) -> None:
    """Read an answer whose body says nothing, or is read as a stream."""


def reader_of(kind: type[ModelT]) -> Callable[[bytes], ModelT]:
    """Return what turns a body into an object of this kind."""
    return lambda body: read(kind, parse(body))


def page_reader(kind: type[ModelT]) -> Callable[[bytes], Page[ModelT]]:
    """Return what turns a body into a page of this kind."""
    return lambda body: _page(kind, parse(body))


def _page(kind: type[ModelT], raw: object) -> Page[ModelT]:
    if not isinstance(raw, dict) or not isinstance(raw.get("data"), list):
        raise UnexpectedAnswer(f"the server's list of {kind.__name__} is not a page")
    # A cursor without more behind it would make an auto-paging loop ask once too often.
    cursor = raw.get("next_cursor") if raw.get("has_more", True) else None
    if not isinstance(cursor, str | None):
        raise UnexpectedAnswer("the server's next_cursor is not a text")
    return Page(data=tuple(read(kind, each) for each in raw["data"]), next_cursor=cursor)
