"""Own optimizers: one with a rate of its own, two whose rate falls."""

from typing import Any

import keras


class Steady(keras.optimizers.SGD):
    def __init__(self, learning_rate: float = 0.03, **others: Any) -> None:
        super().__init__(learning_rate=learning_rate, **others)


class Fading(keras.optimizers.SGD):
    def __init__(self, learning_rate: float = 0.1, **others: Any) -> None:
        schedule: Any = keras.optimizers.schedules.ExponentialDecay(learning_rate, 1, 0.5)
        super().__init__(learning_rate=schedule, **others)


class Halving(keras.optimizers.SGD):
    def __init__(self, learning_rate: float = 0.1, **others: Any) -> None:
        kind = keras.optimizers.schedules.ExponentialDecay
        schedule: Any = kind(learning_rate, decay_steps=12, decay_rate=0.5, staircase=True)
        super().__init__(learning_rate=schedule, **others)
