"""Rooms: who takes part in a thread, what each may do, and what becomes of the streams of those who are removed."""

import asyncio
import uuid
from contextlib import AsyncExitStack
from typing import Any

import pytest

from support.client import Client
from threadline import AsyncThreadline, Threadline

from .test_access import browser


def unique(what: str = "a") -> str:
    """Return a person or a handle that nobody else's test has."""
    return f"{what}-{uuid.uuid4()}"


async def invite(client: Client, thread_id: str, **fields: Any) -> dict[str, Any]:
    """Let somebody take part, and return the member."""
    made: dict[str, Any] = (await client.post(f"/v1/threads/{thread_id}/members", fields)).ok(201)
    return made


async def members(client: Client, thread_id: str) -> list[dict[str, Any]]:
    """Return who takes part."""
    found: list[dict[str, Any]] = (await client.get(f"/v1/threads/{thread_id}/members")).ok(200)["data"]
    return found


async def test_who_is_invited_takes_part(client: Client) -> None:
    """The owner is there first; every coming, change and going is an event, and the state has who is there."""
    ann, bob = unique("ann"), unique("bob")
    thread_id = await client.thread(end_user_id=ann)
    assert await members(client, thread_id) == []
    async with browser(client, ann) as owner:
        made = await invite(owner, thread_id, end_user_id=bob, name="Bob")
    assert (made["object"], made["role"], made["invited_by"], made["reply_policy"]) == ("member", "member", ann, None)
    assert made["handle"] == bob
    first, second = await members(client, thread_id)
    assert (first["end_user_id"], first["role"], first["invited_by"], second) == (ann, "owner", None, made)
    again = await client.post(f"/v1/threads/{thread_id}/members", {"end_user_id": bob, "role": "viewer"})
    assert again.ok(200) == made
    path = f"/v1/threads/{thread_id}/members"
    changed = (await client.patch(f"{path}/{made['id']}", {"role": "viewer", "handle": "b", "name": None})).ok(200)
    assert (changed["role"], changed["handle"], changed["name"]) == ("viewer", "b", None)
    assert (await client.patch(f"{path}/{bob}", {"role": "viewer"})).ok(200) == changed
    assert (await client.state(thread_id))["members"] == [first, changed]
    assert (await client.delete(f"{path}/b")).status == 204
    log = await client.log(thread_id)
    assert [(frame.event, frame.data.get("member")) for frame in log[1:]] == [
        ("member.added", first),
        ("member.added", made),
        ("member.updated", changed),
        ("member.removed", changed),
    ]
    assert (await client.state(thread_id))["members"] == [first]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/end_user_id"),
        ({"end_user_id": "x", "role": "king"}, "/role"),
        ({"end_user_id": "x", "reply_policy": "all"}, "/reply_policy"),
        ({"end_user_id": "x", "handle": "A B"}, "/handle"),
        ({"end_user_id": "x", "mood": 1}, "/mood"),
    ],
)
async def test_what_is_no_invitation_is_refused(client: Client, body: dict[str, Any], pointer: str) -> None:
    """The answer names the field, and nobody comes."""
    thread_id = await client.thread()
    problem = (await client.post(f"/v1/threads/{thread_id}/members", body)).problem(422, "invalid_request")
    assert problem["pointer"] == pointer
    assert await members(client, thread_id) == []


async def test_what_each_role_may_do(client: Client) -> None:
    """A viewer reads, a member also sends, an owner also says who takes part and deletes; a stranger finds nothing."""
    ann, bob, cid, dan = (unique(name) for name in ("ann", "bob", "cid", "dan"))
    thread_id = await client.thread(end_user_id=ann, model="demo/echo@max")
    path = f"/v1/threads/{thread_id}"
    await invite(client, thread_id, end_user_id=bob, role="member")
    await invite(client, thread_id, end_user_id=cid, role="viewer")
    async with AsyncExitStack() as stack:
        member, viewer, stranger = [await stack.enter_async_context(browser(client, who)) for who in (bob, cid, dan)]
        for reader in (member, viewer):
            for address in (path, f"{path}/state", f"{path}/messages", f"{path}/members"):
                (await reader.get(address)).ok(200)
            assert [thread["id"] for thread in (await reader.get("/v1/threads")).ok(200)["data"]] == [thread_id]
        for address in (path, f"{path}/state", f"{path}/messages", f"{path}/members", f"{path}/events"):
            (await stranger.get(address)).problem(404, "not_found")
        sent = await member.ask(thread_id, "hello")
        assert sent["message"]["author"] == {"type": "user", "id": bob}
        run_id = sent["run"]["id"]
        for method, address, body in [
            ("POST", f"{path}/messages", {"content": "x"}),
            ("POST", f"{path}/messages", {"content": "x", "respond": False}),
            ("PATCH", path, {"title": "x"}),
            ("PATCH", path, {"title": None}),
            ("PATCH", path, {}),
            ("DELETE", path, None),
            ("POST", f"{path}/members", {"end_user_id": dan}),
            ("PATCH", f"{path}/members/{cid}", {"role": "owner"}),
            ("DELETE", f"{path}/members/{bob}", None),
            ("POST", f"/v1/runs/{run_id}/cancel", {}),
        ]:
            options = {} if body is None else {"body": body}
            (await viewer.request(method, address, **options)).problem(403, "forbidden")
            (await stranger.request(method, address, **options)).problem(404, "not_found")
        (await member.post(f"{path}/members", {"end_user_id": dan})).problem(403, "forbidden")
        (await member.patch(f"{path}/members/{bob}", {"role": "owner"})).problem(403, "forbidden")
        (await member.delete(f"{path}/members/{cid}")).problem(403, "forbidden")
        (await member.delete(path)).problem(403, "forbidden")
        (await member.patch(path, {"title": "ours"})).ok(200)
        (await client.patch(f"{path}/members/{bob}", {"role": "owner"})).ok(200)
        (await member.post(f"{path}/members", {"end_user_id": dan})).ok(201)
        (await stranger.get(path)).ok(200)
        assert (await member.delete(path)).status == 204


