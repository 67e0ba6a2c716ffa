import pytest

from batchmark.contract.requests.train import TuningGrid
from batchmark.contract.run import Evaluations, Status, Trial, TrialClock
from batchmark.training.run import learning_rates, tune


def trial(accuracies: list[float], status: Status = "done") -> Trial:
    count = len(accuracies)
    columns: dict[str, list] = {
        name: [0.5] * count for name in Evaluations.model_fields if name != "examples"
    }
    columns["steps"] = columns["examples"] = list(range(1, count + 1))
    columns["validation_accuracy"] = accuracies
    return Trial(
        seed=9,
        status=status,
        learning_rate=0.1,
        evaluations=Evaluations(**columns),
        best_evaluation=0,
        test_accuracy_at_best=None,
        final_test_accuracy=None,
        final_train_accuracy=None,
        small_weight_share=None,
        gradient_norms={},
        clock=TrialClock(started="", seconds=0.0),
    )


def grid(points: int = 4) -> TuningGrid:
    return TuningGrid(low=0.001, high=1.0, points=points, epochs=2.0, seed=9)


def test_rates_are_evenly_spaced_on_a_log_scale() -> None:
    assert learning_rates(grid()) == [0.001, 0.01, 0.1, 1.0]


@pytest.mark.parametrize(
    ("results", "chosen", "on_border"),
    [
        ([[0.5], [0.9, 0.7], [0.8], [0.1]], 0.01, False),  # the best evaluation counts
        ([[0.5], [0.8], [0.8], [0.1]], 0.01, False),  # a tie: the smaller rate
        ([[0.5], [0.6], [0.7], [0.9]], 1.0, True),
    ],
)
def test_the_best_validation_accuracy_is_chosen(
    results: list[list[float]], chosen: float, on_border: bool
) -> None:
    given = dict(zip(learning_rates(grid()), results, strict=True))
    found = tune(grid(), 2.0, lambda rate, _: trial(given[rate]))
    assert (found.chosen, found.on_border) == (chosen, on_border)


def test_a_rate_that_diverged_is_not_chosen() -> None:
    found = tune(
        grid(2), 2.0, lambda rate, _: trial([0.9], "diverged") if rate > 0.1 else trial([0.2])
    )
    assert (found.chosen, found.validation_accuracies) == (0.001, [0.2, 0.0])


def test_the_better_half_goes_on_each_time() -> None:
    """Of five rates the accuracies after 1, 2 and 4 epochs, worked through by hand."""
    rates = learning_rates(grid(5))
    after = dict(
        zip(rates, [(0.1,), (0.5, 0.6, 0.95), (0.6, 0.7, 0.9), (0.4, 0.3), (0.2,)], strict=True)
    )
    asked: list[tuple[float, float]] = []

    def train(rate: float, epochs: float) -> Trial:
        asked.append((rate, epochs))
        return trial([after[rate][{1.0: 0, 2.0: 1, 4.0: 2}[epochs]]])

    found = tune(grid(5), 4.0, train)
    second, last = [(rates[2], 2.0), (rates[1], 2.0), (rates[3], 2.0)], [rates[2], rates[1]]
    assert asked == [*((rate, 1.0) for rate in rates), *second, *((rate, 4.0) for rate in last)]
    assert (found.chosen, found.on_border) == (rates[1], False)
    assert found.trained_epochs == [1.0, 4.0, 4.0, 2.0, 1.0]
    assert found.validation_accuracies == [0.1, 0.95, 0.9, 0.3, 0.2]
