"""The record of one tool call: the audit trail, one row for each request of a model, whatever became of it.

A call is `requested`, perhaps `approved`, then `running`, and ends as `succeeded`, `failed` or `cancelled`; one that a
client answers, or that is never made, goes from `requested` to its end. Its end is an output that the model is shown.
"""

from typing import Any, Literal

from msgspec import Struct

from threadline.ids import MessageId, RunId, ThreadId
from threadline.records import Author

CallStatus = Literal["requested", "approved", "running", "succeeded", "failed", "cancelled"]

SETTLED: frozenset[CallStatus] = frozenset({"succeeded", "failed", "cancelled"})


class ToolCall(Struct, frozen=True, kw_only=True):
    """One call.

    `id` is handed to the tool as its idempotency key, the same on every try; `attempt` counts those. `seq` is that of
    `tool.requested`; `block` and `result_block` are where request and outcome stand in the message. `kind` says where
    the tool comes from; None for a name that means nothing. `decided_by` is who approved or refused.
    """

    id: str
    object: Literal["tool_call"] = "tool_call"
    thread_id: ThreadId
    run_id: RunId
    message_id: MessageId
    tool_use_id: str
    seq: int
    round: int
    block: int
    result_block: int
    name: str
    kind: str | None
    input: Any
    output: Any = None
    is_error: bool | None = None
    status: CallStatus
    attempt: int = 0
    needs_approval: bool = False
    is_approved: bool | None = None
    decided_by: Author | None = None
    decided_at: str | None = None
    reason: str | None = None
    requested_at: str
    started_at: str | None = None
    ended_at: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether it has its outcome."""
        return self.status in SETTLED

    @property
    def waits_for_approval(self) -> bool:
        """Whether a person has still to agree."""
        return self.status == "requested" and self.needs_approval and self.is_approved is None

    @property
    def waits_for_result(self) -> bool:
        """Whether a client has still to post the result. What needs an approval as well is approved first."""
        asked = self.kind == "client" and not self.waits_for_approval
        return asked and self.status in ("requested", "approved")
