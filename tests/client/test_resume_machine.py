"""The connection machine of a stream, without a network: what it asks for, what it lets through."""

import pytest

from threadline.client import ConnectionLost, UnexpectedAnswer, events
from threadline.client.calls import message_send_streamed
from threadline.client.decode import read
from threadline.client.models import Run
from threadline.client.resume import SETTLED_SECONDS, Resume, RunResume, ThreadResume, stream_cut
from threadline.client.retry import Backoff
from threadline.client.settings import Settings

from . import wire_samples as wire
from .test_retry import Clock


def settings(clock: Clock | None = None, seconds_max: float = 10.0) -> Settings:
    backoff = Backoff(seconds_first=1.0, seconds_max=1.0, random=lambda: 1.0)
    return Settings(
        base_url="http://x", backoff=backoff, clock=clock or Clock(), reconnect_seconds_max=seconds_max
    )  # fmt: skip


def fed(resume: Resume, *chunks: bytes) -> list[events.Event]:
    return [event for chunk in chunks for event in resume.feed(chunk)]


def seqs(happened: list[events.Event]) -> list[int | None]:
    return [event.seq for event in happened]


def sending() -> RunResume:
    return RunResume(settings(), send=message_send_streamed("thr_1", "hi", {}))


def test_a_send_is_repeated_until_the_run_has_a_name_and_resumed_from_then_on() -> None:
    """Before the server has named the run the same request goes out again; after it, the run's events are asked for."""
    resume = sending()
    first = resume.request()
    assert first.method == "POST"
    assert resume.request() is first
    resume.opened({"x-threadline-run-id": "run_1"})
    assert (resume.request().path, dict(resume.request().headers)) == ("/v1/runs/run_1/events", {})
    fed(resume, wire.delta(7, "a"))
    assert resume.request().headers["last-event-id"] == "7"


def test_a_run_is_named_by_its_events_where_a_proxy_ate_the_header() -> None:
    """The run's own events say which run it is."""
    resume = sending()
    resume.opened({})
    with pytest.raises(UnexpectedAnswer, match="name"):
        resume.known_run_id()
    fed(resume, wire.frame(3, "run.queued", run=wire.run("queued")))
    assert resume.request().path == "/v1/runs/run_1/events"


def test_a_replay_is_dropped_up_to_the_cursor() -> None:
    """A second connection may replay everything: what the caller has is not given again."""
    resume = sending()
    resume.opened({})
    assert seqs(fed(resume, wire.delta(2, "a"), wire.delta(3, "b"))) == [2, 3]
    resume.opened({})
    assert seqs(fed(resume, wire.delta(2, "a"), wire.delta(3, "b"), wire.delta(3, "b"), wire.delta(4, "c"))) == [4]
    assert resume.last_seq == 4


def test_a_log_that_goes_backwards_is_refused() -> None:
    """An event out of order would be lost as "seen"; that is said instead."""
    resume = sending()
    resume.opened({})
    with pytest.raises(UnexpectedAnswer, match="from seq 5 to 4"):
        fed(resume, wire.delta(2, "a"), wire.delta(5, "b"), wire.delta(4, "c"))


def test_the_cursor_moves_as_the_caller_pulls() -> None:
    """Events that arrived in one piece and were not taken yet are not counted as seen."""
    resume = sending()
    resume.opened({})
    coming = resume.feed(wire.delta(2, "a") + wire.delta(3, "b"))
    assert resume.last_seq is None
    next(coming)
    assert resume.last_seq == 2


def test_a_frame_that_was_cut_is_not_seen() -> None:
    """Half a frame moves no cursor, and does not leak into the next connection."""
    resume = sending()
    resume.opened({})
    whole = wire.delta(3, "b")
    assert seqs(fed(resume, wire.delta(2, "a"), whole[:-1])) == [2]
    resume.opened({})
    assert seqs(fed(resume, b"\n", whole)) == [3]


def test_a_run_ends_with_its_terminal_event_and_nothing_comes_after() -> None:
    """Each of the four ends is an end; frames behind it in the same piece are not given out."""
    for status in ("completed", "failed", "cancelled", "expired"):
        resume = RunResume(settings(), run_id="run_1")
        resume.opened({})
        end = wire.frame(9, f"run.{status}", run=wire.run(status))
        assert seqs(fed(resume, end + wire.delta(10, "x"))) == [9]
        assert resume.done


