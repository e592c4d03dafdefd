"""What becomes of an answer when its vendor fails: an end in words, what was said kept, a second try only before it."""

import asyncio
import time
import uuid
from typing import Any

import pytest

from support.client import Client, said, text_of
from support.fixtures import Installation, StartServer
from support.upstream import Reply, Upstream, chat, refusal
from support.waiting import until

from .conftest import ON_SQLITE

SAYS_LATER = {"retry-after": "3600"}
"""A vendor that wants an hour is not waited for: the failure is told at once."""


def unique() -> str:
    """Return a model name that nobody else's test asks for."""
    return f"m-{uuid.uuid4()}"


REFUSALS = [
    (refusal(401, "bad key"), "provider_auth", False),
    (refusal(403, "no access"), "provider_auth", False),
    (refusal(429, "slow down", SAYS_LATER), "provider_rate_limited", True),
    (refusal(503, "overloaded", SAYS_LATER), "provider_overloaded", True),
    (refusal(400, "This model's maximum context length is 9 tokens"), "context_too_long", False),
    (refusal(400, "no such parameter"), "provider_refused", False),
    (refusal(404, "no such model"), "provider_refused", False),
    (refusal(500, "oops", SAYS_LATER), "provider_error", True),
    (refusal(504, "late", SAYS_LATER), "provider_timeout", True),
    (Reply([b"<html>not me</html>"], 502, SAYS_LATER, content_type="text/html"), "provider_error", True),
]


async def failed(client: Client, model: str) -> dict[str, Any]:
    """Ask a model that fails; returns what the send was answered with."""
    sent = await client.ask(await client.thread(), "x", model=model)
    assert sent["run"]["status"] == "failed", sent["run"]
    return sent


@ON_SQLITE
@pytest.mark.parametrize(("reply", "code", "retryable"), REFUSALS, ids=[f"{r.status}-{c}" for r, c, _ in REFUSALS])
async def test_a_refusal_becomes_a_code(
    client: Client, upstream: Upstream, reply: Reply, code: str, retryable: bool
) -> None:
    """The send was stored and is no HTTP error: the run fails, with one of our codes and whether to retry."""
    model = unique()
    upstream.play(model, reply)
    sent = await failed(client, f"openai/{model}")
    run, message = sent["run"], sent["reply"]
    assert (run["error"]["code"], run["error"]["retryable"]) == (code, retryable)
    assert run["error"]["message"]
    assert "sk-test" not in str(run)
    assert (message["status"], message["content"], message["error"]) == ("failed", [], run["error"])
    assert run["attempts"][0]["error"] == run["error"]
    assert len(upstream.asked(model)) == 1


async def test_nobody_there_is_a_failure_in_words(client: Client) -> None:
    """A vendor that cannot be reached is tried again, and then the run fails; no host name leaks."""
    sent = await failed(client, "nowhere/x")
    assert (sent["run"]["error"]["code"], sent["run"]["error"]["retryable"]) == ("provider_error", True)
    assert "127.0.0.1" not in sent["run"]["error"]["message"]


async def test_the_second_try_comes_before_the_first_word(client: Client, upstream: Upstream) -> None:
    """A vendor that is overloaded at first and then answers: one run, one attempt, nobody notices."""
    model = unique()
    upstream.play(
        model, refusal(503, headers={"retry-after": "0"}), refusal(429, headers={"retry-after": "0"}), chat("at last")
    )
    sent = await client.ask(await client.thread(), "x", model=f"openai/{model}")
    assert (sent["run"]["status"], sent["run"]["attempt"], text_of(sent["reply"])) == ("completed", 1, "at last")
    assert len(upstream.asked(model)) == 3


BROKEN: list[tuple[str, Any]] = [
    ("cut", lambda good: Reply([*good, b""], ending="cut")),
    ("ends early", lambda good: Reply(good)),
    ("half a line", lambda good: Reply([*good, b'data: {"choices":[{"delta":{"con'])),
    ("garbage", lambda good: Reply([*good, b"\x00\xff\xfe not an event \n\n" * 3])),
    ("no JSON", lambda good: Reply([*good, b"data: {broken}\n\n"])),
    ("an error", lambda good: Reply([*good, b'data: {"error": {"message": "boom", "type": "server_error"}}\n\n'])),
]


