"""The clients: they send with a key until they are answered, follow from any node, cancel, look, and delete.

What they were told is kept for the checkers.
"""

import asyncio
from contextlib import aclosing
from typing import Any

from msgspec import Struct, structs

from threadline.content import TextBlock
from threadline.engine.accept import Send
from threadline.engine.engine import Engine
from threadline.engine.queue import Change
from threadline.engine.regenerate import Regenerate
from threadline.engine.state import Snapshot
from threadline.engine.threads import NewThread
from threadline.engine.waiting import Approval, ClientResult
from threadline.errors import BadCursor, InvalidRequest, NotFound, NotWaitedFor, RunBegun, ShuttingDown, Unavailable
from threadline.events import Entry, RunWaiting, ThreadDeleted, encode_event
from threadline.ids import MessageId, RunId, ThreadId
from threadline.records import Author, OnBusy, Run, RunOptions

from .model import Plan
from .tools import NAMES
from .wire import SCOPE, Cut, Wire

TRY_AGAIN = (Cut, Unavailable, ShuttingDown)

PUSHES: tuple[OnBusy, ...] = ("interrupt", "rollback", "merge", "merge", "latest", "steer", "steer", "steer")


class Sent(Struct):
    """A send, and every answer that its sender got."""

    thread_id: ThreadId
    plan: Plan
    answers: list[tuple[str, RunId | None]]
    on_busy: OnBusy | None = None
    edit_of: MessageId | None = None
    is_regretted: bool = False
    is_refused: bool = False


class Reading(Struct):
    """What one reader has seen, over all its connections: a server's, or a person's who may be removed."""

    thread_id: ThreadId
    seen: list[bytes]
    start: int = 0
    person: str | None = None
    is_over: bool = False

    @property
    def cursor(self) -> int:
        """The seq of the last thing seen."""
        return self.start + len(self.seen)


class Cancel(Struct):
    """A wish to stop, from when it was answered on."""

    run_id: RunId
    at: float


class Answered(Struct, frozen=True):
    """What somebody said to a tool call, and was told that it counts: whether it may be made, or what it gave."""

    run_id: RunId
    tool_use_id: str
    said: bool | str


class Plans(Struct, frozen=True):
    """How much is going on in one seed.

    `regrets` is the share of sends that their sender cancels, `pushes` of those that do not just wait their turn, and
    `steers` of those that are for whoever is answering; where there are any, much is asked of tools.
    """

    threads: int
    senders: int
    sends: int
    readers: int
    regrets: float
    pushes: float
    looks: int
    renames: int
    moves: int
    edits: int
    deletes: int
    steers: float = 0.0


