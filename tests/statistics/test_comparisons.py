from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from batchmark.statistics.comparisons import compare, log_epoch_ratio, seconds_per_epoch
from batchmark.statistics.intervals import Mean
from batchmark.statistics.study_data import StudyData
from tests.world import World


@pytest.fixture(scope="module")
def momentum(world: World) -> pd.DataFrame:
    return at_main_target(world.data("momentum"))


def at_main_target(data: StudyData) -> pd.DataFrame:
    return compare(data).query(f"target == {data.target}")


def test_a_miss_counts_as_the_budget_and_two_misses_as_no_pair() -> None:
    epochs = np.array([[2.0, np.inf, np.inf, 4.0]])
    base = np.array([4.0, 4.0, np.inf, np.inf])
    found = np.exp(log_epoch_ratio(epochs, base, np.array([8.0])))
    assert found[0].tolist() == pytest.approx([0.5, 2.0, np.nan, 0.5], nan_ok=True)


def test_ratios_come_near_the_truth(momentum: pd.DataFrame, world: World) -> None:
    epochs = momentum[momentum["metric"] == "epochs_to_target"]
    both = epochs.merge(world.measured.variants, on="variant")
    nine = both[(both["momentum"] == 0.9) & (both["batch_size"] == 512)]
    truth = world.truth
    expected = 0.4 * truth.epochs_to_target(512) / truth.epochs_to_target(32)
    assert len(nine) == 2
    assert nine["estimate"].to_numpy() == pytest.approx(expected, rel=0.3)
    assert (nine["low"] < nine["estimate"]).all()
    assert (nine["estimate"] < nine["high"]).all()


def test_every_variant_but_the_baseline_is_compared(momentum: pd.DataFrame, world: World) -> None:
    data = world.data("momentum")
    for _, rows in momentum.groupby("metric"):
        assert sorted(rows["variant"]) == sorted(set(data.ids) - {data.study.baseline})
        assert (rows["baseline"] == data.study.baseline).all()


def test_correction_never_makes_a_difference_more_certain(momentum: pd.DataFrame) -> None:
    tested = momentum.dropna(subset=["p"])
    assert (tested["p_holm"] >= tested["p"]).all()
    assert (tested["distinguishable"] <= (tested["p_holm"] < 0.05)).all()


def test_equal_graphs_take_the_same_time(momentum: pd.DataFrame, world: World) -> None:
    seconds = momentum[momentum["metric"] == "seconds_per_epoch"]
    both = seconds.merge(world.measured.variants, on="variant")
    same = both[both["batch_size"] == 32]
    assert len(same)
    assert not same["distinguishable"].any()


def two_rounds(world: World) -> StudyData:
    """Two variants of one subject, and one that took twice and thrice as long as they."""
    data = world.data("momentum")
    ratios = np.ones((len(data.ids), 2))
    ratios[2] = [2.0, 3.0]
    return replace(data, ratios=ratios, processes=Mean(0.0, 0.04, 4.0))


def test_what_processes_differ_by_is_in_every_ratio_of_times(world: World) -> None:
    """Half of a log of 1.5 is the error of rounds, 0.2 that of processes (Welch)."""
    data = two_rounds(world)
    rows = compare(replace(data, study=data.study.model_copy(update={"baseline": data.ids[0]})))
    row = rows[(rows["metric"] == "seconds_per_epoch") & (rows["variant"] == data.ids[2])].iloc[0]
    rounds = (np.log(1.5) / 2) ** 2
    freedom = (rounds + 0.04) ** 2 / (rounds**2 / 1 + 0.04**2 / 4)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(rounds + 0.04)
    assert np.log(row["estimate"]) == pytest.approx(np.log(6) / 2)
    assert np.log(row["high"] / row["estimate"]) == pytest.approx(half)


def test_variants_that_are_timed_as_one_share_a_process(world: World) -> None:
    assert two_rounds(world).of_processes(0).squared_error[:3].tolist() == [0, 0, 0.04]


def test_a_variant_has_the_same_interval_of_time_alone_and_among_others(world: World) -> None:
    data = world.data("batch_size")
    alone, among = seconds_per_epoch(data, np.array([3])), seconds_per_epoch(data)
    assert (alone.low[0], alone.high[0]) == (among.low[3], among.high[3])


def test_misses_are_counted(world: World) -> None:
    table = at_main_target(world.data("batch_size"))
    rows = table[table["metric"] == "epochs_to_target"]
    largest = rows[rows["variant"].str.contains("-bs5000-")]
    assert largest["censored"].tolist() == [3]
    assert largest["pairs"].tolist() == [3]


def test_every_target_is_compared_on_its_own(world: World) -> None:
    data = world.data("momentum")
    table = compare(data)
    for metric in ("epochs_to_target", "time_to_target"):
        rows = table[table["metric"] == metric]
        assert list(dict.fromkeys(rows["target"])) == data.targets
        assert not rows.duplicated(["variant", "target"]).any()
    alone = compare(replace(data, targets=[data.targets[1]]))
    expected = alone[alone["metric"] == "time_to_target"].reset_index(drop=True)
    found = table[(table["metric"] == "time_to_target") & (table["target"] == data.targets[1])]
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected)
    once = table[~table["metric"].isin(["epochs_to_target", "time_to_target"])]
    assert set(once["target"]) == {data.target}


def test_seeds_that_agree_by_chance_do_not_make_errors_certain(world: World) -> None:
    """All seeds equal: what is left is the error of counting two sets of images."""
    data = world.data("momentum")
    same = data.outcomes.assign(final_test_accuracy=0.9)
    other = data.ids[0] if data.ids[0] != data.study.baseline else data.ids[1]
    same.loc[same["variant"] == other, "final_test_accuracy"] = 0.901
    rows = compare(replace(data, outcomes=same)).query("metric == 'final_test_error'")
    row = rows.set_index("variant").to_dict("index")[other]
    images = int(data.variants["test_size"].iloc[0])
    seeds = len(data.seeds)
    error = np.sqrt(2 / 12 / images**2)
    assert row["estimate"] == pytest.approx(-0.001)
    assert row["high"] - row["low"] == pytest.approx(2 * stats.t(seeds - 1).ppf(0.975) * error)


def test_a_miss_makes_no_difference_in_the_direction_in_which_it_errs(world: World) -> None:
    """The largest batch misses everywhere, and its whole budget takes less time than the base's."""
    data = world.data("batch_size")
    (largest,) = (row for row, name in enumerate(data.ids) if "-bs5000-" in name)
    ratios = np.ones((len(data.ids), 7))
    ratios[largest] = 1e-3 * np.exp(0.01 * np.arange(7))
    table = at_main_target(replace(data, ratios=ratios))
    rows = table[table["variant"] == data.ids[largest]].set_index("metric").to_dict("index")
    assert rows["time_to_target"]["estimate"] < 0.1
    assert not rows["time_to_target"]["distinguishable"]
    assert rows["epochs_to_target"]["estimate"] > 1
    assert rows["seconds_per_epoch"]["distinguishable"]


def test_a_baseline_without_results_makes_no_comparison(world: World) -> None:
    data = world.data("momentum")
    study = data.study.model_copy(update={"baseline": "absent"})
    assert compare(replace(data, study=study)).empty
