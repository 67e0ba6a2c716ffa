"""What the rules leave out, keep in and say, each on a small experiment made for it."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from batchmark.claims.evidence import Evidence
from batchmark.claims.verdicts import all_claims, judge
from batchmark.report.language.messages import SPACE
from batchmark.report.language.translation import english
from batchmark.report.page.claims import WORDS
from batchmark.report.page.claims import evidence as sentence
from batchmark.statistics.study_data import StudyData
from tests.claims.worlds import (
    EPOCHS,
    STEP,
    draws,
    evidence,
    gradient_norms,
    norms,
    study_data,
    with_trials,
)
from tests.synthetic import grid


def judged(name: str, measured: Evidence) -> dict[str, Any]:
    row = judge(all_claims()[name], measured)
    return row | {"fields": json.loads(row["fields"])}


def rising(count: int, seeds: int = 3) -> np.ndarray:
    """[setting, seed], a little different from seed to seed."""
    return np.arange(count)[:, None] + 0.001 * np.arange(seeds)


def test_networks_that_never_learned_say_nothing_about_gradient_flow() -> None:
    settings = grid(normalization=["none", "batch"], batch_size=[10, 100])
    around = np.array([[0.01], [0], [0], [0]]) * np.array([-1, 0, 1])
    ratios = np.array([[1.0], [1e-6], [2.0], [2.0]]) * np.exp(around)
    made = with_trials(
        study_data("normalization", settings, seeds=3),
        gradient_norms=norms(ratios),
        status=np.array([["done"], ["not_learning"], ["done"], ["done"]]),
    )
    found = judged("norm-gradient-flow", evidence(made))
    assert found["verdict"] == "supported"
    assert abs(found["effect"] - 2) < 1e-9
    assert found["fields"] == {"count": 1, "all": 2}


def test_tuning_of_sgd_with_momentum_is_not_that_of_plain_sgd() -> None:
    settings = [
        {"optimizer": name, "learning_rate": rate, "momentum": momentum, "batch_size": 100}
        for name, default, momentum in (("sgd", 0.01, 0.0), ("sgd", 0.01, 0.9), ("adam", 1e-3, 0.0))
        for rate in (default, "tuned")
    ]
    gains = np.array([0, 0.03, 0, 0.2, 0, 0.01])[:, None] * (1 + 0.001 * rising(1))
    made = with_trials(
        study_data("optimizer", settings, seeds=3), best_validation_error=0.3 - gains
    )
    found = judged("optimizer-rates", evidence(made))
    assert abs(found["effect"] - 0.02) < 1e-4
    assert found["fields"]["sgd_pairs"] == 1
    assert abs(found["fields"]["sgd"] - 0.03) < 1e-4


def test_seeds_are_joined_by_name() -> None:
    """Seed 0 of the L2 study failed: seeds 1 and 2 are compared with 1 and 2 of the L1 study."""
    none = {"weight_decay": 0.0, "l1": 0.0, "l2": 0.0}
    made = study_data("regularization", [none, none | {"l1": 1e-3}, none | {"l2": 1e-3}], seeds=3)
    shares = [[0.1, 0.1, 0.1], [0.9, 0.5, 0.7], [np.nan, 0.41, 0.59]]
    made = with_trials(made, small_weight_share=np.array(shares))
    found = judged("l1-sparse", evidence(made))
    assert (found["n"], round(found["effect"], 9)) == (2, 0.1)


def test_a_control_that_misses_does_not_show_that_decay_is_no_faster() -> None:
    """Both sides need about the budget, but how much longer without decay nobody knows."""
    none = {"weight_decay": 0.0, "l1": 0.0, "l2": 0.0}
    made = study_data("regularization", [none, none | {"weight_decay": 1e-3}], seeds=3)
    epochs = np.array([[299.0], [299.0]]) - np.array([[0.0], [1.0]]) * rising(1)
    trained = 0.99 + np.array([[0.0], [0.01]]) * rising(1)
    made = with_trials(made, final_train_accuracy=trained)
    assert _decay(with_trials(made, **{EPOCHS: epochs})) == "supported"
    missed = np.array([[np.inf], [299.0]]) - np.array([[0.0], [1.0]]) * rising(1)
    assert _decay(with_trials(made, **{EPOCHS: missed})) == "inconclusive"


def _decay(made: StudyData) -> str:
    return judged("decay-not-speed", evidence(made))["verdict"]


def test_the_best_batch_is_unknown_where_a_miss_may_be_faster() -> None:
    settings = grid(train_size=[1000, 10_000], batch_size=[10, 30, 100, 300])
    made = study_data("train_size", settings, seeds=10)
    epochs = np.full((8, 10), 9.0)
    epochs[[0, 6]] = 1.0
    epochs[7] = np.inf
    known = with_trials(made, **{EPOCHS: epochs})
    assert judged("grows-with-data", evidence(known))["verdict"] == "supported"
    ratios = made.ratios.copy()
    ratios[7] = 1e-3  # the whole budget at batch size 300 takes 0.3 of the best's time
    assert judged("grows-with-data", evidence(replace(known, ratios=ratios)))["n"] == 0


def test_the_best_batch_is_unknown_where_another_was_there_at_its_first_evaluation() -> None:
    settings = grid(train_size=[1000, 10_000], batch_size=[10, 30, 100, 300])
    made = study_data("train_size", settings, seeds=10)
    epochs, steps = np.full((8, 10), 9.0), np.zeros((8, 10))
    epochs[[0, 6]] = 1.0
    steps[[0, 6]] = 1.0  # the best themselves: the truth is faster still
    known = with_trials(made, **{EPOCHS: epochs, STEP: steps})
    assert judged("grows-with-data", evidence(known))["verdict"] == "supported"
    steps[1] = 9.0
    unknown = with_trials(made, **{EPOCHS: epochs, STEP: steps})
    assert judged("grows-with-data", evidence(unknown))["n"] == 0


def test_a_treated_run_there_at_the_first_evaluation_speeds_up_by_at_least_that() -> None:
    """And a control that was there at the first may have been faster than it looks."""
    made = study_data("momentum", grid(momentum=[0.0, 0.9], batch_size=[10]), seeds=3)
    steps = np.ones((2, 3))
    readings = {"treated": [[2.0, 2.0, 3.0], [1.0] * 3], "control": [[1.0] * 3, [4.0, 5.0, 4.0]]}
    found = {
        name: judged("momentum-speed", evidence(with_trials(made, **{EPOCHS: rows, STEP: steps})))
        for name, rows in readings.items()
    }
    assert found["treated"]["effect"] == pytest.approx((1.5 * 1.5 * 2.5) ** (1 / 3))
    assert found["control"]["verdict"] == "refuted"
    slower = np.array([[1.0] * 3, [1.0] * 3])
    same = judged("momentum-speed", evidence(with_trials(made, **{EPOCHS: slower, STEP: steps})))
    assert same["verdict"] == "inconclusive"


def test_epochs_that_grow_from_a_first_evaluation_grow_by_at_least_that() -> None:
    """Small sizes there at the first evaluation never refute; large ones never support."""
    made = study_data("batch_size", grid(batch_size=[10, 30, 100, 300]), seeds=3)
    flat = np.full((4, 3), 10.0) + 0.01 * np.arange(3)
    for first, growth, expected in [
        (0, -0.5, "inconclusive"),
        (3, -0.5, "refuted"),
        (0, 1.0, "supported"),
        (3, 1.0, "inconclusive"),
    ]:
        epochs = flat * np.array([10, 30, 100, 300])[:, None] ** growth / 10**growth
        steps = np.zeros((4, 3))
        steps[first] = epochs[first]
        found = judged("more-epochs", evidence(with_trials(made, **{EPOCHS: epochs, STEP: steps})))
        assert found["verdict"] == expected


SCALED = {"learning_rate": 0.1, "reference_batch_size": 100}
TWO_RATES = [
    {**SCALED, **point}
    for point in grid(learning_rate_rule=["sqrt", "fixed"], batch_size=[1, 10, 100, 1000])
]


def test_each_policy_for_the_rates_has_a_verdict_and_the_suited_one_s_counts() -> None:
    """Single examples fail at 0.1 only, and only there epochs do not grow; 100 is shared."""
    made = study_data("batch_size", TWO_RATES, seeds=6)
    luck = 1 + 0.01 * np.arange(6)
    needed = np.array([1.0, 2.0, 4.0, 8.0, np.inf, 4.0, 4.0])
    status = np.where(np.arange(7) == 4, "diverged", "done")[:, None]
    made = with_trials(made, status=status, **{EPOCHS: needed[:, None] * luck})
    found = judged("too-small-fails", evidence(made))
    assert (found["policy"], found["verdict"], found["effect"]) == ("sqrt", "refuted", 0)
    (other,) = found["fields"]["policies"]["others"]
    assert (other["verdict"]["phrase"], other["effect"]) == ("supported", 1)
    assert other["policy"] == {"phrase": "fixed", "rate": 0.1}
    grown = judged("more-epochs", evidence(made))
    assert (grown["policy"], grown["verdict"]) == ("sqrt", "supported")
    assert grown["effect"] == pytest.approx(np.log10(2))
    # At 0.1 the sizes that learn are 10 and 1000 and, under both rules, 100, all with 4 epochs.
    (other,) = grown["fields"]["policies"]["others"]
    assert (other["verdict"]["phrase"], round(other["effect"], 9)) == ("refuted", 0)


def test_one_policy_alone_is_not_told_from_others() -> None:
    made = study_data("batch_size", grid(batch_size=[1, 10, 100]), seeds=6)
    found = judged("too-small-fails", evidence(made))
    assert (found["policy"], found["fields"]["policies"]) == ("fixed", "")


def test_trials_that_collapsed_early_are_not_said_to_have_run_for_long() -> None:
    made = study_data("single", [{"batch_size": 1}], seeds=6)
    made = with_trials(made, status="not_learning", budget=5.0, **{EPOCHS: np.inf})
    row = judge(all_claims()["too-small-fails"], evidence(made))
    words = WORDS["too-small-fails"]
    said = english().tell(sentence(words, pd.Series(row))).replace(SPACE, " ")
    assert said.startswith(
        "6 of 6 trials at batch sizes up to 2 failed to converge in up to 5 epochs (100 %, "
    )
    assert "200" not in words.statement.text


def test_a_verdict_says_its_policy_where_the_others_have_none() -> None:
    """Only at the fixed rate a size is small enough."""
    settings = [
        *grid(learning_rate=["tuned"], batch_size=[10, 30, 100, 300]),
        *grid(learning_rate=[0.1], batch_size=[1, 10, 100]),
    ]
    found = judged("too-small-fails", evidence(study_data("batch_size", settings, seeds=6)))
    assert found["policy"] == "fixed"
    rate = {"phrase": "fixed", "rate": 0.1}
    assert found["fields"]["policies"] == {"phrase": "one_policy", "policy": rate}


def test_the_published_table_is_compared_at_its_own_rate() -> None:
    """The order is that of the published sizes at 0.1, and the reverse at the root's rates."""
    made = study_data("batch_size", TWO_RATES, seeds=3)
    order = np.array([3, 2, 1, 0, -1, 0, 3])[:, None]
    made = with_trials(made, final_test_accuracy=1 - order / 100)
    rules = {id_: axes["learning_rate_rule"] for id_, axes in made.study.settings.items()}
    redone = [id_ for id_, rule in rules.items() if "fixed" in rule]
    made = replace(made, study=made.study.model_copy(update={"published": redone}))
    sizes = [1, 10, 100, 1000]
    published = pd.DataFrame({"batch_size": sizes, "final_test_error": range(4)})
    rows = ["time_200_epochs_pu", "epoch_at_099", "time_to_099_pu", "best_validation_error"]
    published = published.assign(**dict.fromkeys([*rows, "best_test_error"], np.nan))
    found = judged("table-rows", evidence(made, published=published))
    assert found["effect"] == pytest.approx(1)


