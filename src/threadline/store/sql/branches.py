"""Branches, as both dialects say them: recursive queries over messages, with the owner in every step."""

from collections.abc import Sequence
from typing import Any

import msgspec

from threadline.errors import NotFound
from threadline.ids import MessageId, TenantId, ThreadId
from threadline.limits import CURSOR_SEQ_MAX
from threadline.records import ForkPoint, Message, Siblings
from threadline.scopes import Scope
from threadline.store.contract_branches import BranchQuery
from threadline.store.rows import MESSAGES
from threadline.store.sql.statements import Statements

_COLUMNS = ", ".join(f"messages.{name}" for name in MESSAGES.columns)
_ALL = 2**31 - 1
_NONE = MessageId("")

# From a message up to the beginning. A step stays in its thread, or goes to one that the thread which is read is a
# fork of, and there only to what came before the fork.
_WALK = (
    "WITH RECURSIVE walk (id, thread_id, parent_id, seq, depth) AS ("
    "SELECT id, thread_id, parent_id, seq, 1 FROM messages WHERE tenant_id = ? AND id = ? "
    "UNION ALL "
    "SELECT above.id, above.thread_id, above.parent_id, above.seq, walk.depth + 1 "
    "FROM walk JOIN messages above ON above.tenant_id = ? AND above.id = walk.parent_id "
    "WHERE walk.depth < ? AND above.id <> ? AND (above.thread_id = walk.thread_id OR EXISTS ("
    "SELECT 1 FROM forks WHERE forks.tenant_id = above.tenant_id AND forks.thread_id = ? "
    "AND forks.source_thread_id = above.thread_id AND forks.seq >= above.seq)))"
)

# From some messages down to everything behind them, within one thread. CROSS JOIN keeps SQLite from turning it round.
_BELOW = (
    "below (id, seq) AS (SELECT id, seq FROM top UNION ALL "
    "SELECT child.id, child.seq FROM below CROSS JOIN messages child WHERE child.tenant_id = ? AND child.thread_id = ? "
    "AND child.parent_id = below.id)"
)

NEEDED_BY_FORKS = (
    "WITH RECURSIVE needed (id, parent_id) AS ("
    "SELECT messages.id, messages.parent_id FROM forks JOIN messages ON messages.tenant_id = forks.tenant_id "
    "AND messages.id = forks.message_id WHERE forks.tenant_id = ? AND forks.source_thread_id = ? "
    "UNION SELECT above.id, above.parent_id FROM needed JOIN messages above ON above.tenant_id = ? "
    "AND above.thread_id = ? AND above.id = needed.parent_id) SELECT id FROM needed"
)
"""Selects the messages of a thread that forks of it have inherited."""

SWEEPABLE = (
    "(NOT EXISTS (SELECT 1 FROM forks WHERE forks.tenant_id = threads.tenant_id AND source_thread_id = threads.id) "
    "OR EXISTS (SELECT 1 FROM events WHERE events.tenant_id = threads.tenant_id AND events.thread_id = threads.id))"
)
"""Whether there is anything left of a deleted thread that no fork needs."""

_forks = msgspec.json.Decoder(ForkPoint)


