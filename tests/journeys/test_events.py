"""The events of a thread: replayed from any cursor, then live; and cursors that nobody was ever given."""

import asyncio

import pytest

from support.client import Client, counted, said
from support.rows import rows
from support.server import Server
from support.waiting import patience, until
from threadline.limits import LOG_PAGE_EVENTS


async def test_a_replay_ends_with_caught_up_and_live_goes_on(client: Client) -> None:
    """Everything so far, one `caught_up` without an id, then what happens next, on one number line."""
    thread_id = await client.thread()
    await client.ask(thread_id, "one")
    async with client.events(thread_id) as follow:
        replayed = await follow.read_until("caught_up")
        before = len(follow.frames) - 1
        assert replayed.id is None
        assert replayed.data == {"type": "caught_up", "seq": before}
        await client.ask(thread_id, "two")
        await follow.read_until("run.completed")
    numbers = [frame.id for frame in follow.frames if frame.id is not None]
    assert numbers == list(range(1, len(numbers) + 1))
    assert follow.events().count("caught_up") == 1
    assert follow.retries == [1000]
    assert follow.headers["x-accel-buffering"] == "no"
    assert follow.headers["cache-control"] == "no-cache"


async def test_every_cursor_gives_exactly_what_is_after_it(client: Client, server: Server) -> None:
    """From each seq of a thread with a packed answer, a replay is byte for byte the rest of the log."""
    thread_id = await client.thread()
    await client.ask(thread_id, "x", model="demo/count-40@400")
    await until(lambda: _packed(server, thread_id), "the packing")
    log = await client.log(thread_id)
    replays = await asyncio.gather(*(client.log(thread_id, after=seq) for seq in range(len(log) + 1)))
    for seq, replay in enumerate(replays):
        assert [frame.raw for frame in replay] == [frame.raw for frame in log[seq:]]


async def test_live_and_replayed_frames_are_the_same_bytes(client: Client, server: Server) -> None:
    """What a reader saw live is what another reads after the run, and after its deltas were packed."""
    thread_id = await client.thread()
    async with client.events(thread_id) as follow:
        await follow.read_until("caught_up")
        await client.begin(thread_id, "x", model="demo/count-60@300")
        await follow.read_until("run.completed")
    live = [frame.raw for frame in follow.frames if frame.id is not None]
    assert [frame.raw for frame in await client.log(thread_id)] == live
    await until(lambda: _packed(server, thread_id), "the packing")
    assert [frame.raw for frame in await client.log(thread_id)] == live


async def _packed(server: Server, thread_id: str) -> bool:
    return bool(rows(server, f"SELECT 1 FROM packs WHERE thread_id = '{thread_id}'"))


async def test_now_means_no_replay(client: Client) -> None:
    """`after=now` begins with `caught_up` at the newest seq and shows only what comes after."""
    thread_id = await client.thread()
    await client.ask(thread_id, "one")
    end = len(await client.log(thread_id))
    async with client.events(thread_id, after="now") as follow:
        first = await follow.read_until("caught_up")
        assert (len(follow.frames), first.data["seq"]) == (1, end)
        await client.patch(f"/v1/threads/{thread_id}", {"title": "t"})
        assert (await follow.next()).id == end + 1  # type: ignore[union-attr]


async def test_last_event_id_wins(client: Client) -> None:
    """A browser that comes back sends both its old address and the id of its last frame; the id counts."""
    thread_id = await client.thread()
    await client.ask(thread_id, "one")
    log = await client.log(thread_id)
    async with client.events(thread_id, after=1, last_event_id=4) as follow:
        await follow.read_until("caught_up")
    assert follow.frames[:-1] == log[4:]
    async with client.events(thread_id, after=99_999, last_event_id=len(log)) as follow:
        assert (await follow.read_until("caught_up")).data["seq"] == len(log)
    async with client.events(thread_id, after=2, last_event_id="") as follow:
        await follow.read_until("caught_up")
    assert follow.frames[:-1] == log[2:]


