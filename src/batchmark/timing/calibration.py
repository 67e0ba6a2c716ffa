"""A few seconds of training on the embedded sample, to know the cost of the rest."""

import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

from batchmark.contract.calibration import Calibration
from batchmark.machine.facts import affinity

# Far apart, so that a line through both tells the cost of a step from that of an image.
SMALL, LARGE = 4, 200
# A batch size's measurement.
SECONDS = 1.0


def calibrate() -> Calibration:
    """Measure with one process a core at once, as `train` runs; medians over the processes."""
    cores = len(affinity())
    command = [sys.executable, "-m", __name__]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(cores)]
    answers = [json.loads(worker.communicate()[0]) for worker in workers]
    figures = {key: statistics.median(answer[key] for answer in answers) for key in answers[0]}
    return Calibration(
        cores=cores,
        report=_report_seconds(),
        memory_bytes=int(figures.pop("memory_bytes")),
        **per_image_and_step(figures.pop("small"), figures.pop("large")),
        **figures,
    )


def per_image_and_step(small: float, large: float) -> dict[str, float]:
    """Split seconds a step at batch sizes SMALL and LARGE into parts per image and per step."""
    image = max(large - small, 0.0) / (LARGE - SMALL)
    return {"image": image, "step": max(small - SMALL * image, 0.0)}


def _report_seconds() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import seaborn, pydantic"], check=True)
    return time.perf_counter() - start


def _measure() -> dict[str, float]:
    """What one process sees; TensorFlow is imported here, and timed."""
    start = time.perf_counter()
    from batchmark.training import environment  # noqa: PLC0415

    environment.apply("cpu", 1)
    session_of = _sessions()
    startup = time.perf_counter() - start
    small, _ = _seconds_a_step(session_of(SMALL))
    session = session_of(LARGE)
    large, first = _seconds_a_step(session)
    session.evaluate("train")  # traces
    start = time.perf_counter()
    session.evaluate("train")
    evaluated = (time.perf_counter() - start) / len(session.data.train)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "startup": startup,
        "graph": first,
        "small": small,
        "large": large,
        "evaluated_image": evaluated,
        "memory_bytes": peak,
    }


def _sessions() -> Any:
    """Import the engine, load the sample, and give a function from batch size to Session."""
    from batchmark.contract.hyperparameters import Hyperparameters  # noqa: PLC0415
    from batchmark.dataset.own import load_sample  # noqa: PLC0415
    from batchmark.training.data import Data, split_to_device  # noqa: PLC0415
    from batchmark.training.session import Session  # noqa: PLC0415

    arrays = load_sample()
    train = split_to_device(arrays.train_images, arrays.train_labels, 10)
    data = Data(train, train, train, 10)
    return lambda size: Session.open(Hyperparameters(batch_size=size), data, seed=0)


def _seconds_a_step(session: Any) -> tuple[float, float]:
    """Steady seconds a step, and the seconds of the first call, which traces the graph."""
    start = time.perf_counter()
    session.train(4)
    first = time.perf_counter() - start
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        session.train(10)
        steps += 10
    return (time.perf_counter() - start) / steps, first


if __name__ == "__main__":
    print(json.dumps(_measure()))
