"""The study of the batch size: time to target and its factors, targets, and the simple model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from batchmark.report.drawing import curves, style, tips
from batchmark.report.drawing.curves import TIME, Comparison, Curve, numbers, target_notes
from batchmark.report.drawing.svg import Drawn
from batchmark.report.language.messages import (
    Message,
    bracketed,
    listed,
    percent,
    say,
    significant,
    times,
    whole,
)
from batchmark.report.language.messages import seconds as written_seconds
from batchmark.report.selection import (
    NEVER_TRAINED,
    Tables,
    at_home,
    cost_fit,
    headline_rows,
    headline_study,
    highest,
    is_sample,
    lowest,
    measured,
    policy_name,
    policy_rows,
    published_rows,
)

# Enough for a smooth line on a log axis.
MODEL_POINTS = 41


def time_to_target(tables: Tables) -> Drawn | None:
    """Time to target and its two factors, stacked on one axis: the picture of the whole report."""
    frame = headline_rows(tables)
    if not measured(frame, "time_to_target"):
        return None
    policies = policy_rows(tables)
    lines = _by_policy(policies, "time_to_target")
    # Two curves need room for their names.
    figure, (time, epochs, seconds) = style.panels(
        (160, 72, 72), right=16 if len(lines) == 1 else style.RIGHT
    )
    every = pd.concat(policies.values())
    tied = tables.document("answer").get("tied_batch_sizes") or []
    for axes in (time, epochs, seconds):
        label = "batch size" if axes is seconds else ""
        style.batch_axis(axes, every["batch_size"], label, first=tied)
    published = _published_times(tables, published_rows(tables))
    # All curves decide the range, so that none leaves the axes.
    style.log_axis(time, [*curves.values(lines), *published["y"].dropna()], "time to target (s)")
    _shade_best(time, tables)
    grey = _draw_published(time, published)
    curves.draw(time, lines, named=len(lines) > 1)
    style.label_anywhere(time, grey)
    _draw_factor(epochs, _by_policy(policies, "epochs_to_target"), "epochs to target")
    # The rate changes nothing about them.
    timed = every.drop_duplicates("batch_size").sort_values("batch_size")
    _draw_factor(
        seconds, [curves.of_optimizer(timed, "seconds_per_epoch")], "seconds per epoch", missing=""
    )
    columns = {
        "batch_size": "batch size",
        "reached": "trials that reached it",
        "trials": "trials",
        "epochs_to_target": "epochs to target",
        "epochs_to_target_low": "epochs, low",
        "epochs_to_target_high": "epochs, high",
        "seconds_per_epoch": "seconds per epoch",
        "time_to_target": "time to target (s)",
        "time_to_target_low": "time, low",
        "time_to_target_high": "time, high",
    }
    note = say("Grey: the published relative times to 99 %, scaled to the same smallest value.")
    return Drawn(
        figure=figure,
        title=_first_to_target(frame, tables.document("answer")),
        alt=_time_in_words(frame),
        numbers=numbers(
            pd.concat([rows.assign(policy=name) for name, rows in policies.items()]),
            ({"policy": "rates"} if len(lines) > 1 else {}) | columns,
        ),
        notes=[*target_notes(every), *([] if published.empty else [note])],
        series=curves.series(lines),
    )


def _by_policy(policies: Mapping[str, pd.DataFrame], value: str) -> list[Curve]:
    """The answer's curve in its optimizer's colour, then the others', dashed."""
    (name, frame), *others = policies.items()
    made = [curves.of_optimizer(frame, value, name)]
    for k, (policy, rows) in enumerate(others, start=1):
        points = curves.points(rows, value)
        look = style.hue("", k), style.marker("", k)
        made.append(Curve(f"policy-{k}", *look, points, policy, dashed=True))
    return made


def _draw_factor(
    axes: Axes, lines: Sequence[Curve], label: str, missing: str = "not reached"
) -> None:
    style.log_axis(axes, curves.values(lines), label)
    curves.draw(axes, lines, named=False, missing=missing)


def _published_times(tables: Tables, frame: pd.DataFrame) -> pd.DataFrame:
    """The published relative times, scaled so that both curves have the same smallest value.

    `frame`: the rows that redo them.
    """
    table = tables.frame("published")
    # The published study is of MNIST: its curve says nothing about 5,000 digits.
    if table.empty or frame.empty or is_sample(tables):
        return pd.DataFrame({"x": [], "y": []}, dtype=float)
    # Theirs are relative, ours are seconds: only the shape can be compared.
    scale = frame["time_to_target"].min() / table["time_to_099_pu"].min()
    points = pd.DataFrame({"x": table["batch_size"], "y": table["time_to_099_pu"] * scale})
    # At our sizes alone: a curve beyond them would widen the axis for nothing of ours.
    return points[points["x"].isin(frame["batch_size"])]


