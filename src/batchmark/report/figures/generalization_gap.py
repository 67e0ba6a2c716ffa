"""The gap between training and test accuracy over the strength of each penalty."""

from collections.abc import Sequence

import pandas as pd

from batchmark.report import style
from batchmark.report.comparison import numbers, trials_note
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import significant, whole
from batchmark.report.regularizations import draw_panel, penalty_curves, regularized
from batchmark.report.selection import lowest
from batchmark.report.tables import Tables

COLUMNS = {
    "train_size": "training images",
    "penalty": "penalty",
    "strength": "strength",
    "trials": "trials",
    "gap": "generalization gap (points)",
    "test_error": "test error (%)",
}


def draw(tables: Tables) -> Drawn | None:
    """Few images above, where overfitting shows; all of them below."""
    parts = [_gaps(tables, which) for which in ("smallest", "largest")]
    parts = [part for part in parts if not part.empty]
    if not parts:
        return None
    sizes = [int(part["train_size"].iloc[0]) for part in parts]
    if len(set(sizes)) == 1:
        parts, sizes = parts[:1], sizes[:1]
    frame = pd.concat(parts)
    return Drawn(
        _figure(parts),
        _title(parts[0]),
        _alt(sizes),
        numbers(frame, COLUMNS),
        [
            trials_note(frame, bands=False),
            say("Gap: final training minus final test accuracy, in percentage points."),
        ],
        {one: one for one in sorted(set(frame["penalty"]))},
    )


def _figure(parts: Sequence[pd.DataFrame]) -> style.Figure:
    figure, panels = style.panels([200 if len(parts) > 1 else 270] * len(parts), right=100, gap=44)
    for axes, part in zip(panels, parts, strict=True):
        plain = part.loc[part["penalty"] == "none", "gap"]
        label = "strength" if axes is panels[-1] else ""
        lines = penalty_curves(part, "gap")
        draw_panel(axes, lines, plain, "generalization gap (points)", x_label=label)
        style.corner(axes, f"{whole(part['train_size'].iloc[0])} images")
    return figure


def _gaps(tables: Tables, which: str) -> pd.DataFrame:
    frame = regularized(tables, "final_train_error", which)
    if frame.empty:
        return frame
    gap = 100 * (frame["final_test_error"] - frame["final_train_error"])
    return frame.assign(gap=gap, test_error=100 * frame["final_test_error"])


def _title(part: pd.DataFrame) -> Message | None:
    plain = part.loc[part["penalty"] == "none", "gap"].median()
    others = part[part["penalty"] != "none"].dropna(subset=["gap"])
    if pd.isna(plain) or others.empty:
        return None
    best = lowest(others, "gap")
    return say(
        "{penalty} {strength} narrows the gap most: from {plain} to {gap} points on {images} "
        "images",
        penalty=Message(str(best["penalty"])),
        strength=significant(best["strength"]),
        plain=significant(plain),
        gap=significant(best["gap"]),
        images=whole(best["train_size"]),
    )


def _alt(sizes: list[int]) -> Message:
    return say(
        "Line charts of the generalization gap over the strength of weight decay, L1, L2 and "
        "dropout, for {sizes} training images.",
        sizes=", ".join(whole(one) for one in sizes),
    )
