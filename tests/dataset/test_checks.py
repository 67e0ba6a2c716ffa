from dataclasses import replace

import numpy as np
import pytest

from batchmark.contract.errors import UserError
from batchmark.dataset.arrays import Arrays
from batchmark.dataset.own import count_classes

IMAGES = np.zeros((4, 2, 2, 1), np.uint8)
GOOD = Arrays(
    IMAGES, np.array([0, 1, 2, 1]), IMAGES[:2], np.array([0, 1]), IMAGES[:1], np.array([2])
)


def test_classes_are_told_by_the_largest_training_label() -> None:
    assert count_classes(GOOD, "x") == 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"train_labels": np.zeros(4, int)}, "all 4 train images are of class 0"),
        ({"train_labels": np.full(4, 5)}, "all 4 train images are of class 5"),
        ({"validation_labels": np.ones(2, int)}, "all 2 validation images .* shuffle them"),
        ({"test_labels": np.array([3])}, "class 3 of the test set does not occur"),
        ({"test_images": np.zeros((1, 2, 3, 1))}, r"differ in shape .*test \(2, 3, 1\)"),
    ],
)
def test_what_cannot_be_learnt_is_refused(changes: dict, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        count_classes(replace(GOOD, **changes), "x")
