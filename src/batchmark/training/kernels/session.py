"""Sessions whose scores, or steps too, are compiled kernels instead of TensorFlow's operations."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.training.data import Data, Images
from batchmark.training.kernels.choice import differentiates, scores, serves
from batchmark.training.kernels.network import Labelled, Program, Scores, program
from batchmark.training.session import Score, Session, StepMetrics


class ScoringSession(Session):
    """As its base, for variants that kernels score, with the same numbers but for rounding."""

    recorded: ClassVar[dict[str, str]] = {"execution": "graph+onednn, kernels score"}

    def score(self, images: Images) -> Score:
        """As the base's."""
        with self.final_weights():
            losses, hits = self._kernels().run(_arrays(images), np.arange(len(images))[None])
        return Score(float(losses.mean(dtype=np.float64)), float(hits.mean()))

    def validate(self, indices: NDArray[np.integer]) -> Scores:
        """As the base's."""
        with self.final_weights():
            losses, hits = self._kernels().run(self._labelled["validation"], indices[None])
        return losses[0], ~hits[0]

    def _kernels(self) -> Program:
        """With what they change, or only read, as it is."""
        kernels = self._program
        for kind, variables in self._changed.items():
            for variable, array in kernels.memory(kind, variables, cleared=True):
                array[...] = variable.numpy()
        return kernels

    @property
    def _changed(self) -> dict[str, Sequence[Any]]:
        """The variables of each kind of the kernels' memory."""
        return {"values": self.model.trainable_variables}

    @cached_property
    def _labelled(self) -> dict[str, Labelled]:
        return {"train": _arrays(self.data.train), "validation": _arrays(self.data.validation)}

    @cached_property
    def _program(self) -> Program:
        return program(self.data.image_shape, self.data.classes, self.pixels, 0.0, False)


class GradientSession(ScoringSession):
    """As its base, where kernels know the loss that is trained, too."""

    def gradients(self, indices: NDArray[np.integer]) -> list[NDArray[np.float32]]:
        """As the base's."""
        kernels = self._kernels()
        # A step of no length.
        kernels.run(self._labelled["train"], indices[None], np.zeros(1, np.float32))
        return [a.copy() for _, a in kernels.memory("slopes", self.model.trainable_variables)]


class KernelSession(GradientSession):
    """As its base, for variants that kernels serve, with the same numbers but for rounding.

    Weights and the optimizer's state stay Keras's between calls.
    """

    recorded: ClassVar[dict[str, str]] = {"execution": "kernels"}

    def train(self, steps: int) -> StepMetrics:
        """As the base's."""
        order, course = self.batches.order(self.step, steps), self.batches.course
        shares = course.rates(self.step, steps) if course else np.ones(steps, np.float32)
        kernels, rates = self._kernels(), self._full_rate * shares
        optimizer: Any = self.optimizer
        losses, hits = kernels.run(self._labelled["train"], order, rates)
        for kind, variables in self._changed.items():
            for variable, array in kernels.memory(kind, variables):
                variable.assign(array)
        optimizer.iterations.assign_add(steps)
        if course:
            optimizer.learning_rate = rates[-1]
        self.step += steps
        return StepMetrics(losses.mean(axis=1), hits.sum(axis=1, dtype=np.int32))

    def trace(self) -> None:
        """Compile."""
        self._kernels()

    def has_hidden_state(self) -> bool:
        """Never."""
        return False

    @property
    def _changed(self) -> dict[str, Sequence[Any]]:
        optimizer: Any = self.optimizer
        return {"values": self.model.trainable_variables, "velocity": optimizer.momentums}

    @cached_property
    def _program(self) -> Program:
        optimizer, data = self.optimizer, self.data
        momentum, nesterov = float(optimizer.momentum), bool(optimizer.nesterov)
        return program(data.image_shape, data.classes, self.pixels, momentum, nesterov)


def kind_of_session(chosen: Hyperparameters, data: Data, compiled: bool) -> type[Session]:
    """With kernels as far as they serve, where `compiled` by XLA is not asked for."""
    kinds = {
        serves: KernelSession,
        differentiates: GradientSession,
        scores: ScoringSession,
    }
    fitting = (kind for knows, kind in kinds.items() if knows(chosen, data.image_shape))
    return Session if compiled else next(fitting, Session)


def _arrays(images: Images) -> Labelled:
    return np.asarray(memoryview(images.images)), images.labels.numpy().astype(np.int64)  # pyrefly: ignore [bad-argument-type]
