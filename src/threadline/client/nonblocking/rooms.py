"""Agents, and who takes part in a thread."""

from typing import Unpack

from threadline.client import rooms
from threadline.client.nonblocking.pages import AsyncListing
from threadline.client.nonblocking.transport import AsyncTransport
from threadline.client.rooms import Agent, AgentOptions, Member, MemberOptions


class AsyncAgents:
    """Stored personas, with all that they have been."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(self, **options: Unpack[AgentOptions]) -> Agent:
        """Create an agent; it needs a `handle`."""
        return await self._transport.call(rooms.agent_create(options))

    async def get(self, agent: str) -> Agent:
        """Return an agent by its id or handle. Raises `NotFound`."""
        return await self._transport.call(rooms.agent_get(agent))

    def list(self, *, archived: bool | None = None, limit: int | None = None) -> AsyncListing[Agent]:
        """List the agents that one may see, by handle, in pages of `limit`."""
        return AsyncListing(lambda cursor: self._transport.call(rooms.agent_list(archived, limit, cursor)))

    async def update(self, agent: str, **changes: Unpack[AgentOptions]) -> Agent:
        """Change what is given: the next version of the agent."""
        return await self._transport.call(rooms.agent_update(agent, changes))

    async def delete(self, agent: str) -> None:
        """Take an agent away; what it has answered stays."""
        await self._transport.call(rooms.agent_delete(agent))

    def versions(self, agent: str, *, limit: int | None = None) -> AsyncListing[Agent]:
        """List what an agent has been, newest first, in pages of `limit`."""
        return AsyncListing(lambda cursor: self._transport.call(rooms.agent_versions(agent, limit, cursor)))


class AsyncMembers:
    """Who takes part in a thread. A member is named by its id, its end user's or agent's id, or its handle."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def add(
        self,
        thread_id: str,
        end_user_id: str | None = None,
        *,
        agent: str | None = None,
        **options: Unpack[MemberOptions],
    ) -> Member:
        """Let a person, or an agent by its id or handle, take part. Who is there already stays as he is."""
        return await self._transport.call(rooms.member_add(thread_id, end_user_id, agent, options))

    async def list(self, thread_id: str) -> tuple[Member, ...]:
        """Return all of them, in the order of their coming."""
        return await self._transport.call(rooms.member_list(thread_id))

    async def update(self, thread_id: str, member: str, **changes: Unpack[MemberOptions]) -> Member:
        """Change what is given."""
        return await self._transport.call(rooms.member_update(thread_id, member, changes))

    async def remove(self, thread_id: str, member: str) -> None:
        """Let somebody take part no more; his streams of the thread end."""
        await self._transport.call(rooms.member_remove(thread_id, member))
