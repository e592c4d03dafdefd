"""A cluster for each test that asks for one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from support.databases import MakePostgres, MakeRedis

from .cluster import Cluster

StartCluster = Callable[..., Awaitable[Cluster]]


@pytest.fixture
async def start_cluster(
    make_postgres: MakePostgres, make_redis: MakeRedis, tmp_path: Path
) -> AsyncIterator[StartCluster]:
    """Start a cluster on a bus. At the end no node's log may have an error that nobody foresaw."""
    started: list[Cluster] = []

    async def start(bus: str = "redis", with_replica: bool = False, **settings: str) -> Cluster:
        started.append(Cluster(tmp_path, make_postgres(), make_redis() if bus == "redis" else None))
        return await started[-1].start(with_replica, **settings)

    yield start
    for cluster in started:
        await cluster.close()
    for cluster in started:
        for node in cluster.nodes:
            assert node.server.faults() == []
