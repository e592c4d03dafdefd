"""Sees that nobody goes on reading with what has ended: a session that was signed out, a key that was revoked.

Whoever ends one says so on the bus, and every node cuts what was opened with it. Behind a lost nudge stands a look of
each node at what its own readers have come with; it also finds what was revoked from a terminal.
"""

import asyncio
from collections.abc import Sequence

from threadline.api.readers import Readers
from threadline.bus.contract import Bus, Nudge
from threadline.errors import Unavailable
from threadline.ids import KeyId, SessionId, ThreadId
from threadline.limits import CREDENTIALS_LOOK_SECONDS
from threadline.scopes import System
from threadline.store.contract import Reader, Store

_LOOK = System("see whether what the readers have come with is still good")


class Credentials:
    """The watch of one node over what its streams were opened with."""

    def __init__(self, store: Store, bus: Bus, readers: Readers) -> None:
        self._store = store
        self._bus = bus
        self._readers = readers

    def end(self, credential: SessionId | KeyId) -> None:
        """Cut what was opened with a session that has ended, or a key that was revoked, here and on all nodes."""
        self._readers.cut_those({credential})
        # To the bus it is a name like any other; nobody's thread is called so.
        self._bus.nudge([Nudge(ThreadId(credential), 0)])

    def hear(self, nudges: Sequence[Nudge]) -> None:
        """Take nudges from the bus."""
        ended = {nudge.thread_id for nudge in nudges if nudge.thread_id.startswith(("ses_", "key_"))}
        if ended:
            self._readers.cut_those(ended)

    async def look_forever(self) -> None:
        """Look again and again. The caller owns the task."""
        while True:
            await asyncio.sleep(CREDENTIALS_LOOK_SECONDS)
            try:
                await self.look()
            except Unavailable:
                # Nobody new gets in meanwhile either.
                continue

    async def look(self) -> None:
        """Cut what was opened with something that does not hold any more. Raises Unavailable."""
        sessions, keys = self._readers.credentials()
        if not sessions and not keys:
            return

        async def script(reader: Reader) -> set[str]:
            return await reader.ended_among(_LOOK, sorted(sessions), sorted(keys))

        self._readers.cut_those(await self._store.read(_LOOK, script))
