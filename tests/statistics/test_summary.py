from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from batchmark.contract.tables import ANALYZED
from batchmark.statistics.summary import summarize
from tests.world import World

DESIGN = (
    "machine, device, variant, study, model, optimizer, learning_rate, momentum, nesterov, "
    "weight_decay, l1, l2, normalization, batch_size, train_size, trials, reached, "
    "epochs_to_target, epochs_to_target_low, epochs_to_target_high, seconds_per_epoch, "
    "seconds_per_epoch_low, seconds_per_epoch_high, relative_epoch_time, time_to_target, "
    "time_to_target_low, time_to_target_high, relative_time_to_target, best_validation_error, "
    "best_epoch, best_test_error, final_test_error, peak_memory_bytes, status"
)


@pytest.fixture(scope="module")
def summary(world: World) -> pd.DataFrame:
    measured = world.measured
    return summarize(measured.variants, measured.outcomes, measured.times)


def sizes(summary: pd.DataFrame, world: World) -> pd.DataFrame:
    """The rows of the batch size study by size."""
    ids = list(world.request.studies[0].settings)
    return summary[summary["variant"].isin(ids)].set_index("batch_size")


def test_the_contract_of_the_design_page() -> None:
    contract = DESIGN.split(", ")
    assert list(ANALYZED["summary"][: len(contract)]) == contract


def test_one_row_per_variant(summary: pd.DataFrame, world: World) -> None:
    assert sorted(summary["variant"]) == sorted(each.id for each in world.request.variants)


def test_epochs_to_target_come_near_the_truth(summary: pd.DataFrame, world: World) -> None:
    found = sizes(summary, world)["epochs_to_target"].to_dict()
    for size in (20, 100, 500):
        expected = world.truth.epochs_to_target(size)
        # Read off a grid of a fifth of an epoch, always behind the crossing.
        assert expected * 0.85 <= found[size] <= expected * 1.15 + 0.2


def test_a_median_that_missed_is_empty_and_counted(summary: pd.DataFrame, world: World) -> None:
    row = sizes(summary, world).to_dict("index")[5000]
    assert row["reached"] == 0
    assert row["trials"] == 3
    assert np.isnan(row["epochs_to_target"])
    assert np.isnan(row["time_to_target"])
    assert row["status"] == "done"
    assert row["missing"] == "not reached"
    assert row["epochs_to_target_unbounded"]
    assert row["reached_high"] == pytest.approx(0.5615, abs=1e-4)


def test_what_cannot_converge_says_so(summary: pd.DataFrame, world: World) -> None:
    found = sizes(summary, world)
    assert found.loc[1, "status"] == "not_learning"
    assert found.loc[2, "statuses"] == "diverged:3"


def test_time_is_epochs_times_seconds(summary: pd.DataFrame) -> None:
    known = summary.dropna(subset=["time_to_target"])
    product = known["epochs_to_target"] * known["seconds_per_epoch"]
    assert known["time_to_target"].to_numpy() == pytest.approx(product.to_numpy())
    assert (known["time_to_target_low"] <= known["time_to_target"]).all()


def test_a_column_says_why_numbers_are_empty(world: World) -> None:
    measured = world.measured
    times = replace(measured.times, subjects=measured.times.subjects.iloc[:0])
    table = summarize(measured.variants, measured.outcomes, times)
    missed = table["epochs_to_target"].isna()
    assert missed.any()
    assert (table.loc[missed, "missing"] == "not reached;not timed").all()
    assert (table.loc[~missed, "missing"] == "not timed").all()
    timed = summarize(measured.variants, measured.outcomes, measured.times)
    assert ((timed["missing"] == "") == timed["time_to_target"].notna()).all()


def test_relative_times_name_their_base(summary: pd.DataFrame, world: World) -> None:
    found = sizes(summary, world)
    base = found[found["variant"] == found["relative_time_to_target_base"].iloc[0]]
    assert base["relative_time_to_target"].tolist() == [1.0]
    assert found["relative_epoch_time"].min() == 1.0


def test_a_shared_variant_names_all_its_studies(summary: pd.DataFrame) -> None:
    shared = summary[summary["study"].str.count(";") >= 3]
    assert len(shared) >= 1
    assert (shared["timed_in"] == shared["study"].str.split(";").str[0]).all()


def test_mixed_statuses_are_all_counted(world: World) -> None:
    measured = world.measured
    first = measured.outcomes["variant"].iloc[0]
    rows = measured.outcomes.copy()
    rows.loc[rows.index[rows["variant"] == first][:1], "status"] = "failed"
    found = summarize(measured.variants, rows, measured.times)
    row = found[found["variant"] == first].iloc[0]
    assert row["statuses"] == "failed:1;not_learning:2"
    assert row["status"] == "not_learning"
