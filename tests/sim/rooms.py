"""Holds the log of a room, and what its people were told, against what rooms promise. Each function yields a breach."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

from threadline.engine.mentions import handles_in
from threadline.events import (
    TERMINAL_TYPES,
    Entry,
    MemberAdded,
    MemberRemoved,
    MemberUpdated,
    MessageCompleted,
    MessageCreated,
    MessageStarted,
    RunCompleted,
    RunQueued,
    ThreadUpdated,
)
from threadline.ids import MessageId, RunId, ThreadId
from threadline.limits import AGENT_CALLS_MAX, AGENT_PAIR_CALLS_MAX
from threadline.records import Message, Run
from threadline.room_records import Member, MemberId

from .checkers import Stored
from .guests import OWNER, Asked, Guests, Said


def rooms_were_kept(guests: Guests, threads: Mapping[ThreadId, Stored]) -> Iterator[str]:
    """Who takes part, who may speak, who answers whom, and how often."""
    for thread_id in guests.threads:
        log = threads[thread_id].log
        said = {one.key: one for one in guests.said if one.thread_id == thread_id}
        for breach in (*_whoever_must_answer_does(log, said), *_said_once(log, said), *_answers_are_their_agents(log)):
            yield f"{thread_id}: {breach}"
    for asked in guests.asked:
        yield from _told_the_truth(asked, threads[asked.thread_id].log)
    for person, state in guests.looked:
        if _role(threads[state.thread.id].log, person, state.seq) is None:
            yield f"{state.thread.id}: {person} was shown the state at {state.seq} and takes no part"


class _Room(Struct):
    """What is known of a room up to some entry of its log."""

    members: dict[MemberId, Member] = field(default_factory=dict)
    waiting: dict[RunId, Run] = field(default_factory=dict)
    due: dict[MessageId, list[str | None]] = field(default_factory=dict)
    asked: dict[MessageId, list[str | None]] = field(default_factory=dict)
    roots: dict[RunId, MessageId] = field(default_factory=dict)
    calls: dict[MessageId, list[frozenset[str]]] = field(default_factory=dict)
    answers: dict[MessageId, Message] = field(default_factory=dict)
    spoke_for: dict[MessageId, RunId] = field(default_factory=dict)

    @property
    def agents(self) -> list[Member]:
        """The agents, in the order of their coming."""
        return [member for _, member in sorted(self.members.items()) if member.agent_id is not None]


def _whoever_must_answer_does(log: Sequence[Entry], said: Mapping[str, Said]) -> Iterator[str]:
    """Each agent that must answer a message has one run for it, in the order of the calls, and nobody has another."""
    room, known = _Room(), set[RunId]()
    for entry in log:
        match entry.event:
            case MemberAdded(member=member) | MemberUpdated(member=member):
                room.members[member.id] = member
            case MemberRemoved(member=member):
                room.members.pop(member.id)
            case MessageCreated(message=message) if message.role == "user":
                room.due[message.id] = _due(room, message, said[message.request_id or ""])
            case MessageCompleted(message=message):
                room.answers[message.id] = message
            case RunQueued(run=run) if run.id not in known:
                known.add(run.id)
                room.waiting[run.id] = run
                room.asked.setdefault(run.input_message_id, []).append(run.agent_id)
                before = room.spoke_for.get(run.input_message_id)
                room.roots[run.id] = run.input_message_id if before is None else room.roots[before]
            case ThreadUpdated(thread={"active_run_id": run_id}) if run_id is not None:
                room.waiting.pop(run_id, None)
            case RunCompleted(run=run) if run.output_message_id is not None and run.agent_id is not None:
                room.spoke_for[run.output_message_id] = run.id
                room.due[run.output_message_id] = _called_by(room, run, room.answers[run.output_message_id])
            case _ if entry.type in TERMINAL_TYPES and entry.run_id is not None:
                room.waiting.pop(entry.run_id, None)
            case _:
                pass
    for message_id in {**room.due, **room.asked}:
        due, asked = room.due.get(message_id, []), room.asked.get(message_id, [])
        if due != asked:
            yield f"{message_id} is for {due} to answer, and was given to {asked}"


def _due(room: _Room, message: Message, said: Said) -> list[str | None]:
    called = handles_in(message.content)
    due: list[str | None]
    if said.agent is not None:
        due = [member.agent_id for member in room.agents if member.handle == said.agent]
    else:
        due = [
            member.agent_id
            for member in room.agents
            if member.reply_policy == "all" or (member.reply_policy == "mention" and member.handle in called)
        ]
    if said.on_busy == "merge":
        # Whoever waits to answer something reads this one too.
        ready = {run.agent_id for run in room.waiting.values()}
        due = [agent_id for agent_id in due if agent_id not in ready]
    return due


def _called_by(room: _Room, run: Run, answer: Message) -> list[str | None]:
    """Return whom an agent's answer is for, as far as agents may still call each other for that message of a person."""
    calls = room.calls.setdefault(room.roots[run.id], [])
    there = {member.handle: member for member in room.agents}
    due: list[str | None] = []
    for handle in handles_in(answer.content):
        member = there.get(handle)
        if member is None or member.agent_id in (None, run.agent_id) or member.reply_policy == "none":
            continue
        assert member.agent_id is not None, "an agent"
        assert run.agent_id is not None, "an agent"
        pair = frozenset((run.agent_id, member.agent_id))
        if len(calls) < AGENT_CALLS_MAX and calls.count(pair) < AGENT_PAIR_CALLS_MAX:
            calls.append(pair)
            due.append(member.agent_id)
    return due


