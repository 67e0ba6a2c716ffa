"""What every contender does alike: warm up, say "ready", wait for "go", train, report.

Plain standard library, because PyTorch lives in an interpreter of its own.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable

IMAGES = 50_000

Train = Callable[[int], None]


def measure(prepare: Callable[[int], Train], describe: Callable[[], dict[str, str]]) -> None:
    """Run a contender: `prepare(batch_size)` gives a function that trains some steps."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    arguments = parser.parse_args()
    train = prepare(arguments.batch_size)
    steps = _steps_for(train, arguments.seconds)
    print("ready", flush=True)
    sys.stdin.readline()
    seconds = _time(train, steps)
    images = steps * arguments.batch_size
    print(json.dumps({"images": images, "seconds": seconds, **describe()}), flush=True)


def _steps_for(train: Train, seconds: float) -> int:
    """How many steps take about `seconds`; the first calls trace and are not counted."""
    train(2)
    steps, taken = 2, _time(train, 2)
    while taken < seconds / 8:
        steps *= 4
        taken = _time(train, steps)
    return max(2, round(steps * seconds / taken))


def _time(train: Train, steps: int) -> float:
    begun = time.perf_counter()
    train(steps)
    return time.perf_counter() - begun
