"""Who is blamed for silence: a provider that says nothing, and not one whom nobody has listened to."""

from collections.abc import Iterator

import pytest

from threadline.engine.claim import Claim
from threadline.engine.turn import Turn
from threadline.ids import MessageId, RunId
from threadline.observe import Metrics
from threadline.records import Run, RunOptions
from threadline.store.contract import AttemptRow, RunRow

from .node import START_MS
from .simulate import Simulation
from .wire import SCOPE


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    """Three nodes that have not begun."""
    made = Simulation(0)
    with made.world.ended():
        yield made


def _turn(simulation: Simulation) -> Turn:
    """Return an attempt that begins now."""
    node = simulation._new_node(0)
    run = Run(
        id=RunId("run_1"),
        thread_id="thr_1",  # type: ignore[arg-type]
        status="running",
        model="sim/m",
        input=None,
        input_message_id=MessageId("msg_in"),
        created_at="",
    )
    row = RunRow(SCOPE.tenant_id, run, RunOptions(), has_turn=True, first_seq=1)
    attempt = AttemptRow(SCOPE.tenant_id, run.thread_id, run.id, MessageId("msg_out"), 1, first_seq=2)
    return Turn(Claim(row, attempt, str(START_MS)), node.journal, node.scheduler._clock, Metrics())


def test_a_silent_provider_is_blamed(simulation: Simulation) -> None:
    """Whoever has listened for so long has heard enough."""
    turn = _turn(simulation)
    with turn._asking():
        simulation.world.now += 12.0
        turn.check_time(8.0, 8.0, 60.0, overslept_seconds=0.1)
    assert turn.stopped_by == "first_chunk"


def test_a_process_that_was_stopped_blames_nobody(simulation: Simulation) -> None:
    """What was said meanwhile lies in its socket: the clock of its provider stood still with it."""
    turn = _turn(simulation)
    with turn._asking():
        simulation.world.now += 12.0
        turn.check_time(8.0, 8.0, 60.0, overslept_seconds=11.5)
        assert turn.stopped_by is None
        simulation.world.now += 7.0
        turn.check_time(8.0, 8.0, 60.0, overslept_seconds=0.0)
        assert turn.stopped_by is None
        simulation.world.now += 1.0
        turn.check_time(8.0, 8.0, 60.0, overslept_seconds=0.0)
    assert turn.stopped_by == "first_chunk"
