"""What one sidebar has been shown of its list, so that it is told of changes alone."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import msgspec
from msgspec import structs

from threadline.ids import ThreadId
from threadline.records import Thread

_encode = msgspec.json.Encoder().encode


class Listing:
    """The threads at the top of one list, as they were shown last."""

    def __init__(self) -> None:
        self._shown: dict[ThreadId, int] = {}

    def __contains__(self, thread_id: ThreadId) -> bool:
        return thread_id in self._shown

    def news(self, threads: Iterable[Thread]) -> Iterator[dict[str, Any]]:
        """Yield what to say about threads as they are now: nothing of those that look as they did."""
        for thread in threads:
            # The seq moves with every word of an answer, which shows nowhere in a list.
            looks = hash(_encode(structs.replace(thread, seq=0)))
            if self._shown.get(thread.id) != looks:
                self._shown[thread.id] = looks
                yield {"type": "thread", "thread": thread}

    def gone(self, thread_ids: Iterable[ThreadId], lost: Collection[ThreadId] = ()) -> Iterator[dict[str, Any]]:
        """Yield what to say about threads that are not to be seen any more: those shown, and the `lost` in any case.

        Whoever reads the list may have the latter from a page further down.
        """
        for thread_id in thread_ids:
            if self._shown.pop(thread_id, None) is not None or thread_id in lost:
                yield {"type": "thread.removed", "thread_id": thread_id}

    def beyond(self, threads: Iterable[Thread]) -> list[ThreadId]:
        """Return what was shown and is not among the first of the list any more."""
        first = {thread.id for thread in threads}
        return [thread_id for thread_id in self._shown if thread_id not in first]

    def forget(self, thread_ids: Iterable[ThreadId]) -> None:
        """Let go of threads further down: how they look is of no interest until they come up again."""
        for thread_id in thread_ids:
            self._shown.pop(thread_id, None)
