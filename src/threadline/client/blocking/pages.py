"""Lists that fetch themselves page by page."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from threadline.client.decode import Model
from threadline.client.models import Page

ItemT = TypeVar("ItemT", bound=Model)


class Listing(Generic[ItemT]):
    """A list on the server. Looping over it asks for the next page as it goes; nothing is asked for before that."""

    def __init__(self, fetch: Callable[[str | None], Page[ItemT]]) -> None:
        self._fetch = fetch

    def __iter__(self) -> Iterator[ItemT]:
        for page in self.pages():
            yield from page

    def page(self, cursor: str | None = None) -> Page[ItemT]:
        """Return one page: the first, or the one that a `next_cursor` leads to."""
        return self._fetch(cursor)

    def pages(self) -> Iterator[Page[ItemT]]:
        """Yield the pages, to the last."""
        page = self._fetch(None)
        yield page
        while page.next_cursor is not None:
            page = self._fetch(page.next_cursor)
            yield page
