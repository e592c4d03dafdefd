"""Who answers in a room. People's messages are part of the history at once; only the runs that answer them wait.

Each agent answers in a run of its own, one after the other, and sees what was said before it, the others' answers
included. An agent that calls another one by its handle is heard too, within bounds: so many calls for one message of
a person, and so many between two of them, so that no two agents talk for ever.
"""

from collections.abc import Callable, Sequence

from msgspec import UNSET, Struct, structs

from threadline.agent_records import Agent
from threadline.clock import rfc3339
from threadline.engine.agents import attached_agent, usable_agent
from threadline.engine.mentions import mention_of, mentioned_members
from threadline.engine.queue import Queued, enqueue, waiting_runs
from threadline.engine.turns import give_turn
from threadline.errors import InvalidRequest, NotFound, QueueFull, ThreadBusy
from threadline.events import RunQueued
from threadline.ids import IdMaker, MessageId, RunId
from threadline.limits import AGENT_CALLS_MAX, AGENT_PAIR_CALLS_MAX
from threadline.observe import log
from threadline.records import Message, OnBusy, Run, RunOptions
from threadline.room_records import Hop, Member, MemberId
from threadline.scopes import Scope, Tenant
from threadline.store.contract import Reader, RunRow, ThreadRow, Transaction


class Answering(Struct, frozen=True):
    """Who is to answer a message, and with which model; None is the model alone."""

    agent: Agent | None
    model: str


async def answering(
    reader: Reader,
    scope: Scope,
    row: ThreadRow,
    named: str | None,
    message: Message,
    members: Sequence[Member],
    model_of: Callable[[Agent | None], str],
) -> list[Answering]:
    """Return who answers a person's message, in the order of their coming.

    The agent that the send names; else those who answer everything and those who are called; in a room without agents
    whoever answers the thread. Raises NotFound, InvalidRequest and ModelUnknown.
    """
    there = [member for member in members if member.agent_id is not None]
    if named is not None:
        agents: list[Agent | None] = [await _named(reader, scope, named, there)]
    elif not there:
        agents = [await attached_agent(reader, scope, row.thread)]
    else:
        called = {member.id for member in mentioned_members(message.content, there)}
        agents = list(await _present(reader, scope, [member for member in there if _answers(member, called)]))
    return [Answering(agent, model_of(agent)) for agent in agents]


async def ask(
    transaction: Transaction,
    scope: Scope,
    row: ThreadRow,
    message_id: MessageId,
    who: Sequence[Answering],
    options: RunOptions,
    on_busy: OnBusy,
    ids: IdMaker,
    now_ms: int,
) -> list[Queued]:
    """Give each of them a run that answers a message of the history. The first may do to others what `on_busy` says.

    Raises QueueFull.
    """
    found: list[Queued] = []
    for each in who:
        waiting = await waiting_runs(transaction, scope, row.thread.id)
        if on_busy == "merge" and (ready := _will_read(waiting, each)) is not None:
            found.append(Queued(ready))
            continue
        run = Run(
            id=ids.run(),
            thread_id=row.thread.id,
            status="queued",
            model=each.model,
            agent_id=each.agent.id if each.agent else None,
            input=None,
            input_message_id=message_id,
            created_at=rfc3339(now_ms),
        )
        first = on_busy if on_busy in ("interrupt", "latest") and not found else "enqueue"
        found.append(await _put(transaction, scope, row, run, options, first, now_ms))
    return found


async def call_on(transaction: Transaction, run_id: RunId, row: RunRow, ids: IdMaker, now_ms: int) -> RunRow | None:
    """Let the agents answer whom an agent's whole answer has called. Returns the run that has got the turn, if any."""
    scope = Tenant(row.tenant_id)
    ended = await transaction.run(scope, run_id)
    run = ended.run
    if run.status != "completed" or run.agent_id is None or run.output_message_id is None:
        return None
    members = await transaction.members(scope, run.thread_id)
    if not members:
        return None
    answer = await transaction.message(scope, run.output_message_id)
    called = [
        member
        for member in mentioned_members(answer.content, members)
        if member.agent_id not in (None, run.agent_id) and member.reply_policy != "none"
    ]
    root = ended.options.root_message_id or run.input_message_id
    began: RunRow | None = None
    for agent in await _present(transaction, scope, called):
        if not await _may_call(transaction, scope, run, agent, root):
            continue
        thread = await transaction.thread(scope, run.thread_id)
        options = RunOptions(root_message_id=root, on_disconnect=ended.options.on_disconnect)
        who = [Answering(agent, agent.model or thread.thread.model or run.model)]
        try:
            (queued,) = await ask(transaction, scope, thread, answer.id, who, options, "enqueue", ids, now_ms)
        except QueueFull:
            break
        await transaction.insert_hop(
            scope,
            Hop(
                thread_id=run.thread_id,
                run_id=queued.row.run.id,
                root_message_id=root,
                caller=run.agent_id,
                called=agent.id,
            ),
        )
        began = queued.row if queued.row.has_turn else began
    return began


