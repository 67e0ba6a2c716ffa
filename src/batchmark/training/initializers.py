"""Initial weights with a scale."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("batchmark")
class Scaled(keras.initializers.Initializer):
    """The weights of a Keras initializer multiplied by `scale`.

    `kind` is a Keras name such as "glorot_uniform"; initializers without randomness ignore `seed`.
    """

    def __init__(self, kind: str, scale: float = 1.0, seed: int | None = None) -> None:
        self.kind, self.scale, self.seed = kind, scale, seed

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Weights of `shape`."""
        initializer: Any = keras.initializers.get(self.kind)
        configuration = initializer.get_config()
        if "seed" in configuration:
            initializer = type(initializer).from_config({**configuration, "seed": self.seed})
        return initializer(shape, dtype=dtype) * self.scale

    def get_config(self) -> dict[str, Any]:
        """Keras's serialization."""
        return {"kind": self.kind, "scale": self.scale, "seed": self.seed}
