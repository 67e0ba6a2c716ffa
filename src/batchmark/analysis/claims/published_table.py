"""The claim that the published table is reproduced."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.analysis.claims.decision import all_of, bounded, decide
from batchmark.analysis.claims.evidence import Evidence, Family, families_of, main_family
from batchmark.analysis.claims.hardware import spearman
from batchmark.analysis.claims.registry import Finding, claim, finding
from batchmark.analysis.claims.wording import plain

Array = NDArray[np.float64]

FEWEST_SIZES = 4
NETWORK = "lenet_theano"
NAMES = {
    "time_200_epochs_pu": ("epoch time", "每轮用时"),
    "epoch_at_099": ("epochs to target", "达标轮数"),
    "time_to_099_pu": ("time to target", "达标用时"),
    "best_validation_error": ("best validation error", "最佳验证误差"),
    "best_test_error": ("best test error", "最佳测试误差"),
    "final_test_error": ("final test error", "最终测试误差"),
}


@claim(
    "table-rows",
    theme="published table",
    study="batch_size",
    statement={
        "en": "Each row of the published table is reproduced in its order over the batch sizes.",
        "zh": "已发表结果表的每一行在批量的次序上都得到复现。",
    },
    rule={
        "en": "Each of the six rows' rank correlation (Spearman) with the published values over the shared "
        "batch sizes exceeds 0.5 (one value a seed, Student's t; sizes that missed their target on either "
        "side are left out of the rows about the target). One row can refute, but only all six can support.",
        "zh": "六行中每一行与已发表数值在共同批量上的秩相关(Spearman)都大于 0.5(每个种子一个值,t 检验;任何一方未达标的批量不计入与目标有关的行)。一行即可否定,六行俱全才能支持。",
    },
    effect={"en": "rank correlation of the deciding row", "zh": "起决定作用的一行的秩相关"},
)
def table_rows(evidence: Evidence) -> Finding | None:
    family = _same_network(evidence)
    if family is None or not family.block.study.published:
        return None
    known = _known_rows(family, evidence.published)
    if not known:
        return None
    decisions = {name: decide(values, 0.5, parts=len(known)) for name, values in known.items()}
    verdict = all_of(list(decisions.values()))
    deciding = next(name for name, decision in decisions.items() if decision is verdict)
    model = family.block.variants["model"].iloc[family.rows[0]]
    listed = [
        [f"{NAMES[name][k]} {plain(decisions[name].effect)}" for name in known] for k in (0, 1)
    ]
    return finding(
        bounded(verdict, too_low=False, too_high=len(known) < len(NAMES)),
        "Rank correlations of {model} with {count} of the {all} published rows: {rows_en}; {deciding_en} "
        "decides ({low} to {high}; {n} seeds).",
        "{model} 与 {all} 行已发表数值中 {count} 行的秩相关:{rows_zh};{deciding_zh}起决定作用({low} 至 {high};{n} 个种子)。",
        model=model,
        count=len(known),
        all=len(NAMES),
        rows_en=", ".join(listed[0]),
        rows_zh="、".join(listed[1]),
        deciding_en=NAMES[deciding][0],
        deciding_zh=NAMES[deciding][1],
    )


def _known_rows(family: Family, published: pd.DataFrame) -> dict[str, Array]:
    """The correlations of each row that at least two seeds (or rounds) tell of."""
    theirs = published.set_index("batch_size").reindex(family.sizes)
    found = {
        name: _correlations(values, theirs[name].to_numpy(float))
        for name, values in _rows(family).items()
    }
    return {name: values for name, values in found.items() if len(values) > 1}


def _same_network(evidence: Evidence) -> Family | None:
    """The article's network where it was measured at enough sizes, else the main one."""
    found = families_of(evidence.main, FEWEST_SIZES)
    same = [one for one in found if one.block.variants["model"].iloc[one.rows[0]] == NETWORK]
    return same[0] if same else main_family(evidence, FEWEST_SIZES)


def _rows(family: Family) -> dict[str, Array]:
    """Our values of each row [size, seed]; the epoch time has one column a round."""
    epochs = family.block.epochs_to()[family.rows]
    epochs = np.where(np.isinf(epochs), np.nan, epochs)
    return {
        "time_200_epochs_pu": family.block.ratios[family.rows],
        "epoch_at_099": epochs,
        "time_to_099_pu": epochs * family.relative_seconds[:, None],
        "best_validation_error": family.trials("best_validation_error"),
        "best_test_error": 1 - family.trials("test_accuracy_at_best"),
        "final_test_error": 1 - family.trials("final_test_accuracy"),
    }


def _correlations(ours: Array, theirs: Array) -> Array:
    """Spearman's rho per column over the sizes that both sides have; none with too few sizes."""
    found = []
    for column in ours.T:
        both = ~np.isnan(column) & ~np.isnan(theirs)
        if both.sum() >= FEWEST_SIZES:
            found.append(spearman(column[both], theirs[both]))
    values = np.array(found)
    return values[~np.isnan(values)]
