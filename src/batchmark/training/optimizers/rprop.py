"""Resilient backpropagation: steps from the gradient's sign alone, for full-batch learning."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable("batchmark")
class Rprop(keras.optimizers.Optimizer):
    """iRprop-: Riedmiller & Braun 1993 without weight backtracking (Igel & Hüsken 2000, alg. 4).

    Each weight has a step size of its own, at first `learning_rate`. While its gradient keeps its
    sign the size is multiplied by `increase`; when the sign flips, by `decrease`, and the weight
    rests for one step. Sizes stay within [`smallest`, `largest`]. Later changes of
    `learning_rate` have no effect.
    """

    def __init__(  # noqa: PLR0913 - Keras optimizers take their settings as arguments
        self,
        learning_rate: float = 0.1,
        *,
        increase: float = 1.2,
        decrease: float = 0.5,
        smallest: float = 1e-6,
        largest: float = 50.0,
        name: str = "rprop",
        **kwargs: Any,
    ) -> None:
        if not 0 < decrease < 1 < increase:
            raise ValueError(f"need 0 < decrease < 1 < increase, got {decrease} and {increase}")
        if not 0 < smallest <= largest:
            raise ValueError(f"need 0 < smallest <= largest, got {smallest} and {largest}")
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self._initial_size = float(learning_rate)
        self.increase, self.decrease = increase, decrease
        self.smallest, self.largest = smallest, largest

    def build(self, variables: list[Any]) -> None:
        """Create the step sizes and the previous gradients."""
        if self.built:
            return
        super().build(variables)
        # Within the bounds from the start: float32 cannot hold every learning rate.
        within = min(max(self._initial_size, self.smallest), self.largest)
        initial: Any = keras.initializers.Constant(within)
        self._sizes = [
            self.add_variable_from_reference(v, name="size", initializer=initial) for v in variables
        ]
        self._previous = [self.add_variable_from_reference(v, name="previous") for v in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one variable: size by agreement of signs, direction by the gradient's sign."""
        gradient = tf.convert_to_tensor(gradient)  # a lookup's comes as rows and their numbers
        index = self._get_variable_index(variable)
        size, previous = self._sizes[index], self._previous[index]
        agreement: Any = ops.multiply(gradient, previous)
        factor = ops.where(
            agreement > 0, self.increase, ops.where(agreement < 0, self.decrease, 1.0)
        )
        # A zero stops the weight now and makes the next product of signs neutral.
        gradient = ops.where(agreement < 0, ops.zeros_like(gradient), gradient)
        self.assign(size, ops.clip(ops.multiply(size, factor), self.smallest, self.largest))
        self.assign_sub(variable, ops.multiply(ops.sign(gradient), size))
        self.assign(previous, gradient)

    def get_config(self) -> dict[str, Any]:
        """Keras's serialization."""
        return {
            **super().get_config(),
            "increase": self.increase,
            "decrease": self.decrease,
            "smallest": self.smallest,
            "largest": self.largest,
        }
