"""The engine against `keras.Model.fit` and PyTorch: `python -m benchmarks.engine --help`.

Every measurement is a fresh process; the contenders take turns in each round, so that whatever
else the machine does meets all of them. Prints images per second of the whole machine and the
engine's ratios with their spread; writes a CSV and a figure.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import geometric_mean, median
from typing import IO

CONTENDERS = Path(__file__).parent / "contenders"
SIZES = (1, 8, 32, 128, 1000, 5000)
# Multiplications and additions of one image in one step: forward, gradients of all weights, and
# of all layers' inputs but the first: 2 × (3 × 416,520 - 117,600).
FLOP_PER_IMAGE = 2 * (3 * 416_520 - 117_600)
CORES = os.cpu_count() or 1
# By contender, how many times as fast the engine should be at every batch size, and in geo-mean.
AIMS = {
    "fit": (4.5, 6.0),
    "fit-best": (1.5, 1.5),
    "torch": (2.0, 2.0),
    "torch-per-core": (2.0, 2.0),
}
SHARE_AIM = 0.45
SHARE_FROM = 128


@dataclass(frozen=True)
class Contender:
    """A way to train. `processes` run at once, each with `threads` threads (0: as installed)."""

    name: str
    script: str
    processes: int = 1
    threads: int = 0
    options: tuple[str, ...] = ()
    python: str = sys.executable


@dataclass
class Measured:
    """Images per second of the machine, by (contender, batch size), one value a round."""

    rates: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def add(self, name: str, size: int, rate: float) -> None:
        self.rates.setdefault((name, size), []).append(rate)

    def ratios(self, name: str, to: str, size: int) -> list[float]:
        """Round by round, so that what slows a round down cancels out."""
        pairs = zip(self.rates[name, size], self.rates[to, size], strict=True)
        return [ours / theirs for ours, theirs in pairs]


ENGINE = Contender("engine", "engine.py", CORES, 1)
MATMUL = Contender("matmul", "matmul.py", CORES, 1)


def contenders(torch_python: str | None) -> list[Contender]:
    """Those that can run here: PyTorch needs an interpreter that has it."""
    found = [
        Contender("fit", "keras_fit.py"),
        Contender("fit-best", "keras_fit.py", options=("best",)),
        ENGINE,
    ]
    if torch_python is None:
        print("PyTorch is skipped: name an interpreter that has it with --torch-python.")
        return found
    one = Contender("torch", "torch_eager.py", python=torch_python)
    many = Contender("torch-per-core", "torch_eager.py", CORES, 1, python=torch_python)
    return [*found, one, many]


def rate(contender: Contender, size: int, seconds: float) -> float:
    """Images (or matrix products) per second of all its processes, started together."""
    with tempfile.TemporaryFile("w+") as errors:
        processes = [_launch(contender, size, seconds, errors) for _ in range(contender.processes)]
        try:
            _start_together(processes)
            lines = [process.communicate()[0].splitlines()[-1] for process in processes]
        except (BrokenPipeError, EOFError, IndexError):
            errors.seek(0)
            sys.exit(f"{errors.read()}\nbenchmark: {contender.name} failed at batch size {size}.")
    results = [json.loads(line) for line in lines]
    return sum(result["images"] / result["seconds"] for result in results)


def _start_together(processes: list[subprocess.Popen[str]]) -> None:
    """Say "go" when all are ready; raises EOFError when one ends before."""
    for process in processes:
        assert process.stdout
        if not any(line.strip() == "ready" for line in process.stdout):
            raise EOFError
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()


def _launch(
    contender: Contender, size: int, seconds: float, errors: IO[str]
) -> subprocess.Popen[str]:
    environment = dict(os.environ)
    if contender.threads:
        environment["OMP_NUM_THREADS"] = str(contender.threads)
    options = [*contender.options, "--batch-size", str(size), "--seconds", str(seconds)]
    return subprocess.Popen(
        [contender.python, str(CONTENDERS / contender.script), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env=environment,
    )


def measure(chosen: list[Contender], sizes: list[int], rounds: int, seconds: float) -> Measured:
    """All contenders at all sizes, in every round in another order."""
    measured, shuffle = Measured(), random.Random(0)
    for number in range(rounds):
        measured.add(MATMUL.name, 1, rate(MATMUL, 1, seconds))
        for size in sizes:
            for contender in shuffle.sample(chosen, len(chosen)):
                measured.add(contender.name, size, rate(contender, size, seconds))
        print(f"round {number + 1} of {rounds} is done", file=sys.stderr)
    return measured


def report(measured: Measured, names: list[str], sizes: list[int]) -> None:
    """Images per second, then the engine's ratios, as median and range over the rounds."""
    print(f"\nimages/s of the machine, {CORES} cores, median of rounds")
    print("batch size".ljust(12) + "".join(name.rjust(16) for name in names))
    for size in sizes:
        medians = [median(measured.rates[name, size]) for name in names]
        print(str(size).ljust(12) + "".join(f"{value:16,.0f}" for value in medians))
    for other in (name for name in names if name != ENGINE.name):
        print(f"\nengine ÷ {other}: median (lowest–highest)")
        ratios = {size: measured.ratios(ENGINE.name, other, size) for size in sizes}
        for size, values in ratios.items():
            print(f"{size:>10}  {median(values):5.2f} ({min(values):.2f}–{max(values):.2f})")
        medians = [median(values) for values in ratios.values()]
        print(f"  geo-mean  {geometric_mean(medians):5.2f}")
        each, mean = AIMS[other]
        _aim(f"at least {each:g} × {other} at every batch size", min(medians) >= each)
        _aim(f"at least {mean:g} × {other} in geo-mean", geometric_mean(medians) >= mean)
    _report_share(measured, sizes)


