"""What a vendor's server may do to us over HTTP: tried again, told in words, or read all the same."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from support.waiting import PATIENCE_SECONDS
from threadline.errors import ProviderFailure
from threadline.limits import PROVIDER_LINE_BYTES_MAX
from threadline.providers import http, remote
from threadline.providers.contract import Chunk, FinishChunk, Polled, Provider, UsageChunk
from threadline.providers.remote import RemoteProvider
from threadline.records import Usage

from .conftest import KEY, MakeProvider, Naps
from .reading import asking, outline, read, read_failing, text_of, usage_of
from .speech import (
    ANTHROPIC_ERRORS,
    OPENAI_ERRORS,
    Step,
    anthropic_event,
    anthropic_start,
    anthropic_stream,
    frame,
    openai_chunk,
    openai_stream,
)
from .vendor import Answer, Vendor, until

HI: list[Step] = [{"say": "hi there"}]


class Talk:
    """One vendor's language, and a provider that speaks it."""

    def __init__(self, kind: str, make_provider: MakeProvider) -> None:
        self.kind = kind
        self.make = lambda **options: make_provider(kind, **options)
        self.say: Callable[[list[Step]], list[bytes]] = openai_stream if kind == "openai" else anthropic_stream
        self.errors = OPENAI_ERRORS if kind == "openai" else ANTHROPIC_ERRORS

    def error(self, code: str, **headers: str) -> Answer:
        """Return the answer that means this."""
        status, name = self.errors[code]
        body = msgspec.json.encode({"error": {"type": name, "message": "no"}})
        return Answer([body], status=status, content_type="application/json", headers=headers)


@pytest.fixture(params=["openai", "anthropic"])
def talk(request: pytest.FixtureRequest, make_provider: MakeProvider) -> Talk:
    """Both vendors in their turn."""
    return Talk(request.param, make_provider)


# --- what is sent ---


