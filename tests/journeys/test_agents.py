"""Agents: stored personas with versions, who may use them, and what they say to the model."""

import asyncio
import uuid
from typing import Any

import pytest

from support.client import Client
from support.upstream import Upstream, chat

from .conftest import ON_SQLITE
from .test_access import browser


def unique(what: str = "a") -> str:
    """Return a handle, a model or a person that nobody else's test has."""
    return f"{what}-{uuid.uuid4()}"


async def make(client: Client, **fields: Any) -> dict[str, Any]:
    """Create an agent and return it."""
    made: dict[str, Any] = (await client.post("/v1/agents", {"handle": unique(), **fields})).ok(201)
    return made


def systems(upstream: Upstream, model: str) -> list[str]:
    """Return what the model was told to be, request by request; nothing is an empty text."""
    return [
        "".join(str(said["content"]) for said in asked.body["messages"] if said["role"] in ("system", "developer"))
        for asked in upstream.asked(model)
    ]


async def test_an_agent_has_what_it_was_made_with(client: Client) -> None:
    """All fields come back, by id and by handle; what is not given has its default."""
    fields = {
        "handle": unique(),
        "name": "Ünal",
        "description": "Helps.",
        "avatar": "🤖",
        "instructions": "Be brief.",
        "model": "demo/echo",
        "parameters": {"max_output_tokens": 5, "temperature": 0.5},
        "tools": ["weather"],
        "tools_mode": "explicit",
        "owner": unique("ann"),
        "visibility": "private",
        "metadata": {"a": [1, None]},
    }
    made = (await client.post("/v1/agents", fields)).ok(201)
    assert {name: made[name] for name in fields} == fields
    assert (made["object"], made["version"], made["archived"], made["team_id"]) == ("agent", 1, False, None)
    for name in (made["id"], made["handle"]):
        assert (await client.get(f"/v1/agents/{name}")).ok(200) == made
    plain = await make(client)
    assert (plain["name"], plain["visibility"], plain["owner"]) == (plain["handle"], "public", None)


@ON_SQLITE
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/handle"),
        ({"handle": "A"}, "/handle"),
        ({"handle": "a b"}, "/handle"),
        ({"handle": "-a"}, "/handle"),
        ({"handle": "a\n"}, "/handle"),
        ({"handle": "x" * 65}, "/handle"),
        ({"handle": "x", "visibility": "team"}, "/team_id"),
        ({"handle": "x", "visibility": "team", "team_id": "team_00000000000000000000000000"}, "/team_id"),
        ({"handle": "x", "parameters": {"temperature": 9}}, "/parameters/temperature"),
        ({"handle": "x", "wisdom": 1}, "/wisdom"),
    ],
)
async def test_what_is_no_agent_is_refused(client: Client, body: dict[str, Any], pointer: str) -> None:
    """The answer names the field."""
    problem = (await client.post("/v1/agents", body)).problem(422, "invalid_request")
    assert problem["pointer"] == pointer


