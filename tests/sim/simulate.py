"""Runs one seed: a world with its weather, three nodes, their clients and their misfortunes; then all checks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

from msgspec import Struct, structs

from threadline.engine.branches import with_siblings
from threadline.engine.state import snapshot
from threadline.errors import NotFound
from threadline.ids import RunId, ThreadId
from threadline.records import Message, Run
from threadline.store.contract import MessageQuery, Reader, ToolCallQuery

from . import bounds
from .checkers import Stored, breaches_of_log
from .deeds import answers_to_calls_count_once, tools_did_what_is_told
from .disk import Disk, StoreClock
from .ether import Ether
from .guests import Guests, draw_room
from .handed import steers_were_answered_once
from .log import recorded
from .model import Model
from .node import START_MS, SimNode
from .people import People, draw_plans
from .rooms import rooms_were_kept
from .told import (
    readers_saw_the_log,
    sends_happened_once,
    states_were_folds,
    waits_ended_with_the_run,
    wishes_were_heard,
)
from .tools import Outside
from .weather import Weather, draw_climate
from .wire import SCOPE, Wire
from .world import Stuck, World

NODES = 3
BUSY_SECONDS = 20.0
"""How long things go wrong."""

SETTLE_SECONDS = 240.0
"""How long everything may take to come to rest when nothing goes wrong any more: a queue of stalled answers."""

CATCH_UP_SECONDS = 40.0
"""How long a reader may need in the end: he may be with a node that sleeps, and stay with it for a while."""

CATCH_UP_CALM_SECONDS = 6.0
"""The same where nothing had gone wrong: a slow poll, and a reconnect."""


class Result(Struct):
    """What became of a seed."""

    seed: int
    breaches: list[str]
    trace: str
    seconds: float
    runs: int
    calls: int
    events: int
    story: list[str]


class Simulation:
    """One seed."""

    def __init__(self, seed: int, is_told: bool = False) -> None:
        self.seed = seed
        self.world = World(seed, is_told)
        self._dice = self.world.chance("faults")
        self.climate = draw_climate(self._dice)
        self.weather = Weather(self.climate, self.world.chance("weather"))
        self.disk = Disk(self.world, StoreClock(self.world, START_MS))
        self.model = Model(self.world)
        self.outside = Outside(self.world, self.disk.begun)
        self._ether = Ether(self.world, self.weather, self.disk)
        self.nodes: list[SimNode] = []
        self._born = 0
        self._wire = Wire(self.world, self.weather, self.disk, self.nodes)
        room, plans = draw_room(self.world.chance("room")), draw_plans(self.world.chance("plans"))
        if room is not None:
            # Enough is going on in there.
            plans = structs.replace(plans, threads=1, senders=1)
        self.people = People(self._wire, plans, BUSY_SECONDS)
        self.guests = Guests(self._wire, self.people, room, BUSY_SECONDS)

    def run(self) -> Result:
        """Live through it. Returns what was broken."""
        self.world.tell("climate", self.climate)
        with self.world.ended(), recorded(self.world), bounds.drawn(self.world.chance("bounds")):
            try:
                self._live()
            except (Stuck, AssertionError) as error:
                self.world.blame(repr(error))
        events = sum(map(len, self.disk.committed.values()))
        return Result(
            self.seed,
            self.world.breaches,
            self.world.trace,
            self.world.now,
            len({call.run_id for call in self.model.calls}),
            len(self.model.calls),
            events,
            self.world.story or [],
        )

    def _live(self) -> None:
        for place in range(NODES):
            self.nodes.append(self._new_node(place))
            self.nodes[place].start()
        self._plan_misfortunes()
        self.people.begin()
        self.guests.begin()
        self.world.run_until(lambda: False, BUSY_SECONDS)
        self.weather.is_fair = True
        for node in self.nodes:
            node.store.away_until = 0.0
        self.world.tell("fair weather")
        is_at_rest = self.world.run_until(
            lambda: self.people.are_done and not self.disk.open_runs, BUSY_SECONDS + SETTLE_SECONDS
        )
        if not is_at_rest and not self.world.breaches:
            self.world.blame(f"not at rest: clients done: {self.people.are_done}, open: {dict(self.disk.open_runs)}")
        if not self.world.breaches:
            self._read_all_once_more()
            for breach in self._check():
                self.world.blame(breach)

    def _read_all_once_more(self) -> None:
        for thread_id in (*self.people.threads, *self.guests.threads):
            if thread_id not in self.people.deleted:
                self.people.read(thread_id)
        readings = self.people.readings
        seconds = CATCH_UP_CALM_SECONDS if self.climate.is_calm else CATCH_UP_SECONDS
        before: list[int] = []
        # Slow readers of small pages take their time; whoever gets nothing at all for so long has been forgotten.
        while (cursors := [reading.cursor for reading in readings]) != before:
            before = cursors
            self.world.run_until(self._have_all_read, self.world.now + seconds)

    def _have_all_read(self) -> bool:
        return all(
            one.is_over
            or one.cursor == self.disk.head(one.thread_id)
            or (one.person is not None and self.disk.removed_at(one.thread_id, one.person) is not None)
            for one in self.people.readings
        )

    def _new_node(self, place: int) -> SimNode:
        self._born += 1
        name = f"node{place}.{self._born}"
        return SimNode(name, self.world, self.disk, self.weather, self._ether, self.model, self.outside)

    def _plan_misfortunes(self) -> None:
        dice, climate = self._dice, self.climate
        for count, strike in (
            (climate.kills, self._kill),
            (climate.pauses, self._pause),
            (climate.drains, self._drain),
            (climate.outages, self._cut_store_off),
            (climate.partitions, self._cut_node_off),
            (climate.sleeps, self._sleep),
        ):
            for _ in range(count):
                self.world.at(dice.uniform(0.2, BUSY_SECONDS), strike)
        for place in range(NODES):
            self.world.after(0.5, self._look_after, place)

    def _look_after(self, place: int) -> None:
        """Start a node again that has gone away, after a while."""
        seconds = 0.5
        if self.nodes[place].loop.is_dead:
            self.nodes[place] = self._new_node(place)
            self.nodes[place].start()
            seconds = self._dice.choice((0.5, 1.0, 8.0))
        self.world.after(seconds, self._look_after, place)

    def _some_node(self) -> SimNode | None:
        able = [node for node in self.nodes if node.is_up and not node.loop.is_paused]
        # Misfortune likes those who are in the middle of something.
        busy = [node for node in able if node.is_answering and self._dice.random() < 0.7]
        return self._dice.choice(busy or able) if able else None

    def _kill(self) -> None:
        if node := self._some_node():
            node.kill()

    def _pause(self) -> None:
        if node := self._some_node():
            node.pause(self._dice.choice((0.3, 3.0, 7.0, 12.0)))

    def _sleep(self) -> None:
        """Pause everybody at once, as a machine that is put to sleep does."""
        seconds = self._dice.choice((3.0, 12.0))
        for node in self.nodes:
            if node.is_up and not node.loop.is_paused:
                node.pause(seconds)

    def _drain(self) -> None:
        if node := self._some_node():
            node.drain(self._dice.choice((0.0, 0.5, 3.0)))

    def _cut_store_off(self) -> None:
        seconds = self._dice.choice((0.2, 2.0, 7.0))
        for node in self.nodes:
            node.cut_off(seconds)

    def _cut_node_off(self) -> None:
        self._dice.choice(self.nodes).cut_off(self._dice.choice((0.5, 3.0, 9.0)))

    def _check(self) -> Iterator[str]:
        threads = {thread_id: self._stored(thread_id) for thread_id in (*self.people.threads, *self.guests.threads)}
        for thread_id, stored in threads.items():
            yield from breaches_of_log(thread_id, stored, self.model.calls, self.climate)
        yield from tools_did_what_is_told(threads.values(), self.model.calls, self.outside, self.climate)
        yield from answers_to_calls_count_once(self.people.answered, threads.values())
        yield from sends_happened_once(self.people.sent, threads)
        yield from steers_were_answered_once(self.people.sent, threads, self.model.calls, self.people.again)
        yield from readers_saw_the_log(self.people.readings, threads, self.disk.removed)
        yield from rooms_were_kept(self.guests, threads)
        yield from states_were_folds(self.people.states, threads)
        yield from waits_ended_with_the_run(self.people.ends, threads)
        yield from wishes_were_heard(self.people.cancels, self.disk.ended_at, self.climate, BUSY_SECONDS)

    def _stored(self, thread_id: ThreadId) -> Stored:
        run_ids = [
            RunId(run_id) for run_id, body in self.disk.committed[thread_id] if b'"run.queued"' in body[:30] and run_id
        ]

        async def read(reader: Reader) -> Stored:
            log = await reader.log(SCOPE, thread_id, 0, 2**40)
            committed = self.disk.committed[thread_id]
            try:
                messages: list[Message] = await reader.messages(SCOPE, thread_id, MessageQuery(limit=10_000))
                runs: list[Run] = [(await reader.run(SCOPE, run_id)).run for run_id in run_ids]
                state = await snapshot(reader, SCOPE, thread_id, 10_000)
                placed = await with_siblings(reader, SCOPE, thread_id, state.messages)
                tool_calls = await reader.tool_calls(SCOPE, thread_id, ToolCallQuery(limit=10_000))
                return Stored(log, committed, messages, runs, tool_calls, structs.replace(state, messages=placed))
            except NotFound:
                return Stored(log, committed, [], [], [], None)

        return self.disk.read_now(read)


Mutant = Callable[[], AbstractContextManager[None]]


def run_seed(seed: int, mutant: Mutant = nullcontext, is_told: bool = False) -> Result:
    """Run one seed, on the program as it is or on a mutant of it."""
    with mutant():
        return Simulation(seed, is_told).run()
