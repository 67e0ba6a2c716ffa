"""The first screen, on answers and summaries small enough to check by eye."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from batchmark.report.language.messages import SPACE, Text
from batchmark.report.page.answer import answer, setup
from batchmark.report.page.view import Answer
from batchmark.report.selection import Tables

FACTS: dict[str, Any] = {
    "machine": "local", "device": "cpu", "study": "batch_size", "target": 0.98, "trials": 3,
    "noise_floor": 0.012, "decided": True, "optimizer": "sgd", "best_batch_size": 64,
    "best_batch_size_low": 64, "best_batch_size_high": 64, "seconds": 38.0, "seconds_low": 33.0,
    "seconds_high": None, "variant": "v64", "best_known": None,
    "cost_of": {
        "32": {"batch_size": 32, "reached": True, "ratio": 1.3, "low": 1.2, "high": 1.4},
        "1000": {"batch_size": 1024, "reached": True, "ratio": 2.1, "low": 1.9, "high": None},
    },
}  # fmt: skip
SIZES = [1, 32, 64, 128, 1024]


def plain(text: Text) -> str:
    return str(text).replace(SPACE, " ")


def write(folder: Path, facts: dict[str, Any]) -> Tables:
    """Size 1 never arrives; 32, 64, 128, 1024 take 57, 38, 50 and 80 s."""
    summary = pd.DataFrame(
        {"machine": "local", "device": "cpu", "study": "batch_size", "batch_size": SIZES,
         "variant": [f"v{size}" for size in SIZES], "model": "lenet5", "optimizer": "sgd",
         "learning_rate": 0.1, "momentum": 0.0, "nesterov": False, "parameters": 61_706,
         "epochs": 3.0, "evaluate_every": 6250, "examples_per_epoch": 50_000, "threads": 2,
         "status": "done", "trials": 3, "reached": [0, 3, 3, 3, 3], "seconds_per_epoch": 40.0,
         "epochs_to_target": [None, 1.4, 1.0, 1.3, 2.0], "epochs_to_target_low": 0.9,
         "epochs_to_target_high": 1.2, "time_to_target": [None, 57.0, 38.0, 50.0, 80.0]}
    )  # fmt: skip
    settings = pd.DataFrame(
        {"study": "batch_size", "variant": summary["variant"], "axis": "batch_size",
         "value": SIZES, "baseline": False}
    )  # fmt: skip
    summary.to_csv(folder / "summary.csv", index=False)
    settings.to_csv(folder / "settings.csv", index=False)
    (folder / "answer.json").write_text(json.dumps(facts), encoding="utf-8")
    return Tables(folder)


Say = Callable[..., Answer]


@pytest.fixture
def said(tmp_path: Path) -> Say:
    def say(**changed: Any) -> Answer:
        return answer(write(tmp_path, FACTS | changed), [])

    return say


def test_one_best_size(said: Say) -> None:
    made = said()
    assert plain(made.sentence) == "Use batch size 64."
    assert plain(made.detail) == (
        "Batch size 64 reaches 98 % validation accuracy in about 40 s, sooner than every other "
        "size tried. Batch size 1 did not reach it within 3 epochs. Over the time of the fastest "
        "(95 % intervals): 1.2–1.4 × at 32, at least 1.9 × at 1,024 (nearest to 1,000)."
    )


def test_a_size_that_stands_for_two_is_told_once_and_no_bound_not_at_all(said: Say) -> None:
    at_72 = {"batch_size": 72, "reached": True, "low": 1.3, "high": None}
    nothing = {"batch_size": 24, "reached": True, "low": 1.0, "high": None}
    made = said(cost_of={"32": nothing, "128": at_72, "1000": at_72})
    assert plain(made.detail).endswith(
        "Over the time of the fastest (95 % intervals): at least 1.3 × at 72 (nearest to 128 and "
        "1,000)."
    )
    assert "Over the time" not in plain(said(cost_of={"32": nothing}).detail)


def test_sizes_that_tie_are_a_range_with_the_chance_of_each(said: Say) -> None:
    made = said(
        best_batch_size_high=128, p_fastest={"32": 0.02, "64": 0.6, "128": 0.38}, cost_of={}
    )
    assert plain(made.sentence) == "Use batch size 64 to 128."
    assert plain(made.detail).startswith(
        "Every size tried from 64 to 128 reaches 98 % validation accuracy in about 40 s to 50 s. "
        "Most likely the fastest: 64 (60 %), 128 (38 %)."
    )


def test_a_size_that_ties_though_it_is_unlikely_says_why(said: Say) -> None:
    made = said(best_batch_size_high=128, p_fastest={"64": 0.987, "128": 0.013}, cost_of={})
    assert (
        "Most likely the fastest: 64 (99 %); with 128 the range holds the fastest in 95 % of "
        "experiments." in plain(made.detail)
    )


def test_the_best_that_any_table_knows_is_the_headline(said: Say) -> None:
    known = {
        "by": "threads", "variant": "v32", "study": "batch_size", "batch_size": 32, "threads": 1,
        "optimizer": "sgd", "momentum": 0, "nesterov": False, "learning_rate": 0.1, "seconds": 29.0,
    }  # fmt: skip
    made = said(best_known=known)
    assert plain(made.sentence) == "Use batch size 32 on 1 thread."
    assert plain(made.detail).startswith(
        "It reaches 98 % validation accuracy in about 30 s. In the study of batch sizes, SGD at "
        "learning rate 0.1 on 2 threads: Batch size 64 reaches"
    )
    other = known | {"by": "setting", "optimizer": "adam", "learning_rate": 0.001}
    assert plain(said(best_known=other).sentence) == (
        "Use batch size 32 with Adam at learning rate 0.001."
    )


def test_what_limits_the_answer_most_stands_first(said: Say) -> None:
    limits = [plain(limit) for limit in said(noise_floor=0.4, detectable_ratio=1.25).limits]
    assert limits == [
        "Clock: two timings of the same code differ by up to 40 %.",
        "Seeds: 3 trials of the fastest size, which needs 1 epochs (0.9–1.2, a 95 % interval).",
        "Tests: one every 1/8 epoch, 12 % of the way to the target; nothing is known between two.",
        "Together: a difference below 1.2 × would likely be missed.",
        "Learning rate: 0.1 for every batch size; what each would do at its own is not part of "
        "this answer.",
    ]
    assert plain(said(noise_floor=0.01).limits[0]).startswith("Seeds")


def test_another_reading_of_the_hit_that_names_another_size_is_said(said: Say) -> None:
    limits = [plain(limit) for limit in said(readings={"confirmed": 64, "mean_curve": 32}).limits]
    assert (
        "First hits: by the first test that reached the target 64 is fastest, by two in a row 64, "
        "by the mean curve 32."
    ) in limits
    agreed = said(readings={"confirmed": 64, "mean_curve": 64}).limits
    assert not any("in a row" in plain(limit) for limit in agreed)


def test_the_line_above_says_what_was_trained(tmp_path: Path) -> None:
    assert [plain(part) for part in setup(write(tmp_path, FACTS))] == [
        "LeNet-5 with 61,706 parameters",
        "SGD at learning rate 0.1 for every size",
        "at most 3 epochs, tested every 1/8 epoch",
        "timed on 2 threads",
    ]


def test_sizes_that_tie_have_their_rates_named(tmp_path: Path) -> None:
    tables = write(tmp_path, FACTS | {"best_batch_size_low": 64, "best_batch_size_high": 128})
    assert "Learning rate" not in plain(answer(tables, []).detail)
    summary = pd.read_csv(tmp_path / "summary.csv")
    summary["learning_rate"] = [0.01, 0.1, 0.16, 0.4, 0.4]
    summary.to_csv(tmp_path / "summary.csv", index=False)
    assert "Learning rates: 0.16 at 64, 0.4 at 128." in plain(answer(Tables(tmp_path), []).detail)
    summary["learning_rate"] = [0.01, 0.1, 0.4, 0.4, 0.4]
    summary.to_csv(tmp_path / "summary.csv", index=False)
    assert "Learning rate: 0.4." in plain(answer(Tables(tmp_path), []).detail)


def test_the_check_of_the_product_says_what_was_measured(tmp_path: Path) -> None:
    """Two digits would round 106 % and 116 % to 110 and 120."""
    tables = write(tmp_path, FACTS)
    product = {"machine": "local", "device": "cpu", "predicted_over_measured": [1.061, 1.159]}
    pd.DataFrame(product).to_csv(tmp_path / "product.csv", index=False)
    said = [plain(limit) for limit in answer(tables, []).limits]
    assert any("predict 106 % to 116 % of the time" in limit for limit in said)


def test_bounds_near_one_are_told_from_it(said: Say) -> None:
    """With two digits 1.0497 would be 1: as good as the best, which it is not."""
    cost = {"batch_size": 32, "reached": True, "ratio": 1.3, "low": 1.0497, "high": 1.6896}
    assert "(95 % intervals): 1.05–1.69 × at 32." in plain(said(cost_of={"32": cost}).detail)
    free = cost | {"low": 1.0}
    assert "(95 % intervals): 1–1.7 × at 32." in plain(said(cost_of={"32": free}).detail)


def test_seconds_have_the_digits_that_their_interval_bears_out(said: Say) -> None:
    assert "about 38 s" in plain(said(seconds_high=44.0).detail)
    assert "about 40 s" in plain(said(seconds_high=60.0).detail)


@pytest.mark.parametrize("changed", [{"best_batch_size": None}, {"seconds": None}])
def test_nothing_reached(said: Say, changed: dict[str, None]) -> None:
    made = said(**changed)
    assert plain(made.sentence) == "No batch size reached 98 % in the epochs it was given."
    assert (made.detail, made.limits) == ("", [])


def test_no_study(tmp_path: Path) -> None:
    assert "no answer yet" in str(answer(Tables(tmp_path), []).sentence)


TUNED = {
    "family": "t", "rule": "tuned", "learning_rate": 0.05, "tuning_epochs": 1.25, "sizes": SIZES,
    "best_batch_size": 64, "best_batch_size_low": 64, "best_batch_size_high": 64, "seconds": 38.0,
}  # fmt: skip
FIXED = TUNED | {
    "family": "f", "rule": "fixed", "learning_rate": 0.1, "tuning_epochs": None,
    "best_batch_size": 32, "best_batch_size_low": 32, "best_batch_size_high": 128, "seconds": 55.0,
    "seconds_low": 50.0, "seconds_high": 61.0,
}  # fmt: skip
HOLDS = (
    "Learning rate: this holds for a learning rate tuned for each size, 0.05 at 64 (tuning took "
    "1.25 epochs a size)"
)


@pytest.mark.parametrize(
    ("others", "said_of_them"),
    [
        ([], "."),
        (
            [FIXED],
            "; with the learning rate 0.1 for every size one of 32 to 128 is fastest, in about "
            "55 s.",
        ),
        (
            # A digit less where the interval is wide, as in the table of what was measured.
            [FIXED | {"best_batch_size_high": 32, "seconds_low": 20.0}],
            "; with the learning rate 0.1 for every size 32 is fastest, in about 60 s.",
        ),
        (
            [FIXED | {"best_batch_size": None, "seconds": None}],
            "; with the learning rate 0.1 for every size no size got there.",
        ),
    ],
)
def test_the_policy_for_the_rate_is_named_with_its_cost_and_the_others(
    said: Say, others: list[dict[str, Any]], said_of_them: str
) -> None:
    limits = map(plain, said(policy=TUNED, policies=[TUNED, *others]).limits)
    assert [one for one in limits if one.startswith("Learning rate")] == [HOLDS + said_of_them]


def test_a_size_that_got_there_at_another_rate_missed_nothing(said: Say) -> None:
    assert "Batch size 1 did not reach it within" in plain(
        said(reached_at_any_rate={"1": False}).detail
    )
    assert "did not reach" not in plain(said(reached_at_any_rate={"1": True}).detail)


@pytest.mark.parametrize(
    ("nearest", "cost", "end"),
    [
        (64, 1.0, "measured was 64."),
        (32, 1.2, "measured was 64; 32, the nearest tried, takes 1.2 × the time."),
        (256, None, "measured was 64; 256, the nearest tried, missed the target."),
    ],
)
def test_the_prediction_stands_beside_the_measurement(
    said: Say, nearest: int, cost: float | None, end: str
) -> None:
    row = {"predicted": 40.0, "low": 20.0, "high": 80.0, "measured": 64.0}
    made = plain(said(prediction=row | {"nearest": float(nearest), "cost": cost}).limits[-1])
    begun = "Prediction: noise scale, clock and earlier studies said batch size 40 (20–80)"
    assert made == f"{begun}, {end}"
