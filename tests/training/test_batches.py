import numpy as np

from batchmark.training.data import Batches


def test_an_epoch_holds_every_image_once_but_for_the_remainder() -> None:
    batches = Batches(images=50_000, batch_size=256, seed=1)
    assert batches.steps_per_epoch == 195  # as in the published study
    order = batches.order(0, 195)
    assert order.shape == (195, 256)
    assert len(np.unique(order)) == 195 * 256


def test_order_depends_on_the_step_alone_not_on_how_it_was_asked_for() -> None:
    batches = Batches(images=10, batch_size=3, seed=5)
    whole = batches.order(0, 8)
    parts = np.concatenate([batches.order(0, 2), batches.order(2, 5), batches.order(7, 1)])
    assert np.array_equal(whole, parts)


def test_every_batch_size_sees_the_images_in_the_same_order() -> None:
    one = Batches(images=12, batch_size=1, seed=5).order(0, 24).ravel()
    four = Batches(images=12, batch_size=4, seed=5).order(0, 6).ravel()
    full = Batches(images=12, batch_size=12, seed=5).order(0, 2).ravel()
    assert one.tolist() == four.tolist() == full.tolist()


def test_epochs_and_seeds_are_shuffled_differently() -> None:
    first, second = Batches(images=50, batch_size=50, seed=1).order(0, 2)
    other = Batches(images=50, batch_size=50, seed=2).order(0, 1)[0]
    assert first.tolist() != second.tolist()
    assert first.tolist() != other.tolist()
