"""Plain calls, through both clients: routes, pages, retries."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from support.waiting import PATIENCE_SECONDS
from threadline.client import (
    AsyncThreadline,
    ConnectionLost,
    Forbidden,
    Health,
    NotFound,
    RateLimited,
    Threadline,
    Timeout,
    Unavailable,
    UnexpectedAnswer,
)
from threadline.client.errors import APIError

from . import wire_samples as wire
from .scripted_server import Answer, Exchange, ScriptedServer, hang_up, problem, reply, say_nothing
from .speakers import QUICK, Speaker

Connect = Callable[..., Speaker]

UNAVAILABLE = problem(503, "unavailable", {"retry-after": "0"}, retryable=True)


def page(*items: dict[str, Any], cursor: str | None = None) -> Answer:
    return reply(200, {"data": list(items), "has_more": cursor is not None, "next_cursor": cursor})


async def test_threads_are_made_read_changed_and_deleted(server: ScriptedServer, speaker: Speaker) -> None:
    """The life of a thread in its routes and bodies."""
    state = {"thread": wire.thread(), "messages": [wire.message()], "runs": [wire.run()], "has_more": False,
             "next_cursor": None, "seq": 9}  # fmt: skip
    server.answer(
        reply(201, wire.thread()), reply(200, wire.thread(title="t")), reply(200, wire.thread(pinned=True)),
        reply(200, state), reply(204),
    )  # fmt: skip
    created = await speaker.call(lambda c: c.threads.create(end_user_id="ada", metadata={"a": 1}))
    assert (created.id, created.end_user_id) == ("thr_1", "ada")
    assert (await speaker.call(lambda c: c.threads.get("thr_1"))).title == "t"
    assert (await speaker.call(lambda c: c.threads.update("thr_1", pinned=True, title=None))).pinned
    folded = await speaker.call(lambda c: c.threads.state("thr_1", limit=5))
    assert (folded.seq, folded.messages[0].text, folded.runs[0].status) == (9, "hello", "running")
    assert await speaker.call(lambda c: c.threads.delete("thr_1")) is None
    assert server.lines == [
        "POST /v1/threads", "GET /v1/threads/thr_1", "PATCH /v1/threads/thr_1", "GET /v1/threads/thr_1/state",
        "DELETE /v1/threads/thr_1",
    ]  # fmt: skip
    assert server.seen[0].json == {"end_user_id": "ada", "metadata": {"a": 1}}
    assert server.seen[2].json == {"pinned": True, "title": None}
    assert server.seen[3].query == {"limit": "5"}


async def test_what_waits_is_seen_and_changed(server: ScriptedServer, speaker: Speaker) -> None:
    """A thread's queue, and a change of one run in it; what is not given is not sent."""
    waits = wire.run("queued") | {"position": 2}
    server.answer(page(waits), reply(200, waits | {"position": 1}), reply(200, waits))
    assert [run.position for run in await speaker.call(lambda c: c.threads.queue("thr_1"))] == [2]
    assert (await speaker.call(lambda c: c.runs.change("run_1", position=1))).position == 1
    await speaker.call(lambda c: c.runs.change("run_1", content="again"))
    assert server.lines == ["GET /v1/threads/thr_1/queue", "PATCH /v1/runs/run_1", "PATCH /v1/runs/run_1"]
    assert [request.json for request in server.seen[1:]] == [{"position": 1}, {"content": "again"}]


