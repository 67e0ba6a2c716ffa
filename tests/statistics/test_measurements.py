import numpy as np
import pytest

from batchmark.contract.errors import UserError
from batchmark.statistics.comparisons import sensitivity
from batchmark.statistics.study_data import read_measurements
from tests.world import World


def test_a_study_may_have_targets_of_its_own(world: World) -> None:
    studies = [
        study.model_copy(update={"targets": {"mnist": [0.9, 0.95]}})
        if study.name == "momentum"
        else study
        for study in world.request.studies
    ]
    request = world.request.model_copy(update={"studies": studies})
    measured = read_measurements(world.folder / "tables", request)
    assert measured.targets["momentum"] == [0.9, 0.95]
    assert measured.targets["optimizer"][0] == 0.98
    own = measured.outcomes[measured.outcomes["target"] == 0.9]
    assert set(own["variant"]) <= set(studies[2].settings)
    assert len(own) > 0
    # 90 % is reached sooner than 98 %.
    before = world.measured.outcomes.loc[own.index]
    assert (own["epochs_to_target"] <= before["epochs_to_target"]).all()


def test_targets_for_another_data_set_fall_back_to_the_common_ones(world: World) -> None:
    studies = [s.model_copy(update={"targets": {"other": [0.5]}}) for s in world.request.studies]
    request = world.request.model_copy(update={"studies": studies})
    measured = read_measurements(world.folder / "tables", request)
    assert measured.targets["momentum"] == world.request.targets["mnist"]


def test_a_data_set_without_targets_is_an_error_that_names_it(world: World) -> None:
    request = world.request.model_copy(update={"targets": {"sample": [0.9]}})
    with pytest.raises(UserError, match=r"targets.mnist is missing \(given: sample\)"):
        read_measurements(world.folder / "tables", request)


def test_a_missing_table_is_an_error_that_names_it(world: World) -> None:
    with pytest.raises(UserError, match=r"variants\.csv cannot be read"):
        read_measurements(world.folder / "nowhere", world.request)


def test_sensitivity_lists_every_target_and_its_fastest(world: World) -> None:
    data = world.data("batch_size")
    table = sensitivity(data)
    assert table.groupby("target").size().to_dict() == dict.fromkeys(data.targets, 12)
    assert (table.groupby("target")["fastest"].sum() == 1).all()
    relative = table["relative_time_to_target"]
    assert (relative[table["fastest"]] == 1).all()
    assert (relative.dropna() >= 1).all()
    assert (relative.isna() == table["time_to_target"].isna()).all()
    wide = table.pivot_table(index="variant", columns="target", values="epochs_to_target")
    ordered = np.diff(wide.sort_index(axis=1).dropna().to_numpy(float), axis=1)
    assert (ordered >= 0).all()


def test_shares_are_counted_over_the_images_they_are_of(world: World) -> None:
    data = world.data("train_size")
    trained = data.counting_variance("final_train_accuracy")
    assert set(trained) == {1 / (12 * size**2) for size in (2000.0, 10_000.0)}
    for share in ("best_validation_error", "final_test_accuracy"):
        assert set(data.counting_variance(share)) == {1 / (12 * 10_000.0**2)}
