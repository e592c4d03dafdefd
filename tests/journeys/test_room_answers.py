"""Who answers in a room: policies, mentions, names, and agents that call each other, within bounds."""

import asyncio
import uuid
from contextlib import AsyncExitStack
from typing import Any

from support.client import Client, text_of
from support.upstream import Gate, Upstream, chat
from support.waiting import until
from threadline.limits import AGENT_CALLS_MAX, AGENT_PAIR_CALLS_MAX

from .test_access import browser
from .test_rooms import invite, members, unique


async def an_agent(client: Client, upstream: Upstream, *words: str, **fields: Any) -> dict[str, Any]:
    """Create an agent with a model of its own, which says these words again and again."""
    model = f"m-{uuid.uuid4()}"
    upstream.play(model, chat(*(words or ("ok",))))
    body = {"handle": unique("bot"), "model": f"openai/{model}", **fields}
    made: dict[str, Any] = (await client.post("/v1/agents", body)).ok(201)
    return made


def heard(upstream: Upstream, agent: dict[str, Any]) -> list[list[tuple[str, str]]]:
    """Return what an agent's model was shown, request by request: sides and words."""
    return [
        [(said["role"], str(said["content"])) for said in asked.body["messages"]]
        for asked in upstream.asked(agent["model"].removeprefix("openai/"))
    ]


async def settle(client: Client, thread_id: str) -> list[dict[str, Any]]:
    """Wait until nobody answers any more; return the history."""
    async with client.events(thread_id) as stream:
        await stream.read_until("caught_up")
        while (await client.state(thread_id))["runs"]:
            await stream.read_until("run.completed", "run.failed", "run.cancelled")
    return await client.history(thread_id)


async def answered_by(client: Client, thread_id: str) -> list[str | None]:
    """Wait until nobody answers any more; return the ids of those who have spoken, in order."""
    return [message["author"]["id"] for message in await settle(client, thread_id)]


async def test_agents_answer_by_their_policy(client: Client, upstream: Upstream) -> None:
    """`all` every message, `mention` where it is called, `none` never; each in a run of its own, in order."""
    ann = unique("ann")
    every, called, never = [await an_agent(client, upstream) for _ in range(3)]
    thread_id = await client.thread(end_user_id=ann)
    for agent, policy in ((every, "all"), (called, "mention"), (never, "none")):
        await invite(client, thread_id, agent=agent["id"], reply_policy=policy)
    await client.begin(thread_id, "hello")
    assert await answered_by(client, thread_id) == [ann, every["id"]]
    sent = await client.begin(thread_id, f"hello @{called['handle'].upper()}, and @{never['handle']}")
    assert await answered_by(client, thread_id) == [ann, every["id"], ann, every["id"], called["id"]]
    assert sent["message"]["mentions"] == [
        {"type": "agent", "id": agent["id"], "handle": agent["handle"]} for agent in (called, never)
    ]
    await client.patch(f"/v1/threads/{thread_id}/members/{every['id']}", {"reply_policy": "none"})
    silent = (await client.send(thread_id, "anybody?")).ok(201)
    assert silent["run"] is None
    named = await client.ask(thread_id, "you", agent=never["handle"])
    assert named["run"]["agent_id"] == never["id"]


async def test_an_agent_sees_what_was_said_before_it(client: Client, upstream: Upstream) -> None:
    """People and other agents by their names, its own words as its own; and it is told who it is."""
    ann, bob = unique("ann"), unique("bob")
    first, second = await an_agent(client, upstream, "one", name="First"), await an_agent(client, upstream, "two")
    thread_id = await client.thread(end_user_id=ann)
    await invite(client, thread_id, end_user_id=bob, name="Bob")
    for agent in (first, second):
        await invite(client, thread_id, agent=agent["id"])
    await client.begin(thread_id, "hello")
    await settle(client, thread_id)
    await client.begin(thread_id, "again", end_user_id=bob)
    history = await settle(client, thread_id)
    assert [message["author"].get("name") for message in history if message["role"] == "user"] == [None, "Bob"]
    last = heard(upstream, second)[-1]
    assert last[0][0] in ("system", "developer")
    assert f"(@{second['handle']})" in last[0][1]
    assert last[1:] == [
        ("user", f"{ann}: hello"),
        ("user", "First: one"),
        ("assistant", "two"),
        ("user", "Bob: again"),
        ("user", "First: one"),
    ]


