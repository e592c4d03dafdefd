"""The buses that are servers: they go away, come back, stand still, and carry other people's words. Nothing breaks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from support.databases import MakePostgres, MakeRedis
from support.postgres import PostgresServer
from support.processes import ServerProcess
from support.redis import RedisServer
from support.waiting import patience, until
from threadline.bus.contract import Bus, Nudge
from threadline.bus.postgres import PostgresBus
from threadline.bus.redis import RedisBus
from threadline.bus.remote import RemoteBus, Say
from threadline.bus.wire import MESSAGE_BYTES_MAX, from_message, to_messages
from threadline.ids import ThreadId

MakeBus = Callable[[], Bus]
Place = tuple[ServerProcess, MakeBus]


@pytest.fixture(params=["postgres", "redis"])
def place(request: pytest.FixtureRequest, make_postgres: MakePostgres, make_redis: MakeRedis) -> Place:
    """A server of the test's own, not started, and a way to make buses on it."""
    if request.param == "postgres":
        postgres = make_postgres()
        return postgres, lambda: PostgresBus(postgres.url(), "threadline")
    redis = make_redis()
    return redis, lambda: RedisBus(redis.url(), "threadline")


@asynccontextmanager
async def listening(bus: Bus) -> AsyncIterator[list[Nudge]]:
    """Open a bus; what it hears comes into the list."""
    heard: list[Nudge] = []
    await bus.open(heard.extend)
    try:
        yield heard
    finally:
        await bus.close()


def nudge(seq: int, thread_id: str = "thr_1") -> Nudge:
    """Say that a thread has reached `seq`."""
    return Nudge(ThreadId(thread_id), seq)


async def is_away(bus: Bus) -> bool:
    """Say whether nudges are dropped at the moment."""
    return not await bus.is_healthy()


def hears(bus: Bus, heard: Sequence[Nudge], said: Nudge) -> Callable[[], Awaitable[bool]]:
    """Say it again and again, as commits do, until it was heard."""

    async def again() -> bool:
        bus.nudge([said])
        await asyncio.sleep(0.02)
        return said in heard

    return again


async def test_a_bus_that_restarts_is_found_again(place: Place) -> None:
    """Nudges said meanwhile are dropped at once; the nodes come back by themselves and hear each other again."""
    server, make = place
    await asyncio.to_thread(server.start)
    one, two = make(), make()
    async with listening(one) as heard_by_one, listening(two) as heard_by_two:
        await until(hears(one, heard_by_two, nudge(1)), "the first nudge")
        await asyncio.to_thread(server.kill)
        await until(lambda: is_away(one), "noticing that the bus has gone")
        one.nudge([nudge(2)])
        await asyncio.to_thread(server.start)
        await until(one.is_healthy, "coming back")
        await until(two.is_healthy, "coming back")
        await until(hears(one, heard_by_two, nudge(3)), "a nudge after the restart")
        await until(hears(two, heard_by_one, nudge(4)), "a nudge the other way")
        assert nudge(2) not in heard_by_two, "what could not be said is not said late"


async def test_a_bus_that_is_not_there_yet_is_waited_for(place: Place) -> None:
    """A node starts without its bus: it opens at once, is slower, and hears as soon as there is something to hear."""
    server, make = place
    one, two = make(), make()
    async with patience(), listening(one), listening(two) as heard:
        assert not await one.is_healthy()
        one.nudge([nudge(1)])
        await asyncio.to_thread(server.start)
        await until(one.is_healthy, "connecting")
        await until(hears(one, heard, nudge(2)), "hearing")


async def test_a_bus_that_stands_still_is_given_up(place: Place) -> None:
    """A server that answers nothing any more, with its connections open, counts as away; telling still never waits."""
    server, make = place
    await asyncio.to_thread(server.start)
    one, two = make(), make()
    async with listening(one), listening(two) as heard:
        await until(hears(one, heard, nudge(1)), "the first nudge")
        server.pause()
        try:
            one.nudge([nudge(2)])
            await until(lambda: is_away(one), "noticing that nobody answers")
            one.nudge([nudge(seq, f"thr_{seq}") for seq in range(1, 50_000)])
        finally:
            server.resume()
        await until(one.is_healthy, "coming back")
        await until(two.is_healthy, "coming back")
        await until(hears(one, heard, nudge(3)), "hearing again")


