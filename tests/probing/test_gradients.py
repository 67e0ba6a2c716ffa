"""Mini-batch gradients of a loss whose gradients are known: the mean of rows of a table."""

import numpy as np
import pytest

from batchmark.probing.probe import (
    compare,
    cosine,
    draw,
    full_gradient,
    magnitude_quantiles,
    probe_batch_size,
)

TABLE = np.random.default_rng(0).normal(1, 3, (1003, 7))


def rows(indices: np.ndarray) -> np.ndarray:
    return TABLE[indices].mean(axis=0)


def random() -> np.random.Generator:
    return np.random.default_rng(1)


def test_the_full_gradient_is_the_mean_over_all_images_whatever_the_chunks() -> None:
    full = full_gradient(rows, 1003, random(), chunk=100)
    np.testing.assert_allclose(full.gradient, TABLE.mean(axis=0))
    # The three images left over make no whole chunk.
    assert full.chunks.shape == (10, 7)


def test_draws_are_disjoint_within_a_pass_and_fresh_after_it() -> None:
    pieces = list(draw(10, 4, 5, random()))
    assert [len(set(piece)) for piece in pieces] == [4] * 5
    assert not set(pieces[0]) & set(pieces[1])
    assert not set(pieces[2]) & set(pieces[3])
    assert set(np.concatenate(pieces)) <= set(range(10))


def test_cosines_and_norms_by_hand() -> None:
    full = np.array([1.0, 0.0])
    probe = compare(3, iter([np.array([2.0, 0.0]), np.array([0.0, 3.0]), np.array([-1, -1])]), full)
    assert probe.cosine == pytest.approx([1, 0, -(0.5**0.5)])
    assert probe.squared_norm == pytest.approx([4, 9, 2])
    assert probe.successive_cosine == pytest.approx([0, -(0.5**0.5)])


def test_a_zero_gradient_has_no_direction() -> None:
    assert cosine(np.zeros(2), np.ones(2)) == 0


@pytest.mark.parametrize("batch_size", [20, 200])
def test_squared_norms_are_unbiased_whether_drawn_directly_or_from_chunks(batch_size: int) -> None:
    # Without replacement, E|g|^2 = |G|^2 + tr(S) (1/B - 1/N), S the covariance with N - 1.
    found = []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        full = full_gradient(rows, 1003, generator, chunk=100)
        found += probe_batch_size(rows, full, batch_size, 20, generator).squared_norm
    mean = TABLE.mean(axis=0)
    expected = mean @ mean + TABLE.var(axis=0, ddof=1).sum() * (1 / batch_size - 1 / 1003)
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - expected) < 4 * error


def test_larger_batches_point_closer_to_the_full_gradient() -> None:
    full = full_gradient(rows, 1003, random(), chunk=100)
    probes = [probe_batch_size(rows, full, size, 30, random()) for size in (1, 10, 100, 500)]
    cosines = [np.mean(probe.cosine) for probe in probes]
    assert cosines == sorted(cosines)
    assert cosines[-1] > 0.95


def test_quantiles_of_magnitudes() -> None:
    found = magnitude_quantiles(np.linspace(-1, 1, 201))
    assert list(found) == ["0.01", "0.05", "0.1", "0.25", "0.5", "0.75", "0.9", "0.95", "0.99"]
    assert found["0.5"] == pytest.approx(0.5)