async def test_peoples_messages_are_there_at_once(client: Client, upstream: Upstream) -> None:
    """While an agent talks, others' messages are part of the history; only runs wait, and read all of it."""
    ann, bob = unique("ann"), unique("bob")
    slow = await an_agent(client, upstream, *("w " for _ in range(8)), name="Slow")
    gate = Gate()
    upstream.play(slow["model"].removeprefix("openai/"), chat("a", gate, "b"))
    thread_id = await client.thread(end_user_id=ann)
    await invite(client, thread_id, end_user_id=bob)
    await invite(client, thread_id, agent=slow["id"])
    async with browser(client, bob) as person:
        first = await client.begin(thread_id, "one")
        second = await person.begin(thread_id, "two")
        assert second["message"]["seq"] is not None
        assert (second["run"]["status"], second["run"]["position"]) == ("queued", 1)
        assert second["run"]["input"]["id"] == second["message"]["id"]
        merged = await person.begin(thread_id, "three", on_busy="merge", key="three")
        assert merged["run"]["id"] == second["run"]["id"]
        assert merged["message"]["id"] != second["message"]["id"]
        again = await person.begin(thread_id, "three", on_busy="merge", key="three")
        assert (again["message"]["id"], again["run"]["id"]) == (merged["message"]["id"], merged["run"]["id"])
        busy = (await person.send(thread_id, "four", on_busy="reject")).problem(409, "thread_busy")
        assert busy["run_id"] == first["run"]["id"]
        (await person.send(thread_id, "five", on_busy="rollback")).problem(422, "invalid_request")
    gate.set()
    history = await settle(client, thread_id)
    said = [text_of(message) for message in history if message["role"] == "user"]
    assert said == ["one", "two", "three"]
    assert {words for _, words in heard(upstream, slow)[-1]} >= {f"{ann}: one", f"{bob}: two", f"{bob}: three"}
    state = await client.state(thread_id)
    assert (state["thread"]["active_run_id"], state["runs"]) == (None, [])


async def test_a_send_in_a_room_happens_once(client: Client, upstream: Upstream) -> None:
    """The same key is the same message and run, however many ask, and every sender has keys of his own."""
    ann, bob = unique("ann"), unique("bob")
    agents = [await an_agent(client, upstream) for _ in range(2)]
    thread_id = await client.thread(end_user_id=ann)
    await invite(client, thread_id, end_user_id=bob)
    for agent in agents:
        await invite(client, thread_id, agent=agent["id"])
    async with browser(client, bob) as person:
        answers = await asyncio.gather(
            *(person.send(thread_id, "hello", key="k", background=True) for _ in range(4)),
            client.send(thread_id, "hello", key="k", background=True),
        )
    found = {(answer.ok(202)["message"]["id"], answer.ok(202)["run"]["id"]) for answer in answers}
    assert len(found) == 2
    spoken = await answered_by(client, thread_id)
    assert sorted(spoken, key=str) == sorted([ann, bob, *(agent["id"] for agent in agents for _ in range(2))], key=str)


async def test_an_agent_that_is_called_by_another_answers(client: Client, upstream: Upstream) -> None:
    """By its handle in the other's whole answer; who is not called does not, whatever its policy."""
    ann = unique("ann")
    expert = await an_agent(client, upstream, "42")
    listener = await an_agent(client, upstream, "mm")
    asker = await an_agent(client, upstream, "ask ", f"@{expert['handle']}", name="Asker")
    thread_id = await client.thread(end_user_id=ann)
    await invite(client, thread_id, agent=asker["id"])
    await invite(client, thread_id, agent=expert["id"], reply_policy="mention")
    await invite(client, thread_id, agent=listener["id"], reply_policy="mention")
    await client.begin(thread_id, "what is it?")
    assert await answered_by(client, thread_id) == [ann, asker["id"], expert["id"]]
    assert heard(upstream, expert)[0][-1] == ("user", f"Asker: ask @{expert['handle']}")


async def test_two_agents_do_not_talk_for_ever(client: Client, upstream: Upstream) -> None:
    """Two that always call each other stop after so many calls; the next message of a person begins anew."""
    ann = unique("ann")
    handles = [unique("bot"), unique("bot")]
    pair = [await an_agent(client, upstream, f"@{other}", handle=handle) for handle, other in (handles, handles[::-1])]
    thread_id = await client.thread(end_user_id=ann)
    await invite(client, thread_id, agent=pair[0]["id"])
    await invite(client, thread_id, agent=pair[1]["id"], reply_policy="mention")
    for times in (1, 2):
        await client.begin(thread_id, "go")
        spoken = await answered_by(client, thread_id)
        assert len(spoken) == times * (1 + 1 + AGENT_PAIR_CALLS_MAX)
    assert spoken[:4] == [ann, pair[0]["id"], pair[1]["id"], pair[0]["id"]]


