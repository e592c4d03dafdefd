"""What every bus promises: it wakes the others, and it never fails its caller."""

from collections.abc import Sequence

from threadline.bus.contract import Nudge
from threadline.bus.memory import Exchange, MemoryBus
from threadline.ids import ThreadId


async def test_the_others_hear_and_the_sender_does_not() -> None:
    """A node has told its own readers already; the bus is for the others."""
    exchange = Exchange()
    one, two = MemoryBus(exchange), MemoryBus(exchange)
    heard: dict[str, list[Nudge]] = {"one": [], "two": []}

    def listen(name: str):
        def listener(nudges: Sequence[Nudge]) -> None:
            heard[name].extend(nudges)

        return listener

    await one.open(listen("one"))
    await two.open(listen("two"))
    one.nudge([Nudge(ThreadId("thr_1"), 5)])
    assert heard == {"one": [], "two": [Nudge(ThreadId("thr_1"), 5)]}
    assert await one.is_healthy()
    await two.close()
    one.nudge([Nudge(ThreadId("thr_1"), 6)])
    assert len(heard["two"]) == 1
    await one.close()
    one.nudge([Nudge(ThreadId("thr_1"), 7)])
