"""Machines and devices as curves: a hue for each machine, dashes for a GPU."""

import pandas as pd

from batchmark.report import curves, palette
from batchmark.report.curves import Curve


def device_curves(frame: pd.DataFrame, value: str) -> list[Curve]:
    """One curve for each machine and device, over batch size."""
    machines = list(dict.fromkeys(frame["machine"]))
    several = len(machines) > 1
    made: list[Curve] = []
    for (machine, device), rows in frame.groupby(["machine", "device"], sort=False):
        k = machines.index(machine)
        label = f"{machine}, {str(device).upper()}" if several else str(device).upper()
        made.append(
            Curve(
                f"{machine}-{device}",
                palette.HUES[k % 8],
                palette.MARKERS[k % 8],
                curves.points(rows, value),
                label,
                str(device) == "gpu",
            )
        )
    return made
