"""A few seconds of training on the embedded sample, to know the cost of the rest."""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from batchmark.contract.calibration import Calibration
from batchmark.machine.facts import affinity

# Far apart, so that a line through both tells the cost of a step from that of an image.
SMALL, LARGE = 4, 200
# A batch size's measurement, in calls of so many images.
SECONDS, IMAGES = 0.5, 4000


def calibrate() -> Calibration:
    """Measure with one process a core at once, as `train` runs; medians over the processes."""
    cores = len(affinity())
    command = [sys.executable, "-m", __name__]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(cores)]
    answers = [json.loads(worker.communicate()[0]) for worker in workers]
    figures = {key: statistics.median(answer[key] for answer in answers) for key in answers[0]}
    costs = {
        # What asks for a fork; the fork itself is a hundredth of a second.
        "job": seconds_of("import batchmark.stages.forkserver"),
        "report": seconds_of("import seaborn, pydantic"),
        **per_image_and_step(figures),
        **per_image_and_step(figures, "kernel_"),
        **figures,
        "memory_bytes": int(figures["memory_bytes"]),
    }
    return Calibration.model_validate({"cores": cores, **costs})


def per_image_and_step(figures: dict[str, float], prefix: str = "") -> dict[str, float]:
    """Take out seconds a step at batch sizes SMALL and LARGE and split them by image and step."""
    small, large = figures.pop(f"{prefix}small"), figures.pop(f"{prefix}large")
    image = max(large - small, 0.0) / (LARGE - SMALL)
    return {f"{prefix}image": image, f"{prefix}step": max(small - SMALL * image, 0.0)}


def seconds_of(program: str) -> float:
    """Processor time of a Python program.

    What else it takes is the disk, which reads a library once: later processes find it in memory.
    """
    before = _of_children()
    subprocess.run([sys.executable, "-c", program], check=True)
    return _of_children() - before


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _measure() -> dict[str, float]:
    """What one process sees; TensorFlow is imported here, and timed as in `seconds_of`."""
    start = time.process_time()
    from batchmark.training import environment  # noqa: PLC0415

    environment.apply("cpu", 1)
    session_of, kernels_of = _sessions()
    startup = time.process_time() - start
    figures = _steps_and_scores(session_of)
    of_kernels = _steps_and_scores(kernels_of)
    # Kernels are compiled where a graph is traced; few runs have both.
    figures["graph"] = max(figures["graph"], of_kernels.pop("graph"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    figures |= {f"kernel_{key}": value for key, value in of_kernels.items()}
    return {"startup": startup, **figures, "memory_bytes": peak}


def _steps_and_scores(session_of: Callable[[int], Any]) -> dict[str, float]:
    small, _ = _seconds_a_step(session_of(SMALL))
    session = session_of(LARGE)
    large, first = _seconds_a_step(session)
    session.evaluate("train")  # traces
    start = time.perf_counter()
    session.evaluate("train")
    evaluated = (time.perf_counter() - start) / len(session.data.train)
    return {"graph": first, "small": small, "large": large, "evaluated_image": evaluated}


def _sessions() -> list[Callable[[int], Any]]:
    """Import the engine, load the sample; from a batch size a session, without and with kernels."""
    from batchmark.contract.hyperparameters import Hyperparameters  # noqa: PLC0415
    from batchmark.dataset.own import load_sample  # noqa: PLC0415
    from batchmark.training.data import Data, split_to_device  # noqa: PLC0415
    from batchmark.training.kernels.session import KernelSession  # noqa: PLC0415
    from batchmark.training.session import Session  # noqa: PLC0415

    arrays = load_sample()
    train = split_to_device(arrays.train_images, arrays.train_labels, 10)
    data = Data(train, train, train, 10)

    def open_(kind: type[Session], size: int) -> Session:
        return kind.open(Hyperparameters(batch_size=size), data, seed=0)

    return [partial(open_, kind) for kind in (Session, KernelSession)]


def _seconds_a_step(session: Any) -> tuple[float, float]:
    """Steady seconds a step, and the seconds of the first call, which traces the graph."""
    start = time.perf_counter()
    session.train(4)
    first = time.perf_counter() - start
    steps, start = 0, time.perf_counter()
    # As long as a trial's calls are, which begin and end with the weights in Keras's hands.
    call = max(1, IMAGES // session.batches.batch_size)
    while time.perf_counter() - start < SECONDS:
        session.train(call)
        steps += call
    return (time.perf_counter() - start) / steps, first


if __name__ == "__main__":
    print(json.dumps(_measure()))
