"""What loops cost, on times made of a cost a step and a cost an example."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from batchmark.statistics.conditions import loop_sizes, loops
from batchmark.statistics.epoch_time import EpochTimes
from batchmark.statistics.study_data import Rounds, StudyData, _of_loops
from tests.claims.worlds import EPOCHS, FULL, study_data, with_trials

SIZES = [10, 100, 1000]


def timed(**others: tuple[float, float]) -> StudyData:
    """Three sizes that need 1, 2 and 20 epochs; the graph takes 1 ms a step and 0.02 an image."""
    data = study_data("loops", [{"batch_size": size} for size in SIZES])
    epochs = np.array([[1.0], [2.0], [20.0]])
    ratios = {name: Rounds(ratio(*costs)) for name, costs in others.items()}
    data = replace(data, ratios=ratio(1e-3, 2e-5), baseline_seconds=1.5, loops=ratios)
    return with_trials(data, **{EPOCHS: epochs})


def ratio(step: float, image: float) -> np.ndarray:
    """Seconds an epoch over 1.5, which the graph takes at batch size 100: 500 × (1 + 2) ms."""
    seconds = FULL * (image + step / np.array(SIZES))
    return np.tile(seconds[:, None] / 1.5, 7)


def test_the_cost_of_a_step_and_of_an_example_are_found_for_every_loop() -> None:
    table = loops(timed(fit=(4e-3, 5e-5))).set_index("loop")
    assert list(table.index) == ["graph", "fit"]
    assert table["o"].tolist() == pytest.approx([1e-3, 4e-3], rel=1e-6)
    assert table["c"].tolist() == pytest.approx([2e-5, 5e-5], rel=1e-6)
    assert table["o_low"].tolist() == pytest.approx([1e-3, 4e-3], rel=1e-6)


def test_the_best_size_moves_with_the_cost_of_a_step() -> None:
    """6 s, 3 and 21 in the graph: 1 × 5000 × 1.2 ms, 2 × 500 × 3 and 20 × 50 × 21.

    Without a cost of steps 1, 2 and 20 s, so that the smallest is best.
    """
    table = loops(timed(free=(1e-9, 2e-5))).set_index("loop")
    assert table["best_batch_size"].tolist() == [100, 10]
    assert table["seconds"].tolist() == pytest.approx([3.0, 1.0], rel=1e-3)


def test_every_size_of_every_loop_has_its_times() -> None:
    table = loop_sizes(timed(fit=(4e-3, 5e-5)))
    assert table["loop"].tolist() == ["graph"] * 3 + ["fit"] * 3
    fit = table[table["loop"] == "fit"]
    # 4.5 over 1.2 ms a step, 9 over 3, 54 over 21.
    assert fit["ratio_to_graph"].tolist() == pytest.approx([3.75, 3.0, 54 / 21])
    assert fit["time_to_target"].tolist() == pytest.approx([22.5, 9.0, 54.0])
    assert fit["examples_per_second"].iloc[0] == pytest.approx(10 / 4.5e-3)


def test_a_study_of_the_graph_alone_has_no_loops() -> None:
    assert loops(timed()).empty
    assert loop_sizes(timed()).empty


def test_a_loops_times_are_found_by_the_graphs_name() -> None:
    place = {"machine": "m", "device": "cpu", "study": "s"}
    names = ["a", "b", "a.fit", "b.own-loop", "b.fit"]
    kinds = ["graph", "graph", "fit", "own:loop", "fit"]
    subjects = pd.DataFrame({**place, "subject": names, "loop": kinds, "threads": 2})
    times = EpochTimes(subjects, np.arange(10.0).reshape(5, 2))
    found = _of_loops(times, pd.Series([1.0, 0.0]))
    assert found["fit"].ratios.tolist() == [[8.0, 9.0], [4.0, 5.0]]
    assert np.isnan(found["own:loop"].ratios[1]).all()
    assert found["own:loop"].ratios[0].tolist() == [6.0, 7.0]