async def test_branches_forks_and_read_marks(server: ScriptedServer, speaker: Speaker) -> None:
    """Their routes and bodies; answering again carries an idempotency key of its own."""
    head = {"object": "branch", "tip_message_id": "msg_2", "is_active": True, "excerpt": "hi", "seq": 4}
    read = {"thread_id": "thr_1", "end_user_id": "ada", "seq": 4, "unread_count": 2}
    sibling = wire.message() | {"siblings": {"position": 2, "count": 3}}
    server.answer(
        page(head), reply(202, {"message": sibling, "run": wire.run()}), reply(201, wire.thread(title="f")),
        reply(200, read), reply(200, wire.thread(unread_count=2, forked_from={"thread_id": "t", "message_id": "m"})),
    )  # fmt: skip
    assert [each.tip_message_id for each in await speaker.collect(lambda c: c.threads.branches("thr_1", limit=9))] == [
        "msg_2"
    ]
    accepted = await speaker.call(lambda c: c.threads.regenerate("msg_2", model="demo/echo"))
    assert accepted.message.siblings is not None
    assert (accepted.message.siblings.position, accepted.message.siblings.count) == (2, 3)
    assert (await speaker.call(lambda c: c.threads.fork("thr_1", "msg_2", title="f"))).title == "f"
    assert (await speaker.call(lambda c: c.threads.mark_read("thr_1", seq=4, end_user_id="ada"))).unread_count == 2
    thread = await speaker.call(lambda c: c.threads.get("thr_1"))
    assert (thread.unread_count, thread.forked_from.message_id) == (2, "m")
    assert server.lines == [
        "GET /v1/threads/thr_1/branches", "POST /v1/messages/msg_2/regenerate", "POST /v1/threads/thr_1/fork",
        "PUT /v1/threads/thr_1/read", "GET /v1/threads/thr_1",
    ]  # fmt: skip
    assert server.seen[0].query == {"limit": "9"}
    assert server.seen[1].json == {"model": "demo/echo", "background": True}
    assert server.seen[1].headers["idempotency-key"]
    assert server.seen[2].json == {"message_id": "msg_2", "title": "f"}
    assert server.seen[3].json == {"seq": 4, "end_user_id": "ada"}


async def test_tools_are_registered_read_changed_and_deleted(server: ScriptedServer, speaker: Speaker) -> None:
    """The life of a tool in its routes and bodies. Its secret is not in what is printed of it."""
    tool = {"id": "tool_1", "object": "tool", "name": "refund", "kind": "webhook", "secret": None}
    definition = {"name": "refund", "kind": "webhook", "description": "d", "input_schema": {"type": "object"}}
    server.answer(
        reply(201, {**tool, "secret": "whsec_hush"}), page(tool), reply(200, tool), page(definition),
        reply(200, {**tool, "secret": "whsec_other"}), reply(204),
    )  # fmt: skip
    schema = {"type": "object"}
    made = await speaker.call(
        lambda c: c.tools.create("refund", "webhook", url="https://a.example", input_schema=schema, headers={"x": "y"})
    )
    assert made.secret == "whsec_hush"
    assert "hush" not in repr(made)
    assert [each.name for each in await speaker.call(lambda c: c.tools.list())] == ["refund"]
    assert (await speaker.call(lambda c: c.tools.get("refund"))).secret is None
    (told,) = await speaker.call(lambda c: c.tools.definitions("refund"))
    assert told.input_schema == schema
    changed = await speaker.call(lambda c: c.tools.update("refund", rotate_secret=True, approval="always"))
    assert changed.secret == "whsec_other"
    await speaker.call(lambda c: c.tools.delete("refund"))
    assert server.lines == [
        "POST /v1/tools", "GET /v1/tools", "GET /v1/tools/refund", "GET /v1/tools/refund/definitions",
        "PATCH /v1/tools/refund", "DELETE /v1/tools/refund",
    ]  # fmt: skip
    assert server.seen[0].json == {
        "name": "refund", "kind": "webhook", "url": "https://a.example", "input_schema": schema, "headers": {"x": "y"},
    }  # fmt: skip
    assert server.seen[4].json == {"rotate_secret": True, "approval": "always"}


async def test_runs_tokens_keys_and_models(server: ScriptedServer, speaker: Speaker) -> None:
    """The other nouns in their routes and bodies."""
    key = {"id": "key_1", "name": "n", "role": "server", "created_at": wire.TIME}
    server.answer(
        reply(200, wire.run("completed")), reply(200, wire.run("cancelled")),
        reply(201, {"token": "tok", "expires_at": wire.TIME}), reply(201, key | {"secret": "s"}), page(key), reply(204),
        reply(200, {"data": [{"id": "openai/gpt-5.2", "context": 1}]}),
    )  # fmt: skip
    assert (await speaker.call(lambda c: c.runs.get("run_1"))).is_terminal
    assert (await speaker.call(lambda c: c.runs.cancel("run_1"))).status == "cancelled"
    token = await speaker.call(lambda c: c.tokens.create("ada", thread_ids=["thr_1"], expires_in=60))
    assert token.token == "tok"
    assert (await speaker.call(lambda c: c.keys.create(name="n", role="server"))).secret == "s"
    assert [each.secret for each in await speaker.collect(lambda c: c.keys.list())] == [None]
    await speaker.call(lambda c: c.keys.revoke("key_1"))
    (model,) = await speaker.call(lambda c: c.models.list())
    assert (model.id, model.extra) == ("openai/gpt-5.2", {"context": 1})
    assert server.lines == [
        "GET /v1/runs/run_1", "POST /v1/runs/run_1/cancel", "POST /v1/tokens", "POST /v1/keys", "GET /v1/keys",
        "DELETE /v1/keys/key_1", "GET /v1/models",
    ]  # fmt: skip
    assert server.seen[2].json == {"end_user_id": "ada", "thread_ids": ["thr_1"], "expires_in": 60}