def test_a_run_with_nothing_left_is_settled_by_asking_for_it() -> None:
    """After 204 the run itself says how it ended; one that has not ended means that the stream is to be tried again."""
    resume = RunResume(settings(), run_id="run_1", after=9)
    assert resume.settling().path == "/v1/runs/run_1"
    with pytest.raises(ConnectionLost, match="running"):
        resume.settle(read(Run, wire.run("running")))
    assert not resume.settled
    resume.settle(read(Run, wire.run("failed")))
    assert resume.settled
    assert not resume.done
    (end,) = resume.closing()
    assert isinstance(end, events.RunFailed)
    assert (end.seq, end.run.status, resume.done) == (9, "failed", True)


def test_now_is_pinned_when_the_server_has_said_when_it_was() -> None:
    """A thread followed from now, and cut before anything happened, goes on from where "now" was."""
    resume = ThreadResume(settings(), thread_id="thr_1", after="now")
    assert resume.request().query == {"after": "now"}
    resume.opened({})
    assert [type(event) for event in fed(resume, wire.caught_up(17))] == [events.CaughtUp]
    assert resume.request().query == {"after": "17"}


def test_caught_up_never_moves_the_cursor_back() -> None:
    """The mark is passed on, once for each connection, and only ever raises the cursor."""
    resume = ThreadResume(settings(), thread_id="thr_1")
    assert resume.request().query == {}
    resume.opened({})
    assert len(fed(resume, wire.delta(20, "a"), wire.caught_up(17))) == 2
    assert resume.last_seq == 20


def test_a_threads_stream_ends_with_its_deletion_only() -> None:
    """The end of a run is not the end of its thread."""
    resume = ThreadResume(settings(), thread_id="thr_1", after=0)
    assert resume.request().query == {"after": "0"}
    resume.opened({})
    fed(resume, *wire.answered("a"))
    assert not resume.done
    fed(resume, wire.frame(99, "thread.deleted", thread={"id": "thr_1"}))
    assert resume.done
    with pytest.raises(UnexpectedAnswer):
        resume.settling()


def test_unknown_events_count_and_unknown_frames_do_not() -> None:
    """A newer server's events move the cursor like any other; a frame that is not of the log just passes."""
    resume = ThreadResume(settings(), thread_id="thr_1")
    resume.opened({})
    happened = fed(resume, wire.frame(5, "poll.opened"), b'event: weather\ndata: {"sun":true}\n\n')
    assert happened[1] == events.UnknownEvent(type="weather", seq=None, data={"sun": True})
    assert resume.last_seq == 5


def test_only_progress_renews_the_budget() -> None:
    """A server that accepts and cuts for ever is given up; one new event, or a connection that holds, starts afresh."""
    clock = Clock()
    resume = RunResume(settings(clock, seconds_max=3.0), run_id="run_1")

    def connection(*chunks: bytes, lasts: float = 0.0) -> None:
        resume.opened({})
        clock.now += lasts
        fed(resume, b": heartbeat\n\n", *chunks)
        clock.now += resume.pause_after(stream_cut())

    for seq in range(1, 6):
        connection(wire.delta(seq, "a"))
    for _ in range(5):
        connection(lasts=SETTLED_SECONDS)
    connection(wire.delta(5, "seen"))
    with pytest.raises(ConnectionLost, match="gave up after") as caught:
        connection()
    assert (caught.value.run_id, caught.value.last_seq) == ("run_1", 5)


def test_the_last_error_says_how_to_go_on() -> None:
    """What was lost can be found again: by run and cursor, or by the key of the send."""
    resume = RunResume(settings(seconds_max=0.0), send=message_send_streamed("t", "hi", {"idempotency_key": "k"}))
    with pytest.raises(ConnectionLost) as caught:
        resume.pause_after(stream_cut())
    assert (caught.value.idempotency_key, caught.value.run_id, caught.value.last_seq) == ("k", None, None)
