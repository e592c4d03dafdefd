"""Who may do what: keys of three roles, tokens for end users, and other people's ids."""

import asyncio
import base64
import json
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest

from support.client import Client
from support.installation import make_key
from support.server import Server, run_command
from support.sockets import open_socket
from support.waiting import until


@asynccontextmanager
async def browser(client: Client, end_user_id: str = "ann", **fields: Any) -> Any:
    """A client with a token that `client` has issued."""
    issued = (await client.post("/v1/tokens", {"end_user_id": end_user_id, **fields})).ok(201)
    assert issued.keys() == {"token", "expires_at"}
    async with Client(client.urls, issued["token"]) as token:
        yield token


async def short_lived(stack: AsyncExitStack, client: Client, *opens: Any) -> tuple[Client, list[Any]]:
    """Open these with a token that ends in a moment; returns its client and what was opened, for as long as the stack.

    Where the machine took longer than the token lives, once more with one that lives longer.
    """
    for seconds in (2, 6, 20, 60):
        async with AsyncExitStack() as attempt:
            person = await attempt.enter_async_context(browser(client, expires_in=seconds))
            try:
                opened = [await attempt.enter_async_context(open_one(person)) for open_one in opens]
            except (AssertionError, aiohttp.WSServerHandshakeError):
                if time.time() < expiry_of(person):
                    raise
                continue
            stack.push_async_exit(attempt.pop_all())
            return person, opened
    raise AssertionError("no token lived long enough")


def expiry_of(person: Client) -> float:
    """Return when the token ends, in seconds since 1970."""
    assert person.key is not None
    return float(json.loads(base64.urlsafe_b64decode(person.key.split(".")[1] + "=="))["exp"])


def requests_on(thread_id: str, run_id: str) -> list[tuple[str, str, Any]]:
    """Return one request to every address of a thread and a run, those that destroy at the end."""
    return [
        ("GET", f"/v1/threads/{thread_id}", None),
        ("GET", f"/v1/threads/{thread_id}/state", None),
        ("GET", f"/v1/threads/{thread_id}/messages", None),
        ("GET", f"/v1/threads/{thread_id}/events?after=now", None),
        ("GET", f"/v1/runs/{run_id}", None),
        ("GET", f"/v1/runs/{run_id}/events", None),
        ("PATCH", f"/v1/threads/{thread_id}", {"title": "taken"}),
        ("POST", f"/v1/threads/{thread_id}/messages", {"content": "x"}),
        ("POST", f"/v1/threads/{thread_id}/messages", {"content": "x", "respond": False}),
        ("POST", f"/v1/runs/{run_id}/cancel", {}),
        ("DELETE", f"/v1/threads/{thread_id}", None),
    ]


async def all_refused(client: Client, thread_id: str, run_id: str, status: int, code: str) -> set[bytes]:
    """Send every request; each must be this error. Returns the different bodies."""
    bodies = set()
    for method, path, body in requests_on(thread_id, run_id):
        options = {} if body is None else {"body": body}
        answer = await client.request(method, path, **options)
        answer.problem(status, code)
        bodies.add(answer.body)
    return bodies


async def test_other_peoples_ids_answer_like_ids_that_do_not_exist(client: Client, foreign: Client) -> None:
    """Another tenant, another end user, a token for another thread: the same 404, byte for byte, and nothing happens."""
    thread_id = await client.thread(end_user_id="ann")
    run_id = (await client.ask(thread_id, "x"))["run"]["id"]
    elsewhere = await client.thread(end_user_id="ann")
    before = await client.log(thread_id)
    nothing = await all_refused(
        client, "thr_01ARZ3NDEKTSV4RRFFQ69G5FAV", "run_01ARZ3NDEKTSV4RRFFQ69G5FAV", 404, "not_found"
    )
    assert len(nothing) == 1
    assert await all_refused(foreign, thread_id, run_id, 404, "not_found") == nothing
    async with (
        browser(client, "bob") as bob,
        browser(client, "ann", thread_ids=[elsewhere]) as narrow,
        browser(foreign, "ann") as namesake,
    ):
        for other in (bob, narrow, namesake):
            assert await all_refused(other, thread_id, run_id, 404, "not_found") == nothing
    assert await client.log(thread_id) == before