def _answers_are_their_agents(log: Sequence[Entry]) -> Iterator[str]:
    """Whoever was asked speaks, and nobody else in his name."""
    asked = {entry.event.run.id: entry.event.run.agent_id for entry in log if isinstance(entry.event, RunQueued)}
    for entry in log:
        if isinstance(entry.event, MessageStarted) and entry.run_id is not None:
            author = entry.event.message.author
            if author.id != asked[entry.run_id]:
                yield f"{entry.run_id} is for {asked[entry.run_id]}, and {author} speaks"


def _said_once(log: Sequence[Entry], said: Mapping[str, Said]) -> Iterator[str]:
    """Promises 5 and 8: what was said is there once, as it was acknowledged, and said by somebody who might."""
    for key, one in said.items():
        created = [e for e in log if isinstance(e.event, MessageCreated) and e.event.message.request_id == key]
        if len(created) > 1 or len(set(one.answers)) > 1 or (one.answers and not created):
            yield f"{key} was acknowledged as {one.answers} and is stored {len(created)} times"
        for entry in created:
            assert isinstance(entry.event, MessageCreated), "chosen"
            role = _role(log, one.person, entry.seq - 1)
            if role not in ("owner", "member") or entry.event.message.author.id != one.person:
                yield f"{key} was said by {one.person}, who is {role} there, and stands as {entry.event.message.author}"
            if one.answers and one.answers[0][0] != entry.event.message.id:
                yield f"{key} was acknowledged as {one.answers} and is {entry.event.message.id}"


def _told_the_truth(asked: Asked, log: Sequence[Entry]) -> Iterator[str]:
    """Whatever somebody was told of himself was so at some moment between his question and the answer."""
    roles = {_role(log, asked.person, asked.before)}
    roles |= {_role(log, asked.person, entry.seq) for entry in log[asked.before : asked.after] if _is_move(entry)}
    truths = {
        "there": {"owner", "member", "viewer"},
        "absent": {None},
        "viewer": {"viewer"},
        "no owner": {"member", "viewer"},
        "": {None, "owner", "member", "viewer"},
    }
    if not roles & truths[asked.told]:
        yield f"{asked.thread_id}: {asked.person} was told {asked.told!r} between {asked.before} and {asked.after}: {roles}"


def _is_move(entry: Entry) -> bool:
    return isinstance(entry.event, MemberAdded | MemberUpdated | MemberRemoved)


def _role(log: Sequence[Entry], person: str, seq: int) -> str | None:
    """Return what somebody is in a room at a seq."""
    role = "owner" if person == OWNER else None
    for entry in log[:seq]:
        match entry.event:
            case MemberAdded(member=member) | MemberUpdated(member=member) if member.end_user_id == person:
                role = member.role
            case MemberRemoved(member=member) if member.end_user_id == person:
                role = None
            case _:
                pass
    return role
