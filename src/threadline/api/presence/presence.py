"""The rooms of one node: tells its sockets who comes and goes, and the other nodes about its own people.

Each node says again and again who is with it, and forgets whom the others say no more: a node that dies takes its
people with it, and a whisper that was lost is made good by the next one.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from threadline.api.presence.room import Room, Seat, Tell
from threadline.api.presence.words import Asked, Here, Status, Typed, Word, whisper, whispers_of, word_of
from threadline.bus.contract import Bus, Whisper
from threadline.clock import Clock
from threadline.ids import NodeId, ThreadId
from threadline.limits import PRESENCE_LOST_SECONDS, PRESENCE_STATUS_SECONDS, TYPING_SECONDS

_encode = msgspec.json.Encoder().encode


class Presence:
    """Who is in which thread, as far as this node has somebody there to tell."""

    def __init__(self, bus: Bus, clock: Clock, node_id: NodeId) -> None:
        self._bus = bus
        self._clock = clock
        self.node_id = node_id
        self._rooms: dict[ThreadId, Room] = {}

    def enter(self, thread_id: ThreadId, person: str | None, tell: Tell) -> Seat:
        """Take a seat in a thread: it is told who is there, and what changes from then on."""
        room = self._rooms.get(thread_id)
        if room is None:
            room = self._rooms[thread_id] = Room()
            self._say(thread_id, Asked(self.node_id))
        seat = Seat(person, tell)
        before = None if person is None else room.status(person)
        room.add(seat)
        people = [{"end_user_id": it, "status": room.status(it)} for it in room.people()]
        tell("presence.state", _encode({"type": "presence.state", "thread_id": thread_id, "people": people}))
        self._note_change(thread_id, room, person, before, seat)
        return seat

    def leave(self, thread_id: ThreadId, seat: Seat) -> None:
        """Give a seat up; the last one closes the room."""
        room = self._rooms[thread_id]
        before = None if seat.person is None else room.status(seat.person)
        room.remove(seat)
        self._note_change(thread_id, room, seat.person, before)
        if not room.seats:
            del self._rooms[thread_id]

    def set_status(self, thread_id: ThreadId, seat: Seat, status: Status) -> None:
        """Say that the person on a seat is there, or away."""
        room = self._rooms[thread_id]
        before = None if seat.person is None else room.status(seat.person)
        seat.status = status
        self._note_change(thread_id, room, seat.person, before)

    def type(self, thread_id: ThreadId, seat: Seat, is_typing: bool) -> None:
        """Say that the person on a seat is typing, to everybody else in the thread."""
        assert seat.person is not None, "asked for by the caller"
        word = Typed(seat.person, is_typing)
        self._tell_typing(thread_id, word, seat)
        self._say(thread_id, word)

    def hear(self, whispers: Sequence[Whisper]) -> None:
        """Take whispers from the bus: about threads where nobody sits here they say nothing to us."""
        for said in whispers:
            room = self._rooms.get(said.thread_id)
            word = None if room is None else word_of(said)
            if room is None or word is None:
                continue
            match word:
                case Here():
                    self._hear_of(said.thread_id, room, word)
                case Asked():
                    self._say_who_is_here(said.thread_id, room)
                case Typed():
                    self._tell_typing(said.thread_id, word)

    async def keep_forever(self) -> None:
        """Say who is here, and forget of whom nothing is said. The caller owns the task."""
        while True:
            await asyncio.sleep(PRESENCE_STATUS_SECONDS)
            self.look_around()

    def look_around(self) -> None:
        """Say who is here, and forget of whom nothing was said."""
        since = self._clock.monotonic() - PRESENCE_LOST_SECONDS
        for thread_id, room in list(self._rooms.items()):
            self._say_who_is_here(thread_id, room)
            for node, person in room.silent(since):
                self._hear_of(thread_id, room, Here(node, [(person, None)]))

    def _hear_of(self, thread_id: ThreadId, room: Room, word: Here) -> None:
        before = {person: room.status(person) for person, _ in word.people}
        room.hear(word.node, word.people, self._clock.monotonic())
        for person, status in before.items():
            self._tell_change(thread_id, room, person, status)

    def _note_change(
        self, thread_id: ThreadId, room: Room, person: str | None, before: Status | None, but: Seat | None = None
    ) -> None:
        if person is None:
            return
        self._tell_change(thread_id, room, person, before, but)
        self._bus.whisper(list(whispers_of(thread_id, self.node_id, [(person, room.status_here(person))])))

    def _tell_change(
        self, thread_id: ThreadId, room: Room, person: str, before: Status | None, but: Seat | None = None
    ) -> None:
        status = room.status(person)
        if status == before:
            return
        change = _encode(
            {"type": "presence", "thread_id": thread_id, "end_user_id": person, "status": status or "offline"}
        )
        for seat in list(room.seats):
            if seat is not but:
                seat.tell("presence", change)

    def _tell_typing(self, thread_id: ThreadId, word: Typed, but: Seat | None = None) -> None:
        said = _encode(
            {
                "type": "typing",
                "thread_id": thread_id,
                "end_user_id": word.end_user_id,
                "is_typing": word.is_typing,
                "seconds": TYPING_SECONDS,
            }
        )
        for seat in list(self._rooms[thread_id].seats):
            if seat is not but:
                seat.tell("typing", said)

    def _say_who_is_here(self, thread_id: ThreadId, room: Room) -> None:
        people = [(person, room.status_here(person)) for person in room.people_here()]
        self._bus.whisper(list(whispers_of(thread_id, self.node_id, people)))

    def _say(self, thread_id: ThreadId, word: Word) -> None:
        self._bus.whisper([whisper(thread_id, word)])
