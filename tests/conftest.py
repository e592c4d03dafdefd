"""What all tests share: assertions in `support` explain themselves like those in tests; servers start when asked for."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is the machine's business, and it may be busy. The same code has the same examples in every run;
# who looks for others sets the variable.
settings.register_profile(
    "patient",
    settings.default,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="THREADLINE_OTHER_EXAMPLES" not in os.environ,
    database=None,
)
settings.load_profile("patient")

# A shell that runs the tests in the background has them ignore Ctrl-C, and so would all that they start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest.register_assert_rewrite("support")

LONG = (
    "tests/chaos/",
    "tests/crash/test_crash.py",
    "tests/deployment/",
    "tests/browser/",
    "tests/api/test_schema.py",
    "tests/journeys/test_bad_clients.py::test_two_thousand",
)
"""What may take a quarter of a minute a test, or more."""

pytest_plugins = ["support.databases", "support.backends", "support.fixtures"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first, in the random order that they are in: begun last, one of them would keep a core waiting."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
