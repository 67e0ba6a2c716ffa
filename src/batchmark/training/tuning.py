"""`learning_rate: tuned`: a grid on validation data with a seed of its own."""

from collections.abc import Callable

import numpy as np

from batchmark.contract.requests.train import TuningGrid
from batchmark.results.run import Trial, Tuning

Train = Callable[[float], Trial]


def learning_rates(grid: TuningGrid) -> list[float]:
    """Evenly spaced on a log scale, both ends included, six significant digits."""
    return [float(f"{rate:.6g}") for rate in np.geomspace(grid.low, grid.high, grid.points)]


def tune(grid: TuningGrid, epochs: float, train: Train) -> Tuning:
    """Train once at every rate and choose the one with the best validation accuracy.

    A tie goes to the smaller rate. `on_border` says that the best rate may lie outside the grid.
    """
    rates = learning_rates(grid)
    accuracies = [_best_accuracy(train(rate)) for rate in rates]
    best = int(np.argmax(accuracies))
    return Tuning(
        seed=grid.seed,
        epochs=epochs,
        learning_rates=rates,
        validation_accuracies=accuracies,
        chosen=rates[best],
        on_border=best in (0, len(rates) - 1),
    )


def _best_accuracy(trial: Trial) -> float:
    """0 for a trial that diverged: a rate that cannot finish is not to be chosen."""
    return 0.0 if trial.status == "diverged" else max(trial.evaluations.validation_accuracy)
