import numpy as np

from batchmark.dataset.arrays import digest
from batchmark.dataset.own import load_sample


def test_the_sample_is_stratified_and_unchanged() -> None:
    sample = load_sample()
    for labels, each in [
        (sample.train_labels, 400),
        (sample.validation_labels, 50),
        (sample.test_labels, 50),
    ]:
        assert np.bincount(labels).tolist() == [each] * 10
    assert sample.train_images.shape == (4000, 28, 28, 1)
    assert sample.train_images.dtype == np.uint8
    assert digest(sample) == "f4a1fe0e0d9c04efd4c250f454403b0f079030e9ddbd980330deadc4089d046b"


def test_no_digit_is_in_two_splits() -> None:
    sample = load_sample()
    parts = [sample.train_images, sample.validation_images, sample.test_images]
    digits = [image.tobytes() for images in parts for image in images]
    assert len(set(digits)) == len(digits)


def test_classes_are_mixed_within_a_split() -> None:
    labels = load_sample().train_labels.astype(int)
    assert np.count_nonzero(np.diff(labels)) > 3000
