"""Which model answers, what it is told, and a change of vendor in the middle of a conversation."""

import uuid
from typing import Any

from support.client import Client, text_of
from support.upstream import Upstream, anthropic, chat


def unique() -> str:
    """Return a model name that nobody else's test asks for."""
    return f"m-{uuid.uuid4()}"


async def test_the_send_names_the_model_before_the_thread_does_before_the_default(client: Client) -> None:
    """Each level counts where those above it say nothing; run and message say which it was."""
    for of_thread, of_send, expected in (
        (None, None, "demo/echo@max"),
        ("demo/count-2@max", None, "demo/count-2@max"),
        ("demo/count-2@max", "demo/count-3@max", "demo/count-3@max"),
    ):
        thread_id = await client.thread(model=of_thread)
        sent = await client.ask(thread_id, "x", model=of_send)
        assert (sent["run"]["model"], sent["reply"]["model"]) == (expected, expected)
    thread_id = await client.thread()
    await client.patch(f"/v1/threads/{thread_id}", {"model": "demo/count-4@max"})
    assert (await client.ask(thread_id, "x"))["run"]["model"] == "demo/count-4@max"


async def test_an_unknown_model_is_said_at_once_and_nothing_is_stored(client: Client) -> None:
    """An unknown provider, a name that is not in its list, and what is no model name at all."""
    thread_id = await client.thread()
    for model in ("nobody/x", "listed/three", "demo/none", "demo", "demo/", "/", "gpt-5", "demo/echo@fast"):
        problem = (await client.send(thread_id, "x", model=model)).problem(404, "model_unknown")
        assert not problem["retryable"]
    assert (await client.state(thread_id))["seq"] == 1


async def test_a_thread_with_an_unknown_model_says_so_when_it_is_asked(client: Client) -> None:
    """A thread may name a model that is gone; a send to it is 404, and a send that names another is answered."""
    thread_id = await client.thread(model="nobody/x")
    (await client.send(thread_id, "x")).problem(404, "model_unknown")
    assert (await client.ask(thread_id, "x", model="demo/echo@max"))["run"]["status"] == "completed"


async def test_a_provider_without_a_list_takes_any_name(client: Client, upstream: Upstream) -> None:
    """Whatever stands after the slash goes to the vendor, further slashes included."""
    model = f"org/{unique()}:free"
    upstream.play(model, chat("yes"))
    sent = await client.ask(await client.thread(), "x", model=f"openai/{model}")
    assert text_of(sent["reply"]) == "yes"
    assert upstream.asked(model)[0].body["model"] == model
    listed = await client.ask(await client.thread(), "x", model="listed/two")
    assert (listed["run"]["status"], listed["run"]["model"]) == ("completed", "listed/two")


async def test_the_models_are_listed(client: Client) -> None:
    """What can be named, and which one answers when none is."""
    page = (await client.get("/v1/models")).ok(200)
    ids = {model["id"] for model in page["data"]}
    assert {"listed/one", "listed/two", "demo/echo"} <= ids
    assert page["default"] == "demo/echo@max"


async def test_a_model_has_a_name_for_people_and_those_for_tests_are_marked(client: Client) -> None:
    """The operator's name wins over the one that is made from the vendor's; a menu can leave out what nobody would choose."""
    models = {model["id"]: model for model in (await client.get("/v1/models")).ok(200)["data"]}
    assert (models["listed/one"]["name"], models["listed/two"]["name"]) == ("One", "Our Second")
    assert not any(models[name]["hidden"] for name in ("listed/one", "demo/threadline", "demo/echo"))
    assert all(models[f"demo/{name}"]["hidden"] for name in ("script", "role", "stall-20", "fail-provider_overloaded"))
    sent = await client.ask(await client.thread(), '{"steps": [{"say": "yes"}]}', model="demo/script@max")
    assert text_of(sent["reply"]) == "yes"


async def test_instructions_reach_the_model_and_are_no_message(client: Client, upstream: Upstream) -> None:
    """The thread's are put in front of the conversation, the send's instead of them for that one answer."""
    model = unique()
    upstream.play(model, chat("ok"))
    thread_id = await client.thread(instructions="Be brief.", model=f"openai/{model}")
    await client.ask(thread_id, "one")
    await client.ask(thread_id, "two", instructions="Be long.")
    await client.ask(thread_id, "three")
    await client.patch(f"/v1/threads/{thread_id}", {"instructions": None})
    await client.ask(thread_id, "four")
    bodies = [asked.body for asked in upstream.asked(model)]
    systems = [[m["content"] for m in body["messages"] if m["role"] in ("system", "developer")] for body in bodies]
    assert [str(said) for said in systems] == [str(["Be brief."]), str(["Be long."]), str(["Be brief."]), str([])]
    assert bodies[0]["messages"][0]["role"] in ("system", "developer")
    history = await client.history(thread_id)
    assert [message["role"] for message in history] == ["user", "assistant"] * 4
    everything = [frame.raw.decode() for frame in await client.log(thread_id) if frame.event != "thread.created"]
    assert not any("Be brief" in raw or "Be long" in raw for raw in everything)