def test_settings_that_share_a_measurement_are_one_pair_and_ranges_do_not_matter() -> None:
    """Growth per doubling: 10 to 100 and 10 to 1000 by the same exponent say the same."""
    short = study_data("batch_size", grid(batch_size=[10, 100]))
    long = study_data("momentum", grid(momentum=[0.5, 0.9], batch_size=[10, 1000]))
    peaks = {10: 1.0, 100: 10**0.2, 1000: 100**0.2}

    def measured(made: StudyData) -> StudyData:
        return replace(made, memory=made.variants["batch_size"].map(peaks).to_numpy(float))

    found = judged("memory-bound", evidence(measured(short), measured(short), measured(long)))
    assert found["effect"] == pytest.approx(2**0.2)
    assert found["n"] == 2


def test_the_published_table_is_compared_with_its_own_network() -> None:
    settings = grid(model=["lenet5", "lenet_theano"], batch_size=[1, 10, 100, 1000, 5000])
    order = np.concatenate([np.arange(5), np.arange(5)[::-1]])[:, None]
    made = with_trials(
        study_data("batch_size", settings, seeds=3), final_test_accuracy=1 - order / 100
    )
    rows = ["time_200_epochs_pu", "epoch_at_099", "time_to_099_pu", "best_validation_error"]
    rows += ["best_test_error", "final_test_error"]
    published = pd.DataFrame(
        dict.fromkeys(rows, np.arange(5)) | {"batch_size": [1, 10, 100, 1000, 5000]}
    )
    found = judged("table-rows", evidence(made, published=published))
    assert found["verdict"] == "refuted"
    assert found["fields"]["model"] == "lenet_theano"
    assert (found["fields"]["count"], found["fields"]["all"]) == (1, 6)


