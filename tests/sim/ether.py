"""The bus of the simulation: it loses, repeats, delays and reorders nudges, and invents none."""

from collections.abc import Sequence

from threadline.bus.contract import Listener, Nudge

from .disk import Disk
from .weather import Weather
from .world import NodeLoop, World


class Ether:
    """What lies between the nodes."""

    def __init__(self, world: World, weather: Weather, disk: Disk) -> None:
        self.world = world
        self.weather = weather
        self._disk = disk
        self.listeners: dict[NodeLoop, Listener] = {}

    def carry(self, sender: NodeLoop, nudges: Sequence[Nudge]) -> None:
        """Take nudges to everybody else, each in its own time, if at all."""
        for nudge in nudges:
            if nudge.seq > self._disk.head(nudge.thread_id):
                self.world.blame(f"{nudge.thread_id}: {nudge.seq} is told of and is not stored")
        for loop, listener in self.listeners.items():
            if loop is not sender:
                for nudge in nudges:
                    for delay in self.weather.deliveries():
                        self.world.after(delay, loop.call_soon, listener, [nudge])


class SimBus:
    """One node's connection to it."""

    def __init__(self, ether: Ether, loop: NodeLoop) -> None:
        self._ether = ether
        self._loop = loop

    async def open(self, listener: Listener) -> None:
        """Begin to hear the nudges of the other nodes."""
        self._ether.listeners[self._loop] = listener

    def nudge(self, nudges: Sequence[Nudge]) -> None:
        """Tell the other nodes."""
        if nudges and not self._ether.world.is_over:
            self._ether.carry(self._loop, nudges)

    async def is_healthy(self) -> bool:
        """Always, as far as it knows."""
        return True

    async def close(self) -> None:
        """Stop hearing and telling."""
        self._ether.listeners.pop(self._loop, None)
