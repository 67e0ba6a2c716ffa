"""What regularization and normalization do."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from batchmark.contract.hyperparameters import AXES
from batchmark.report import selection
from batchmark.report.drawing import curves, style
from batchmark.report.drawing.curves import (
    EPOCHS,
    Comparison,
    Curve,
    any_drawn,
    fewest,
    first_evaluation,
    numbers,
    target_notes,
    trials_note,
    under,
)
from batchmark.report.drawing.svg import Drawn
from batchmark.report.language.messages import Message, listed, say, significant, whole
from batchmark.report.selection import Tables, lowest, measured, study_summary

PENALTIES = {axis: str(said) for axis, said in selection.SETTINGS.items() if AXES[axis].penalty}


def generalization_gap(tables: Tables) -> Drawn | None:
    """The gap over the strength of each penalty: few images above, all of them below."""
    parts = [_gaps(tables, which) for which in ("smallest", "largest")]
    parts = [part for part in parts if not part.empty]
    if not parts:
        return None
    sizes = [int(part["train_size"].iloc[0]) for part in parts]
    # One size of training set is its own smallest and largest.
    if len(set(sizes)) == 1:
        parts, sizes = parts[:1], sizes[:1]
    frame = pd.concat(parts)
    columns = {
        "train_size": "training images",
        "penalty": "penalty",
        "strength": "strength",
        "trials": "trials",
        "gap": "generalization gap (points)",
        "test_error": "test error (%)",
    }
    alt = say(
        "Line charts of the generalization gap over the strength of weight decay, L1, L2 and "
        "dropout, for {sizes} training images.",
        sizes=", ".join(map(whole, sizes)),
    )
    notes = [
        trials_note(frame, bars=False),
        say("Gap: final training minus final test accuracy, in percentage points."),
    ]
    return Drawn(
        figure=_gap_panels(parts),
        title=_narrowest(parts[0]),
        alt=alt,
        numbers=numbers(frame, columns),
        notes=notes,
        series={one: "no penalty" if one == "none" else one for one in sorted({*frame["penalty"]})},
    )


def _gaps(tables: Tables, train_size: str) -> pd.DataFrame:
    frame = _regularized(tables, "final_train_error", train_size)
    if frame.empty:
        return frame
    gap = 100 * frame["generalization_gap"]
    return frame.assign(gap=gap, test_error=100 * frame["final_test_error"])


def _gap_panels(parts: Sequence[pd.DataFrame]) -> style.Figure:
    figure, panels = style.panels(
        [160 if len(parts) > 1 else style.HEIGHT] * len(parts), right=100, gap=44
    )
    for axes, part in zip(panels, parts, strict=True):
        _draw_panel(axes, part, "gap", "generalization gap (points)", named=axes is panels[-1])
        style.corner(axes, f"{whole(part['train_size'].iloc[0])} images")
    return figure


def _narrowest(part: pd.DataFrame) -> Message | None:
    """The narrowest gap, and what became of the test error, which a gap alone would hide."""
    none = part[part["penalty"] == "none"].dropna(subset=["gap"])
    others = part[part["penalty"] != "none"].dropna(subset=["gap"])
    if none.empty or others.empty:
        return None
    plain, best = none.iloc[0], lowest(others, "gap")
    return say(
        "By medians {penalty} {strength} narrows the gap most, from {plain} to {gap} points on "
        "{images} images; its test error is {error} %, without it {before} %",
        penalty=Message(str(best["penalty"])),
        strength=significant(best["strength"]),
        plain=significant(plain["gap"]),
        gap=significant(best["gap"]),
        images=whole(best["train_size"]),
        error=significant(best["test_error"]),
        before=significant(plain["test_error"]),
    )


def sparsity(tables: Tables) -> Drawn | None:
    """The share of tiny weights over strength, on the smallest training set: it has them all."""
    frame = _regularized(tables, "small_weight_share", "smallest")
    if frame.empty:
        return None
    frame = frame.assign(share=100 * frame["small_weight_share"])
    label = "weights below 0.001 (%)"
    columns = {"penalty": "penalty", "strength": "strength", "trials": "trials", "share": label}
    figure, (axes,) = style.panels(right=104)
    lines = _draw_panel(axes, frame, "share", label)
    notes = [
        trials_note(frame, bars=False),
        say("A weight counts as zero when its size is below 0.001."),
    ]
    return Drawn(
        figure=figure,
        title=_zeroed(frame),
        alt=say(
            "Line chart of the share of weights below 0.001 over the strength of each penalty."
        ),
        numbers=numbers(frame, columns),
        notes=notes,
        series=curves.series(lines),
    )


def _zeroed(frame: pd.DataFrame) -> Message | None:
    most = frame.groupby("penalty")["share"].max()
    if not {"L1", "L2"} <= set(most.index):
        return None
    return say(
        "L1 brings up to {l1} % of the weights to zero, L2 up to {l2} %",
        l1=significant(most["L1"], 2),
        l2=significant(most["L2"], 2),
    )


def _regularized(tables: Tables, value: str, train_size: str) -> pd.DataFrame:
    """Rows with `penalty`, `strength` and `value` on the "smallest" or "largest" training set.

    Unregularized variants have the penalty "none" and strength 0; none has two penalties.
    """
    frame = study_summary(tables, "regularization")
    if not measured(frame, value):
        return pd.DataFrame()
    sizes = frame["train_size"]
    frame = frame[sizes == (sizes.min() if train_size == "smallest" else sizes.max())]
    strengths = frame[list(PENALTIES)].fillna(0.0)
    active = strengths.gt(0)
    penalty = np.where(active.any(axis=1), strengths.idxmax(axis=1).map(PENALTIES), "none")
    frame = frame.assign(penalty=penalty, strength=strengths.max(axis=1))
    # Of two penalties at once neither is the cause.
    return frame[active.sum(axis=1) <= 1]


def _draw_panel(
    axes: style.Axes, frame: pd.DataFrame, value: str, label: str, *, named: bool = True
) -> list[Curve]:
    """Curves of a value over strength, the unregularized network as a reference line.

    `named`: whether this panel names the horizontal axis.
    """
    penalized = frame[frame["penalty"] != "none"]
    lines = curves.by_group(penalized, "penalty", value, x="strength")
    plain = frame.loc[frame["penalty"] == "none", value].dropna()
    strengths = sorted({x for line in lines for x in line.points["x"]})
    style.decades_axis(axes, strengths, "strength" if named else "")
    heights = [*curves.values(lines), *plain]
    # From 0, for a gap and a share mean something in themselves; below it if gaps are.
    axes.set_ylim(min(0, *heights), 1.12 * max(heights))
    style.value_axis(axes, label)
    curves.draw(axes, lines, named=False, missing="")
    ends = [curves.end(line) for line in lines if not line.drawn.empty]
    if not plain.empty:
        level = float(plain.median())
        axes.axhline(level, color=style.INK, alpha=0.5, linewidth=0.9, dashes=(4, 3))
        ends.append(style.EndLabel(axes.get_xlim()[1], level, "no penalty", style.INK))
    style.label_ends(axes, ends)
    return lines


def normalization(tables: Tables) -> Drawn | None:
    """Epochs to target for every normalization, at the study's usual rate and initial scale."""
    frame = study_summary(tables, "normalization")
    return Comparison(
        group=lambda frame, value: curves.by_group(frame, "normalization", value),
        quantity=EPOCHS,
        columns={"normalization": "normalization"} | EPOCHS.columns,
        title=fewest,
        right=118,
    ).draw(_usual(frame, ["learning_rate", "initializer_scale"]))


