"""Claims about momentum."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

import numpy as np

from batchmark.analysis.claims.decision import as_ratio, decide
from batchmark.analysis.claims.evidence import Evidence, pairs, speed_ups
from batchmark.analysis.claims.registry import Finding, claim, finding

COMMON_MOMENTUM = 0.9


@claim(
    "momentum-speed",
    theme="momentum",
    study="momentum",
    statement={"en": "Momentum speeds up convergence.", "zh": "动量加快收敛。"},
    rule={
        "en": "With momentum 0.9 the target takes fewer epochs than without, all else equal, by a factor "
        "of more than 1.1 (geometric mean over pairs for each seed, Student's t; a miss counts as the "
        "budget).",
        "zh": "其他条件相同时,动量 0.9 使达标轮数减少到不足无动量时的 1/1.1(每个种子对配对取几何平均,t 检验;未达标按预算计)。",
    },
    effect={"en": "speed-up in epochs to target", "zh": "达标轮数的加速倍数"},
)
def momentum_speed(evidence: Evidence) -> Finding | None:
    found = pairs(
        evidence.blocks,
        treated=lambda v: v["momentum"] == COMMON_MOMENTUM,
        control=lambda v: v["momentum"] == 0,
        differing=("momentum", "nesterov"),
    )
    speed = speed_ups(found)
    if not speed.logs.size:
        return None
    sizes = sorted({int(pair.describe("batch_size")) for pair in found})
    return finding(
        decide(
            speed.logs.mean(axis=0),
            np.log(1.1),
            least_variance=speed.least_variance_of_mean,
            show=as_ratio,
            bound=speed.bound,
        ),
        "Over {informative} of {count} pairs (batch sizes {sizes}) momentum 0.9 reaches the target "
        "{effect} ({low} to {high}) times as fast, with and without Nesterov's form, {n} seeds.",
        "在 {count} 个配对中的 {informative} 个(批量 {sizes})上,动量 0.9(含 Nesterov 形式)达标速度是无动量的 {effect} 倍({low} 至 {high};{n} 个种子)。",
        informative=len(speed.logs),
        count=len(found),
        sizes=", ".join(str(size) for size in sizes),
    )
