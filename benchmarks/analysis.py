"""How long collect and analyze take, and how much memory, for 2,000 runs of 200 epochs.

    python -m benchmarks.analysis [--runs 2000] [--epochs 200] [--trials 3]

The bounds to keep are 10 seconds and 500 MB together; the results are synthesized first.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.synthetic import (
    BATCH_SIZES,
    TARGET,
    Example,
    Truth,
    collect_request,
    study,
    write_results,
)

STUDIES = 10
SECONDS, MEGABYTES = 10.0, 500.0


def large_request(runs: int, epochs: float, trials: int) -> Example:
    """Ten studies over batch sizes and learning rates, `runs` variants altogether."""
    studies, variants = [], []
    sizes = BATCH_SIZES[2:]
    rates = runs // STUDIES // len(sizes)
    for number in range(STUDIES):
        settings = [
            {"batch_size": size, "learning_rate": 0.1 + 1e-4 * (number * rates + rate)}
            for rate in range(rates)
            for size in sizes
        ]
        one, made = study(f"study{number}", settings, settings[0], epochs=epochs, trials=trials)
        studies.append(one)
        variants += made
    targets = {"mnist": [TARGET, 0.95, 0.97, 0.985, 0.99]}
    return Example(
        machine="local",
        targets=targets,
        studies=studies,
        variants=variants,
        probed=[],
    )


def measure(arguments: list[str]) -> tuple[float, float, float]:
    """Run a stage; wall seconds, processor seconds and peak megabytes."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{arguments[0]} failed")
    wall = time.perf_counter() - begun
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Synthesize, measure, print, and fail when a bound is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--epochs", type=float, default=200.0)
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder to leave everything in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = asked.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        request = large_request(asked.runs, asked.epochs, asked.trials)
        truth = replace(Truth(), evaluations_per_epoch=1)
        write_results(folder / "results", request, seed=0, truth=truth)
        (folder / "collect.json").write_text(collect_request(request).model_dump_json())
        (folder / "analyze.json").write_text(request.model_dump_json())
        tables = ["--tables", str(folder / "tables")]
        asking = [["--request", str(folder / f"{stage}.json")] for stage in ("collect", "analyze")]
        results = ["--results", str(folder / "results")]
        measured = [
            measure(["batchmark.stages.collect", *asking[0], *results, *tables]),
            measure(["batchmark.stages.analyze", *asking[1], *tables]),
        ]
    for stage, (wall, processor, megabytes) in zip(("collect", "analyze"), measured, strict=True):
        print(f"{stage}: {wall:.1f} s ({processor:.1f} s of processor), {megabytes:.0f} MB")
    seconds = sum(wall for wall, _, _ in measured)
    megabytes = max(one for _, _, one in measured)
    print(f"together: {seconds:.1f} s of {SECONDS:g}, {megabytes:.0f} MB of {MEGABYTES:g}")
    sys.exit(seconds > SECONDS or megabytes > MEGABYTES)


if __name__ == "__main__":
    main()
