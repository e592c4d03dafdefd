"""One simulated node: the rooms of a server behind its API, wired as `wiring.py` wires them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from support.toolboxes import GivenTools
from threadline.engine.engine import Engine
from threadline.engine.loop import LoopLimits
from threadline.engine.pack import Packer
from threadline.engine.schedule import RunTimes, Scheduler
from threadline.errors import Unavailable
from threadline.ids import IdMaker, NodeId
from threadline.journal.append import Journal
from threadline.journal.lease import Leases
from threadline.journal.tail import Tail
from threadline.journal.window import Windows
from threadline.observe import Metrics

from .disk import Disk, SimStore
from .ether import Ether, SimBus
from .model import Model
from .tools import Outside, tools_of
from .weather import Weather
from .world import NodeLoop, World

LEASE_SECONDS = 6.0
GATHER_SECONDS = 0.025
TIMES = RunTimes(first_chunk_seconds=8.0, no_progress_seconds=8.0, run_seconds=60.0, reap_seconds=1.0, attempts_max=3)
TOOL_LIMITS = LoopLimits(wait_seconds=8.0)
START_MS = 1_767_225_600_000


class NodeClock:
    """A node's clock, which is wrong by some milliseconds."""

    def __init__(self, world: World, skew_ms: int) -> None:
        self._world = world
        self._skew_ms = skew_ms

    def now_ms(self) -> int:
        """Return milliseconds since the epoch, as this node believes."""
        return START_MS + self._skew_ms + int(self._world.now * 1000)

    def monotonic(self) -> float:
        """Return seconds."""
        return self._world.now


class SimNode:
    """A process. It is started once; after its death another one takes its place."""

    def __init__(
        self, name: str, world: World, disk: Disk, weather: Weather, ether: Ether, model: Model, outside: Outside
    ) -> None:
        self.name = name
        self.world = world
        self.is_up = False
        self.loop = NodeLoop(world, name)
        self.cut: dict[Callable[[], None], None] = {}
        clock = NodeClock(world, weather.skew_ms())
        dice = world.chance(name)
        ids = IdMaker(clock, dice)
        metrics, windows = Metrics(), Windows()
        self.store = SimStore(disk, weather, self.loop)
        self.bus = SimBus(ether, self.loop)
        self.journal = Journal(self.store, self.bus, windows, clock, metrics, GATHER_SECONDS)
        self.tail = Tail(self.store, windows)
        self.leases = Leases(self.journal, NodeId(ids.make("node")), LEASE_SECONDS, clock)
        self.packer = Packer(self.store, self.journal)
        self.scheduler = Scheduler(
            self.store,
            self.journal,
            windows,
            self.leases,
            lambda name: (model, name.partition("/")[2]),
            self.packer,
            ids,
            clock,
            metrics,
            TIMES,
            GivenTools(*tools_of(outside)),
            TOOL_LIMITS,
        )
        self.engine = Engine(
            self.store, self.journal, self.tail, self.scheduler, lambda of_send, of_thread: "sim/m", ids, clock
        )

    @property
    def is_answering(self) -> bool:
        """Whether a run is being answered here."""
        return bool(self.scheduler._owned)

    def start(self) -> None:
        """Begin; when the node serves, `is_up` says so."""
        self.world.tell("start", self.name)
        self._main = self.loop.create_task(self._run())
        self._main.add_done_callback(self._note_end)

    def kill(self) -> None:
        """`kill -9`: nothing of it ever takes another step, and its connections break."""
        self.world.tell("kill", self.name)
        self._go_away()

    def pause(self, seconds: float) -> None:
        """Let no step be taken for a while, as a stopped virtual machine does."""
        self.world.tell("pause", self.name, seconds)
        self.loop.is_paused = True
        self.world.after(seconds, self._go_on)

    def cut_off(self, seconds: float) -> None:
        """Let it live without the store for a while; the bus still reaches it."""
        self.world.tell("cut off", self.name, seconds)
        self.store.away_until = max(self.store.away_until, self.world.now + seconds)

    def drain(self, grace_seconds: float) -> None:
        """SIGTERM: finish or give back what is running, then go away."""
        self.world.tell("drain", self.name, grace_seconds)
        self.spawn(self._drain(grace_seconds))

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do something on this node, as its API does for a request."""
        return self.loop.create_task(work)

    async def _drain(self, grace_seconds: float) -> None:
        await self.scheduler.drain(grace_seconds)
        self._main.cancel()

    def _go_on(self) -> None:
        self.world.tell("resume", self.name)
        self.loop.is_paused = False

    def _go_away(self) -> None:
        self.is_up = False
        self.loop.is_dead = True
        cut, self.cut = self.cut, {}
        for connection in cut:
            connection()

    def _note_end(self, task: asyncio.Task[Any]) -> None:
        if self.world.is_over:
            return
        error = None if task.cancelled() else task.exception()
        if error is not None and not _is_a_bad_start(error):
            self.world.blame(f"{self.name} has crashed: {error!r}")
        self.world.tell("stopped", self.name)
        self._go_away()

    async def _run(self) -> None:
        await self.bus.open(self.engine.hear)
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(self.journal.run())
            await self.leases.renew()
            others = [
                tasks.create_task(room)
                for room in (
                    self.leases.renew_forever(),
                    self.scheduler.run(),
                    self.packer.run(),
                    self.tail.poll_forever(),
                    self.tail.fill_forever(),
                    self.tail.beat_forever(),
                )
            ]
            self.is_up = True
            try:
                await asyncio.Event().wait()
            finally:
                self.is_up = False
                for task in others:
                    task.cancel()
                await asyncio.wait(others)
                self.journal.close()
                await asyncio.wait([writer])
                await self.bus.close()


def _is_a_bad_start(error: BaseException) -> bool:
    """A process that finds no database ends, and whoever looks after it starts it again."""
    return isinstance(error, BaseExceptionGroup) and all(isinstance(one, Unavailable) for one in error.exceptions)
