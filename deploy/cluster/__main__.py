"""Starts the cluster, says what to try, shows the nodes' logs, and ends everything with Ctrl-C."""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import click

from deploy.cluster.servers import (
    LEASE_SECONDS,
    ROOT,
    Balancer,
    KeptPostgres,
    KeptRedis,
    Node,
    create_key,
    home_of,
    remove,
)
from support.processes import ServerProcess, is_alive, send

RESTART_SECONDS = 5.0
"""As a service manager would. Long enough to see how the others do without it."""

LOOK_SECONDS = 0.1

TO_TRY = """
{count} nodes on one PostgreSQL and one Redis:

  {balancer}   the load balancer in front of them
{nodes}

Everything is kept in {home}; ARGS="--fresh" forgets it. Try in another terminal:

  export KEY={key}
  THREAD=$(curl -s -X POST {one}/v1/threads -H "Authorization: Bearer $KEY" | cut -d'"' -f4)

  # Read the thread from node 2 …
  curl -N {two}/v1/threads/$THREAD/events -H "Authorization: Bearer $KEY" &

  # … and send to node 1.
  curl -s {one}/v1/threads/$THREAD/messages -H "Authorization: Bearer $KEY" \\
       -d '{{"content": "Hello!", "model": "demo/count-200@10", "background": true}}'

  # Pull the plug of node 1 in mid-answer. Within {lease} seconds another one begins the answer again.
  kill -9 {pid}

Ctrl-C ends all of it.
"""


class Cluster:
    """All servers of the cluster, in the order in which they start."""

    def __init__(self, home: Path, count: int, port: int) -> None:
        self._home = home
        self._count = count
        self._port = port
        self._ending = threading.Event()
        self.postgres = KeptPostgres(home)
        self.redis = KeptRedis(home)
        self.nodes: list[Node] = []
        self._balancers: list[Balancer] = []
        self._shown: dict[Node, TextIO] = {}

    def start(self) -> None:
        """Start everything, and say what to try."""
        click.echo("Starting PostgreSQL and Redis …")
        self.postgres.start()
        self.redis.start()
        database = self.postgres.create()
        key = self._key(database)
        click.echo(f"Starting {self._count} nodes …")
        ports = [self._port and self._port + number for number in range(1, self._count + 1)]
        self.nodes = [
            Node(self._home, number, port, database, self.redis.url()) for number, port in enumerate(ports, 1)
        ]
        for node in self.nodes:
            node.log_path.unlink(missing_ok=True)
        # The first one brings the schema up to date.
        self.nodes[0].start()
        with ThreadPoolExecutor() as threads:
            list(threads.map(Node.start, self.nodes[1:]))
        self._balancers.append(Balancer(self._home, self._port, self.nodes))
        self._balancers[0].start()
        click.echo(self._words(key))

    def watch(self) -> None:
        """Show what the nodes log, and start again who has died, until the end is wished for."""
        due: dict[Node, float] = {}
        while not self._ending.wait(LOOK_SECONDS):
            self._show()
            for node in self.nodes:
                if node in due and time.monotonic() > due[node]:
                    del due[node]
                    node.launch()
                    click.echo(f"[{node.name}] started again, as process {node.pid}")
                elif node not in due and not node.is_running:
                    click.echo(f"[{node.name}] ended with status {node.bury()}; back in {RESTART_SECONDS:.0f} s")
                    due[node] = time.monotonic() + RESTART_SECONDS

    def end(self, *_: object) -> None:
        """Wish for the end. A second wish does not wait for answers."""
        if self._ending.is_set():
            for server in self._servers():
                if server.is_running:
                    send(server.pid, signal.SIGKILL if isinstance(server, Node) else server.stop_signal())
        self._ending.set()

    def stop(self) -> None:
        """Stop the nodes, and then what they stand on."""
        click.echo("Stopping …")
        with ThreadPoolExecutor() as threads:
            list(threads.map(ServerProcess.stop, self.nodes))
        for server in (*self._balancers, self.redis, self.postgres):
            server.stop()
        self._show()
        left = [server.name for server in self._servers() if server.is_running and is_alive(server.pid)]
        click.echo(f"Still there: {', '.join(left)}." if left else "All ended.")

    def _servers(self) -> Sequence[ServerProcess]:
        return (*self.nodes, *self._balancers, self.redis, self.postgres)

    def _key(self, database: str) -> str:
        path = self._home / "key"
        if not path.exists():
            secret = create_key(database)
            path.touch(mode=0o600)
            path.write_text(secret)
        return path.read_text()

    def _show(self) -> None:
        for node in self.nodes:
            file = self._shown.get(node)
            if file is None:
                file = self._shown[node] = node.log_path.open()
            for line in file:
                click.echo(f"[{node.name}] {line.rstrip()}")

    def _words(self, key: str) -> str:
        nodes = "\n".join(f"  {node.url}   {node.name}, process {node.pid}" for node in self.nodes)
        one, two = self.nodes[0], self.nodes[1 % len(self.nodes)]
        return TO_TRY.format(
            count=len(self.nodes),
            balancer=self._balancers[0].url,
            nodes=nodes,
            home=self._home,
            key=key,
            one=one.url,
            two=two.url,
            pid=one.pid,
            lease=LEASE_SECONDS,
        )


def run(cluster: Cluster, main: Callable[[], None]) -> None:
    """Run the cluster, and stop it however that ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, cluster.end)
    try:
        main()
    finally:
        cluster.stop()


@click.command("cluster")
@click.option("--nodes", type=click.IntRange(1, 16), default=3, show_default=True, help="How many nodes.")
@click.option("--port", default=8400, show_default=True, help="The balancer's; the nodes have those after it. 0: any.")
@click.option("--folder", type=click.Path(path_type=Path), default=ROOT / ".cluster", help="What is kept, where.")
@click.option("--fresh", is_flag=True, help="Forget what an earlier cluster has kept.")
def command(nodes: int, port: int, folder: Path, fresh: bool) -> None:
    """PostgreSQL, Redis, a load balancer and nodes on this machine, without root and without Docker."""
    home = home_of(folder.resolve())
    if fresh:
        remove(home)
        home = home_of(folder.resolve())
    cluster = Cluster(home, nodes, port)

    def main() -> None:
        cluster.start()
        cluster.watch()

    run(cluster, main)


if __name__ == "__main__":
    command()
