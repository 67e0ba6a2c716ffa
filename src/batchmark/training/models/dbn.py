"""`mlp` initialized as a deep belief net (Hinton, Osindero & Teh 2006), 267,694 parameters."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from batchmark.training.model import Blueprint
from batchmark.training.pretraining import Pretrained, pretrained


@keras.saving.register_keras_serializable("batchmark")
class Boltzmann(Pretrained):
    """A restricted Boltzmann machine whose hidden units are ± 1, so that their mean is a tanh."""

    def misfit(self, x: Any) -> Any:
        """What has the gradient of contrastive divergence with one step (CD-1, Hinton 2002).

        The mean free energy of the data less that of their reconstruction from a sampled code. The
        reconstruction is a mean, not a sample (Hinton 2012, section 3.2), and constant.
        """
        code = self._mean_code(x)
        sampled = ops.where(self.uniform(code) < (1 + code) / 2, 1.0, -1.0)
        rebuilt = self._rebuild(ops.cast(sampled, x.dtype))
        return ops.mean(self._free_energy(x) - self._free_energy(ops.stop_gradient(rebuilt)))

    def _mean_code(self, x: Any) -> Any:
        return ops.tanh(self.linear(x))

    def _rebuild(self, code: Any) -> Any:
        # Pixels are 0 to 1, the code of a layer below -1 to 1.
        mean = ops.sigmoid if self.name == "hidden1" else ops.tanh
        rebuilt: Any = ops.matmul(code, ops.transpose(self.kernel))
        return mean(rebuilt + self.rebuilt)

    def _free_energy(self, x: Any) -> Any:
        """[batch]. The sum over hidden units of log(2 cosh a), which is softplus(2a) - a."""
        a = self.linear(x)
        visible: Any = ops.matmul(x, self.rebuilt)
        hidden: Any = ops.softplus(2 * a)
        return -visible - ops.sum(hidden - a, axis=-1)


def build(
    blueprint: Blueprint, hidden: Sequence[int] = (300, 100), images: int = 25_000
) -> keras.Model:
    """One fully connected layer for each entry of `hidden`, tanh, pretrained by `images`."""
    return pretrained(blueprint, "dbn", hidden, images, Boltzmann)
