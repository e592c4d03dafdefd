"""Creates, changes and deletes threads. Each a script: all or nothing, and told in the log."""

from typing import Any

from msgspec import Struct

from threadline.clock import rfc3339
from threadline.engine.agents import usable_agent
from threadline.engine.change import change_thread, insert_thread
from threadline.engine.turns import Ending, end_run
from threadline.errors import Forbidden, InvalidRequest, NotFound
from threadline.events import ThreadDeleted
from threadline.ids import IdMaker, MessageId, RunId, ThreadId
from threadline.records import OnBusy, OnDisconnect, Thread
from threadline.scopes import EndUser, Scope
from threadline.store.contract import Reader, ThreadRow, Transaction


class NewThread(Struct, frozen=True, kw_only=True):
    """What somebody wants of a new thread."""

    end_user_id: str | None = None
    external_id: str | None = None
    title: str | None = None
    model: str | None = None
    instructions: str | None = None
    agent_id: str | None = None
    on_busy: OnBusy | None = None
    on_disconnect: OnDisconnect | None = None
    metadata: dict[str, Any] = {}


async def create_thread(
    transaction: Transaction, scope: Scope, wanted: NewThread, ids: IdMaker, now_ms: int
) -> tuple[Thread, bool]:
    """Create a thread, or find the one that has this `external_id`. Returns it and whether it is new.

    Raises:
        InvalidRequest: an end-user token names another end user.
        Forbidden: an end-user token that is for some threads only wants another one.
        NotFound: no such agent in this scope.
    """
    end_user_id = wanted.end_user_id
    if isinstance(scope, EndUser):
        if end_user_id not in (None, scope.end_user_id):
            raise InvalidRequest("A token creates threads for its own end user only.", pointer="/end_user_id")
        end_user_id = scope.end_user_id
    if wanted.external_id is not None:
        found = await transaction.thread_by_external_id(scope, end_user_id, wanted.external_id)
        if found is not None:
            return found.thread, False
    if isinstance(scope, EndUser) and scope.thread_ids is not None:
        # It could not reach what it made; and whether another thread has this external id is not its business.
        raise Forbidden("This token is for some threads only; it makes no new ones.")
    now = rfc3339(now_ms)
    thread = Thread(
        id=ids.thread(),
        end_user_id=end_user_id,
        external_id=wanted.external_id,
        title=wanted.title,
        model=wanted.model,
        instructions=wanted.instructions,
        agent_id=await _agent_id(transaction, scope, wanted.agent_id),
        on_busy=wanted.on_busy,
        on_disconnect=wanted.on_disconnect,
        metadata=wanted.metadata,
        seq=1,
        created_at=now,
        last_activity_at=now,
    )
    await insert_thread(transaction, scope, ThreadRow(scope.tenant_id, thread))
    return thread, True


async def update_thread(transaction: Transaction, scope: Scope, thread_id: ThreadId, changed: dict[str, Any]) -> Thread:
    """Change a thread's fields; what is as it was is no event. Raises NotFound and Forbidden."""
    # Also where nothing is to change: that somebody has written the title is noted beside it.
    await transaction.require_writer(scope, thread_id)
    if "agent_id" in changed:
        changed = {**changed, "agent_id": await _agent_id(transaction, scope, changed["agent_id"])}
    if "title" in changed:
        await transaction.note_edited_title(scope, thread_id)
    if "tip_message_id" in changed:
        changed = {**changed, "tip_message_id": await _tip(transaction, scope, thread_id, changed["tip_message_id"])}
    return await change_thread(transaction, scope, thread_id, changed)


async def _tip(reader: Reader, scope: Scope, thread_id: ThreadId, message_id: MessageId) -> MessageId:
    """Return where the branch ends that somebody chooses by one of its messages. Raises NotFound, InvalidRequest."""
    await reader.thread(scope, thread_id)
    try:
        return await reader.newest_leaf(scope, thread_id, message_id)
    except NotFound as error:
        raise InvalidRequest("There is no such message in this thread.", pointer="/tip_message_id") from error


async def delete_thread(transaction: Transaction, scope: Scope, thread_id: ThreadId, now_ms: int) -> list[RunId]:
    """End the thread's runs, tell its readers, hide it from everybody. Returns the runs that were ended.

    Raises NotFound, and Forbidden for whoever does not own it.
    """
    if await transaction.role(scope, thread_id) != "owner":
        raise Forbidden("An owner of the thread deletes it.")
    ended: list[RunId] = []
    # Those that wait first, so that ending the active one gives nobody the turn.
    for row in reversed(await transaction.open_runs(scope, thread_id)):
        passed_on = await end_run(transaction, row, Ending("cancelled"), now_ms)
        assert passed_on is None, "nobody was left to take the turn"
        ended.append(row.run.id)
    await transaction.append(scope, thread_id, ThreadDeleted({"id": thread_id}), None)
    await transaction.delete_thread(scope, thread_id, rfc3339(now_ms))
    return ended


async def _agent_id(transaction: Transaction, scope: Scope, name: str | None) -> str | None:
    """Return the id of the agent that a thread is to have, named by its id or its handle. Raises NotFound."""
    return None if name is None else (await usable_agent(transaction, scope, name, "/agent_id")).id