async def test_a_list_fetches_its_pages_as_it_is_read(server: ScriptedServer, speaker: Speaker) -> None:
    """Looping follows the cursors to the last page, and leaving the loop asks for no more than was needed."""
    first = page(wire.thread(id="a"), wire.thread(id="b"), cursor="c/1=")
    server.answer(first, page(wire.thread(id="c")), first)
    threads = await speaker.collect(lambda c: c.threads.list(end_user_id="ada", archived=False, limit=2))
    assert [thread.id for thread in threads] == ["a", "b", "c"]
    assert server.seen[1].query == {"end_user_id": "ada", "archived": "false", "limit": "2", "cursor": "c/1="}
    threads = await speaker.collect(lambda c: c.threads.list(), lambda _, thread: "break" if thread.id == "b" else None)
    assert [thread.id for thread in threads] == ["a", "b"]
    assert len(server.seen) == 3


async def test_a_list_can_be_read_page_by_page(server: ScriptedServer, speaker: Speaker) -> None:
    """One page with its cursor, for who has pages of his own."""
    server.answer(page(wire.message(), cursor="c1"), page(wire.message()))
    first = await speaker.call(lambda c: c.threads.messages("thr_1", limit=1, order="asc", view="user").page())
    assert (first.has_more, first.next_cursor, [message.id for message in first]) == (True, "c1", ["msg_1"])
    last = await speaker.call(lambda c: c.threads.messages("thr_1").page(first.next_cursor))
    assert not last.has_more
    assert [seen.query for seen in server.seen] == [{"limit": "1", "order": "asc", "view": "user"}, {"cursor": "c1"}]


@pytest.mark.parametrize("body", [{"data": 7}, [], {"data": [{"id": 7}]}, {"data": [], "next_cursor": 7}])
async def test_a_broken_page_is_an_unexpected_answer(server: ScriptedServer, speaker: Speaker, body: object) -> None:
    """A page without its form is said so, and is not an empty list."""
    server.answer(reply(200, body))
    with pytest.raises(UnexpectedAnswer):
        await speaker.collect(lambda c: c.threads.list())


async def test_reading_is_repeated_over_any_trouble(server: ScriptedServer, speaker: Speaker) -> None:
    """A GET goes out again after a break, a 503, a bad gateway and a rate limit."""
    limited = problem(429, "rate_limited", {"retry-after": "0"}, retryable=True)
    server.answer(hang_up, UNAVAILABLE, reply(502), limited, reply(200, wire.thread()))
    assert (await speaker.call(lambda c: c.threads.get("thr_1"))).id == "thr_1"


async def test_retries_end(server: ScriptedServer, connect: Connect) -> None:
    """After `max_retries` the last error is raised as it is."""
    server.answer(hang_up, UNAVAILABLE, UNAVAILABLE)
    with pytest.raises(Unavailable):
        await connect(max_retries=2).call(lambda c: c.threads.get("thr_1"))
    server.answer(hang_up)
    with pytest.raises(ConnectionLost):
        await connect(max_retries=0).call(lambda c: c.threads.get("thr_1"))


async def test_creating_a_thread_is_repeated_only_when_it_was_refused(server: ScriptedServer, speaker: Speaker) -> None:
    """503 and 429 mean that there is no thread; after a break there may be one, and a second must not be made."""
    server.answer(UNAVAILABLE, problem(429, "rate_limited", retryable=True), reply(201, wire.thread()))
    assert (await speaker.call(lambda c: c.threads.create())).id == "thr_1"
    server.answer(hang_up, reply(502))
    with pytest.raises(ConnectionLost):
        await speaker.call(lambda c: c.threads.create())
    with pytest.raises(APIError, match="502"):
        await speaker.call(lambda c: c.threads.create())
    server.answer(hang_up, reply(200, wire.thread(external_id="x")))
    assert (await speaker.call(lambda c: c.threads.create(external_id="x"))).external_id == "x"


