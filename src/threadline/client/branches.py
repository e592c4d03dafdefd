"""Branches, forks and read marks: what the server says of them, and the requests for it."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from threadline.client.calls import (
    Call,
    body_of,
    checked_key,
    given_of,
    page_reader,
    path_of,
    query_of,
    reader_of,
)
from threadline.client.decode import Model
from threadline.client.models import Accepted, Page, Thread
from threadline.client.retry import Repeat


class Branch(Model, frozen=True, kw_only=True):
    """The end of a branch. `excerpt` is how its last message begins."""

    tip_message_id: str
    is_active: bool = False
    role: str | None = None
    status: str | None = None
    excerpt: str = ""
    last_activity_at: datetime | None = None
    seq: int | None = None


class Unread(Model, frozen=True, kw_only=True):
    """How far a person has read a thread, and how many messages of others come behind that."""

    thread_id: str
    end_user_id: str
    seq: int
    unread_count: int


class RegenerateOptions(TypedDict, total=False):
    """What is to be different from the answer that was given before.

    `thread_id` names the fork in which an inherited message is answered again.
    """

    model: str | None
    agent: str | None
    instructions: str | None
    on_busy: str | None
    max_output_tokens: int | None
    temperature: float | None
    thread_id: str | None
    idempotency_key: str | None


class ReadOptions(TypedDict, total=False):
    """Up to where somebody has read; neither a seq nor a message is all there is. Keys name the `end_user_id`."""

    seq: int | None
    message_id: str | None
    end_user_id: str | None


def message_regenerate(message_id: str, options: RegenerateOptions) -> Call[Accepted]:
    """Answer a question again, and be answered as soon as that is stored."""
    given = given_of(options)
    key = checked_key(given.pop("idempotency_key", None))
    return Call(
        "POST",
        path_of("messages", message_id, "regenerate"),
        reader_of(Accepted),
        body=body_of({**given, "background": True}),
        headers={"idempotency-key": key},
    )


def thread_branches(thread_id: str, limit: int | None, cursor: str | None) -> Call[Page[Branch]]:
    """Read one page of the ends of a thread's branches."""
    options: Mapping[str, object] = {"limit": limit}
    return Call("GET", path_of("threads", thread_id, "branches"), page_reader(Branch), query=query_of(options, cursor))


def thread_fork(thread_id: str, message_id: str, title: str | None) -> Call[Thread]:
    """Fork a thread. Sent twice it would be forked twice."""
    body = body_of(given_of({"message_id": message_id, "title": title}))
    return Call("POST", path_of("threads", thread_id, "fork"), reader_of(Thread), body=body, repeat=Repeat.IF_REFUSED)


def thread_mark_read(thread_id: str, options: ReadOptions) -> Call[Unread]:
    """Say how far somebody has read."""
    return Call("PUT", path_of("threads", thread_id, "read"), reader_of(Unread), body=body_of(given_of(options)))