async def test_instructions_are_those_of_the_moment_when_the_run_starts(client: Client, upstream: Upstream) -> None:
    """A question that waited is answered under the instructions that hold when its turn comes."""
    model = unique()
    upstream.play(model, chat("ok"))
    thread_id = await client.thread(instructions="Old.")
    first = await client.begin(thread_id, "x", model="demo/stall-1@max")
    second = await client.begin(thread_id, "y", model=f"openai/{model}")
    await client.patch(f"/v1/threads/{thread_id}", {"instructions": "New."})
    await client.post(f"/v1/runs/{first['run']['id']}/cancel")
    assert (await client.settled(second["run"]["id"]))["status"] == "completed"
    assert upstream.asked(model)[0].body["messages"][0]["content"] == "New."


async def test_options_of_the_send_reach_the_model(client: Client, upstream: Upstream) -> None:
    """`temperature` and `max_output_tokens` are the vendor's, under the names that it knows."""
    model = unique()
    upstream.play(model, chat("ok"))
    await client.ask(await client.thread(), "x", model=f"openai/{model}", temperature=0.25, max_output_tokens=77)
    body = upstream.asked(model)[0].body
    assert body["temperature"] == 0.25
    assert 77 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    assert body["stream"] is True


async def test_a_conversation_may_change_its_vendor(client: Client, upstream: Upstream) -> None:
    """Each vendor is told all that was said before, by whomever, in its own form; the history keeps one shape."""
    one, two = unique(), unique()
    upstream.play(one, chat("from ", "one"))
    upstream.play(two, anthropic("from ", "two"))
    thread_id = await client.thread(instructions="Sys.")
    await client.ask(thread_id, "q1", model=f"openai/{one}")
    await client.ask(thread_id, "q2", model=f"anthropic/{two}")
    await client.ask(thread_id, "q3", model="demo/echo@max")
    await client.ask(thread_id, "q4", model=f"openai/{one}")
    history = await client.history(thread_id)
    expected = ["q1", "from one", "q2", "from two", "q3", "q3", "q4", "from one"]
    assert [text_of(message) for message in history] == expected
    assert all(block["type"] == "text" for message in history for block in message["content"])
    (of_two,) = upstream.asked(two)
    assert (of_two.path, of_two.headers["x-api-key"]) == ("/v1/messages", "sk-ant-test")
    assert "Sys." in str(of_two.body["system"])
    assert _told(of_two.body) == [("user", "q1"), ("assistant", "from one"), ("user", "q2")]
    last = upstream.asked(one)[1]
    assert (last.path, last.headers["authorization"]) == ("/v1/chat/completions", "Bearer sk-test")
    roles = ["user", "assistant"] * 4
    assert _told(last.body) == list(zip(roles, expected, strict=True))[:7]


def _told(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what a vendor was told, whatever form the words came in."""
    told = []
    for message in body["messages"]:
        if message["role"] in ("user", "assistant"):
            content = message["content"]
            words = content if isinstance(content, str) else "".join(part["text"] for part in content)
            told.append((message["role"], words))
    return told


async def test_the_usage_that_the_vendor_counts_is_kept(client: Client, upstream: Upstream) -> None:
    """Tokens stand in the message, in the run and in its attempt; what the vendor did not say is null, not 0."""
    model = unique()
    upstream.play(model, chat("a", "b", "c"))
    sent = await client.ask(await client.thread(), "x", model=f"openai/{model}")
    usage = sent["run"]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["source"]) == (11, 3, "provider")
    assert usage["cached_input_tokens"] is None
    assert sent["reply"]["usage"] == sent["run"]["attempts"][0]["usage"] == usage


async def test_a_stopped_answer_is_part_of_what_the_next_one_sees(client: Client, upstream: Upstream) -> None:
    """The words that were said before a cancel are in the prompt of the next answer."""
    model = unique()
    upstream.play(model, chat("ok"))
    thread_id = await client.thread()
    async with client.send_stream(thread_id, "q", model="demo/stall-3@max") as stream:
        said = ""
        while said != "w0 w1 w2":
            said += (await stream.read_until("message.delta")).data["text"]
        await client.post(f"/v1/runs/{stream.headers['x-threadline-run-id']}/cancel", {"wait": True})
    await client.ask(thread_id, "go on", model=f"openai/{model}")
    told = _told(upstream.asked(model)[0].body)
    assert told == [("user", "q"), ("assistant", "w0 w1 w2"), ("user", "go on")]