def _draw_published(axes: Axes, published: pd.DataFrame) -> list[style.EndLabel]:
    """The curve; its name at each of its points."""
    points = published.dropna().sort_values("x")
    axes.plot(
        *(points["x"], points["y"], "o-"), color=style.INK, alpha=0.45, linewidth=1, markersize=2.5,
        zorder=1,
    )  # fmt: skip
    return [style.EndLabel(x, y, "published", style.INK, alpha=0.7) for x, y in points.to_numpy()]


def _shade_best(axes: Axes, tables: Tables) -> None:
    """The batch sizes that may be the fastest."""
    answer = tables.document("answer")
    low, high = answer.get("best_batch_size_low"), answer.get("best_batch_size_high")
    if low and high:
        # So that a single best size is shaded, too; its neighbours are a factor of 2 away.
        edge = 1.12
        axes.axvspan(low / edge, high * edge, color=style.GREEN, alpha=0.13, linewidth=0)


def _first_to_target(frame: pd.DataFrame, answer: Mapping[str, Any]) -> Message | None:
    """The winner where there is one, else the sizes that tie; and the slowest that is neither."""
    reached = frame[np.isfinite(frame["time_to_target"])]
    if len(reached) < 2:
        return None
    best = lowest(reached, "time_to_target")
    worst = highest(reached, "time_to_target")
    size = float(best["batch_size"])
    low, high = (answer.get(f"best_batch_size_{end}") or size for end in ("low", "high"))
    # If even the slowest ties with the best there is no order to speak of.
    if low <= worst["batch_size"] <= high:
        return say(
            "Any batch size from {low} to {high} may be the fastest",
            low=whole(low),
            high=whole(high),
        )
    # Seconds, as drawn: ratios are estimated from all trials together, and told with intervals.
    return say(
        "Batch size {best} reaches the target first; {worst} takes {most}"
        if low == high
        else "A batch size from {low} to {high} reaches the target first; {worst} takes {most}",
        best=whole(size),
        low=whole(low),
        high=whole(high),
        worst=whole(worst["batch_size"]),
        most=written_seconds(worst["time_to_target"], 2),
    )


def _time_in_words(frame: pd.DataFrame) -> Message:
    reached = frame[np.isfinite(frame["time_to_target"])]
    if reached.empty:
        return say("Line chart: no batch size reached the target.")
    best = lowest(reached, "time_to_target")
    return say(
        "Line chart of time to target over batch size {smallest} to {largest}, lowest at {best} "
        "with {seconds} s; below it epochs to target and seconds per epoch.",
        smallest=whole(frame["batch_size"].min()),
        largest=whole(frame["batch_size"].max()),
        best=whole(best["batch_size"]),
        seconds=significant(best["time_to_target"]),
    )


def sensitivity(tables: Tables) -> Drawn | None:
    """Time to target for every target, easy to hard: does the answer hinge on the target?"""
    frame = at_home(tables, "sensitivity")
    if frame.empty:
        return None
    frame = frame[frame["study"] == headline_study(tables)]
    rows = headline_rows(tables)
    trained = rows.loc[~rows["status"].isin(NEVER_TRAINED), "variant"]
    frame = frame[frame["variant"].isin(trained)]
    columns = {
        "target": "target",
        "batch_size": "batch size",
        "reached": "trials that reached it",
        "trials": "trials",
        "epochs_to_target": "epochs to target",
    }
    return Comparison(
        group=_targets,
        quantity=TIME,
        columns=columns | TIME.columns,
        title=lambda _: _does_it_hold(tables),
        notes=lambda _: [
            say(
                "Each line is one target, a validation accuracy; medians, without intervals, which "
                "would hide the lines."
            )
        ],
        right=64,
    ).draw(frame)


def _targets(frame: pd.DataFrame, value: str) -> list[Curve]:
    """One curve a target. Their intervals overlap so much that they would hide the lines."""
    bare = frame.drop(columns=[f"{value}_low", f"{value}_high"], errors="ignore")
    return curves.by_level(bare, "target", value, percent)


