"""Examples per second over batch size, and the share of the machine's peak they use."""

import pandas as pd

from batchmark.report import curves, palette, style
from batchmark.report.comparison import described, numbers
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import percent, significant, times, whole
from batchmark.report.selection import headline_rows, highest, measured
from batchmark.report.tables import Tables

COLUMNS = {
    "batch_size": "batch size",
    "examples_per_second": "examples per second",
    "gigaflops": "GFLOP/s",
    "share_of_peak": "share of peak (%)",
    "seconds_per_epoch": "seconds per epoch",
}


def draw(tables: Tables) -> Drawn | None:
    """Throughput above, share of peak below where the peak was measured."""
    frame = headline_rows(tables)
    if not measured(frame, "examples_per_second"):
        return None
    if "flops_per_second" in frame:
        frame = frame.assign(gigaflops=frame["flops_per_second"] / 1e9)
    shared = measured(frame, "share_of_peak")
    if shared:
        frame = frame.assign(share_of_peak=100 * frame["share_of_peak"])
    figure, panels = style.panels((200, 110) if shared else (260,), right=20, left=54)
    line = Curve("sgd", palette.BLUE, "o", curves.points(frame, "examples_per_second"))
    for axes in panels:
        style.batch_axis(axes, frame["batch_size"], "batch size" if axes is panels[-1] else "")
    style.log_axis(panels[0], curves.values([line]), "examples per second")
    curves.draw(panels[0], [line], named=False, missing="")
    if shared:
        share = Curve("sgd", palette.BLUE, "o", curves.points(frame, "share_of_peak"))
        panels[1].set_ylim(0, 1.15 * max(curves.values([share])))
        style.value_axis(panels[1], "share of peak (%)", low=0)
        curves.draw(panels[1], [share], named=False, missing="")
    return Drawn(
        figure,
        _title(line),
        described([line], "examples per second"),
        numbers(frame, COLUMNS),
        _notes(frame),
        {"sgd": "SGD"},
    )


def _notes(frame: pd.DataFrame) -> list[Message]:
    """What arithmetic the fastest size does, and of which peak, where both are known."""
    note = say("Peak: the rate of large float32 matrix products on the same machine, same day.")
    if not (measured(frame, "gigaflops") and measured(frame, "share_of_peak")):
        return [note]
    best = highest(frame, "gigaflops")
    rates = say(
        "At best {rate} GFLOP/s, {share} of the {peak} GFLOP/s of the peak.",
        rate=significant(best["gigaflops"], 2),
        share=percent(best["share_of_peak"] / 100, 2),
        peak=significant(100 * best["gigaflops"] / best["share_of_peak"], 2),
    )
    return [rates, note]


def _title(line: Curve) -> Message | None:
    if len(line.drawn) < 2:
        return None
    first, best = line.drawn.iloc[0], highest(line.drawn, "y")
    return say(
        "Batch size {best} trains {times} as many examples a second as {first}",
        best=whole(best["x"]),
        first=whole(first["x"]),
        times=times(best["y"] / first["y"]),
    )
