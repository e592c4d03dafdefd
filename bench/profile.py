"""Profile: where Threadline's time goes under 100 streams, as py-spy sees it: a table of self time and a flame graph.

On SQLite and then on PostgreSQL. Two recordings of each, one after the other, of one load: py-spy writes one format at
a time. It takes the samples in which a thread holds the interpreter's lock: without that it counts pool threads that
only wait as running. What is done without the lock, such as SQLite's commits, is missing from the samples and shows in
the CPU time of each thread instead.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.child import ChildError
from bench.cluster.nodes import start_setup
from bench.cluster.servers import new_database, start_postgres
from bench.figure import Figure
from bench.load import Job
from bench.peers.peer import start_upstream
from bench.peers.threadline import END_MARK, Server, start_threadline
from bench.plan import Plan
from bench.readers import Readers
from bench.token import RATE, warm_up

STREAMS: Final = 100
SAMPLES_A_SECOND: Final = 200
TOP: Final = 40
THREAD: Final = re.compile(r"^thread \((\d+)\): ([^;]+);", re.MULTILINE)


def measure(plan: Plan) -> Iterator[Figure]:
    """Record both of a server on SQLite and of a node on PostgreSQL; return where most of the time goes."""
    plan.steps(6)
    with plan.step("starting Threadline on SQLite"):
        upstream = start_upstream(plan)
        server = start_threadline(plan, upstream)
        warm_up(plan, server.as_peer())
    yield watch(plan, server, "profile")
    server.child.stop()
    with plan.step("starting Threadline on PostgreSQL"):
        database = new_database(start_postgres(plan))
        (node,) = start_setup(plan, upstream, "postgres", database, "postgres").nodes
    yield watch(plan, node, "profile-postgres")


def watch(plan: Plan, server: Server, stem: str) -> Figure:
    """Put the load on, record both, write both, and return the busiest function."""
    seconds = plan.of(10, 3)
    # py-spy takes a second or two to begin and to write.
    tokens = (2 * seconds + 8) * RATE
    job = Job(port=server.port, requests=server.ask(STREAMS, f"t{RATE}x{tokens}"), tokens=tokens, end_mark=END_MARK)
    with Readers(job, plan.log("load")) as readers:
        readers.wait_until_ready()
        with plan.step(f"{stem}: {seconds} s of self time"):
            before_s = server.child.thread_cpu_s()
            stacks = record(server.child.pid, seconds, "raw", plan.new_folder("profile") / "stacks.txt").read_text()
            after_s = server.child.thread_cpu_s()
        with plan.step(f"{stem}: {seconds} s for the flame graph"):
            record(server.child.pid, seconds, "flamegraph", plan.out / f"{stem}.svg")
    samples = self_time(stacks)
    used_s = {thread: used - before_s.get(thread, 0.0) for thread, used in after_s.items()}
    (plan.out / f"{stem}.txt").write_text(table(samples, seconds) + threads_table(stacks, used_s))
    plan.keep(stem, dict(samples.most_common(TOP)))
    return busiest(samples, stem)


def record(pid: int, seconds: int, form: str, output: Path) -> Path:
    """Have py-spy watch a process for some seconds."""
    spy = str(Path(sys.executable).parent / "py-spy")
    options = [
        "-d",
        str(seconds),
        "-r",
        str(SAMPLES_A_SECOND),
        "-f",
        form,
        "-o",
        str(output),
        "--threads",
        "--gil",
        "--nolineno",
    ]
    try:
        done = subprocess.run(
            [spy, "record", *options, "-p", str(pid)], capture_output=True, text=True, timeout=seconds + 60
        )
    except subprocess.TimeoutExpired as error:
        raise ChildError(f"py-spy does not end: {error}") from error
    if done.returncode != 0 or not output.exists():
        raise ChildError(f"py-spy ended with {done.returncode}:\n{done.stderr[-1500:]}")
    return output


def self_time(stacks: str) -> Counter[str]:
    """Return how many samples each function was running in, itself and not what it called."""
    samples: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        thread, *_, leaf = stack.split(";")
        samples[f"{leaf}  [{thread.partition(': ')[2] or thread}]"] += int(count)
    return samples


def table(samples: Counter[str], seconds: int) -> str:
    """Return the functions with the most self time, and the share of each."""
    whole = max(1, samples.total())
    lines = [
        f"Threadline, {STREAMS} streams of {RATE} tokens/s, sampled {seconds * SAMPLES_A_SECOND:,} times "
        f"in {seconds} s; the interpreter's lock was held in {samples.total():,}.",
        "Self time: C code that holds the lock counts for the Python function that called it.",
        "",
        "   share  samples  function (file)  [thread]",
    ]
    lines += [f"{count / whole:8.1%} {count:8,}  {name}" for name, count in samples.most_common(TOP)]
    return "\n".join(lines) + "\n"


def threads_table(stacks: str, used_s: dict[int, float]) -> str:
    """Return the CPU seconds of each thread, as the kernel counts them, with the lock or without it."""
    names = {int(number): name for number, name in THREAD.findall(stacks)}
    lines = ["", "CPU by thread over the same time, as the kernel counts it:", ""]
    for thread, used in sorted(used_s.items(), key=lambda item: -item[1]):
        lines.append(f"{used:7.2f} s  {names.get(thread, 'never seen with the lock')} ({thread})")
    return "\n".join(lines) + "\n"


def busiest(samples: Counter[str], stem: str) -> Figure:
    """Return the function with the most self time."""
    (name, count), *_ = samples.most_common(1) or [("nothing", 0)]
    share = count / max(1, samples.total()) * 100
    what = "on PostgreSQL" if stem.endswith("postgres") else "on SQLite"
    return Figure(piece="profile", name=f"share of the busiest function, {what}", value=share, unit="%", note=name)
