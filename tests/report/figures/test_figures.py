"""What figures say in words, on tables small enough to check by eye."""

from pathlib import Path

import pandas as pd
import pytest

from batchmark.report.figures import own_study, threads, timing_noise
from batchmark.report.messages import from_json
from batchmark.report.tables import Tables
from tests.report.conftest import Site


def tables_with(folder: Path, **frames: pd.DataFrame) -> Tables:
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    (folder / "answer.json").write_text('{"machine": "local", "device": "cpu"}', encoding="utf-8")
    return Tables(folder)


def placed(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"machine": "local", "device": "cpu", **columns})


def test_threads_help_from_where_they_are_faster(tmp_path: Path) -> None:
    frame = placed(
        study="device",
        role=["subject"] * 4 + ["twin"],
        threads=[1, 1, 2, 2, 2],
        batch_size=[1, 100, 1, 100, 100],
        seconds_per_epoch=[10.0, 4.0, 12.0, 2.0, 99.0],
    )
    drawn = threads.draw(tables_with(tmp_path, threads=frame))
    assert drawn is not None
    assert str(drawn.title) == "More threads help from batch size 100 on"
    assert drawn.series == {"threads-1": "1 thread", "threads-2": "2 threads"}
    assert drawn.numbers["seconds per epoch"].max() == 12


def test_the_noise_floor_is_the_widest_interval(tmp_path: Path) -> None:
    frame = placed(study=["a", "b"], ratio=[1.0, 1.01], low=[0.99, 1.0], high=[1.005, 1.025])
    drawn = timing_noise.draw(tables_with(tmp_path, noise=frame))
    assert drawn is not None
    assert str(drawn.title) == "Differences below 2.5 % cannot be told from noise"


def test_studies_without_numbers_name_their_settings(tmp_path: Path) -> None:
    summary = placed(
        variant=["a", "b"], study="mine", batch_size=32, trials=3, epochs_to_target=[4.0, 2.0],
        epochs_to_target_low=[3.0, 1.5], epochs_to_target_high=[5.0, 2.5],
    )  # fmt: skip
    settings = pd.DataFrame(
        {"study": "mine", "variant": ["a", "b"], "axis": "optimizer", "value": ["sgd", "adam"],
         "baseline": [True, False]}
    )  # fmt: skip
    drawn = own_study.draw(tables_with(tmp_path, summary=summary, settings=settings), "mine")
    assert drawn is not None
    assert str(drawn.title) == "Fewest epochs: 2 with adam"
    assert drawn.numbers["setting"].tolist() == ["adam", "sgd"]


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        ("time_to_target", "reaches the target first"),
        ("throughput", "as many examples a second as 1"),
        ("sparsity", "L1 brings up to"),
        ("rprop", "on the full batch"),
        ("devices", "The GPU is faster"),
        ("machines", "The fastest batch size"),
        ("profile", "is fastest on"),
        ("cost_model", "The model puts the best batch size at"),
        ("gradient_cosine", "the gradient is nearly the full one"),
        ("layer_norms", "with batch norm"),
    ],
)
def test_titles_are_findings(site: Site, figure: str, words: str) -> None:
    assert words in str(from_json(site.facts(figure)["title"]))
