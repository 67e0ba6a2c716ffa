from batchmark.plan.plan import DATASET, SECTIONS, published_config, published_files
from batchmark.plan.schema import Config, DatasetConfig


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


def test_files_elsewhere_have_no_name() -> None:
    files = ["../batchmark/config/config.yaml", "config/full.yaml", "/home/joe/a.yaml", "../b.yaml"]
    assert published_files(files) == ["config/config.yaml", "config/full.yaml", "…", "…"]