def test_one_network_is_judged_by_its_draws_and_the_sentence_says_so() -> None:
    random = np.random.default_rng(0)
    one = judged("half-data-gradient", evidence(draws=draws({10: 0.2, 500: 0.97}, random, 1)))
    assert (one["verdict"], one["n"]) == ("supported", 10)
    assert one["fields"]["networks"] == {"phrase": "network", "count": 1}
    three = judged("half-data-gradient", evidence(draws=draws({10: 0.2, 500: 0.99}, random, 3)))
    assert three["n"] == 3
    assert three["fields"]["networks"] == {"phrase": "networks", "count": 3}


def test_seeds_added_for_the_target_tell_of_it_and_of_nothing_else() -> None:
    """Two of five seeds ended with the target at two of four sizes; one size was never trained."""
    made = study_data("batch_size", grid(batch_size=[10, 30, 100, 300, 1000]), seeds=5)
    sizes = np.array([10, 30, 100, 300, 1000])[:, None]
    slopes = np.array([0.5, 0.52, 0.48, 0.5, 0.51])
    asked = np.ones((5, 5))
    asked[:2, 3:] = np.nan
    asked[4] = np.nan
    ran = np.ones((5, 5))
    ran[2:4, 3:] = np.nan
    ran[4] = np.nan
    values = with_trials(
        made,
        oscillation=sizes**-slopes * asked,
        best_validation_error=0.02 * asked,
        best_epoch=asked,
        **{EPOCHS: sizes**slopes * ran},
    )
    for name, seeds in (("less-oscillation", 3), ("more-epochs", 5)):
        found = judged(name, evidence(values))
        assert (found["verdict"], found["n"]) == ("supported", seeds)