async def test_without_a_key_every_address_is_401(client: Client, nobody: Client) -> None:
    """Whether the id exists makes no difference."""
    thread_id = await client.thread()
    run_id = (await client.ask(thread_id, "x"))["run"]["id"]
    bodies = await all_refused(nobody, thread_id, run_id, 401, "unauthorized")
    assert await all_refused(nobody, "thr_x", "run_x", 401, "unauthorized") == bodies
    for method, path in (("GET", "/v1/threads"), ("POST", "/v1/threads"), ("POST", "/v1/tokens"), ("GET", "/v1/keys")):
        (await nobody.request(method, path, {})).problem(401, "unauthorized")
    (await nobody.get("/v1/models")).problem(401, "unauthorized")


async def test_an_end_user_has_their_own_threads(client: Client) -> None:
    """A token makes, lists, reads and answers the threads of its end user, and sees no others."""
    theirs = await client.thread(end_user_id="bob")
    unowned = await client.thread()
    async with browser(client, "cleo") as cleo:
        made = (await cleo.post("/v1/threads", {"title": "mine"})).ok(201)
        assert made["end_user_id"] == "cleo"
        assert (await cleo.ask(made["id"], "hello"))["run"]["status"] == "completed"
        for query in ("", "?end_user_id=bob"):
            listed = {thread["id"] for thread in (await cleo.get(f"/v1/threads{query}")).ok(200)["data"]}
            assert listed == ({made["id"]} if not query else set())
        for other in (theirs, unowned):
            (await cleo.get(f"/v1/threads/{other}")).problem(404, "not_found")
        (await cleo.post("/v1/threads", {"end_user_id": "bob"})).problem(422, "invalid_request")
        message = (await cleo.send(made["id"], "x", respond=False)).ok(201)["message"]
        assert message["author"] == {"type": "user", "id": "cleo"}
        (await cleo.patch(f"/v1/threads/{made['id']}", {"title": "changed"})).ok(200)
        (await cleo.delete(f"/v1/threads/{made['id']}")).ok(204)


async def test_a_token_may_be_for_some_threads_only(client: Client) -> None:
    """Named threads are all it reaches: also in the list, and it cannot find others by their external id."""
    one, two = [await client.thread(end_user_id="dora", external_id=f"e{n}") for n in range(2)]
    async with browser(client, "dora", thread_ids=[one]) as dora:
        assert [thread["id"] for thread in (await dora.get("/v1/threads")).ok(200)["data"]] == [one]
        (await dora.get(f"/v1/threads/{one}")).ok(200)
        (await dora.get(f"/v1/threads/{two}")).problem(404, "not_found")
        assert (await dora.post("/v1/threads", {"external_id": "e0"})).ok(200)["id"] == one
        for body in ({"external_id": "e1"}, {"external_id": "e2"}, {}):
            (await dora.post("/v1/threads", body)).problem(403, "forbidden")


@pytest.mark.parametrize(("rights", "may_read", "may_send"), [(["read"], True, False), (["send"], False, True)])
async def test_rights_say_what_a_token_is_for(
    client: Client, rights: list[str], may_read: bool, may_send: bool
) -> None:
    """A token to read cannot send, change, stop or delete; a token to send cannot read."""
    thread_id = await client.thread(end_user_id="ann")
    run_id = (await client.ask(thread_id, "x"))["run"]["id"]
    async with browser(client, "ann", rights=rights) as ann:
        for method, path, body in requests_on(thread_id, run_id):
            if "/events" in path:
                continue
            options = {} if body is None else {"body": body}
            answer = await ann.request(method, path, **options)
            if may_read if method == "GET" else may_send:
                assert answer.status < 300
            else:
                answer.problem(403, "forbidden")
        if may_read:
            assert len(await ann.log(thread_id)) > 1
        else:
            (await ann.get(f"/v1/threads/{thread_id}/events")).problem(403, "forbidden")
            (await ann.get(f"/v1/runs/{run_id}/events")).problem(403, "forbidden")
        answer = await ann.post("/v1/threads", {})
        assert answer.status == (201 if may_send else 403)


