"""Two runs beside each other: what is true of synthetic worlds is found, and luck is no change."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from batchmark.contract.tables import read_document, read_table
from batchmark.statistics.changes import (
    Run,
    environment_changes,
    time_changes,
    verdict_changes,
)
from tests.synthetic import Truth, example_request
from tests.world import make_world

SLOWER = Truth(seconds_per_example=6.5e-5)


def _run(folder: Path, truth: Truth, seed: int) -> Run:
    # The second with several numbers of threads in a session.
    request = example_request(epochs=2.0, studies=("batch_size", "device"))
    tables = make_world(folder, request, truth, seed).folder / "tables"
    timings, subjects = (read_table(tables, name) for name in ("timings", "subjects"))
    return Run(timings, subjects, pd.DataFrame(), read_document(tables / "environment.json"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Two of the same world, and one in which an example takes 30 % longer."""
    folder = tmp_path_factory.mktemp("runs")
    worlds = enumerate([Truth(), Truth(), SLOWER])
    return [_run(folder / str(seed), truth, seed) for seed, truth in worlds]


def test_luck_is_no_change(runs: list[Run]) -> None:
    assert set(time_changes(runs[0], runs[1])["change"]) == {""}


def test_what_got_slower_is_found_with_its_size(runs: list[Run]) -> None:
    changes = time_changes(runs[0], runs[2])
    sizes = changes["subject"].str.extract(r"bs(\d+)", expand=False).astype(float)
    # Seconds per example and per step, see `tests.synthetic`.
    truth = (6.5e-5 + 2e-3 / sizes) / (5e-5 + 2e-3 / sizes)
    covered = (changes["ratio_low"] < truth) & (truth < changes["ratio_high"])
    assert covered.mean() > 0.85
    assert set(changes.loc[truth > 1.1, "change"]) == {"slower"}
    back = time_changes(runs[2], runs[0]).set_index("subject")
    np.testing.assert_allclose(back.loc[changes["subject"], "ratio"], 1 / changes["ratio"])
    assert set(back.loc[changes.loc[truth > 1.1, "subject"], "change"]) == {"faster"}


def test_below_the_noise_floor_nothing_is_called(runs: list[Run]) -> None:
    loud = runs[2].timings.copy()
    control = loud["role"] == "control"
    loud.loc[control, "ratio_to_baseline"] *= np.where(loud.loc[control, "round"] % 2, 1.5, 0.7)
    assert set(time_changes(runs[0], runs[2]._replace(timings=loud))["change"]) == {""}


def _judged(**verdicts: str) -> Run:
    rows = [("mine", "cpu", claim, verdict) for claim, verdict in verdicts.items()]
    claims = pd.DataFrame(rows, columns=["machine", "device", "id", "verdict"])
    return Run(pd.DataFrame(), pd.DataFrame(), claims, {})


def test_only_what_was_decided_both_times_can_turn_into_its_opposite() -> None:
    before = _judged(a="supported", b="supported", c="inconclusive", d="refuted", gone="refuted")
    after = _judged(a="supported", b="refuted", c="refuted", d="not measured", new="refuted")
    changed = verdict_changes(before, after).set_index("id")
    assert changed["opposite"].to_dict() == {"b": True, "c": False, "d": False}


def _in(**facts: Any) -> Run:
    nothing = pd.DataFrame()
    return Run(nothing, nothing, nothing, {"mine/cpu": facts, f"{len(facts)}/cpu": {}})


def test_the_environment_differs_by_facts_not_by_the_load_of_the_moment() -> None:
    def timed(governor: str, load: float) -> dict[str, Any]:
        facts = {"environment": {"machine": {"governor": governor}}, "before": {"load": [load]}}
        return {"batch_size": facts, "momentum": facts}

    before = _in(versions={"keras": "3.14"}, cores=2, timings=timed("powersave", 0.5))
    after = _in(versions={"keras": "3.15"}, cores=2, timings=timed("performance", 9.5), gpu="x")
    assert environment_changes(before, after) == [
        {"place": "mine/cpu", "key": "gpu", "before": None, "after": "x"},
        {
            "place": "mine/cpu",
            "key": "timing.machine.governor",
            "before": "powersave",
            "after": "performance",
        },
        {"place": "mine/cpu", "key": "versions.keras", "before": "3.14", "after": "3.15"},
    ]