async def test_a_viewer_stops_nobody(client: Client) -> None:
    """Neither a running answer nor one that waits."""
    ann, cid = unique("ann"), unique("cid")
    thread_id = await client.thread(end_user_id=ann, model="demo/stall-2@max")
    await invite(client, thread_id, end_user_id=cid, role="viewer")
    running, waiting = await client.begin(thread_id, "one"), await client.begin(thread_id, "two")
    async with browser(client, cid) as viewer:
        for sent in (running, waiting):
            (await viewer.post(f"/v1/runs/{sent['run']['id']}/cancel", {})).problem(403, "forbidden")
        for change in ({"position": 1}, {"content": "two"}):
            (await viewer.patch(f"/v1/runs/{waiting['run']['id']}", change)).problem(403, "forbidden")
    assert (await client.run(waiting["run"]["id"]))["status"] == "queued"
    for sent in (waiting, running):
        (await client.post(f"/v1/runs/{sent['run']['id']}/cancel", {"wait": True})).ok(200)


async def test_the_threads_own_end_user_stays(client: Client) -> None:
    """Nobody takes it away from him, also he himself; everybody else may leave."""
    ann, bob = unique("ann"), unique("bob")
    thread_id = await client.thread(end_user_id=ann)
    await invite(client, thread_id, end_user_id=bob, role="viewer")
    path = f"/v1/threads/{thread_id}/members"
    async with browser(client, ann) as owner, browser(client, bob) as viewer:
        (await owner.delete(f"{path}/{ann}")).problem(422, "invalid_request")
        (await client.patch(f"{path}/{ann}", {"role": "viewer"})).problem(422, "invalid_request")
        assert (await viewer.delete(f"{path}/{bob}")).status == 204
        (await viewer.get(path)).problem(404, "not_found")


async def test_who_is_removed_sees_nothing_more(client: Client) -> None:
    """On every node: the streams of the thread and of its run end after `member.removed`; the others' go on."""
    ann, bob, cid = unique("ann"), unique("bob"), unique("cid")
    thread_id = await client.thread(end_user_id=ann, model="demo/count-99999@50")
    for person in (bob, cid):
        await invite(client, thread_id, end_user_id=person)
    async with browser(client, bob) as removed, browser(client, cid) as stays, AsyncExitStack() as stack:
        sent = await removed.begin(thread_id, "count")
        streams = [await stack.enter_async_context(removed.events(thread_id)) for _ in client.urls]
        of_run = await stack.enter_async_context(removed.open("GET", f"/v1/runs/{sent['run']['id']}/events"))
        going_on = await stack.enter_async_context(stays.events(thread_id))
        for stream in (*streams, of_run, going_on):
            await stream.read_until("message.delta")
        assert (await client.delete(f"/v1/threads/{thread_id}/members/{bob}")).status == 204
        for stream in streams:
            frames = await stream.read_to_end()
            assert frames[-1].event == "member.removed"
            assert frames[-1].data["member"]["end_user_id"] == bob
        assert "run.completed" not in [frame.event for frame in await of_run.read_to_end()]
        await going_on.read_until("member.removed")
        await going_on.read_until("message.delta")
        for address in (f"/v1/threads/{thread_id}", f"/v1/threads/{thread_id}/events", f"/v1/runs/{sent['run']['id']}"):
            (await removed.get(address)).problem(404, "not_found")
        assert (await removed.get("/v1/threads")).ok(200)["data"] == []
        await client.post(f"/v1/runs/{sent['run']['id']}/cancel", {"wait": True})


