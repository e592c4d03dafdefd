"""Quiet logs: thousands of runs are started here."""

import pytest
import structlog

from threadline.observe import set_up_logging


@pytest.fixture(autouse=True)
def quiet_logs():
    """Log errors only."""
    set_up_logging("error")
    yield
    structlog.reset_defaults()
