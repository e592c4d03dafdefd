"""A vendor to talk to, and providers that talk to it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from threadline.clock import ManualClock
from threadline.providers.contract import Provider
from threadline.providers.registry import ProviderConfig, Registry
from threadline.providers.retries import RetryPolicy

from .vendor import Vendor

KEY = "sk-test-0123456789abcdef"

MakeProvider = Callable[..., Provider]


class Naps:
    """A sleep that takes no time and remembers how long it should have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor is on this machine; a proxy that this machine is told to use would not find it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """A vendor, listening."""
    vendor = Vendor()
    await vendor.start()
    yield vendor
    await vendor.stop()


@pytest.fixture
def naps() -> Naps:
    """The waits between retries."""
    return Naps()


@pytest.fixture
async def make_provider(vendor: Vendor, naps: Naps) -> AsyncIterator[MakeProvider]:
    """Make a provider of a type, whose vendor is ours. Closed at the end."""
    registries: list[Registry] = []

    def make(kind: str, *, pool_idle_seconds: float = 60.0, retries: int = 3, **options: Any) -> Provider:
        base_url = vendor.url + ("/v1" if kind == "openai" else "")
        named = {"name": kind, "type": kind, "base_url": base_url, "api_key": KEY, **options}
        registry = Registry(
            [ProviderConfig(**named)],
            {},
            clock=ManualClock(),
            source=random.Random(1),
            retries=RetryPolicy(retries_max=retries),
            pool_idle_seconds=pool_idle_seconds,
            sleep=naps,
        )
        registries.append(registry)
        return registry.resolve(f"{named['name']}/m")[0]

    yield make
    for registry in registries:
        await registry.close()
