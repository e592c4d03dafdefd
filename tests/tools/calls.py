"""A call as a tool hears of it."""

from typing import Any

from msgspec import structs

from threadline.tools.contract import Call


def a_call(name: str, input: Any = None, **changed: Any) -> Call:
    """Return a call of a tool."""
    call = Call(
        tenant_id="tnt_mine",
        end_user_id="ann",
        thread_id="thr_1",
        run_id="run_1",
        tool_use_id="call_1",
        name=name,
        input={} if input is None else input,
        attempt=1,
        idempotency_key="key_1",
    )
    return structs.replace(call, **changed)
