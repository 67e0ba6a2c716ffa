"""Steps in a history of runs: found where they are, and seldom where there is only luck."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from batchmark.contract.tables import read_document, read_table
from batchmark.statistics.change_points import FEWEST_RUNS, change_points, largest_steps
from batchmark.statistics.changes import Run
from tests.synthetic import example_request
from tests.world import make_world


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    request = example_request(epochs=2.0, studies=("momentum",))
    tables = make_world(tmp_path_factory.mktemp("run"), request).folder / "tables"
    timings, subjects = (read_table(tables, name) for name in ("timings", "subjects"))
    return Run(timings, subjects, pd.DataFrame(), read_document(tables / "environment.json"))


def _history(run: Run, factors: Sequence[float], seed: int = 0) -> list[Run]:
    """Runs that take so many times as long, each with 1 % of luck of its own."""
    luck = np.random.default_rng(seed).normal(0, 0.01, len(factors))
    return [
        run._replace(
            timings=run.timings.assign(
                seconds_per_step=run.timings["seconds_per_step"] * factor * np.exp(own)
            )
        )
        for factor, own in zip(factors, luck, strict=True)
    ]


def test_two_steps_are_found_with_their_sizes(run: Run) -> None:
    found = change_points(_history(run, [1.0] * 12 + [1.5] * 12 + [1.2] * 12))
    graphs = found.groupby(["subject", "threads"])
    assert len(graphs) > 1
    for _, steps in graphs:
        ordered = steps.sort_values("run")
        assert ordered["run"].tolist() == [12, 24]
        assert ordered["change"].tolist() == ["slower", "faster"]
        # The first step found is between the first 12 runs and the median of all that follow.
        assert ordered["ratio"].iloc[1] == pytest.approx(1.2 / 1.5, rel=0.02)


def test_a_step_below_the_noise_floor_is_none(run: Run) -> None:
    loud = run.timings.copy()
    control = loud["role"] == "control"
    loud.loc[control, "ratio_to_baseline"] *= np.where(loud.loc[control, "round"] % 2, 2.0, 0.5)
    history = _history(run._replace(timings=loud), [1.0] * 8 + [1.2] * 8)
    assert change_points(history).empty


def test_ten_runs_are_too_few(run: Run) -> None:
    assert change_points(_history(run, [1.0] * 5 + [2.0] * (FEWEST_RUNS - 6))).empty
    assert not change_points(_history(run, [1.0] * 5 + [2.0] * (FEWEST_RUNS - 5))).empty


def test_of_histories_of_luck_alone_five_percent_have_a_step() -> None:
    """Every order of runs is equally likely, whatever their distribution, here a skewed one."""
    luck = np.random.default_rng(1).exponential(size=(400, 12))
    _, p = largest_steps(luck, draws=499)
    assert binom.ppf(0.001, 400, 0.05) <= (p <= 0.05).sum() <= binom.ppf(0.999, 400, 0.05)


def test_p_counts_the_orders_with_as_large_a_step() -> None:
    """Six low values before six high ones: of 924 orders of these two are as extreme."""
    places, p = largest_steps(np.array([[0.0] * 6 + [1.0] * 6]), draws=19_999)
    assert places.tolist() == [6]
    assert p[0] == pytest.approx(2 / 924, rel=0.35)
