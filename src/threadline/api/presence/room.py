"""Who is in one thread: on the seats of this node, and as other nodes tell. Pure.

A person is in a thread while any of their devices is, on any node, and `online` if one of them says so.
"""

from collections.abc import Callable, Iterable

from threadline.api.presence.words import Status

Tell = Callable[[str, bytes], None]
"""Says something to one client: its type, and the whole as JSON. May not wait and may not raise."""


class Seat:
    """One device in a thread. A key that acts for nobody has no person: it sees and is not seen."""

    __slots__ = ("person", "status", "tell")

    def __init__(self, person: str | None, tell: Tell) -> None:
        self.person = person
        self.tell = tell
        self.status: Status = "online"


class Room:
    """The people of one thread, as one node knows them."""

    def __init__(self) -> None:
        self.seats: dict[Seat, None] = {}
        self._here: dict[str, list[Seat]] = {}
        self._elsewhere: dict[str, dict[str, tuple[Status, float]]] = {}

    def status(self, person: str) -> Status | None:
        """Return a person's status over all devices and nodes; None for somebody who is not there."""
        found = [here[person][0] for here in self._elsewhere.values() if person in here]
        here = self.status_here(person)
        return _best(found if here is None else [*found, here])

    def status_here(self, person: str) -> Status | None:
        """Return a person's status on this node."""
        return _best(seat.status for seat in self._here.get(person, ()))

    def people(self) -> list[str]:
        """Return everybody who is there, on whatever node, by id."""
        found = set(self.people_here())
        for here in self._elsewhere.values():
            found.update(here)
        return sorted(found)

    def people_here(self) -> list[str]:
        """Return everybody who is there on this node, by id."""
        return sorted(self._here)

    def add(self, seat: Seat) -> None:
        """Let a device in."""
        self.seats[seat] = None
        if seat.person is not None:
            self._here.setdefault(seat.person, []).append(seat)

    def remove(self, seat: Seat) -> None:
        """Let a device go."""
        del self.seats[seat]
        if seat.person is not None:
            self._here[seat.person].remove(seat)
            if not self._here[seat.person]:
                del self._here[seat.person]

    def hear(self, node: str, people: Iterable[tuple[str, Status | None]], now: float) -> None:
        """Take what another node says of its people. `now` is of the monotonic clock."""
        here = self._elsewhere.setdefault(node, {})
        for person, status in people:
            if status is None:
                here.pop(person, None)
            else:
                here[person] = status, now
        if not here:
            del self._elsewhere[node]

    def silent(self, since: float) -> list[tuple[str, str]]:
        """Return (node, person) of whom nothing was said since then."""
        return [
            (node, person)
            for node, here in self._elsewhere.items()
            for person, (_, heard_at) in here.items()
            if heard_at < since
        ]


def _best(found: Iterable[Status]) -> Status | None:
    return max(found, key=lambda status: status == "online", default=None)