async def test_a_crowd_of_agents_comes_to_an_end(client: Client, upstream: Upstream) -> None:
    """However many call however many: a bound for all of them together."""
    handles = [unique("bot") for _ in range(5)]
    everybody = " ".join(f"@{handle}" for handle in handles)
    thread_id = await client.thread(end_user_id=unique("ann"))
    for place, handle in enumerate(handles):
        agent = await an_agent(client, upstream, everybody, handle=handle)
        await invite(client, thread_id, agent=agent["id"], reply_policy="mention" if place else "all")
    await client.begin(thread_id, "go")
    assert len(await answered_by(client, thread_id)) == 2 + AGENT_CALLS_MAX


async def test_without_agents_the_thread_answers_everybody(client: Client, upstream: Upstream) -> None:
    """A room of people has the thread's agent, or its model, as any thread; and several people are told apart."""
    ann, bob = unique("ann"), unique("bob")
    agent = await an_agent(client, upstream)
    thread_id = await client.thread(end_user_id=ann, agent_id=agent["id"])
    await invite(client, thread_id, end_user_id=bob)
    async with browser(client, bob) as person:
        await person.ask(thread_id, "one")
    sent = await client.ask(thread_id, "two")
    assert sent["run"]["agent_id"] == agent["id"]
    assert [words for side, words in heard(upstream, agent)[-1] if side == "user"] == [f"{bob}: one", f"{ann}: two"]


async def test_in_any_thread_an_agent_is_called(client: Client, upstream: Upstream) -> None:
    """By whoever sees it, instead of the thread's own, for that answer; who does not see it calls nobody."""
    bob = unique("bob")
    own, called = await an_agent(client, upstream), await an_agent(client, upstream)
    hidden = await an_agent(client, upstream, owner=unique("ann"))
    async with browser(client, bob) as person:
        thread_id = (await person.post("/v1/threads", {"agent_id": own["id"]})).ok(201)["id"]
        sent = await person.ask(thread_id, f"Hi @{called['handle']}.")
        assert sent["run"]["agent_id"] == called["id"]
        assert sent["message"]["mentions"] == [{"type": "agent", "id": called["id"], "handle": called["handle"]}]
        sent = await person.ask(thread_id, f"@{hidden['handle']} me@{called['handle']}")
        assert (sent["run"]["agent_id"], sent["message"]["mentions"]) == (own["id"], None)


async def test_a_key_speaks_for_who_takes_part(client: Client, upstream: Upstream) -> None:
    """The message is that person's; nobody speaks for a stranger or for a viewer, and a token only for itself."""
    ann, bob, cid = unique("ann"), unique("bob"), unique("cid")
    agent = await an_agent(client, upstream)
    thread_id = await client.thread(end_user_id=ann)
    await invite(client, thread_id, end_user_id=bob, name="Bob")
    await invite(client, thread_id, end_user_id=cid, role="viewer")
    await invite(client, thread_id, agent=agent["id"])
    sent = await client.ask(thread_id, "x", end_user_id=bob)
    assert sent["message"]["author"] == {"type": "user", "id": bob, "name": "Bob"}
    (await client.send(thread_id, "x", end_user_id=unique("dan"))).problem(404, "not_found")
    (await client.send(thread_id, "x", end_user_id=cid)).problem(403, "forbidden")
    async with browser(client, bob) as person:
        (await person.send(thread_id, "x", end_user_id=ann)).problem(422, "invalid_request")
        assert (await person.ask(thread_id, "x", end_user_id=bob))["message"]["author"]["id"] == bob


async def test_everybody_sees_the_tokens(client: Client, upstream: Upstream) -> None:
    """Who follows the room sees the same events with the same seqs, whoever has asked."""
    ann, bob = unique("ann"), unique("bob")
    agent = await an_agent(client, upstream, "a", "b", "c")
    thread_id = await client.thread(end_user_id=ann)
    await invite(client, thread_id, end_user_id=bob, role="viewer")
    await invite(client, thread_id, agent=agent["id"])
    async with AsyncExitStack() as stack:
        people = [await stack.enter_async_context(browser(client, who)) for who in (ann, bob)]
        streams = [await stack.enter_async_context(person.events(thread_id)) for person in people]
        await people[0].begin(thread_id, "go")
        for stream in streams:
            await stream.read_until("run.completed")
        logs = [[(frame.id, frame.event, frame.data) for frame in stream.frames if frame.id] for stream in streams]
    assert logs[0] == logs[1]
    assert "message.delta" in [event for _, event, _ in logs[0]]


async def test_an_archived_agent_is_silent_in_its_rooms(client: Client, upstream: Upstream) -> None:
    """And so is a deleted one: the message is stored, and nobody answers."""
    archived, deleted = await an_agent(client, upstream), await an_agent(client, upstream)
    thread_id = await client.thread(end_user_id=unique("ann"))
    for agent in (archived, deleted):
        await invite(client, thread_id, agent=agent["id"])
    await client.patch(f"/v1/agents/{archived['id']}", {"archived": True})
    await client.delete(f"/v1/agents/{deleted['id']}")
    assert (await client.send(thread_id, "hello")).ok(201)["run"] is None
    assert len(await members(client, thread_id)) == 3


