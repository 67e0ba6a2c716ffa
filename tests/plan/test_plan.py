import json
import re
from pathlib import Path
from typing import Any

import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.requests.analyze import AnalyzeRequest
from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.requests.dataset import DatasetRequest
from batchmark.contract.requests.probe import ProbeRequest
from batchmark.contract.requests.render import RenderRequest
from batchmark.contract.requests.time import TimeRequest
from batchmark.contract.requests.train import Racing, TrainRequest, TuningGrid
from tests.plan.conftest import CONFIG, STUDY, OpenPlan

LONGER = {**STUDY, "grids": [{"batch_size": [100, 1000]}], "epochs": 9.0, "trials": 5}


def test_studies_share_a_variant_at_the_larger_budget(plan_of: OpenPlan) -> None:
    config = {**CONFIG, "studies": {"first": {}, "second": {}}}
    plan = plan_of(config, first=STUDY, second=LONGER)
    budgets = {
        v.hyperparameters.batch_size: (plan.budget(id_).epochs, plan.budget(id_).trials)
        for id_, v in plan.variants.items()
    }
    assert budgets == {10: (5.0, 3), 100: (9.0, 5), 1000: (9.0, 5)}


def test_a_run_adds_seeds_for_all_its_studies_that_allow_more(plan_of: OpenPlan) -> None:
    config = {**CONFIG, "studies": {"first": {}, "second": {}, "third": {}}}
    own = {"targets": {"mnist": [0.95, 0.9]}, "trials_at_most": 10, "precision": 0.1}
    studies = {"second": {**STUDY, **own}, "third": {**LONGER, "trials_at_most": 5}}
    plan = plan_of(config, first={**STUDY, "trials_at_most": 8}, **studies)
    asked = {v.hyperparameters.batch_size: plan.racing(id_) for id_, v in plan.variants.items()}
    targets = {"mnist": [0.95, 0.98], "sample": [0.9]}
    expected = Racing(trials_at_most=10, precision=0.1, targets=targets)
    # 1000 has five trials and no more than five.
    assert asked == {10: expected, 100: expected, 1000: None}
    trained, _ = (plan.train_request(id_, "cpu") for id_ in list(plan.variants)[:2])
    assert TrainRequest.model_validate_json(Path(trained).read_text()).racing == expected
    analysis = AnalyzeRequest.model_validate_json(Path(plan.analyze_request()).read_text())
    assert [{*study.trials.values()} for study in analysis.studies] == [{8}, {10}, {5}]


def test_a_grid_may_ask_for_other_seeds_than_its_study(plan_of: OpenPlan) -> None:
    """Of two grids that have a variant the one that asks for more counts, as of two studies."""
    grids = [
        {"batch_size": [10, 20], "trials_at_most": 16, "precision": 0.05},
        {"batch_size": [20, 100]},
        {"batch_size": 200, "trials_at_most": 3},
    ]
    before = plan_of(first={**STUDY, "grids": [{"batch_size": [10, 20, 100, 200]}]})
    plan = plan_of(first={**STUDY, "trials_at_most": 6, "grids": grids})
    assert [*plan.variants] == [*before.variants]
    races = [plan.racing(id_) for id_ in plan.variants]
    asked = [race and (race.trials_at_most, race.precision) for race in races]
    assert asked == [(16, 0.05), (16, 0.05), (6, 0.15), None]
    analysis = AnalyzeRequest.model_validate_json(Path(plan.analyze_request()).read_text())
    assert [*analysis.studies[0].trials.values()] == [16, 16, 6, 3]


def test_a_grid_may_ask_for_more_seeds_to_probe(plan_of: OpenPlan) -> None:
    grids = [{"batch_size": 100, "probe_trials": 6}, {"batch_size": [10, 100]}]
    config = {**CONFIG, "probing": {"trials": 2}}
    plan = plan_of(config, first={**STUDY, "grids": grids, "probe": [{"batch_size": 100}]})
    probed = {}
    for id_, variant in plan.variants.items():
        asked = ProbeRequest.model_validate_json(Path(plan.probe_request(id_, "cpu")).read_text())
        probed[variant.hyperparameters.batch_size] = asked.trials, asked.budget.trials
    assert probed == {100: (6, 6), 10: (2, 2)}