@pytest.mark.parametrize("broken", [case[1] for case in BROKEN], ids=[case[0] for case in BROKEN])
async def test_after_the_first_word_there_is_no_second_try(client: Client, upstream: Upstream, broken: Any) -> None:
    """Whatever breaks in the middle of an answer: what was said stays, the run fails, the vendor is asked once."""
    model = unique()
    good = [part for part in chat("What ", "was ", "said").parts if isinstance(part, bytes)][:4]
    upstream.play(model, broken(good), chat("never"))
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "x", model=f"openai/{model}") as stream:
        frames = await stream.read_to_end()
    assert [frame.event for frame in frames[-2:]] == ["message.completed", "run.failed"]
    message, run = frames[-2].data["message"], frames[-1].data["run"]
    assert said(frames) == text_of(message) == "What was said"
    assert (message["status"], message["error"]) == ("failed", run["error"])
    assert run["error"]["code"] == "provider_error"
    assert run["error"]["retryable"]
    assert len(upstream.asked(model)) == 1
    assert (await client.ask(thread_id, "next"))["run"]["status"] == "completed"


async def test_the_demo_model_fails_as_it_is_told(client: Client) -> None:
    """Every code of the contract can be shown without a vendor, and each ends the run."""
    codes = ["auth", "rate_limited", "overloaded", "refused", "timeout", "error"]
    for code in [f"provider_{code}" for code in codes] + ["context_too_long"]:
        assert (await failed(client, f"demo/fail-{code}"))["run"]["error"]["code"] == code


async def test_what_a_vendor_says_with_nul_and_half_characters_is_kept_readable(
    client: Client, upstream: Upstream
) -> None:
    """NUL and lone surrogates from a model become replacement characters, in deltas and in the end, and store well."""
    model = unique()
    upstream.play(model, chat("a\x00b", "\ud83d", "\ude00", "c"))
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "x", model=f"openai/{model}") as stream:
        frames = await stream.read_to_end()
    text = text_of(frames[-2].data["message"])
    assert frames[-1].event == "run.completed"
    assert said(frames) == text
    assert text.startswith("a\ufffdb")
    assert text.endswith("c")
    assert text_of((await client.history(thread_id))[1]) == text


@ON_SQLITE
async def test_a_vendor_that_is_silent_is_given_up(
    make_server: StartServer, installation: Installation, vendors: dict[str, str], upstream: Upstream
) -> None:
    """No first word in time, no next word in time, and too long in all: each ends the run, with what was said kept."""
    times = {"THREADLINE_FIRST_CHUNK_SECONDS": "8", "THREADLINE_NO_PROGRESS_SECONDS": "4"}
    server = make_server(**vendors, **times, THREADLINE_RUN_SECONDS="20").start()
    silent, stops = unique(), unique()
    upstream.play(silent, chat(ending="hang"))
    upstream.play(stops, chat("some ", "words", ending="hang"))
    async with Client(server.url, installation.key) as client:

        async def answered(model: str) -> tuple[dict[str, Any], float]:
            began = time.monotonic()
            sent = await client.ask(await client.thread(), "x", model=model)
            return sent, time.monotonic() - began

        async def steady() -> dict[str, Any]:
            # Slow is not silent: 4.8 seconds in all, with a word every 0.8. Where a word took so long that the whole
            # took longer than that, it was the machine that was silent: once more then.
            while True:
                model = unique()
                upstream.play(model, chat(*"abcdef", pause=0.8))
                sent, seconds = await answered(f"openai/{model}")
                if sent["run"]["status"] == "completed" or seconds < 4.8:
                    return sent

        models = (f"openai/{silent}", f"openai/{stops}", "demo/stall-3@max", "demo/count-9999@20")
        good, *others = await asyncio.gather(steady(), *map(answered, models))
        (first, _), (second, _), (third, _), (long, seconds) = others
    assert (first["run"]["status"], first["run"]["error"]["code"]) == ("failed", "provider_timeout")
    assert first["reply"]["content"] == []
    assert (second["run"]["status"], second["run"]["error"]["code"]) == ("failed", "provider_timeout")
    assert text_of(second["reply"]) == "some words"
    assert first["run"]["error"]["message"] != second["run"]["error"]["message"]
    assert (third["run"]["error"]["code"], text_of(third["reply"])) == ("provider_timeout", "w0 w1 w2")
    assert (long["run"]["status"], long["run"]["error"]["code"]) == ("expired", "run_expired")
    assert (long["reply"]["status"], seconds > 19.9) == ("failed", True)
    assert text_of(long["reply"]).startswith("w0 w1 w2")
    assert (good["run"]["status"], text_of(good["reply"])) == ("completed", "abcdef")

    async def are_hung_up() -> bool:
        return upstream.hung_up(silent) == upstream.hung_up(stops) == 1

    await until(are_hung_up, "hanging up")
