"""What all tests share: assertions in `support` explain themselves like those in tests; servers start when asked for."""

import pytest

pytest.register_assert_rewrite("support")

pytest_plugins = ["support.databases", "support.backends", "support.fixtures"]