class People:
    """All clients of a seed."""

    def __init__(self, wire: Wire, plans: Plans, busy_seconds: float) -> None:
        self.sent: list[Sent] = []
        self.readings: list[Reading] = []
        self.cancels: list[Cancel] = []
        self.states: list[Snapshot] = []
        self.ends: list[Run] = []
        self.threads: list[ThreadId] = []
        self.deleted: dict[ThreadId, None] = {}
        self.rewritten: dict[RunId, None] = {}
        self.again: dict[RunId, None] = {}
        self.answered: list[Answered] = []
        self._edits = 0
        self._wire = wire
        self._world = wire.world
        self._plans = plans
        self._dice = wire.world.chance("people")
        self._busy_seconds = busy_seconds
        self._working = 0

    @property
    def are_done(self) -> bool:
        """Whether all have done what they came for; readers stay."""
        return not self._working

    def begin(self) -> None:
        """Set out."""
        self._working += 1
        self._wire.loop.create_task(self._arrive())

    def read(self, thread_id: ThreadId, after: int = 0, person: str | None = None) -> Reading:
        """Let one more reader follow a thread."""
        reading = Reading(thread_id, [], after, person)
        self.readings.append(reading)
        self._wire.loop.create_task(self._read(reading))
        return reading

    async def _arrive(self) -> None:
        plans = self._plans
        for number in range(plans.threads):
            wanted = NewThread(external_id=f"x{number}")
            thread, _ = await self.insist(lambda engine, wanted=wanted: engine.create_thread(SCOPE, wanted))
            self.threads.append(thread.id)
        for number in range(plans.senders):
            self.work(self._send_some(number))
        for work, count in (
            (self._look, plans.looks),
            (self._rename, plans.renames),
            (self._move, plans.moves),
            (self._branch_off, plans.edits),
            (self._delete, plans.deletes),
        ):
            for _ in range(count):
                self.work(work(self._dice.uniform(0.5, self._busy_seconds)))
        for _ in range(plans.readers):
            self.read(self._dice.choice(self.threads))
        self._working -= 1

    def work(self, errand: Any) -> None:
        """Let somebody do something; until he has done it, not everybody is done."""
        self._working += 1
        self._wire.loop.create_task(errand).add_done_callback(self._note_done)

    def _note_done(self, task: "asyncio.Task[None]") -> None:
        self._working -= 1
        if not task.cancelled() and task.exception() is not None:
            self._world.blame(f"a client was told {task.exception()!r}")

    async def insist(self, work: Any) -> Any:
        """Ask one node after the other until one answers."""
        while True:
            try:
                return await self._wire.call(self._dice.randrange(len(self._wire.nodes)), work)
            except TRY_AGAIN:
                await asyncio.sleep(self._dice.uniform(0.01, 1.0))

    async def _send_some(self, number: int) -> None:
        for place in range(self._plans.sends):
            await asyncio.sleep(self._dice.uniform(0.0, self._busy_seconds / self._plans.sends))
            on_busy = self._dice.choice(PUSHES) if self._dice.random() < self._plans.pushes else None
            if self._dice.random() < self._plans.steers:
                on_busy = "steer"
            sent = Sent(self._dice.choice(self.threads), self._plan(f"k{number}_{place}"), [], on_busy)
            if self._dice.random() < self._plans.regrets:
                sent.is_regretted = True
                sent.plan = structs.replace(
                    sent.plan, then="finish", words=40, pace_seconds=self._dice.choice((0.1, 0.3))
                )
            self.sent.append(sent)
            # An impatient one sends the same twice at once, and a forgetful one sends it again when all is said.
            for _ in range(self._dice.choice((1, 1, 1, 2))):
                self.work(self._send(sent))
            if self._dice.random() < 0.2:
                await asyncio.sleep(self._dice.uniform(0.0, self._busy_seconds / 2))
                self.work(self._send(sent))

    async def _send(self, sent: Sent) -> None:
        is_note = sent.plan.then == "note"
        content = [TextBlock(sent.plan.text())]
        options = RunOptions(tools=NAMES)
        send = Send(content=content, key=sent.plan.key, respond=not is_note, on_busy=sent.on_busy, options=options)
        try:
            accepted = await self.insist(lambda engine: engine.send(SCOPE, sent.thread_id, send))
        except NotFound:
            sent.is_refused = True
            return
        run_id = accepted.run.run.id if accepted.run else None
        sent.answers.append((accepted.message.id, run_id))
        self._world.tell("acknowledged", sent.plan.key, run_id, accepted.is_replay)
        if run_id is None:
            return
        if sent.is_regretted:
            await asyncio.sleep(self._dice.uniform(0.0, 3.0))
            await self._cancel(run_id)
        elif self._dice.random() < 0.2:
            await self._wait_for_end(run_id)

    async def _wait_for_end(self, run_id: RunId) -> None:
        async def work(engine: Engine) -> Run:
            return (await engine.wait_for_end(SCOPE, await engine.run(SCOPE, run_id))).run

        try:
            self.ends.append(await self.insist(work))
        except NotFound:
            return

    async def _cancel(self, run_id: RunId) -> None:
        try:
            await self.insist(lambda engine: engine.cancel(SCOPE, run_id))
        except NotFound:
            return
        self.cancels.append(Cancel(run_id, self._world.now))
        self._world.tell("cancelled", run_id)

    async def _look(self, after: float) -> None:
        await asyncio.sleep(after)
        thread_id = self._dice.choice(self.threads)
        try:
            self.states.append(await self.insist(lambda engine: engine.snapshot(SCOPE, thread_id, 200)))
        except NotFound:
            return

    async def _rename(self, after: float) -> None:
        await asyncio.sleep(after)
        thread_id = self._dice.choice(self.threads)
        changed = {"title": f"named at {after:.3f}"}
        try:
            await self.insist(lambda engine: engine.update_thread(SCOPE, thread_id, changed))
        except NotFound:
            return

    async def _move(self, after: float) -> None:
        """Ask for something else, or for it earlier or later, while it waits."""
        await asyncio.sleep(after)
        waiting = await self._waiting()
        if not waiting:
            return
        run, dice = self._dice.choice(waiting), self._dice
        change = Change(position=dice.choice((None, 1, 2, 9)))
        if dice.random() < 0.4:
            self.rewritten[run.id] = None
            asked = structs.replace(self._plan(f"r{len(self.rewritten)}"), then="finish")
            change = structs.replace(change, content=[TextBlock(asked.text())])
        try:
            await self.insist(lambda engine: engine.change_queued(SCOPE, run.id, change))
        except (NotFound, RunBegun, InvalidRequest):
            # A question that is answered again is a message of the history, which nobody rewrites here.
            return

    async def _branch_off(self, after: float) -> None:
        """Put a question in other words, have it answered again, or go back to what stands on another branch."""
        await asyncio.sleep(after)
        thread_id, dice = self._dice.choice(self.threads), self._dice
        try:
            state: Snapshot = await self.insist(lambda engine: engine.snapshot(SCOPE, thread_id, 200))
        except NotFound:
            return
        asked = [message for message in state.messages if message.role == "user" and message.run_id is not None]
        if not asked:
            return
        message = dice.choice(asked)
        self._edits += 1
        match dice.choice(("edit", "again", "switch")):
            case "edit":
                plan = structs.replace(self._plan(f"e{self._edits}"), then="finish", rounds=())
                sent = Sent(thread_id, plan, [], edit_of=message.id)
                self.sent.append(sent)
                await self._send(sent)
            case "again":
                wanted = Regenerate(message_id=message.id, key=f"g{self._edits}")
                accepted = await self._try(lambda engine: engine.regenerate(SCOPE, thread_id, wanted))
                if accepted is not None and accepted.run is not None:
                    self.again[accepted.run.run.id] = None
            case _:
                changed = {"tip_message_id": message.id}
                await self._try(lambda engine: engine.update_thread(SCOPE, thread_id, changed))

    async def _try(self, work: Any) -> Any:
        """Ask until somebody answers; that it cannot be is an answer too, and given as None."""
        try:
            return await self.insist(work)
        except (NotFound, InvalidRequest):
            return None

    async def _waiting(self) -> list[Run]:
        """Return what waits somewhere."""
        for thread_id in self.threads:
            try:
                waiting: list[Run] = await self.insist(lambda engine, at=thread_id: engine.queue(SCOPE, at))
            except NotFound:
                continue
            if waiting:
                return waiting
        return []

    async def _delete(self, after: float) -> None:
        await asyncio.sleep(after)
        thread_id = self._dice.choice(self.threads)
        self.deleted[thread_id] = None
        try:
            await self.insist(lambda engine: engine.delete_thread(SCOPE, thread_id))
        except NotFound:
            return

    async def _read(self, reading: Reading) -> None:
        dice = self._world.chance(f"reader {len(self.readings)}")
        while not reading.is_over:
            place, pace = dice.randrange(len(self._wire.nodes)), dice.choice((0.0, 0.0, 0.05, 0.5))
            stays = dice.choice((dice.expovariate(1 / 8), 1000.0))
            try:
                async with (
                    asyncio.timeout(stays),
                    aclosing(
                        self._wire.follow(place, reading.thread_id, reading.cursor, pace, reading.person)
                    ) as batches,
                ):
                    async for entries in batches:
                        self._see(reading, entries)
            except BadCursor as error:
                self._world.blame(f"a cursor that was handed out is refused: {error.detail}")
                return
            except NotFound:
                if reading.person is not None:
                    # Removed; he may be invited again.
                    await asyncio.sleep(dice.uniform(0.2, 2.0))
                    continue
                reading.is_over = reading.thread_id in self.deleted
                if not reading.is_over:
                    self._world.blame(f"{reading.thread_id} is not found")
                    return
            except (TimeoutError, *TRY_AGAIN):
                await asyncio.sleep(dice.uniform(0.0, 0.3))

    def _see(self, reading: Reading, entries: list[Entry]) -> None:
        for entry in entries:
            if entry.seq != reading.cursor + 1:
                self._world.blame(f"{reading.thread_id}: a reader got {entry.seq} after {reading.cursor}")
            reading.seen.append(encode_event(entry.event))
            if isinstance(entry.event, ThreadDeleted):
                reading.is_over = True
            if isinstance(entry.event, RunWaiting):
                self._attend(entry.event.run)

    def _attend(self, run: Run) -> None:
        """Answer what is asked: by whoever reads it, so often by several, who do not agree."""
        asked, dice = run.waiting_for, self._dice
        if asked is None:
            return
        for one in asked.approvals:
            seconds = dice.uniform(0.0, 5.0)
            # Two who look at the same screen click at the same time.
            for _ in range(dice.choice((0, 1, 1, 2))):
                self.work(self._decide(run.id, one.tool_use_id, dice.random() < 0.7, seconds))
        for one in asked.results:
            if dice.random() < 0.7:
                self.work(self._post(run.id, one.tool_use_id, f"said by {dice.randrange(1000)}"))

    async def _decide(self, run_id: RunId, tool_use_id: str, is_agreed: bool, seconds: float) -> None:
        await asyncio.sleep(seconds)
        approval = Approval(tool_use_id=tool_use_id, approve=is_agreed)
        author = Author("user", f"person {self._dice.randrange(9)}")
        try:
            await self.insist(lambda engine: engine.decide(SCOPE, run_id, approval, author))
        except (NotFound, NotWaitedFor):
            return
        self.answered.append(Answered(run_id, tool_use_id, is_agreed))

    async def _post(self, run_id: RunId, tool_use_id: str, output: str) -> None:
        await asyncio.sleep(self._dice.uniform(0.0, 5.0))
        given = ClientResult(tool_use_id=tool_use_id, output=output)
        try:
            await self.insist(lambda engine: engine.take_result(SCOPE, run_id, given))
        except (NotFound, NotWaitedFor):
            return
        self.answered.append(Answered(run_id, tool_use_id, output))

    def _plan(self, key: str) -> Plan:
        dice = self._dice
        then = dice.choices(
            ("finish", "tool", "fail", "cut", "stall", "note"), (14, 60 if self._plans.steers else 6, 1, 1, 1, 2)
        )[0]
        rounds = [
            dice.choices((*NAMES, "weather"), k=dice.choice((1, 1, 2, 3))) for _ in range(dice.choice((1, 1, 2, 3)))
        ]
        return Plan(
            key,
            words=dice.choice((0, 1, 5, 20, 40)),
            pace_seconds=dice.choice((0.001, 0.02, 0.1, 0.3)),
            then=then,
            is_polled=dice.random() < 0.5,
            rounds=tuple(map(tuple, rounds)) if then == "tool" else (),
        )


def draw_plans(dice: Any) -> Plans:
    """Draw how much is going on."""
    plans = Plans(
        threads=dice.choice((1, 2, 3)),
        senders=dice.choice((1, 2, 3)),
        sends=dice.choice((1, 2, 4)),
        readers=dice.choice((1, 2, 4)),
        regrets=dice.choice((0.0, 0.1, 0.4)),
        pushes=dice.choice((0.0, 0.2, 0.7)),
        looks=dice.choice((0, 2, 5)),
        renames=dice.choice((0, 0, 3)),
        moves=dice.choice((0, 0, 4, 8)),
        edits=dice.choice((0, 0, 3, 6)),
        deletes=1 if dice.random() < 0.08 else 0,
    )
    if dice.random() < 0.15:
        # Everybody talks to one answer at a time, which is busy with its tools.
        plans = structs.replace(plans, threads=1, senders=3, sends=4, regrets=0.0, pushes=0.0, moves=0, steers=0.7)
    return plans
