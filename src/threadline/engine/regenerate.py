"""Answers a question again: a run without a message of its own, whose answer stands beside the earlier ones.

The answer is made the way that the first one was, with the model, the agent and the options of its run, but for what
is asked to be different. Nothing of the earlier answer is lost; the branch of the new one is active when it begins.
"""

import hashlib
from typing import Literal

import msgspec
from msgspec import Struct, structs

from threadline.agent_records import Agent
from threadline.clock import rfc3339
from threadline.engine.accept import ResolveModel, put
from threadline.engine.agents import attached_agent, usable_agent
from threadline.engine.once import Accepted, earlier, remember
from threadline.errors import InvalidRequest, NotFound
from threadline.ids import IdMaker, MessageId, ThreadId
from threadline.records import Message, OnBusy, Run, RunOptions
from threadline.scopes import Scope
from threadline.store.contract import Reader, RunRow, ThreadRow, Transaction

_DEFAULTS = structs.asdict(RunOptions())


class Regenerate(Struct, frozen=True, kw_only=True):
    """Which message is to be answered again, or which answer is to be given again, and what is to be different."""

    message_id: MessageId
    model: str | None = None
    agent: str | None = None
    on_busy: OnBusy | None = None
    options: RunOptions = RunOptions()
    key: str | None = None
    kind: Literal["regenerate"] = "regenerate"

    def fingerprint(self) -> bytes:
        """Return a hash of everything that makes this request what it is, and of nothing about its delivery."""
        body = structs.replace(self, key=None)
        return hashlib.sha256(msgspec.json.encode(body, order="sorted")).digest()


async def regenerate(
    transaction: Transaction,
    scope: Scope,
    thread_id: ThreadId,
    wanted: Regenerate,
    resolve_model: ResolveModel,
    ids: IdMaker,
    now_ms: int,
) -> Accepted:
    """Answer a question again, or say what the same request became before.

    Raises:
        NotFound: no such thread, message or agent in this scope.
        InvalidRequest: nothing was asked before this message.
        IdempotencyMismatch, ThreadBusy, QueueFull, ModelUnknown: nothing is stored.
    """
    row = await transaction.thread(scope, thread_id)
    before = await earlier(transaction, scope, row, wanted)
    if before is not None:
        return before
    message = await transaction.message_of(scope, thread_id, wanted.message_id)
    question = await _question(transaction, scope, thread_id, message)
    former = await _former_run(transaction, scope, message)
    run, options = await _as_before(transaction, scope, row, question, former, wanted, resolve_model, ids, now_ms)
    accepted = await put(transaction, scope, row, run, options, wanted.on_busy, now_ms)
    await remember(transaction, scope, row, wanted, accepted, now_ms)
    return accepted


async def _question(reader: Reader, scope: Scope, thread_id: ThreadId, message: Message) -> Message:
    if message.role == "user":
        return message
    if message.role == "assistant" and message.parent_id is not None:
        return await reader.message_of(scope, thread_id, message.parent_id)
    raise InvalidRequest("Nothing was asked before this message.", pointer="")


async def _former_run(reader: Reader, scope: Scope, message: Message) -> RunRow | None:
    """Return the run that answered before. There is none for history that was moved in."""
    if message.run_id is None:
        return None
    try:
        return await reader.run(scope, message.run_id)
    except NotFound:
        # It belongs to the thread that this one was forked from, which is gone or is somebody else's.
        return None


async def _as_before(
    transaction: Transaction,
    scope: Scope,
    row: ThreadRow,
    question: Message,
    former: RunRow | None,
    wanted: Regenerate,
    resolve_model: ResolveModel,
    ids: IdMaker,
    now_ms: int,
) -> tuple[Run, RunOptions]:
    """Return the run that answers as it was done before, but for what is wanted."""
    before = former.options if former is not None else RunOptions()
    agent = await _agent(transaction, scope, row, former, wanted)
    named = wanted.model or before.model
    otherwise = (agent.model if agent else None) or (former.run.model if former else None) or row.thread.model
    run = Run(
        id=ids.run(),
        thread_id=row.thread.id,
        status="queued",
        model=resolve_model(named, otherwise),
        agent_id=agent.id if agent else None,
        input=None,
        input_message_id=question.id,
        created_at=rfc3339(now_ms),
    )
    changed = {name: value for name, value in structs.asdict(wanted.options).items() if value != _DEFAULTS[name]}
    return run, structs.replace(before, **{**changed, "model": named, "parent": None, "is_again": True})


async def _agent(
    reader: Reader, scope: Scope, row: ThreadRow, former: RunRow | None, wanted: Regenerate
) -> Agent | None:
    if wanted.agent is not None:
        return await usable_agent(reader, scope, wanted.agent, "/agent")
    agent_id = row.thread.agent_id if former is None else former.run.agent_id
    return await attached_agent(reader, scope, structs.replace(row.thread, agent_id=agent_id))
