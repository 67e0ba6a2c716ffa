"""How accuracy comes about: test error, gaps, learning curves, data and models."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from batchmark.report.drawing import curves, style, tips
from batchmark.report.drawing.curves import TIME, Comparison, Curve, described, fastest, numbers
from batchmark.report.drawing.svg import Drawn
from batchmark.report.language.messages import (
    Message,
    epochs,
    joined,
    say,
    significant,
    whole,
)
from batchmark.report.selection import (
    Tables,
    at_home,
    fate,
    headline_rows,
    highest,
    is_sample,
    lowest,
    measured,
    study_summary,
)

# Curves closer than this share of their values are drawn as one.
SAME = 0.02
ERRORS = ["best_test_error", "final_test_error", "best_validation_error"]
# Of a learning curve, and from how few on each one is marked.
MOST_POINTS = 60
# Of them with a mark that tells its value.
MOST_MARKS = 20
# A line of fewer shows where it was evaluated.
FEW_POINTS = 8


def test_error(tables: Tables) -> Drawn | None:
    """Test error at the best validation epoch and at the end, beside the published one."""
    frame = headline_rows(tables)
    if not measured(frame, "best_test_error"):
        return None
    frame = frame.copy()
    frame[ERRORS] *= 100
    # Where trials stopped early errors are those of that moment, not of the setting.
    frame.loc[frame["status"] != "done", ERRORS] = None
    if not measured(frame, "best_test_error"):
        return None
    lines = _best_and_last(frame)
    columns = {
        "batch_size": "batch size",
        "trials": "trials",
        "best_test_error": "test error at the best epoch (%)",
        "final_test_error": "final test error (%)",
        "best_validation_error": "best validation error (%)",
        "best_epoch": "best epoch",
    }
    chosen = say("The best epoch is chosen on validation data only.")
    published = _published_errors(tables, frame)
    grey = say(
        "Grey: published, after 200 epochs; ours after {epochs}.",
        epochs=epochs(frame["epochs"].max()),
    )
    return Drawn(
        figure=_errors(frame, lines, published),
        title=_extremes(lines[0]),
        alt=described(lines, "test error (%)"),
        numbers=numbers(frame, columns),
        notes=[curves.trials_note(frame, bars=False), chosen, *([] if published.empty else [grey])],
        series=curves.series([curves.of_optimizer(frame, "best_test_error")]),
    )


def _best_and_last(frame: pd.DataFrame) -> list[Curve]:
    """Two curves, or one where they coincide."""
    best = curves.of_optimizer(frame, "best_test_error", "best epoch")
    last = curves.of_optimizer(frame, "final_test_error", "last epoch")
    if np.allclose(last.points["y"], best.points["y"], rtol=SAME, atol=0, equal_nan=True):
        return [replace(best, label="best and last epoch")]
    return [best, replace(last, marker="v", dashed=True)]


def _errors(frame: pd.DataFrame, lines: list[Curve], published: pd.DataFrame) -> style.Figure:
    figure, (axes,) = style.panels(right=84 if len(lines) > 1 else 140)
    style.batch_axis(axes, frame["batch_size"])
    style.log_axis(axes, [*curves.values(lines), *published["y"]], "test error (%)")
    if not published.empty:
        # A single point makes no line.
        (grey,) = axes.plot(
            *(published["x"], published["y"], "o-"), color=style.INK, alpha=0.45, linewidth=1,
            markersize=3.5, gid=style.gid("published"),
        )  # fmt: skip
        tips.keep(grey, "published", published)
    curves.draw(axes, lines, missing="no result", named=False)
    ends = [curves.end(line) for line in lines if not line.drawn.empty]
    if not published.empty:
        last = published.iloc[-1]
        ends.append(style.EndLabel(last["x"], last["y"], "published", style.INK))
    style.label_ends(axes, ends, under_rail=True)
    return figure


def _published_errors(tables: Tables, frame: pd.DataFrame) -> pd.DataFrame:
    table = tables.frame("published")
    if table.empty or is_sample(tables):
        return pd.DataFrame({"x": [], "y": []}, dtype=float)
    points = pd.DataFrame({"x": table["batch_size"], "y": 100 * table["best_test_error"]})
    return points[points["x"].isin(frame["batch_size"])].dropna().sort_values("x")


def _extremes(line: Curve) -> Message | None:
    if len(line.drawn) < 2:
        return None
    best = lowest(line.drawn, "y")
    worst = highest(line.drawn, "y")
    return say(
        "By medians, among the sizes that learn, test error is lowest at batch size {best} ({low} "
        "%) and highest at {worst} ({high} %)"
        if line.missed
        else "By medians test error is lowest at batch size {best} ({low} %) and highest at "
        "{worst} ({high} %)",
        best=whole(best["x"]),
        low=significant(best["y"]),
        worst=whole(worst["x"]),
        high=significant(worst["y"]),
    )


def learning_curves(tables: Tables) -> Drawn | None:
    """Validation error over epochs, one line a batch size: medians over seeds."""
    summary = headline_rows(tables)
    tested = at_home(tables, "epochs")
    if summary.empty or tested.empty:
        return None
    frame = _medians(summary, tested)
    sizes = sorted(frame["batch_size"].unique())
    if not sizes or frame["epoch"].nunique() < 2:
        return None
    colors = style.ramp(len(sizes))
    lines = [_learning(frame, size, color) for size, color in zip(sizes, colors, strict=True)]
    alt = say(
        "Line chart of validation error over epochs, one line for each batch size from {low} to "
        "{high}.",
        low=whole(sizes[0]),
        high=whole(sizes[-1]),
    )
    return Drawn(
        figure=_falling_errors(lines, frame["epoch"].max()),
        title=_after_last(frame),
        alt=alt,
        numbers=_some(frame),
        notes=_left_out(summary),
        series=curves.series(lines),
    )


def _some(frame: pd.DataFrame) -> pd.DataFrame:
    """A few epochs of every size: the whole of it is in epochs.csv."""
    parts = [
        rows.iloc[np.unique(np.linspace(0, len(rows) - 1, FEW_POINTS).round().astype(int))]
        for _, rows in frame.sort_values("epoch").groupby("batch_size")
    ]
    columns = {"batch_size": "batch size", "epoch": "epoch", "error": "validation error (%)"}
    return pd.concat(parts)[list(columns)].rename(columns=columns)


def _medians(summary: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """The columns batch_size, epoch and error (%) of the variants whose trials all went well."""
    done = summary.loc[summary["status"] == "done", ["variant", "batch_size"]]
    rows = epochs.merge(done.drop_duplicates(), on="variant", suffixes=("_here", ""))
    rows = rows.assign(error=100 * (1 - rows["validation_accuracy"]))
    middle = rows.groupby(["batch_size", "epoch"], as_index=False)["error"].median()
    # No error at all has no place on a log axis: 0.01 % is less than one of 5,000 images.
    return middle.assign(error=middle["error"].clip(lower=0.01))


def _learning(frame: pd.DataFrame, size: int, color: str) -> Curve:
    rows = frame[frame["batch_size"] == size]
    # A file of thousands of points would look the same.
    step = max(1, len(rows) // MOST_POINTS)
    points = rows.iloc[::step].rename(columns={"epoch": "x", "error": "y"})
    return Curve(
        f"bs{size}", color, "", points.assign(low=points["y"], high=points["y"]), whole(size)
    )


def _falling_errors(lines: list[Curve], last: float) -> style.Figure:
    figure, (axes,) = style.panels(right=84)
    axes.set_xlim(0, last)
    style.log_axis(axes, curves.values(lines, bars=False), "validation error (%)")
    for line in lines:
        (drawn,) = axes.plot(
            line.points["x"],
            line.points["y"],
            "o-",
            color=line.color,
            linewidth=1.5,
            markersize=4 if len(line.points) < FEW_POINTS else 2,
            markevery=(step := 1 + len(line.points) // MOST_MARKS),
            gid=style.gid(line.name),
        )
        named = str(say("batch size {n}", n=line.label))
        tips.keep(drawn, named, line.points.iloc[::step])
    style.plain_axis(axes, "epoch")
    style.label_ends(axes, [curves.end(line) for line in lines])
    return figure


def _after_last(frame: pd.DataFrame) -> Message | None:
    last = frame.sort_values("epoch").groupby("batch_size").last()
    if len(last) < 2:
        return None
    smallest, largest = last.iloc[0], last.iloc[-1]
    return say(
        "After the last epoch batch size {small} stands at {low} % error, {large} at {high} %",
        small=whole(last.index[0]),
        low=significant(smallest["error"]),
        large=whole(last.index[-1]),
        high=significant(largest["error"]),
    )


def _left_out(summary: pd.DataFrame) -> list[Message]:
    note = say(
        "Median over trials, without intervals. Dark lines are small batches, light ones large."
    )
    left = summary.drop_duplicates("batch_size").sort_values("batch_size")
    fates = [(row["batch_size"], fate(row)) for _, row in left.iterrows()]
    words = [say("{size} ({share})", size=whole(size), share=end) for size, end in fates if end]
    if not words:
        return [note]
    return [note, say("Not drawn: batch size {sizes}.", sizes=joined(words))]


def train_size(tables: Tables) -> Drawn | None:
    """Time to target for every size of the training set, light for large."""
    return Comparison(
        group=lambda frame, value: curves.by_level(frame, "train_size", value, whole),
        quantity=TIME,
        columns={"train_size": "training images"} | TIME.columns,
        title=_best_sizes,
    ).draw(study_summary(tables, "train_size"))


def _best_sizes(lines: Sequence[Curve]) -> Message | None:
    reached = [line for line in lines if not line.drawn.empty]
    if len(reached) < 2:
        return None
    least, most = reached[0], reached[-1]
    return say(
        "By medians the fastest batch size is {least} on {few} images and {most} on {many}",
        least=whole(lowest(least.drawn, "y")["x"]),
        few=least.label,
        most=whole(lowest(most.drawn, "y")["x"]),
        many=most.label,
    )


def model(tables: Tables) -> Drawn | None:
    """Time to target for every model."""
    return Comparison(
        group=lambda frame, value: curves.by_group(frame, "model", value),
        quantity=TIME,
        columns={"model": "model"} | TIME.columns,
        title=fastest,
        right=122,
    ).draw(study_summary(tables, "model"))
