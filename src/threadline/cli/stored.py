"""One tenant's threads as the store has them, read in pages: what the `threads` commands are made of.

Every page is a read of its own: a long export holds no snapshot open, which would keep a running server from tidying
up its write-ahead log.
"""

from collections.abc import AsyncIterator
from typing import NoReturn

from msgspec import Struct, structs

from threadline.cli.terminal import CommandRefused
from threadline.engine.branches import Branch, read_branch
from threadline.errors import NotFound
from threadline.events import Entry
from threadline.ids import MessageId, ThreadId
from threadline.limits import LOG_PAGE_EVENTS, PAGE_SIZE_MAX
from threadline.records import Message, Thread
from threadline.scopes import System, Tenant
from threadline.store.contract import Reader, Store, ThreadQuery, ToolCallQuery
from threadline.tool_calls import ToolCall

_FIND_TENANT = System("find a tenant by its name, for the operator's terminal")


class News(Struct, frozen=True):
    """What a thread's log has after a cursor. `is_over` says that the thread is deleted, and this was the end of it."""

    entries: list[Entry]
    is_over: bool


class StoredThreads:
    """The threads of one tenant."""

    def __init__(self, store: Store, tenant_name: str, scope: Tenant) -> None:
        self._store = store
        self._tenant_name = tenant_name
        self._scope = scope

    @classmethod
    async def of(cls, store: Store, tenant_name: str) -> "StoredThreads":
        """Return those of the tenant of this name. Raises CommandRefused where there is none."""

        async def script(reader: Reader) -> Tenant:
            tenant_id = await reader.tenant_by_name(_FIND_TENANT, tenant_name)
            if tenant_id is None:
                raise CommandRefused(f"There is no tenant named {tenant_name!r}. Its first key makes it.")
            return Tenant(tenant_id)

        return cls(store, tenant_name, await store.read(_FIND_TENANT, script))

    async def latest(self, count: int) -> list[Thread]:
        """Return up to `count` threads: pinned first, then latest activity."""
        found: list[Thread] = []
        after: tuple[bool, str, str] | None = None
        while len(found) < count:
            query = ThreadQuery(after=after, limit=min(PAGE_SIZE_MAX, count - len(found)))

            async def page(reader: Reader, query: ThreadQuery = query) -> list[Thread]:
                return await reader.threads(self._scope, query)

            threads = await self._store.read(self._scope, page)
            if not threads:
                break
            found.extend(threads)
            after = (threads[-1].pinned, threads[-1].last_activity_at, threads[-1].id)
        return found

    async def thread(self, thread_id: ThreadId) -> Thread:
        """Return a thread with the seq of its newest event. Raises CommandRefused."""

        async def script(reader: Reader) -> Thread:
            row = await reader.thread(self._scope, thread_id)
            return structs.replace(row.thread, seq=await reader.head(self._scope, thread_id))

        try:
            return await self._store.read(self._scope, script)
        except NotFound as error:
            self._refuse(thread_id, error)

    async def messages(self, thread_id: ThreadId) -> AsyncIterator[Message]:
        """Yield the messages of a thread's active branch, oldest first, the one in progress with its text so far.

        Raises CommandRefused.
        """
        leaf: MessageId | None = None
        after: MessageId | None = None
        while True:
            try:
                page = await self._page(thread_id, leaf, after)
            except NotFound as error:
                self._refuse(thread_id, error)
            for message in page.messages:
                yield message
            if len(page.messages) < PAGE_SIZE_MAX:
                return
            leaf, after = page.leaf, page.messages[-1].id

    async def calls(self, thread_id: ThreadId) -> list[ToolCall]:
        """Return all tool calls of a thread, in the order of their requests. Raises CommandRefused."""
        found: list[ToolCall] = []
        while True:
            query = ToolCallQuery(after=found[-1].seq if found else 0, limit=PAGE_SIZE_MAX)

            async def page(reader: Reader, query: ToolCallQuery = query) -> list[ToolCall]:
                return await reader.tool_calls(self._scope, thread_id, query)

            try:
                calls = await self._store.read(self._scope, page)
            except NotFound as error:
                self._refuse(thread_id, error)
            found.extend(calls)
            if len(calls) < PAGE_SIZE_MAX:
                return found

    async def log(self, thread_id: ThreadId, after: int, upto: int) -> AsyncIterator[list[Entry]]:
        """Yield the entries with `after` < seq <= `upto`, page by page. Raises CommandRefused."""
        while after < upto:
            news = await self.news(thread_id, after, upto)
            if news.is_over:
                raise CommandRefused(f"The thread {thread_id} was deleted in the meantime.")
            assert news.entries, "a log has all entries up to its head"
            yield news.entries
            after = news.entries[-1].seq

    async def news(self, thread_id: ThreadId, after: int, upto: int | None = None) -> News:
        """Return the next page of a thread's log; empty where there is nothing new."""
        end = after + LOG_PAGE_EVENTS
        end = end if upto is None else min(end, upto)

        async def script(reader: Reader) -> News:
            try:
                await reader.thread(self._scope, thread_id)
            except NotFound:
                return News(await self._last_words(reader, thread_id, after), is_over=True)
            return News(await reader.log(self._scope, thread_id, after, end), is_over=False)

        return await self._store.read(self._scope, script)

    async def _page(self, thread_id: ThreadId, leaf: MessageId | None, after: MessageId | None) -> Branch:
        async def script(reader: Reader) -> Branch:
            return await read_branch(reader, self._scope, thread_id, leaf, False, after, PAGE_SIZE_MAX)

        return await self._store.read(self._scope, script)

    async def _last_words(self, reader: Reader, thread_id: ThreadId, after: int) -> list[Entry]:
        # The rows of a deleted thread go in batches, some perhaps already gone: asked for one by one, up to where
        # they end.
        found: list[Entry] = []
        try:
            while len(found) < LOG_PAGE_EVENTS:
                entries = await reader.log(self._scope, thread_id, after, after + 1)
                if not entries:
                    break
                found.extend(entries)
                after += 1
        except NotFound:
            pass
        return found

    def _refuse(self, thread_id: ThreadId, error: NotFound) -> NoReturn:
        raise CommandRefused(
            f"There is no thread {thread_id} of the tenant {self._tenant_name!r}. `threadline threads ls` lists them, "
            "--tenant names another tenant."
        ) from error
