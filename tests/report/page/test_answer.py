import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchmark.report.language.messages import SPACE, Text
from batchmark.report.page.answer import answer
from batchmark.report.page.view import Answer
from batchmark.report.selection import Tables

FACTS: dict[str, Any] = {
    "machine": "local", "device": "cpu", "study": "batch_size", "target": 0.98, "trials": 3,
    "noise_floor": 0.012, "decided": True, "optimizer": "sgd", "best_batch_size": 64,
    "best_batch_size_low": 64, "best_batch_size_high": 64, "seconds": 38.0, "seconds_low": 33.0,
    "seconds_high": None,
    "cost_of": {
        "32": {"batch_size": 32, "reached": True, "ratio": 1.3, "low": 1.2, "high": 1.4},
        "1000": {"batch_size": 1000, "reached": True, "ratio": 2.1, "low": 1.9, "high": 2.4},
    },
}  # fmt: skip


def plain(text: Text) -> str:
    return str(text).replace(SPACE, " ")


Say = Callable[..., Answer]


@pytest.fixture
def said(tmp_path: Path) -> Say:
    def say(**changed: Any) -> Answer:
        (tmp_path / "answer.json").write_text(json.dumps(FACTS | changed), encoding="utf-8")
        return answer(Tables(tmp_path))

    return say


def test_one_best_size(said: Say) -> None:
    made = said()
    assert plain(made.sentence) == (
        "On this CPU, SGD reaches 98 % fastest at batch size 64, in about 40 s; taking 1,000 "
        "blindly costs 2.1 ×."
    )
    assert [plain(one.value) for one in made.statistics] == ["64", "1.3 ×", "1.2 %"]
    assert "33–∞ s" in str(made.basis)


def test_says_when_the_data_do_not_decide(said: Say) -> None:
    sentence = said(decided=False, best_batch_size_low=32, best_batch_size_high=256).sentence
    assert "between batch sizes 32 and 256" in str(sentence)
    assert "cannot tell" in str(sentence)


def test_tied_sizes_have_their_chances(said: Say) -> None:
    tied = {"best_batch_size_low": 32, "best_batch_size_high": 64, "tied_batch_sizes": [32, 64]}
    best = said(**tied, p_fastest={"16": 0.01, "32": 0.3, "64": 0.69}).statistics[0]
    assert "(chances to be the fastest: 32: 30 %, 64: 69 %)" in plain(best.meaning)
    unknown = said(**tied, p_fastest={"32": None, "64": None}).statistics[0]
    assert "chances" not in plain(unknown.meaning)


def test_a_cost_that_some_trials_never_came_to_is_at_least_that(said: Say) -> None:
    cost = {"batch_size": 1000, "reached": True, "ratio": 2.1, "low": 1.9, "high": None}
    made = said(cost_of={"1000": cost | {"at_least": True}})
    assert "taking 1,000 blindly costs at least 2.1 ×" in plain(made.sentence)
    assert plain(made.statistics[1].value) == "at least 2.1 ×"


def test_another_reading_of_the_hit_that_names_another_size_is_said(said: Say) -> None:
    made = said(readings={"confirmed": 64, "mean_curve": 32})
    assert "{best} is fastest; by two in a row it is {confirmed}" not in plain(made.basis)
    assert plain(made.basis).endswith(
        "At the first evaluation that reached the target 64 is fastest; by two in a row it is 64, "
        "by the mean curve 32."
    )
    assert "in a row" not in plain(said(readings={"confirmed": 64, "mean_curve": 64}).basis)


def test_common_sizes_that_miss_are_named(said: Say) -> None:
    cost = {"reached": False, "ratio": None, "low": 1, "high": None}
    made = said(cost_of={"128": {"batch_size": 100} | cost, "1000": {"batch_size": 1000} | cost})
    assert "100, 1,000 did not get there" in str(made.sentence)
    assert str(made.statistics[1].value) == "not reached"
    assert "by batch size 100, the one measured nearest to the common 128" in str(
        made.statistics[1].meaning
    )


def test_a_size_that_is_the_best_itself_costs_nothing_to_say(said: Say) -> None:
    costs = {"32": {"batch_size": 64, "reached": True, "ratio": None, "low": None, "high": None}}
    made = said(cost_of=costs)
    assert plain(made.sentence).endswith("in about 40 s.")
    assert [plain(one.value) for one in made.statistics] == ["64", "1.2 %"]


def test_seconds_have_the_digits_that_their_interval_bears_out(said: Say) -> None:
    assert "about 38 s" in plain(said(seconds_high=44.0).sentence)
    assert "about 40 s" in plain(said(seconds_high=60.0).sentence)


def test_costs_below_the_noise_are_not_mentioned(said: Say) -> None:
    costs = {"32": {"batch_size": 32, "reached": True, "ratio": 1.01, "low": 0.9, "high": 1.1}}
    assert plain(said(cost_of=costs).sentence).endswith("in about 40 s.")


@pytest.mark.parametrize("changed", [{"best_batch_size": None}, {"seconds": None}])
def test_nothing_reached(said: Say, changed: dict[str, None]) -> None:
    made = said(**changed)
    assert plain(made.sentence) == "No batch size reached 98 % in the epochs it was given."
    assert made.statistics == []


def test_no_study(tmp_path: Path) -> None:
    assert "no answer yet" in str(answer(Tables(tmp_path)).sentence)