def addressed(message: Message, members: Sequence[Member]) -> Message:
    """Return a person's message with the name that its author has in this room, and with those whom it calls."""
    if not members or message.role != "user":
        return message
    name = next((each.name for each in members if each.end_user_id == message.author.id and each.end_user_id), None)
    called = [mention_of(member) for member in mentioned_members(message.content, members)]
    return structs.replace(message, author=structs.replace(message.author, name=name or UNSET), mentions=called or None)


def check_on_busy(row: ThreadRow, on_busy: OnBusy) -> None:
    """Look at what a send wants of a busy room, before its message is stored. Raises ThreadBusy and InvalidRequest."""
    if row.thread.active_run_id is None:
        return
    if on_busy == "reject":
        events_url = f"/v1/threads/{row.thread.id}/events"
        raise ThreadBusy(run_id=row.thread.active_run_id, events_url=events_url)
    if on_busy == "rollback":
        raise InvalidRequest("In a room nobody takes back what others have seen.", pointer="/on_busy")


async def _put(
    transaction: Transaction, scope: Scope, row: ThreadRow, run: Run, options: RunOptions, on_busy: OnBusy, now_ms: int
) -> Queued:
    thread = await transaction.thread(scope, run.thread_id)
    if thread.thread.active_run_id is not None:
        return await enqueue(transaction, scope, thread, run, options, on_busy, now_ms)
    seq = await transaction.append(scope, run.thread_id, RunQueued(run), run.id)
    queued = RunRow(row.tenant_id, run, options, has_turn=False, first_seq=seq)
    await transaction.insert_run(scope, queued)
    return Queued(await give_turn(transaction, queued))


def _will_read(waiting: Sequence[RunRow], each: Answering) -> RunRow | None:
    """Return the run that waits and will read the message anyway, since a run reads all that was said before it."""
    agent_id = each.agent.id if each.agent else None
    return next((row for row in waiting if row.run.agent_id == agent_id and row.run.input is None), None)


async def _named(reader: Reader, scope: Scope, name: str, there: Sequence[Member]) -> Agent:
    """Return the agent that a send names; one that takes part is there for everybody who does."""
    for member in there:
        if name in (member.agent_id, member.handle):
            assert member.agent_id is not None, "an agent"
            return await usable_agent(reader, Tenant(scope.tenant_id), member.agent_id, "/agent")
    return await usable_agent(reader, scope, name, "/agent")


async def _present(reader: Reader, scope: Scope, members: Sequence[Member]) -> list[Agent]:
    """Return the agents behind members, without those that are archived or gone."""
    found: list[Agent] = []
    for member in members:
        assert member.agent_id is not None, "an agent"
        try:
            found.append(await usable_agent(reader, Tenant(scope.tenant_id), member.agent_id, ""))
        except (NotFound, InvalidRequest):
            continue
    return found


def _answers(member: Member, called: set[MemberId]) -> bool:
    return member.reply_policy == "all" or (member.reply_policy == "mention" and member.id in called)


async def _may_call(reader: Reader, scope: Scope, run: Run, agent: Agent, root: MessageId) -> bool:
    hops = await reader.hops(scope, run.thread_id, root)
    pair = {run.agent_id, agent.id}
    between = sum({hop.caller, hop.called} == pair for hop in hops)
    if len(hops) < AGENT_CALLS_MAX and between < AGENT_PAIR_CALLS_MAX:
        return True
    log.info("agents_talk_no_further", thread_id=run.thread_id, run_id=run.id, calls=len(hops), between=between)
    return False
