"""What all tests share: assertions in `support` explain themselves like those in tests; servers start when asked for."""

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is the machine's business, and it may be busy.
settings.register_profile("patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

pytest.register_assert_rewrite("support")

LONG = ("tests/chaos/", "tests/crash/test_crash.py", "tests/deployment/", "tests/browser/", "tests/api/test_schema.py")
"""What may take half a minute a test."""

pytest_plugins = ["support.databases", "support.backends", "support.fixtures"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first, in the random order that they are in: begun last, one of them would keep a core waiting."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