async def test_installations_that_share_a_server_do_not_hear_each_other(
    postgres: PostgresServer, redis: RedisServer, prefix: str
) -> None:
    """The prefix tells them apart."""
    for make in (
        lambda name: PostgresBus(postgres.url(), name),
        lambda name: RedisBus(redis.url(), name),
    ):
        ours, theirs, ours_too = make(prefix), make(f"{prefix}_b"), make(prefix)
        async with listening(ours) as heard, listening(theirs), listening(ours_too):
            theirs.nudge([nudge(1)])
            await until(hears(ours_too, heard, nudge(2)), "hearing our own")
            assert nudge(1) not in heard


async def test_what_others_write_on_the_channel_wakes_nobody_and_breaks_nothing(
    postgres: PostgresServer, redis: RedisServer, prefix: str
) -> None:
    """Somebody else's program, or an older one of ours, may say anything there."""
    nonsense = ["", " ", "x", "a b c", "a thr_1:", "a :5", "a thr_1:-5", "a thr_1:٣", "a thr_1:1e3", "{}" * 3000]

    def notify(text: str) -> None:
        postgres.execute(f"SELECT pg_notify('{prefix}_nudges', '{text}')")

    def publish(text: str) -> None:
        redis.execute("PUBLISH", f"{prefix}:nudges", text)

    for bus, speaker, say in (
        (PostgresBus(postgres.url(), prefix), PostgresBus(postgres.url(), prefix), notify),
        (RedisBus(redis.url(), prefix), RedisBus(redis.url(), prefix), publish),
    ):
        async with listening(bus) as heard, listening(speaker):
            for text in nonsense:
                await asyncio.to_thread(say, text)
            await until(hears(speaker, heard, nudge(7)), "the bus goes on")
            assert set(heard) == {nudge(7)}


async def test_redis_asks_for_its_password(make_redis: MakeRedis) -> None:
    """It stands in the address; without it the node runs on, without a bus."""
    server = make_redis("secret words")
    await asyncio.to_thread(server.start)
    locked_out = RedisBus(f"redis://127.0.0.1:{server.port}/0", "threadline")
    async with listening(locked_out):
        assert not await locked_out.is_healthy()
    let_in = RedisBus(f"redis://:secret%20words@127.0.0.1:{server.port}/0", "threadline")
    async with listening(let_in):
        await until(let_in.is_healthy, "the connection")


def test_messages_are_small_enough_and_hold_everything() -> None:
    """PostgreSQL refuses 8,000 bytes; nothing is cut in two and nothing is left out."""
    said = [nudge(2**53 - seq, f"thr_{seq:026}") for seq in range(2_000)]
    messages = list(to_messages("me", said))
    assert all(len(message.encode()) <= MESSAGE_BYTES_MAX for message in messages)
    assert [each for message in messages for each in from_message(message, "another")] == said
    assert [from_message(message, "me") for message in messages] == [[]] * len(messages)
    assert list(to_messages("me", [])) == []


async def test_while_the_wire_is_busy_only_the_newest_seq_of_a_thread_waits(place: Place) -> None:
    """A queue of every seq would tell late what is old; "look again" is kept beside it."""
    server, make = place
    await asyncio.to_thread(server.start)
    one, two = make(), make()
    async with listening(one), listening(two) as heard:
        for bus in (one, two):
            await until(bus.is_healthy, "the connection")
        # Said in one go: the sender's task has had no turn in between.
        for seq in range(1, 1000):
            one.nudge([nudge(seq)])
        one.nudge([nudge(0)])
        async with patience():
            while nudge(0) not in heard:
                await asyncio.sleep(0.001)
        assert heard == [nudge(999), nudge(0)]


async def test_an_end_comes_although_a_cancellation_was_lost() -> None:
    """A client's library may swallow a cancellation that comes together with an answer; closing does not hang on it."""

    class Deaf(RemoteBus):
        """A bus whose server answers just when it is no longer wanted."""

        @asynccontextmanager
        async def _connected(self, hear: Callable[[str], None], lost: Callable[[], None]) -> AsyncIterator[Say]:
            async def say(message: str) -> None:
                saying.set()
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(60)

            yield say

    saying = asyncio.Event()
    bus = Deaf()
    await bus.open(lambda nudges: None)
    bus.nudge([nudge(1)])
    await saying.wait()
    async with patience():
        await bus.close()
