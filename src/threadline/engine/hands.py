"""The calls that one node is making. A tool that hangs holds up nobody: not the run, not its stop, not the end."""

import asyncio

from threadline.clock import Clock
from threadline.observe import Metrics, log
from threadline.tools.contract import Call, Result, Tool
from threadline.tools.output import failure, result_of

LET_GO_SECONDS = 1.0
"""How long tools may take to stop when the node does. What they do after it they do without us."""


class Hands:
    """The calls that this node is making. Nobody waits for a tool that does not let go when it is told to."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._tasks: set[asyncio.Task[Result]] = set()

    async def call(self, tool: Tool, call: Call) -> Result:
        """Make one call, within its time. Returns failures as results, also those that the tool did not foresee."""
        begun = self._clock.monotonic()
        result = await self._make(tool, call)
        self._metrics.tool_called(tool.kind, self._clock.monotonic() - begun, result.is_error)
        return result

    async def _make(self, tool: Tool, call: Call) -> Result:
        task = asyncio.get_running_loop().create_task(tool.call(call), name=f"tool {call.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait({task}, timeout=tool.timeout_seconds)
            if not task.done():
                return failure(
                    f"The tool did not answer within {tool.timeout_seconds:g} seconds. "
                    "Whether the call took effect is not known."
                )
            return _result(task, call)
        finally:
            task.cancel()

    async def close(self) -> None:
        """Let go of what still runs."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LET_GO_SECONDS)


def _result(task: asyncio.Task[Result], call: Call) -> Result:
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if error is None:
        try:
            return result_of(task.result().output, task.result().is_error)
        except (TypeError, ValueError, RecursionError) as unsayable:
            error = unsayable
    log.error("tool_call_broke", tool=call.name, run_id=call.run_id, error=repr(error))
    return failure(f"The tool failed ({type(error).__name__}).")
