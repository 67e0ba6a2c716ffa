from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.calibration.rows import alternatives, renewed, scores
from scipy.stats import norm, t

from batchmark.contract.gradients import GradientResult
from batchmark.contract.record import read_result
from batchmark.statistics import prediction
from batchmark.statistics.cost_model import Line
from batchmark.statistics.intervals import Array, Mean, of_draws
from batchmark.statistics.prediction import (
    USUAL_SCALE,
    calibration,
    factors,
    pooled,
    predict,
    predictions,
    score,
)
from batchmark.statistics.study_data import where
from tests.synthetic import Truth, example_request, write_results
from tests.world import World

ROOT = Path(__file__).parents[2]
EXACT = np.asarray(0.0)


def known(value: float) -> Array:
    return np.full(1001, value)


def rows(*ratios: float, scales: Sequence[float] | float = USUAL_SCALE) -> pd.DataFrame:
    """Studies whose measured best size is so many times what the noise scale says, 100."""
    steps = 100.0**2 / np.broadcast_to(np.asarray(scales, float), (len(ratios),))
    measured = {"measured": 100.0 * np.array(ratios), "noise_scale": scales, "raced": np.nan}
    subject = {"model": "mine", "dataset": "mine", "optimizer": "sgd"}
    return pd.DataFrame({**subject, **measured, "step_over_example": steps})


def tried(sizes: str, times: str) -> dict[str, str]:
    """Sizes of a study and their times over the best's, whose bounds are not known."""
    unknown = ";".join(["nan"] * len(sizes.split(";")))
    bounds = {"relative_times_low": unknown, "relative_times_high": unknown}
    return {"batch_sizes": sizes, "relative_times": times, **bounds}


def test_without_a_study_the_factor_is_one_and_hardly_known() -> None:
    estimate, low, high = of_draws(factors(rows(), USUAL_SCALE, "sgd"))
    # Student's t with 4 degrees of freedom times log 3 / 2 times sqrt(1 + 1 / 1).
    half = float(t.ppf(0.975, 4)) * np.log(3) / 2 * 2**0.5
    assert estimate == 1
    assert np.log(high) == pytest.approx(half, rel=0.15)
    assert np.log(low) == pytest.approx(-half, rel=0.15)


def test_a_study_moves_the_factor_half_way() -> None:
    # Half the predicted size means a quarter of the critical size; one row weighs as the prior.
    assert factors(rows(0.5), USUAL_SCALE, "sgd")[0] == pytest.approx(0.25**0.5)


def test_many_studies_decide_the_factor_and_their_spread_its_interval() -> None:
    logs = 0.4 + 0.1 * norm.ppf((np.arange(200) + 0.5) / 200)
    estimate, low, high = of_draws(factors(rows(*np.exp(logs)), USUAL_SCALE, "sgd"))
    assert estimate == pytest.approx(np.exp(2 * 0.4), rel=0.01)
    assert np.log([low, high]) == pytest.approx([0.8 - 0.39, 0.8 + 0.39], abs=0.1)


def test_many_studies_decide_how_the_factor_follows_the_noise_scale() -> None:
    # The critical size is 20 times the root of the noise scale, and the best size that of the two.
    scales = np.geomspace(20.0, 2000.0, 200)
    studies = rows(*(20 * scales**-0.5) ** 0.5, scales=list(scales))
    for scale in (50.0, 1000.0):
        assert factors(studies, scale, "sgd")[0] == pytest.approx(20 / scale**0.5, rel=0.02)


def test_adaptive_optimizers_have_a_factor_of_their_own() -> None:
    plain, adaptive = rows(*[0.5] * 50), rows(*[2.0] * 50).assign(optimizer="adam")
    studies = pd.concat([plain, adaptive])
    for optimizer, factor in (("sgd", 0.25), ("adam", 4.0), ("rmsprop", 4.0)):
        assert factors(studies, USUAL_SCALE, optimizer)[0] == pytest.approx(factor, rel=0.1)


