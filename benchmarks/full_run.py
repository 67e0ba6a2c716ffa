"""What a run on the full MNIST reaches and costs: `python -m benchmarks.full_run --help`.

LeNet-5 at batch size 32 with plain SGD 0.1, one trial of one process, as the stage `train` does
it: its best validation accuracy (aim: over 98.5 %) and its peak memory (aim: under 1.2 GB).
"""

import argparse
import resource
import sys
import tempfile
from pathlib import Path

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.budget import Budget
from batchmark.contract.requests.message import Variant
from batchmark.contract.requests.train import TrainRequest
from batchmark.dataset.arrays import load_dataset
from batchmark.training import environment

ACCURACY = 0.985
BYTES = 1.2e9


def request(epochs: float) -> TrainRequest:
    """One trial of the setting that is a textbook's first."""
    chosen = Hyperparameters(model="lenet5", batch_size=32, learning_rate=0.1)
    budget = Budget(
        epochs=epochs,
        trials=1,
        first_seed=0,
        evaluate_every=None,
        not_learning_after=epochs,
        sample_epochs_times=1.0,
        deterministic=True,
    )
    variant = Variant(id="lenet5-32", hyperparameters=chosen)
    return TrainRequest(variant=variant, machine="local", device="cpu", budget=budget, tuning=None)


def main() -> None:
    """Train, report; exit status 1 where an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.full_run", description=__doc__)
    parser.add_argument("--npz", type=Path, default=Path("data/mnist.npz"))
    parser.add_argument("--facts", type=Path, default=Path("data/mnist.json"))
    parser.add_argument("--epochs", type=float, default=8.0)
    arguments = parser.parse_args()
    environment.apply("cpu", threads=1)
    # TensorFlow must find the switches set.
    from batchmark.training.run import Scratch, run  # noqa: PLC0415

    dataset = load_dataset(arguments.npz, arguments.facts)
    with tempfile.TemporaryDirectory() as folder:
        result = run(request(arguments.epochs), dataset, Scratch(Path(folder), 60.0))
    accuracies = result.trials[0].evaluations.validation_accuracy
    best = max(accuracy for accuracy in accuracies if accuracy is not None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"best validation accuracy {best:.2%} in {arguments.epochs:g} epochs (aim: > 98.5 %)")
    print(f"peak memory {peak / 1e9:.2f} GB (aim: < 1.2 GB)")
    sys.exit(not (best > ACCURACY and peak < BYTES))


if __name__ == "__main__":
    main()
