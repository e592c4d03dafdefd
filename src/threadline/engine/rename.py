"""Tells the rooms that an agent is called otherwise now. One room after the other, each in a transaction of its own.

A room's handle for an agent is the agent's, until somebody gives it one of the room's own. That an agent has been
renamed stands in a row until every room that it is in has heard of it, so that no crash leaves a room behind.
"""

import asyncio
from contextlib import suppress
from typing import Any

from msgspec import structs

from threadline.engine.members import update_member
from threadline.errors import NameTaken, NotFound, ShuttingDown, Unavailable
from threadline.ids import ThreadId
from threadline.journal.append import Journal
from threadline.observe import log
from threadline.room_records import Member, Rename
from threadline.scopes import System, Tenant
from threadline.store.contract import Reader, Store, Transaction

_RENAME = System("tell rooms that an agent is called otherwise")

LOOK_SECONDS = 30.0
"""How often to look for what a crash has left; who renames says so at once."""

RENAMES_AT_ONCE = 10
ROOMS_AT_ONCE = 100


class Renamer:
    """Tells the rooms. Several nodes may do it at once: who comes second finds nothing to change."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal
        self._told = asyncio.Event()

    def tell(self) -> None:
        """Hear that an agent has been renamed."""
        self._told.set()

    async def run(self) -> None:
        """Tell rooms for ever; the caller owns the task."""
        while True:
            self._told.clear()
            try:
                await self.look()
            except Unavailable as error:
                log.warning("rooms_not_told", detail=error.detail)
            except ShuttingDown:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._told.wait()

    async def look(self) -> None:
        """Tell all rooms of all agents that were renamed. Raises Unavailable and ShuttingDown."""

        async def script(reader: Reader) -> list[Rename]:
            return await reader.renames(_RENAME, RENAMES_AT_ONCE)

        while found := await self._store.read(_RENAME, script):
            for rename in found:
                await self._tell_rooms(rename)

    async def _tell_rooms(self, rename: Rename) -> None:
        scope, after = Tenant(rename.tenant_id), ThreadId("")

        async def script(reader: Reader) -> list[Member]:
            return await reader.members_of_agent(scope, rename.agent_id, after, ROOMS_AT_ONCE)

        while members := await self._store.read(scope, script):
            for member in members:
                await self._tell_room(scope, rename, member)
            after = members[-1].thread_id

        async def done(transaction: Transaction) -> None:
            await transaction.drop_rename(_RENAME, rename)

        await self._journal.write(_RENAME, done)

    async def _tell_room(self, scope: Tenant, rename: Rename, member: Member) -> None:
        async def script(transaction: Transaction) -> None:
            current = {each.id: each for each in await transaction.members(scope, member.thread_id)}.get(member.id)
            if current is not None:
                changed = _changed(current, rename)
                await update_member(transaction, scope, member.thread_id, member.id, changed)

        try:
            await self._journal.write(_RENAME, script)
        except NotFound:
            # Deleted, or the agent was removed meanwhile.
            return
        except NameTaken:
            # Somebody else in this room is called that: the agent keeps the handle by which it is known there.
            await self._tell_room(scope, structs.replace(rename, new_handle=rename.old_handle), member)


def _changed(member: Member, rename: Rename) -> dict[str, Any]:
    """Return what changes of a member: what is the room's own stays."""
    changed: dict[str, Any] = {}
    if member.handle == rename.old_handle:
        changed["handle"] = rename.new_handle
    if member.name == rename.old_name:
        changed["name"] = rename.new_name
    return changed
