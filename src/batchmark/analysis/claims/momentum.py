"""Claims about momentum."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

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
        "budget, and never makes the verdict towards which that errs).",
        "zh": "其他条件相同时,动量 0.9 使达标轮数减少到不足无动量时的 1/1.1(每个种子对配对取几何平均,t 检验;未达标按预算计,且不得造成其偏差所指向的结论)。",
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
    gains = speed_ups(found)
    if not gains.logs.size:
        return None
    sizes = sorted({int(pair.describe("batch_size")) for pair in found})
    return finding(
        gains.decide(1.1),
        "Over {informative} of {count} pairs (batch sizes {sizes}) momentum 0.9 reaches the target "
        "{effect} ({low} to {high}) times as fast, {n} seeds.",
        "在 {count} 个配对中的 {informative} 个(批量 {sizes})上,动量 0.9 达标快 {effect} 倍({low} 至 {high};{n} 个种子)。",
        informative=len(gains.logs),
        count=len(found),
        sizes=", ".join(str(size) for size in sizes),
    )
