"""Approval by rule: what a condition asks, and that what cannot be judged is shown to a person."""

from typing import Any

import msgspec
import pytest

from threadline.errors import InvalidRequest
from threadline.tool_records import Approval, ApprovalRule, Condition
from threadline.tools.approval import check_approval, needs_approval

PAYMENT = {"amount": 50, "to": {"name": "Ann", "tags": ["staff", "eu"]}, "a/b": 1, "free": False}


def test_always_and_never() -> None:
    """Whatever the input is."""
    for input in (PAYMENT, {}, None, []):
        assert needs_approval("always", input)
        assert not needs_approval("never", input)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"argument": "/amount", "over": 49.5}, True),
        ({"argument": "/amount", "over": 50}, False),
        ({"argument": "/amount", "under": 51}, True),
        ({"argument": "/amount", "under": 50}, False),
        ({"argument": "/amount", "over": 10, "under": 20}, False),
        ({"argument": "/to/name", "equals": "Ann"}, True),
        ({"argument": "/to/name", "equals": "Bob"}, False),
        ({"argument": "/to/name", "one_of": ["Bob", "Ann"]}, True),
        ({"argument": "/to/name", "not_one_of": ["Bob", "Ann"]}, False),
        ({"argument": "/to/name", "not_one_of": ["Bob"]}, True),
        ({"argument": "/to/name", "contains": "aN"}, True),
        ({"argument": "/to/name", "contains": "x"}, False),
        ({"argument": "/to/tags", "contains": "staff"}, True),
        ({"argument": "/to/tags", "contains": "us"}, False),
        ({"argument": "/to/tags/1", "equals": "eu"}, True),
        ({"argument": "/a~1b", "equals": 1}, True),
        ({"argument": "/a~1b", "equals": 2}, False),
        ({"argument": "/to", "present": True}, True),
        ({"argument": "/to", "present": False}, False),
        ({"argument": "/from", "present": True}, False),
        ({"argument": "/from", "present": False}, True),
        ({"argument": "", "equals": PAYMENT}, True),
        # What cannot be judged holds.
        ({"argument": "/from", "equals": "x"}, True),
        ({"argument": "/from", "not_one_of": ["x"]}, True),
        ({"argument": "/from", "over": 1e9}, True),
        ({"argument": "/to", "over": 1e9}, True),
        ({"argument": "/free", "over": 5}, True),
        ({"argument": "/amount", "contains": "x"}, True),
        ({"argument": "/to/tags/7", "equals": "x"}, True),
        ({"argument": "/from", "present": True, "over": 1}, False),
    ],
)
def test_a_condition(condition: dict[str, Any], holds: bool) -> None:
    """As it comes over the wire."""
    rule = msgspec.convert({"any": [condition]}, Approval)
    check_approval(rule)
    assert needs_approval(rule, PAYMENT) is holds


def test_any_condition_is_enough() -> None:
    """And input that is no object at all needs a person."""
    rule = ApprovalRule([Condition(argument="/amount", over=100), Condition(argument="/to/name", equals="Ann")])
    assert needs_approval(rule, PAYMENT)
    assert not needs_approval(rule, {"amount": 1, "to": {"name": "Bob"}})
    assert needs_approval(rule, None)


def test_null_is_a_value() -> None:
    """Equal to null is not the same as not asked."""
    rule = msgspec.convert({"any": [{"argument": "/x", "equals": None}]}, Approval)
    assert needs_approval(rule, {"x": None})
    assert not needs_approval(rule, {"x": 0})
    assert msgspec.json.decode(msgspec.json.encode(rule), type=ApprovalRule) == rule


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        (ApprovalRule([]), "/approval/any"),
        (ApprovalRule([Condition(argument="/a", over=1)] * 33), "/approval/any"),
        (ApprovalRule([Condition(argument="/a", over=1), Condition(argument="a", over=1)]), "/approval/any/1/argument"),
        (ApprovalRule([Condition(argument="/a")]), "/approval/any/0"),
    ],
)
def test_rules_that_nobody_can_have_meant(rule: ApprovalRule, pointer: str) -> None:
    """Refused when they are written."""
    with pytest.raises(InvalidRequest) as refused:
        check_approval(rule)
    assert refused.value.extra["pointer"] == pointer
