"""Claims about where small and large batches end up when they have converged."""

import numpy as np
from numpy.typing import NDArray

from batchmark.analysis.claims.decision import Decision, cross_fitted, decide
from batchmark.analysis.claims.evidence import Evidence, Family, families_of, main_family
from batchmark.analysis.claims.registry import Finding, claim, finding

Array = NDArray[np.float64]

LARGE = 1000


def _converged(evidence: Evidence) -> Family | None:
    """Batch sizes whose every trial found its best validation error before the last quarter.

    Prefers tuned rates, because a rate that suits small batches only would decide for them.
    """
    tuned = [f for f in families_of(evidence.study("learning_rate"), 2) if "tuned" in f.label]
    main = main_family(evidence, 2)
    for family in [*tuned, *([main] if main else [])]:
        found = family.only(family.settled.all(axis=1) & family.learns)
        if len(found.rows) > 1 and found.sizes[-1] >= LARGE and found.sizes[0] < LARGE:
            return found
    return None


def _excess(family: Family, name: str) -> Decision | None:
    """Is accuracy `name` at the largest size lower than at the small one best on other seeds?"""
    accuracies = family.trials(name)
    accuracies = accuracies[:, ~np.isnan(accuracies).any(axis=0)]
    if not accuracies.size:
        return None
    small = accuracies[family.sizes < LARGE]
    return decide(cross_fitted(small) - accuracies[-1], 0.001, chosen=len(small) > 1)


@claim("noise-escapes")
def noise_escapes(evidence: Evidence) -> Finding | None:
    """Is the largest batch's training error over 0.1 points above the best small one's?"""
    return _where_it_ends(evidence, "final_train_accuracy")


@claim("large-batch-generalization")
def large_batch_generalization(evidence: Evidence) -> Finding | None:
    """The same of the final test error."""
    return _where_it_ends(evidence, "final_test_accuracy")


def _where_it_ends(evidence: Evidence, name: str) -> Finding | None:
    family = _converged(evidence)
    if family is None:
        return None
    excess = _excess(family, name)
    if excess is None:
        return None
    return finding(
        excess,
        budget=np.nanmax(family.block.budget[family.rows]),
        largest=family.sizes[-1],
    )
