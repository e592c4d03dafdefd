"""Every end of a run is in the figures that operators look at, also where no attempt of this node's has ended."""

import asyncio

from support.waiting import PATIENCE_SECONDS
from threadline.content import TextBlock
from threadline.engine.accept import Send
from threadline.engine.threads import NewThread
from threadline.figures import WHOLE_NODE

from .machine import SCOPE, MakeStore, World


def test_a_run_that_the_claim_ends_is_counted_once(make_store: MakeStore) -> None:
    """The third process dies in mid-answer; the fourth gives the run up, and says so to whoever counts failures."""
    world = World(make_store)
    try:
        thread, _ = world.do(world.node.engine.create_thread(SCOPE, NewThread(title="t")))
        world.do(world.node.engine.send(SCOPE, thread.id, Send(content=[TextBlock("go")])))
        for _ in range(3):
            world.do(asyncio.wait_for(_asked(world), PATIENCE_SECONDS))
            world.crash()
        world.do(asyncio.wait_for(_counted(world), PATIENCE_SECONDS))
        metrics = world.node.metrics
        taken = metrics.tallies.take()
        for counted in (taken[SCOPE.tenant_id], taken[WHOLE_NODE]):
            assert counted.ended == {"failed": 1}
            assert counted.failures == {"puppet": {"run_interrupted": 1}}
        assert dict(metrics.streams_ended) == {"failed": 1}
        # How long the attempts of the dead took, nobody knows.
        assert "threadline_run_duration_seconds_count 0.0" in metrics.render().decode()
    finally:
        world.close()


async def _asked(world: World) -> None:
    while not world.node.puppet.listening:
        await asyncio.sleep(0.001)


async def _counted(world: World) -> None:
    while not world.node.metrics.streams_ended:
        await asyncio.sleep(0.001)
