"""The parts of many workers by themselves: metrics put together, the wire, the port."""

import asyncio
import socket

import pytest
from prometheus_client.parser import text_string_to_metric_families

from threadline.cli.workers.channel import SupervisorEnd, WorkerEnd
from threadline.cli.workers.metrics import merged
from threadline.cli.workers.sockets import Listeners
from threadline.errors import SettingsRefused
from threadline.observe import Metrics


def test_merged_metrics_are_those_of_each() -> None:
    """Prometheus' own parser finds each family once, with every worker's samples in it as that worker said them."""
    both = [Metrics(), Metrics()]
    for number, metrics in enumerate(both, 1):
        metrics.requests[('/v1/{"odd"}', 200)] = number
        metrics.commit(0.01 * number, number, 1)
        metrics.run_ended("tnt_1", "demo/x", "completed", 1.0, None, None)
    text = merged({number: metrics.render().decode() for number, metrics in enumerate(both, 1)}, 3)
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    for number, metrics in enumerate(both, 1):
        wanted = {
            (sample.name, frozenset({**sample.labels, "worker": str(number)}.items())): sample.value
            for family in text_string_to_metric_families(metrics.render().decode())
            for sample in family.samples
        }
        got = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
            if sample.labels.get("worker") == str(number)
        }
        assert got == wanted
    (answering,) = [family.samples[0].value for family in families if family.name == "threadline_workers_answering"]
    assert answering == 2


async def test_the_wire_carries_connections_and_words_and_its_own_end() -> None:
    """A connection arrives as what it was; words arrive in order; each side learns that the other is gone."""
    above = SupervisorEnd()
    below = WorkerEnd(above.other.detach())
    taken: asyncio.Queue[socket.socket] = asyncio.Queue()
    ended = asyncio.Event()
    below.listen(taken.put_nowait, ended.set)
    one, other = socket.socketpair()
    with one, other:
        assert above.hand(one)
        with await taken.get() as arrived:
            arrived.send(b"hello")
            assert other.recv(5) == b"hello"
    below.say("ready", "node_1")
    below.say("refused", "two\nlines")
    words = above.words()
    assert [await anext(words), await anext(words)] == [("ready", "node_1"), ("refused", "two lines")]
    await words.aclose()
    above.close()
    await ended.wait()
    below.close()


async def test_the_supervisor_hears_the_end_of_a_worker() -> None:
    """Also of one that dies with connections that it has not taken: they are no longer there to be handed."""
    above = SupervisorEnd()
    one, other = socket.socketpair()
    with one, other:
        assert above.hand(one)
        above.other.close()
        assert [word async for word in above.words()] == []
        assert not above.hand(one)
    above.close()


def test_a_name_with_two_addresses_has_one_port() -> None:
    """`localhost` is IPv4 and IPv6 where a machine has both; a free port that is found for one is the other's too."""
    listeners = Listeners("localhost", 0)
    try:
        ports = {each.getsockname()[1] for each in listeners._sockets}
        assert ports == {listeners.port}
        with pytest.raises(SettingsRefused, match=f"Cannot listen on localhost:{listeners.port}: "):
            Listeners("localhost", listeners.port)
    finally:
        listeners.close()