def _does_it_hold(tables: Tables) -> Message | None:
    """Whether the answer's size is told apart from the fastest at any other target."""
    answer, frame = tables.document("answer"), at_home(tables, "best_batches")
    if frame.empty or not measured(frame, "holds"):
        return None
    family = frame["family"].fillna("") == (answer.get("family") or "")
    rows = frame[(frame["study"] == headline_study(tables)) & family].sort_values("target")
    others = rows[(rows["target"] != answer.get("target")) & rows["holds"].notna()]
    if others.empty:
        return None
    lost = others.loc[~others["holds"].astype(bool), "target"].tolist()
    return say(
        "Batch size {size}, the fastest at {target}, is not told apart from the fastest at {easy} "
        "to {hard}"
        if not lost
        else "Batch size {size}, the fastest at {target}, is beaten at {lost}",
        size=whole(answer["best_batch_size"]),
        target=percent(answer["target"]),
        easy=percent(others["target"].min()),
        hard=percent(others["target"].max()),
        lost=listed([percent(target) for target in lost]) if lost else "",
    )


def best_over_target(tables: Tables) -> Drawn | None:
    """The fastest batch size and those tied with it over all targets, a line a policy."""
    frame = at_home(tables, "best_batches")
    if frame.empty:
        return None
    names = [policy_name(rule, rate) for rule, rate in zip(*_rates(frame), strict=True)]
    answer = tables.document("answer")
    every = [one["family"] for one in answer.get("policies", [])]
    # The answer's first, in the colour that it has in the main figure.
    families = sorted(every, key=lambda family: family != answer["policy"]["family"])
    frame = frame.assign(policy=names, hardness=1 / (1 - frame["target"]))
    frame = frame[frame["study"] == headline_study(tables)].fillna({"family": ""})
    frame = frame[frame["family"].isin(families)].sort_values("target")
    if frame["target"].nunique() < 2:
        return None
    lines = _by_family(frame, families)
    figure, (axes,) = style.panels(right=style.RIGHT if len(lines) > 1 else 16)
    style.log_values_axis(
        axes, frame["hardness"], "target", lambda hardness: percent(1 - 1 / hardness)
    )
    style.log_axis(axes, curves.values(lines), "fastest batch size")
    curves.draw(axes, lines, named=len(lines) > 1)
    columns = {
        "policy": "rates",
        "target": "target",
        "best_batch_size": "fastest batch size",
        "best_batch_size_low": "smallest tied",
        "best_batch_size_high": "largest tied",
        "seconds": "time to target (s)",
    }
    note = say(
        "Bars reach from the smallest to the largest size that may be the fastest. A target that "
        "no size reached has no point."
    )
    return Drawn(
        figure=figure,
        title=_moving(lines[0]),
        alt=say("Line chart of the fastest batch size over the target, a line for each policy."),
        numbers=numbers(frame, columns),
        notes=[note],
        series=curves.series(lines),
    )


def _rates(frame: pd.DataFrame) -> tuple[list[str], list[float]]:
    return frame["rule"].tolist(), frame["learning_rate"].tolist()


def _by_family(frame: pd.DataFrame, families: Sequence[str]) -> list[Curve]:
    """One curve for each family, named by its policy."""
    made = []
    for k, family in enumerate(families):
        rows = frame[frame["family"] == family]
        if not rows.empty:
            points = curves.points(rows, "best_batch_size", x="hardness")
            key = f"policy-{k}"
            label = str(rows["policy"].iloc[0])
            made.append(Curve(key, style.hue("", k), style.marker("", k), points, label))
    return made


def _moving(line: Curve) -> Message | None:
    """Of the policy that is listed first."""
    if len(line.drawn) < 2:
        return None
    easy, hard = line.drawn.iloc[0], line.drawn.iloc[-1]
    return say(
        "By estimates alone the fastest batch size is {least} at every target from {easy} to {hard}"
        if line.drawn["y"].nunique() == 1
        else "By estimates alone the fastest batch size lies between {least} and {most} over the "
        "targets {easy} to {hard}",
        easy=percent(1 - 1 / easy["x"]),
        hard=percent(1 - 1 / hard["x"]),
        least=whole(line.drawn["y"].min()),
        most=whole(line.drawn["y"].max()),
    )


