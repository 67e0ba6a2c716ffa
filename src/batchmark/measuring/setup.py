"""What every measuring process does first: switches, TensorFlow, data; then a session a subject."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchmark.contract.requests.message import Device
from batchmark.contract.requests.time import TimingSubject
from batchmark.dataset.arrays import load_dataset
from batchmark.training import switches

# Speed does not depend on the learning rate; a small one keeps losses finite for the whole block.
LEARNING_RATE = 1e-5


@dataclass(frozen=True)
class Conditions:
    """Where a process measures. `threads`: intra-op threads, 0 on a GPU."""

    device: Device
    threads: int
    npz: Path
    facts: Path


class Laboratory:
    """Data on the device, and sessions opened for timing subjects. Builds TensorFlow's runtime."""

    def __init__(self, conditions: Conditions) -> None:
        switches.apply(conditions.device, conditions.threads)
        # TensorFlow must find the switches set.
        from batchmark.training.data import to_device  # noqa: PLC0415
        from batchmark.training.session import Session  # noqa: PLC0415

        self.compiled = conditions.device == "gpu"
        self.data = to_device(load_dataset(conditions.npz, conditions.facts))
        self._session = Session

    def open(self, subject: TimingSubject, seed: int) -> Any:
        """A session of the subject; ValueError when its batch exceeds the training set."""
        return self._session.open(
            subject.hyperparameters,
            self.data,
            seed,
            learning_rate=LEARNING_RATE,
            compiled=self.compiled,
        )
