"""Events become state. Pure: the same log gives the same state, on every node and in every client.

Promise 9 stands here: `snapshot(seq a) + events(a..b) == snapshot(seq b)`, for every operation. Whatever changes a
row of a thread, a message or a run must be visible in an event, or this file cannot follow it.
"""

import json
from collections.abc import Iterable
from typing import Any, assert_never

from msgspec import structs

from threadline.content import Block, ReasoningBlock, TextBlock, ToolResultBlock, ToolUseBlock, storable_json
from threadline.events import (
    DeltaKind,
    Entry,
    MemberAdded,
    MemberRemoved,
    MemberUpdated,
    MessageCompleted,
    MessageCreated,
    MessageDelta,
    MessageEvent,
    MessageStarted,
    MessageSuperseded,
    RunCancelled,
    RunCompleted,
    RunEvent,
    RunExpired,
    RunFailed,
    RunQueued,
    RunStarted,
    RunWaiting,
    ThreadCreated,
    ThreadDeleted,
    ThreadUpdated,
    ToolCompleted,
    ToolRequested,
    ToolStarted,
    UnknownEvent,
)
from threadline.ids import MessageId, RunId
from threadline.records import Message, Run, Thread
from threadline.room_records import Member, MemberId

UNPARSED = "unparsed"
"""The one key of a tool input that was no JSON."""


class Draft:
    """The content of a message that is still being written: deltas in, blocks out.

    Text is kept in pieces and joined when somebody asks, so that an answer of n deltas costs n, not n².
    """

    def __init__(self) -> None:
        self._kinds: dict[int, DeltaKind] = {}
        self._pieces: dict[int, list[str]] = {}
        self._whole: dict[int, Block] = {}
        self._seals: dict[int, tuple[str, str]] = {}

    @classmethod
    def resumed(cls, content: list[Block]) -> "Draft":
        """Return the draft whose `positions` are this content: how a reader goes on from a snapshot."""
        draft = cls()
        for number, block in enumerate(content):
            match block:
                case TextBlock(text=text) if text:
                    draft.add(number, "text", text)
                case ReasoningBlock(text=text, signature=None):
                    draft.add(number, "reasoning", text)
                case ToolUseBlock(id="", input=text):
                    draft.add(number, "tool_input", text)
                case TextBlock():
                    pass
                case _:
                    draft.put(number, block)
        return draft

    def add(self, block: int, kind: DeltaKind, text: str) -> None:
        """Add `text` to block number `block`, which becomes one of `kind` with its first piece."""
        pieces = self._pieces.get(block)
        if pieces is None:
            self._kinds[block] = kind
            self._pieces[block] = [text]
        else:
            assert self._kinds[block] == kind, "a block keeps its kind"
            pieces.append(text)

    def put(self, block: int, whole: Block) -> None:
        """Set a block that has come whole, such as a tool request; what was streamed of it is replaced."""
        self._whole[block] = whole

    def seal(self, block: int, signature: str, provider: str) -> None:
        """Add to a vendor's signature on reasoning block `block`, which may have no text at all."""
        self._kinds.setdefault(block, "reasoning")
        self._pieces.setdefault(block, [])
        before = self._seals[block][0] if block in self._seals else ""
        self._seals[block] = (before + signature, provider)

    def text(self, block: int) -> str:
        """Return what was streamed into one block."""
        return "".join(self._pieces.get(block, ()))

    @property
    def next_block(self) -> int:
        """The number of the first block that is not there yet."""
        return max(self._pieces.keys() | self._whole.keys(), default=-1) + 1

    def blocks(self) -> list[Block]:
        """Return the content so far. A tool's input that is still arriving is not content yet."""
        numbers = sorted(self._pieces.keys() | self._whole.keys())
        return [block for number in numbers if (block := self._block(number)) is not None]

    def positions(self) -> list[Block]:
        """Return the content so far with every block at its number, so that the next delta finds its place.

        A block that has not come yet is an empty text; a tool's input that is still arriving is the text of it, in a
        request without a name.
        """
        return [self._block(number) or self._place_of(number) for number in range(self.next_block)]

    def _place_of(self, number: int) -> Block:
        if number in self._kinds:
            return ToolUseBlock(id="", name="", input=self.text(number))
        return TextBlock(text="")

    def _block(self, number: int) -> Block | None:
        if number in self._whole:
            return self._whole[number]
        match self._kinds.get(number):
            case None:
                return None
            case "text":
                return TextBlock(text=self.text(number))
            case "reasoning":
                signature, provider = self._seals.get(number, (None, None))
                return ReasoningBlock(text=self.text(number), signature=signature, provider=provider)
            case "tool_input":
                return None
            case kind:
                assert_never(kind)


