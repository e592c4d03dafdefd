"""Presence and typing over sockets: on every node, for those who may see the thread, and never in the log."""

from support.client import Client
from support.sockets import Socket, open_socket, refusal_of

from .test_access import browser


def seen(socket: Socket, thread_id: str) -> dict[str, str]:
    """Return who is there, as a client works it out from what it was told."""
    people: dict[str, str] = {}
    for said in socket.heard:
        if said.get("thread_id") != thread_id:
            continue
        if said["type"] == "presence.state":
            people = {it["end_user_id"]: it["status"] for it in said["people"]}
        elif said["type"] == "presence":
            people[said["end_user_id"]] = said["status"]
    return {person: status for person, status in people.items() if status != "offline"}


async def sees(socket: Socket, thread_id: str, **people: str) -> None:
    """Wait until a socket has been told that these are there, and nobody else."""
    await socket.wait_for(lambda _: seen(socket, thread_id) == people)


async def test_people_see_each_other_whichever_node_they_are_on(client: Client) -> None:
    """Each new socket goes to the next node; all of them agree about who is there, and none of it is in the log."""
    thread_id = await client.thread(end_user_id="ann")
    async with open_socket(client, thread_id, "?end_user_id=ann") as ann:
        await sees(ann, thread_id, ann="online")
        async with open_socket(client, thread_id, "?end_user_id=bob") as bob, open_socket(client, thread_id) as key:
            for socket in (ann, bob, key):
                await sees(socket, thread_id, ann="online", bob="online")
            assert (await bob.ask("presence", status="away"))["status"] == "away"
            for socket in (ann, bob, key):
                await sees(socket, thread_id, ann="online", bob="away")
            await bob.ask("typing")
            await bob.ask("typing", is_typing=False)
            for socket in (ann, key):
                heard = await socket.wait_for(lambda said: said["type"] == "typing" and not said["is_typing"])
                assert (heard["end_user_id"], heard["thread_id"]) == ("bob", thread_id)
            assert not [said for said in bob.heard if said["type"] == "typing"]
        await sees(ann, thread_id, ann="online")
        assert [frame.event for frame in await client.log(thread_id)] == ["thread.created"]


async def test_presence_belongs_to_each_thread_of_a_socket(client: Client) -> None:
    """Whoever subscribes is seen there, whoever unsubscribes is not; a status may be for one thread or for all."""
    one, two = await client.thread(), await client.thread()
    async with (
        open_socket(client, one, "?end_user_id=ann") as ann,
        open_socket(client, one) as at_one,
        open_socket(client, two) as at_two,
    ):
        await at_two.wait_for_type("presence.state", two)
        assert seen(at_two, two) == {}
        await ann.ask("subscribe", thread_id=two)
        await sees(at_two, two, ann="online")
        await ann.ask("presence", status="away", thread_id=two)
        await sees(at_two, two, ann="away")
        await sees(at_one, one, ann="online")
        await ann.ask("presence", status="away")
        await sees(at_one, one, ann="away")
        await ann.ask("unsubscribe", thread_id=two)
        await sees(at_two, two)
        for kind, fields in (("typing", {}), ("presence", {"status": "online"})):
            assert (await ann.refused(kind, thread_id=two, **fields))["code"] == "not_found"


async def test_who_one_is_comes_from_the_credential(client: Client) -> None:
    """A token is its own end user and nobody else; a key is whom it names, or nobody, and then it shows nothing."""
    thread_id = await client.thread(end_user_id="ann")
    async with open_socket(client, thread_id) as key:
        for kind, fields in (("typing", {}), ("presence", {"status": "online"})):
            assert (await key.refused(kind, **fields))["code"] == "forbidden"
        async with browser(client, "ann") as token:
            assert await refusal_of(token, thread_id, "?end_user_id=bob") == 422
            async with open_socket(token, thread_id) as ann:
                await sees(key, thread_id, ann="online")
                await ann.ask("typing")
                assert (await key.wait_for_type("typing"))["end_user_id"] == "ann"
        async with browser(client, "ann", rights=["read"]) as token, open_socket(token, thread_id) as ann:
            assert (await ann.refused("typing"))["code"] == "forbidden"
        assert await refusal_of(client, thread_id, "?end_user_id=") == 422
        assert await refusal_of(client, thread_id, "?end_user_id=%00") == 422


async def test_who_types_too_fast_is_told_so(client: Client) -> None:
    """What goes to every node and every socket is bounded for each socket."""
    thread_id = await client.thread()
    async with open_socket(client, thread_id, "?end_user_id=ann") as ann:
        refs = [await ann.say("typing") for _ in range(40)]
        replies = [await ann.reply_to(ref) for ref in refs]
        refused = [reply["error"]["code"] for reply in replies if reply["type"] == "error"]
        assert set(refused) == {"rate_limited"}
        assert len(refused) < 35


async def test_a_viewer_does_not_type(client: Client) -> None:
    """Who only reads a room shows nobody that he is about to say something; he is seen, and members type."""
    thread_id = await client.thread(end_user_id="ann")
    for person, role in (("vic", "viewer"), ("mel", "member")):
        (await client.post(f"/v1/threads/{thread_id}/members", {"end_user_id": person, "role": role})).ok(201)
    async with open_socket(client, thread_id, "?end_user_id=ann") as ann:
        async with browser(client, "vic") as token, open_socket(token, thread_id) as viewer:
            await sees(ann, thread_id, ann="online", vic="online")
            assert (await viewer.refused("typing"))["code"] == "forbidden"
            async with browser(client, "mel") as other, open_socket(other, thread_id) as member:
                await member.ask("typing")
                # A role holds from the moment that it is given.
                (await client.patch(f"/v1/threads/{thread_id}/members/vic", {"role": "member"})).ok(200)
                await viewer.ask("typing")
                for person in ("mel", "vic"):
                    await ann.wait_for(lambda said, who=person: said["type"] == "typing" and said["end_user_id"] == who)
        typed = [said["end_user_id"] for said in ann.heard if said["type"] == "typing"]
        assert sorted(typed) == ["mel", "vic"]