def _report_share(measured: Measured, sizes: list[int]) -> None:
    """How much of the matrix-product rate the engine's useful operations reach."""
    product = [products * 2 * 1024**3 for products in measured.rates[MATMUL.name, 1]]
    print(f"\nfloat32 matrix product: {median(product) / 1e9:.0f} GFLOP/s of the machine")
    for size in sizes:
        pairs = zip(measured.rates[ENGINE.name, size], product, strict=True)
        shares = [images * FLOP_PER_IMAGE / peak for images, peak in pairs]
        print(f"{size:>10}  {median(shares):5.1%} ({min(shares):.1%}–{max(shares):.1%})")
        if size >= SHARE_FROM:
            _aim(f"at least {SHARE_AIM:.0%} at batch size {size}", median(shares) >= SHARE_AIM)


def _aim(text: str, reached: bool) -> None:
    print(f"  {'pass' if reached else 'MISS'}  {text}")


def write_csv(measured: Measured, path: Path) -> None:
    """One row a measurement."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["contender", "batch_size", "round", "per_second"])
        for (name, size), values in measured.rates.items():
            writer.writerows([name, size, number, value] for number, value in enumerate(values))


def draw(measured: Measured, names: list[str], sizes: list[int], path: Path) -> None:
    """Images per second over batch size, a line a contender, the rounds' range as a band."""
    import matplotlib  # noqa: PLC0415

    matplotlib.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(7, 4.5))
    for name in names:
        rows = [measured.rates[name, size] for size in sizes]
        (line,) = axes.plot(sizes, [median(row) for row in rows], marker="o")
        axes.fill_between(
            sizes, [min(r) for r in rows], [max(r) for r in rows], alpha=0.2, color=line.get_color()
        )
        axes.annotate(name, (sizes[-1], median(rows[-1])), (6, 0), textcoords="offset points")
    axes.set(xscale="log", yscale="log", xlabel="batch size", ylabel="images/s of the machine")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set_title(f"LeNet-5, training speed on {CORES} cores")
    figure.savefig(path, bbox_inches="tight")


def main() -> None:
    """Parse, measure, report, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="N")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--torch-python", help="an interpreter that has PyTorch")
    parser.add_argument("--only", nargs="+", metavar="CONTENDER", help="beside the engine")
    parser.add_argument("--output", type=Path, default=Path("reports/benchmarks"))
    arguments = parser.parse_args()
    chosen = contenders(arguments.torch_python)
    if arguments.only:
        chosen = [one for one in chosen if one is ENGINE or one.name in arguments.only]
    measured = measure(chosen, arguments.sizes, arguments.rounds, arguments.seconds)
    names = [contender.name for contender in chosen]
    report(measured, names, arguments.sizes)
    arguments.output.mkdir(parents=True, exist_ok=True)
    write_csv(measured, arguments.output / "engine.csv")
    draw(measured, names, arguments.sizes, arguments.output / "engine.svg")


if __name__ == "__main__":
    main()
