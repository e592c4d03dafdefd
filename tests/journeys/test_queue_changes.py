"""What waits can be seen, rewritten, moved and withdrawn, until its turn starts."""

import asyncio
import secrets
from typing import Any

from support.client import Client, text_of

from .test_on_busy import asked, speaking, waiting


async def a_queue(client: Client, *texts: str) -> tuple[str, str, list[str]]:
    """Return a thread, the run that it is busy with, and the runs that wait with these questions."""
    thread_id = await client.thread()
    active = await speaking(client, thread_id)
    return thread_id, active, [(await client.begin(thread_id, text))["run"]["id"] for text in texts]


async def change(client: Client, run_id: str, **changes: Any) -> dict[str, Any]:
    """Change a run that waits."""
    changed: dict[str, Any] = (await client.request("PATCH", f"/v1/runs/{run_id}", changes)).ok(200)
    return changed


async def test_what_waits_is_shown_in_the_order_of_its_turns(client: Client) -> None:
    """Whole runs with their questions and positions; the one that is answered is not among them."""
    thread_id, active, behind = await a_queue(client, "a", "b")
    runs = await waiting(client, thread_id)
    assert [run["id"] for run in runs] == behind
    assert asked(runs) == ["a", "b"]
    assert (await client.run(active))["position"] is None
    assert (await client.run(behind[1]))["position"] == 2
    assert [run["id"] for run in (await client.state(thread_id))["runs"]] == [active, *behind]


async def test_a_question_is_rewritten_while_it_waits(client: Client) -> None:
    """Everybody hears of it by one more `run.queued`, and the answer is to the new words."""
    thread_id, active, [run_id] = await a_queue(client, "befor")
    changed = await change(client, run_id, content=[{"type": "text", "text": "before"}])
    assert text_of(changed["input"]) == "before"
    assert asked(await waiting(client, thread_id)) == ["before"]
    told = [frame.data["run"] for frame in await client.log(thread_id) if frame.event == "run.queued"]
    assert [text_of(run["input"]) for run in told if run["id"] == run_id] == ["befor", "before"]
    await client.post(f"/v1/runs/{active}/cancel")
    await client.settled(run_id)
    assert [text_of(message) for message in (await client.history(thread_id))[2:]] == ["before", "before"]


async def test_what_waits_is_put_into_another_order(client: Client) -> None:
    """Forwards, backwards, beyond the end; the answers come in the order that was left."""
    thread_id, active, behind = await a_queue(client, "a", "b", "c", "d")
    assert (await change(client, behind[3], position=2))["position"] == 2
    assert asked(await waiting(client, thread_id)) == ["a", "d", "b", "c"]
    assert (await change(client, behind[0], position=99))["position"] == 4
    assert asked(await waiting(client, thread_id)) == ["d", "b", "c", "a"]
    last = (await client.begin(thread_id, "e"))["run"]
    assert last["position"] == 5
    assert (await change(client, behind[2], position=1, content="C"))["position"] == 1
    order = ["C", "d", "b", "a", "e"]
    assert asked(await waiting(client, thread_id)) == order
    await client.post(f"/v1/runs/{active}/cancel")
    await client.settled(last["id"])
    assert [text_of(message) for message in (await client.history(thread_id))[2::2]] == order


async def test_a_change_that_changes_nothing_is_no_event(client: Client) -> None:
    """The place that it has, the words that it says."""
    thread_id, _, [run_id] = await a_queue(client, "a")
    before = len(await client.log(thread_id))
    assert (await change(client, run_id, position=1, content="a"))["position"] == 1
    assert len(await client.log(thread_id)) == before


async def test_what_waits_can_be_withdrawn(client: Client) -> None:
    """It ends as cancelled, never was a message, and those behind it move up."""
    thread_id, active, behind = await a_queue(client, "a", "b", "c")
    gone = (await client.post(f"/v1/runs/{behind[0]}/cancel")).ok(200)
    assert (gone["status"], gone["position"]) == ("cancelled", None)
    assert asked(await waiting(client, thread_id)) == ["b", "c"]
    await client.post(f"/v1/runs/{active}/cancel")
    await client.settled(behind[2])
    assert [text_of(message) for message in (await client.history(thread_id))[2::2]] == ["b", "c"]


