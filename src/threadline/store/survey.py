"""What the operator's commands may ask of a database, whatever it is. A survey changes nothing.

It is for one hand in one thread, and waits for each answer: a command has nothing else to do meanwhile.
"""

from collections.abc import Sequence
from typing import Protocol, Self, TypeVar

from msgspec import Struct

from threadline.ids import TenantId, ThreadId
from threadline.store.contract import ReadScript

T = TypeVar("T")


class ThreadPlace(Struct, frozen=True):
    """A thread, and whose it is."""

    tenant_id: TenantId
    thread_id: ThreadId


class Surveyed(Protocol):
    """One connection that only looks. To be used in one thread, and closed."""

    @property
    def name(self) -> str:
        """What to call the database: a path, or an address without a password."""
        ...

    @property
    def version(self) -> int:
        """The schema version of the database."""
        ...

    @property
    def newest_version(self) -> int:
        """The schema version that this program knows."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...

    def read(self, script: ReadScript[T]) -> T:
        """Run a script on one consistent snapshot. Raises what it raises, or StoreRefused."""
        ...

    def threads(self) -> Sequence[ThreadPlace]:
        """Return all threads that are not deleted, of all tenants."""
        ...

    def damage(self, is_quick: bool = False) -> Sequence[str]:
        """Return what is wrong with the database below the threads, in the words of those who found it."""
        ...
