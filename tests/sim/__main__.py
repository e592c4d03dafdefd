"""`make sim`: thousands of seeds, or one of them again with all that happened in it."""

import argparse
import sys
import time

from contextlib import nullcontext
from .simulate import run_seed
from .mutants import MUTANTS

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int)
parser.add_argument("--first", type=int, default=0)
parser.add_argument("--mutant")
parser.add_argument("--count", type=int, default=100)
args = parser.parse_args()
if args.seed is not None:
    r = run_seed(args.seed, MUTANTS.get(args.mutant, nullcontext), is_told=True)
    print("\n".join(r.story[-4000:]))
    print(r.breaches, r.trace, r.seconds, r.runs, r.attempts, r.events)
    sys.exit(bool(r.breaches))
t = time.process_time()
bad = 0
for seed in range(args.first, args.first + args.count):
    r = run_seed(seed, MUTANTS.get(args.mutant, nullcontext))
    if r.breaches:
        bad += 1
        print(seed, r.breaches[:2])
print(f"{args.count} seeds, {bad} bad, {time.process_time()-t:.1f}s")
