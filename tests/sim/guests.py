"""The people of a room: they come, talk, read and look, each with a token of his own, while others change who they are.

What they were told is kept for `rooms.py`, which holds it against the log.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from threadline.content import TextBlock
from threadline.engine.accept import Send
from threadline.engine.agents import NewAgent, create_agent
from threadline.engine.engine import Engine
from threadline.engine.members import Invitation, add_member, remove_member, update_member
from threadline.engine.state import Snapshot
from threadline.engine.threads import NewThread
from threadline.errors import Forbidden, InvalidRequest, NameTaken, NotFound
from threadline.ids import RunId, ThreadId
from threadline.records import OnBusy, RunOptions
from threadline.room_records import MemberRole, ReplyPolicy
from threadline.scopes import EndUser, Scope
from threadline.store.contract import Transaction

from .model import Plan
from .people import People
from .tools import NAMES
from .wire import SCOPE, Wire

OWNER = "ann"
PEOPLE = (OWNER, "bob", "cid")
AGENTS = ("max", "ida", "sam")

PUSHES: tuple[OnBusy | None, ...] = (None, None, None, "interrupt", "merge", "latest", "steer")
ROLES: tuple[MemberRole, ...] = ("member", "viewer", "viewer", "owner")
POLICIES: tuple[ReplyPolicy, ...] = ("all", "mention", "mention", "none")


class Said(Struct):
    """What somebody has said in a room, and what he was told of it."""

    thread_id: ThreadId
    person: str
    key: str
    on_busy: OnBusy | None
    agent: str | None
    answers: list[tuple[str, RunId | None]]


class Asked(Struct, frozen=True):
    """What somebody was told of himself: that he may, that he may only read, that he is not there.

    `before` and `after` are the seqs between which he was told so.
    """

    thread_id: ThreadId
    person: str
    told: str
    before: int
    after: int


class RoomPlans(Struct, frozen=True):
    """How much is going on in the room of a seed. `talk` is the share of answers that call other agents."""

    agents: int
    sends: int
    readers: int
    changes: int
    looks: int
    talk: float


class Guests:
    """Everybody in one room, or in none."""

    def __init__(self, wire: Wire, people: People, plans: RoomPlans | None, busy_seconds: float) -> None:
        self.said: list[Said] = []
        self.asked: list[Asked] = []
        self.looked: list[tuple[str, Snapshot]] = []
        self.threads: list[ThreadId] = []
        self._wire = wire
        self._people = people
        self._plans = plans
        self._dice = wire.world.chance("guests")
        self._busy_seconds = busy_seconds

    def begin(self) -> None:
        """Set out."""
        if self._plans is not None:
            self._people.work(self._open(self._plans))

    async def _open(self, plans: RoomPlans) -> None:
        wanted = NewThread(external_id="room", end_user_id=OWNER)
        thread, _ = await self._people.insist(lambda engine: engine.create_thread(SCOPE, wanted))
        handles = AGENTS[: plans.agents]
        for handle in handles:
            await self._try(SCOPE, lambda transaction, engine, handle=handle: _make_agent(transaction, engine, handle))
        for handle in handles:
            # One of them at least has something to say.
            policy = "all" if handle == handles[0] else self._dice.choice(POLICIES)
            await self._invite(thread.id, SCOPE, Invitation(agent=handle, reply_policy=policy))
        for person in PEOPLE[1:]:
            role: MemberRole = self._dice.choice(("member", "member", "viewer"))
            await self._invite(thread.id, SCOPE, Invitation(end_user_id=person, role=role))
        self.threads.append(thread.id)
        self._people.read(thread.id)
        for _ in range(plans.readers):
            for person in PEOPLE:
                self._people.read(thread.id, person=person)
        for person in PEOPLE:
            self._people.work(self._talk(thread.id, person, plans))
        for _ in range(plans.changes):
            self._people.work(self._change(thread.id, self._dice.uniform(1.0, self._busy_seconds)))
        for _ in range(plans.looks):
            self._people.work(self._look(thread.id, self._dice.uniform(1.0, self._busy_seconds)))

    async def _talk(self, thread_id: ThreadId, person: str, plans: RoomPlans) -> None:
        for number in range(plans.sends):
            await asyncio.sleep(self._dice.uniform(0.0, self._busy_seconds / plans.sends))
            called = [handle for handle in AGENTS[: plans.agents] if self._dice.random() < 0.5]
            plan = self._plan(f"{person}{number}", plans)
            text = " ".join([*(f"@{handle}" for handle in called), plan.text()])
            named = self._dice.choice(AGENTS[: plans.agents]) if self._dice.random() < 0.1 else None
            said = Said(thread_id, person, plan.key, self._dice.choice(PUSHES), named, [])
            self.said.append(said)
            for _ in range(self._dice.choice((1, 1, 1, 2))):
                self._people.work(self._say(said, text))

    async def _say(self, said: Said, text: str) -> None:
        options = RunOptions(tools=NAMES)
        send = Send(content=[TextBlock(text)], key=said.key, on_busy=said.on_busy, agent=said.agent, options=options)
        scope = _token(said.person)
        accepted = await self._ask(said.thread_id, said.person, lambda engine: engine.send(scope, said.thread_id, send))
        if accepted is not None:
            said.answers.append((accepted.message.id, accepted.run.run.id if accepted.run else None))

    async def _look(self, thread_id: ThreadId, after: float) -> None:
        await asyncio.sleep(after)
        person = self._dice.choice(PEOPLE)
        state = await self._ask(thread_id, person, lambda engine: engine.snapshot(_token(person), thread_id, 200))
        if state is not None:
            self.looked.append((person, state))
            self._people.states.append(state)

    async def _change(self, thread_id: ThreadId, after: float) -> None:
        """Remove somebody, invite somebody, make somebody something else; or leave."""
        await asyncio.sleep(after)
        dice = self._dice
        person = dice.choice(PEOPLE[1:])
        # Mostly by who may; a member who is none of the owners is refused.
        by = dice.choice((OWNER, OWNER, person, *PEOPLE[1:]))
        scope, what = _token(by), dice.choice(("remove", "remove", "invite", "invite", "role", "role", "policy"))
        match what:
            case "remove":
                await self._do(
                    thread_id, by, lambda transaction, _: remove_member(transaction, scope, thread_id, person)
                )
            case "invite":
                wanted = Invitation(end_user_id=person, role=dice.choice(ROLES))
                await self._invite(thread_id, scope, wanted, by)
            case "role":
                changed: dict[str, Any] = {"role": dice.choice(ROLES)}
                await self._do(
                    thread_id, by, lambda transaction, _: update_member(transaction, scope, thread_id, person, changed)
                )
            case _:
                handle, policy = dice.choice(AGENTS), {"reply_policy": dice.choice(POLICIES)}
                await self._do(
                    thread_id, by, lambda transaction, _: update_member(transaction, scope, thread_id, handle, policy)
                )

    async def _invite(self, thread_id: ThreadId, scope: Scope, wanted: Invitation, by: str | None = None) -> None:
        async def script(transaction: Transaction, engine: Engine) -> Any:
            now_ms = engine._clock.now_ms()
            return await add_member(transaction, scope, thread_id, wanted, engine._ids, now_ms)

        if by is None:
            await self._try(scope, script)
        else:
            await self._do(thread_id, by, script)

    async def _do(self, thread_id: ThreadId, by: str, script: Callable[[Transaction, Engine], Any]) -> None:
        """Change who takes part, as somebody who may or may not."""
        scope = _token(by)
        try:
            await self._ask(
                thread_id,
                by,
                lambda engine: engine._journal.write(scope, lambda transaction: script(transaction, engine)),
                wants="owner",
            )
        except InvalidRequest:
            # Whom it concerns is not what he is taken for, such as an owner who stays.
            return

    async def _try(self, scope: Scope, script: Callable[[Transaction, Engine], Any]) -> None:
        try:
            await self._people.insist(
                lambda engine: engine._journal.write(scope, lambda transaction: script(transaction, engine))
            )
        except NameTaken:
            # Done before; the answer was lost.
            return

    async def _ask(self, thread_id: ThreadId, person: str, work: Any, wants: str = "") -> Any:
        """Ask until somebody answers, and keep what the answer says of the one who asks."""
        disk = self._wire.disk
        before, told, answer = disk.head(thread_id), wants or "there", None
        try:
            answer = await self._people.insist(work)
        except NotFound:
            # Of a change, that may be the one whom it concerns, or this is its second try.
            told = "" if wants else "absent"
        except Forbidden:
            told = "no owner" if wants else "viewer"
        if told != "owner":
            # Who leaves as an owner, and who leaves as himself, is told the same.
            self.asked.append(Asked(thread_id, person, told, before, disk.head(thread_id)))
        return answer

    def _plan(self, key: str, plans: RoomPlans) -> Plan:
        dice = self._dice
        is_talk = dice.random() < plans.talk
        then = dice.choices(("finish", "tool", "fail", "stall"), (14, 4, 1, 0 if is_talk else 1))[0]
        return Plan(
            key,
            words=dice.choice((1, 2, 5)) if is_talk else dice.choice((0, 1, 5, 20)),
            pace_seconds=dice.choice((0.001, 0.02, 0.1)),
            then=then,
            is_polled=dice.random() < 0.5,
            rounds=((dice.choice(("look", "phone")),),) if then == "tool" else (),
            calls=AGENTS[: plans.agents] if is_talk else (),
        )


async def _make_agent(transaction: Transaction, engine: Engine, handle: str) -> Any:
    wanted = NewAgent(handle=handle, name=handle.title(), tools=list(NAMES))
    return await create_agent(transaction, SCOPE, wanted, engine._ids, engine._clock.now_ms())


def _token(person: str) -> EndUser:
    return EndUser(SCOPE.tenant_id, person)


def draw_room(dice: Any) -> RoomPlans | None:
    """Draw how much is going on in a room; in most seeds there is none."""
    if dice.random() > 0.2:
        return None
    return RoomPlans(
        agents=dice.choice((2, 2, 3)),
        sends=dice.choice((1, 2, 3)),
        readers=dice.choice((0, 1, 1)),
        changes=dice.choice((0, 6, 10)),
        looks=dice.choice((0, 2, 4)),
        talk=dice.choice((0.0, 0.4, 0.8)),
    )