async def test_cursors_that_nobody_was_given_are_refused(client: Client) -> None:
    """Malformed, negative, beyond the end, or of a longer thread: 400 `bad_cursor`, never all or nothing in silence."""
    thread_id, longer_id = await client.thread(), await client.thread()
    for word in ("a", "b", "c"):
        await client.send(longer_id, word, respond=False)
    foreign = (await client.state(longer_id))["seq"]
    wrong = ["-1", "1.5", "abc", "", "0x1", "1e3", "²", str(2**53), "9" * 400, "NOW", "2", str(foreign)]
    for cursor in wrong:
        (await client.get(f"/v1/threads/{thread_id}/events?after={cursor}")).problem(400, "bad_cursor")
        if cursor and cursor.isascii():
            headers = {"last-event-id": cursor}
            (await client.get(f"/v1/threads/{thread_id}/events", headers=headers)).problem(400, "bad_cursor")


async def test_the_seam_between_replay_and_live_has_no_gap(client: Client) -> None:
    """Readers that join at every moment of an answer all hold the same words, each seq once."""
    thread_id = await client.thread()
    sent = await client.begin(thread_id, "x", model="demo/count-99999@200")

    async def read() -> list[bytes]:
        async with client.events(thread_id) as follow:
            await follow.read_until("run.cancelled")
        return [frame.raw for frame in follow.frames if frame.id is not None]

    readers = []
    for _ in range(30):
        readers.append(asyncio.create_task(read()))
        await asyncio.sleep(0.02)
    (await client.post(f"/v1/runs/{sent['run']['id']}/cancel", {"wait": True})).ok(200)
    seen = await asyncio.gather(*readers)
    log = [frame.raw for frame in await client.log(thread_id)]
    assert all(frames == log for frames in seen)


@pytest.mark.parametrize("pace", ["max", "300"])
async def test_a_reader_that_comes_back_again_and_again_misses_nothing(client: Client, pace: str) -> None:
    """A reader that drops its connection every few frames and resumes by its last id ends up with the whole log."""
    thread_id = await client.thread()
    await client.begin(thread_id, "x", model=f"demo/count-200@{pace}")
    held: list[bytes] = []
    is_over = False
    while not is_over:
        async with client.events(thread_id, last_event_id=len(held)) as follow:
            for _ in range(9):
                frame = await follow.next()
                assert frame is not None
                if frame.id is not None:
                    assert frame.id == len(held) + 1
                    held.append(frame.raw)
                is_over = frame.event == "run.completed"
                if is_over:
                    break
    assert held == [frame.raw for frame in await client.log(thread_id)]


async def test_the_number_line_goes_on_from_answer_to_answer(client: Client) -> None:
    """A second answer does not begin at one again: a cursor of the first is good for the second."""
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "x", model="demo/count-9@max") as stream:
        first = await stream.read_to_end()
    async with client.send_stream(thread_id, "x", model="demo/count-9@max") as stream:
        second = await stream.read_to_end()
    assert second[0].id == first[-1].id + 1  # type: ignore[operator]
    assert said(second) == counted(9)


async def test_caught_up_is_not_the_end(client: Client) -> None:
    """After `caught_up` of an ended run the stream of the thread stays open: it waits for whatever comes."""
    thread_id = await client.thread()
    await client.ask(thread_id, "one")
    async with client.events(thread_id) as follow:
        await follow.read_until("caught_up")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await follow.next()
        assert follow.ending == "open"


MANY = LOG_PAGE_EVENTS + 100


async def test_a_log_of_many_pages_is_whole(client: Client) -> None:
    """More events than one read of the store returns: a replay, a live reader and the history have all of them."""
    thread_id = await client.thread()
    async with client.events(thread_id) as live:
        await live.read_until("caught_up")
        for start in range(0, MANY, 100):
            await asyncio.gather(*(client.send_through(thread_id, f"m{start + n}", respond=False) for n in range(100)))
        async with patience():
            while live.frames[-1].id != MANY + 1:
                await live.next()
    log = await client.log(thread_id)
    assert [frame.id for frame in log] == list(range(1, MANY + 2))
    assert [frame.raw for frame in live.frames if frame.id is not None] == [frame.raw for frame in log]
    assert await client.log(thread_id, after=950) == log[950:]
    found, cursor = 0, ""
    while True:
        page = (await client.get(f"/v1/threads/{thread_id}/messages?order=asc&limit=200{cursor}")).ok(200)
        places = [message["seq"] for message in page["data"]]
        assert places == list(range(found + 2, found + 2 + len(places)))
        found += len(places)
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == (await client.get(f"/v1/threads/{thread_id}")).ok(200)["message_count"] == MANY
