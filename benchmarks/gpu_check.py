"""Does batchmark work on this machine's GPU? Prints a line per check and a verdict.

    python benchmarks/gpu_check.py

Needs the environment of requirements/gpu.txt. Exit status 1 if a check fails or there is no GPU.
"""

import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from sample_data import write_sample

from batchmark.contract.devices import Device
from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.time import TimeRequest, TimingSubject
from batchmark.machine import cards, gpu
from batchmark.timing.process import Conditions, Runtime
from batchmark.timing.session import time_study

STEPS = 100
SUBJECTS = [
    TimingSubject(id=f"bs{size}", hyperparameters=Hyperparameters(batch_size=size), variants=[])
    for size in (32, 256, 1000)
]
# With max pooling, of which TensorFlow's gradient has no deterministic form on a GPU.
POOLED = TimingSubject(
    id="max", hyperparameters=Hyperparameters(model="lenet_theano", batch_size=32), variants=[]
)
Outcome = tuple[bool, str]


def losses_weights_gpus(
    conditions: Conditions, subject: TimingSubject
) -> tuple[list[float], list[Any], int]:
    """A network trained for a while on one device, as runs are; how many GPUs this process sees."""
    runtime = Runtime(conditions)
    import tensorflow as tf  # noqa: PLC0415

    tf.config.experimental.enable_op_determinism()
    session = runtime.open(subject, seed=1)
    losses = session.train(STEPS).losses.tolist()
    weights = [variable.numpy() for variable in session.model.trainable_variables]
    return losses, weights, len(tf.config.list_physical_devices("GPU"))


def main() -> None:
    """Run every check; a check that raises has failed."""
    if not gpu.devices():
        sys.exit("verdict: nothing checked, NVIDIA's driver reports no GPU on this machine")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sample(folder)
        checks: dict[str, Callable[[], Outcome]] = {
            "driver": check_driver,
            "slots": check_slots,
            "training": partial(check_training, folder, SUBJECTS[0]),
            "max pooling": partial(check_training, folder, POOLED),
            "timing": partial(check_timing, folder),
        }
        results = [report(title, check) for title, check in checks.items()]
    passed = all(results)
    print("verdict: batchmark works on this GPU" if passed else "verdict: NOT ready for this GPU")
    sys.exit(0 if passed else 1)


def report(title: str, check: Callable[[], Outcome]) -> bool:
    try:
        holds, text = check()
    except UserError as error:
        holds, text = False, str(error)
    print(f"{'pass' if holds else 'FAIL'}: {title}: {text}", flush=True)
    return holds


def check_driver() -> Outcome:
    known = gpu.describe()
    names = ", ".join(f"{card['name']} (driver {card['driver']})" for card in known)
    return bool(known), names


def check_slots() -> Outcome:
    """As many claims at once as there are GPUs get one each."""
    found = cards.usable("gpu")
    with ExitStack() as until_done:
        got = {until_done.enter_context(cards.claimed("gpu_check", found, "gpu")) for _ in found}
    return got == set(found), f"{len(got)} of {len(found)} GPUs could be claimed"


def check_training(folder: Path, subject: TimingSubject) -> Outcome:
    """The compiled loop on the GPU gives the losses and weights that the CPU gives."""
    losses, weights, gpus = trained(folder, subject, "gpu")
    expected_losses, expected_weights, _ = trained(folder, subject, "cpu")
    loss = float(np.max(np.abs(np.array(losses) - expected_losses)))
    pairs = zip(weights, expected_weights, strict=True)
    weight = max(float(np.max(np.abs(one - other))) for one, other in pairs)
    if gpus != 1:
        return False, "TensorFlow finds no GPU: are the libraries of requirements/gpu.txt there?"
    text = (
        f"after {STEPS} steps losses differ by {loss:.1e}, weights by {weight:.1e} from the CPU's"
    )
    return loss < 1e-3 and weight < 1e-4, text


def trained(
    folder: Path, subject: TimingSubject, device: Device
) -> tuple[list[float], list[Any], int]:
    """The same in a process of its own."""
    conditions = Conditions(device, 0, folder / "data.npz", folder / "data.json")
    with cards.own("gpu_check", "gpu"), ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(losses_weights_gpus, conditions, subject).result()


def check_timing(folder: Path) -> Outcome:
    """A short session: speed, memory and share of the peak are found for every batch size."""
    request = TimeRequest(
        study="gpu_check",
        machine="local",
        device="gpu",
        subjects=SUBJECTS,
        baseline=SUBJECTS[0].id,
        threads=[0],
        rounds=3,
        min_seconds=0.3,
        min_steps=20,
        seed=0,
    )
    with cards.own("gpu_check", "gpu"):
        result = time_study(request, folder / "data.npz", folder / "data.json")
    speeds = [
        f"{one.batch_size}: {speed(one, result):,.0f}/s, {(one.peak_memory_bytes or 0) >> 20} MiB"
        for one in result.subjects
    ]
    peak = result.peak_flops_per_second["0"] / 1e12
    complete = all(one.peak_memory_bytes and one.flops_per_step for one in result.subjects)
    codes = sorted({warning.code for warning in result.warnings})
    text = f"{'; '.join(speeds)}; matrix peak {peak:.1f} TFLOP/s; warnings: {codes or 'none'}"
    return complete, text


def speed(subject: Any, result: Any) -> float:
    """Images per second, the median over visits."""
    times = [v.elapsed_ns / v.steps for v in result.visits if v.subject == subject.id]
    return subject.batch_size / float(np.median(times)) * 1e9


if __name__ == "__main__":
    main()
