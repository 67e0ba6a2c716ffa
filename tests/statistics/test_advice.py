import numpy as np
import pandas as pd
import pytest

from batchmark.statistics.advice import KnownRate, advice, rate_at
from batchmark.statistics.intervals import Mean

EXAMPLES = 50_000
SIZES = [1, 8, 64, 512]


def timed(step: float, example: float, loop: str = "graph") -> pd.DataFrame:
    sizes = np.array(SIZES)
    return pd.DataFrame(
        {
            **{"role": "subject", "loop": loop, "batch_size": sizes},
            **{"examples_per_epoch": EXAMPLES},
            "seconds_per_epoch": EXAMPLES * (example + step / sizes),
        }
    )


def advised(largest: int | None = None, known: KnownRate | None = None) -> pd.DataFrame:
    subjects = pd.concat([timed(1e-3, 2e-5), timed(4e-3, 2e-5, "fit")], ignore_index=True)
    scale = Mean(np.log(np.asarray(200.0)), np.asarray(0.0), np.asarray(9.0))
    return advice(subjects, scale, np.ones(1001), known, largest).set_index("loop")


def test_each_loop_has_the_best_size_by_hand() -> None:
    table = advised()
    # sqrt(200 * 1e-3 / 2e-5) = 100, and twice that where a step costs four times as much.
    assert table["batch_size"].to_dict() == {"graph": 100, "fit": 200}
    # A step takes 4 ms + 200 * 0.02 ms = 8 ms: fifty of them in 0.4 s.
    assert table["steps_per_execution"]["fit"] == 50
    # (1 + 32 / 200) (1 + 50 / 32) over (1 + 1 / 2)^2.
    prices = [table[f"cost_at_32{end}"]["graph"] for end in ("", "_low", "_high")]
    assert prices == pytest.approx([1.16 * 2.5625 / 2.25] * 3, rel=1e-3)


def test_where_images_cost_nothing_no_size_is_advised() -> None:
    """Steps of 0.5 ms at all sizes, as on a card that waits for its next: no size is too large."""
    scale = Mean(np.log(np.asarray(200.0)), np.asarray(0.0), np.asarray(9.0))
    assert advice(timed(5e-4, 0.0), scale, np.ones(1001), None, None).empty


def test_memory_bounds_the_batch_and_not_the_steps_of_an_execution() -> None:
    assert advised(largest=60)["batch_size"].to_dict() == {"graph": 60, "fit": 60}
    # A step takes 4 ms + 60 * 0.02 ms = 5.2 ms: 0.4 s hold 77 of them.
    assert advised(largest=60)["steps_per_execution"]["fit"] == 77


def test_a_rate_follows_the_size_until_the_critical_one() -> None:
    # At 50 it is a fifth of the most, at 200 a half.
    assert rate_at(200, KnownRate(0.1, 50, 1.0, 1.0), 200.0) == pytest.approx(0.25)
    assert rate_at(200, KnownRate(0.1, 50, 0.5, 1.0), 200.0) == pytest.approx(0.1 * 2.5**0.5)
    assert advised(known=KnownRate(0.1, 50, 1.0, 1.0))["learning_rate"]["fit"] == pytest.approx(
        0.25
    )


def test_no_rate_is_advised_beyond_those_that_were_tried() -> None:
    assert rate_at(200, KnownRate(0.1, 50, 1.0, 0.2), 200.0) == 0.2


def test_no_more_is_advised_than_fits_into_memory() -> None:
    assert advised(largest=64)["batch_size"].tolist() == [64, 64]


def test_two_sizes_tell_no_line() -> None:
    scale = Mean(np.asarray(5.0), np.asarray(0.0), np.asarray(9.0))
    assert advice(timed(1e-3, 2e-5).head(2), scale, np.ones(1001), None, None).empty
