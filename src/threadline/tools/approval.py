"""Whether a person has to agree to a call: never, always, or where its input meets a rule. Pure."""

from typing import Any

from msgspec import UNSET

from threadline.errors import InvalidRequest
from threadline.limits import APPROVAL_CONDITIONS_MAX
from threadline.tool_records import Approval, ApprovalRule, Condition

_GONE = object()


def needs_approval(approval: Approval, input: Any, tool: str | None = None) -> bool:
    """Say whether a person has to agree to a call with this input; `tool` is one of a server's, by its own name."""
    if isinstance(approval, ApprovalRule):
        return any(_holds(condition, input) for condition in approval.any if _is_meant(condition, tool))
    return approval == "always"


def check_approval(approval: Approval) -> None:
    """Raise InvalidRequest for a rule that nobody can have meant."""
    if not isinstance(approval, ApprovalRule):
        return
    if not 0 < len(approval.any) <= APPROVAL_CONDITIONS_MAX:
        raise InvalidRequest(f"A rule has 1 to {APPROVAL_CONDITIONS_MAX} conditions.", pointer="/approval/any")
    for place, condition in enumerate(approval.any):
        if condition.argument and not condition.argument.startswith("/"):
            raise InvalidRequest(
                "An argument is named by its path, such as `/amount`.", pointer=f"/approval/any/{place}/argument"
            )
        if condition == Condition(argument=condition.argument):
            raise InvalidRequest("The condition asks nothing.", pointer=f"/approval/any/{place}")


def _is_meant(condition: Condition, tool: str | None) -> bool:
    return condition.tools is None or tool is None or tool in condition.tools


def _holds(condition: Condition, input: Any) -> bool:
    """Say whether all that a condition asks holds. What cannot be judged holds: a person looks at it then."""
    value = _at(condition.argument, input)
    if condition.present is not None and condition.present != (value is not _GONE):
        return False
    asked = (
        condition.equals is UNSET or value is _GONE or value == condition.equals,
        condition.one_of is None or value is _GONE or value in condition.one_of,
        condition.not_one_of is None or value is _GONE or value not in condition.not_one_of,
        condition.over is None or not _is_number(value) or value > condition.over,
        condition.under is None or not _is_number(value) or value < condition.under,
        condition.contains is None or not isinstance(value, str | list) or _contains(value, condition.contains),
    )
    return all(asked)


def _at(path: str, value: Any) -> Any:
    """Return what a path (RFC 6901) names, or `_GONE`."""
    for step in path.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return _GONE
    return value


def _is_number(value: Any) -> bool:
    # A truth value compares as a number in Python, and nobody means that.
    return isinstance(value, int | float) and not isinstance(value, bool)


def _contains(value: str | list[Any], part: str) -> bool:
    # Capitals are no way around a rule.
    return part.casefold() in value.casefold() if isinstance(value, str) else part in value
