"""Python functions as tools.

```python
@tool
def weather(city: str, days: int = 1) -> dict[str, float]: ...
```

The signature becomes the JSON Schema, the docstring the description. A parameter of type `Call` is given who is asking.
A function that blocks runs in a thread. What it raises is a result that the model sees: the words of a `ToolError`, of
anything else the kind alone, because such words are meant for the log.
"""

import asyncio
import inspect
import re
from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, Literal, overload

import msgspec
from msgspec import ValidationError

from threadline.limits import TOOL_SECONDS_DEFAULT
from threadline.observe import log
from threadline.tool_records import NAME_PATTERN
from threadline.tools.contract import Call, Result, SourceKind
from threadline.tools.output import failure, result_of
from threadline.tools.signature import signature_of
from threadline.tools.threads import NoRoom, run_in_thread

Function = Callable[..., Any]
NeedsApproval = Literal["never", "always"] | Callable[[dict[str, Any]], bool]


class ToolError(Exception):
    """Raised by a tool to tell the model, in its own words, why a call did not work."""


class PythonTool:
    """A function that a model may call. It stays callable as the function that it was."""

    kind: SourceKind = "python"

    def __init__(
        self,
        function: Function,
        name: str | None,
        description: str | None,
        approval: NeedsApproval,
        idempotent: bool,
        timeout_seconds: float,
    ) -> None:
        signature = signature_of(function)
        self.name = name if name is not None else function.__name__
        if re.fullmatch(NAME_PATTERN.removesuffix("$"), self.name) is None:
            raise TypeError(f"A tool may not be called {self.name!r}: its name fits {NAME_PATTERN}.")
        self.description = signature.description if description is None else description
        self.input_schema = signature.schema
        self.is_idempotent = idempotent
        self.timeout_seconds = timeout_seconds
        self._function = function
        self._is_async = inspect.iscoroutinefunction(function)
        self._arguments = signature.arguments
        self._context = signature.context
        self.asks = approval if isinstance(approval, str) else "by rule"
        self._approval = approval
        update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102 - it is the function's own
        return self._function(*args, **kwargs)

    def needs_approval(self, input: Any) -> bool:
        """Whether a person has to agree to a call with this input."""
        if not callable(self._approval):
            return self._approval == "always"
        try:
            return bool(self._approval(input))
        except Exception as error:
            # What the rule cannot judge, a person does.
            log.warning("approval_rule_failed", tool=self.name, error=type(error).__name__)
            return True

    async def call(self, call: Call) -> Result:
        """Call the function. Raises nothing but cancellation."""
        try:
            arguments = msgspec.convert(call.input, self._arguments)
        except ValidationError as error:
            return failure(f"The input does not fit: {error}.")
        given = {name: getattr(arguments, name) for name in arguments.__struct_fields__}
        if self._context is not None:
            given[self._context] = call
        try:
            return result_of(_plain(await self._run(given)))
        except ToolError as error:
            return failure(str(error))
        except NoRoom as error:
            return failure(str(error) or "The server is busy with other tools. Try again later.")
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            return failure("The tool was cancelled from within.")
        except (Exception, SystemExit) as error:
            log.exception("tool_failed", tool=self.name, run_id=call.run_id, tool_use_id=call.tool_use_id)
            return failure(f"The tool failed ({type(error).__name__}).")

    async def _run(self, given: dict[str, Any]) -> Any:
        if self._is_async:
            return await self._function(**given)
        output = await run_in_thread(partial(self._function, **given))
        return await output if inspect.isawaitable(output) else output


@overload
def tool(function: Function, /) -> PythonTool: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    approval: NeedsApproval = "never",
    idempotent: bool = False,
    timeout_seconds: float = TOOL_SECONDS_DEFAULT,
) -> Callable[[Function], PythonTool]: ...


def tool(
    function: Function | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    approval: NeedsApproval = "never",
    idempotent: bool = False,
    timeout_seconds: float = TOOL_SECONDS_DEFAULT,
) -> PythonTool | Callable[[Function], PythonTool]:
    """Make a tool of a function.

    `approval`: "never", "always", or a function that is given the input and says whether a person has to agree.
    `idempotent`: it may be called again where a crash has left the outcome of a call unknown.

    Raises:
        TypeError: a parameter has no type, or one without a JSON form.
    """
    if function is not None:
        return PythonTool(function, name, description, approval, idempotent, timeout_seconds)

    def make(function: Function) -> PythonTool:
        return PythonTool(function, name, description, approval, idempotent, timeout_seconds)

    return make


def _plain(output: Any) -> Any:
    """Return any value in the form of JSON."""
    return msgspec.to_builtins(output, str_keys=True, enc_hook=_told)


def _told(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if callable(dump) else str(value)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