async def test_creating_a_thread_is_repeated_while_nobody_listens(server: ScriptedServer, connect: Connect) -> None:
    """A refused connection cannot have made a thread, so every try is made."""
    server.vanish()
    with pytest.raises(ConnectionLost) as caught:
        await connect(max_retries=2).call(lambda c: c.threads.create())
    assert caught.value.never_sent
    assert server.seen == []


async def test_a_deletion_that_was_carried_out_is_a_success(server: ScriptedServer, speaker: Speaker) -> None:
    """The answer was lost, the second try finds nothing: deleted. Without a lost answer nothing was there."""
    gone = problem(404, "not_found")
    server.answer(hang_up, gone, gone)
    await speaker.call(lambda c: c.threads.delete("thr_1"))
    with pytest.raises(NotFound):
        await speaker.call(lambda c: c.threads.delete("thr_1"))


async def test_a_call_that_takes_too_long_is_a_timeout(server: ScriptedServer, connect: Connect) -> None:
    """A server that says nothing is not waited for beyond `timeout`; a creation is not repeated after it."""
    server.answer(say_nothing)
    with pytest.raises(Timeout):
        await connect(timeout=2).call(lambda c: c.threads.create())


async def test_a_wish_for_minutes_is_raised_at_once(server: ScriptedServer, speaker: Speaker) -> None:
    """A plain call does not sleep for an hour because a server asked for it."""
    server.answer(problem(429, "rate_limited", {"retry-after": "3600"}, retryable=True))
    began = time.monotonic()
    with pytest.raises(RateLimited):
        await speaker.call(lambda c: c.threads.get("thr_1"))
    assert time.monotonic() - began < PATIENCE_SECONDS


async def test_a_refusal_is_raised_as_its_class(server: ScriptedServer, speaker: Speaker) -> None:
    """The error of a plain call is the one of the tree, after one try."""
    server.answer(problem(403, "forbidden", detail="Needs an admin key."))
    with pytest.raises(Forbidden, match=r"^Needs an admin key. \(forbidden, HTTP 403\)"):
        await speaker.call(lambda c: c.keys.create())


async def test_an_answer_that_is_no_json_is_unexpected(server: ScriptedServer, speaker: Speaker) -> None:
    """A 200 from somebody else is not taken for a thread."""

    async def html(exchange: Exchange) -> None:
        await exchange.reply(200, b"<html>")

    server.answer(html)
    with pytest.raises(UnexpectedAnswer, match="not JSON"):
        await speaker.call(lambda c: c.threads.get("thr_1"))


async def test_health_is_an_answer_in_any_case(server: ScriptedServer, speaker: Speaker) -> None:
    """Ready, alive only, or out of reach: three answers, no exception, no retry."""
    server.answer(reply(200), reply(200), reply(200), reply(503))
    assert await speaker.call(lambda c: c.health()) == Health(alive=True, ready=True)
    assert await speaker.call(lambda c: c.health()) == Health(alive=True, ready=False)
    server.vanish()
    assert await speaker.call(lambda c: c.health()) == Health(alive=False, ready=False)
    assert server.lines == ["GET /healthz", "GET /readyz"] * 2


async def test_an_http_client_that_was_passed_in_stays_its_owners(server: ScriptedServer) -> None:
    """It is used with its own headers, and closing our client leaves it open."""
    server.answer(*[reply(200, wire.thread())] * 3)
    with httpx.Client() as blocking_http:
        with Threadline(server.url, http_client=blocking_http) as blocking:
            await asyncio.to_thread(blocking.threads.get, "thr_1")
        assert not blocking_http.is_closed
    async with httpx.AsyncClient(headers={"x-trace": "7"}) as http:
        async with AsyncThreadline(server.url, http_client=http) as client:
            await client.threads.get("thr_1")
        assert not http.is_closed
    assert server.seen[1].headers["x-trace"] == "7"
    assert "authorization" not in server.seen[1].headers
    own = AsyncThreadline(server.url, backoff=QUICK)
    await own.threads.get("thr_1")
    await own.close()
    with pytest.raises(RuntimeError, match="closed"):
        await own.threads.get("thr_1")


