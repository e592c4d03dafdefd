"""Promises 1, 2, 5, 6, 7 and 9, for random sequences of operations on the real engine, crashes included.

What is held after every step: state is the fold of the log, from the start and from every state that a client has held
on to; what followers have seen is what is stored; every run ends once; one key is one send.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from support.postgres import PostgresServer
from threadline.clock import SystemClock
from threadline.content import TextBlock, ToolResultBlock, ToolUseBlock
from threadline.engine.accept import Send
from threadline.engine.agents import NewAgent, create_agent
from threadline.engine.members import Invitation, add_member, remove_member, update_member
from threadline.engine.once import Accepted
from threadline.engine.queue import Change
from threadline.engine.regenerate import Regenerate
from threadline.engine.state import Snapshot, snapshot
from threadline.engine.threads import NewThread
from threadline.engine.waiting import Approval, ClientResult
from threadline.errors import (
    Forbidden,
    IdempotencyMismatch,
    InvalidRequest,
    NotFound,
    NotWaitedFor,
    RunBegun,
    ThreadBusy,
    Unavailable,
)
from threadline.events import (
    TERMINAL_TYPES,
    Entry,
    MessageCompleted,
    MessageCreated,
    MessageStarted,
    RunQueued,
    ThreadDeleted,
)
from threadline.fold import ThreadState
from threadline.ids import MessageId, RunId
from threadline.journal import append
from threadline.limits import AGENT_CALLS_MAX, AGENT_PAIR_CALLS_MAX
from threadline.providers.contract import (
    Chunk,
    FinishChunk,
    ReasoningChunk,
    SignatureChunk,
    TextChunk,
    ToolCallChunk,
    ToolInputChunk,
    UsageChunk,
)
from threadline.records import TERMINAL, Author, Message, OnBusy, Role, RunOptions, Usage, WaitingFor
from threadline.room_records import MemberRole, ReplyPolicy
from threadline.scopes import EndUser
from threadline.store.contract import MessageQuery, Reader, RunRow, ToolCallQuery, Transaction
from threadline.store.contract_agents import AgentQuery
from threadline.store.postgres.store import PostgresStore
from threadline.store.sqlite.store import SqliteStore
from threadline.tool_calls import ToolCall

from .machine import PATIENCE_STEPS, SCOPE, SYSTEM, MakeStore, World
from .workshop import NAMES

WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1, max_size=20)
WHICH = st.integers(0, 5)
AGENTS = ["one", "two"]
NONE = MessageId("")
ROLES: list[Role] = ["user", "assistant", "system"]

EXAMPLES = int(os.environ.get("THREADLINE_TEST_EXAMPLES", "60"))
"""More of them for a night: THREADLINE_TEST_EXAMPLES=5000."""


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that has room again is noticed at once."""
    monkeypatch.setattr(append, "RETRY_SECONDS_MIN", 0.001)
    monkeypatch.setattr(append, "RETRY_SECONDS_MAX", 0.004)


def is_same(state: ThreadState, found: Snapshot, known: set[MessageId] | None = None) -> None:
    """Compare a fold with a snapshot, field by field, so that a difference is readable.

    A client that began with a state can show the active branch as far back as it knows the messages.
    """
    assert state.seq == found.seq
    assert state.thread == found.thread
    unknown = [place for place, message in enumerate(found.messages, 1) if known and message.id not in known]
    assert state.messages == found.messages[max(unknown, default=0) :]
    assert state.runs == found.runs
    assert state.members == found.members


def heard_of(earlier: Snapshot, log: list[Entry]) -> set[MessageId]:
    """Return the messages that somebody knows who began with that state and has read the log since."""
    told = [entry.event for entry in log[earlier.seq :]]
    heard = {
        event.message.id for event in told if isinstance(event, MessageCreated | MessageStarted | MessageCompleted)
    }
    return heard | {message.id for message in earlier.messages} | {NONE}


