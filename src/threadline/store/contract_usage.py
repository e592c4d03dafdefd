"""The verbs of usage, as part of `store/contract.py`."""

from typing import Literal, Protocol

from msgspec import Struct

from threadline.ids import TenantId
from threadline.scopes import Scope, System

UsageBy = Literal["tenant", "end_user", "model", "day"]


class UsageQuery(Struct, frozen=True):
    """What to sum by, over which days (UTC, `2026-01-31`): `until` is the first one that does not count.

    The others narrow it to one of a kind; an empty `end_user_id` means what was said on behalf of nobody.
    """

    by: UsageBy
    since: str
    until: str
    tenant_id: TenantId | None = None
    end_user_id: str | None = None
    model: str | None = None


class UsageSum(Struct, frozen=True):
    """What attempts have cost in tokens. Of `attempts` so many are `known`; where none is, a sum is None."""

    key: str | None
    model: str
    attempts: int
    known: int
    input_tokens: int | None
    output_tokens: int | None
    cached_input_tokens: int | None
    reasoning_tokens: int | None


class TenantRow(Struct, frozen=True):
    """A customer of the installation."""

    id: TenantId
    name: str
    created_at: str


class UsageReader(Protocol):
    """The reading verbs. What is summed is written with the end of each attempt, by `save_run`."""

    async def usage(self, scope: Scope, query: UsageQuery) -> list[UsageSum]:
        """Return the sums of one tenant, for each value of the asked column and each model."""
        ...

    async def usage_everywhere(self, system: System, query: UsageQuery) -> list[UsageSum]:
        """Return the sums of the installation."""
        ...

    async def tenants(self, system: System) -> list[TenantRow]:
        """Return all tenants, oldest first."""
        ...
