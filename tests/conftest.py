"""What all tests share: assertions in `support` explain themselves like those in tests."""

import pytest

pytest.register_assert_rewrite("support")
