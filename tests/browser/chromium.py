"""Debian's Chromium, driven by Playwright."""

import os
import shutil

import pytest
from playwright.async_api import Browser, Playwright

# The first one is the same browser without its own windows: each context of a test costs it a third less.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",  # Tests run as root, and see no page but ours.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOW_TO_GET_IT = (
    "The tests of the web app need Chromium: apt-get install chromium-headless-shell (the README tells more)."
)


def find_chromium() -> str | None:
    """Return the path of a Chromium of this machine."""
    return next((path for path in map(shutil.which, NAMES) if path is not None), None)


def require_chromium() -> str:
    """Return the path of Chromium. Fails in CI, and skips elsewhere, where there is none."""
    found = find_chromium()
    if found is not None:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(HOW_TO_GET_IT)
    pytest.skip(HOW_TO_GET_IT)


async def launch(playwright: Playwright) -> Browser:
    """Start Chromium without a window."""
    return await playwright.chromium.launch(executable_path=require_chromium(), args=list(FLAGS))