def test_each_study_is_scored_by_those_of_other_subjects() -> None:
    """Of two subjects one has two rows: each is predicted from the other subject's alone."""
    studies = rows(0.6, 0.6, 2.0).assign(
        model=["a", "a", "b"], **tried("25;60;100;250", "2;1;1.3;inf")
    )
    table = score(studies)
    # As above: half way, so that 100 becomes 100 sqrt(4^0.5), and 100 (0.6^2)^(1/3).
    assert table["advised"].tolist() == pytest.approx([2**0.5 * 100] * 2 + [100 * 0.6 ** (2 / 3)])
    # The fewest doublings from 141 are to 100, and from 71 to 60.
    assert table["cost"].tolist() == [1.3, 1.3, 1.0]
    assert table["cheap"].tolist() == [False, False, True]
    # One study says little: 60 is within 2.8 times 141 (t with 5 degrees of freedom), but 200 is
    # not within 2.2 times 71 (two studies that agree, 6 degrees).
    assert table["held"].tolist() == [True, True, False]


def test_an_interval_that_misses_the_best_is_seen() -> None:
    sizes = tried("25;100", "1;2")
    sure = rows(*[1.0] * 200).assign(**sizes)
    told = score(pd.concat([sure, rows(0.25).assign(model="other", **sizes)]))
    assert told["held"].tolist() == [True] * 200 + [False]


def test_a_race_counts_as_much_as_it_has_told() -> None:
    """Noise scales that say nothing beside races that tell the critical size."""
    random = np.random.default_rng(4)
    measured = 100 * np.exp(random.normal(0, 0.5, 200))
    studies = rows(*(measured / 100)).assign(
        raced=measured**2 / (100**2 / USUAL_SCALE), **tried("25;50;100;200;400", "2;1;1;1;2")
    )
    table = score(studies.assign(model=[f"model {k}" for k in range(200)]))
    without = score(studies.assign(model=[f"model {k}" for k in range(200)], raced=np.nan))
    apart, blind = (np.log(each["advised"] / measured).std() for each in (table, without))
    assert apart < 0.05
    assert blind > 0.4
    assert (table["high"] / table["low"]).median() < 1.2 < (without["high"] / without["low"]).min()


def test_estimates_are_pooled_by_their_precision_and_no_narrower_than_the_best() -> None:
    normal = norm.ppf((np.arange(1000) + 0.5) / 1000)
    # 100 within a tenth and 400 within a fifth, in logs: weights 4 / 5 and 1 / 5.
    sizes = [
        size * np.exp(np.append(0, error * normal)) for size, error in ((100, 0.1), (400, 0.2))
    ]
    both = pooled(*sizes)
    assert both[0] == pytest.approx(100**0.8 * 400**0.2)
    assert np.log(both[1:]).std() == pytest.approx(0.8 * 0.1 + 0.2 * 0.2, rel=0.01)
    assert pooled(sizes[0]).tolist() == pytest.approx(sizes[0].tolist())


def test_the_best_size_by_hand() -> None:
    # 400 examples of noise, a factor of a half, and steps that cost as much as 50 examples.
    speed = Line(intercept=known(2e-5), slope=known(1e-3), r_squared=1.0)
    scale = Mean(np.log(np.asarray(400.0)), EXACT, np.asarray(9.0))
    made = predict(scale, speed, known(0.5))
    assert of_draws(made["predicted_batch_size"]) == pytest.approx((100.0, 100.0, 100.0))
    # (1 + 32 / 200) (1 + 50 / 32) over (1 + 100 / 200) (1 + 50 / 100).
    assert made["cost_at_32"][0] == pytest.approx(1.16 * 2.5625 / 2.25)


def test_the_interval_of_the_best_size_covers() -> None:
    """Noise scale and factor are drawn as their errors say; the clock is exact."""
    random, inside = np.random.default_rng(0), []
    studies = np.exp(random.normal(0.2, 0.2, (300, 12)))
    speed = Line(known(1.0), known(25.0), 1.0)
    for measured in studies:
        factor = np.exp(2 * random.normal(0.2, 0.2))
        scale = np.log(400) + random.normal(0, 0.1)
        seen = Mean(np.asarray(scale), np.asarray(0.1**2), np.asarray(29.0))
        made = predict(seen, speed, factors(rows(*measured), 400.0, "sgd"))
        _, low, high = of_draws(made["predicted_batch_size"])
        inside.append(low <= (400 * factor * 25) ** 0.5 <= high)
    assert 0.92 <= np.mean(inside) <= 0.99