ASKED = {"batch_size": 100, "probe_trials": 6}


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ({"probe_trials": 6}, "probe_trials = 6"),
        (
            {"grids": [{"batch_size": 10}, ASKED], "probe": [{"batch_size": 10}]},
            "grids[1].probe_trials = 6",
        ),
    ],
)
def test_seeds_to_probe_are_refused_where_nothing_is_probed(
    plan_of: OpenPlan, asked: dict[str, Any], key: str
) -> None:
    said = f"study first: {key}: the gradients of none of these settings are probed; name some"
    with pytest.raises(UserError, match=re.escape(said)):
        plan_of(first={**STUDY, **asked})


def test_seeds_to_probe_stay_where_a_scale_or_another_study_says_what_is_probed(
    plan_of: OpenPlan,
) -> None:
    """A shared variant is probed with the most seeds that one of its studies asks for."""
    asked = {**STUDY, "grids": [{"batch_size": 10}, ASKED]}
    assert plan_of(first={**asked, "probe": []}).probed == []
    config = {**CONFIG, "studies": {"first": {}, "second": {}}}
    probing = {**STUDY, "probe": [{"batch_size": 100}], "probe_trials": 2}
    plan = plan_of(config, first=asked, second=probing)
    (probed,) = plan.probed
    request = Path(plan.probe_request(probed, "cpu")).read_text()
    assert ProbeRequest.model_validate_json(request).trials == 6


def test_a_grid_cannot_ask_for_fewer_seeds_than_are_trained_in_any_case(plan_of: OpenPlan) -> None:
    grids = [{"batch_size": [10, 100], "trials_at_most": 2}]
    with pytest.raises(UserError, match=r"grids\[0\].trials_at_most = 2: is below trials, 3"):
        plan_of(first={**STUDY, "trials": 3, "grids": grids})


TUNED = {**STUDY, "grids": [{"batch_size": [10, 100], "learning_rate": "tuned"}]}


def test_a_study_has_a_grid_of_rates_of_its_own(plan_of: OpenPlan) -> None:
    config = {**CONFIG, "tuning": {"low": 0.05, "high": 0.8, "points": 5}}
    studies = TUNED, {**TUNED, "tuning": {"low": 0.001, "epochs": 4.0}}
    seen = []
    for plan in (plan_of(config, first=study) for study in studies):
        ids = [*plan.variants]
        request = Path(plan.train_request(ids[0], "cpu")).read_text(encoding="utf-8")
        tuning = TrainRequest.model_validate_json(request).tuning
        seen.append((ids, tuning, plan.run_load(ids[0]).images))
    (before, common, images), (after, own, more) = seen
    assert before == after
    assert common == TuningGrid(low=0.05, high=0.8, points=5, epochs=2.0, seed=1000)
    assert own == TuningGrid(low=0.001, high=0.8, points=5, epochs=4.0, seed=1000)
    # Five rates train a quarter, three of them another quarter and two another half: 3 x epochs.
    assert more - images == pytest.approx(3 * (4.0 - 2.0) * 50_000)


def test_studies_that_share_a_tuned_variant_tune_it_alike(plan_of: OpenPlan) -> None:
    config = {**CONFIG, "studies": {"first": {}, "second": {}}}
    other = {**TUNED, "tuning": {"points": 7}}
    plan_of(config, first=other, second=other)
    with pytest.raises(UserError, match=r"study second: tuning: lenet5-sgd-bs10-\w+ is a variant"):
        plan_of(config, first=TUNED, second=other)


def test_the_finest_evaluations_are_made_as_long_as_a_study_asks_for_them(
    plan_of: OpenPlan,
) -> None:
    config = {**CONFIG, "studies": {"first": {}, "second": {}}}
    fine = {**STUDY, "evaluate_every": 5000, "evaluate_finely": 2.0}
    for other, finely in (({"evaluate_every": 50_000}, 2.0), ({"evaluate_every": 5000}, None)):
        plan = plan_of(config, first=fine, second={**STUDY, **other})
        budget = plan.budget(next(iter(plan.variants)))
        assert (budget.evaluate_every, budget.evaluate_finely) == (5000, finely)


