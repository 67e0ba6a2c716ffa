"""The claim that the published table is reproduced."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from batchmark.claims.decision import all_of, bounded, decide, limited
from batchmark.claims.evidence import (
    Evidence,
    Family,
    Finding,
    claim,
    families_of,
    finding,
    phrase,
)
from batchmark.claims.hardware import rank_variance, spearman
from batchmark.statistics.intervals import Array

FEWEST_SIZES = 4
NETWORK = "lenet_theano"
ROWS = (
    "time_200_epochs_pu",
    "epoch_at_099",
    "time_to_099_pu",
    "best_validation_error",
    "best_test_error",
    "final_test_error",
)


@claim("table-rows")
def table_rows(evidence: Evidence) -> Finding | None:
    """Does each published row's rank correlation with ours exceed 0.5?"""
    family = _same_network(evidence)
    if family is None:
        return None
    known = _known_rows(family, evidence.published)
    if not known:
        return None
    decisions = {
        name: decide(
            row.correlations,
            0.5,
            parts=len(known),
            show=limited(-1, 1),
            least_variance=rank_variance(row.sizes),
        )
        for name, row in known.items()
    }
    verdict = all_of(list(decisions.values()))
    deciding = next(
        name for name, decision in decisions.items() if replace(decision, p=verdict.p) == verdict
    )
    model = family.data.variants["model"].iloc[family.rows[0]]
    return finding(
        bounded(verdict, too_low=False, too_high=len(known) < len(ROWS)),
        model=model,
        count=len(known),
        all=len(ROWS),
        rows=[
            phrase("row", name=phrase(name), rho=decision.effect)
            for name, decision in decisions.items()
        ],
        deciding=phrase(deciding),
    )


class Row(NamedTuple):
    """Spearman's rho with a published row per seed (or round), over at least that many sizes."""

    correlations: Array
    sizes: int


def _known_rows(family: Family, published: pd.DataFrame) -> dict[str, Row]:
    """The correlations of each row that at least two seeds (or rounds) tell of."""
    theirs = published.set_index("batch_size").reindex(family.sizes)
    rows = {
        name: _correlations(values, theirs[name].to_numpy(float))
        for name, values in _rows(family).items()
    }
    return {name: row for name, row in rows.items() if len(row.correlations) > 1}


def _same_network(evidence: Evidence) -> Family | None:
    """Of the variants that redo it the article's network's, else those of most shared sizes."""
    every = [_redone(family) for family in families_of(evidence.main, FEWEST_SIZES)]
    large = [family for family in every if len(family.rows) >= FEWEST_SIZES]
    same = [
        family for family in large if family.data.variants["model"].iloc[family.rows[0]] == NETWORK
    ]
    theirs = evidence.published["batch_size"]
    shared = [int(np.isin(family.sizes, theirs).sum()) for family in same or large]
    return (same or large)[int(np.argmax(shared))] if shared else None


def _redone(family: Family) -> Family:
    ids = [family.data.ids[row] for row in family.rows]
    return family.only(np.isin(ids, family.data.study.published))


def _rows(family: Family) -> dict[str, Array]:
    """Our values of each row [size, seed]; the epoch time has one column a round."""
    epochs = family.data.epochs_to()[family.rows]
    epochs = np.where(np.isinf(epochs), np.nan, epochs)
    return {
        "time_200_epochs_pu": family.data.ratios[family.rows],
        "epoch_at_099": epochs,
        "time_to_099_pu": epochs * family.relative_seconds[:, None],
        "best_validation_error": family.trials("best_validation_error"),
        "best_test_error": 1 - family.trials("test_accuracy_at_best"),
        "final_test_error": 1 - family.trials("final_test_accuracy"),
    }


def _correlations(ours: Array, theirs: Array) -> Row:
    """Per column over the sizes that both sides have; none with too few sizes."""
    correlations, counts = [], []
    for column in ours.T:
        both = ~np.isnan(column) & ~np.isnan(theirs)
        if both.sum() >= FEWEST_SIZES:
            correlations.append(spearman(column[both], theirs[both]))
            counts.append(int(both.sum()))
    values = np.array(correlations)
    # The fewest sizes have the widest steps between ranks.
    return Row(values[~np.isnan(values)], min(counts, default=FEWEST_SIZES))