def cost_model(tables: Tables) -> Drawn | None:
    """Measured time to target (marks) against the simple model (line): epochs grow with B.

    Shaded: the interval of the model's best batch size.
    """
    frame = headline_rows(tables)
    fit = cost_fit(tables)
    if fit is None or not measured(frame, "time_to_target"):
        return None
    frame = frame.assign(model=modelled(fit, frame["batch_size"].to_numpy(float)))
    measures = curves.of_optimizer(frame, "time_to_target", "measured")
    columns = {
        "batch_size": "batch size",
        "time_to_target": "measured (s)",
        "time_to_target_low": "measured, low",
        "time_to_target_high": "measured, high",
        "model": "model (s)",
    }
    alt = say(
        "Measured and modelled time to target over batch size; the model is lowest at {best}.",
        best=whole(fit["best_batch_size"]),
    )
    return Drawn(
        figure=measured_and_modelled(
            frame,
            Model(
                lambda sizes: modelled(fit, sizes),
                fit["best_batch_size_low"],
                fit["best_batch_size_high"],
                say("model"),
            ),
            measures,
            "time to target (s)",
        ),
        title=_modelled_best(fit),
        alt=alt,
        numbers=numbers(frame, columns),
        notes=_formula(fit),
        series=curves.series([curves.of_optimizer(frame, "time_to_target")]),
    )


def modelled(fit: pd.Series, sizes: np.ndarray) -> np.ndarray:
    """Seconds to target at each batch size: N (c + o / B) · E_min (1 + B / B_crit)."""
    seconds = fit["examples"] * (fit["c"] + fit["o"] / sizes)
    return seconds * fit["e_min"] * (1 + sizes / fit["b_crit"])


class Model(NamedTuple):
    """What a model says of any batch size, the interval of its best one, and its name."""

    line: Callable[[np.ndarray], np.ndarray]
    low: float
    high: float
    name: Message


def measured_and_modelled(
    frame: pd.DataFrame, model: Model, measures: Curve, label: str
) -> style.Figure:
    """Marks with intervals, the model's line over the sizes tried, its interval shaded."""
    figure, (axes,) = style.panels(right=70)
    style.batch_axis(axes, frame["batch_size"])
    sizes = np.geomspace(frame["batch_size"].min(), frame["batch_size"].max(), MODEL_POINTS)
    line = model.line(sizes)
    style.log_axis(axes, [*curves.values([measures]), *line], label)
    if np.isfinite([model.low, model.high]).all():
        axes.axvspan(model.low, model.high, color=style.INK, alpha=0.08, linewidth=0)
    axes.plot(sizes, line, color=style.INK, alpha=0.75, linewidth=1.4)
    drawn = measures.drawn
    axes.vlines(
        drawn["x"],
        drawn["low"],
        # An interval without an upper end goes to the top of the axes.
        drawn["high"].fillna(axes.get_ylim()[1]),
        color=measures.color,
        linewidth=1.4,
    )
    (marks,) = axes.plot(
        drawn["x"], drawn["y"], "o", color=measures.color, gid=style.gid(measures.name)
    )
    tips.keep(marks, measures.label, drawn)
    ends = [style.EndLabel(sizes[-1], line[-1], str(model.name), style.INK)]
    if measures.missed:
        style.rail(axes)
        curves.draw_misses(axes, [measures])
    style.label_ends(axes, [*ends, curves.end(measures)], under_rail=bool(measures.missed))
    return figure


def _bounded(fit: pd.Series) -> bool:
    return bool(np.isfinite([fit["best_batch_size_low"], fit["best_batch_size_high"]]).all())


def _modelled_best(fit: pd.Series) -> Message:
    cost = times(fit.get("cost_at_32", np.nan))
    return say(
        "The model puts the best batch size at {best}{interval}"
        # As written: a cost that rounds to 1.0 would be no news.
        if cost in (times(1), times(np.nan))
        else "The model puts the best batch size at {best}{interval}; 32 would cost {times}",
        best=whole(fit["best_batch_size"]),
        times=cost,
        interval=bracketed(fit["best_batch_size_low"], fit["best_batch_size_high"]),
    )


def _formula(fit: pd.Series) -> list[Message]:
    formula = say(
        "E(B) = E_min (1 + B/B_crit), t(B) = N (c + o/B), B* = √(B_crit·o/c). Fitted: B_crit = "
        "{critical}{interval}.",
        critical=whole(fit["b_crit"]),
        interval=bracketed(fit["b_crit_low"], fit["b_crit_high"]),
    )
    if _bounded(fit):
        return [formula, say("Shaded: 95 % interval of B*.")]
    return [formula, say("The data do not bound B* on both sides: it has no 95 % interval.")]