def test_as_many_images_are_scored_as_any_study_asks_for(plan_of: OpenPlan) -> None:
    config = {**CONFIG, "studies": {"first": {}, "second": {}}}
    for key in ("validation_images", "test_images"):
        for other, scored in (({key: 2000}, 2000), ({}, None)):
            plan = plan_of(config, first={**STUDY, key: 500}, second={**STUDY, **other})
            assert getattr(plan.budget(next(iter(plan.variants))), key) == scored


def test_an_overlay_replaces_keys_of_a_study(plan_of: OpenPlan) -> None:
    config = {**CONFIG, "studies": {"first": {"grids": [{"batch_size": [100]}]}}}
    assert len(plan_of(config).variants) == 1


def test_a_null_brings_back_what_is_common_or_usual(plan_of: OpenPlan) -> None:
    own = {**STUDY, "rounds": 3, "epochs": 9.0, "probe": [{"batch_size": 10}]}
    common = {**CONFIG, "timing": {"rounds": 8}, "training": {"epochs": 2.0}}
    before = plan_of(common, first=own)
    overlay = {"first": dict.fromkeys(("rounds", "epochs", "probe"))}
    after = plan_of({**common, "studies": overlay}, first=own)
    budgets = [plan.budget(next(iter(plan.variants))).epochs for plan in (before, after)]
    assert budgets == [9.0, 2.0]
    assert [plan.protocol("first").rounds for plan in (before, after)] == [3, 8]
    assert [len(plan.probed) for plan in (before, after)] == [1, 0]


def test_an_axis_value_of_null_is_a_text_of_the_tables(plan_of: OpenPlan) -> None:
    axis = {**STUDY, "grids": [{"activation": [None, "tanh"]}], "baseline": {"activation": None}}
    study = plan_of(CONFIG, first=axis).studies["first"]
    assert [own["activation"] for own in study.settings.values()] == ["null", "tanh"]


@pytest.mark.parametrize(("validation", "there"), [(10_000, 50_000), (0.25, 45_000)])
def test_a_train_size_that_mnist_does_not_have_is_refused(
    plan_of: OpenPlan, validation: float, there: int
) -> None:
    config = {**CONFIG, "dataset": {**CONFIG["dataset"], "validation": validation}}
    plan_of(config, first={**STUDY, "settings": {"train_size": there}})
    wanted = {**STUDY, "settings": {"train_size": there + 1}}
    with pytest.raises(UserError, match=f"study first: train_size = {there + 1}: .* {there} "):
        plan_of(config, first=wanted)


@pytest.mark.parametrize(
    "rounds", [{"timing": {"rounds": 0}}, {"studies": {"first": {"rounds": 0}}}]
)
def test_a_study_without_rounds_is_not_timed(plan_of: OpenPlan, rounds: dict) -> None:
    assert plan_of().timed == ["first"]
    plan = plan_of({**CONFIG, **rounds})
    assert plan.timed == []
    asked = CollectRequest.model_validate_json(Path(plan.collect_request()).read_text())
    assert (asked.timed, list(asked.studies)) == ([], ["first"])


def test_words_reach_only_the_page(plan_of: OpenPlan) -> None:
    before = plan_of(CONFIG)
    after = plan_of(CONFIG, first={**STUDY, "question": {"en": "Another?"}})
    name = next(iter(before.variants))
    assert before.train_request(name, "cpu") == after.train_request(name, "cpu")
    assert before.time_request("first", "cpu") == after.time_request("first", "cpu")
    assert before.collect_request() == after.collect_request()
    assert before.analyze_request() == after.analyze_request()
    assert before.render_request() != after.render_request()