async def test_a_handle_is_given_once(client: Client, foreign: Client) -> None:
    """Within a tenant, also to those who cannot see whose it is, and also when two ask at once."""
    handle = unique()
    answers = await asyncio.gather(*(client.post("/v1/agents", {"handle": handle}) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
    other = await make(client)
    (await client.patch(f"/v1/agents/{other['id']}", {"handle": handle})).problem(409, "name_taken")
    (await foreign.post("/v1/agents", {"handle": handle})).ok(201)
    assert (await client.delete(f"/v1/agents/{handle}")).status == 204
    (await client.get(f"/v1/agents/{handle}")).problem(404, "not_found")
    (await client.post("/v1/agents", {"handle": handle})).ok(201)


async def test_every_change_is_a_version(client: Client) -> None:
    """Those who change at once get versions of their own, and nobody's change is lost; no change is no version."""
    agent = await make(client, name="one")
    path = f"/v1/agents/{agent['id']}"
    bodies: list[dict[str, Any]] = [{"name": "two"}, {"instructions": "i"}, {"archived": True}, {"metadata": {"m": 1}}]
    answers = await asyncio.gather(*(client.patch(path, body) for body in bodies))
    assert sorted(answer.ok(200)["version"] for answer in answers) == [2, 3, 4, 5]
    now = (await client.get(path)).ok(200)
    assert {name: now[name] for body in bodies for name in body} == {k: v for body in bodies for k, v in body.items()}
    assert (await client.patch(path, {"name": "two"})).ok(200) == now
    first = (await client.get(f"{path}/versions?limit=3")).ok(200)
    rest = (await client.get(f"{path}/versions?limit=3&cursor={first['next_cursor']}")).ok(200)
    assert [each["version"] for each in first["data"] + rest["data"]] == [5, 4, 3, 2, 1]
    assert (first["data"][0], rest["data"][-1]) == (now, agent)
    assert not rest["has_more"]


async def test_editing_an_agent_changes_the_next_answer_and_not_the_past(client: Client, upstream: Upstream) -> None:
    """Instructions go in when the run starts and are no message; run and message say who it was, in which version."""
    model = unique("m")
    upstream.play(model, chat("ok"))
    agent = await make(client, name="Unit", model=f"openai/{model}", instructions="Be brief.")
    thread_id = await client.thread(agent_id=agent["handle"], instructions="The thread's.")
    assert (await client.get(f"/v1/threads/{thread_id}")).ok(200)["agent_id"] == agent["id"]
    first = await client.ask(thread_id, "one")
    await client.patch(f"/v1/agents/{agent['id']}", {"instructions": "Be long.", "name": "Two"})
    second = await client.ask(thread_id, "two")
    await client.patch(f"/v1/agents/{agent['id']}", {"instructions": None})
    third = await client.ask(thread_id, "three")
    await client.ask(thread_id, "four", instructions="The send's.")
    assert systems(upstream, model) == ["Be brief.", "Be long.", "The thread's.", "The send's."]
    runs = [each["run"] for each in (first, second, third)]
    assert [(run["agent_id"], run["agent_version"]) for run in runs] == [(agent["id"], number) for number in (1, 2, 3)]
    authors = [message["author"] for message in await client.history(thread_id) if message["role"] == "assistant"]
    assert authors[:2] == [{"type": "agent", "id": agent["id"], "name": name} for name in ("Unit", "Two")]
    assert await client.run(runs[0]["id"]) == runs[0]


async def test_a_run_uses_the_version_that_is_newest_when_it_starts(client: Client, upstream: Upstream) -> None:
    """One that waited in the queue is answered by what its agent has become, model and parameters included."""
    before, after = unique("m"), unique("m")
    upstream.play(after, chat("ok"))
    agent = await make(client, model=f"openai/{before}", instructions="old")
    thread_id = await client.thread()
    first = await client.begin(thread_id, "one", model="demo/stall-1@max")
    waiting = await client.begin(thread_id, "two", agent=agent["handle"])
    assert (waiting["run"]["status"], waiting["run"]["agent_version"]) == ("queued", None)
    changed = {"model": f"openai/{after}", "instructions": "new", "parameters": {"max_output_tokens": 77}}
    (await client.patch(f"/v1/agents/{agent['id']}", changed)).ok(200)
    (await client.post(f"/v1/runs/{first['run']['id']}/cancel")).ok(200)
    run = await client.settled(waiting["run"]["id"])
    assert (run["status"], run["agent_version"], run["model"]) == ("completed", 2, f"openai/{after}")
    assert systems(upstream, after) == ["new"]
    assert 77 in upstream.asked(after)[0].body.values()
    assert upstream.asked(before) == []


async def test_the_send_names_the_model_before_its_agent_does_before_the_thread(client: Client) -> None:
    """Each level counts where those above it say nothing."""
    agent, bare = await make(client, model="demo/count-2@max"), await make(client)
    for name, of_send, expected in (
        (agent["handle"], "demo/count-3@max", "demo/count-3@max"),
        (agent["id"], None, "demo/count-2@max"),
        (bare["id"], None, "demo/count-4@max"),
        (None, None, "demo/count-4@max"),
    ):
        thread_id = await client.thread(model="demo/count-4@max")
        sent = await client.ask(thread_id, "x", model=of_send, agent=name)
        assert (sent["run"]["model"], sent["reply"]["model"]) == (expected, expected)
    (await client.post("/v1/agents", {"handle": unique(), "model": "nobody/x"})).problem(404, "model_unknown")


async def test_an_agent_that_one_may_not_see_is_404(client: Client, foreign: Client) -> None:
    """Reading, naming per send, attaching: the same answer as for a handle that nobody has."""
    ann, bob = unique("ann"), unique("bob")
    hidden = await make(client, owner=ann)
    thread_id = await client.thread(end_user_id=bob)
    async with browser(client, bob) as person:
        for name in (hidden["id"], hidden["handle"], "nobody-has-this"):
            for asker in (person, foreign):
                (await asker.get(f"/v1/agents/{name}")).problem(404, "not_found")
                (await asker.get(f"/v1/agents/{name}/versions")).problem(404, "not_found")
                (await asker.patch(f"/v1/agents/{name}", {"name": "x"})).problem(404, "not_found")
                (await asker.delete(f"/v1/agents/{name}")).problem(404, "not_found")
                (await asker.post("/v1/threads", {"agent_id": name})).problem(404, "not_found")
            (await person.send(thread_id, "x", agent=name)).problem(404, "not_found")
            (await person.patch(f"/v1/threads/{thread_id}", {"agent_id": name})).problem(404, "not_found")
        assert hidden["id"] not in [each["id"] for each in (await person.get("/v1/agents?limit=200")).ok(200)["data"]]
    assert (await client.state(thread_id))["seq"] == 1


async def test_a_persons_agent_that_is_withdrawn_answers_no_stranger(client: Client) -> None:
    """One that was shared and is private again is 404 where others had attached it; the tenant's own goes on."""
    ann, bob = unique("ann"), unique("bob")
    hers = await make(client, owner=ann, visibility="public", model="demo/echo@max")
    ours = await make(client, visibility="private", model="demo/echo@max")
    async with browser(client, bob) as person:
        thread_id = (await person.post("/v1/threads", {"agent_id": hers["handle"]})).ok(201)["id"]
        assert (await person.ask(thread_id, "x"))["run"]["agent_id"] == hers["id"]
        (await client.patch(f"/v1/agents/{hers['id']}", {"visibility": "private"})).ok(200)
        (await person.send(thread_id, "x")).problem(404, "not_found")
        (await client.patch(f"/v1/threads/{thread_id}", {"agent_id": ours["id"]})).ok(200)
        assert (await person.ask(thread_id, "x"))["run"]["agent_id"] == ours["id"]


async def test_an_archived_agent_answers_nobody(client: Client) -> None:
    """It is still there to be looked at, and comes back when it is taken out of the archive."""
    agent = await make(client, model="demo/echo@max")
    thread_id = await client.thread(agent_id=agent["id"])
    await client.patch(f"/v1/agents/{agent['id']}", {"archived": True})
    for fields in ({}, {"agent": agent["handle"]}):
        assert (await client.send(thread_id, "x", **fields)).problem(422, "invalid_request")["pointer"] == "/agent"
    (await client.post("/v1/threads", {"agent_id": agent["id"]})).problem(422, "invalid_request")
    assert (await client.get(f"/v1/agents/{agent['id']}")).ok(200)["archived"]
    await client.patch(f"/v1/agents/{agent['id']}", {"archived": False})
    assert (await client.ask(thread_id, "x"))["run"]["agent_version"] == 3


async def test_a_person_has_private_agents_of_his_own(client: Client) -> None:
    """What he creates is his and private; he changes it, and reaches neither tools nor other people's sight with it."""
    ann, handle = unique("ann"), unique()
    async with browser(client, ann) as person, browser(client, unique("bob")) as other:
        for refused in ({"tools": ["x"]}, {"tools_mode": "tenant"}, {"visibility": "public"}, {"team_id": "team_1"}):
            (await person.post("/v1/agents", {"handle": unique(), **refused})).problem(403, "forbidden")
        (await person.post("/v1/agents", {"handle": unique(), "owner": "bob"})).problem(422, "invalid_request")
        made = (await person.post("/v1/agents", {"handle": handle, "instructions": "mine"})).ok(201)
        assert (made["owner"], made["visibility"], made["instructions"]) == (ann, "private", "mine")
        (await other.get(f"/v1/agents/{handle}")).problem(404, "not_found")
        (await person.patch(f"/v1/agents/{handle}", {"instructions": "new"})).ok(200)
        (await person.patch(f"/v1/agents/{handle}", {"visibility": "public"})).problem(403, "forbidden")
        (await person.patch(f"/v1/agents/{handle}", {"tools": ["x"]})).problem(403, "forbidden")
        assert [each["version"] for each in (await person.get(f"/v1/agents/{handle}/versions")).ok(200)["data"]] == [
            2,
            1,
        ]
        assert (await person.delete(f"/v1/agents/{handle}")).status == 204
    async with browser(client, ann, rights=["read"]) as reader:
        (await reader.post("/v1/agents", {"handle": unique()})).problem(403, "forbidden")


async def test_what_one_may_use_is_not_what_one_may_read_or_change(client: Client) -> None:
    """A public agent is named and used by everybody; its instructions and its tools are its owner's and the keys'."""
    agent = await make(client, instructions="secret", tools=["x"], model="demo/echo@max")
    async with browser(client, unique("bob")) as person:
        for path in (f"/v1/agents/{agent['id']}", f"/v1/agents/{agent['id']}/versions"):
            body = (await person.get(path)).ok(200)
            shown = body["data"][0] if "data" in body else body
            assert (shown["name"], shown["instructions"], shown["tools"]) == (agent["name"], None, [])
        (await person.patch(f"/v1/agents/{agent['id']}", {"name": "x"})).problem(403, "forbidden")
        (await person.delete(f"/v1/agents/{agent['id']}")).problem(403, "forbidden")
        thread_id = (await person.post("/v1/threads", {})).ok(201)["id"]
        assert (await person.ask(thread_id, "x", agent=agent["handle"]))["run"]["agent_id"] == agent["id"]


async def test_a_team_shares_its_agents(client: Client) -> None:
    """Its people see and use them, its owners change them, and whoever is taken out sees them no longer."""
    ann, bob = unique("ann"), unique("bob/🙂")
    team = (await client.post("/v1/teams", {"name": "Support", "metadata": {"a": 1}})).ok(201)
    path = f"/v1/teams/{team['id']}"
    agent = await make(client, visibility="team", team_id=team["id"], instructions="ours")
    async with browser(client, ann) as owner, browser(client, bob) as member:
        (await member.get(path)).problem(404, "not_found")
        (await client.put(f"{path}/members/{ann}", {"role": "owner"})).ok(200)
        placed = (await client.put(f"{path}/members/{bob}")).ok(200)
        assert (placed["end_user_id"], placed["role"]) == (bob, "member")
        assert (await member.get(path)).ok(200) == team
        assert [each["end_user_id"] for each in (await member.get(f"{path}/members")).ok(200)["data"]] == [ann, bob]
        assert (await member.get(f"/v1/agents/{agent['id']}")).ok(200)["instructions"] is None
        (await member.patch(f"/v1/agents/{agent['id']}", {"name": "x"})).problem(403, "forbidden")
        assert (await owner.patch(f"/v1/agents/{agent['id']}", {"name": "x"})).ok(200)["instructions"] == "ours"
        assert (await client.delete(f"{path}/members/{bob}")).status == 204
        (await client.delete(f"{path}/members/{bob}")).problem(404, "not_found")
        (await member.get(f"/v1/agents/{agent['id']}")).problem(404, "not_found")
        (await client.patch(path, {"name": "Sales"})).ok(200)
        assert (await owner.get("/v1/teams")).ok(200)["data"][0]["name"] == "Sales"
        assert (await client.delete(path)).status == 204
        assert (await owner.get("/v1/teams")).ok(200)["data"] == []
        (await owner.get(f"/v1/agents/{agent['id']}")).problem(404, "not_found")
    # Its team is gone, and it is still there to be changed by whoever has it.
    (await client.patch(f"/v1/agents/{agent['id']}", {"name": "Left over"})).ok(200)
    (await client.patch(f"/v1/agents/{agent['id']}", {"visibility": "private"})).problem(422, "invalid_request")
    freed = (await client.patch(f"/v1/agents/{agent['id']}", {"visibility": "public", "team_id": None})).ok(200)
    assert (freed["name"], freed["visibility"], freed["archived"]) == ("Left over", "public", False)
    (await client.patch(f"/v1/agents/{agent['id']}", {"archived": True})).ok(200)


async def test_the_same_send_names_the_same_agent(client: Client) -> None:
    """The agent is part of what an Idempotency-Key stands for."""
    agent = await make(client, model="demo/echo@max")
    thread_id = await client.thread()
    first = (await client.send(thread_id, "x", key="k", agent=agent["id"])).ok(200)
    again = await client.send(thread_id, "x", key="k", agent=agent["id"])
    assert again.ok(200)["run"] == first["run"]
    assert again.headers["Idempotency-Replayed"] == "true"
    (await client.send(thread_id, "x", key="k")).problem(422, "idempotency_mismatch")
