"""What a round of tool calls costs the store: commits and statements are counted, so that they do not creep up.

Counts and not times: they are the same on every machine. The times are in `bench/tools.py`.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from support.waiting import PATIENCE_SECONDS
from threadline.content import TextBlock
from threadline.engine import ledger
from threadline.engine.accept import Send
from threadline.engine.threads import NewThread
from threadline.providers.contract import Chunk, FinishChunk, TextChunk, ToolCallChunk, ToolInputChunk
from threadline.records import RunOptions
from threadline.scopes import Scope, System, Tenant
from threadline.store.contract import Committed, DeltaRow, ReadScript, Store, Transaction, Write
from threadline.tool_calls import ToolCall

from .machine import SCOPE, MakeStore, Speech, World, Wrapped

RECORDING = 10
"""Who has the lease (2), the thread, its run, calls and message as they are, and events, calls, message and run as they
are to be. On PostgreSQL, where each is a round trip, as are the two that open and end the transaction."""

SETTLING = 7
"""Who has the lease (2), the thread, its calls as they are and as they are to be, events, and who waits."""


class Counted:
    """Statements, counted."""

    def __init__(self, sql: Any) -> None:
        self._sql = sql
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        self.count += 1
        return getattr(self._sql, name)


class CountingStore(Wrapped):
    """A store that notes each commit for tool calls, with how many statements it took, and each read for a tenant."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.statements: list[int] = []
        self.reads = 0

    async def read(self, scope: Scope | System, script: ReadScript[Any]) -> Any:
        """Read."""
        self.reads += isinstance(scope, Tenant)
        return await super().read(scope, script)

    async def commit(self, deltas: Sequence[DeltaRow], writes: Sequence[Write[Any]]) -> Committed:
        """Commit."""
        return await super().commit(deltas, [self._watched(write) for write in writes])

    def _watched(self, write: Write[Any]) -> Write[Any]:
        if write.scope != ledger._CALLS:
            return write

        async def script(transaction: Transaction) -> Any:
            counted = Counted(transaction._sql)  # type: ignore[attr-defined]
            transaction._sql = counted  # type: ignore[attr-defined]
            value = await write.script(transaction)
            self.statements.append(counted.count)
            return value

        return Write(write.scope, script)


class Asking:
    """An answer that is being made, and what its rounds cost."""

    def __init__(self, make_store: MakeStore) -> None:
        self._made: list[CountingStore] = []
        self.world = World(lambda: self._counting(make_store))
        self.store = self._made[-1]
        node = self.world.node
        self.thread_id = self.world.do(node.engine.create_thread(SCOPE, NewThread(title="t")))[0].id
        send = Send(content=[TextBlock("go")], options=RunOptions(tools_mode="tenant"))
        accepted = self.world.do(node.engine.send(SCOPE, self.thread_id, send))
        assert accepted.run is not None
        self.run_id = accepted.run.run.id
        self._wait_until_asked(None)

    def _counting(self, make_store: MakeStore) -> CountingStore:
        self._made.append(CountingStore(make_store()))
        return self._made[-1]

    def round(self, *names: str) -> tuple[list[int], int]:
        """Let the model ask for these tools. Returns the statements of each commit for them, and the tenant's reads."""
        chunks: list[Chunk] = [TextChunk(0, "Now.")]
        for number, name in enumerate(names):
            chunks += [ToolCallChunk(1 + number, "call", name), ToolInputChunk(1 + number, "{}")]
        self.store.statements.clear()
        self.store.reads = 0
        heard = self.world.node.puppet.listening[0]
        heard.say([*chunks, FinishChunk("tool_use")])
        self._wait_until_asked(heard)
        return list(self.store.statements), self.store.reads

    def _wait_until_asked(self, before: Speech | None) -> None:
        """Wait until the model is asked, for the first time or again."""
        listening = self.world.node.puppet.listening

        async def asked() -> None:
            while not listening or listening[0] is before:
                await asyncio.sleep(0.001)

        self.world.do(asyncio.wait_for(asked(), PATIENCE_SECONDS))

    def calls(self) -> list[ToolCall]:
        """Return all calls."""
        return self.world.read(lambda reader: reader.calls_of_run(SCOPE, self.thread_id, self.run_id))


@pytest.fixture
def asking(make_store: MakeStore) -> Iterator[Asking]:
    """An answer whose model has said nothing yet."""
    made = Asking(make_store)
    yield made
    made.world.close()


def test_a_round_is_two_commits_however_many_calls_are_in_it(asking: Asking) -> None:
    """One that holds requests and begins, one that holds outcomes; nobody looks for mail but in the second."""
    for names in (["quick"], ["quick"] * 4, ["quick", "slow", "again", "nothing"]):
        statements, reads = asking.round(*names)
        assert len(statements) == 2, statements
        assert reads == 0
    assert [call.status for call in asking.calls()] == ["succeeded"] * 8 + ["failed"]
    assert [call.attempt for call in asking.calls()] == [1] * 8 + [0]


def test_a_round_of_refusals_is_one_commit(asking: Asking) -> None:
    """Nobody is called, so nobody has to wait until it is written down that somebody is."""
    statements, _ = asking.round("nothing", "nothing")
    assert len(statements) == 1


def test_calls_that_have_to_wait_for_others_begin_when_those_have_ended(asking: Asking) -> None:
    """Of nine calls eight begin with their requests; the ninth has one commit more to begin, and one to end."""
    statements, _ = asking.round(*["quick"] * 9)
    assert len(statements) == 4
    assert [call.status for call in asking.calls()] == ["succeeded"] * 9


def test_a_commit_for_calls_takes_as_many_statements_for_four_as_for_one(on_postgres: MakeStore) -> None:
    """Each of them is a round trip, while the thread is locked."""
    asking = Asking(on_postgres)
    try:
        assert asking.round("quick")[0] == [RECORDING, SETTLING]
        assert asking.round(*["quick"] * 4)[0] == [RECORDING, SETTLING]
    finally:
        asking.world.close()