def test_the_target_reaches_only_the_statistics(plan_of: OpenPlan) -> None:
    before = plan_of(CONFIG)
    after = plan_of({**CONFIG, "targets": {"mnist": [0.5], "sample": [0.9]}})
    name = next(iter(before.variants))
    assert before.train_request(name, "cpu") == after.train_request(name, "cpu")
    assert before.collect_request() == after.collect_request()
    assert before.analyze_request() != after.analyze_request()


def test_requests_are_readable_by_their_stage(plan_of: OpenPlan) -> None:
    plan = plan_of()
    name = next(iter(plan.variants))
    for path, kind in [
        (plan.download_request("mnist"), DatasetRequest),
        (plan.train_request(name, "cpu"), TrainRequest),
        (plan.probe_request(name, "cpu"), ProbeRequest),
        (plan.time_request("first", "cpu"), TimeRequest),
        (plan.collect_request(), CollectRequest),
        (plan.analyze_request(), AnalyzeRequest),
        (plan.render_request(), RenderRequest),
    ]:
        assert kind.model_validate_json(Path(path).read_text())


def test_mirrors_are_not_part_of_the_datas_identity(plan_of: OpenPlan) -> None:
    other = {**CONFIG, "dataset": {"mirrors": ["file:///elsewhere"]}}
    assert plan_of(CONFIG).dataset_identity("mnist") == plan_of(other).dataset_identity("mnist")
    assert json.loads(Path(plan_of(other).download_request("mnist")).read_text())["mirrors"] == [
        "file:///elsewhere"
    ]


def test_who_trains_alone_has_one_seed_and_the_budget_and_target_of_the_study(
    plan_of: OpenPlan,
) -> None:
    own = {
        **STUDY,
        "verify": [dict(STUDY["baseline"])],
        "targets": {"mnist": [0.7, 0.6]},
        "epochs": 4.0,
    }
    common = {"targets": {"mnist": [0.5], "sample": [0.9]}}
    studies = {"studies": {"first": {}, "second": {}}}
    plan = plan_of({**CONFIG, **common, **studies}, first=own, second=LONGER)
    request = TimeRequest.model_validate_json(Path(plan.time_request("first", "cpu")).read_text())
    (run,) = request.lone_runs
    assert run.variant.id == plan.studies["first"].baseline
    assert (run.budget.epochs, run.budget.trials) == (4.0, 1)
    assert run.targets == {"mnist": 0.7, "sample": 0.9}
    assert plan_of().time_request("first", "cpu") != plan.time_request("first", "cpu")


def test_a_tuned_rate_is_not_known_when_it_is_timed(plan_of: OpenPlan) -> None:
    settings = {**STUDY["settings"], "learning_rate": "tuned"}
    own = {**STUDY, "settings": settings, "verify": [dict(STUDY["baseline"])]}
    with pytest.raises(UserError, match=r"verify: .* has a tuned learning rate"):
        plan_of(CONFIG, first=own)


def test_variants_with_the_same_graph_are_timed_once(plan_of: OpenPlan) -> None:
    grids = [
        {"batch_size": 100, "learning_rate": [0.1, 0.2], "momentum": [0.0, 0.5, 0.9]},
        {"batch_size": 100, "momentum": 0.9, "nesterov": True},
    ]
    baseline = {"momentum": 0.0, "learning_rate": 0.1}
    plan = plan_of(CONFIG, first={**STUDY, "grids": grids, "baseline": baseline})
    request = TimeRequest.model_validate_json(Path(plan.time_request("first", "cpu")).read_text())
    # plain, with momentum, with Nesterov momentum
    assert sorted(len(subject.variants) for subject in request.subjects) == [1, 2, 4]
    baseline = next(subject for subject in request.subjects if subject.id == request.baseline)
    assert plan.studies["first"].baseline in baseline.variants
    assert all(subject.id == subject.variants[0] for subject in request.subjects)


@pytest.mark.parametrize(
    ("common", "own", "least"), [(None, 0.3, 0.3), (0.1, 0.3, 0.1), (0.1, 0.05, 0.05)]
)
def test_visits_of_the_sample_are_never_longer(
    plan_of: OpenPlan, common: float | None, own: float, least: float
) -> None:
    config = {**CONFIG, "timing": {"sample_min_seconds": common}}
    plan = plan_of(config, first={**STUDY, "min_seconds": own})
    assert plan.protocol("first").sample_min_seconds == least


