"""`GET /v1/stream`: a person's whole sidebar as it changes, and some of its threads word for word."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from support.client import Client, Stream, counted, said
from support.fixtures import Installation, StartServer
from support.server import Server
from support.sockets import open_socket
from support.waiting import patience
from threadline.client import AsyncThreadline, Threadline, events

from .test_access import browser, short_lived


@asynccontextmanager
async def sidebar(client: Client, query: str = "", last_event_id: str | None = None) -> AsyncIterator[Stream]:
    """Follow a sidebar."""
    headers = {} if last_event_id is None else {"last-event-id": last_event_id}
    async with client.open("GET", f"/v1/stream{query}", headers=headers) as stream:
        yield stream


async def read_until(stream: Stream, wanted: Any) -> Any:
    """Read up to the first frame whose data is `wanted`, and return the data."""
    async with patience():
        async for frame in stream:
            if wanted(frame.data):
                return frame.data
    raise AssertionError(f"the stream ended ({stream.ending})")


def shown(stream: Stream) -> dict[str, dict[str, Any]]:
    """Return the list as a client has it: by thread, in no order."""
    threads: dict[str, dict[str, Any]] = {}
    for frame in stream.frames:
        if frame.event == "thread":
            threads[frame.data["thread"]["id"]] = frame.data["thread"]
        elif frame.event == "thread.removed":
            threads.pop(frame.data["thread_id"], None)
    return threads


def somebody() -> str:
    """Return a person whom no other test knows: lists of one tenant are shared."""
    return f"person-{uuid.uuid4()}"


async def test_a_sidebar_shows_its_list_and_every_change(client: Client) -> None:
    """What is there, `listed`, then what is made, renamed, pinned, talked in and deleted, from whichever node."""
    ann = somebody()
    old = await client.thread(end_user_id=ann, title="old")
    async with browser(client, ann) as browsing, sidebar(browsing) as stream:
        listed = await stream.read_until("listed")
        assert listed.data == {"type": "listed", "has_more": False}
        assert [thread["title"] for thread in shown(stream).values()] == ["old"]
        made = await browsing.thread(title="new")
        await read_until(stream, lambda data: data["type"] == "thread" and data["thread"]["id"] == made)
        await client.patch(f"/v1/threads/{old}", {"title": "renamed", "pinned": True})
        await read_until(stream, lambda data: data["type"] == "thread" and data["thread"]["pinned"])
        assert shown(stream)[old]["title"] == "renamed"
        await client.ask(made, "x", model="demo/count-5@max")
        await read_until(
            stream,
            lambda data: (
                data["type"] == "thread"
                and (data["thread"]["message_count"], data["thread"]["active_run_id"]) == (2, None)
            ),
        )
        (await client.delete(f"/v1/threads/{made}")).ok(204)
        removed = await stream.read_until("thread.removed")
        assert removed.data == {"type": "thread.removed", "thread_id": made}
        assert shown(stream) == {old: (await browsing.get(f"/v1/threads/{old}")).ok(200)}
        assert all(frame.cursor is None for frame in stream.frames)


async def test_what_is_read_on_one_device_is_read_on_the_other(client: Client) -> None:
    """Unread messages are counted in the list, and the count follows the person's read mark from wherever it is set."""
    ann = somebody()
    thread_id = await client.thread(end_user_id=ann)
    async with browser(client, ann) as phone, sidebar(phone) as stream:
        await stream.read_until("listed")
        await client.ask(thread_id, "x", model="demo/count-3@max")
        await read_until(stream, lambda data: data["type"] == "thread" and data["thread"]["unread_count"] == 1)
        (await phone.request("PUT", f"/v1/threads/{thread_id}/read", {})).ok(200)
        await read_until(stream, lambda data: data["type"] == "thread" and data["thread"]["unread_count"] == 0)


async def test_words_are_no_news_in_a_list(client: Client) -> None:
    """A long answer is a change when it begins and when it ends, whatever it says in between."""
    ann = somebody()
    thread_id = await client.thread(end_user_id=ann)
    async with browser(client, ann) as browsing, sidebar(browsing) as stream:
        await stream.read_until("listed")
        before = len(stream.frames)
        await client.ask(thread_id, "x", model="demo/count-300@300")
        await read_until(
            stream,
            lambda data: (
                data["type"] == "thread"
                and (data["thread"]["message_count"], data["thread"]["active_run_id"]) == (2, None)
            ),
        )
        assert len(stream.frames) - before <= 6


