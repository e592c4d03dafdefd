"""Promise 9, for random sequences of operations on the real engine: state is the fold of the log."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from threadline.content import TextBlock
from threadline.engine.accept import Send
from threadline.engine.state import Snapshot, snapshot
from threadline.engine.threads import NewThread
from threadline.errors import IdempotencyMismatch, ThreadBusy
from threadline.events import TERMINAL_TYPES, MessageCompleted, MessageStarted, RunQueued
from threadline.fold import ThreadState

from .machine import SCOPE, FinishChunk, ReasoningChunk, ToolCallChunk, ToolInputChunk, World, text

WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1, max_size=20)
WHICH = st.integers(0, 5)


def is_same(state: ThreadState, found: Snapshot) -> None:
    """Compare a fold with a snapshot, field by field, so that a difference is readable."""
    assert state.seq == found.seq
    assert state.thread == found.thread
    assert state.messages == found.messages
    assert state.runs == found.runs


class Conversation(RuleBasedStateMachine):
    """One thread, everything that may happen to it, crashes included."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="threadline-property-"))
        self.world = World(self.folder / "threadline.db")
        self.thread, _ = self.world.do(self.world.node.engine.create_thread(SCOPE, NewThread(title="t")))
        self.remembered: list[Snapshot] = []
        self.sent: dict[str, tuple[str, str]] = {}

    def send(self, words: str, **options: object) -> object:
        made = Send(content=[TextBlock(words)], **options)
        return self.world.do(self.world.node.engine.send(SCOPE, self.thread.id, made))

    @rule(words=WORDS)
    def ask(self, words: str) -> None:
        self.send(words)

    @rule(words=WORDS, key=st.sampled_from("abc"))
    def ask_once(self, words: str, key: str) -> None:
        """The same key and body is the same run for ever; another body is refused."""
        if key not in self.sent:
            self.sent[key] = (words, self.send(words, key=key).run.run.id)
            return
        first, run_id = self.sent[key]
        again = self.send(first, key=key)
        assert again.is_replay
        assert again.run.run.id == run_id
        if words != first:
            try:
                self.send(words, key=key)
            except IdempotencyMismatch:
                pass
            else:
                raise AssertionError("another body was taken for the same send")

    @rule(words=WORDS)
    def ask_if_free(self, words: str) -> None:
        try:
            self.send(words, on_busy="reject")
        except ThreadBusy as busy:
            assert busy.extra["run_id"]

    @rule(words=WORDS, role=st.sampled_from(["user", "assistant", "system"]))
    def move_in(self, words: str, role: str) -> None:
        self.send(words, respond=False, role=role)

    @rule(words=WORDS, which=WHICH)
    def speak(self, words: str, which: int) -> None:
        self.world.node.puppet.say(which, text(words, 1))

    @rule(words=WORDS, which=WHICH)
    def think(self, words: str, which: int) -> None:
        self.world.node.puppet.say(which, ReasoningChunk(0, words))

    @rule(which=WHICH, is_whole=st.booleans())
    def call_a_tool(self, which: int, is_whole: bool) -> None:
        listeners = self.world.node.puppet.listening
        if listeners:
            chunks = [ToolCallChunk(2, "call_1", "weather"), ToolInputChunk(2, '{"city": "Rome"')]
            if is_whole:
                chunks += [ToolInputChunk(2, "}"), FinishChunk("tool_use")]
                self.world.node.puppet.say(which, *chunks)

    @rule(which=WHICH)
    def finish(self, which: int) -> None:
        self.world.node.puppet.say(which, FinishChunk("stop"))

    @rule(which=WHICH)
    def fail(self, which: int) -> None:
        self.world.node.puppet.fail(which)

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        async def script(reader):
            return await reader.open_runs(SCOPE, self.thread.id)

        runs = self.world.read(script)
        if runs:
            self.world.do(self.world.node.engine.cancel(SCOPE, runs[which % len(runs)].run.id))

    @rule(title=WORDS, is_pinned=st.booleans())
    def change(self, title: str, is_pinned: bool) -> None:
        changed = {"title": title, "pinned": is_pinned}
        self.world.do(self.world.node.engine.update_thread(SCOPE, self.thread.id, changed))

    @rule()
    def crash(self) -> None:
        self.world.crash()

    @rule()
    def pack(self) -> None:
        self.world.settle()
        self.world.do(self.world.node.packer.sweep())

    @rule()
    def remember(self) -> None:
        if len(self.remembered) < 4:
            self.remembered.append(self.snapshot())

    @invariant()
    def state_is_the_fold(self) -> None:
        if not hasattr(self, "world"):
            return
        found, log = self.look()
        whole = ThreadState()
        for entry in log:
            whole.apply(entry)
        is_same(whole, found)
        for earlier in self.remembered:
            state = ThreadState(earlier.thread, earlier.messages, earlier.runs, earlier.seq)
            self.check_resumed(state, earlier, log, found)
        self.check_endings(log)

    def check_resumed(self, state: ThreadState, earlier: Snapshot, log: list, found: Snapshot) -> None:
        """snapshot(seq a) + events(a..b) == snapshot(seq b), as a client does it that reloads in mid-answer."""
        for entry in log[earlier.seq :]:
            state.apply(entry)
        is_same(state, found)

    def check_endings(self, log: list) -> None:
        """Every run has at most one terminal event, every started message at most one completion, both in order."""
        queued = [entry.event.run.id for entry in log if isinstance(entry.event, RunQueued)]
        ended = [entry.run_id for entry in log if entry.type in TERMINAL_TYPES]
        assert len(set(ended)) == len(ended)
        assert set(ended) <= set(queued)
        started = [entry.event.message.id for entry in log if isinstance(entry.event, MessageStarted)]
        completed = [entry.event.message.id for entry in log if isinstance(entry.event, MessageCompleted)]
        assert len(set(started)) == len(started)
        assert len(set(completed)) == len(completed)
        assert set(completed) <= set(started)

    def snapshot(self) -> Snapshot:
        async def script(reader):
            return await snapshot(reader, SCOPE, self.thread.id, 10_000)

        return self.world.read(script)

    def look(self):
        """Read state and log of one moment."""

        async def script(reader):
            found = await snapshot(reader, SCOPE, self.thread.id, 10_000)
            return found, await reader.log(SCOPE, self.thread.id, 0, found.seq)

        return self.world.read(script)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()
            shutil.rmtree(self.folder, ignore_errors=True)


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
