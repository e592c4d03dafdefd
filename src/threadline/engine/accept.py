"""Accepts a send, once: message, run and idempotency record are one transaction (promise 5).

The same key and the same body give the first answer again; another body is refused. A crash before the commit has
stored nothing; after it, everything, and whoever asks again with the key finds it.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs

from threadline.agent_records import Agent
from threadline.clock import rfc3339
from threadline.content import Block
from threadline.engine.agents import attached_agent, usable_agent
from threadline.engine.files import use_files
from threadline.engine.mentions import mention_of, mentioned_agents
from threadline.engine.once import Accepted, earlier, input_of, remember, sender
from threadline.engine.queue import Queued, enqueue
from threadline.engine.rooms import addressed, answering, ask, check_on_busy
from threadline.engine.turns import add_message, give_turn
from threadline.errors import InvalidRequest, NotFound
from threadline.events import RunQueued
from threadline.ids import IdMaker, MessageId, RunId, ThreadId
from threadline.records import Author, Message, OnBusy, Parent, Role, Run, RunOptions
from threadline.room_records import Member
from threadline.scopes import Scope
from threadline.store.contract import Reader, RunRow, ThreadRow, Transaction


class Send(Struct, frozen=True, kw_only=True):
    """What somebody sends to a thread. `agent` is an id or a handle; `key` the Idempotency-Key, where there is one."""

    content: list[Block]
    role: Role = "user"
    model: str | None = None
    agent: str | None = None
    respond: bool = True
    on_busy: OnBusy | None = None
    parent_id: MessageId | None = None
    edit_of: MessageId | None = None
    options: RunOptions = RunOptions()
    metadata: dict[str, Any] = {}
    key: str | None = None

    def fingerprint(self) -> bytes:
        """Return a hash of everything that makes this send what it is, and of nothing about its delivery."""
        # What nobody said was `enqueue` before threads had a default of their own, and keys are remembered for long.
        body = msgspec.to_builtins(structs.replace(self, key=None, on_busy=self.on_busy or "enqueue"))
        # What a send may also say since then: without it, it is the send that an older node has stored.
        for name in ("agent", "edit_of"):
            if body[name] is None:
                del body[name]
        return hashlib.sha256(msgspec.json.encode(body, order="sorted")).digest()


ResolveModel = Callable[[str | None, str | None], str]
"""(the send's model, the agent's or the thread's) -> `provider/model`. Raises ModelUnknown."""


async def accept(
    transaction: Transaction,
    scope: Scope,
    thread_id: ThreadId,
    send: Send,
    resolve_model: ResolveModel,
    ids: IdMaker,
    now_ms: int,
) -> Accepted:
    """Take a send in, or say what the same send became before.

    Raises:
        NotFound: no such thread or agent in this scope.
        IdempotencyMismatch, ThreadBusy, QueueFull, ModelUnknown, InvalidRequest: nothing is stored.
    """
    row = await transaction.thread(scope, thread_id)
    before = await earlier(transaction, scope, row, send)
    if before is not None:
        return before
    parent = await _parent(transaction, scope, row, send)
    await use_files(transaction, scope, thread_id, send.content, now_ms)
    placed = structs.replace(send, options=structs.replace(send.options, parent=parent))
    members = await transaction.members(scope, thread_id)
    if not send.respond:
        accepted = await _store_message(transaction, scope, row, placed, members, ids, now_ms)
    elif members:
        accepted = await _store_in_room(transaction, scope, row, placed, members, resolve_model, ids, now_ms)
    else:
        accepted = await _store_run(transaction, scope, row, placed, resolve_model, ids, now_ms)
    await remember(transaction, scope, row, send, accepted, now_ms)
    return accepted


async def _parent(reader: Reader, scope: Scope, row: ThreadRow, send: Send) -> Parent | None:
    """Return where the message is to stand, where the send says so. Raises InvalidRequest."""
    named, pointer = (send.parent_id, "/parent_id") if send.edit_of is None else (send.edit_of, "/edit_of")
    if named is None:
        return None
    try:
        message = await reader.message_of(scope, row.thread.id, named)
    except NotFound as error:
        raise InvalidRequest("There is no such message in this thread.", pointer=pointer) from error
    return Parent(message.id if send.edit_of is None else message.parent_id)


async def _store_message(
    transaction: Transaction,
    scope: Scope,
    row: ThreadRow,
    send: Send,
    members: Sequence[Member],
    ids: IdMaker,
    now_ms: int,
) -> Accepted:
    message = addressed(_message(scope, row, send, ids.message(), None, now_ms), members)
    message = await add_message(transaction, scope, message, send.options.parent)
    assert message.seq is not None, "it stands in the history now"
    return Accepted(message, None, message.seq, is_replay=False)


async def _store_in_room(
    transaction: Transaction,
    scope: Scope,
    row: ThreadRow,
    send: Send,
    members: Sequence[Member],
    resolve_model: ResolveModel,
    ids: IdMaker,
    now_ms: int,
) -> Accepted:
    """Put a message into the history at once; only the runs that answer it wait."""
    thread = row.thread
    on_busy = send.on_busy or thread.on_busy or "enqueue"
    check_on_busy(row, on_busy)
    message = addressed(_message(scope, row, send, ids.message(), None, now_ms), members)

    def model_of(agent: Agent | None) -> str:
        return resolve_model(send.model, (agent.model if agent else None) or thread.model)

    who = await answering(transaction, scope, row, send.agent, message, members, model_of)
    message = await add_message(transaction, scope, message, send.options.parent)
    assert message.seq is not None, "it stands in the history now"
    options = structs.replace(_options(row, send), parent=None)
    queued = await ask(transaction, scope, row, message.id, who, options, on_busy, ids, now_ms)
    if not queued:
        return Accepted(message, None, message.seq, is_replay=False)
    first, *others = queued
    return Accepted(
        message,
        first.row,
        first.row.first_seq,
        is_replay=False,
        stopping=first.stopping,
        others=[each.row for each in others],
    )


def _options(row: ThreadRow, send: Send) -> RunOptions:
    on_disconnect = send.options.on_disconnect or row.thread.on_disconnect
    return structs.replace(send.options, model=send.model, on_disconnect=on_disconnect)


async def _store_run(
    transaction: Transaction,
    scope: Scope,
    row: ThreadRow,
    send: Send,
    resolve_model: ResolveModel,
    ids: IdMaker,
    now_ms: int,
) -> Accepted:
    called = await mentioned_agents(transaction, scope, send.content)
    agent = await _agent(transaction, scope, row, send, called)
    model = resolve_model(send.model, (agent.model if agent else None) or row.thread.model)
    options = _options(row, send)
    message = _message(scope, row, send, ids.message(), ids.run(), now_ms)
    message = structs.replace(message, mentions=[mention_of(each) for each in called] or None)
    assert message.run_id is not None, "just given"
    run = Run(
        id=message.run_id,
        thread_id=row.thread.id,
        status="queued",
        model=model,
        agent_id=agent.id if agent else None,
        input=message,
        input_message_id=message.id,
        created_at=message.created_at,
    )
    return await put(transaction, scope, row, run, options, send.on_busy, now_ms)


async def put(
    transaction: Transaction,
    scope: Scope,
    row: ThreadRow,
    run: Run,
    options: RunOptions,
    on_busy: OnBusy | None,
    now_ms: int,
) -> Accepted:
    """Put a run into its thread: it gets the turn of a free one, and meets a busy one as `on_busy` says.

    Raises ThreadBusy and QueueFull.
    """
    if row.thread.active_run_id is None:
        queued = Queued(await _begin(transaction, scope, row, run, options))
    else:
        on_busy = on_busy or row.thread.on_busy or "enqueue"
        queued = await enqueue(transaction, scope, row, run, options, on_busy, now_ms)
    message = await input_of(transaction, scope, queued.row)
    return Accepted(message, queued.row, queued.row.first_seq, is_replay=False, stopping=queued.stopping)


async def _begin(transaction: Transaction, scope: Scope, row: ThreadRow, run: Run, options: RunOptions) -> RunRow:
    """Give a run the turn of a free thread."""
    assert not await transaction.open_runs(scope, run.thread_id), "nobody waits in a free thread"
    seq = await transaction.append(scope, run.thread_id, RunQueued(run), run.id)
    queued = RunRow(row.tenant_id, run, options, has_turn=False, first_seq=seq)
    await transaction.insert_run(scope, queued)
    return await give_turn(transaction, queued)


async def _agent(reader: Reader, scope: Scope, row: ThreadRow, send: Send, called: Sequence[Agent]) -> Agent | None:
    """Return who answers: the agent that the send names, else the one that its text calls, else the thread's."""
    if send.agent is not None:
        return await usable_agent(reader, scope, send.agent, "/agent")
    if called:
        return called[0]
    return await attached_agent(reader, scope, row.thread)


def _message(
    scope: Scope, row: ThreadRow, send: Send, message_id: MessageId, run_id: RunId | None, now_ms: int
) -> Message:
    return Message(
        id=message_id,
        thread_id=row.thread.id,
        seq=None,
        parent_id=send.options.parent.message_id if send.options.parent else None,
        role=send.role,
        author=_author(scope, row, send.role),
        content=send.content,
        status="complete",
        model=send.model if send.role == "assistant" else None,
        run_id=run_id,
        request_id=send.key,
        metadata=send.metadata,
        created_at=rfc3339(now_ms),
        completed_at=rfc3339(now_ms),
    )


def _author(scope: Scope, row: ThreadRow, role: Role) -> Author:
    match role:
        case "user":
            return Author("user", sender(scope, row) or None)
        case "assistant":
            return Author("agent")
        case "system":
            return Author("system")