class BranchReader:
    """The verbs of `store/contract_branches.py`."""

    _sql: Statements

    async def require_thread(self, scope: Scope, thread_id: ThreadId) -> int:
        """Raise NotFound where a thread is unknown, deleted or out of scope."""
        raise NotImplementedError

    async def message_of(self, scope: Scope, thread_id: ThreadId, message_id: MessageId) -> Message:
        """Return a message that a thread has, of its own or inherited. Raises NotFound."""
        await self._require_message(scope, thread_id, message_id)
        row = await self._sql.one(
            f"SELECT {_COLUMNS} FROM messages WHERE tenant_id = ? AND id = ?", (scope.tenant_id, message_id)
        )
        assert row is not None, "just found"
        return MESSAGES.record(row)

    async def branch(self, scope: Scope, thread_id: ThreadId, query: BranchQuery) -> list[Message]:
        """Return a stretch of a branch. Raises NotFound where the thread does not have its leaf."""
        start, depth, until, order = query.leaf, _ALL, query.after or _NONE, "DESC"
        if query.descending:
            start, depth, until, order = query.after or query.leaf, query.limit + 1, _NONE, "ASC"
        await self._require_message(scope, thread_id, start)
        # The last one seen is where the page begins, or, coming down, where it may begin at the earliest.
        skipped = int(query.after == start)
        # CROSS JOIN, for SQLite: turned round it would look at every message of the tenant.
        rows = await self._sql.every(
            f"{_WALK} SELECT {_COLUMNS} FROM (SELECT id, depth FROM walk WHERE depth > ? ORDER BY depth {order} "
            f"LIMIT ?) page CROSS JOIN messages WHERE messages.tenant_id = ? AND messages.id = page.id "
            f"ORDER BY page.depth {order}",
            (*_walk(scope.tenant_id, thread_id, start, depth, until), skipped, query.limit, scope.tenant_id),
        )
        return [MESSAGES.record(row) for row in rows]

    async def leads_to(self, scope: Scope, thread_id: ThreadId, message_id: MessageId, leaf: MessageId) -> bool:
        """Say whether a message is on the branch that ends with `leaf`. Raises NotFound."""
        await self._require_message(scope, thread_id, leaf)
        return await self._is_above(scope.tenant_id, thread_id, message_id, leaf)

    async def newest_leaf(self, scope: Scope, thread_id: ThreadId, message_id: MessageId) -> MessageId:
        """Return the newest of what came behind a message; itself where nothing did. Raises NotFound."""
        is_own = await self._require_message(scope, thread_id, message_id)
        tenant_id, own = scope.tenant_id, (scope.tenant_id, thread_id)
        if is_own:
            row = await self._sql.one(
                f"WITH RECURSIVE top AS (SELECT id, seq FROM messages WHERE tenant_id = ? AND id = ?), {_BELOW} "
                "SELECT id FROM below ORDER BY seq DESC LIMIT 1",
                (tenant_id, message_id, *own),
            )
            return message_id if row is None else MessageId(row[0])
        # An inherited one: what the fork has begun behind it or behind what it inherited after it, else the fork point.
        point = await self._fork_point(tenant_id, thread_id)
        assert point is not None, "what is inherited was forked"
        row = await self._sql.one(
            f"{_WALK}, top AS (SELECT id, CAST(0 AS bigint) AS seq FROM walk UNION ALL "
            f"SELECT id, CAST(0 AS bigint) FROM messages WHERE tenant_id = ? AND id = ?), {_BELOW} "
            "SELECT id FROM below WHERE seq > 0 ORDER BY seq DESC LIMIT 1",
            (*_walk(tenant_id, thread_id, point, until=message_id), tenant_id, message_id, *own),
        )
        return point if row is None else MessageId(row[0])

    async def branch_size(self, scope: Scope, thread_id: ThreadId, leaf: MessageId) -> int:
        """Return how many messages of people and assistants lead to `leaf`, itself included. Raises NotFound."""
        await self._require_message(scope, thread_id, leaf)
        row = await self._sql.one(
            f"{_WALK} SELECT count(*) FROM walk CROSS JOIN messages WHERE messages.tenant_id = ? "
            "AND messages.id = walk.id AND role IN ('user', 'assistant')",
            (*_walk(scope.tenant_id, thread_id, leaf), scope.tenant_id),
        )
        assert row is not None, "an aggregate gives a row"
        return int(row[0])

    async def siblings(
        self, scope: Scope, thread_id: ThreadId, messages: Sequence[Message]
    ) -> dict[MessageId, Siblings]:
        """Return the place of each of these messages among those that have the same parent."""
        await self.require_thread(scope, thread_id)
        if not messages:
            return {}
        parents = sorted({message.parent_id or _NONE for message in messages})
        # `+seq`: found by their parents, and not by walking through the whole thread in order.
        beginnings = "OR parent_id IS NULL" if _NONE in parents else ""
        rows = await self._sql.every(
            "SELECT coalesce(parent_id, ''), id FROM messages WHERE tenant_id = ? AND thread_id = ? "
            f"AND (parent_id IN ({marks(len(parents))}) {beginnings}) ORDER BY +seq",
            (scope.tenant_id, thread_id, *padded(parents)),
        )
        families: dict[str, list[MessageId]] = {}
        for parent_id, message_id in await self._inherited(scope.tenant_id, thread_id, [row[0] for row in rows]):
            families.setdefault(parent_id, []).append(message_id)
        for parent_id, message_id in rows:
            families.setdefault(parent_id, []).append(message_id)
        return {
            message_id: Siblings(place, len(family))
            for family in families.values()
            if len(family) > 1
            for place, message_id in enumerate(family, 1)
        }

    async def leaves(self, scope: Scope, thread_id: ThreadId, before: int | None, limit: int) -> list[Message]:
        """Return the last messages of the branches, newest first, those with a seq below `before`."""
        await self.require_thread(scope, thread_id)
        tenant_id = scope.tenant_id
        rows = await self._sql.every(
            f"SELECT {_COLUMNS} FROM messages WHERE tenant_id = ? AND thread_id = ? AND seq < ? AND NOT EXISTS ("
            "SELECT 1 FROM messages child WHERE child.tenant_id = messages.tenant_id "
            "AND child.thread_id = messages.thread_id AND child.parent_id = messages.id) "
            "ORDER BY seq DESC LIMIT ?",
            (tenant_id, thread_id, CURSOR_SEQ_MAX if before is None else before, limit),
        )
        found = [MESSAGES.record(row) for row in rows]
        point = await self._fork_point(tenant_id, thread_id)
        if point is not None and len(found) < limit and not await self._has_own_child(tenant_id, thread_id, point):
            found.append(await self.message_of(scope, thread_id, point))
        return found

    async def _require_message(self, scope: Scope, thread_id: ThreadId, message_id: MessageId) -> bool:
        """Raise NotFound where a thread does not have a message; return whether it is its own, and not inherited."""
        await self.require_thread(scope, thread_id)
        row = await self._sql.one(
            "SELECT thread_id FROM messages WHERE tenant_id = ? AND id = ?", (scope.tenant_id, message_id)
        )
        if row is None:
            raise NotFound
        if row[0] != thread_id and not await self._is_inherited(scope.tenant_id, thread_id, message_id):
            raise NotFound
        return bool(row[0] == thread_id)

    async def _has_own_child(self, tenant_id: TenantId, thread_id: ThreadId, message_id: MessageId) -> bool:
        row = await self._sql.one(
            "SELECT 1 FROM messages WHERE tenant_id = ? AND thread_id = ? AND parent_id = ? LIMIT 1",
            (tenant_id, thread_id, message_id),
        )
        return row is not None

    async def _fork_point(self, tenant_id: TenantId, thread_id: ThreadId) -> MessageId | None:
        row = await self._sql.one(
            "SELECT forked_from FROM threads WHERE tenant_id = ? AND id = ?", (tenant_id, thread_id)
        )
        return None if row is None or row[0] is None else _forks.decode(row[0]).message_id

    async def _is_inherited(self, tenant_id: TenantId, thread_id: ThreadId, message_id: MessageId) -> bool:
        point = await self._fork_point(tenant_id, thread_id)
        return point is not None and await self._is_above(tenant_id, thread_id, message_id, point)

    async def _is_above(self, tenant_id: TenantId, thread_id: ThreadId, message_id: MessageId, leaf: MessageId) -> bool:
        """Say whether a walk up from `leaf` meets `message_id`."""
        # Both databases walk no further than to the row that is asked for.
        row = await self._sql.one(
            f"{_WALK} SELECT 1 FROM walk WHERE id = ? LIMIT 1", (*_walk(tenant_id, thread_id, leaf), message_id)
        )
        return row is not None

    async def _inherited(
        self, tenant_id: TenantId, thread_id: ThreadId, parents: Sequence[str]
    ) -> Sequence[tuple[str, MessageId]]:
        """Return the inherited children of these messages, each with its parent: at most one of each."""
        point = await self._fork_point(tenant_id, thread_id)
        if point is None or not parents:
            return []
        wanted = sorted(set(parents))
        rows = await self._sql.every(
            f"{_WALK} SELECT coalesce(parent_id, ''), id FROM walk "
            f"WHERE coalesce(parent_id, '') IN ({marks(len(wanted))})",
            (*_walk(tenant_id, thread_id, point), *padded(wanted)),
        )
        return [(parent_id, message_id) for parent_id, message_id in rows]