def normalization_rates(tables: Tables) -> Drawn | None:
    """The same over the learning rate, at the study's usual batch size and initial scale."""
    return _along(tables, "learning_rate", "learning rate", ["batch_size", "initializer_scale"])


def normalization_scales(tables: Tables) -> Drawn | None:
    """The same over the weights' initial scale, at the study's usual batch size and rate."""
    return _along(tables, "initializer_scale", "initial scale", ["batch_size", "learning_rate"])


def _along(tables: Tables, axis: str, label: str, others: Sequence[str]) -> Drawn | None:
    """Epochs to target over a numeric axis of the study, one curve a normalization."""
    frame = study_summary(tables, "normalization")
    if frame.empty or axis not in frame:
        return None
    frame = _usual(frame, others)
    frame = frame.assign(**{axis: pd.to_numeric(frame[axis], errors="coerce")})
    frame = frame.dropna(subset=[axis])
    lines = curves.by_group(frame, "normalization", EPOCHS.column, x=axis)
    lines = [line for line in lines if line.points["x"].nunique() > 1]
    if not any_drawn(lines):
        return None
    figure, (panel,) = style.panels(right=118)
    style.log_values_axis(panel, [x for line in lines for x in line.points["x"]], label)
    style.log_axis(panel, curves.values(lines), EPOCHS.label)
    curves.draw(panel, lines)
    alt = say(
        "Line chart of epochs to target over {axis}, one line each for {names}.",
        axis=Message(label),
        names=listed([line.label for line in lines]),
    )
    title = _steadiest(lines, label, first_evaluation(frame))
    return Drawn(
        figure=figure,
        title=title if axis == "learning_rate" else under(title, frame),
        alt=alt,
        numbers=numbers(frame, {"normalization": "normalization", axis: label} | EPOCHS.columns),
        notes=target_notes(frame),
        series=curves.series(lines),
    )


def _usual(frame: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """The rows at the most frequent value of each of the axes."""
    for axis in axes:
        if axis in frame and frame[axis].nunique() > 1:
            # As text: an axis may mix numbers and words, `tuned` among rates.
            values = frame[axis].astype(str)
            frame = frame[values == values.mode()[0]]
    return frame


def _steadiest(lines: Sequence[Curve], label: str, first: float) -> Message | None:
    """The range over the axis, of the plain network and of the steadiest normalization."""
    plain = next((line for line in lines if line.name == "none"), None)
    others = [line for line in lines if line.name not in selection.OUTSIDE_LAYERS]
    if plain is None or not others:
        return None
    steady = min(others, key=_range)
    # If even the steadiest misses a target there is no factor to write.
    if steady.missed:
        return None
    instant = steady.drawn["y"].max() <= first
    factor = significant(_range(steady), 2)
    return say(
        "At every {axis} tried {name} is there by the first test; the plain network {plain}"
        if instant
        else "By medians {name} needs as many epochs at every {axis} tried; the plain network "
        "{plain}"
        if factor == "1"
        else "Over the {axis}s tried {name}'s epochs vary by a factor {steady}; the plain network "
        "{plain}",
        axis=Message(label),
        name=Message(selection.name(steady.name)),
        steady=factor,
        plain=_plain(plain, label, first),
    )


def _plain(line: Curve, label: str, first: float) -> Message:
    if line.missed:
        return say(
            "misses the target at {axis} {values}",
            axis=Message(label),
            values=listed([significant(x) for x in line.missed]),
        )
    if line.drawn["y"].max() <= first:
        return say("is, too")
    return say("varies by {x}", x=significant(_range(line), 2))


def _range(line: Curve) -> float:
    """The largest over the smallest value; infinite where one is missing."""
    return float("inf") if line.missed else float(line.drawn["y"].max() / line.drawn["y"].min())
