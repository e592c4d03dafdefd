"""False time and a seeded scheduler: every node has an event loop of its own, and one driver takes the steps of all.

Nothing in here waits and nothing is a thread. Time stands still while anybody has a step to take, and then jumps to the
next thing that is due. Whose step comes next is drawn from the seed; within one node steps keep their order, as they
do in asyncio. A node that is paused takes no steps while time goes on; one that is killed never takes another one.
"""

import asyncio
import hashlib
import heapq
import random
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

STEPS_MAX = 3_000_000
"""A seed that takes more has found a loop that never sleeps."""

BURST_STEPS = 12
"""A node takes up to so many steps before another one may."""


class Stuck(Exception):
    """The simulated nodes run round in circles without time going on."""


class SimTask(asyncio.Task[Any]):
    """A task whose place in a set follows from the seed, not from its address."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], *, loop: "NodeLoop", **options: Any) -> None:
        self._number = loop.world.next_number()
        super().__init__(coroutine, loop=loop, **options)

    def __hash__(self) -> int:
        return self._number


class SimFuture(asyncio.Future[Any]):
    """A future whose place in a set follows from the seed, not from its address."""

    def __init__(self, *, loop: "NodeLoop") -> None:
        self._number = loop.world.next_number()
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._number


class NodeLoop(asyncio.AbstractEventLoop):
    """The event loop of one node."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.is_dead = False
        self.is_paused = False
        self.ready: deque[asyncio.Handle] = deque()
        self._tasks: dict[asyncio.Task[Any], None] = {}
        world.loops.append(self)

    def time(self) -> float:
        """Return false time, in seconds."""
        return self.world.now

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        """Take a step later."""
        handle = asyncio.Handle(callback, args, self, context)
        # Of a dead node too: nothing of it is ever taken up, but after all is checked it is buried in order.
        self.ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:  # type: ignore[override]
        """Take a step at a time."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self.world.at(when, self._fall_due, handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:  # type: ignore[override]
        """Take a step after a while."""
        return self.call_at(self.world.now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """Make a future."""
        return SimFuture(loop=self)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:  # type: ignore[override]
        """Make a task."""
        task = SimTask(coro, loop=self, **options)
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        return task

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """Always."""
        return True

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Take what nobody has caught for a breach."""
        if not self.world.is_over:
            self.world.blame(f"{self.name}: {context['message']}: {context.get('exception')!r}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Its time comes and nothing happens."""

    def _fall_due(self, handle: asyncio.TimerHandle) -> None:
        if not handle.cancelled():
            self.ready.append(handle)

    def take_steps(self, count: int) -> int:
        """Take up to `count` steps. Returns how many."""
        asyncio._set_running_loop(self)
        taken = 0
        while taken < count and self.ready and not self.is_dead and not self.is_paused:
            handle = self.ready.popleft()
            taken += 1
            if not handle.cancelled():
                handle._run()
        return taken

    def bury(self) -> None:
        """After all is checked: let every task end, so that nothing is left for the garbage collector to complain of."""
        self.is_dead = self.is_paused = False
        for _ in range(20):
            for task in list(self._tasks):
                task.cancel()
            while self.ready:
                self.take_steps(len(self.ready))
            if not self._tasks:
                break
        self.is_dead = True


class World:
    """Time, chance, and what is to happen."""

    def __init__(self, seed: int | str, is_told: bool = False) -> None:
        self.now = 0.0
        self.seed = seed
        self.loops: list[NodeLoop] = []
        self.breaches: list[str] = []
        self.steps = 0
        self.is_over = False
        self.story: list[str] | None = [] if is_told else None
        self._numbers = 0
        self._agenda: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._source = self.chance("scheduler")
        self._trace = hashlib.sha256()

    def chance(self, purpose: str) -> random.Random:
        """Return the dice for one purpose, so that one more throw here does not change what happens there."""
        return random.Random(f"{self.seed}/{purpose}")

    def next_number(self) -> int:
        """Count."""
        self._numbers += 1
        return self._numbers

    def at(self, when: float, callback: Callable[..., None], *args: Any) -> None:
        """Let something happen at a time, outside all nodes."""
        heapq.heappush(self._agenda, (max(when, self.now), self.next_number(), callback, args))

    def after(self, seconds: float, callback: Callable[..., None], *args: Any) -> None:
        """Let something happen after a while, outside all nodes."""
        self.at(self.now + seconds, callback, *args)

    def blame(self, breach: str) -> None:
        """Note a breach of a promise."""
        self.breaches.append(f"{self.now:.3f} {breach}")
        self.tell("BREACH", breach)

    def tell(self, *what: object) -> None:
        """Write the trace: two runs of one seed have the same, or they are not one."""
        line = f"{self.now:.6f} {' '.join(map(str, what))}"
        self._trace.update(line.encode())
        if self.story is not None:
            self.story.append(line)

    @property
    def trace(self) -> str:
        """The hash of all that was told."""
        return self._trace.hexdigest()

    def run_until(self, is_done: Callable[[], bool], deadline: float) -> bool:
        """Let time go on until something is the case. Returns whether it was before the deadline. Raises Stuck."""
        while True:
            self._take_turns()
            if self.breaches:
                return False
            if is_done():
                return True
            if not self._agenda or self._agenda[0][0] > deadline:
                self.now = max(self.now, deadline)
                return is_done()
            self.now, _, callback, args = heapq.heappop(self._agenda)
            callback(*args)

    def _take_turns(self) -> None:
        """Take steps until no node that may has one left."""
        while True:
            able = [loop for loop in self.loops if loop.ready and not loop.is_paused and not loop.is_dead]
            if not able:
                return
            loop = able[0] if len(able) == 1 else able[int(self._source.random() * len(able))]
            self.steps += loop.take_steps(1 + int(self._source.random() * BURST_STEPS))
            if self.steps > STEPS_MAX:
                raise Stuck(f"seed {self.seed} has taken {self.steps} steps in {self.now:.1f} seconds")

    @contextmanager
    def ended(self) -> Iterator[None]:
        """Bury all nodes behind the caller's block."""
        try:
            yield
        finally:
            self.is_over = True
            for loop in self.loops:
                loop.bury()
            asyncio._set_running_loop(None)
