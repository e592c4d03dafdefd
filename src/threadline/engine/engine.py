"""The engine's verbs, as the API calls them: one verb for each thing that somebody may want of a thread or a run."""

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from threadline.bus.contract import Nudge
from threadline.clock import Clock
from threadline.engine.accept import ResolveModel, Send, accept
from threadline.engine.branches import Branch, BranchHead, heads, read_branch, with_siblings
from threadline.engine.files import Files
from threadline.engine.fork import Fork, fork_thread
from threadline.engine.once import Accepted, input_of
from threadline.engine.queue import Change, change_queued, waiting_runs, wish_to_stop
from threadline.engine.reads import Read, SeenThread, Unread, as_seen, mark_read
from threadline.engine.regenerate import Regenerate, regenerate
from threadline.engine.schedule import Scheduler
from threadline.engine.state import Snapshot, snapshot, with_words
from threadline.engine.threads import NewThread, create_thread, delete_thread, update_thread
from threadline.engine.turns import Ending, end_run
from threadline.engine.waiting import Approval, ClientResult, decide, take_result
from threadline.errors import ShuttingDown
from threadline.events import TERMINAL_TYPES
from threadline.ids import IdMaker, MessageId, RunId, ThreadId
from threadline.journal.append import Journal
from threadline.journal.tail import Tail
from threadline.records import Author, Message, Run, Thread
from threadline.scopes import Scope, System
from threadline.store.contract import Reader, RunRow, Script, Store, ThreadQuery, ToolCallQuery, Transaction
from threadline.tool_calls import ToolCall

_CANCEL = System("see who owns a run that is to be cancelled")
_DELETE = System("end the runs of a thread that is deleted")