def test_wrong_labels_say_nothing_about_gradients_of_right_ones() -> None:
    random = np.random.default_rng(0)
    made = study_data("equivalents", grid(label_noise=[0.0, 0.3], batch_size=[100]))
    clean, noisy = (
        draws({10: 0.2, 500: cosine}, random).assign(variant=name)
        for name, cosine in zip(made.ids, (0.97, 0.3), strict=True)
    )
    measured = evidence(made, draws=pd.concat([clean, noisy]))
    assert judged("half-data-gradient", measured)["verdict"] == "supported"
    scales = np.full((2, 3, 4), 50.0) * np.exp(random.normal(0, 0.01, (2, 3, 4)))
    scales[0, -1] *= 10
    probed = gradient_norms(scales, made.ids, random)
    grown = judged("noise-scale-grows", evidence(made, draws=probed))
    assert (grown["n"], grown["verdict"]) == (4, "supported")
    # The draws of one network say nothing of another's, however well they agree.
    alone = judged("noise-scale-grows", evidence(made, draws=probed[probed["seed"] == 0]))
    assert (alone["n"], alone["verdict"]) == (1, "inconclusive")
    assert np.isnan(alone["low"])


def test_the_critical_size_is_that_of_sizes_which_were_read() -> None:
    """E = 2 (1 + B / 200) epochs; one size missed the target, one was there at the first look."""
    sizes = np.array([1, 10, 50, 100, 400, 1000])
    made = study_data("batch_size", grid(batch_size=sizes.tolist()), seeds=3)
    epochs = 2 * (1 + sizes[:, None] / 200) * (1 + 0.001 * np.arange(3))
    steps = np.zeros((6, 3))
    epochs[0], steps[0], epochs[-1] = 9.0, 9.0, np.inf
    probed = gradient_norms(np.full((1, 3, 2), 200.0), made.ids[3:4], np.random.default_rng(0))
    of = with_trials(made, **{EPOCHS: epochs, STEP: steps})
    found = judged("noise-scale-predicts", evidence(of, draws=probed))
    assert found["fields"]["critical"] == pytest.approx(200, rel=1e-6)
    assert found["verdict"] == "supported"


