"""Which share of a run's core-seconds are training steps: `python -m benchmarks.training_share`.

Trains runs of the default scale and the first epochs of the full one in one process each, as the
train stage does, and sums the processor time within `Session.train`, within scoring, and beside.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

BUDGET = {"first_seed": 0, "not_learning_after": 1.5, "sample_epochs_times": 1.0}
SIZES: dict[str, dict[str, Any]] = {
    "batch_size": {"epochs": 1.5, "trials": 3, "evaluate_every": 6250},
    "batch_size, seeds added": {"epochs": 1.5, "trials": 3, "evaluate_every": 6250},
    "full batch_size": {"epochs": 8, "trials": 1, "evaluate_every": 6250, "evaluate_finely": 4},
}
RACING = {"trials_at_most": 8, "precision": 0.01, "targets": {"mnist": [0.95]}}
SMALL = {"epochs": 3, "trials": 3, "evaluate_every": 2500}


def cases(sizes: list[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and request of each run."""
    for name, budget in SIZES.items():
        for size in sizes:
            racing = RACING if "added" in name else None
            yield f"{name} {size}", _request({"batch_size": size}, budget, racing)
    yield "optimizer 100", _request({"batch_size": 100, "train_size": 5000}, SMALL, None)


def _request(chosen: dict[str, Any], budget: dict[str, Any], racing: Any) -> dict[str, Any]:
    return {
        "variant": {"id": "v", "hyperparameters": chosen},
        "machine": "local",
        "device": "cpu",
        "budget": {**BUDGET, **budget, "deterministic": True},
        "tuning": None,
        "racing": racing,
    }


@contextmanager
def counted(owner: Any, name: str, seconds: dict[str, float]) -> Iterator[None]:
    """Add the processor time of the method `name` of a class to `seconds`."""
    method: Callable[..., Any] = getattr(owner, name)

    def timed(*arguments: Any, **options: Any) -> Any:
        start = time.process_time()
        try:
            return method(*arguments, **options)
        finally:
            seconds[name] += time.process_time() - start

    setattr(owner, name, timed)
    yield
    setattr(owner, name, method)


def measure(request: dict[str, Any], data: Path) -> dict[str, float]:
    """Core-seconds of one run in this process, which must be fresh."""
    from batchmark.training import environment  # noqa: PLC0415

    environment.apply("cpu", threads=1)
    from batchmark.contract.requests.train import TrainRequest  # noqa: PLC0415
    from batchmark.dataset.arrays import load_dataset  # noqa: PLC0415
    from batchmark.training.kernels.session import KernelSession, ScoringSession  # noqa: PLC0415
    from batchmark.training.run import Scratch, run  # noqa: PLC0415
    from batchmark.training.session import Session  # noqa: PLC0415

    seconds: dict[str, float] = defaultdict(float)
    dataset = load_dataset(data / "mnist.npz", data / "mnist.json")
    started = time.process_time()
    with (
        tempfile.TemporaryDirectory() as folder,
        ExitStack() as counting,
    ):
        # Each where it is defined; none calls another's.
        counted_methods = {
            Session: ("train", "score", "validate"),
            ScoringSession: ("score", "validate"),
            KernelSession: ("train",),
        }
        for owner, names in counted_methods.items():
            for name in names:
                counting.enter_context(counted(owner, name, seconds))
        result = run(TrainRequest(**request), dataset, Scratch(Path(folder), 60.0))
    whole = time.process_time()
    return {
        "trials": len(result.trials),
        "steps": seconds["train"],
        "scores": seconds["score"] + seconds["validate"],
        "startup": started,
        "rest": whole - started - sum(seconds.values()),
        "share": seconds["train"] / whole,
        "share without start": seconds["train"] / (whole - started),
    }


def main() -> None:
    """Measure each case in a process of its own and print a line for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of mnist.npz")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 10, 100, 5000])
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--request", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.request:
        print(json.dumps(measure(json.loads(arguments.request), arguments.data)))
        return
    for name, request in cases(arguments.sizes):
        if arguments.only not in name:
            continue
        command = [sys.executable, "-m", __spec__.name, "--data", str(arguments.data)]
        answer = subprocess.run(
            [*command, "--request", json.dumps(request)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, env={**os.environ},
        )  # fmt: skip
        figures = json.loads(answer.stdout.splitlines()[-1])
        print(f"{name:28}", "  ".join(f"{key} {value:.3g}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