async def test_an_end_user_cannot_reach_keys_tokens_roles_or_metrics(client: Client) -> None:
    """The control plane is closed to tokens, whatever their rights."""
    thread_id = await client.thread(end_user_id="ann")
    async with browser(client, "ann") as ann:
        (await ann.post("/v1/tokens", {"end_user_id": "bob"})).problem(403, "forbidden")
        (await ann.post("/v1/keys", {})).problem(403, "forbidden")
        (await ann.get("/v1/keys")).problem(403, "forbidden")
        (await ann.delete("/v1/keys/key_x")).problem(403, "forbidden")
        (await ann.get("/metrics", headers={"x-forwarded-for": "8.8.8.8"})).problem(403, "forbidden")
        for role in ("assistant", "system"):
            (await ann.send(thread_id, "x", respond=False, role=role)).problem(403, "forbidden")
    assert await client.history(thread_id) == []


async def test_a_server_key_does_not_manage_keys_and_an_admin_makes_no_operator(
    client: Client, admin: Client, operator: Client
) -> None:
    """Each role reaches what is below it and nothing above."""
    (await client.post("/v1/keys", {})).problem(403, "forbidden")
    (await client.get("/v1/keys")).problem(403, "forbidden")
    (await admin.post("/v1/keys", {"role": "operator"})).problem(403, "forbidden")
    made = (await operator.post("/v1/keys", {"role": "operator", "name": "second"})).ok(201)
    assert made["role"] == "operator"
    for key, status in ((client, 403), (admin, 403), (operator, 200)):
        assert (await key.get("/metrics", headers={"x-forwarded-for": "8.8.8.8"})).status == status


async def test_a_key_is_made_shown_once_used_and_revoked(admin: Client, foreign: Client) -> None:
    """The secret is in the answer that makes it and never again; revoking takes effect with the next request."""
    made = (await admin.post("/v1/keys", {"name": "ci"})).ok(201)
    assert (made["object"], made["role"], made["name"], made["revoked_at"]) == ("key", "server", "ci", None)
    listed = {key["id"]: key for key in (await admin.get("/v1/keys")).ok(200)["data"]}
    assert made["id"] in listed
    assert all(not key.get("secret") for key in listed.values())
    assert {key["tenant"] for key in listed.values()} == {"default"}
    async with Client(admin.urls, made["secret"]) as client:
        thread_id = await client.thread()
        (await foreign.delete(f"/v1/keys/{made['id']}")).problem(403, "forbidden")
        (await admin.delete(f"/v1/keys/{made['id']}")).ok(204)
        (await client.get(f"/v1/threads/{thread_id}")).problem(401, "unauthorized")
    (await admin.get(f"/v1/threads/{thread_id}")).ok(200)
    (await admin.delete(f"/v1/keys/{made['id']}")).ok(204)
    (await admin.delete("/v1/keys/key_01ARZ3NDEKTSV4RRFFQ69G5FAV")).problem(404, "not_found")
    assert {key["id"]: key for key in (await admin.get("/v1/keys")).ok(200)["data"]}[made["id"]]["revoked_at"]


async def test_revoking_a_key_ends_its_tokens(admin: Client) -> None:
    """A token is worth no more than the key that issued it."""
    made = (await admin.post("/v1/keys", {})).ok(201)
    async with Client(admin.urls, made["secret"]) as client:
        thread_id = await client.thread(end_user_id="ann")
        async with browser(client, "ann") as ann:
            (await ann.get(f"/v1/threads/{thread_id}")).ok(200)
            (await admin.delete(f"/v1/keys/{made['id']}")).ok(204)
            (await ann.get(f"/v1/threads/{thread_id}")).problem(401, "unauthorized")


async def test_an_operator_sees_the_whole_installation(client: Client, foreign: Client, operator: Client) -> None:
    """Threads and runs of every tenant, through the same addresses."""
    for one in (client, foreign):
        thread_id = await one.thread()
        run_id = (await one.ask(thread_id, "x"))["run"]["id"]
        assert (await operator.get(f"/v1/threads/{thread_id}")).ok(200)["id"] == thread_id
        assert (await operator.run(run_id))["status"] == "completed"
        assert await operator.log(thread_id) == await one.log(thread_id)


