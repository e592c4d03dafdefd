"""What goes on in the whole installation, for operators: each node writes its figures down, and any node sums them.

A row for each node and minute, written every few seconds where something goes on and not at all where nothing does. So
any node can tell of all of them, after a restart too, and a node that is quiet costs nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct

from threadline.clock import Clock
from threadline.errors import ShuttingDown, Unavailable
from threadline.figures import WHOLE_NODE, Counts
from threadline.ids import NodeId
from threadline.journal.append import Journal
from threadline.limits import FIGURES_MINUTES, FIGURES_SECONDS, FIGURES_TENANTS_MAX
from threadline.observe import Metrics, log
from threadline.scopes import Scope, System
from threadline.store.contract import Reader, Store, Transaction
from threadline.store.contract_figures import FigureRow, Queue

_FIGURES = System("what goes on on all nodes")
_MINUTE_MS = 60_000

LOOK_SECONDS_MIN = 1.0
"""Between two looks: what comes in within less is no rate, and whoever asks every moment is told the same."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Counts).decode


class Found(Struct, frozen=True):
    """What all nodes have written down: (node, minute, counts) in the order of the minutes; who lives; what waits."""

    rows: list[tuple[NodeId, int, Counts]]
    live: frozenset[NodeId]
    queue: Queue


class Figures:
    """The figures of one node, and the way to those of all."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        clock: Clock,
        metrics: Metrics,
        node_id: NodeId,
        readers: Callable[[], Mapping[str, int]],
    ) -> None:
        """`readers` says how many connections read at the moment, by tenant."""
        self.node_id = node_id
        self._store = store
        self._journal = journal
        self._clock = clock
        self._metrics = metrics
        self._readers = readers
        self._counts: dict[tuple[str, int], Counts] = {}
        self._unsaved: dict[tuple[str, int], None] = {}
        self._lock = asyncio.Lock()
        self._busy: set[str] = set()
        self._looked_at = clock.monotonic() - LOOK_SECONDS_MIN

    async def keep_forever(self) -> None:
        """Write down what goes on. The caller owns the task."""
        while True:
            await asyncio.sleep(FIGURES_SECONDS)
            try:
                await self.keep()
            except Unavailable as error:
                log.info("figures_not_kept", detail=error.detail)
            except ShuttingDown:
                return

    async def keep(self) -> None:
        """Write down what was counted since the last time, and how things are now. Raises Unavailable."""
        # One after the other: of two who write the same row, the later one knows more.
        async with self._lock:
            await self._keep()

    async def everywhere(self) -> Found:
        """Return what all nodes say of all tenants. Raises Unavailable."""

        async def script(reader: Reader) -> Found:
            queue = _sum(list((await reader.queues(_FIGURES)).values()))
            rows = await reader.figures_everywhere(_FIGURES, self.minute() - FIGURES_MINUTES)
            return Found(_decoded(rows), frozenset(await reader.live_nodes(_FIGURES)), queue)

        return await self._store.read(_FIGURES, script)

    async def of_tenant(self, scope: Scope) -> Found:
        """Return what all nodes say of one tenant. Raises Unavailable."""

        async def script(reader: Reader) -> tuple[list[FigureRow], Queue]:
            return await reader.figures(scope, self.minute() - FIGURES_MINUTES), await reader.queue_of(scope)

        async def nodes(reader: Reader) -> list[NodeId]:
            return await reader.live_nodes(_FIGURES)

        rows, queue = await self._store.read(scope, script)
        return Found(_decoded(rows), frozenset(await self._store.read(_FIGURES, nodes)), queue)

    def minute(self) -> int:
        """Return the minute that it is, since the epoch."""
        return self._clock.now_ms() // _MINUTE_MS

    async def _keep(self) -> None:
        if self._clock.monotonic() - self._looked_at < LOOK_SECONDS_MIN:
            return
        self._look(await self._store.read(_FIGURES, _queues))
        chosen = list(self._unsaved)[:FIGURES_TENANTS_MAX]
        rows = [
            FigureRow(tenant_id, self.node_id, minute, _encode(self._counts[tenant_id, minute]).decode())
            for tenant_id, minute in chosen
        ]
        oldest = self.minute() - FIGURES_MINUTES

        async def script(transaction: Transaction) -> None:
            await transaction.save_figures(_FIGURES, rows)
            await transaction.sweep_figures(_FIGURES, oldest)

        if rows:
            await self._journal.write(_FIGURES, script)
        for key in chosen:
            del self._unsaved[key]
        self._forget_saved()

    def _look(self, queues: Mapping[str, Queue]) -> None:
        """Count what has happened into this minute, and see how things are."""
        now = self._clock.monotonic()
        seconds, self._looked_at = max(now - self._looked_at, 0.001), now
        tallies, readers = self._metrics.tallies, self._readers()
        taken = tallies.take()
        running = {tenant_id: many for tenant_id, many in tallies.running.items() if many}
        busy = {*taken, *running, *readers, *queues} - {WHOLE_NODE}
        is_news = False
        # Who was busy until now is looked at once more: he is at rest.
        for tenant_id in sorted(busy | self._busy):
            how = _now(running.get(tenant_id, 0), readers.get(tenant_id, 0), queues.get(tenant_id, Queue()))
            is_news |= self._note(tenant_id, taken.get(tenant_id, Counts()), how, seconds)
        self._busy = busy
        how = _now(sum(running.values()), sum(readers.values()), _sum(list(queues.values())))
        # Commits alone are no news: this node's own renewals are commits, and so are its figures.
        self._note(WHOLE_NODE, taken.get(WHOLE_NODE, Counts()), how, seconds, is_news=is_news)

    def _note(self, tenant_id: str, since: Counts, how: Counts, seconds: float, is_news: bool = False) -> bool:
        """Take in what has happened and how it is now. Returns whether there is something to write down."""
        key = tenant_id, self.minute()
        is_news |= key not in self._counts and tenant_id != WHOLE_NODE
        counts = self._counts.setdefault(key, Counts())
        before = _encode(counts)
        counts.add(since)
        how.throughput = round(since.pieces / seconds, 1)
        counts.look_like(how)
        is_news |= tenant_id != WHOLE_NODE and _encode(counts) != before
        if is_news:
            self._unsaved[key] = None
        return is_news

    def _forget_saved(self) -> None:
        minute = self.minute()
        for key in [key for key in self._counts if key[1] < minute and key not in self._unsaved]:
            del self._counts[key]


def _now(running: int, readers: int, queue: Queue) -> Counts:
    return Counts(running=running, readers=readers, queued=queue.queued, waiting=queue.waiting)


async def _queues(reader: Reader) -> dict[str, Queue]:
    return {str(tenant_id): queue for tenant_id, queue in (await reader.queues(_FIGURES)).items()}


def _sum(queues: Sequence[Queue]) -> Queue:
    return Queue(sum(each.queued for each in queues), sum(each.waiting for each in queues))


def _decoded(rows: Sequence[FigureRow]) -> list[tuple[NodeId, int, Counts]]:
    return [(row.node_id, row.minute, _decode(row.body)) for row in rows]