class ThreadState:
    """The fold of one thread's log up to `seq`. Mutable while folding; read it through its attributes."""

    def __init__(
        self,
        thread: Thread | None = None,
        messages: Iterable[Message] = (),
        runs: Iterable[Run] = (),
        seq: int = 0,
        members: Iterable[Member] = (),
    ) -> None:
        self.seq = seq
        self._members: dict[MemberId, Member] = {member.id: member for member in members}
        self._thread = thread
        self._messages: dict[MessageId, Message] = {message.id: message for message in messages}
        self._drafts: dict[MessageId, Draft] = {
            message.id: Draft.resumed(message.content)
            for message in self._messages.values()
            if message.status == "streaming"
        }
        self._runs: dict[RunId, Run] = {run.id: run for run in runs}

    @property
    def thread(self) -> Thread | None:
        """The thread, or None before `thread.created` and after `thread.deleted`."""
        return None if self._thread is None else structs.replace(self._thread, seq=self.seq)

    @property
    def messages(self) -> list[Message]:
        """The active branch, oldest first, the one in progress with its text so far.

        It reaches as far back as is known here: who began with a part of the thread, or follows a fork, may find that
        the first one has a parent, and reads pages of history from there. It is empty where the tip is not known.
        """
        branch: list[Message] = []
        at = None if self._thread is None else self._thread.tip_message_id
        while at is not None and (message := self._messages.get(at)) is not None:
            branch.append(self._with_draft(message))
            at = message.parent_id
        return branch[::-1]

    @property
    def known(self) -> list[Message]:
        """Every message that was heard of, on whatever branch, in the order of hearing."""
        return [self._with_draft(message) for message in self._messages.values()]

    @property
    def runs(self) -> list[Run]:
        """The active run, then the waiting ones in the order of their turns."""
        return sorted(self._runs.values(), key=lambda run: (run.position or 0, run.id))

    @property
    def members(self) -> list[Member]:
        """Who takes part, in the order of their coming."""
        return sorted(self._members.values(), key=lambda member: member.id)

    def apply(self, entry: Entry) -> None:
        """Take the next entry of the log. Its seq must be the next one."""
        assert entry.seq == self.seq + 1, f"the log has a hole: {self.seq} then {entry.seq}"
        self.seq = entry.seq
        event = entry.event
        match event:
            case ThreadCreated():
                self._thread = event.thread
            case ThreadUpdated():
                assert self._thread is not None, "thread.updated before thread.created"
                self._thread = structs.replace(self._thread, **event.thread)
                # The turn of a run whose question is a message already: nothing else tells of it.
                self._forget_input(event.thread.get("active_run_id"))
            case ThreadDeleted():
                self._thread = None
            case MemberAdded() | MemberUpdated():
                self._members[event.member.id] = event.member
            case MemberRemoved():
                self._members.pop(event.member.id, None)
            case MessageCreated() | MessageStarted() | MessageDelta() | MessageSuperseded() | MessageCompleted():
                self.apply_to_message(event)
            case ToolRequested() | ToolStarted() | ToolCompleted():
                self.apply_to_message(event)
            case UnknownEvent():
                pass
            case _:
                self._apply_to_run(event)

    def apply_to_message(self, event: MessageEvent | ToolRequested | ToolStarted | ToolCompleted) -> None:
        """Take an event that concerns a message alone."""
        match event:
            case MessageCreated() | MessageStarted():
                self._add_message(event.message)
            case MessageDelta():
                if (draft := self._drafts.get(event.message_id)) is not None:
                    draft.add(event.block, event.kind, event.text)
            case MessageSuperseded():
                self._drafts[event.message_id] = Draft()
            case MessageCompleted():
                self._drafts.pop(event.message.id, None)
                self._messages[event.message.id] = event.message
                self._touch(event.message.completed_at)
            case ToolRequested():
                block: Block = ToolUseBlock(id=event.tool_use_id, name=event.name, input=event.input)
                self._put(event.message_id, event.block, block)
            case ToolCompleted():
                block = ToolResultBlock(tool_use_id=event.tool_use_id, content=event.output, is_error=event.is_error)
                self._put(event.message_id, event.block, block)
            case ToolStarted():
                pass
            case _:
                assert_never(event)

    def _apply_to_run(self, event: RunEvent) -> None:
        match event:
            case RunQueued():
                self._queue(event.run)
            case RunStarted() | RunWaiting():
                self._runs[event.run.id] = event.run
            case RunCompleted() | RunFailed() | RunCancelled() | RunExpired():
                self._runs.pop(event.run.id, None)
                self._close_ranks()
                if self._thread is not None and self._thread.active_run_id == event.run.id:
                    self._change_thread(active_run_id=None)
            case _:
                assert_never(event)

    def _add_message(self, message: Message) -> None:
        self._messages[message.id] = message
        if message.status == "streaming":
            self._drafts[message.id] = Draft()
        if self._thread is None:
            return
        counted = message.role in ("user", "assistant")
        self._change_thread(message_count=self._thread.message_count + counted, tip_message_id=message.id)
        self._touch(message.created_at)
        # The turn goes to a run with the message that it answers: in one commit, so that nobody sees a free
        # thread with a question that somebody is about to answer.
        if message.run_id is not None and message.role != "assistant":
            self._change_thread(active_run_id=message.run_id)
            self._forget_input(message.run_id)

    def _forget_input(self, run_id: RunId | None) -> None:
        # A run carries its input only while it waits; from here on it is a message of the thread.
        if run_id is not None and (run := self._runs.get(run_id)) is not None:
            self._runs[run_id] = structs.replace(run, input=None, position=None)
            self._close_ranks()

    def _queue(self, run: Run) -> None:
        # It stands where it says, whether it is new or was moved or rewritten; those behind it make room.
        self._runs.pop(run.id, None)
        if run.position is not None:
            self._close_ranks(made_room_at=run.position)
        self._runs[run.id] = run

    def _close_ranks(self, made_room_at: int | None = None) -> None:
        waiting = sorted((run for run in self._runs.values() if run.position is not None), key=_position)
        for place, run in enumerate(waiting, 1):
            position = place if made_room_at is None or place < made_room_at else place + 1
            if run.position != position:
                self._runs[run.id] = structs.replace(run, position=position)

    def _put(self, message_id: MessageId, number: int, block: Block) -> None:
        if (draft := self._drafts.get(message_id)) is not None:
            draft.put(number, block)

    def _touch(self, moment: str | None) -> None:
        if self._thread is not None and moment is not None and moment > self._thread.last_activity_at:
            self._change_thread(last_activity_at=moment)

    def _change_thread(self, **changed: Any) -> None:
        assert self._thread is not None, "only called with a thread"
        self._thread = structs.replace(self._thread, **changed)

    def _with_draft(self, message: Message) -> Message:
        draft = self._drafts.get(message.id)
        return message if draft is None else structs.replace(message, content=draft.positions())


def _position(run: Run) -> int:
    assert run.position is not None, "asked of those that wait"
    return run.position


def tool_input(text: str) -> Any:
    """Read the JSON text of a tool's input. Models do break off: what is no JSON is kept as it came."""
    try:
        return storable_json(json.loads(text)) if text.strip() else {}
    except (ValueError, RecursionError):
        return {UNPARSED: text}


def is_unparsed(value: Any) -> bool:
    """Whether a tool's input was no JSON that can be stored."""
    return isinstance(value, dict) and value.keys() == {UNPARSED}
