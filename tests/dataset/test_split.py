import numpy as np
import pytest

from batchmark.contract.errors import UserError
from batchmark.dataset.own import Labelled, split_off, validation_size


@pytest.mark.parametrize(
    ("training", "validation", "size"),
    [(60_000, None, 10_000), (60_000, 5000, 5000), (200, 0.1, 20), (60_000, 10_000.0, 10_000)],
)
def test_validation_is_a_count_or_a_share(
    training: int, validation: float | None, size: int
) -> None:
    assert validation_size(training, validation) == size


@pytest.mark.parametrize("validation", [0, -1, 1.5, 100, 101, 0.001, 0.999])
def test_an_impossible_split_is_refused(validation: float) -> None:
    with pytest.raises(UserError, match=r"dataset\.validation"):
        validation_size(100, validation)


def test_the_last_training_images_validate() -> None:
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    training = Labelled(images, np.arange(10))
    arrays = split_off(training, Labelled(images[:2], np.arange(2)), 3)
    assert arrays.train_labels.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert arrays.validation_labels.tolist() == [7, 8, 9]
    assert arrays.validation_images.ravel().tolist() == [7, 8, 9]
    assert arrays.test_labels.tolist() == [0, 1]
