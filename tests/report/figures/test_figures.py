"""What figures say in words, on tables small enough to check by eye."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from batchmark.report.drawing import style
from batchmark.report.drawing.svg import Drawn, to_svg
from batchmark.report.figures import accuracy, gradients, headline, machines, optimizers, own_study
from batchmark.report.language.messages import SPACE, from_json
from batchmark.report.selection import Tables
from tests.report.conftest import Site

Draw = Callable[[Tables], Drawn | None]


def tables_with(folder: Path, **frames: pd.DataFrame) -> Tables:
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    (folder / "answer.json").write_text('{"machine": "local", "device": "cpu"}', encoding="utf-8")
    return Tables(folder)


def placed(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"machine": "local", "device": "cpu", **columns})


def test_each_loop_has_a_line_and_the_title_its_ratio_in_the_same_rounds(tmp_path: Path) -> None:
    seconds, ratios = np.array([6.0, 3.0, 22.5, 9.0]), np.array([1.0, 1.0, 3.5, 3.1])
    frame = placed(
        study="loops",
        loop=["graph", "graph", "fit", "fit"],
        batch_size=[10, 100, 10, 100],
        trials=3,
        reached=3,
        seconds_per_epoch=seconds,
        seconds_per_epoch_low=0.9 * seconds,
        seconds_per_epoch_high=1.1 * seconds,
        ratio_to_graph=ratios,
        ratio_to_graph_low=ratios - 0.5,
        ratio_to_graph_high=ratios + 0.5,
    )
    best = placed(
        study="loops", target=0.95, loop=["graph", "fit"], best_batch_size=[100, 10],
        tied_batch_sizes=["100", "10;100"],
    )  # fmt: skip
    drawn = machines.loops(tables_with(tmp_path, loop_sizes=frame, loops=best))
    assert drawn is not None
    assert drawn.series == {"graph": "batchmark's graph", "fit": "model.fit"}
    assert str(drawn.title).replace(SPACE, " ") == (
        "In model.fit an epoch takes 3.5 × (3–4) the time of batchmark's graph at batch size 10, "
        "3.1 × (2.6–3.6) at 100"
    )
    assert str(drawn.notes[0]).replace(SPACE, " ") == (
        "Batch sizes that may reach 95 % first: batchmark's graph 100; model.fit 10, 100."
    )


def test_threads_help_from_where_they_are_faster(tmp_path: Path) -> None:
    frame = placed(
        study="device",
        role=["subject"] * 4 + ["control"],
        threads=[1, 1, 2, 2, 2],
        batch_size=[1, 100, 1, 100, 100],
        seconds_per_epoch=[10.0, 4.0, 12.0, 2.0, 99.0],
    )
    drawn = machines.threads(tables_with(tmp_path, threads=frame))
    assert drawn is not None
    assert str(drawn.title).replace(SPACE, " ") == (
        "More threads begin to help between batch sizes 1 and 100; at batch size 1 one thread is "
        "1.2 × as fast as all"
    )
    assert drawn.series == {"threads-1": "1 thread", "threads-2": "2 threads"}
    assert drawn.numbers["seconds per epoch"].max() == 12


def test_the_noise_floor_is_the_widest_interval(tmp_path: Path) -> None:
    frame = placed(study=["a", "b"], ratio=[1.0, 1.01], low=[0.99, 1.0], high=[1.005, 1.025])
    drawn = machines.timing_noise(tables_with(tmp_path, noise=frame))
    assert drawn is not None
    assert str(drawn.title) == f"Differences below 2.5{SPACE}% cannot be told from noise"


def test_an_optimizer_at_two_rates_is_named_with_both(tmp_path: Path) -> None:
    summary = placed(
        study="optimizer", variant=[*"abc"], optimizer=["sgd", "sgd", "adam"], momentum=0.0,
        nesterov=False, batch_size=100, trials=3, reached=3, learning_rate=[0.01, 0.2, 0.001],
        tuned=[False, True, False], epochs_to_target=[np.nan, 2.0, 1.0], target=0.9,
        train_size=5000, status="done",
    )  # fmt: skip
    settings = pd.DataFrame(
        {"study": "optimizer", "variant": [*"abc"], "axis": "optimizer", "value": "sgd",
         "baseline": False, "published": False}
    )  # fmt: skip
    drawn = optimizers.optimizer(tables_with(tmp_path, summary=summary, settings=settings))
    assert drawn is not None
    title = str(drawn.title)
    assert title.startswith("At batch size 100, 1 epoch with Adam; not reached with SGD (0.01)")


def test_studies_without_numbers_name_their_settings(tmp_path: Path) -> None:
    summary = placed(
        variant=["a", "b"], study="mine", batch_size=32, trials=3, epochs_to_target=[4.0, 2.0],
        epochs_to_target_low=[3.0, 1.5], epochs_to_target_high=[5.0, 2.5],
    )  # fmt: skip
    settings = pd.DataFrame(
        {"study": "mine", "variant": ["a", "b"], "axis": "optimizer", "value": ["sgd", "adam"],
         "baseline": [True, False]}
    )  # fmt: skip
    drawn = own_study.own_study(tables_with(tmp_path, summary=summary, settings=settings), "mine")
    assert drawn is not None
    assert str(drawn.title) == "Fewest epochs: 2 with Adam"
    assert drawn.numbers["setting"].tolist() == ["Adam", "SGD"]


def test_lines_of_many_axes_are_named_by_what_sets_them_apart(tmp_path: Path) -> None:
    summary = placed(
        variant=["a", "b", "c", "d"], study="mine", batch_size=[10, 20, 20, 20], trials=3,
        reached=3, target=0.9, epochs_to_target=[4.0, 2.0, 3.0, 1.0], epochs_to_target_low=0.9,
        epochs_to_target_high=5.0,
    )  # fmt: skip
    axes = {"batch_size": [10, 20, 20, 20], "momentum": [0, 0, 0.9, 0],
            "label_noise": [0, 0, 0, 0.3], "accumulation": [1, 2, 1, 1]}  # fmt: skip
    settings = pd.concat(
        pd.DataFrame({"variant": ["a", "b", "c", "d"], "axis": axis, "value": values,
                      "baseline": [True, False, False, False]})
        for axis, values in axes.items()
    ).assign(study="mine")  # fmt: skip
    drawn = own_study.own_study(tables_with(tmp_path, summary=summary, settings=settings), "mine")
    assert drawn is not None
    assert sorted(drawn.numbers["setting"]) == [
        *("batch size 10, baseline", "batch size 20, accumulated batches 2"),
        *("batch size 20, momentum 0.9", "batch size 20, wrong labels 0.3"),
    ]
    assert str(drawn.title).startswith("Fewest epochs: 1 with batch size 20, wrong labels 0.3")


def headline_tables(folder: Path, **answer: object) -> Tables:
    """Three sizes of SGD with times 9, 2 and 3 s; the answer as given."""
    summary = placed(
        variant=["a", "b", "c"], study="batch_size", batch_size=[1, 10, 100], trials=3, reached=3,
        epochs_to_target=[9.0, 2.0, 3.0], seconds_per_epoch=1.0, time_to_target=[9.0, 2.0, 3.0],
        target=0.97, train_size=50_000, optimizer="sgd", momentum=0.0, nesterov=False,
        examples_per_second=1000.0, best_test_error=[0.03, 0.02, 0.01], status="done",
        final_test_error=0.04, best_validation_error=0.02, best_epoch=1.0, epochs=10.0,
    )  # fmt: skip
    settings = pd.DataFrame(
        {"study": "batch_size", "variant": ["a", "b", "c"], "axis": "batch_size",
         "value": [1, 10, 100], "baseline": [True, False, False], "published": False}
    )  # fmt: skip
    tables = tables_with(folder, summary=summary, settings=settings)
    facts = {"machine": "local", "device": "cpu", "study": "batch_size"} | answer
    (folder / "answer.json").write_text(json.dumps(facts), encoding="utf-8")
    return tables


def two_policies(folder: Path) -> Tables:
    """SGD at the root of the size, 9, 2 and 3 s; at 0.1, 9 s at 1 and 3 at 100, one variant."""
    tables = headline_tables(folder, settings={"learning_rate_rule": "sqrt"})
    rules = {"a": "sqrt", "b": "sqrt", "c": "sqrt|fixed", "d": "fixed"}
    summary = tables.frame("summary").assign(learning_rate=[0.01, 0.03, 0.1])
    fixed = summary.head(1).assign(
        variant="d", learning_rate=0.1, time_to_target=np.nan, trials=2, reached=0
    )
    sizes = {"axis": "batch_size", "value": [1, 10, 100, 1]}
    settings = pd.concat(
        pd.DataFrame({"variant": list(rules), "published": [False, False, True, True], **axis})
        for axis in (sizes, {"axis": "learning_rate_rule", "value": list(rules.values())})
    ).assign(study="batch_size", baseline=False)
    policies: list[dict[str, Any]] = [
        {"family": "f", "rule": "fixed", "learning_rate": 0.1},
        {"family": "s", "rule": "sqrt", "learning_rate": 0.03},
    ]
    for one in policies:
        one["settings"] = {"learning_rate_rule": one["rule"]}
    best = placed(
        study="batch_size", target=[0.95, 0.98, 0.95], family=["s", "s", "f"],
        rule=["sqrt", "sqrt", "fixed"], learning_rate=[0.03, 0.01, 0.1], seconds=2.0,
        best_batch_size=[10, 1, 100], best_batch_size_low=1, best_batch_size_high=100,
    )  # fmt: skip
    facts = tables.document("answer") | {"policy": policies[1], "policies": policies}
    every = pd.concat([summary, fixed], ignore_index=True)
    made = tables_with(folder, summary=every, settings=settings, best_batches=best)
    (folder / "answer.json").write_text(json.dumps(facts), encoding="utf-8")
    return made


def test_the_article_s_rate_has_a_curve_of_its_own(tmp_path: Path) -> None:
    tables = two_policies(tmp_path)
    drawn = headline.time_to_target(tables)
    assert drawn is not None
    assert list(drawn.series.values()) == ["square-root rate", "rate 0.1"]
    assert drawn.numbers["rates"].tolist() == ["square-root rate"] * 3 + ["rate 0.1"] * 2
    assert drawn.numbers["batch size"].tolist() == [1, 10, 100, 1, 100]
    # Trials are counted for both curves, d's too.
    assert "2–3 trials a point" in str(drawn.notes[0])
    # The title is about the answer's rates, at which 1 got there.
    assert "10 reaches the target first" in str(drawn.title)


def test_how_the_fastest_size_moves_is_shown_for_each_policy(tmp_path: Path) -> None:
    drawn = headline.best_over_target(two_policies(tmp_path))
    assert drawn is not None
    assert list(drawn.series.values()) == ["square-root rate", "rate 0.1"]
    title = (
        "By estimates alone the fastest batch size lies between 1 and 10 over the targets 95 % to "
        "98 %"
    )
    assert str(drawn.title).replace(SPACE, " ") == title


def test_a_fastest_size_that_stays_does_not_go_anywhere(tmp_path: Path) -> None:
    tables = two_policies(tmp_path)
    best = tables.frame("best_batches").assign(best_batch_size=10)
    best.to_csv(tmp_path / "best_batches.csv", index=False)
    drawn = headline.best_over_target(Tables(tmp_path))
    assert drawn is not None
    title = "By estimates alone the fastest batch size is 10 at every target from 95 % to 98 %"
    assert str(drawn.title).replace(SPACE, " ") == title


@pytest.mark.parametrize(
    ("low", "high", "title"),
    [
        (10, 10, "Batch size 10 reaches the target first; 1 takes 9 s"),
        (10, 100, "A batch size from 10 to 100 reaches the target first; 1 takes 9 s"),
        (1, 100, "Any batch size from 1 to 100 may be the fastest"),
    ],
)  # fmt: skip
def test_only_a_size_that_wins_is_called_first(
    tmp_path: Path, low: int, high: int, title: str
) -> None:
    answer = {"best_batch_size_low": low, "best_batch_size_high": high}
    drawn = headline.time_to_target(headline_tables(tmp_path, **answer))
    assert drawn is not None
    assert str(drawn.title).replace(SPACE, " ") == title
    assert "Trained on 50,000 images." in map(str, drawn.notes)


@pytest.mark.parametrize(
    "draw", [headline.time_to_target, headline.cost_model, accuracy.test_error, machines.throughput]
)
@pytest.mark.parametrize(
    ("optimizer", "momentum", "series"),
    [("adam", 0.0, {"adam": "Adam"}), ("sgd", 0.9, {"momentum": "momentum"})],
)
def test_headline_curves_are_those_of_the_studys_optimizer(
    tmp_path: Path, draw: Draw, optimizer: str, momentum: float, series: dict[str, str]
) -> None:
    tables = headline_tables(tmp_path, target=0.97)
    summary = tables.frame("summary").assign(optimizer=optimizer, momentum=momentum)
    fit = placed(
        study=["batch_size"], target=0.97, family="", b_crit=50.0, examples=1000, c=1e-3, o=1e-3,
        e_min=1.0, best_batch_size=10.0, best_batch_size_low=5.0, best_batch_size_high=20.0,
        b_crit_low=40.0, b_crit_high=60.0, cost_at_32=1.2,
    )  # fmt: skip
    for name, frame in {"summary": summary, "cost_model": fit}.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    drawn = draw(Tables(tmp_path))
    assert drawn is not None
    assert drawn.series == series
    (key,) = series
    groups = re.findall(r'data-series="(.+?)"', to_svg(drawn, "x"))
    assert set(groups) == {key}
    assert style.hue(key, 0) in to_svg(drawn, "x")


def test_settings_of_own_studies_are_words() -> None:
    names = [
        {"axis_momentum": "0.0", "axis_nesterov": "False"},
        {"axis_momentum": "0.9", "axis_nesterov": "True"},
        {"axis_optimizer": "adam", "axis_batch_size": "64"},
        {"axis_batch_size": "1", "axis_change_every": "0.0", "axis_rate_factor": "1.0"},
        {"axis_beta_2_half_life": "0.0"},
    ]
    told = [own_study.setting_names(pd.DataFrame([one]), list(one))[0] for one in names]
    assert told == [
        "momentum 0", "momentum 0.9, Nesterov", "Adam, batch size 64", "batch size 1", "as usual",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        ("time_to_target", "A batch size from"),
        ("throughput", "trains most examples a second"),
        ("sparsity", "L1 brings up to"),
        ("rprop", "on the full batch"),
        ("devices", "The GPU of bench is faster than the CPU of local"),
        ("machines", "By medians the fastest batch size"),
        ("cost_model", "The model puts the best batch size at"),
        ("gradient_cosine", "whose gradient is nearly the full one"),
        ("layer_norms", "with batch norm"),
    ],
)
def test_titles_are_findings(site: Site, figure: str, words: str) -> None:
    assert words in str(from_json(site.facts(figure)["title"]))


def noise_scales(folder: Path, low: float, high: float) -> Drawn:
    """After the start 100 to 400; at the end 200, from `low` to `high`."""
    frame = placed(
        variant="v",
        moment=["initial", "final"],
        noise_scale=[200.0, 200.0],
        noise_scale_low=[100.0, low],
        noise_scale_high=[400.0, high],
        noise_scale_unbounded=[False, np.isinf(high)],
    ).replace(np.inf, np.nan)
    drawn = gradients.noise_scale(tables_with(folder, noise_scale=frame))
    assert drawn is not None
    return drawn


@pytest.mark.parametrize(
    ("low", "high", "arrow", "told"),
    [(-50.0, 300.0, "v", "0–300"), (150.0, np.inf, "^", "150–∞")],
)
def test_a_bar_that_a_log_axis_cannot_end_runs_to_its_edge_with_an_arrow(
    tmp_path: Path, low: float, high: float, arrow: str, told: str
) -> None:
    drawn = noise_scales(tmp_path, low, high)
    (axes,) = drawn.figure.axes
    end = "v^".index(arrow)
    edge = axes.get_ylim()[end]
    (bars,) = axes.collections
    assert isinstance(bars, LineCollection)
    assert np.asarray(bars.get_segments()[1])[end, 1] == pytest.approx(edge)
    arrows = {str(line.get_marker()): line for line in axes.lines}
    assert np.asarray(arrows[arrow].get_xydata()) == pytest.approx(np.array([[1.0, edge]]))
    assert str(drawn.title).endswith(f"({told})")
    assert "arrow" in str(drawn.notes[-1])


def test_bars_with_both_ends_have_no_arrow_and_no_word_of_one(tmp_path: Path) -> None:
    drawn = noise_scales(tmp_path, 100.0, 300.0)
    assert len(drawn.notes) == 1
    arrows = [line for line in drawn.figure.axes[0].lines if str(line.get_marker()) in "v^"]
    assert not any(np.size(line.get_xydata()) for line in arrows)
