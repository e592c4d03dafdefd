"""For whom a store call is made. There is no call without one of these.

`Tenant` and `EndUser` come out of a key or a token (`access/`). `System` is for the engine's few calls that cross
tenants (append a batch, tail, claim, rescue, authenticate), each listed in `store/contract.py`.
"""

from msgspec import Struct

from threadline.ids import TenantId, ThreadId


class Tenant(Struct, frozen=True):
    """A server or admin key: everything of one tenant, on behalf of any of its end users."""

    tenant_id: TenantId

    def may_reach(self, end_user_id: str | None, thread_id: ThreadId) -> bool:
        """Whether a thread of this tenant, owned by `end_user_id`, is in scope."""
        return True


class EndUser(Struct, frozen=True):
    """An end-user token: one end user's threads, and only the named ones where `thread_ids` is given."""

    tenant_id: TenantId
    end_user_id: str
    thread_ids: frozenset[ThreadId] | None = None

    def may_reach(self, end_user_id: str | None, thread_id: ThreadId) -> bool:
        """Whether a thread of this tenant, owned by `end_user_id`, is in scope."""
        if end_user_id != self.end_user_id:
            return False
        return self.thread_ids is None or thread_id in self.thread_ids


class System(Struct, frozen=True):
    """The installation itself. `why` names the errand, for whoever reads the code or a trace."""

    why: str


Scope = Tenant | EndUser
