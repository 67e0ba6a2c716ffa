"""Step times over the anchor's at that moment: free of the machine's slow drift.

The statistics read the same ratios from the tables; here they only decide about cautions.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from batchmark.results.timing import Visit


def ratios_to_anchor(visits: Iterable[Visit], anchor: str) -> dict[str, np.ndarray]:
    """By subject, its time a step over the anchor's, one number a visit.

    The anchor's is interpolated linearly between its visits of the same round, an anchor visit's
    own apart. A round with too few of them for that is left out.
    """
    rounds: dict[int, list[Visit]] = defaultdict(list)
    for visit in visits:
        rounds[visit.round].append(visit)
    ratios: dict[str, list[float]] = defaultdict(list)
    for members in rounds.values():
        anchors = [visit for visit in members if visit.subject == anchor]
        for visit in members:
            known = [other for other in anchors if other is not visit]
            if known:
                ratios[visit.subject].append(step_time(visit) / _interpolated(visit, known))
    return {subject: np.array(values) for subject, values in ratios.items()}


def step_time(visit: Visit) -> float:
    """Nanoseconds a step."""
    return visit.elapsed_ns / visit.steps


def _interpolated(visit: Visit, anchors: Sequence[Visit]) -> float:
    """The anchors' step time in the middle of the visit; anchors in order of time."""
    moments = [_middle(one) for one in anchors]
    return float(np.interp(_middle(visit), moments, [step_time(one) for one in anchors]))


def _middle(visit: Visit) -> float:
    return visit.start_ns + visit.elapsed_ns / 2
