"""Lists that fetch themselves page by page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from threadline.client.decode import Model
from threadline.client.models import Page

ItemT = TypeVar("ItemT", bound=Model)


class AsyncListing(Generic[ItemT]):
    """A list on the server. Looping over it asks for the next page as it goes; nothing is asked for before that."""

    def __init__(self, fetch: Callable[[str | None], Awaitable[Page[ItemT]]]) -> None:
        self._fetch = fetch

    async def __aiter__(self) -> AsyncIterator[ItemT]:
        async for page in self.pages():
            for item in page:
                yield item

    async def page(self, cursor: str | None = None) -> Page[ItemT]:
        """Return one page: the first, or the one that a `next_cursor` leads to."""
        return await self._fetch(cursor)

    async def pages(self) -> AsyncIterator[Page[ItemT]]:
        """Yield the pages, to the last."""
        page = await self._fetch(None)
        yield page
        while page.next_cursor is not None:
            page = await self._fetch(page.next_cursor)
            yield page