def test_a_study_predicts_the_families_whose_rates_follow_the_sizes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, data = world.truth, world.data("learning_rate")
    # As if many studies had told how critical size and noise scale go together.
    # After the start it is once and then five times that of one image: the geometric mean.
    scale = truth.gradient_variance / truth.gradient_squared * 5**0.5
    share = (truth.critical_batch / scale) ** 0.5
    monkeypatch.setattr(prediction, "calibration", lambda: rows(*[share] * 200, scales=scale))
    table = predictions(data, where(world.measured.draws, machine="local", device="cpu"))
    assert set(table["rule"]) == {"sqrt", "linear", "tuned"}
    assert table["noise_scale"].iloc[0] == pytest.approx(scale, rel=0.3)
    for row in table.to_dict("records"):
        assert row["predicted_batch_size"] == pytest.approx(truth.best_batch(), rel=0.25)
        assert row["predicted_batch_size_low"] < truth.best_batch()
        assert truth.best_batch() < row["predicted_batch_size_high"]
        # Of 32, 128, 512 and 2048, the truth being 77, and its nearest the fastest.
        assert row["nearest_batch_size"] == row["best_batch_size"]
        assert row["cost_low"] <= row["cost"] == 1 or row["cost"] < 1.05


def test_without_probes_nothing_is_predicted(world: World) -> None:
    assert predictions(world.data("learning_rate"), world.measured.draws.iloc[:0]).empty


def test_the_shipped_studies_are_what_they_say() -> None:
    """Every row's prediction follows from its noise scale and clock, its best from its times."""
    for row in calibration().to_dict("records"):
        assert row["predicted"] == pytest.approx(
            (row["noise_scale"] * row["step_over_example"]) ** 0.5, rel=0.01
        )
        sizes, times = (
            np.array(row[name].split(";"), float) for name in ("batch_sizes", "relative_times")
        )
        assert times[sizes == row["measured"]] == times.min() == 1
        assert row["measured_low"] <= row["measured"] <= row["measured_high"]


def test_a_probe_renews_the_rows_of_its_subject_alone(tmp_path: Path) -> None:
    write_results(tmp_path, example_request(studies=("learning_rate",)), 0)
    (file,) = tmp_path.glob("local/cpu/gradients/*.json")
    probe, truth = read_result(file, GradientResult), Truth()
    subject = {"model": "lenet5", "dataset": probe.dataset.name, "optimizer": "sgd"}
    studies = rows(0.5, 2.0).assign(**subject, predicted=1.0)
    table = pd.concat([studies, studies.assign(optimizer="adam")], ignore_index=True)
    after = renewed(table, [probe])
    # After the start it is once and then five times that of one image: the geometric mean.
    scale = truth.gradient_variance / truth.gradient_squared * 5**0.5
    assert after["noise_scale"].tolist() == pytest.approx([scale] * 2 + [USUAL_SCALE] * 2, rel=0.3)
    assert after["noise_scale"].nunique() == 2
    # A step costs 50 examples.
    assert after["predicted"].tolist() == pytest.approx(
        ((after["noise_scale"] * 50) ** 0.5).round(1).tolist()
    )
    kept = [name for name in table if name not in {"noise_scale", "predicted"}]
    pd.testing.assert_frame_equal(after[kept], table[kept])


def test_the_shipped_studies_are_documented() -> None:
    folder = Path(prediction.__file__).parent
    assert "calibration.csv" in (folder / "calibration.md").read_text(encoding="utf-8")


def test_the_scores_are_documented() -> None:
    """The table of the page is that of `calibration.csv`, and so is the sentence below it."""
    page = (ROOT / "docs" / "how-it-measures.md").read_text(encoding="utf-8")
    assert "\n".join(scores()) in page
    table = score(calibration())
    cheap, held = int(table["cheap"].sum()), int(table["held"].sum())
    words = " ".join(page.split())
    assert f"Of {len(table)} studies {cheap} are cheap and {held} within" in words
    mean = np.exp(np.log(table["cost"]).mean())
    costs = f"{mean:.2f} times the best, at worst {table['cost'].max():.2f}. "
    assert f"In geometric mean the advice costs {costs}" in words
    assert alternatives() in words
