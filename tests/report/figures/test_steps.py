"""What the figure of a step's parts says, on a profile small enough to check by eye."""

from pathlib import Path

from batchmark.report.figures.steps import step_parts
from batchmark.report.language.messages import SPACE
from tests.report.figures.test_figures import placed, tables_with


def test_the_title_and_the_peak_follow_from_the_products(tmp_path: Path) -> None:
    parts = placed(
        study="batch_size",
        variant=["a"] * 4 + ["b"] * 3,
        batch_size=[1] * 4 + [1000] * 3,
        part=["forward", "backward", "update", "between", "forward", "backward", "between"],
        layer=["c1", "c1", None, None, "c1", "c1", None],
        products=[True, True, False, False, True, False, False],
        seconds=1e-3,
        share=[0.1, 0.3, 0.2, 0.4, 0.8, 0.15, 0.05],
        seconds_per_step=1e-3,
        traced_seconds_per_step=1.04e-3,
    )
    threads = placed(
        study="batch_size", role="subject", batch_size=[1, 1000], share_of_peak=[0.1, 0.6]
    )
    drawn = step_parts(tables_with(tmp_path, step_parts=parts, threads=threads))
    assert drawn is not None
    said = [str(one).replace(SPACE, " ") for one in (drawn.title, *drawn.notes)]
    assert said[0] == "60 % of a step is not arithmetic at batch size 1, 20 % at 1,000"
    # 0.1 = 0.4 x 0.25 and 0.6 = 0.8 x 0.75.
    assert "batch size 1: 10 % = 40 % of the time × 25 %" in said[1]
    assert "batch size 1,000: 60 % = 80 % of the time × 75 %" in said[1]
    assert "by up to 4 %" in said[3]
    assert drawn.series == {
        "forward-products": "forward products",
        "backward-products": "backward products",
        "backward-others": "other backward",
        "update": "weight update",
        "between": "between operations",
    }


def test_a_single_size_and_no_peak(tmp_path: Path) -> None:
    parts = placed(
        study="mine", variant="a", batch_size=32, part=["forward", "between"], layer=["c1", None],
        products=[True, False], seconds=1e-3, share=[0.75, 0.25], seconds_per_step=1e-3,
        traced_seconds_per_step=1e-3,
    )  # fmt: skip
    drawn = step_parts(tables_with(tmp_path, step_parts=parts))
    assert drawn is not None
    title = str(drawn.title).replace(SPACE, " ")
    assert title == "25 % of a step is not arithmetic at batch size 32"
    assert len(drawn.notes) == 2


def test_nothing_profiled_is_not_drawn(tmp_path: Path) -> None:
    assert step_parts(tables_with(tmp_path)) is None
