"""Figures of nodes and minutes, summed: what adds up, what stands side by side, and what belongs to the dead."""

import pytest

from threadline.api.live import live_of
from threadline.engine.figures import Found
from threadline.figures import SECONDS, Counts, quantile
from threadline.ids import NodeId
from threadline.store.contract_figures import Queue

A, B, DEAD = NodeId("node_a"), NodeId("node_b"), NodeId("node_dead")
NOW_MS = 1_000 * 60_000 + 30_000


def test_nodes_and_minutes_add_up() -> None:
    """What happened is summed over both; how things are is each living node's last word, one queue for all."""
    rows = [
        (A, 996, Counts(started=1, running=9)),
        (DEAD, 999, Counts(started=10, running=5, readers=5)),
        (A, 999, Counts(started=2, failures={"p": {"x": 1}}, running=1, queued=4)),
        (A, 1000, Counts(started=3, running=2, readers=1, throughput=1.5, queued=4)),
        (B, 1000, Counts(started=4, failures={"p": {"x": 1}, "q": {"x": 1}}, running=1, throughput=2.0, queued=4)),
    ]
    found = Found(rows, frozenset((A, B)), Queue(3, 1))
    live = live_of(found, NOW_MS, minutes=2, history=2, is_whole=True)
    assert (live.started, live.running, live.readers, live.throughput) == (19, 3, 1, 3.5)
    assert (live.queued, live.waiting) == (3, 1)
    assert (live.failures, live.failures_by_provider) == ({"x": 3}, {"p": {"x": 2}, "q": {"x": 1}})
    assert [(node.node_id, node.started, node.running) for node in live.nodes] == [(A, 5, 2), (B, 4, 1)]
    assert [(minute.started, minute.running, minute.queued) for minute in live.history] == [(12, 6, 4), (7, 3, 4)]
    assert live.history[-1].at == "1970-01-01T16:40:00.000Z"
    assert live.commit_seconds is not None


def test_who_was_at_rest_says_so_for_long() -> None:
    """A node that has written nothing for a while was at rest when it wrote; nothing old is counted as new."""
    found = Found([(A, 950, Counts(started=7, readers=2))], frozenset((A,)), Queue())
    live = live_of(found, NOW_MS, minutes=5, history=0, is_whole=False)
    assert (live.started, live.readers, live.history, live.nodes, live.commit_seconds) == (0, 2, [], [], None)


@pytest.mark.parametrize(
    ("buckets", "share", "expected"),
    [
        ({}, 0.5, None),
        ({8: 10}, 0.5, 0.375),
        ({0: 1}, 1.0, 0.001),
        ({8: 90, 12: 10}, 0.99, 9.5),
        ({len(SECONDS): 1}, 0.5, SECONDS[-1]),
    ],
)
def test_quantiles_lie_within_their_bucket(buckets: dict[int, int], share: float, expected: float | None) -> None:
    """As far into it as their share says; beyond the last bound nothing is known but that."""
    assert quantile(SECONDS, buckets, share) == (None if expected is None else pytest.approx(expected))
