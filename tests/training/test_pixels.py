import numpy as np
import pytest

from batchmark.training.data import standardized, unit_range


def test_unit_range_does_not_look_at_the_images() -> None:
    pixels = unit_range(np.full((1, 2, 2, 1), 7, np.uint8))
    assert (pixels.mean, pixels.divisor) == (0.0, 255.0)


def test_standardized_pixels_have_mean_0_and_deviation_1() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1)).astype(np.uint8)
    pixels = standardized(images)
    assert pixels.mean == pytest.approx(images.mean())
    assert pixels.divisor == pytest.approx(images.std())


def test_constant_images_do_not_divide_by_zero() -> None:
    assert standardized(np.full((1, 2, 2, 1), 7, np.uint8)).divisor == 1.0
