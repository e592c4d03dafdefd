"""`make sim`: thousands of seeds, or one of them again with everything that happened in it."""

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from rich.progress import Progress

from .mutants import MUTANTS, as_it_is
from .simulate import Result, run_seed

SEEDS = 3000
CHUNK = 10
FAILURES_SHOWN_MAX = 10


def main() -> int:
    """Run what the arguments ask for. Returns the exit code: 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="make sim")
    parser.add_argument("--seed", type=int, help="run this one only, and tell its story")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--count", type=int, default=SEEDS, help=f"how many seeds (default {SEEDS})")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one for each core)")
    parser.add_argument("--mutant", choices=MUTANTS, help="switch one law off")
    options = parser.parse_args()
    if options.seed is not None:
        return _tell(run_seed(options.seed, MUTANTS.get(options.mutant, as_it_is), is_told=True))
    return _run_many(options)


def _tell(result: Result) -> int:
    print("\n".join(result.story))
    print(f"\nseed {result.seed}: {_summary([result])}; trace {result.trace[:16]}")
    for breach in result.breaches:
        print(f"  {breach}")
    return 1 if result.breaches else 0


def _run_many(options: argparse.Namespace) -> int:
    seeds = range(options.first, options.first + options.count)
    results: list[Result] = []
    with ProcessPoolExecutor(options.jobs) as pool, Progress() as progress:
        bar = progress.add_task("seeds", total=len(seeds))
        for result in _results(pool, seeds, options.mutant):
            results.append(result)
            progress.advance(bar)
            if result.breaches:
                again = f" --mutant {options.mutant}" if options.mutant else ""
                progress.print(f'seed {result.seed}: make sim ARGS="--seed {result.seed}{again}"', markup=False)
                progress.print(f"  {result.breaches[0]}", markup=False)
            if sum(bool(one.breaches) for one in results) >= FAILURES_SHOWN_MAX:
                pool.shutdown(cancel_futures=True)
                break
    broken = sum(bool(result.breaches) for result in results)
    print(f"{len(results)} seeds, {broken} with a broken promise; {_summary(results)}")
    return 1 if broken else 0


def _results(pool: ProcessPoolExecutor, seeds: range, mutant: str | None) -> Iterator[Result]:
    chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    for results in pool.map(partial(run_chunk, mutant), chunks):
        yield from results


def run_chunk(mutant: str | None, seeds: range) -> list[Result]:
    """Run some seeds in one process."""
    return [run_seed(seed, MUTANTS.get(mutant or "", as_it_is)) for seed in seeds]


def _summary(results: list[Result]) -> str:
    runs, calls = sum(one.runs for one in results), sum(one.calls for one in results)
    events, seconds = sum(one.events for one in results), sum(one.seconds for one in results)
    return f"{runs} runs in {calls} attempts, {events} events, {seconds / 3600:.1f} simulated hours"


if __name__ == "__main__":
    sys.exit(main())