async def test_a_path_in_the_base_url_is_kept(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server behind a prefix is reached there, also when its address comes from the environment."""
    server.answer(reply(200, wire.thread()))
    monkeypatch.setenv("THREADLINE_URL", server.url + "/chat/")
    monkeypatch.setenv("THREADLINE_API_KEY", "key_env")
    async with AsyncThreadline() as client:
        await client.threads.get("thr_1")
    assert server.lines == ["GET /chat/v1/threads/thr_1"]
    assert server.seen[0].headers["authorization"] == "Bearer key_env"


def test_a_host_that_does_not_exist_is_a_lost_connection() -> None:
    """Errors of httpx do not reach the caller as such."""
    with Threadline("http://127.0.0.1:1", max_retries=0) as client, pytest.raises(ConnectionLost) as caught:
        client.threads.get("thr_1")
    assert isinstance(caught.value.__cause__, httpx.ConnectError)
    assert "http://127.0.0.1:1 " in str(caught.value), "nobody sees where it was tried"


def test_a_request_that_cannot_be_made_is_not_repeated() -> None:
    """A fault of our own does not get better by trying again."""

    def refuse(request: httpx.Request) -> httpx.Response:
        tries.append(request)
        raise httpx.LocalProtocolError("illegal header")

    tries: list[httpx.Request] = []
    with httpx.Client(transport=httpx.MockTransport(refuse)) as http, pytest.raises(ConnectionLost) as caught:
        Threadline("http://x", http_client=http, backoff=QUICK).threads.get("thr_1")
    assert not caught.value.retryable
    assert len(tries) == 1


async def test_files_are_listed_and_deleted(server: ScriptedServer, speaker: Speaker) -> None:
    """Over all pages, of a thread or a person; a deletion says nothing."""
    file = {"id": "file_1", "object": "file", "name": None, "media_type": "image/png", "size": 3, "sha256": "0"}
    server.answer(page(file, cursor="c"), page({**file, "id": "file_2"}), reply(204))
    found = await speaker.collect(lambda c: c.files.list(thread_id="thr_1", limit=1))
    assert [each.id for each in found] == ["file_1", "file_2"]
    assert await speaker.call(lambda c: c.files.delete("file_1")) is None
    assert server.lines == ["GET /v1/files", "GET /v1/files", "DELETE /v1/files/file_1"]
    assert server.seen[1].query == {"thread_id": "thr_1", "limit": "1", "cursor": "c"}


async def test_files_are_uploaded_read_and_linked(server: ScriptedServer, speaker: Speaker) -> None:
    """Bytes go as they are, with their type; they come back as they are; a link is not part of a `repr`."""
    file = {"id": "file_1", "object": "file", "name": "a b.png", "media_type": "image/png", "size": 3, "sha256": "0",
            "end_user_id": "ada", "created_at": wire.TIME}  # fmt: skip
    link = {"url": "/v1/files/file_1/content?link=secret", "expires_at": wire.TIME}
    server.answer(
        UNAVAILABLE, reply(201, file), reply(200, file), lambda exchange: exchange.reply(200, b"\x00\xffz", {}),
        reply(201, link),
    )  # fmt: skip
    made = await speaker.call(lambda c: c.files.upload(b"\x00\xffz", "image/png", name="a b.png", end_user_id="ada"))
    assert (made.id, made.size, made.media_type) == ("file_1", 3, "image/png")
    assert (await speaker.call(lambda c: c.files.get("file_1"))).sha256 == "0"
    assert await speaker.call(lambda c: c.files.content("file_1")) == b"\x00\xffz"
    linked = await speaker.call(lambda c: c.files.link("file_1", expires_in=60))
    assert linked.url.endswith("secret")
    assert "secret" not in repr(linked)
    assert server.lines == [
        "POST /v1/files", "POST /v1/files", "GET /v1/files/file_1", "GET /v1/files/file_1/content",
        "POST /v1/files/file_1/link",
    ]  # fmt: skip
    assert server.seen[1].body == b"\x00\xffz"
    assert server.seen[1].headers["content-type"] == "image/png"
    assert server.seen[1].query == {"name": "a b.png", "end_user_id": "ada"}
    assert server.seen[4].json == {"expires_in": 60}