class Conversation(RuleBasedStateMachine):
    """One thread, and everything that may happen to it."""

    def place(self) -> AbstractContextManager[MakeStore]:
        """Give room for data, for as long as the context is open."""
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        """Make a thread on new data."""
        self.stack = ExitStack()
        self.world = World(self.stack.enter_context(self.place()))
        self.begin_thread()

    def begin_thread(self) -> None:
        """Begin with an empty thread."""
        self.thread, _ = self.world.do(self.world.node.engine.create_thread(SCOPE, NewThread(title="t")))
        self.remembered: list[Snapshot] = []
        self.sent: dict[str, tuple[str, bool, Accepted]] = {}

    # --- what people do ---

    def send(self, words: str, **options: object) -> Accepted | None:
        """Send, and return what it became; None where the disk is full, which must have left nothing."""
        tools = RunOptions(tools_mode="tenant")
        made = Send(content=[TextBlock(words)], options=tools, **options)  # type: ignore[arg-type]
        before = self.sends()
        try:
            return self.world.do(self.world.node.engine.send(SCOPE, self.thread.id, made))
        except Unavailable:
            assert self.sends() == before
            return None

    def sends(self) -> list[Entry]:
        """Return the events that sends have made; what was on its way already may add others at any time."""
        log = self.look()[1]
        made = [entry for entry in log if isinstance(entry.event, RunQueued)]
        return made + [entry for entry in log if isinstance(entry.event, MessageCreated) and entry.run_id is None]

    @rule(words=WORDS, on_busy=st.sampled_from(get_args(OnBusy)))
    def ask(self, words: str, on_busy: OnBusy) -> None:
        """Ask; who does not want to wait is told who is answering."""
        try:
            self.send(words, on_busy=on_busy)
        except InvalidRequest:
            assert (on_busy, bool(self.look()[0].members)) == ("rollback", True), "what others have seen stays"
        except ThreadBusy as busy:
            assert on_busy == "reject"
            # It may have ended since.
            queued = [entry.run_id for entry in self.look()[1] if isinstance(entry.event, RunQueued)]
            assert busy.extra["run_id"] in queued

    @rule(words=WORDS, key=st.sampled_from("abc"), respond=st.booleans())
    def ask_once(self, words: str, key: str, respond: bool) -> None:
        """The same key and body is the same message and run for ever; another body is refused."""
        if key not in self.sent:
            if (accepted := self.send(words, key=key, respond=respond)) is not None:
                assert not accepted.is_replay
                self.sent[key] = (words, respond, accepted)
            return
        if self.world.node.store.is_full:
            return
        first, responds, accepted = self.sent[key]
        again = self.send(first, key=key, respond=responds)
        assert again is not None
        assert again.is_replay
        assert again.message.id == accepted.message.id
        assert again.first_seq == accepted.first_seq
        assert (again.run and again.run.run.id) == (accepted.run and accepted.run.run.id)
        if (words, respond) != (first, responds):
            try:
                self.send(words, key=key, respond=respond)
            except IdempotencyMismatch:
                return
            raise AssertionError("another body was taken for the same send")

    @rule(words=WORDS, role=st.sampled_from(ROLES))
    def move_in(self, words: str, role: Role) -> None:
        """Store a message that nobody answers."""
        self.send(words, respond=False, role=role)

    @rule(words=WORDS, which=st.integers(0, 40), is_edit=st.booleans(), respond=st.booleans())
    def branch_off(self, words: str, which: int, is_edit: bool, respond: bool) -> None:
        """Write behind some earlier message, or write one anew."""
        if known := self.known():
            named = known[which % len(known)].id
            self.send(words, respond=respond, **{"edit_of" if is_edit else "parent_id": named})

    @rule(which=st.integers(0, 40), on_busy=st.sampled_from(get_args(OnBusy)))
    def answer_again(self, which: int, on_busy: OnBusy) -> None:
        """Answer some question once more."""
        if not (asked := [message for message in self.known() if message.role == "user"]):
            return
        wanted = Regenerate(message_id=asked[which % len(asked)].id, on_busy=on_busy)
        with suppress(Unavailable, ThreadBusy):
            self.world.do(self.world.node.engine.regenerate(SCOPE, self.thread.id, wanted))

    @rule(which=st.integers(0, 40))
    def go_elsewhere(self, which: int) -> None:
        """Choose the branch that some message is on, whatever is being said meanwhile."""
        if (known := self.known()) and not self.world.node.store.is_full:
            chosen = known[which % len(known)].id
            tip = {"tip_message_id": chosen}
            after = self.world.do(self.world.node.engine.update_thread(SCOPE, self.thread.id, tip))
            assert chosen in branch_of(known, after.tip_message_id) or after.tip_message_id not in ids_of(known)

    def known(self) -> list[Message]:
        """Return every message, on whatever branch."""
        state = ThreadState()
        for entry in self.look()[1]:
            state.apply(entry)
        return state.known

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        """Stop one of the runs that have not ended."""
        runs = self.open_runs()
        if runs:
            self.write_or_be_refused(which, runs)

    def write_or_be_refused(self, which: int, runs: list[RunRow]) -> None:
        """Cancel, where there is room to write it down."""
        try:
            self.world.do(self.world.node.engine.cancel(SCOPE, runs[which % len(runs)].run.id))
        except Unavailable:
            assert self.world.node.store.is_full

    @rule(which=WHICH, words=st.none() | WORDS, position=st.none() | st.integers(1, 4))
    def change_queued(self, which: int, words: str | None, position: int | None) -> None:
        """Rewrite or move a run; one that does not wait any more stays as it is."""
        runs = self.open_runs()
        if not runs or self.world.node.store.is_full:
            return
        row = runs[which % len(runs)]
        change = Change(content=None if words is None else [TextBlock(words)], position=position)
        try:
            run = self.world.do(self.world.node.engine.change_queued(SCOPE, row.run.id, change))
        except RunBegun:
            # It may have begun or ended on its way there.
            assert not self.world.read(lambda reader: reader.run(SCOPE, row.run.id)).waits
            return
        except InvalidRequest:
            assert row.run.input is None, "what is answered again is no question that waits"
            return
        assert row.waits
        assert words is None or (run.input is not None and run.input.content == [TextBlock(words)])
        assert position is None or (run.position is not None and run.position <= position)

    @rule(title=WORDS, is_pinned=st.booleans())
    def change(self, title: str, is_pinned: bool) -> None:
        """Change the thread; what is as it was is no event."""
        if not self.world.node.store.is_full:
            before = self.look()[0]
            changed = {"title": title, "pinned": is_pinned}
            after = self.world.do(self.world.node.engine.update_thread(SCOPE, self.thread.id, changed))
            assert (after.title, after.pinned) == (title, is_pinned)
            if (before.thread.title, before.thread.pinned) == (title, is_pinned):
                assert [entry for entry in self.look()[1][before.seq :] if entry.type == "thread.updated"] == []

    @rule(person=st.sampled_from(["ann", "bob", "cid"]), role=st.sampled_from(["owner", "member", "viewer"]))
    def invite(self, person: str, role: MemberRole) -> None:
        """Let somebody take part, or take part as something else."""

        async def script(transaction: Transaction) -> None:
            wanted, ids = Invitation(end_user_id=person, role=role), self.world.node.ids
            member, is_new = await add_member(transaction, SCOPE, self.thread.id, wanted, ids, 1_800_000_000_000)
            if not is_new:
                assert member.end_user_id == person
                await update_member(transaction, SCOPE, self.thread.id, member.id, {"role": role})

        if not self.world.node.store.is_full:
            self.world.do(self.world.node.journal.write(SYSTEM, script))

    @rule(handle=st.sampled_from(AGENTS), policy=st.sampled_from(["all", "mention", "none"]))
    def seat(self, handle: str, policy: ReplyPolicy) -> None:
        """Let an agent take part, or answer otherwise."""

        async def script(transaction: Transaction) -> None:
            ids = self.world.node.ids
            if not await transaction.agents(SCOPE, AgentQuery(handles=[handle])):
                await create_agent(transaction, SCOPE, NewAgent(handle=handle), ids, 1_800_000_000_000)
            wanted = Invitation(agent=handle, reply_policy=policy)
            member, _ = await add_member(transaction, SCOPE, self.thread.id, wanted, ids, 1_800_000_000_000)
            await update_member(transaction, SCOPE, self.thread.id, member.id, {"reply_policy": policy})

        if not self.world.node.store.is_full:
            self.world.do(self.world.node.journal.write(SYSTEM, script))

    @rule(person=st.sampled_from(["ann", "bob", "cid"]), words=WORDS)
    def say_oneself(self, person: str, words: str) -> None:
        """Say something with a token: who takes part may, who only reads is told so, and to all others nothing is there."""
        if self.world.node.store.is_full:
            return
        role = next((member.role for member in self.look()[0].members if member.end_user_id == person), None)
        scope = EndUser(SCOPE.tenant_id, person)
        try:
            self.world.do(self.world.node.engine.send(scope, self.thread.id, Send(content=[TextBlock(words)])))
        except NotFound:
            assert role is None
        except Forbidden:
            assert role == "viewer"
        else:
            assert role in ("owner", "member")

    @rule(handle=st.sampled_from(AGENTS))
    def ask_somebody(self, handle: str) -> None:
        """Call an agent, which may be there or not."""
        self.send(f"@{handle}?")

    @rule(which=WHICH, handle=st.sampled_from(AGENTS))
    def answer_with_a_question(self, which: int, handle: str) -> None:
        """Let whoever answers call an agent."""
        self.say(which, TextChunk(1, f" @{handle} "), FinishChunk("stop"))

    @rule(person=st.sampled_from(["ann", "bob", "cid", *AGENTS]))
    def remove(self, person: str) -> None:
        """Let somebody take part no more, who may never have."""

        async def script(transaction: Transaction) -> None:
            await remove_member(transaction, SCOPE, self.thread.id, person)

        if not self.world.node.store.is_full:
            members = self.look()[0].members
            there = {member.end_user_id for member in members} | {member.handle for member in members}
            try:
                self.world.do(self.world.node.journal.write(SYSTEM, script))
            except NotFound:
                assert person not in there

    # --- what the provider does ---

    @rule(words=WORDS, which=WHICH)
    def speak(self, words: str, which: int) -> None:
        """Say something."""
        self.say(which, TextChunk(1, words))

    @rule(words=WORDS, which=WHICH)
    def think(self, words: str, which: int) -> None:
        """Think aloud, and seal it."""
        self.say(which, ReasoningChunk(0, words), SignatureChunk(0, "c2Vh"))

    @rule(which=WHICH, names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=3), is_whole=st.booleans())
    def call_tools(self, which: int, names: list[str], is_whole: bool) -> None:
        """Ask for tools, or begin to; every round of them under the same ids, as some servers do."""
        chunks: list[Chunk] = []
        for number, name in enumerate(names):
            chunks += [ToolCallChunk(2 + number, f"call_{number}", name), ToolInputChunk(2 + number, '{"city": "Rome"')]
            if is_whole or number < len(names) - 1:
                chunks.append(ToolInputChunk(2 + number, "}"))
        self.say(which, *chunks, *([FinishChunk("tool_use")] if is_whole else []))

    @rule(words=WORDS, which=WHICH, names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=3))
    def steer(self, words: str, which: int, names: list[str]) -> None:
        """Say something to an answer that is about to hear from its tools."""
        self.send(words, on_busy="steer")
        self.call_tools(which, names, is_whole=True)

    # --- what is done outside ---

    @rule(is_shut=st.booleans())
    def make_tools_wait(self, is_shut: bool) -> None:
        """Let the tools that are late be late, or come to their ends."""
        self.world.workshop.is_shut = is_shut

    @rule(which=WHICH, approve=st.booleans())
    def decide(self, which: int, approve: bool) -> None:
        """Agree to a call, or refuse it, twice: whoever comes second with the same word is told the same."""
        asked = [(row.run.id, call) for row in self.open_runs() for call in _asked(row).approvals]
        if asked:
            run_id, call = asked[which % len(asked)]
            approval = Approval(tool_use_id=call.tool_use_id, approve=approve)
            self.answer(lambda: self.world.node.engine.decide(SCOPE, run_id, approval, Author("user")))

    @rule(which=WHICH, output=st.sampled_from(["there", {"at": [None, 1.5]}]), is_error=st.booleans())
    def post_result(self, which: int, output: Any, is_error: bool) -> None:
        """Post what a client's own call gave, twice."""
        asked = [(row.run.id, call) for row in self.open_runs() for call in _asked(row).results]
        if asked:
            run_id, call = asked[which % len(asked)]
            given = ClientResult(tool_use_id=call.tool_use_id, output=output, is_error=is_error)
            self.answer(lambda: self.world.node.engine.take_result(SCOPE, run_id, given))

    def answer(self, say: Callable[[], Coroutine[Any, Any, RunRow]]) -> None:
        """Say something that is waited for, twice. The run may have been stopped on the way there."""
        with suppress(Unavailable, NotWaitedFor):
            self.world.do(say())
            self.world.do(say())

    @rule(which=WHICH)
    def finish(self, which: int) -> None:
        """End an answer."""
        self.say(which, UsageChunk(Usage(output_tokens=7)), FinishChunk("stop"))

    @rule(which=WHICH)
    def fail(self, which: int) -> None:
        """Break off an answer."""
        self.world.node.puppet.fail(which)

    def say(self, which: int, *chunks: Chunk) -> None:
        """Say something to somebody, if anybody listens."""
        self.world.node.puppet.say(which, *chunks)

    # --- what machines do ---

    @rule()
    def crash(self) -> None:
        """Kill -9, between any two steps."""
        self.world.crash()

    @rule()
    def restart(self) -> None:
        """SIGTERM, and no patience."""
        if not self.world.node.store.is_full:
            self.world.restart()

    @rule()
    def let_time_pass(self) -> None:
        """Let happen what can happen by itself."""
        if not self.world.node.store.is_full:
            self.world.settle(self.thread.id)

    @rule()
    def pack(self) -> None:
        """Pack what has ended, before or after everything else that is on its way."""
        if not self.world.node.store.is_full:
            self.world.do(self.world.node.packer.pack_ended())
            self.world.do(self.world.node.packer.sweep())

    @rule()
    def fill_the_disk(self) -> None:
        """From now on nothing can be written."""
        self.world.node.store.is_full = True

    @rule()
    def make_room(self) -> None:
        """Now it can."""
        self.world.node.store.is_full = False

    # --- what readers do ---

    @rule()
    def remember(self) -> None:
        """Hold on to a state, as a client does that goes away."""
        if len(self.remembered) < 4:
            self.remembered.append(self.look()[0])

    @rule(which=WHICH)
    def follow(self, which: int) -> None:
        """Follow from some cursor on."""
        if len(self.world.followers) < 3:
            self.world.follow(self.thread.id, self.look()[0].seq * which // 5)

    @rule()
    def delete(self) -> None:
        """Delete the thread, look what became of everything, and begin with a new one."""
        if self.world.node.store.is_full:
            return
        before = self.look()[1]
        self.world.do(self.world.node.engine.delete_thread(SCOPE, self.thread.id))
        log = self.log_to(100_000)
        assert log[: len(before)] == before
        assert isinstance(log[-1].event, ThreadDeleted)
        state = ThreadState()
        for entry in log:
            state.apply(entry)
        assert state.thread is None
        assert state.runs == []
        self.check_endings(log, are_all_ended=True)
        for read in (self.look, self.open_runs):
            with pytest.raises(NotFound):
                read()
        self.end_followers(log)
        self.begin_thread()

    def end_followers(self, log: list[Entry]) -> None:
        """Whoever follows a deleted thread is told so, and their stream ends by itself."""
        self.world.settle(self.thread.id)
        for follower in self.world.followers:
            self.world.do(follower.end())
            assert follower.has_ended
            assert follower.seen == log[follower.after :]
            self.world.do(follower.leave())
        self.world.followers = []

    # --- what must hold ---

    @invariant()
    def state_is_the_fold(self) -> None:
        """snapshot(seq a) + events(a..b) == snapshot(seq b), from the start and from every state held on to."""
        if not hasattr(self, "world"):
            return
        # Time goes on while one looks: what is compared with the log was seen before it.
        seen = [(follower.after, list(follower.seen)) for follower in self.world.followers]
        found, log = self.look()
        whole = ThreadState()
        for entry in log:
            whole.apply(entry)
        is_same(whole, found)
        for earlier in self.remembered:
            state = ThreadState(earlier.thread, earlier.messages, earlier.runs, earlier.seq, earlier.members)
            for entry in log[earlier.seq :]:
                state.apply(entry)
            is_same(state, found, heard_of(earlier, log))
        for after, entries in seen:
            assert entries == log[after : after + len(entries)], "what was seen is on disk"
        self.check_endings(log, are_all_ended=False)
        self.check_effects()
        if found.members:
            self.check_bounds()

    def check_bounds(self) -> None:
        """For one message of a person agents get so many answers from each other, and so many between two of them."""
        roots = {message.id for message in self.known() if message.role == "user"}
        for root in roots:
            hops = self.world.read(lambda reader, root=root: reader.hops(SCOPE, self.thread.id, root))
            pairs = Counter(frozenset((hop.caller, hop.called)) for hop in hops)
            assert len(hops) <= AGENT_CALLS_MAX
            assert max(pairs.values(), default=0) <= AGENT_PAIR_CALLS_MAX

    def check_effects(self) -> None:
        """Promise 7: what has effects has them once, and not before somebody has agreed where that is asked for."""
        done = self.effects()
        assert {name for (_, name), times in done.items() if times > 1} <= {"again"}
        calls = {call.id: call for call in self.tool_calls()}
        for key, name in done:
            assert key in calls, "who calls has said so before"
            assert calls[key].attempt >= 1
            assert name != "asked" or calls[key].is_approved
        # Time goes on while one looks: what has succeeded by now may have been done since.
        done = self.effects()
        for call in calls.values():
            assert call.status != "succeeded" or call.kind == "client" or (call.id, call.name) in done

    def effects(self) -> Counter[tuple[str, str]]:
        """Count what tools have done in this thread, by the call's key and the tool's name."""
        effects = list(self.world.workshop.effects)
        return Counter((key, name) for thread_id, key, name in effects if thread_id == self.thread.id)

    def tool_calls(self) -> list[ToolCall]:
        """Read all tool calls."""
        query = ToolCallQuery(limit=10_000)
        return self.world.read(lambda reader: reader.tool_calls(SCOPE, self.thread.id, query))

    def check_endings(self, log: list[Entry], are_all_ended: bool) -> None:
        """Every run has one terminal event at most, each begun message one completion at most, before it."""
        # A run that is changed while it waits is told of once more.
        queued = {entry.event.run.id for entry in log if isinstance(entry.event, RunQueued)}
        ended = [entry.run_id for entry in log if entry.type in TERMINAL_TYPES]
        assert len(set(ended)) == len(ended)
        assert set(ended) <= queued
        if are_all_ended:
            assert set(ended) == queued
        places = {entry.run_id: place for place, entry in enumerate(log) if entry.type in TERMINAL_TYPES}
        started = {entry.event.message.id: entry.run_id for entry in log if isinstance(entry.event, MessageStarted)}
        completed: dict[str, int] = {}
        for place, entry in enumerate(log):
            if isinstance(entry.event, MessageCompleted):
                message = entry.event.message
                assert message.id in started
                assert message.id not in completed
                completed[message.id] = place
                check_pairing(message.content)
        # A run that something was handed to goes on in another message; all but its newest one are whole.
        newest = {run_id: message_id for message_id, run_id in started.items()}
        for message_id, run_id in started.items():
            assert (message_id in completed) == (run_id in places or newest[run_id] != message_id)
            if run_id in places:
                assert completed[message_id] < places[run_id], "a message is completed before its run ends"
        for run_id, place in places.items():
            assert all(entry.run_id != run_id for entry in log[place + 1 :]), "a run that has ended says nothing more"

    def finale(self) -> None:
        """Let every run come to its end: none may be left without one (promise 6)."""
        self.world.node.store.is_full = False
        self.world.workshop.is_shut = False
        for _ in range(PATIENCE_STEPS // 50):
            for which in range(len(self.world.node.puppet.listening)):
                self.say(which, FinishChunk("stop"))
            self.decide(0, True)
            self.post_result(0, "at last", False)
            self.world.settle(self.thread.id)
            if not self.open_runs():
                break
        found, log = self.look()
        assert self.open_runs() == []
        assert found.runs == []
        assert found.thread.active_run_id is None
        self.check_endings(log, are_all_ended=True)
        self.check_rows(log)
        self.check_messages(log)
        self.check_calls()
        self.world.settle(self.thread.id)
        for follower in self.world.followers:
            assert follower.seen == log[follower.after :], "whoever follows has everything"

    def check_rows(self, log: list[Entry]) -> None:
        """What a run's row says is what its events say; one key has led to one run."""
        ends = {entry.run_id: entry for entry in log if entry.type in TERMINAL_TYPES}
        begins = {entry.run_id: entry.seq for entry in reversed(log) if isinstance(entry.event, RunQueued)}
        for run_id, entry in ends.items():
            row = self.world.read(lambda reader, run_id=run_id: reader.run(SCOPE, RunId(run_id or "")))
            assert row.run.status in TERMINAL
            assert entry.type == f"run.{row.run.status}"
            assert entry.event.run == row.run  # type: ignore[union-attr]
            assert (row.first_seq, row.last_seq) == (begins[run_id], entry.seq)
            assert all(attempt.ended_at is not None for attempt in row.run.attempts)
            assert [attempt.attempt for attempt in row.run.attempts] == list(range(1, row.run.attempt + 1))

    def check_calls(self) -> None:
        """Every call has its outcome, and it is the one in its message."""
        for call in self.tool_calls():
            assert call.is_settled
            message = self.world.read(lambda reader, call=call: reader.message(SCOPE, call.message_id))
            told = ToolResultBlock(tool_use_id=call.tool_use_id, content=call.output, is_error=bool(call.is_error))
            assert told in message.content

    def check_messages(self, log: list[Entry]) -> None:
        """What the rows of the messages say, on all branches, is what the log says."""
        whole = ThreadState()
        for entry in log:
            whole.apply(entry)
        query = MessageQuery(descending=False, limit=10_000)
        assert self.world.read(lambda reader: reader.messages(SCOPE, self.thread.id, query)) == whole.known

    def look(self) -> tuple[Snapshot, list[Entry]]:
        """Read state and log of one moment."""

        async def script(reader: Reader) -> tuple[Snapshot, list[Entry]]:
            found = await snapshot(reader, SCOPE, self.thread.id, 10_000)
            return found, await reader.log(SCOPE, self.thread.id, 0, found.seq)

        return self.world.read(script)

    def log_to(self, upto: int) -> list[Entry]:
        """Read the log alone."""
        return self.world.read(lambda reader: reader.log(SCOPE, self.thread.id, 0, upto))

    def open_runs(self) -> list[RunRow]:
        """Read the runs that have not ended."""
        return self.world.read(lambda reader: reader.open_runs(SCOPE, self.thread.id))

    def teardown(self) -> None:
        """End well, and leave nothing behind."""
        if hasattr(self, "world"):
            try:
                self.finale()
            finally:
                self.world.close()
                self.stack.close()


def _asked(row: RunRow) -> WaitingFor:
    """Return what a run waits for, which may be nothing."""
    return row.run.waiting_for or WaitingFor([], [])


def branch_of(messages: list[Message], tip: MessageId | None) -> list[MessageId]:
    """Return the ids of what leads to a tip."""
    parents = {message.id: message.parent_id for message in messages}
    found: list[MessageId] = []
    while tip is not None and tip in parents:
        found.append(tip)
        tip = parents[tip]
    return found


def ids_of(messages: list[Message]) -> set[MessageId]:
    """Return the ids of messages."""
    return {message.id for message in messages}


def check_pairing(content: list[object]) -> None:
    """Every request for a tool has its outcome in the same message (promise 7)."""
    asked = [block.id for block in content if isinstance(block, ToolUseBlock)]
    told = [block.tool_use_id for block in content if isinstance(block, ToolResultBlock)]
    assert asked == told


class OnSqlite(Conversation):
    """On a file."""

    @contextmanager
    def place(self) -> Iterator[MakeStore]:
        """Give a folder."""
        with tempfile.TemporaryDirectory(prefix="threadline-property-") as folder:
            yield lambda: SqliteStore(Path(folder) / "threadline.db", SystemClock())


class OnPostgres(Conversation):
    """In a database."""

    server: ClassVar[PostgresServer]
    template: ClassVar[str]

    @contextmanager
    def place(self) -> Iterator[MakeStore]:
        """Give a database."""
        name = self.server.create_database(self.template)
        yield lambda: PostgresStore(self.server.url(name))
        self.server.drop_database(name)


@pytest.fixture
def a_server(postgres: PostgresServer, migrated: str) -> None:
    """Let the machine find the server: Hypothesis hands it nothing."""
    OnPostgres.server, OnPostgres.template = postgres, migrated


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


TestOnSqlite = OnSqlite.TestCase
TestOnSqlite.settings = _settings(EXAMPLES)
TestOnPostgres = pytest.mark.usefixtures("a_server")(OnPostgres.TestCase)
TestOnPostgres.settings = _settings(max(EXAMPLES // 10, 1))