def test_rates_at_the_border_of_the_grid_are_not_the_best() -> None:
    """The best rate is 0.001 B; at batch size 1000 it lies outside of the rates tried."""
    sizes, rates = [1, 10, 100, 1000], [0.0001, 0.001, 0.01, 0.1, 0.5]
    settings = grid(optimizer=["sgd", "adam"], batch_size=sizes, learning_rate=rates)
    made = study_data("rates", settings, seeds=3)
    away = np.log(made.variants["learning_rate"]) - np.log(0.001 * made.variants["batch_size"])
    errors = 0.02 + 0.01 * np.abs(np.asarray(away))[:, None] + np.zeros(3)
    found = judged("rate-exponent", evidence(with_trials(made, best_validation_error=errors)))
    assert found["fields"]["sizes"] == [1, 10, 100]
    assert found["fields"]["sgd"] == pytest.approx(1)
    assert found["fields"]["adam"] == pytest.approx(1)


@pytest.mark.parametrize(("epochs", "updates"), [(2, None), (4, (1 + 1 / 2 + 1 / 4 + 1 / 8) / 4)])
def test_a_batch_that_grows_is_compared_where_it_saves_updates(
    epochs: float, updates: float | None
) -> None:
    """Doubled every epoch; after two of them it has made three quarters of the updates."""
    settings = [
        {"batch_factor": batch, "rate_factor": rate, "change_every": 1.0}
        for batch, rate in ((1, 0.5), (2, 1.0), (2, 0.9))
    ]
    made = with_trials(study_data("schedules", settings, seeds=3), budget=float(epochs))
    found = judged("batch-for-decay", evidence(made))
    assert found["fields"].get("updates") == (updates and pytest.approx(updates))
    assert found["verdict"] == ("supported" if updates else "not measured")


def test_momentum_is_compared_at_the_effective_rate() -> None:
    """At the same rate it is ten times as fast, at a tenth of it as fast."""
    settings = [
        {"momentum": momentum, "learning_rate": rate, "batch_size": 100}
        for momentum, rate in ((0.0, 0.1), (0.9, 0.1), (0.9, 0.01))
    ]
    made = study_data("equivalents", settings, seeds=3)
    epochs = np.array([[10.0], [1.0], [10.0]]) * (1 + 0.001 * np.arange(3))
    found = judged("momentum-is-rate", evidence(with_trials(made, **{EPOCHS: epochs})))
    assert found["fields"]["count"] == 1
    assert found["effect"] == pytest.approx(1)


def test_a_prediction_is_not_measured_where_no_size_reached_the_target() -> None:
    made = study_data("batch_size", grid(learning_rate=["tuned"], batch_size=[10, 100, 1000]), 3)
    timed = replace(made, ratios=np.full((3, 7), [[11.0], [2.0], [1.1]]))
    random = np.random.default_rng(0)
    probed = gradient_norms(np.full((1, 3, 2), 100.0), made.ids[1:2], random)
    missed = with_trials(timed, **{EPOCHS: np.full((3, 3), np.inf)})
    assert judged("prediction-holds", evidence(missed, draws=probed))["verdict"] == "not measured"