async def test_the_request_on_the_wire(talk: Talk, vendor: Vendor) -> None:
    """The key stands where its vendor wants it, the stream is asked for uncompressed, and the run is named."""
    vendor.play(Answer(talk.say(HI)))
    await read(talk.make(headers={"x-house": "yes"}), asking(run_id="run_7"))
    (asked,) = vendor.requests
    expected = {
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "x-client-request-id": "run_7",
        "x-house": "yes",
    }
    if talk.kind == "openai":
        expected |= {"authorization": f"Bearer {KEY}"}
    else:
        expected |= {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    assert asked.method == "POST"
    assert asked.target == ("/v1/chat/completions" if talk.kind == "openai" else "/v1/messages")
    assert expected.items() <= asked.headers.items()
    assert asked.json["stream"] is True


async def test_a_server_that_needs_no_key_gets_none(talk: Talk, vendor: Vendor) -> None:
    """A model of one's own is asked without credentials rather than with made-up ones."""
    vendor.play(Answer(talk.say(HI)))
    await read(talk.make(api_key=None), asking())
    assert not {"authorization", "x-api-key"} & vendor.requests[0].headers.keys()


# --- before the first word ---


@pytest.mark.parametrize("code", ["provider_rate_limited", "provider_overloaded", "provider_timeout", "provider_error"])
async def test_a_passing_failure_is_not_seen(talk: Talk, vendor: Vendor, naps: Naps, code: str) -> None:
    """What may pass is tried again, with waits between, and the answer is whole."""
    vendor.play(talk.error(code), talk.error(code), Answer(talk.say(HI)))
    assert text_of(await read(talk.make(), asking())) == "hi there"
    assert len(vendor.requests) == 3
    assert len(naps.seconds) == 2
    assert vendor.requests[0].body == vendor.requests[2].body


@pytest.mark.parametrize("code", ["provider_auth", "provider_refused", "context_too_long"])
async def test_a_lasting_failure_is_told_at_once(talk: Talk, vendor: Vendor, naps: Naps, code: str) -> None:
    """What will not pass is asked once."""
    vendor.play(talk.error(code))
    _, failure = await read_failing(talk.make(), asking())
    assert (failure.code, len(vendor.requests), naps.seconds) == (code, 1, [])


async def test_retries_come_to_an_end(talk: Talk, vendor: Vendor, naps: Naps) -> None:
    """Three retries, and then the vendor's last word is told."""
    vendor.play(talk.error("provider_overloaded"))
    _, failure = await read_failing(talk.make(), asking())
    assert (failure.code, len(vendor.requests), len(naps.seconds)) == ("provider_overloaded", 4, 3)


async def test_retry_after_is_honoured(talk: Talk, vendor: Vendor, naps: Naps) -> None:
    """A vendor that says when is asked again then, not earlier."""
    vendor.play(talk.error("provider_rate_limited", **{"retry-after": "7"}), Answer(talk.say(HI)))
    assert text_of(await read(talk.make(), asking())) == "hi there"
    assert 7.0 <= naps.seconds[0] < 7.6


async def test_a_long_retry_after_is_told_instead(talk: Talk, vendor: Vendor, naps: Naps) -> None:
    """Nobody waits ten minutes for a first word."""
    vendor.play(talk.error("provider_rate_limited", **{"retry-after": "600"}))
    _, failure = await read_failing(talk.make(), asking())
    assert (failure.code, len(vendor.requests), naps.seconds) == ("provider_rate_limited", 1, [])


async def test_an_answer_that_breaks_before_its_first_word_is_asked_again(talk: Talk, vendor: Vendor) -> None:
    """A 200 is no word yet: nothing at all, a cut, an error event and a stream of comments are all tried again."""
    head = anthropic_start() if talk.kind == "anthropic" else openai_chunk({"role": "assistant", "content": ""})
    error = frame({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}, "error")
    vendor.play(
        Answer([head, error]),
        Answer([head], ending="cut"),
        Answer([b": wait\n\n"]),
        Answer(talk.say(HI)),
    )
    chunks = await read(talk.make(), asking())
    assert text_of(chunks) == "hi there"
    assert len(vendor.requests) == 4


async def test_a_connection_refused_is_tried_again(talk: Talk, vendor: Vendor, naps: Naps) -> None:
    """Nobody listens: three retries, then words without the address."""
    provider = talk.make()
    await vendor.stop()
    _, failure = await read_failing(provider, asking())
    assert failure.code == "provider_error"
    assert "could not be reached" in failure.detail
    assert "127.0.0.1" not in failure.detail
    assert len(naps.seconds) == 3


async def test_a_name_that_does_not_exist(talk: Talk) -> None:
    """A base_url with a slip in it is told in words."""
    _, failure = await read_failing(talk.make(base_url="http://no-such-host.invalid/v1", retries=0), asking())
    assert "could not be reached" in failure.detail


# --- after the first word ---


@pytest.mark.parametrize("how", ["cut", "error", "garbage", "clean end"])
async def test_nothing_is_tried_again_after_a_word(talk: Talk, vendor: Vendor, naps: Naps, how: str) -> None:
    """A word may have been seen: whatever happens then is told, and the words before it are given out."""
    begun = talk.say([{"say": "so far"}, {"cut": True}])
    error = frame({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}, "error")
    endings = {
        "cut": Answer(begun, ending="cut"),
        "error": Answer([*begun, error]),
        "garbage": Answer([*begun, b"<h1>Bad gateway</h1>\n\n"]),
        "clean end": Answer(begun),
    }
    vendor.play(endings[how], Answer(talk.say(HI)))
    chunks, failure = await read_failing(talk.make(), asking())
    assert text_of(chunks) == "so far"
    assert failure.code == ("provider_overloaded" if how == "error" else "provider_error")
    assert (len(vendor.requests), naps.seconds) == (1, [])


# --- what it cost ---


async def test_a_failed_try_is_paid_for(vendor: Vendor, make_provider: MakeProvider) -> None:
    """The prompt of a try that told its cost and then failed is added to that of the next."""
    error = anthropic_event("error", error={"type": "overloaded_error", "message": "no"})
    vendor.play(Answer([anthropic_start(), error]), Answer(anthropic_stream(HI)))
    chunks = await read(make_provider("anthropic"), asking())
    assert usage_of(chunks) == Usage(6, 6)
    assert all(chunk.usage.input_tokens == 6 for chunk in chunks if isinstance(chunk, UsageChunk))


async def test_a_call_that_failed_for_good_tells_its_cost(vendor: Vendor, make_provider: MakeProvider) -> None:
    """What was spent before the failure is told before it, once."""
    error = anthropic_event("error", error={"type": "overloaded_error", "message": "no"})
    vendor.play(Answer([anthropic_start(), error]))
    chunks, failure = await read_failing(make_provider("anthropic", retries=1), asking())
    assert chunks == [UsageChunk(Usage(6, 2))]
    assert failure.code == "provider_overloaded"
    vendor.play(Answer([anthropic_start(), error]), Answer(status=401))
    chunks, failure = await read_failing(make_provider("anthropic", retries=1), asking())
    assert chunks == [UsageChunk(Usage(3, 1))]
    assert failure.code == "provider_auth"


async def test_the_cost_comes_with_the_first_words_at_the_latest(vendor: Vendor, make_provider: MakeProvider) -> None:
    """An answer that is stopped in the middle has its input counted, although the count came before any word."""
    vendor.play(Answer(anthropic_stream([{"say": "a"}, {"cut": True}]), ending="hang"))
    chunks: list[Chunk] = []
    async with aclosing(make_provider("anthropic").stream(asking())) as stream:
        async for some in stream:
            chunks += some
            if text_of(chunks):
                break
    assert usage_of(chunks) == Usage(3, 1)


# --- how it may arrive ---


@pytest.mark.parametrize("size", [1, 2, 7, 61, 100_000])
async def test_pieces_of_any_size(talk: Talk, vendor: Vendor, size: int) -> None:
    """Through a real socket, too, it makes no difference where the bytes are cut."""
    stream = b"".join(talk.say([{"think": "hm"}, {"say": "Grüße \U0001f600"}, {"call": "x", "input": {"n": 1}}]))
    vendor.play(Answer([stream[at : at + size] for at in range(0, len(stream), size)]))
    assert outline(await read(talk.make(), asking())) == [
        (0, "reasoning", "hm"),
        (1, "text", "Grüße \U0001f600"),
        (2, "call x", ""),
        (2, "input", '{"n":1}'),
        ("finish", "tool_use"),
    ]


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
async def test_other_line_ends(talk: Talk, vendor: Vendor, line_end: bytes) -> None:
    """CRLF and CR are line ends."""
    vendor.play(Answer([b"".join(talk.say(HI)).replace(b"\n", line_end)]))
    assert text_of(await read(talk.make(), asking())) == "hi there"


@pytest.mark.parametrize("content_type", ["text/event-stream; charset=utf-8", "text/plain", "application/octet-stream"])
async def test_a_stream_by_another_name(talk: Talk, vendor: Vendor, content_type: str) -> None:
    """Proxies rename what they pass on; the bytes say what it is."""
    vendor.play(Answer(talk.say(HI), content_type=content_type))
    assert text_of(await read(talk.make(), asking())) == "hi there"


async def test_json_instead_of_a_stream(talk: Talk, vendor: Vendor) -> None:
    """A server that does not stream is understood, and one that reports an error with a 200 too."""
    whole: dict[str, Any] = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    if talk.kind == "anthropic":
        whole = {"type": "message", "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn"}
    body = msgspec.json.encode(whole)
    vendor.play(Answer([body[:9], body[9:]], content_type="application/json; charset=utf-8"))
    assert outline(await read(talk.make(), asking())) == [(0, "text", "hi"), ("finish", "stop")]
    error = msgspec.json.encode({"error": {"type": "overloaded_error", "message": "no"}})
    vendor.play(Answer([error], content_type="application/json"))
    assert (await read_failing(talk.make(retries=0), asking()))[1].code == "provider_overloaded"


async def test_a_page_instead_of_a_stream(talk: Talk, vendor: Vendor) -> None:
    """A hotel's login page is no answer."""
    vendor.play(Answer([b"<!doctype html>\n<html><body>Please log in</body></html>"], content_type="text/html"))
    _, failure = await read_failing(talk.make(retries=0), asking())
    assert failure.code == "provider_error"


async def test_an_endless_line(talk: Talk, vendor: Vendor) -> None:
    """A line without end is a broken provider, told at the limit."""
    vendor.play(Answer([b"data: ", *[b"x" * 1024 * 1024] * (PROVIDER_LINE_BYTES_MAX // 2**20 + 1)], ending="hang"))
    _, failure = await read_failing(talk.make(retries=0), asking())
    assert "line of more than" in failure.detail
    await asyncio.wait_for(vendor.hung_up.wait(), PATIENCE_SECONDS)


async def test_a_huge_error_page(talk: Talk, vendor: Vendor) -> None:
    """An error's body is read in part, and becomes a sentence."""
    vendor.play(Answer([b"y" * 1024 * 1024] * 8, status=400, content_type="text/plain", ending="hang"))
    _, failure = await read_failing(talk.make(), asking())
    assert failure.code == "provider_refused"
    assert len(failure.detail) <= 300


async def test_an_error_whose_body_never_ends(talk: Talk, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The status has said enough; its body is not waited for long."""
    monkeypatch.setattr(http, "ERROR_BODY_SECONDS", 0.05)
    vendor.play(Answer([b'{"error":'], status=401, content_type="application/json", ending="hang"))
    _, failure = await asyncio.wait_for(read_failing(talk.make(), asking()), PATIENCE_SECONDS)
    assert failure.code == "provider_auth"


async def test_a_redirect_is_not_followed(talk: Talk, vendor: Vendor) -> None:
    """The key goes to the address that was configured, and nowhere else."""
    vendor.play(Answer(status=307, headers={"location": "http://127.0.0.1:1/elsewhere"}))
    _, failure = await read_failing(talk.make(), asking())
    assert failure.code == "provider_refused"
    assert "base_url" in failure.detail


async def test_no_http_at_all(talk: Talk) -> None:
    """A port that speaks something else is told in words."""

    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    _, failure = await read_failing(talk.make(base_url=f"http://127.0.0.1:{port}/v1", retries=0), asking())
    assert failure.code == "provider_error"
    server.close()
    await server.wait_closed()


async def test_a_stream_that_is_whole_and_does_not_end(
    talk: Talk, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is there, the last event never comes: the answer is not lost, and nobody waits for long."""
    monkeypatch.setattr(remote, "TAIL_SECONDS", 0.05)
    parts = talk.say(HI)
    last = -1 if talk.kind == "anthropic" else -2
    vendor.play(Answer(parts[:last], ending="hang"))
    chunks = await asyncio.wait_for(read(talk.make(), asking()), PATIENCE_SECONDS)
    assert outline(chunks) == [(0, "text", "hi there"), ("finish", "stop")]


@pytest.mark.parametrize("ending", ["cut", "hang"])
async def test_a_body_that_does_not_end_behind_a_whole_answer(
    talk: Talk, vendor: Vendor, ending: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor's last event is the end, whatever HTTP still has to say."""
    monkeypatch.setattr(remote, "DRAIN_SECONDS", 0.05)
    vendor.play(Answer(talk.say(HI), ending=ending))
    chunks = await asyncio.wait_for(read(talk.make(), asking()), PATIENCE_SECONDS)
    assert chunks[-1] == FinishChunk("stop")


async def test_a_slow_reader_does_not_lose_the_last_words(talk: Talk, vendor: Vendor) -> None:
    """The vendor says everything and hangs up without a proper end while we are busy: all of it is still read."""
    whole = talk.say([{"say": "first and last"}])
    vendor.play(Answer([*whole[:4], 0.02, *whole[4:]], ending="cut"))
    chunks: list[Chunk] = []
    async with aclosing(talk.make().stream(asking())) as stream:
        async for some in stream:
            chunks += some
            await asyncio.sleep(0.1)
    assert text_of(chunks) == "first and last"
    assert chunks[-1] == FinishChunk("stop")


async def test_a_reader_that_does_not_pull_pushes_back(talk: Talk, vendor: Vendor) -> None:
    """A run that may not write stops reading: then the vendor has to wait, and our memory does not grow."""
    word = talk.say([{"say": "x" * 1000}, {"cut": True}])
    vendor.play(Answer([b"".join(word)] * 50_000))
    provider = talk.make()
    async with aclosing(provider.stream(asking())) as stream:
        await anext(stream)
        await asyncio.sleep(0.3)
        assert isinstance(provider, RemoteProvider)
        assert _buffered_bytes(provider) < 4 * http.READ_BUFFER_BYTES


def _buffered_bytes(provider: RemoteProvider) -> int:
    session = provider._pool._session
    assert session is not None
    assert session.connector is not None
    (protocol,) = session.connector._acquired
    return protocol._payload._size  # type: ignore[union-attr]


# --- polling ---


async def poll_to_the_end(provider: Provider, pause_seconds: float) -> list[Chunk]:
    """Read by polling wherever there is something to poll, as a busy engine does."""
    chunks: list[Chunk] = []
    async with aclosing(provider.stream(asking())) as stream:
        assert isinstance(stream, Polled)
        async for some in stream:
            chunks += some
            while (polled := stream.poll()) is not None:
                chunks += polled
                await asyncio.sleep(pause_seconds)
    return chunks


@pytest.mark.parametrize("size", [1, 61, 100_000])
async def test_a_polled_answer_is_the_same_answer(talk: Talk, vendor: Vendor, size: int) -> None:
    """Whether it is waited for or polled, no chunk is lost, doubled or out of order, and the end is the end."""
    stream = b"".join(talk.say([{"think": "hm"}, {"say": "one two three"}, {"call": "x", "input": {"n": 1}}]))
    parts = [stream[at : at + size] for at in range(0, len(stream), size)]
    vendor.play(Answer(parts))
    waited = await read(talk.make(), asking())
    polled = await poll_to_the_end(talk.make(), 0)
    assert outline(polled) == outline(waited)
    assert usage_of(polled) == usage_of(waited)


@pytest.mark.parametrize("how", ["cut", "error", "garbage"])
async def test_polling_leaves_failures_to_the_generator(talk: Talk, vendor: Vendor, how: str) -> None:
    """`poll` never raises: the words before a failure are polled, and the generator tells the failure."""
    begun = talk.say([{"say": "so far"}, {"cut": True}])
    error = frame({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}, "error")
    rest = {"cut": b"", "error": error, "garbage": b"<h1>Bad gateway</h1>\n\n"}[how]
    vendor.play(Answer([*begun[:-1], 0.02, begun[-1] + rest], ending="cut"))
    with pytest.raises(ProviderFailure) as caught:
        await poll_to_the_end(talk.make(), 0.005)
    assert caught.value.code == ("provider_overloaded" if how == "error" else "provider_error")


# --- leaving ---


async def test_leaving_closes_the_connection(talk: Talk, vendor: Vendor) -> None:
    """A reader that goes away does not leave a vendor talking, and billing, to nobody."""
    vendor.play(Answer(talk.say([{"say": "a b c"}, {"cut": True}]), ending="hang"))
    async with aclosing(talk.make().stream(asking())) as stream:
        async for some in stream:
            if text_of(list(some)):
                break
        assert not vendor.hung_up.is_set()
    await asyncio.wait_for(vendor.hung_up.wait(), PATIENCE_SECONDS)


@pytest.mark.parametrize("when", ["before the head", "in mid-answer"])
async def test_cancelling_a_silent_call_closes_the_connection(talk: Talk, vendor: Vendor, when: str) -> None:
    """Stop works at once, also while the vendor has not even begun to answer."""
    begun = Answer(talk.say([{"say": "a"}, {"cut": True}]), ending="hang")
    vendor.play(Answer(ending="mute") if when == "before the head" else begun)
    task = asyncio.create_task(read(talk.make(), asking()))
    await until(lambda: bool(vendor.requests))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, PATIENCE_SECONDS)
    await asyncio.wait_for(vendor.hung_up.wait(), PATIENCE_SECONDS)


# --- the pool ---


async def test_connections_are_kept_warm(talk: Talk, vendor: Vendor) -> None:
    """One answer after the other comes over the same connection."""
    vendor.play(Answer(talk.say(HI)))
    provider = talk.make()
    for _ in range(5):
        await read(provider, asking())
    assert [asked.connection for asked in vendor.requests] == [1] * 5


async def test_a_body_that_ends_a_little_later_keeps_its_connection(
    talk: Talk, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the HTTP body may come in a packet of its own, behind the vendor's last event."""
    monkeypatch.setattr(remote, "DRAIN_SECONDS", PATIENCE_SECONDS)
    vendor.play(Answer([*talk.say(HI), 0.05]))
    provider = talk.make()
    for _ in range(2):
        await read(provider, asking())
    assert [asked.connection for asked in vendor.requests] == [1, 1]


async def test_nothing_half_read_goes_back(talk: Talk, vendor: Vendor) -> None:
    """A connection whose answer was left in the middle is not used again: the next answer is its own."""
    vendor.play(Answer([*talk.say([{"say": "old"}, {"cut": True}]), 0.05, *talk.say(HI)]), Answer(talk.say(HI)))
    provider = talk.make()
    async with aclosing(provider.stream(asking())) as stream:
        await anext(stream)
    assert outline(await read(provider, asking())) == [(0, "text", "hi there"), ("finish", "stop")]
    assert [asked.connection for asked in vendor.requests] == [1, 2]


async def test_an_error_leaves_no_connection_half_read(talk: Talk, vendor: Vendor) -> None:
    """A retry after an error with a body reads its own answer."""
    vendor.play(talk.error("provider_overloaded"), Answer(talk.say(HI)))
    assert text_of(await read(talk.make(), asking())) == "hi there"


async def test_an_idle_pool_closes_and_opens_again(talk: Talk, vendor: Vendor) -> None:
    """After its time without a stream the connections are closed; the next question opens them again."""
    vendor.play(Answer(talk.say(HI)))
    provider = talk.make(pool_idle_seconds=0.05)
    assert isinstance(provider, RemoteProvider)
    assert not provider._pool.is_open, "nothing is opened before it is needed"
    await read(provider, asking())
    assert provider._pool.is_open
    await asyncio.wait_for(vendor.hung_up.wait(), PATIENCE_SECONDS)
    await until(lambda: not provider._pool.is_open)
    await read(provider, asking())
    assert [asked.connection for asked in vendor.requests] == [1, 2]


async def test_a_pool_in_use_is_not_idle(talk: Talk, vendor: Vendor) -> None:
    """An answer that takes longer than the idle time is not cut off by it."""
    begun, rest = talk.say([{"say": "slow"}, {"cut": True}]), talk.say(HI)[-3:]
    vendor.play(Answer(talk.say(HI)), Answer([*begun, 0.2, *rest]))
    provider = talk.make(pool_idle_seconds=0.05)
    await read(provider, asking())
    assert text_of(await read(provider, asking())).startswith("slow")


async def test_a_failed_call_does_not_keep_the_pool_open(talk: Talk, vendor: Vendor) -> None:
    """Streams are counted down on every way out: refused, broken, left and cancelled."""
    provider = talk.make(retries=0)
    assert isinstance(provider, RemoteProvider)
    vendor.play(talk.error("provider_auth"), Answer(talk.say([{"say": "a"}, {"cut": True}]), ending="hang"))
    await read_failing(provider, asking())
    async with aclosing(provider.stream(asking())) as stream:
        await anext(stream)
    for ending in ("hang", "mute"):
        vendor.play(Answer(ending=ending))  # type: ignore[arg-type]
        task = asyncio.create_task(read(provider, asking()))
        asked = len(vendor.requests)
        await until(lambda asked=asked: len(vendor.requests) > asked)  # type: ignore[misc]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await vendor.stop()
    await read_failing(provider, asking())
    assert provider._pool._streams == 0
    assert provider._pool._timer is not None


def test_proxies_are_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTPS_PROXY is used, NO_PROXY is not passed through it, and nothing else is read of the environment."""
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    vendor, own = http.URL("https://api.openai.com/v1"), http.URL("http://127.0.0.1:8000/v1")
    assert http._proxy_for(vendor) is None
    monkeypatch.setenv("HTTPS_PROXY", "http://user:word@proxy.test:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    assert str(http._proxy_for(vendor)) == "http://user:word@proxy.test:3128"
    assert http._proxy_for(own) is None
