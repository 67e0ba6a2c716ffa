"""A request for a probe of a small model."""

from typing import Any

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.budget import Budget
from batchmark.contract.requests.message import Variant
from batchmark.contract.requests.probe import ProbeRequest


def request(epochs: float = 2.0, **hyperparameters: Any) -> ProbeRequest:
    """Two seeds, four draws at sizes of which the last exceeds the tiny training set."""
    chosen = Hyperparameters(model="mlp", batch_size=16, **hyperparameters)
    return ProbeRequest(
        variant=Variant(id="mlp-16", hyperparameters=chosen),
        machine="here",
        device="cpu",
        budget=Budget(
            epochs=epochs,
            trials=1,
            first_seed=3,
            evaluate_every=None,
            not_learning_after=1.0,
            sample_epochs_times=1.0,
            deterministic=True,
        ),
        batch_sizes=[1, 8, 1000],
        draws=4,
        trials=2,
    )