def test_the_longest_run_has_the_highest_priority(plan_of: OpenPlan) -> None:
    plan = plan_of(CONFIG, first={**STUDY, "grids": [{"batch_size": [1, 100]}]})
    online, common = sorted(plan.variants, key=lambda v: "bs100" in v)
    assert plan.priority(online) > plan.priority(common)


def test_results_of_other_machines_are_found(plan_of: OpenPlan, tmp_path: Path) -> None:
    for machine in ("local", "laptop"):
        folder = tmp_path / "results" / machine / "cpu" / "runs"
        folder.mkdir(parents=True)
        for name in ("a.json", ".b.json.k3j2h1g0.json"):
            (folder / name).touch()
    found = plan_of().results_of_other_machines(tmp_path / "results")
    assert [Path(path).parts[-4] for path in found] == ["laptop"]


TWO = [CONFIG["dataset"], {"name": "mine", "path": "mine.npz"}]
BOTH = {**CONFIG, "dataset": TWO, "targets": {**CONFIG["targets"], "mine": [0.7]}}


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data set of one's own in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.npz").write_bytes(b"")


@pytest.mark.usefixtures("mine")
def test_a_second_data_set_changes_nothing_of_studies_on_the_first(plan_of: OpenPlan) -> None:
    before, after = plan_of(CONFIG), plan_of(BOTH)
    assert [*after.variants] == [*before.variants]
    for id_ in before.variants:
        assert after.train_request(id_, "cpu") == before.train_request(id_, "cpu")
        assert after.dataset_of(id_) == "mnist"
    assert after.time_request("first", "cpu") == before.time_request("first", "cpu")
    assert after.dataset_identity("mnist") == before.dataset_identity("mnist")


@pytest.mark.usefixtures("mine")
def test_a_study_of_every_data_set_has_a_part_on_each(plan_of: OpenPlan) -> None:
    plan = plan_of(BOTH, first={**STUDY, "every_dataset": True, "trials_at_most": 9})
    assert [*plan.studies] == ["first-mnist", "first-mine"]
    first, other = (study.variants for study in plan.studies.values())
    assert [*other] == [f"mine--{id_}" for id_ in first]
    assert [plan.dataset_of(id_) for id_ in (*first, *other)] == ["mnist"] * 2 + ["mine"] * 2
    races = [plan.racing(next(iter(variants))) for variants in (first, other)]
    assert [race and {*race.targets} for race in races] == [{"mnist", "sample"}, {"mine", "sample"}]
    assert json.loads(Path(plan.download_request("mine")).read_text())["path"] == "mine.npz"
    words = json.loads(Path(plan.render_request()).read_text())
    assert [study["question"]["en"] for study in words["studies"]] == [
        "Which? (MNIST)",
        "Which? (mine)",
    ]
    assert words["config"]["dataset"] == [{}, {"name": "mine"}]


def test_a_prediction_is_of_one_model(plan_of: OpenPlan) -> None:
    """Of two models it takes the graphs of the probed one, and the tuned rate of that one."""
    grids = [
        {"model": "mlp", "learning_rate": "tuned", "batch_size": 64},
        {"model": ["lenet5", "mlp"], "batch_size": [10, 100]},
        {"model": "lenet5", "learning_rate": ["tuned", 0.2], "batch_size": 64},
    ]
    own = {"model": "lenet5", "batch_size": 100}
    plan = plan_of(CONFIG, first={**STUDY, "grids": grids, "baseline": own, "probe": [dict(own)]})
    study, (probed,), (tuned,), variants = plan.quick
    assert study == "first"
    assert plan.variants[probed].hyperparameters.batch_size == 100
    assert plan.variants[tuned].hyperparameters.model == "lenet5"
    chosen = [plan.variants[id_].hyperparameters for id_ in variants]
    assert {each.model for each in chosen} == {"lenet5"}
    assert sorted(each.batch_size for each in chosen) == [10, 64, 64, 100]
