"""Titles: made after the first exchange, never over one that a person has written or emptied."""

import uuid
from collections.abc import Mapping

from support.backends import Installation
from support.client import Client
from support.fixtures import StartServer
from support.upstream import Upstream, chat, refusal
from support.waiting import until


async def title_of(client: Client, thread_id: str) -> str | None:
    """Return a thread's title."""
    found: str | None = (await client.get(f"/v1/threads/{thread_id}")).ok(200)["title"]
    return found


async def titled(client: Client, thread_id: str) -> str:
    """Wait for a title, and return it."""

    async def look() -> str | None:
        return await title_of(client, thread_id)

    return str(await until(look, "a title"))


async def test_the_first_words_are_the_title(make_server: StartServer, installation: Installation) -> None:
    """Told in the log after the answer; what a person has written, or emptied, stays as he left it."""
    node = make_server(THREADLINE_TITLE_MODEL="", THREADLINE_DEFAULT_MODEL="demo/echo@max").start()
    async with Client(node.url, installation.key) as client:
        named, emptied, empty = await client.thread(title="mine"), await client.thread(), await client.thread()
        (await client.patch(f"/v1/threads/{emptied}", {"title": None})).ok(200)
        await client.ask(named, "one")
        await client.ask(emptied, "one")
        thread_id = await client.thread()
        await client.ask(
            thread_id, "\n# How **do** ships float on water that is lighter than the iron they are made of?\n"
        )
        assert await titled(client, thread_id) == "How do ships float on water that is lighter than the iron…"
        log = await client.log(thread_id)
        assert [frame.event for frame in log[-2:]] == ["run.completed", "thread.updated"]
        assert log[-1].data["thread"] == {"title": await title_of(client, thread_id)}
        # The later thread has its title, so the earlier ones were passed over.
        assert [await title_of(client, each) for each in (named, emptied, empty)] == ["mine", None, None]
        (await client.patch(f"/v1/threads/{thread_id}", {"title": None})).ok(200)
        other = await client.thread()
        await client.ask(other, "x")
        await titled(client, other)
        assert await title_of(client, thread_id) is None


async def test_a_model_makes_the_title(
    make_server: StartServer, installation: Installation, upstream: Upstream, vendors: Mapping[str, str]
) -> None:
    """One call, with the question and the answer; where the model fails it is the first words."""
    model, question = f"title-{uuid.uuid4()}", "Why is the sky blue?"
    upstream.play(model, chat('"Blue', ' skies"\n'), refusal(500), refusal(500), refusal(500), refusal(500))
    settings = {**vendors, "THREADLINE_TITLE_MODEL": f"openai/{model}", "THREADLINE_DEFAULT_MODEL": "demo/echo@max"}
    node = make_server(**settings).start()
    async with Client(node.url, installation.key) as client:
        thread_id = await client.thread()
        await client.ask(thread_id, question)
        assert await titled(client, thread_id) == "Blue skies"
        (asked,) = upstream.asked(model)
        assert asked.body["messages"][-1]["content"] == f"user: {question}\n\nassistant: {question}"
        metrics = (await client.get("/metrics")).body.decode()
        assert 'threadline_tokens_total{direction="output"}' in metrics
        assert len(await client.history(thread_id)) == 2
        failing = await client.thread()
        await client.ask(failing, "first words")
        assert await titled(client, failing) == "first words"


async def test_a_title_that_is_written_meanwhile_stays(
    make_server: StartServer, installation: Installation, upstream: Upstream, vendors: Mapping[str, str]
) -> None:
    """The model is still at it when a person writes one."""
    model = f"title-{uuid.uuid4()}"
    upstream.play(model, chat("made ", "by ", "machine", pause=0.4))
    settings = {**vendors, "THREADLINE_TITLE_MODEL": f"openai/{model}", "THREADLINE_DEFAULT_MODEL": "demo/echo@max"}
    node = make_server(**settings).start()
    async with Client(node.url, installation.key) as client:
        thread_id, other = await client.thread(), await client.thread()
        await client.ask(thread_id, "one")

        async def is_asked() -> bool:
            return bool(upstream.asked(model))

        await until(is_asked, "the model to be asked")
        (await client.patch(f"/v1/threads/{thread_id}", {"title": "mine"})).ok(200)
        await client.ask(other, "two")
        assert await titled(client, other) == "made by machine"
        assert await title_of(client, thread_id) == "mine"
