"""Measured time to target against the simple model: epochs grow with B, seconds fall with 1/B."""

import numpy as np
import pandas as pd

from batchmark.report import curves, palette, style
from batchmark.report.comparison import numbers
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import bracketed, times, whole
from batchmark.report.selection import at_home, headline_rows, headline_study, measured
from batchmark.report.tables import Tables

COLUMNS = {
    "batch_size": "batch size",
    "time_to_target": "measured (s)",
    "model": "model (s)",
}
POINTS = 41


def draw(tables: Tables) -> Drawn | None:
    """Marks: measured; line: model; shaded: the interval of the model's best batch size."""
    frame = headline_rows(tables)
    fits = at_home(tables, "cost_model")
    if frame.empty or not measured(fits, "b_crit"):
        return None
    answer = tables.document("answer")
    main = (fits["study"] == headline_study(tables)) & (fits["target"] == answer.get("target"))
    fits = fits[main & fits["b_crit"].notna()]
    family = answer.get("family")
    fits = fits[fits["family"].fillna("") == family] if family else fits
    if fits.empty or not measured(frame, "time_to_target"):
        return None
    fit = fits.iloc[0]
    frame = frame.assign(model=modelled(fit, frame["batch_size"].to_numpy(float)))
    figure = _figure(frame, fit)
    return Drawn(
        figure, _title(fit), _alt(fit), numbers(frame, COLUMNS), _notes(fit), {"sgd": "SGD"}
    )


def modelled(fit: pd.Series, sizes: np.ndarray) -> np.ndarray:
    """Seconds to target at each batch size: N (c + o / B) · E_min (1 + B / B_crit)."""
    seconds = fit["examples"] * (fit["c"] + fit["o"] / sizes)
    return seconds * fit["e_min"] * (1 + sizes / fit["b_crit"])


def _figure(frame: pd.DataFrame, fit: pd.Series) -> style.Figure:
    figure, (axes,) = style.panels(right=70)
    style.batch_axis(axes, frame["batch_size"])
    sizes = np.geomspace(frame["batch_size"].min(), frame["batch_size"].max(), POINTS)
    line = modelled(fit, sizes)
    points = curves.points(frame, "time_to_target")
    measures = Curve("sgd", palette.BLUE, "o", points, "measured")
    style.log_axis(axes, [*curves.values([measures]), *line], "time to target (s)")
    low, high = fit["best_batch_size_low"], fit["best_batch_size_high"]
    if _bounded(fit):
        axes.axvspan(low, high, color=palette.INK, alpha=0.08, linewidth=0)
    axes.plot(sizes, line, color=palette.INK, alpha=0.75, linewidth=1.4)
    drawn = measures.drawn
    axes.vlines(
        drawn["x"],
        drawn["low"],
        drawn["high"].fillna(axes.get_ylim()[1]),
        color=palette.BLUE,
        linewidth=1.4,
    )
    axes.plot(drawn["x"], drawn["y"], "o", color=palette.BLUE, gid=style.gid("sgd"))
    ends = [style.EndLabel(sizes[-1], line[-1], "model", palette.INK)]
    if measures.missed:
        style.rail(axes)
        curves.draw_misses(axes, [measures])
    style.label_ends(axes, [*ends, curves.end(measures)], under_rail=bool(measures.missed))
    return figure


def _bounded(fit: pd.Series) -> bool:
    return bool(np.isfinite([fit["best_batch_size_low"], fit["best_batch_size_high"]]).all())


def _title(fit: pd.Series) -> Message:
    cost = times(fit.get("cost_at_32", np.nan))
    return say(
        "The model puts the best batch size at {best}{interval}"
        if cost in (times(1), times(np.nan))
        else "The model puts the best batch size at {best}{interval}; 32 would cost {times}",
        best=whole(fit["best_batch_size"]),
        times=cost,
        interval=bracketed(fit["best_batch_size_low"], fit["best_batch_size_high"]),
    )


def _alt(fit: pd.Series) -> Message:
    return say(
        "Measured and modelled time to target over batch size; the model is lowest at {best}.",
        best=whole(fit["best_batch_size"]),
    )


def _notes(fit: pd.Series) -> list[Message]:
    formula = say(
        "E(B) = E_min (1 + B/B_crit), t(B) = N (c + o/B), B* = √(B_crit · o/c). Fitted: B_crit = "
        "{critical}{interval}.",
        critical=whole(fit["b_crit"]),
        interval=bracketed(fit["b_crit_low"], fit["b_crit_high"]),
    )
    if _bounded(fit):
        return [formula, say("Shaded: 95 % interval of B*.")]
    return [formula, say("The data do not bound B* on both sides: it has no 95 % interval.")]
