"""Step times over the anchor's at that moment: free of the machine's slow drift.

The statistics read the same ratios from the tables; here they only decide about cautions.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from batchmark.results.timing import Visit


def ratios_to_anchor(visits: Iterable[Visit], anchor: str) -> dict[str, np.ndarray]:
    """By subject, its time a step over that of the nearest other visit of the anchor in its round.

    One number a visit; a visit without such an anchor is left out.
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
                ratios[visit.subject].append(step_time(visit) / _nearest(visit, known))
    return {subject: np.array(values) for subject, values in ratios.items()}


def step_time(visit: Visit) -> float:
    """Nanoseconds a step."""
    return visit.elapsed_ns / visit.steps


def _nearest(visit: Visit, anchors: Sequence[Visit]) -> float:
    return step_time(min(anchors, key=lambda one: abs(_middle(one) - _middle(visit))))


def _middle(visit: Visit) -> float:
    return visit.start_ns + visit.elapsed_ns / 2
