import json
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from batchmark.stages.analyze import analyze
from batchmark.statistics.epoch_time import EpochTimes
from batchmark.statistics.outcomes import RUN
from batchmark.statistics.study_data import main_study
from tests.synthetic import Truth, example_request, write_results
from tests.world import World, make_world

TABLES = {
    *("summary", "noise", "settings", "threads", "comparisons", "sensitivity", "cost_model"),
    "predictions",
    *(
        "best_batches",
        "choices",
        "profile",
        "probes",
        "noise_scale",
        "published",
        "reference",
        "product",
        "loops",
        "loop_sizes",
    ),
}
FAST_STEPS = Truth(seconds_per_step=2e-5)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> World:
    """This machine, and another that spends a hundredth of the time on a step."""
    folder = tmp_path_factory.mktemp("two")
    request = example_request(studies=("batch_size",))
    write_results(folder / "results", request, seed=3, machine="laptop", truth=FAST_STEPS)
    return make_world(folder, request)


Analysis = tuple[dict[str, pd.DataFrame], dict[str, Any]]


@pytest.fixture(scope="module")
def analysis(world: World) -> Analysis:
    return analyze(world.measured)


def test_all_tables_are_made(analysis: Analysis) -> None:
    tables, answer = analysis
    assert set(tables) == TABLES
    # Nobody trained alone or timed another loop.
    empty = {name for name, table in tables.items() if table.empty}
    assert empty == {"product", "loops", "loop_sizes"}
    json.dumps(answer, allow_nan=False)


def test_the_answer_is_the_best_batch_with_its_doubt(world: World, analysis: Analysis) -> None:
    _, answer = analysis
    assert answer["study"] == "batch_size"
    assert answer["target"] == 0.98
    best = world.truth.best_batch()
    assert answer["best_batch_size_low"] <= best * 1.3
    assert answer["best_batch_size_high"] >= best / 1.3
    assert answer["decided"] == (answer["best_batch_size_low"] == answer["best_batch_size_high"])
    assert answer["cost_of"]["1000"]["low"] > 1.5
    assert answer["cost_of"]["32"]["batch_size"] == 50


def test_machines_are_answered_side_by_side_and_never_pooled(two: World) -> None:
    tables, answer = analyze(two.measured)
    (other,) = answer["others"]
    assert (answer["machine"], other["machine"]) == ("local", "laptop")
    assert other["best_batch_size"] < answer["best_batch_size"]
    models = tables["cost_model"].drop_duplicates("machine").set_index("machine")
    assert models.loc["local", "o"] == pytest.approx(2e-3, rel=0.1)
    assert models.loc["laptop", "o"] == pytest.approx(2e-5, rel=0.6)
    summary = tables["summary"].set_index(["machine", "batch_size"])
    # Each machine's times are relative to its own fastest epoch.
    relative = summary["relative_epoch_time"]
    assert relative.groupby("machine").min().to_dict() == {"local": 1.0, "laptop": 1.0}


def test_the_optimum_is_given_under_every_rule(analysis: Analysis) -> None:
    tables, _ = analysis
    best = tables["best_batches"]
    rules = best[(best["study"] == "learning_rate") & (best["target"] == 0.98)]
    assert len(rules) == 4
    assert (rules["best_batch_size_low"] <= rules["best_batch_size"]).all()


def test_a_time_to_the_same_target_on_the_same_clock_is_the_same_in_every_table(
    analysis: Analysis,
) -> None:
    tables, _ = analysis
    alike = tables["summary"].merge(
        tables["sensitivity"],
        left_on=[*RUN, "target", "timed_in"],
        right_on=[*RUN, "target", "study"],
        suffixes=("", "_there"),
    )
    # Both see the same trials.
    alike = alike[alike["trials"] == alike["trials_there"]]
    assert len(alike) > 10
    for column in ("time_to_target", "time_to_target_low", "time_to_target_high"):
        assert alike[column].tolist() == pytest.approx(
            alike[f"{column}_there"].tolist(), rel=1e-9, nan_ok=True
        )


def test_a_plan_without_batch_sizes_has_no_answer(tmp_path: Path) -> None:
    request = example_request(studies=("regularization",), trials=2, epochs=2.0)
    assert main_study(request) is None
    _, answer = analyze(make_world(tmp_path, request).measured)
    assert answer == {"machine": "local", "study": None, "decided": False, "others": []}


def test_one_seed_alone_still_makes_every_table(tmp_path: Path) -> None:
    request = example_request(studies=("batch_size", "momentum"), trials=1, epochs=3.0)
    tables, answer = analyze(make_world(tmp_path, request).measured)
    assert answer["seconds_low"] is None
    assert tables["comparisons"]["p"].isna().any()


def test_without_a_control_no_time_differs_beyond_noise(world: World) -> None:
    times = world.measured.times
    timed = (times.subjects["role"] != "control").to_numpy(bool)
    alone = EpochTimes(times.subjects[timed].reset_index(drop=True), times.ratios[timed])
    tables, answer = analyze(replace(world.measured, times=alone))
    assert tables["noise"].empty
    seconds = tables["comparisons"].query("metric == 'seconds_per_epoch'")
    assert not seconds["distinguishable"].any()
    assert answer["noise_floor"] is None
    assert not answer["decided"]


def test_the_published_table_is_the_published_one() -> None:
    """As read off the article's picture and checked against a second copy, byte for byte."""
    table = (files("batchmark.statistics") / "published.csv").read_bytes()
    digest = "22c99b0eaed05e1f025ed3f1ec2d11877ec8537ad45fec8dd69540d749e14d77"
    assert sha256(table).hexdigest() == digest