async def test_an_expired_token_is_nothing_and_cuts_its_stream(client: Client) -> None:
    """When its time is over a token is 401, and the stream it opened is cut: never a clean end of an unfinished run."""
    thread_id = await client.thread(end_user_id="ann")
    run_id = (await client.begin(thread_id, "x", model="demo/stall-2@max"))["run"]["id"]
    paths = (f"/v1/threads/{thread_id}/events", f"/v1/runs/{run_id}/events")
    async with client.events(thread_id) as other, AsyncExitStack() as stack:
        ann, streams = await short_lived(stack, client, *(lambda it, path=path: it.open("GET", path) for path in paths))
        await asyncio.gather(*(stream.read_to_cut() for stream in streams))
        assert time.time() > expiry_of(ann) - 0.1, "cut before its time was over"
        await other.read_until("caught_up")
        assert other.ending == "open"
        (await ann.get(f"/v1/threads/{thread_id}")).problem(401, "unauthorized")
        (await ann.get(f"/v1/threads/{thread_id}/events")).problem(401, "unauthorized")
    assert (await client.run(run_id))["status"] == "running"
    await client.post(f"/v1/runs/{run_id}/cancel")


async def test_a_stream_takes_its_token_in_the_address_and_nothing_else_does(
    client: Client, nobody: Client, server: Server
) -> None:
    """A browser's EventSource can send no header. The token is in no log line and in no metric."""
    thread_id = await client.thread(end_user_id="ann")
    run_id = (await client.ask(thread_id, "x"))["run"]["id"]
    async with browser(client, "ann") as ann:
        token = ann.key
        async with nobody.open("GET", f"/v1/threads/{thread_id}/events?token={token}") as stream:
            await stream.read_until("caught_up")
        async with nobody.open("GET", f"/v1/runs/{run_id}/events?token={token}") as stream:
            assert (await stream.read_to_end())[-1].event == "run.completed"
        for path in (f"/v1/threads/{thread_id}", f"/v1/threads/{thread_id}/state", f"/v1/runs/{run_id}", "/v1/threads"):
            (await nobody.get(f"{path}?token={token}")).problem(401, "unauthorized")
        (await nobody.get(f"/v1/threads/{thread_id}/events?token={token}x")).problem(401, "unauthorized")
        (await nobody.get(f"/v1/threads/thr_x/events?token={token}")).problem(404, "not_found")
        assert token not in server.log()
        assert token not in (await nobody.get("/metrics")).body.decode()


async def test_a_token_that_somebody_has_written_themselves_is_nothing(client: Client) -> None:
    """Another end user in it, no signature, another algorithm: 401."""
    async with browser(client, "ann") as ann:
        assert ann.key is not None
        head, body, signature = ann.key.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["sub"] = "bob"
    forged = _part(claims)
    none = _part({"alg": "none", "typ": "JWT"})
    for token in (f"{head}.{forged}.{signature}", f"{none}.{forged}.", f"{none}.{body}.", f"{head}.{body}.", "a.b.c"):
        async with Client(client.urls, token) as mallory:
            (await mallory.get("/v1/threads")).problem(401, "unauthorized")


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def test_tokens_are_asked_for_in_their_form(client: Client) -> None:
    """Times, rights and threads out of bounds are 422 with a pointer."""
    for field, value in (
        ("end_user_id", ""),
        ("end_user_id", 7),
        ("expires_in", 0),
        ("expires_in", 10**9),
        ("rights", []),
        ("rights", ["own"]),
        ("thread_ids", []),
        ("thread_ids", ["x"] * 101),
    ):
        body = {"end_user_id": "ann", field: value}
        problem = (await client.post("/v1/tokens", body)).problem(422, "invalid_request")
        assert problem["pointer"].startswith(f"/{field}")
    (await client.post("/v1/tokens", {})).problem(422, "invalid_request")


TOOLS = [
    {"type": "reasoning", "text": "hm", "signature": "seal", "provider": "anthropic"},
    {"type": "tool_use", "id": "t1", "name": "look", "input": {"secret": 1}},
    {"type": "tool_result", "tool_use_id": "t1", "content": "internal", "is_error": False},
    {"type": "text", "text": "It is sunny."},
]


