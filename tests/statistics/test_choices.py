"""What is fastest under every target, number of threads and loop, on times made by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from batchmark.stages.analyze import analyze
from batchmark.statistics.best_batch import best_batches
from batchmark.statistics.conditions import choices, loops
from batchmark.statistics.study_data import Rounds
from tests.statistics.test_loops import ratio, timed
from tests.world import World

SAME = ["best_batch_size", "best_batch_size_low", "best_batch_size_high", "seconds"]


def test_threads_and_loops_have_rows_of_their_own() -> None:
    """Two threads: 6, 3 and 21 s (see `loops`). One, with 0.5 ms a step and 0.03 an image:

    1 × (2.5 + 1.5), 2 × (0.25 + 1.5) and 20 × (0.025 + 1.5) s.
    """
    data = replace(timed(fit=(4e-3, 5e-5)), threads=2, fewer={1: Rounds(ratio(0.5e-3, 3e-5))})
    table = choices(data).set_index(["threads", "loop"])
    assert list(table.index) == [(2, "graph"), (1, "graph"), (2, "fit")]
    assert table["best_batch_size"].tolist() == [100, 100, 100]
    # fit: 2 × (2 + 2.5)
    assert table["seconds"].tolist() == pytest.approx([3.0, 3.5, 9.0])


def test_what_was_not_timed_is_no_choice() -> None:
    data = timed()
    ratios = data.ratios.copy()
    ratios[1] = float("nan")
    (row,) = choices(replace(data, ratios=ratios)).to_dict("records")
    assert (row["batch_sizes"], row["best_batch_size"]) == ("10;1000", 10)


def test_a_target_that_no_size_reached_has_a_row_without_a_best() -> None:
    data = timed()
    missed = data.outcomes.assign(**{"epochs_to_0.98": float("inf")})
    (row,) = choices(replace(data, outcomes=missed)).to_dict("records")
    assert row["batch_sizes"] == "10;100;1000"
    assert pd.isna(row["seconds"])


def test_a_number_is_the_same_in_every_table(world: World) -> None:
    tables, answer = analyze(world.measured)
    keys = ["machine", "device", "study", "target", "family"]
    both = tables["best_batches"].merge(tables["choices"], on=keys, suffixes=("", "_chosen"))
    assert len(both) == len(tables["best_batches"])
    for name in SAME:
        assert both[name].equals(both[f"{name}_chosen"].astype(both[name].dtype)), name
    chosen = tables["choices"].set_index(keys[2:])["seconds"]
    assert chosen[answer["study"], answer["target"], answer["family"]] == pytest.approx(
        answer["seconds"], rel=1e-5
    )


def test_loops_have_the_seconds_of_their_own_table() -> None:
    data = timed(fit=(4e-3, 5e-5))
    own = loops(data).set_index("loop")[SAME].astype(float)
    assert choices(data).set_index("loop")[SAME].astype(float).equals(own)
    assert best_batches(data)["seconds"].item() == own.loc["graph", "seconds"]