async def test_who_is_invited_again_reads_on(client: Client) -> None:
    """A log that tells of his own removal is no end for who is back."""
    bob = unique("bob")
    thread_id = await client.thread(end_user_id=unique("ann"))
    await invite(client, thread_id, end_user_id=bob)
    await client.delete(f"/v1/threads/{thread_id}/members/{bob}")
    await invite(client, thread_id, end_user_id=bob, role="viewer")
    async with browser(client, bob) as back, back.events(thread_id) as stream:
        await stream.read_until("caught_up")
        assert stream.events().count("member.removed") == 1
        await client.patch(f"/v1/threads/{thread_id}", {"title": "x"})
        await stream.read_until("thread.updated")


async def test_those_who_invite_at_once_invite_once(client: Client) -> None:
    """One place for one person, however many ask, and the owner comes once."""
    thread_id = await client.thread(end_user_id=unique("ann"))
    bob = unique("bob")
    answers = await asyncio.gather(
        *(client.post(f"/v1/threads/{thread_id}/members", {"end_user_id": bob}) for _ in range(5))
    )
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 200, 201]
    assert len({answer.json["id"] for answer in answers}) == 1
    assert [member["end_user_id"] for member in await members(client, thread_id)][1:] == [bob]


async def test_an_agent_takes_part_under_its_handle(client: Client) -> None:
    """One that the inviter sees, once, with a policy; two members are not called by one handle."""
    ann = unique("ann")
    agent = (await client.post("/v1/agents", {"handle": unique("bot"), "name": "Bot"})).ok(201)
    hidden = (await client.post("/v1/agents", {"handle": unique("bot"), "owner": unique("bob")})).ok(201)
    thread_id = await client.thread(end_user_id=ann)
    path = f"/v1/threads/{thread_id}/members"
    async with browser(client, ann) as owner:
        (await owner.post(path, {"agent": hidden["handle"]})).problem(404, "not_found")
        made = await invite(owner, thread_id, agent=agent["handle"])
    assert (made["agent_id"], made["end_user_id"], made["handle"]) == (agent["id"], None, agent["handle"])
    assert (made["name"], made["role"], made["reply_policy"]) == ("Bot", "member", "all")
    assert (await client.post(path, {"agent": agent["id"], "reply_policy": "none"})).ok(200) == made
    (await client.post(path, {"end_user_id": "x", "handle": agent["handle"]})).problem(409, "name_taken")
    (await client.post(path, {"agent": hidden["id"], "role": "owner"})).problem(422, "invalid_request")
    assert (await client.patch(f"{path}/{agent['id']}", {"reply_policy": "mention"})).ok(200)[
        "reply_policy"
    ] == "mention"


async def test_the_sdk_knows_teams(client: Client) -> None:
    """Both clients make, change, fill, list and remove them."""
    url, key = client.urls[0], client.key

    def blocking() -> str:
        with Threadline(url, key) as sdk:
            team = sdk.teams.create("Care", metadata={"floor": 3})
            assert sdk.teams.update(team.id, name="Health").name == "Health"
            assert sdk.teams.put_member(team.id, "ann").role == "member"
            assert sdk.teams.put_member(team.id, "ann", role="owner").role == "owner"
            return team.id

    team_id = await asyncio.to_thread(blocking)
    async with AsyncThreadline(url, key) as sdk:
        team = await sdk.teams.get(team_id)
        assert (team.name, team.metadata) == ("Health", {"floor": 3})
        assert [(each.end_user_id, each.role) async for each in sdk.teams.members(team_id)] == [("ann", "owner")]
        await sdk.teams.remove_member(team_id, "ann")
        assert [each async for each in sdk.teams.members(team_id)] == []
        assert team_id in [each.id async for each in sdk.teams.list()]
        await sdk.teams.delete(team_id)
        assert team_id not in [each.id async for each in sdk.teams.list()]


async def test_the_sdk_knows_agents_and_members(client: Client) -> None:
    """Both clients make, change, list and remove them."""
    url, key = client.urls[0], client.key
    handle = unique("bot")

    def blocking() -> None:
        with Threadline(url, key) as sdk:
            agent = sdk.agents.create(handle=handle, name="Bot")
            assert sdk.agents.update(handle, instructions="Be brief.").version == 2
            assert [each.version for each in sdk.agents.versions(agent.id)] == [2, 1]
            thread = sdk.threads.create()
            assert sdk.members.add(thread.id, agent=handle, reply_policy="mention").agent_id == agent.id

    await asyncio.to_thread(blocking)
    async with AsyncThreadline(url, key) as sdk:
        agent = await sdk.agents.get(handle)
        assert agent.instructions == "Be brief."
        thread = await sdk.threads.create()
        person = await sdk.members.add(thread.id, "ann", role="viewer")
        assert (await sdk.members.update(thread.id, person.id, role="member")).role == "member"
        assert [each.end_user_id for each in await sdk.members.list(thread.id)] == ["ann"]
        await sdk.members.remove(thread.id, "ann")
        await sdk.agents.delete(handle)
        assert agent.id not in [each.id async for each in sdk.agents.list()]