async def test_a_person_sees_what_a_person_is_meant_to_see(client: Client) -> None:
    """Tool traffic and seals are in the audit view, the default of keys, and not in the user's, the default of tokens."""
    thread_id = await client.thread(end_user_id="ann")
    (await client.send(thread_id, TOOLS, respond=False, role="assistant")).ok(201)
    plain = [{"type": "reasoning", "text": "hm"}, TOOLS[-1]]

    async def contents(one: Client, query: str) -> list[Any]:
        page = (await one.get(f"/v1/threads/{thread_id}/messages{query}")).ok(200)
        state = (await one.get(f"/v1/threads/{thread_id}/state{query}")).ok(200)
        assert state["messages"] == page["data"]
        return page["data"][0]["content"]

    async with browser(client, "ann") as ann:
        assert await contents(client, "") == await contents(client, "?view=audit") == TOOLS
        assert await contents(client, "?view=user") == plain
        assert await contents(ann, "") == await contents(ann, "?view=user") == plain


async def test_keys_work_at_once_when_a_command_makes_them_beside_the_server(server: Server) -> None:
    """`threadline keys create` prints the secret alone on stdout, and a new tenant exists from then on."""
    data = ("--data", str(server.data))
    options = {"home": server.home, "settings": server.settings}
    made = await asyncio.to_thread(run_command, "keys", "create", *data, "--tenant", "new", **options)
    assert (made.returncode, made.stderr) == (0, "")
    secret = made.stdout.removesuffix("\n")
    assert len(secret.split()) == 1
    async with Client(server.url, secret) as client:
        await client.thread()
        assert len((await client.get("/v1/threads")).ok(200)["data"]) == 1
        key_id = f"key_{secret.split('_')[1]}"
        gone = await asyncio.to_thread(run_command, "keys", "revoke", key_id, *data, **options)
        assert gone.returncode == 0

        async def is_refused() -> bool:
            return (await client.get("/v1/threads")).status == 401

        await until(is_refused, "the revocation")


async def test_many_commands_beside_a_busy_server_do_not_lock_each_other_out(client: Client, server: Server) -> None:
    """Ten other writers on the same database while an answer streams: all succeed, and no word is late for ever."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "x", model="demo/count-60@100") as stream:
        keys = await asyncio.gather(
            *(asyncio.to_thread(make_key, server.data, database=server.database) for _ in range(10))
        )
        assert (await stream.read_to_end())[-1].event == "run.completed"
    assert len(set(keys)) == 10
    for key in keys:
        async with Client(client.urls, key) as other:
            (await other.get(f"/v1/threads/{thread_id}")).ok(200)


async def test_revoking_a_key_cuts_what_is_open(admin: Client, client: Client) -> None:
    """Streams, sockets and sidebars of the key and of its tokens, on whichever node; those of others go on."""
    made = (await admin.post("/v1/keys", {})).ok(201)
    thread_id = await client.thread(end_user_id="ann")
    path = f"/v1/threads/{thread_id}/events"
    async with AsyncExitStack() as stack:
        spare = await stack.enter_async_context(Client(admin.urls, made["secret"]))
        ann = await stack.enter_async_context(browser(spare, "ann"))
        mine = await stack.enter_async_context(client.events(thread_id))
        askers = [spare, ann] * len(admin.urls)
        streams = [await stack.enter_async_context(each.open("GET", path)) for each in askers]
        streams += [await stack.enter_async_context(each.open("GET", "/v1/stream")) for each in askers]
        sockets = [await stack.enter_async_context(open_socket(each, thread_id)) for each in askers]
        for stream in streams[: len(askers)]:
            await stream.read_until("caught_up")
        for stream in streams[len(askers) :]:
            await stream.read_until("listed")
        for socket in sockets:
            await socket.wait_for_type("caught_up")
        (await admin.delete(f"/v1/keys/{made['id']}")).ok(204)
        for stream in streams:
            await stream.read_to_cut()
        assert [await socket.wait_for_close() for socket in sockets] == [4401] * len(sockets)
        await client.ask(thread_id, "x")
        await mine.read_until("run.completed")
