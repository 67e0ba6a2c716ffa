"""What the tables know beside the answer's study: other threads, other settings."""

from typing import Any

import pandas as pd

from batchmark.statistics.answer import best_known

PLACE = {"machine": "m", "device": "cpu"}
ANSWER = PLACE | {"variant": "b50"}


def summary(**changed: Any) -> pd.DataFrame:
    """Sizes 10 and 50 of SGD on two threads, 8 and 6 s; Adam's 100 as told."""
    rows = pd.DataFrame(
        {"variant": ["b10", "b50", "adam"], "study": ["sizes;device", "sizes", "optimizer"],
         "batch_size": [10, 50, 100], "optimizer": ["sgd", "sgd", "adam"], "momentum": 0.0,
         "nesterov": False, "normalization": "none", "learning_rate": [0.1, 0.1, 0.001],
         "target": 0.95, "model": "lenet5", "dataset_digest": "d", "train_size": 50_000,
         "threads": 2, "time_to_target": [8.0, 6.0, 5.0], "time_to_target_low": [7.0, 5.5, 4.0],
         "time_to_target_high": [9.0, 6.5, 5.8]}
    )  # fmt: skip
    return rows.assign(**PLACE, **changed)


def threads(low: float, high: float) -> pd.DataFrame:
    """Size 10 on two threads, at 1 times the baseline's time, and on one, at half of it."""
    return pd.DataFrame(
        {"study": "device", "variants": "b10", "threads": [2, 1], "ratio": [1.0, 0.5],
         "ratio_low": [0.9, low], "ratio_high": [1.1, high]}
    ).assign(**PLACE)  # fmt: skip


def test_fewer_threads_that_are_faster_for_sure() -> None:
    known = best_known(ANSWER, summary(), threads(0.4, 0.6))
    # Half of the 8 s that size 10 takes on two threads.
    assert known is not None
    assert (known["by"], known["batch_size"], known["threads"]) == ("threads", 10, 1)
    assert known["seconds"] == 4


def test_overlapping_intervals_tell_nothing() -> None:
    assert best_known(ANSWER, summary(), threads(0.4, 0.95)) is None


def test_another_setting_counts_where_its_interval_is_below() -> None:
    rows = summary(time_to_target_high=[9.0, 6.5, 5.0])
    known = best_known(ANSWER, rows, threads(0.4, 0.95))
    assert known is not None
    assert (known["by"], known["optimizer"], known["seconds"]) == ("setting", "adam", 5)
    assert best_known(ANSWER, rows.assign(target=[0.95, 0.95, 0.8]), threads(0.4, 0.95)) is None


def test_without_an_answer_nothing_is_better() -> None:
    assert best_known({"machine": "m"}, summary(), threads(0.4, 0.6)) is None