async def test_named_threads_come_word_for_word_and_resume(client: Client) -> None:
    """Each from its cursor; `Last-Event-ID` of the newest frame moves that thread's on, and nothing is missing."""
    ann = somebody()
    one, two = [await client.thread(end_user_id=ann) for _ in range(2)]
    await client.ask(one, "x", model="demo/count-5@max")
    async with browser(client, ann) as browsing:
        async with sidebar(browsing, f"?threads={one}:3,{two}:now") as stream:
            await asyncio.gather(_caught_up(stream, {one, two}))
            await client.ask(two, "x", model="demo/count-30@200")
            await read_until(stream, lambda data: data["type"] == "run.completed" and data["thread_id"] == two)
            for thread_id, after in ((one, 3), (two, 1)):
                assert _events(stream, thread_id) == [frame.data for frame in await client.log(thread_id, after)]
            words = [frame for frame in stream.frames if frame.cursor and frame.data["thread_id"] == two]
            assert said(words) == counted(30)
            cut_at = words[len(words) // 2]
        await client.ask(one, "y")
        assert cut_at.cursor == f"{two}:{cut_at.data['seq']}"
        async with sidebar(browsing, f"?threads={one}:3,{two}:now", cut_at.cursor) as stream:
            await _caught_up(stream, {one, two})
            for thread_id, after in ((one, 3), (two, cut_at.data["seq"])):
                assert _events(stream, thread_id) == [frame.data for frame in await client.log(thread_id, after)]


async def test_a_sidebar_is_ones_own(client: Client, foreign: Client, nobody: Client) -> None:
    """Nobody hears of somebody else's threads, by being listed or by naming them; a limited token of its threads only."""
    ann, bob = somebody(), somebody()
    hers, other, his = [await client.thread(end_user_id=person) for person in (ann, ann, bob)]
    for credential in (foreign, nobody):
        status = 401 if credential is nobody else 404
        assert (await credential.get(f"/v1/stream?threads={hers}")).status == status
    async with (
        browser(client, ann) as browsing,
        browser(client, ann, thread_ids=[other]) as limited,
        browser(client, ann, rights=["send"]) as deaf,
        sidebar(browsing) as of_ann,
        sidebar(limited) as of_other,
        sidebar(foreign) as of_foreign,
        sidebar(client, f"?end_user_id={bob}") as of_bob,
    ):
        (await deaf.get("/v1/stream")).problem(403, "forbidden")
        (await browsing.get(f"/v1/stream?threads={his}")).problem(404, "not_found")
        (await limited.get(f"/v1/stream?threads={hers}")).problem(404, "not_found")
        for stream in (of_ann, of_other, of_foreign, of_bob):
            await stream.read_until("listed")
        for thread_id in (hers, other, his):
            await client.patch(f"/v1/threads/{thread_id}", {"title": "touched"})
        sign = await foreign.thread(title="sign")
        await read_until(of_foreign, lambda data: data["type"] == "thread" and data["thread"]["id"] == sign)
        for stream, last, threads in ((of_ann, hers, {hers, other}), (of_other, other, {other}), (of_bob, his, {his})):
            async with patience():
                while {it["id"] for it in shown(stream).values() if it["title"] == "touched"} != threads:
                    assert await stream.next() is not None, stream.ending
            assert shown(stream).keys() == threads
            assert last in threads
        assert not {hers, other, his} & shown(of_foreign).keys()


async def test_what_is_no_cursor_is_refused(client: Client) -> None:
    """As everywhere: 400 for a cursor that was never handed out, 422 for too much."""
    thread_id = await client.thread()
    for query in (f"?threads={thread_id}:99", f"?threads={thread_id}:x", f"?threads={thread_id}:"):
        (await client.get(f"/v1/stream{query}")).problem(400, "bad_cursor")
    (await client.get(f"/v1/stream?threads={thread_id}", headers={"last-event-id": "7"})).problem(400, "bad_cursor")
    many = ",".join(f"thr_{number}" for number in range(101))
    (await client.get(f"/v1/stream?threads={many}")).problem(422, "invalid_request")
    (await client.get("/v1/stream?limit=0")).problem(422, "invalid_request")


async def test_people_on_a_sidebar_are_seen_in_the_threads_they_name(client: Client) -> None:
    """Presence is one thing on sockets and streams."""
    ann, bob = somebody(), somebody()
    thread_id = await client.thread(end_user_id=ann)
    query = f"?threads={thread_id}:now&end_user_id="
    async with sidebar(client, query + ann) as of_ann:
        await of_ann.read_until("presence.state")
        async with sidebar(client, query + bob) as of_bob:
            await read_until(of_ann, lambda data: data["type"] == "presence" and data["end_user_id"] == bob)
            state = await of_bob.read_until("presence.state")
            assert {it["end_user_id"] for it in state.data["people"]} >= {bob}
        await read_until(of_ann, lambda data: data["type"] == "presence" and data["status"] == "offline")


async def test_an_expired_token_and_a_drain_cut_a_sidebar(make_server: StartServer, installation: Installation) -> None:
    """It never ends cleanly."""
    server: Server = make_server().start()
    async with Client(server.url, installation.key) as client:
        async with AsyncExitStack() as stack:
            _, (stream,) = await short_lived(stack, client, sidebar)
            await stream.read_to_cut()
        async with sidebar(client) as stream:
            await stream.read_until("listed")
            server.sigterm()
            await stream.read_to_cut()
        assert await asyncio.to_thread(server.wait_for_exit) == 0


async def _caught_up(stream: Stream, threads: set[str]) -> None:
    async with patience():
        while {frame.data["thread_id"] for frame in stream.frames if frame.event == "caught_up"} != threads:
            assert await stream.next() is not None, stream.ending


def _events(stream: Stream, thread_id: str) -> list[Any]:
    return [frame.data for frame in stream.frames if frame.cursor and frame.data["thread_id"] == thread_id]


async def test_who_is_removed_from_a_room_hears_nothing_more_of_it(client: Client) -> None:
    """On a socket the last event is his removal; in his list the room goes; the others see him leave."""
    ann, bob = somebody(), somebody()
    room = await client.thread(end_user_id=ann)
    (await client.post(f"/v1/threads/{room}/members", {"end_user_id": bob})).ok(201)
    async with (
        browser(client, bob) as browsing,
        sidebar(browsing) as stream,
        open_socket(client, room, f"?end_user_id={ann}") as of_ann,
        open_socket(browsing, room) as of_bob,
    ):
        await stream.read_until("listed")
        assert shown(stream).keys() == {room}
        await of_ann.wait_for(lambda said: said["type"] == "presence" and said["end_user_id"] == bob)
        await of_bob.ask("send", message={"content": "I am here", "respond": False})
        (await client.delete(f"/v1/threads/{room}/members/{bob}")).ok(204)
        await of_bob.wait_for_type("member.removed", room)
        await of_ann.wait_for(lambda said: said["type"] == "presence" and said["status"] == "offline")
        (await client.send(room, "without him", respond=False)).ok(201)
        for kind, fields in (
            ("send", {"message": {"content": "x"}}),
            ("typing", {}),
            ("subscribe", {"thread_id": room}),
        ):
            assert (await of_bob.refused(kind, **fields))["code"] == "not_found"
        assert of_bob.events(room)[-1]["type"] == "member.removed"
        await stream.read_until("thread.removed")
        assert shown(stream) == {}


async def test_what_goes_from_further_down_is_told_too(client: Client) -> None:
    """Threads behind the first of the stream, which a page of the list may have shown: deleted, or he was removed."""
    ann, bob = somebody(), somebody()
    deleted = await client.thread(end_user_id=bob)
    room = await client.thread(end_user_id=ann)
    (await client.post(f"/v1/threads/{room}/members", {"end_user_id": bob})).ok(201)
    first = await client.thread(end_user_id=bob)
    async with browser(client, bob) as browsing, sidebar(browsing, "?limit=1") as stream:
        assert (await stream.read_until("listed")).data["has_more"]
        assert shown(stream).keys() == {first}
        (await client.delete(f"/v1/threads/{deleted}")).ok(204)
        gone = await stream.read_until("thread.removed")
        assert gone.data["thread_id"] == deleted
        (await client.delete(f"/v1/threads/{room}/members/{bob}")).ok(204)
        await read_until(stream, lambda data: data == {"type": "thread.removed", "thread_id": room})
        assert shown(stream).keys() == {first}


async def test_the_sdk_goes_on_where_a_sidebar_was_left(client: Client) -> None:
    """Both clients: the list anew after each connection, and each event once, however often the loop is left."""
    ann = somebody()
    thread_id = await client.thread(end_user_id=ann)
    url, key = client.urls[0], client.key
    seqs: list[int] = []

    def note(event: events.Event) -> bool:
        if isinstance(event, events.CaughtUp):
            return True
        if event.seq is not None:
            seqs.append(event.seq)
        return False

    def blocking() -> int | str | None:
        with Threadline(url, key) as sdk, sdk.threads.sidebar({thread_id: None}, end_user_id=ann) as stream:
            for event in stream:
                if note(event):
                    break
            sdk.threads.append(thread_id, "one")
            for event in stream:
                if note(event):
                    break
            return stream.cursors[thread_id]

    cursor = await asyncio.to_thread(blocking)
    assert isinstance(cursor, int)
    assert seqs == list(range(1, cursor + 1))
    async with AsyncThreadline(url, key) as sdk:
        await sdk.threads.append(thread_id, "two")
        async with sdk.threads.sidebar({thread_id: cursor}, end_user_id=ann, limit=5) as stream:
            missing = {"thread", "listed", "message.created", "caught_up"}
            async with patience():
                async for event in stream:
                    note(event)
                    # The list and the events of a thread come side by side.
                    missing.discard(event.type)
                    if not missing:
                        break
        assert stream.cursors == {thread_id: seqs[-1]}
    assert seqs == list(range(1, seqs[-1] + 1))
    assert seqs[-1] > cursor
