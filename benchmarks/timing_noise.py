"""Do timings repeat, is the noise floor honest, and is a disturbed session flagged?

Times the same session several times on a quiet machine and once beside a process that keeps one
core busy, on the embedded sample. Run it when nothing else runs:

    python benchmarks/timing_noise.py --sessions 20

Expected: relative times of the first two sessions agree within 3 % for every batch size from 8 on;
the interval of the A/A control contains 1 in at least 19 of 20 sessions; the loaded session, and
no quiet one, is flagged as busy. Exit status 1 if not. The default of 2 sessions is
quick, and too few to tell 19 of 20.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from sample_data import write_sample

from batchmark.collecting import tidy
from batchmark.collecting.tidy import add_ratio_to_baseline
from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.time import TimeRequest, TimingSubject
from batchmark.contract.timing import TimingResult
from batchmark.machine.locks import exclusive
from batchmark.statistics.epoch_time import epoch_times, noise
from batchmark.timing.session import time_study

BATCH_SIZES = (1, 8, 32, 128, 512, 1000)
AGREEMENT = 0.03
SMALLEST_COMPARED = 8
COVERAGE = 0.95


@dataclass(frozen=True)
class Outcome:
    """Relative time by batch size, and the control's ratio with its interval."""

    ratios: dict[int, float]
    control: tuple[float, float, float]
    codes: set[str]

    @property
    def contains_one(self) -> bool:
        _, low, high = self.control
        return low <= 1 <= high


def main() -> None:
    """Time the sessions one after the other; print each and the verdict."""
    arguments = parse()
    request = session_request(arguments)
    with tempfile.TemporaryDirectory() as name, exclusive("timing_noise"):
        folder = Path(name)
        write_sample(folder)
        quiet = [run(f"quiet {i + 1}", request, folder) for i in range(arguments.sessions)]
        loaded = run("loaded", request, folder, load=True)
    sys.exit(0 if verdict(quiet, loaded) else 1)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How well timings repeat.")
    parser.add_argument("--sessions", type=int, default=2, help="quiet sessions, at least 2")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--rounds-at-most", type=int, default=12)
    parser.add_argument("--min-seconds", type=float, default=0.3, help="of a visit")
    parser.add_argument("--min-steps", type=int, default=20, help="of a visit")
    parser.add_argument("--max-seconds", type=float, help="to which --min-steps may stretch it")
    arguments = parser.parse_args()
    if arguments.sessions < 2:
        parser.error("--sessions must be at least 2")
    return arguments


def session_request(asked: argparse.Namespace) -> TimeRequest:
    """One subject a batch size, the baseline at 32."""
    subjects = [
        TimingSubject(id=f"bs{size}", hyperparameters=Hyperparameters(batch_size=size), variants=[])
        for size in BATCH_SIZES
    ]
    return TimeRequest(
        study="noise",
        machine="local",
        device="cpu",
        subjects=subjects,
        baseline="bs32",
        threads=[0],
        rounds=asked.rounds,
        rounds_at_most=asked.rounds_at_most,
        min_seconds=asked.min_seconds,
        min_steps=asked.min_steps,
        max_seconds=asked.max_seconds,
        seed=0,
    )


def run(name: str, request: TimeRequest, folder: Path, load: bool = False) -> Outcome:
    """One session, beside a busy process if `load`."""
    begun = time.monotonic()
    with busy_core() if load else nullcontext():
        result = time_study(request, folder / "data.npz", folder / "data.json")
    found = outcome(result)
    ratio, low, high = found.control
    print(
        f"{name:9} {time.monotonic() - begun:4.0f} s  relative time",
        "  ".join(f"{size}: {value:.3f}" for size, value in found.ratios.items()),
        f" control {ratio:.4f} [{low:.4f}, {high:.4f}]",
        f" flags: {', '.join(sorted(found.codes)) or 'none'}",
        flush=True,
    )
    return found


class busy_core:  # noqa: N801 a context manager
    """A process that keeps one core busy."""

    def __enter__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", "while True: pass"])

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def outcome(result: TimingResult) -> Outcome:
    """The session as the analysis sees it."""
    timings = add_ratio_to_baseline(pd.DataFrame(tidy.visit_rows(result)))
    times = epoch_times(timings, pd.DataFrame(tidy.subject_rows(result)))
    timed = times.subjects[times.subjects["role"] != "control"]
    control = noise(timings, times).iloc[0]
    return Outcome(
        dict(zip(timed["batch_size"], timed["ratio"], strict=True)),
        (control["ratio"], control["low"], control["high"]),
        {warning.code for warning in result.warnings},
    )


def disagreement(one: Outcome, other: Outcome) -> float:
    """The largest relative difference of relative times from batch size 8 on."""
    sizes = [size for size in one.ratios if size >= SMALLEST_COMPARED]
    return max(abs(one.ratios[size] / other.ratios[size] - 1) for size in sizes)


def verdict(quiet: list[Outcome], loaded: Outcome) -> bool:
    """Print what was expected and what was found; whether all of it holds."""
    pairs = [disagreement(*pair) for pair in pairwise(quiet)]
    covered = sum(session.contains_one for session in quiet)
    needed = int(np.floor(COVERAGE * len(quiet)))
    busy = sum("busy" in session.codes for session in quiet)
    checks = {
        f"two quiet sessions agree within {pairs[0]:.1%} (limit 3 %)": pairs[0] <= AGREEMENT,
        f"the A/A interval contains 1 in {covered} of {len(quiet)} sessions, at least {needed} "
        "(asked: 19 of 20)": covered >= needed,
        f"{busy} of {len(quiet)} quiet sessions are flagged as busy (limit 0)": not busy,
        f"the loaded session is flagged as busy: {', '.join(sorted(loaded.codes))}": (
            "busy" in loaded.codes
        ),
    }
    for text, holds in checks.items():
        print(f"{'pass' if holds else 'FAIL'}: {text}")
    print(
        f"Consecutive sessions differ by {np.median(pairs):.1%} (median), {max(pairs):.1%} (most)."
    )
    return all(checks.values())


if __name__ == "__main__":
    main()
