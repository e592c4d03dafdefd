"""Following a thread, through both clients."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from threadline.client import BadCursor, ConnectionLost, NotFound, Unauthorized, UnexpectedAnswer, UnknownEvent, events

from . import wire_samples as wire
from .scripted_server import Exchange, ScriptedServer, hang_up, problem, reply, stream
from .speakers import Speaker

Connect = Callable[..., Speaker]

DELETED = wire.frame(99, "thread.deleted", thread={"id": "thr_1"})


def follow(client: Any, *after: Any, **options: Any) -> Any:
    return client.threads.events("thr_1", *after, **options)


def shown(happened: list[events.Event]) -> list[tuple[str, int | None]]:
    return [(event.type, event.seq) for event in happened]


async def test_a_thread_is_followed_over_cuts_to_its_deletion(server: ScriptedServer, speaker: Speaker) -> None:
    """Replay, the mark, live events; a cut and a refusal in between; the end of a run is not the end; deletion is."""
    frames = wire.answered("a", first_seq=1)
    server.answer(
        stream(*frames[:3], wire.caught_up(3), *frames[3:5], then="reset"),
        problem(503, "unavailable", {"retry-after": "0"}, retryable=True),
        stream(frames[5], wire.caught_up(6), frames[6], then="end"),
        hang_up,
        stream(wire.caught_up(7), DELETED, then="stall"),
    )
    happened = await speaker.collect(follow)
    assert [event.seq for event in happened if not isinstance(event, events.CaughtUp)] == [1, 2, 3, 4, 5, 6, 7, 99]
    assert [event.seq for event in happened if isinstance(event, events.CaughtUp)] == [3, 6, 7]
    assert [seen.query for seen in server.seen] == [{}, {"after": "5"}, {"after": "5"}, {"after": "7"}, {"after": "7"}]
    assert set(server.lines) == {"GET /v1/threads/thr_1/events"}


async def test_following_begins_where_it_is_told(server: ScriptedServer, speaker: Speaker) -> None:
    """From a seq, from the start, from now."""
    server.answer(stream(DELETED), stream(DELETED), stream(DELETED), stream(DELETED))
    for after in (7, 0, "now", None):
        await speaker.collect(lambda client, after=after: follow(client, after))
    assert [seen.query for seen in server.seen] == [{"after": "7"}, {"after": "0"}, {"after": "now"}, {}]


async def test_now_means_the_first_connection(server: ScriptedServer, speaker: Speaker) -> None:
    """What happens between a cut and the return of a reader who follows from now is not lost."""
    server.answer(stream(wire.caught_up(41), then="cut"), stream(wire.delta(42, "x"), DELETED))
    happened = await speaker.collect(lambda client: follow(client, "now"))
    assert shown(happened) == [("caught_up", 41), ("message.delta", 42), ("thread.deleted", 99)]
    assert [seen.query for seen in server.seen] == [{"after": "now"}, {"after": "41"}]


async def test_unknown_events_are_passed_on(server: ScriptedServer, speaker: Speaker) -> None:
    """A newer server's event arrives as what it is, and its seq counts."""
    server.answer(stream(wire.frame(5, "poll.opened", question="?"), then="cut"), stream(DELETED))
    happened = await speaker.collect(follow)
    assert isinstance(happened[0], UnknownEvent)
    assert happened[0].data["question"] == "?"
    assert server.seen[1].query == {"after": "5"}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(404, "not_found", NotFound), (400, "bad_cursor", BadCursor), (401, "unauthorized", Unauthorized)],
)
async def test_what_waiting_cannot_mend_ends_the_stream(
    server: ScriptedServer, speaker: Speaker, status: int, code: str, kind: type[Exception]
) -> None:
    """A thread that is gone, a cursor beyond the end, an expired token: raised, on the first connection or later."""
    server.answer(problem(status, code), stream(wire.delta(5, "x"), then="cut"), problem(status, code))
    with pytest.raises(kind):
        await speaker.call(lambda client: follow(client, 3))
    with pytest.raises(kind):
        await speaker.collect(lambda client: follow(client, 3))


async def test_a_thread_cannot_have_nothing_left(server: ScriptedServer, speaker: Speaker) -> None:
    """204 is for runs; for a thread it is a broken server, and said so."""
    server.answer(reply(204))
    with pytest.raises(UnexpectedAnswer):
        await speaker.call(follow)


async def test_a_log_that_breaks_its_law_is_not_swallowed(server: ScriptedServer, speaker: Speaker) -> None:
    """A broken frame and a log that goes backwards are raised where they appear, after the good events."""
    server.answer(
        stream(wire.delta(5, "x"), b"data: {\n\n"), stream(wire.delta(5, "x"), wire.delta(7, "z"), wire.delta(6, "y"))
    )  # fmt: skip
    for good in (1, 2):
        got: list[events.Event] = []
        with pytest.raises(UnexpectedAnswer):
            await speaker.collect(follow, lambda _, event, got=got: got.append(event))
        assert len(got) == good


async def test_a_stream_of_heartbeats_is_alive(server: ScriptedServer, connect: Connect) -> None:
    """A quiet thread is no outage, however small the budget; one that stays away is."""

    async def quiet(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.piece(wire.caught_up(4))
        for _ in range(42):
            await asyncio.sleep(0.25)
            await exchange.piece(b": heartbeat\n\n")
        exchange.server.vanish()

    server.answer(quiet)
    got: list[events.Event] = []
    with pytest.raises(ConnectionLost) as caught:
        await connect(reconnect_seconds_max=0.1, stream_idle_seconds_max=10).collect(
            follow, lambda _, event: got.append(event)
        )
    assert shown(got) == [("caught_up", 4)]
    assert caught.value.last_seq == 4
