from pathlib import Path

from batchmark.plan.plan import DATASET, SECTIONS, published_config, published_files
from batchmark.plan.schema import Config, DatasetConfig
from tests.plan.conftest import CONFIG, OpenPlan


def test_only_named_keys_are_shown() -> None:
    config = {
        "scale": "default",
        "dataset": {"name": "mine", "path": "/home/joe/x.npz", "mirrors": ["https://a:b@c/"]},
        "publish": {"remote": "https://x:token@host/"},
        "studies": {"mine": {"file": "/home/joe/mine.yaml", "epochs": 2}, "momentum": None},
        "invented": "secret",
    }
    assert published_config(config) == {
        "scale": "default",
        "dataset": {"name": "mine"},
        "studies": {"mine": {"epochs": 2}, "momentum": None},
    }


def test_whatever_the_configuration_learns_is_hidden_until_it_is_named() -> None:
    assert set(Config.model_fields) - set(SECTIONS) == {"dataset", "publish"}
    assert set(DatasetConfig.model_fields) - set(DATASET) == {"path", "mirrors"}


def test_what_is_shown_is_a_configuration_that_asks_for_the_same(plan_of: OpenPlan) -> None:
    """As a reader saves it, over the one that the clone has."""
    ours = {**CONFIG, "dataset": {"name": "mnist", "mirrors": ["http://127.0.0.1:8123"]}}
    shown = published_config(ours)
    plans = [plan_of({**CONFIG, **shown}), plan_of(ours)]
    trained = [
        [Path(plan.train_request(variant, "cpu")).name for variant in plan.variants]
        for plan in plans
    ]
    assert trained[0] == trained[1]


def test_files_elsewhere_have_no_name() -> None:
    files = ["../batchmark/config/config.yaml", "config/full.yaml", "/home/joe/a.yaml", "../b.yaml"]
    assert published_files(files) == ["config/config.yaml", "config/full.yaml", "…", "…"]