class Engine:
    """What happens between a question and its answer, for one node."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        tail: Tail,
        scheduler: Scheduler,
        resolve_model: ResolveModel,
        ids: IdMaker,
        clock: Clock,
        files: Files | None = None,
    ) -> None:
        """Without `files` what is sent stays as it is, however large."""
        self._store = store
        self._journal = journal
        self._scheduler = scheduler
        self._resolve_model = resolve_model
        self._ids = ids
        self._clock = clock
        self._files = files
        self.tail = tail

    @property
    def is_draining(self) -> bool:
        """Whether this node takes no new runs any more."""
        return self._scheduler.is_draining

    def hear(self, nudges: Sequence[Nudge]) -> None:
        """Take nudges from the bus: the readers look again, and so do the runs that this node is answering."""
        self.tail.hear(nudges)
        self._scheduler.hear(nudges)

    def check_model(self, model: str) -> None:
        """Look at a model before it is stored somewhere. Raises ModelUnknown."""
        self._resolve_model(model, None)

    async def create_thread(self, scope: Scope, wanted: NewThread) -> tuple[Thread, bool]:
        """Create a thread, or find the one with this `external_id`. Returns it and whether it is new."""

        async def script(transaction: Transaction) -> tuple[Thread, bool]:
            return await create_thread(transaction, scope, wanted, self._ids, self._clock.now_ms())

        return await self._journal.write(scope, script)

    async def thread(self, scope: Scope, thread_id: ThreadId, end_user_id: str | None = None) -> SeenThread:
        """Return a thread with the seq of its newest event, as this person sees it. Raises NotFound."""

        async def script(reader: Reader) -> SeenThread:
            row = await reader.thread(scope, thread_id)
            thread = structs.replace(row.thread, seq=await reader.head(scope, thread_id))
            return (await as_seen(reader, scope, end_user_id, [thread]))[0]

        return await self._store.read(scope, script)

    async def threads(self, scope: Scope, query: ThreadQuery) -> list[SeenThread]:
        """List threads, as the person sees them whose they are: pinned first, then latest activity."""

        async def script(reader: Reader) -> list[SeenThread]:
            return await as_seen(reader, scope, query.end_user_id, await reader.threads(scope, query))

        return await self._store.read(scope, script)

    async def update_thread(self, scope: Scope, thread_id: ThreadId, changed: dict[str, Any]) -> Thread:
        """Change a thread's fields. Raises NotFound."""

        async def script(transaction: Transaction) -> Thread:
            await update_thread(transaction, scope, thread_id, changed)
            row = await transaction.thread(scope, thread_id)
            return structs.replace(row.thread, seq=await transaction.next_seq(scope, thread_id) - 1)

        return await self._journal.write(scope, script)

    async def mark_read(self, scope: Scope, thread_id: ThreadId, read: Read) -> Unread:
        """Store how far somebody has read. Raises what `mark_read` raises."""

        async def script(transaction: Transaction) -> Unread:
            return await mark_read(transaction, scope, thread_id, read)

        unread = await self._journal.write(scope, script)
        # It is no event, but the person's other devices show it.
        self._journal.call_attention(thread_id)
        return unread

    async def fork(self, scope: Scope, thread_id: ThreadId, wanted: Fork) -> Thread:
        """Make a thread that begins with a branch of another one. Raises what `fork_thread` raises."""

        async def script(transaction: Transaction) -> Thread:
            return await fork_thread(transaction, scope, thread_id, wanted, self._ids, self._clock.now_ms())

        return await self._journal.write(scope, script)

    async def delete_thread(self, scope: Scope, thread_id: ThreadId) -> None:
        """End a thread's runs and readers and hide it from everybody. Raises NotFound."""

        async def script(transaction: Transaction) -> list[RunId]:
            return await delete_thread(transaction, scope, thread_id, self._clock.now_ms())

        for run_id in await self._journal.write(_DELETE, script):
            self._scheduler.stop(run_id, "lease_lost")

    async def send(self, scope: Scope, thread_id: ThreadId, send: Send) -> Accepted:
        """Accept a send, once, and see that somebody answers it. Raises what `accept` raises, and ShuttingDown."""
        await self._scheduler.check_tools(scope, send.options)
        if self._files is not None:
            # Before the transaction, which waits for nothing but the store. What is refused then is swept.
            send = structs.replace(send, content=await self._files.moved(scope, send.content))

        async def script(transaction: Transaction) -> Accepted:
            return await accept(
                transaction, scope, thread_id, send, self._resolve_model, self._ids, self._clock.now_ms()
            )

        return await self._accept(scope, thread_id, script)

    async def regenerate(self, scope: Scope, thread_id: ThreadId, wanted: Regenerate) -> Accepted:
        """Answer a question again. Raises what `regenerate` raises, and ShuttingDown."""

        async def script(transaction: Transaction) -> Accepted:
            return await regenerate(
                transaction, scope, thread_id, wanted, self._resolve_model, self._ids, self._clock.now_ms()
            )

        return await self._accept(scope, thread_id, script)

    async def _accept(self, scope: Scope, thread_id: ThreadId, script: Script[Accepted]) -> Accepted:
        if self.is_draining:
            raise ShuttingDown(retry_after=5)
        # Watched until the run's owner watches it: the sender's stream then begins in memory.
        with self.tail.watching(thread_id):
            accepted = await self._journal.write(scope, script)
            if accepted.run is not None and accepted.run.has_turn:
                self._scheduler.nudge(accepted.run)
        if accepted.stopping is not None:
            self._stop(accepted.stopping)
        return accepted

    async def branch(
        self,
        scope: Scope,
        thread_id: ThreadId,
        leaf: MessageId | None,
        descending: bool,
        after: MessageId | None,
        limit: int,
    ) -> Branch:
        """Read a stretch of a branch, of the active one where no `leaf` is named. Raises NotFound."""

        async def script(reader: Reader) -> Branch:
            return await read_branch(reader, scope, thread_id, leaf, descending, after, limit)

        return await self._store.read(scope, script)

    async def heads(self, scope: Scope, thread_id: ThreadId, before: int | None, limit: int) -> Sequence[BranchHead]:
        """List the ends of a thread's branches, newest first. Raises NotFound."""

        async def script(reader: Reader) -> Sequence[BranchHead]:
            return await heads(reader, scope, thread_id, before, limit)

        return await self._store.read(scope, script)

    async def message(self, scope: Scope, message_id: MessageId) -> Message:
        """Return a message, one in progress with its words so far. Raises NotFound."""

        async def script(reader: Reader) -> Message:
            message = await reader.message(scope, message_id)
            return (await with_words(reader, scope, message.thread_id, [message]))[0]

        return await self._store.read(scope, script)

    async def snapshot(self, scope: Scope, thread_id: ThreadId, limit: int) -> Snapshot:
        """Return the state of a thread, and see that its active run has an owner. Raises NotFound."""

        async def script(reader: Reader) -> Snapshot:
            found = await snapshot(reader, scope, thread_id, limit)
            messages = await with_siblings(reader, scope, thread_id, found.messages)
            return structs.replace(found, messages=messages)

        found = await self._store.read(scope, script)
        self._see_to(found.thread.active_run_id)
        return found

    async def run(self, scope: Scope, run_id: RunId) -> RunRow:
        """Return a run with its question put back in, and see that it has an owner. Raises NotFound."""

        async def script(reader: Reader) -> RunRow:
            return await with_input(reader, scope, await reader.run(scope, run_id))

        row = await self._store.read(scope, script)
        if row.has_turn:
            self._see_to(run_id)
        return row

    async def reply(self, scope: Scope, run: Run) -> Message | None:
        """Return a run's answer, if it has begun one. Raises NotFound."""
        if run.output_message_id is None:
            return None
        return await self.message(scope, run.output_message_id)

    async def wait_for_end(self, scope: Scope, row: RunRow, or_waiting: bool = False) -> RunRow:
        """Sleep until a run has ended, or waits for somebody outside where that will do, and return it.

        Raises NotFound when its thread is deleted meanwhile.
        """
        run_id, thread_id = row.run.id, row.run.thread_id
        if not row.run.is_terminal:
            follow = self.tail.follow(scope, thread_id, row.first_seq - 1)
            async for entries in follow:
                types = {entry.type for entry in entries if entry.run_id == run_id}
                if types & TERMINAL_TYPES:
                    break
                # The log may tell of an earlier wait that is over; the row knows.
                if or_waiting and "run.waiting" in types and (await self.run(scope, run_id)).run.waiting_for:
                    break
            await follow.aclose()
        return await self.run(scope, run_id)

    async def cancel(self, scope: Scope, run_id: RunId) -> RunRow:
        """Write down that a run is to stop, and stop it. A run that has ended stays as it is. Raises NotFound."""

        async def script(transaction: Transaction) -> tuple[RunRow, RunRow | None]:
            row = await transaction.run(scope, run_id)
            await transaction.require_writer(scope, row.run.thread_id)
            if row.run.is_terminal:
                return row, None
            now_ms = self._clock.now_ms()
            is_idle = row.run.attempt == 0 or row.run.status == "waiting"
            if is_idle and await transaction.lease(_CANCEL, run_id) is None:
                next_run = await end_run(transaction, row, Ending("cancelled"), now_ms)
                return await transaction.run(scope, run_id), next_run
            return await wish_to_stop(transaction, scope, row, now_ms), None

        row, next_run = await self._journal.write(_CANCEL, script)
        if next_run is not None:
            self._scheduler.nudge(next_run)
        if not row.run.is_terminal:
            self._stop(row)
        return row

    async def decide(self, scope: Scope, run_id: RunId, approval: Approval, author: Author) -> RunRow:
        """Let a call be made, or refuse it; the run goes on when it waits for nothing more. Raises what `decide` does.

        As with a cancel: who may send to the thread may decide.
        """

        async def script(transaction: Transaction) -> RunRow:
            return await decide(transaction, scope, run_id, approval, author, self._clock.now_ms())

        return await self._answered(scope, script)

    async def take_result(self, scope: Scope, run_id: RunId, given: ClientResult) -> RunRow:
        """Take in what a client's own call gave; the run goes on when it waits for nothing more."""

        async def script(transaction: Transaction) -> RunRow:
            return await take_result(transaction, scope, run_id, given, self._clock.now_ms())

        return await self._answered(scope, script)

    async def tool_calls(self, scope: Scope, thread_id: ThreadId, query: ToolCallQuery) -> list[ToolCall]:
        """List tool calls with their outcomes, in the order of their requests. Raises NotFound."""

        async def script(reader: Reader) -> list[ToolCall]:
            return await reader.tool_calls(scope, thread_id, query)

        return await self._store.read(scope, script)

    async def _answered(self, scope: Scope, script: Script[RunRow]) -> RunRow:
        async def with_question(transaction: Transaction) -> RunRow:
            row = await script(transaction)
            return await with_input(transaction, scope, row)

        row = await self._journal.write(scope, with_question)
        if row.run.status == "waiting" and row.run.waiting_for is None:
            self._scheduler.nudge(row)
        return row

    async def queue(self, scope: Scope, thread_id: ThreadId) -> list[Run]:
        """Return the runs that wait for their turn with their questions, the next one first. Raises NotFound."""

        async def script(reader: Reader) -> list[Run]:
            waiting = await waiting_runs(reader, scope, thread_id)
            return [(await with_input(reader, scope, row)).run for row in waiting]

        return await self._store.read(scope, script)

    async def change_queued(self, scope: Scope, run_id: RunId, change: Change) -> Run:
        """Rewrite or move a run that waits. Raises what `change_queued` raises."""
        if self._files is not None and change.content is not None:
            change = structs.replace(change, content=await self._files.moved(scope, change.content))

        async def script(transaction: Transaction) -> Run:
            run = await change_queued(transaction, scope, run_id, change, self._clock.now_ms())
            return (await with_input(transaction, scope, await transaction.run(scope, run.id))).run

        return await self._journal.write(scope, script)

    def _stop(self, row: RunRow) -> None:
        if not self._scheduler.stop(row.run.id, "cancelled"):
            # Nobody here is answering it: another node does, or, if nobody is anywhere, the next claim settles it.
            self._journal.call_attention(row.run.thread_id)
            self._scheduler.poke()

    async def see_to_thread(self, scope: Scope, thread_id: ThreadId) -> None:
        """See that a thread's active run has an owner: whoever reads a dead run finds it. Raises NotFound."""

        async def script(reader: Reader) -> RunId | None:
            return (await reader.thread(scope, thread_id)).thread.active_run_id

        self._see_to(await self._store.read(scope, script))

    def _see_to(self, run_id: RunId | None) -> None:
        if run_id is not None and not self._scheduler.owns(run_id):
            self._scheduler.poke()


async def with_input(reader: Reader, scope: Scope, row: RunRow) -> RunRow:
    """Put a run's question back in: rows hold it only while it waits, answers of the API always."""
    question = await input_of(reader, scope, row)
    return structs.replace(row, run=structs.replace(row.run, input=question))