class BranchWriter:
    """The writing verb of `store/contract_branches.py`."""

    _sql: Statements

    async def require_thread(self, scope: Scope, thread_id: ThreadId) -> int:
        """Raise NotFound where a thread is unknown, deleted or out of scope."""
        raise NotImplementedError

    async def insert_fork(self, scope: Scope, thread_id: ThreadId, message: Message) -> int:
        """Let a new thread walk on from `message` up. Returns how many threads it may walk into."""
        await self.require_thread(scope, thread_id)
        await self._sql.run(
            "INSERT INTO forks (tenant_id, thread_id, source_thread_id, message_id, seq) VALUES (?, ?, ?, ?, ?)",
            (scope.tenant_id, thread_id, message.thread_id, message.id, message.seq),
        )
        # Its own, so that it needs none of those in between when they are gone.
        inherited = await self._sql.run(
            "INSERT INTO forks (tenant_id, thread_id, source_thread_id, message_id, seq) "
            "SELECT tenant_id, CAST(? AS text), source_thread_id, message_id, seq FROM forks "
            "WHERE tenant_id = ? AND thread_id = ?",
            (thread_id, scope.tenant_id, message.thread_id),
        )
        return 1 + inherited


def _walk(
    tenant_id: TenantId, thread_id: ThreadId, start: MessageId, depth: int = _ALL, until: MessageId = _NONE
) -> tuple[Any, ...]:
    """Return the values of `_WALK`, for a reader of `thread_id`: so many steps at most, and not as far as `until`."""
    return tenant_id, start, tenant_id, 1 if start == until else depth, until, thread_id


def _room(count: int) -> int:
    # Powers of two, so that there are few statements to prepare.
    return 1 << max(count - 1, 0).bit_length()


def marks(count: int) -> str:
    """Return `?, ?, …` for so many values, or a few more."""
    return ", ".join("?" * _room(count))


def padded(values: Sequence[str]) -> list[str]:
    """Return the values for `marks`, the last one repeated."""
    return [*values, *[values[-1]] * (_room(len(values)) - len(values))]