async def test_nothing_is_changed_once_the_turn_has_started(client: Client) -> None:
    """409 `run_started` for what is answered, has been answered, or was withdrawn; and nothing has changed."""
    thread_id, active, [withdrawn] = await a_queue(client, "a")
    await client.post(f"/v1/runs/{withdrawn}/cancel")
    for run_id in (active, withdrawn):
        problem = (await client.request("PATCH", f"/v1/runs/{run_id}", {"content": "b"})).problem(409, "run_started")
        assert problem["run_id"] == run_id
    assert [text_of(message) for message in (await client.history(thread_id))[:1]] == ["q0"]


async def test_an_edit_meets_the_start_of_its_turn(client: Client) -> None:
    """Whoever comes first wins: either the edit is refused, or the answer is to the edited words."""
    for _ in range(5):
        thread_id, active, [run_id] = await a_queue(client, "old")
        edit, _ = await asyncio.gather(
            client.request("PATCH", f"/v1/runs/{run_id}", {"content": "new"}),
            client.post(f"/v1/runs/{active}/cancel"),
        )
        await client.settled(run_id)
        said = [text_of(message) for message in (await client.history(thread_id))[2:]]
        if edit.status == 200:
            assert said == ["new", "new"]
        else:
            edit.problem(409, "run_started")
            assert said == ["old", "old"]


async def test_a_change_has_a_form(client: Client) -> None:
    """Nothing at all, no position, no words, and blocks that people do not say are refused where they stand."""
    _, _, [run_id] = await a_queue(client, "a")
    for body, pointer in (
        ({}, ""),
        ({"position": 0}, "/position"),
        ({"content": " "}, "/content"),
        ({"content": [{"type": "tool_use", "id": "x", "name": "y", "input": {}}]}, "/content/0/type"),
        ({"model": "demo/x"}, None),
    ):
        problem = (await client.request("PATCH", f"/v1/runs/{run_id}", body)).problem(422, "invalid_request")
        if pointer is not None:
            assert problem["pointer"] == pointer


async def test_a_token_changes_its_own_queue_only(client: Client) -> None:
    """Its end user's: yes, with the right to send. Somebody else's: like one that is not there."""
    thread_id = await client.thread(end_user_id="ann")
    await speaking(client, thread_id)
    run_id = (await client.begin(thread_id, "a"))["run"]["id"]
    for body, status in (
        ({"end_user_id": "ann"}, 200),
        ({"end_user_id": "ann", "rights": ["read"]}, 403),
        ({"end_user_id": "bob"}, 404),
    ):
        token = (await client.post("/v1/tokens", body)).ok(201)["token"]
        async with Client(client.urls, token) as theirs:
            assert (await theirs.request("PATCH", f"/v1/runs/{run_id}", {"content": "b"})).status == status
            seen = (await theirs.get(f"/v1/threads/{thread_id}/queue")).status
            assert seen == (404 if status == 404 else 200)


async def test_nobody_rewrites_what_somebody_else_asks(client: Client) -> None:
    """In a room that was none when it was asked: its author may, and the tenant's program; another member may not."""
    ann, ben = f"ann-{secrets.token_hex(4)}", f"ben-{secrets.token_hex(4)}"
    thread_id = await client.thread(end_user_id=ann)
    active = await speaking(client, thread_id)
    run_id = (await client.begin(thread_id, "asked"))["run"]["id"]
    (await client.post(f"/v1/threads/{thread_id}/members", {"end_user_id": ben})).ok(201)
    tokens = [(await client.post("/v1/tokens", {"end_user_id": who})).ok(201)["token"] for who in (ann, ben)]
    async with Client(client.urls, tokens[0]) as author, Client(client.urls, tokens[1]) as other:
        path = f"/v1/runs/{run_id}"
        (await other.request("PATCH", path, {"content": "forged"})).problem(403, "forbidden")
        assert asked(await waiting(client, thread_id)) == ["asked"]
        assert (await change(other, run_id, position=1))["position"] == 1
        assert text_of((await change(author, run_id, content="asked better"))["input"]) == "asked better"
    assert text_of((await change(client, run_id, content="asked by a program"))["input"]) == "asked by a program"
    for each in (run_id, active):
        await client.post(f"/v1/runs/{each}/cancel")
