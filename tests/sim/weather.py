"""What goes wrong, and how often: drawn from the seed, and different in kind from one seed to the next.

Some seeds are calm, so that what needs no fault to break is seen to break; some have one kind of fault only, so that it
is not hidden behind another; some have everything.
"""

import enum
import random
from collections.abc import Sequence

from msgspec import Struct, structs

from threadline.ids import ThreadId
from threadline.store.contract import DeltaRow

RARE_LOSSES = 0.5
"""The share of answers to what hardly ever happens that are lost, where any are."""


class Fate(enum.Enum):
    """What becomes of a message."""

    ARRIVES = "arrives"
    LOST_REQUEST = "lost request"
    LOST_ANSWER = "lost answer"
    MET_ANOTHER = "met another"


class Climate(Struct, frozen=True):
    """How often what goes wrong: shares of 1 where nothing else is said."""

    kills: int = 0
    pauses: int = 0
    drains: int = 0
    outages: int = 0
    partitions: int = 0
    sleeps: int = 0
    store_losses: float = 0.0
    conflicts: float = 0.0
    locks: float = 0.0
    nudge_losses: float = 0.0
    nudge_repeats: float = 0.0
    nudge_delay_seconds: float = 0.02
    slow_store: float = 0.0
    connection_cuts: float = 0.0
    skew_seconds: float = 0.0

    @property
    def is_calm(self) -> bool:
        """Whether no attempt has a reason to be replaced."""
        struck = self.kills or self.pauses or self.drains or self.outages or self.partitions or self.sleeps
        return not (struck or self.store_losses or self.slow_store)

    @property
    def is_prompt(self) -> bool:
        """Whether whatever is told arrives, and soon."""
        return self.is_calm and not self.nudge_losses and self.nudge_delay_seconds < 0.1


def draw_climate(dice: random.Random) -> Climate:
    """Draw what this seed's world is like: each kind of fault is there or not, and rare or frequent."""

    def often(*values: float) -> float:
        return dice.choice(values) if dice.random() < 0.6 else 0.0

    kind = dice.random()
    if kind < 0.1:
        return Climate()
    small = Climate(
        conflicts=often(0.02, 0.2),
        locks=often(0.02, 0.2, 0.5),
        nudge_losses=often(0.1, 0.5, 1.0),
        nudge_repeats=often(0.1, 0.5),
        nudge_delay_seconds=dice.choice((0.001, 0.02, 0.3)),
        connection_cuts=often(0.02, 0.1),
        skew_seconds=often(0.1, 3.0),
    )
    if kind < 0.3:
        return small
    return structs.replace(
        small,
        kills=int(often(1, 2, 3, 5)),
        pauses=int(often(1, 2, 4)),
        drains=int(often(1, 2)) if dice.random() < 0.5 else 0,
        outages=int(often(1, 2)) if dice.random() < 0.6 else 0,
        partitions=int(often(1, 2, 4)),
        sleeps=1 if dice.random() < 0.15 else 0,
        store_losses=often(0.002, 0.01, 0.03),
        slow_store=often(0.01, 0.05),
    )


class Weather:
    """The climate at work. One for a seed."""

    def __init__(self, climate: Climate, dice: random.Random) -> None:
        self.climate = climate
        self.is_fair = False
        self._dice = dice

    def _happens(self, share: float) -> bool:
        return not self.is_fair and self._dice.random() < share

    def way_to_store(self, is_away: bool) -> tuple[Fate, float, float]:
        """Return what becomes of one question to the store, and the seconds there and back."""
        there, back = self._dice.uniform(0.0002, 0.004), self._dice.uniform(0.0002, 0.004)
        if self._happens(self.climate.slow_store):
            there += self._dice.uniform(0.0, 1.5)
        if self._happens(self.climate.slow_store):
            back += self._dice.uniform(0.0, 1.5)
        if is_away:
            return Fate.LOST_REQUEST, there, back + self._dice.choice((0.0, 0.5))
        if self._happens(self.climate.store_losses):
            return self._dice.choice((Fate.LOST_REQUEST, Fate.LOST_ANSWER)), there, back
        return Fate.ARRIVES, there, back

    def fate_of_write(self, is_rare: bool = False) -> Fate:
        """Return what becomes of one try of a script. What is rare has its share of bad luck all the same."""
        if is_rare and self.climate.store_losses and self._happens(RARE_LOSSES):
            return Fate.LOST_ANSWER
        if self._happens(self.climate.conflicts):
            return Fate.MET_ANOTHER
        return Fate.LOST_ANSWER if self._happens(self.climate.store_losses) else Fate.ARRIVES

    def forgets_fate(self) -> bool:
        """Whether nobody can say any more what became of a transaction."""
        return self._happens(0.3)

    def dies_with_its_node(self) -> bool:
        """Whether what a node had sent when it was killed never arrives."""
        return self._dice.random() < 0.5

    def locked_threads(self, deltas: Sequence[DeltaRow]) -> set[ThreadId]:
        """Return the threads that somebody else is writing to."""
        threads = dict.fromkeys(row.thread_id for row in deltas)
        return {thread_id for thread_id in threads if self._happens(self.climate.locks)}

    def deliveries(self) -> list[float]:
        """Return after how many seconds one nudge is delivered, each time that it is."""
        if self._happens(self.climate.nudge_losses):
            return []
        times = 1 + self._happens(self.climate.nudge_repeats)
        return [self._dice.expovariate(1 / self.climate.nudge_delay_seconds) for _ in range(times)]

    def cuts_connection(self) -> bool:
        """Whether a connection between client and node breaks now."""
        return self._happens(self.climate.connection_cuts)

    def seconds_between(self) -> float:
        """Return how long something is on its way between client and node."""
        return self._dice.uniform(0.0005, 0.02)

    def skew_ms(self) -> int:
        """Return by how much a node's clock goes wrong."""
        return round(self._dice.uniform(-1, 1) * self.climate.skew_seconds * 1000)
