from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from batchmark.report.figures.prediction import predicted_cost, prediction
from batchmark.report.selection import Tables
from tests.report.figures.test_figures import headline_tables

ROW = {
    **{"machine": "local", "device": "cpu", "study": "batch_size", "target": 0.97, "family": ""},
    **{"b_crit": 200.0, "o": 1e-3, "c": 2e-5, "noise_scale": 400.0},
    **{"factor": 0.5, "factor_low": 0.2, "factor_high": 1.2},
    **{"predicted_batch_size": 100.0, "best_batch_size": 10},
    **{"predicted_batch_size_low": 40.0, "predicted_batch_size_high": 250.0},
}


def test_the_title_has_prediction_and_measurement(tmp_path: Path) -> None:
    headline_tables(tmp_path, target=0.97, family="")
    pd.DataFrame([ROW]).to_csv(tmp_path / "predictions.csv", index=False)
    drawn = prediction(Tables(tmp_path))
    assert drawn is not None
    assert str(drawn.title) == "Predicted batch size 100 (40–250), measured 10"
    # 9, 2 and 3 s over the least.
    assert drawn.numbers["measured, over the least"].tolist() == [4.5, 1.0, 1.5]


def test_without_a_prediction_nothing_is_drawn(tmp_path: Path) -> None:
    assert prediction(headline_tables(tmp_path, target=0.97, family="")) is None


def test_the_predicted_cost_is_least_at_the_predicted_size() -> None:
    # (1 + 50 / 200) (1 + 50 / 50) over (1 + 1 / 2)^2, by hand.
    cost = predicted_cost(pd.Series(ROW), np.array([50.0, 100.0]))
    assert cost == pytest.approx([2.5 / 2.25, 1.0])