async def test_latest_takes_back_ones_own_questions_only(client: Client, upstream: Upstream) -> None:
    """What others in the room have asked goes on waiting, also where an agent's answer has called for it."""
    ann, bob = unique("ann"), unique("bob")
    thread_id = await client.thread(end_user_id=ann)
    await invite(client, thread_id, end_user_id=bob)
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(browser(client, who)) for who in (ann, bob)]
        begun = await first.begin(thread_id, "q0", model="demo/stall-2@max")
        hers = (await first.begin(thread_id, "hers"))["run"]["id"]
        his = [(await second.begin(thread_id, f"his {number}"))["run"]["id"] for number in range(2)]
        last = (await second.begin(thread_id, "his last", on_busy="latest"))["run"]["id"]
        ended = [(await client.run(run_id)) for run_id in his]
        assert [(run["status"], run["error"]["code"]) for run in ended] == [("cancelled", "replaced")] * 2
        queue = (await client.get(f"/v1/threads/{thread_id}/queue")).ok(200)["data"]
        assert [(run["id"], run["position"]) for run in queue] == [(hers, 1), (last, 2)]
        await client.post(f"/v1/runs/{begun['run']['id']}/cancel")
        for run_id in (hers, last):
            assert (await client.settled(run_id))["status"] == "completed"


async def test_a_renamed_agent_is_called_by_its_new_handle(client: Client, upstream: Upstream) -> None:
    """In every room that it is in, told in the log; a handle of the room's own stays, and so does one that is taken."""
    agent = await an_agent(client, upstream, name="Old")
    handle, new = agent["handle"], unique("new")
    thread_id, own, taken = [await client.thread(end_user_id=unique("ann")) for _ in range(3)]
    for each in (thread_id, taken):
        await invite(client, each, agent=agent["id"], reply_policy="mention")
    await invite(client, own, agent=agent["id"], handle="our-bot", name="Ours")
    await invite(client, taken, end_user_id=unique("bob"), handle=new)
    (await client.patch(f"/v1/agents/{handle}", {"handle": new, "name": "New"})).ok(200)
    for each in (thread_id, taken):
        async with client.events(each) as stream:
            await stream.read_until("member.updated")

    async def called(room: str) -> list[tuple[str, str]]:
        return [(each["handle"], each["name"]) for each in await members(client, room) if each["agent_id"]]

    assert await called(thread_id) == [(new, "New")]
    assert await called(own) == [("our-bot", "Ours")]
    assert await called(taken) == [(handle, "New")]
    (await client.send(thread_id, f"hello @{handle}")).ok(201)
    assert (await client.begin(thread_id, f"hello @{new}"))["run"]["agent_id"] == agent["id"]
    # Twice in a row, and back: the last one counts.
    for name in (unique("other"), handle):
        (await client.patch(f"/v1/agents/{agent['id']}", {"handle": name})).ok(200)

    async def is_back() -> bool:
        return await called(thread_id) == [(handle, "New")]

    await until(is_back, "the old handle in the room")
    assert [frame.event for frame in await client.log(own)].count("member.updated") == 0


async def test_a_send_that_several_answer_names_all_of_them(client: Client, upstream: Upstream) -> None:
    """In the order in which they answer, the first one first; again for the same key; waited for, all of their words."""
    first, second = await an_agent(client, upstream, "one"), await an_agent(client, upstream, "two")
    thread_id = await client.thread(end_user_id=unique("ann"))
    for agent in (first, second):
        await invite(client, thread_id, agent=agent["id"])
    sent = (await client.send(thread_id, "hello", background=True, key="several")).ok(202)
    assert [run["agent_id"] for run in sent["runs"]] == [first["id"], second["id"]]
    assert sent["run"] == sent["runs"][0]
    await settle(client, thread_id)
    again = (await client.send(thread_id, "hello", background=True, key="several")).ok(202)
    assert [run["id"] for run in again["runs"]] == [run["id"] for run in sent["runs"]]
    assert [run["status"] for run in again["runs"]] == ["completed", "completed"]
    waited = (await client.send(thread_id, "again")).ok(200)
    assert [text_of(reply) for reply in waited["replies"]] == ["one", "two"]
    assert waited["reply"] == waited["replies"][0]
    assert [run["status"] for run in waited["runs"]] == ["completed", "completed"]
    assert [reply["run_id"] for reply in waited["replies"]] == [run["id"] for run in waited["runs"]]
