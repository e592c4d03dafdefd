"""Threads for functions that block.

Not the event loop's own pool: a thread cannot be stopped, and the loop waits for those of its pool before the process
ends. A tool that hangs may neither hold up a shutdown nor take a place from everybody else for ever.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any

from threadline.limits import TOOL_THREADS_MAX

_room = threading.BoundedSemaphore(TOOL_THREADS_MAX)


class NoRoom(Exception):
    """So many blocking tools are running that no further one may begin."""


async def run_in_thread(function: Callable[[], Any]) -> Any:
    """Return what a blocking function returns. Cancelling leaves the thread behind, which ends when it ends.

    Raises what the function raises, and NoRoom.
    """
    if not _room.acquire(blocking=False):
        raise NoRoom
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def work() -> None:
        outcome: Callable[[], None]
        try:
            value = context.run(function)
        except (Exception, SystemExit) as error:
            # Python gives a future no StopIteration, and nobody is meant to end the process from in here.
            raised = error if isinstance(error, Exception) and not isinstance(error, StopIteration) else _wrapped(error)
            outcome = lambda: None if done.done() else done.set_exception(raised)  # noqa: E731
        else:
            outcome = lambda: None if done.done() else done.set_result(value)  # noqa: E731
        finally:
            _room.release()
        try:
            loop.call_soon_threadsafe(outcome)
        except RuntimeError:
            # The loop is gone, and with it whoever waited.
            return

    threading.Thread(target=work, name="tool", daemon=True).start()
    return await done


def _wrapped(error: BaseException) -> RuntimeError:
    return RuntimeError(f"{type(error).__name__}: {error}")
