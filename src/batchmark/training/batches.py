"""Which images each training step sees: a function of the seed and the step alone.

Every epoch is a fresh permutation, cut into whole batches; the remainder of an epoch is dropped
(`drop_remainder`), as in the published study: 50,000 images make 195 batches of 256.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Batches:
    """The mini-batches of one trial over `images` training images."""

    images: int
    batch_size: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in an epoch."""
        return self.images // self.batch_size

    def order(self, first_step: int, steps: int) -> NDArray[np.int32]:
        """Image numbers of `steps` steps from `first_step` on, int32 [steps, batch_size]."""
        first_epoch, skipped = divmod(first_step, self.steps_per_epoch)
        last_epoch = (first_step + steps - 1) // self.steps_per_epoch
        epochs = [self._epoch(epoch) for epoch in range(first_epoch, last_epoch + 1)]
        return np.concatenate(epochs)[skipped : skipped + steps]

    def _epoch(self, epoch: int) -> NDArray[np.int32]:
        order = np.random.default_rng([self.seed, epoch]).permutation(np.int32(self.images))
        whole = self.steps_per_epoch * self.batch_size
        return order[:whole].reshape(-1, self.batch_size).astype(np.int32)
