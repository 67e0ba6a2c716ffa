"""Claims about momentum."""

from batchmark.analysis.claims.evidence import Evidence, pairs, speed_ups
from batchmark.analysis.claims.registry import Finding, claim, finding

COMMON_MOMENTUM = 0.9


@claim("momentum-speed")
def momentum_speed(evidence: Evidence) -> Finding | None:
    """Does momentum 0.9 reach the target more than 1.1 times as fast as none?"""
    found = pairs(
        evidence.blocks,
        treated=lambda v: v["momentum"] == COMMON_MOMENTUM,
        control=lambda v: v["momentum"] == 0,
        differing=("momentum", "nesterov"),
    )
    gains = speed_ups(found)
    if not gains.logs.size:
        return None
    sizes = sorted({int(pair.describe("batch_size")) for pair in found})
    return finding(
        gains.decide(1.1),
        informative=len(gains.logs),
        count=len(found),
        sizes=sizes,
    )
