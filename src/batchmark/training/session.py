"""One variant, one seed, one graph: the engine.

A training call runs many steps inside one `tf.function`, over data that stay on the device. On
the CPU the graph's operations go to oneDNN; on a GPU the whole loop is compiled by XLA.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.training import plugins
from batchmark.training.data import (
    Batches,
    Course,
    Data,
    Images,
    Pixels,
    Split,
    mislabelled,
    pixels_for,
)
from batchmark.training.model import build_model
from batchmark.training.optimizers.catalogue import create, exempt_from_decay

Optimizer = keras.optimizers.Optimizer

# Activations of a whole split would not fit a small machine's memory.
EVALUATION_BATCH = 1000
# Between calls alone a checkpoint can be saved and a divergence be seen.
STEPS_PER_CALL = 4000
IMAGES_PER_CALL = 200_000
# So many steps are a loop of known length, after each of which a GPU need not be asked to go on.
BLOCK = 64
# Of Python's own loops and branches none depend on a tensor, as with `Model.fit`: rewriting them
# for the case would take half a second of every process.
graph = partial(tf.function, autograph=False)
# Operations with a random state of their own; Keras's begin with Stateless.
STATEFUL_DRAWS = ("Random", "TruncatedNormal", "ParameterizedTruncatedNormal", "Multinomial")


@dataclass(frozen=True)
class StepMetrics:
    """Per training step: the loss with penalties, and the number of images classified rightly."""

    losses: NDArray[np.float32]
    correct: NDArray[np.int32]


@dataclass(frozen=True)
class Score:
    """Mean cross-entropy (without penalties) and accuracy of a split."""

    loss: float
    accuracy: float


class Session:
    """A model in training. `step` counts the steps done.

    `learning_rate` is the optimizer's before the first of them: a schedule's first, not its last.
    `recorded`: what a record says of such a session beside `environment.describe`.
    """

    recorded: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        start: Callable[..., tuple[keras.Model, Optimizer]],
        data: Data,
        batches: Batches,
        pixels: Pixels,
        compiled: bool,
    ) -> None:
        self.data, self.batches, self.pixels = data, batches, pixels
        self.step = 0
        self._start = start
        self.model, self.optimizer = start(batches.seed)
        self._note_rate()
        course = batches.course
        self._sums = _sums(self.model) if course and course.accumulates else []
        self._compiled = compiled
        signature = [
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([None, batches.batch_size], tf.int32),
        ]
        if course:
            signature += [tf.TensorSpec([None], tf.float32), tf.TensorSpec([None], tf.bool)]
        self._loop = graph(self._train_loop, input_signature=signature, jit_compile=compiled)
        # The last part of a split is shorter: one graph for all lengths instead of one each.
        self._score = graph(self._score_batch, reduce_retracing=True, jit_compile=compiled)
        self._validate = graph(self._validate_batch, reduce_retracing=True, jit_compile=compiled)
        self._gradient = graph(self._gradients, reduce_retracing=True, jit_compile=compiled)

    @classmethod
    def open(
        cls,
        hyperparameters: Hyperparameters,
        data: Data,
        seed: int,
        *,
        learning_rate: float | None = None,
        compiled: bool = False,
    ) -> "Session":
        """Build model, optimizer and graph of a trial.

        `learning_rate` replaces the variant's, `compiled` chooses XLA. `train_size` and
        `batch_size` "full" are resolved by `data`. Raises UserError when the model or the
        optimizer cannot be built, ValueError when the batch is larger than the training set.
        """
        train = training_images(hyperparameters, data)
        rate = hyperparameters.learning_rate if learning_rate is None else learning_rate
        if rate == "tuned":
            raise ValueError("learning_rate 'tuned' must be resolved before a session opens")
        # After `train_size`: each size then has its share of wrong labels.
        train = mislabelled(train, hyperparameters.label_noise, data.classes)
        data = Data(train, data.validation, data.test, data.classes)
        size = _fitting_batch_size(hyperparameters, len(train))
        return cls(
            partial(_start, hyperparameters, data, learning_rate=rate),
            data,
            Batches(len(train), size, seed, _course(hyperparameters, len(train) // size)),
            pixels_for(hyperparameters.normalization, train.images),
            compiled,
        )

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in an epoch."""
        return self.batches.steps_per_epoch

    def restart(self, seed: int, learning_rate: float | None = None) -> None:
        """Begin the trial of another seed, as a session opened with it would.

        From now on at another `learning_rate`, if one is given: a variable of the optimizer, unless
        somebody's own code has put it into the graph.
        """
        if learning_rate is not None:
            self._start = partial(self._start, learning_rate=learning_rate)
        # The graph is traced for these variables, so they get other values and are not replaced.
        # An optimizer of its own, too: some start from a copy of the weights.
        fresh = _variables(*self._start(seed, again=True))
        begun = [np.zeros(total.shape, np.float32) for total in self._sums]
        self.restore([*(variable.numpy() for variable in fresh), *begun], step=0)
        self._note_rate()
        self.batches = replace(self.batches, seed=seed)

    def _note_rate(self) -> None:
        """Of the optimizer before its first step."""
        # Seven digits: of the number that was asked for a float32 holds no more.
        self.learning_rate = float(f"{float(self.optimizer.learning_rate):.7g}")
        self._full_rate = np.float32(self.optimizer.learning_rate)

    def trace(self) -> None:
        """Build the training graph, which the first `train` would do otherwise.

        Raises UserError when the model's or the optimizer's own code fails in it.
        """
        try:
            self._loop.get_concrete_function()
        except Exception as error:
            raise UserError(
                f"model and optimizer cannot be trained: {plugins.reason(error)}."
            ) from error

    def has_hidden_state(self) -> bool:
        """Whether training depends on more than `state` holds: random numbers drawn elsewhere.

        Those of `tf.random`, or variables that are neither the model's nor the optimizer's.
        """
        graph = self._loop.get_concrete_function().graph
        functions = graph.as_graph_def().library.function
        drawn = any(node.op.startswith(STATEFUL_DRAWS) for f in functions for node in f.node_def)
        # Of Keras's variables the graph knows only TensorFlow's behind them.
        known = {id(variable.value) for variable in self.variables()}
        return drawn or any(id(variable) not in known for variable in graph.variables)

    @property
    def longest_call(self) -> int:
        """The most steps that a training should run in one call."""
        return max(1, min(STEPS_PER_CALL, IMAGES_PER_CALL // self.batches.batch_size))

    def train(self, steps: int) -> StepMetrics:
        """Run the next `steps` steps in one graph call and wait for their metrics."""
        inputs: list[NDArray[Any]] = [self.batches.order(self.step, steps)]
        if course := self.batches.course:
            rates = self._full_rate * course.rates(self.step, steps)
            inputs += [rates, course.updates(self.step, steps)]
        if self._compiled:
            inputs = [_lengthened(each, self.longest_call) for each in inputs]
        losses, correct = self._loop(tf.constant(steps), *map(tf.constant, inputs))
        self.step += steps
        return StepMetrics(losses.numpy()[:steps], correct.numpy()[:steps])

    def logits(self, images: Images) -> NDArray[np.float32]:
        """The model's outputs in inference mode, [images, classes]."""
        return self._logits(images.images, training=False).numpy()

    def evaluate(self, split: Split) -> Score:
        """Loss and accuracy in inference mode over a whole split."""
        return self.score(getattr(self.data, split))

    def score(self, images: Images) -> Score:
        """Loss and accuracy in inference mode over `images`, with the `final_weights`."""
        loss, correct = 0.0, 0
        with self.final_weights():
            # Sums, not means of means: the last part weighs what it holds.
            for start in range(0, len(images), EVALUATION_BATCH):
                part = slice(start, start + EVALUATION_BATCH)
                sums = self._score(images.images[part], images.labels[part])
                loss, correct = loss + float(sums[0]), correct + int(sums[1])
        return Score(loss / len(images), correct / len(images))

    def validate(
        self, indices: NDArray[np.integer]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The losses on the validation images `indices`, and which are classified wrongly.

        As `score`, but image by image.
        """
        with self.final_weights():
            losses, wrong = self._validate(tf.constant(indices, tf.int32))
        return losses.numpy(), wrong.numpy()

    @contextmanager
    def final_weights(self) -> Iterator[None]:
        """The weights that `Model.fit` would leave if it ended now: `use_ema` has it take means."""
        if not _inner(self.optimizer).use_ema:
            yield
            return
        trained = self.model.trainable_variables
        before = [variable.numpy() for variable in trained]
        self.optimizer.finalize_variable_values(trained)
        try:
            yield
        finally:
            # Training goes on from the weights themselves, not from their means.
            _assign(trained, before)

    def gradients(self, indices: NDArray[np.integer]) -> list[NDArray[np.float32]]:
        """The gradient of the training loss on the training images `indices`.

        One array a variable, in the order of `model.trainable_variables`. The weights stay as
        they are; penalties are included, dropout and batch statistics act as in training.
        """
        gradients = self._gradient(tf.constant(indices, tf.int32))
        return [gradient.numpy() for gradient in gradients]

    def variables(self) -> list[keras.Variable]:
        """Everything a step changes: weights, moving statistics, seeds, optimizer state."""
        return [*_variables(self.model, self.optimizer), *self._sums]

    def state(self) -> list[NDArray[Any]]:
        """A copy of all `variables`; with `step` it determines the rest of the trial."""
        return [variable.numpy() for variable in self.variables()]

    def restore(self, state: list[NDArray[Any]], step: int) -> None:
        """Continue from a `state` taken after `step` steps.

        Raises ValueError, before anything is changed, when the state is not of this session.
        """
        _assign(self.variables(), state)
        self.step = step

    def step_function(self) -> Callable[..., Any]:
        """The graph of exactly one training step, a ConcreteFunction of int32 [batch_size].

        For counting its floating point operations; calling it trains.
        """
        # A known shape, unlike the loop's, for products are counted from shapes.
        signature = tf.TensorSpec([self.batches.batch_size], tf.int32)
        return graph(self._train_step).get_concrete_function(signature)

    def _train_loop(
        self,
        steps: tf.Tensor,
        order: tf.Tensor,
        rates: tf.Tensor | None = None,
        updates: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Losses and hits of the first `steps` rows of `order`, trained; those after are zero."""
        losses = tf.TensorArray(tf.float32, tf.shape(order)[0], element_shape=())
        correct = tf.TensorArray(tf.int32, tf.shape(order)[0], element_shape=())

        def body(step: Any, losses: Any, correct: Any) -> tuple[Any, Any, Any]:
            course = () if rates is None or updates is None else (rates[step], updates[step])
            loss, right = self._train_step(order[step], *course)
            return step + 1, losses.write(step, loss), correct.write(step, right)

        def block(first: Any, *metrics: Any) -> tuple[Any, ...]:
            def within(n: Any, *metrics: Any) -> tuple[Any, ...]:
                _, *after = body(first + n, *metrics)
                return n + 1, *after

            _, *after = _repeat(within, (0, *metrics), BLOCK)
            return first + BLOCK, *after

        start = (0, losses, correct)
        if self._compiled:
            start = _repeat(block, start, steps - BLOCK + 1)
        _, losses, correct = _repeat(body, start, steps)
        return losses.stack(), correct.stack()

    def _train_step(self, indices: tf.Tensor, *course: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            loss, correct = self._training_loss(indices)
            scaled = self.optimizer.scale_loss(loss)
        variables = self.model.trainable_variables
        gradients = tape.gradient(scaled, variables)
        if course:
            self._advance(gradients, *course)
        else:
            self.optimizer.apply(gradients, variables)
        return loss, correct

    def _advance(self, gradients: list[Any], rate: tf.Tensor, update: tf.Tensor) -> None:
        """A step at its own `rate`, whose gradients wait for the `update` that they are part of."""
        own: Any = _inner(self.optimizer).learning_rate
        # Keras reads the rate from this variable within the graph.
        own.assign(rate)
        variables = self.model.trainable_variables
        if not self._sums:
            self.optimizer.apply(gradients, variables)
            return
        count, *sums = self._sums
        count.assign(count + 1)
        for total, gradient in zip(sums, gradients, strict=True):
            if gradient is not None:
                total.assign(total + tf.convert_to_tensor(gradient))

        def apply() -> tf.Tensor:
            means = [None if gradient is None else total / count
                     for total, gradient in zip(sums, gradients, strict=True)]  # fmt: skip
            self.optimizer.apply(means, variables)
            for total in self._sums:
                total.assign(tf.zeros_like(total))
            return tf.constant(True)

        tf.cond(update, apply, lambda: tf.constant(False))

    def _gradients(self, indices: tf.Tensor) -> Any:
        # The scope keeps moving statistics and random seeds from being updated. Penalties see
        # only the weights that it is given, and those of activities only what it collects.
        weights = self.model.trainable_variables
        scope = keras.StatelessScope([(one, one.value) for one in weights], collect_losses=True)
        with scope, tf.GradientTape() as tape:
            loss, _ = self._training_loss(indices)
        gradients = tape.gradient(loss, weights)
        # None for weights that the loss does not see; rows and their numbers for a lookup's.
        return [
            tf.zeros(weight.shape) if gradient is None else tf.convert_to_tensor(gradient)
            for weight, gradient in zip(weights, gradients, strict=True)
        ]

    def _training_loss(self, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # Gathered here: the data never leave the device, only their numbers come.
        images = tf.gather(self.data.train.images, indices)
        labels = tf.gather(self.data.train.labels, indices)
        logits = self._logits(images, training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        penalties = [tf.cast(penalty, tf.float32) for penalty in self.model.losses]
        loss = tf.reduce_mean(losses)
        return (tf.add_n([loss, *penalties]) if penalties else loss), _count_right(logits, labels)

    def _score_batch(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits = self._logits(images, training=False)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return tf.reduce_sum(losses), _count_right(logits, labels)

    def _validate_batch(self, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        labels = tf.gather(self.data.validation.labels, indices)
        images = tf.gather(self.data.validation.images, indices)
        logits = self._logits(images, training=False)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return losses, _guesses(logits) != labels

    def _logits(self, images: tf.Tensor, training: bool) -> tf.Tensor:
        # In float32 whatever the model computes in: float16 cannot hold a sum of exponentials.
        return tf.cast(self.model(self._input(images), training=training), tf.float32)

    def _input(self, images: tf.Tensor) -> tf.Tensor:
        return (tf.cast(images, tf.float32) - self.pixels.mean) * (1 / self.pixels.divisor)


def training_images(hyperparameters: Hyperparameters, data: Data) -> Images:
    """The training images a variant uses: the first `train_size` of them."""
    size = hyperparameters.train_size
    return data.train if size == "full" else data.train.first(size)


def batch_size(hyperparameters: Hyperparameters, train_size: int) -> int:
    """The variant's batch size in images; "full" is the whole training set."""
    size = hyperparameters.batch_size
    return train_size if size == "full" else size


def _start(
    hyperparameters: Hyperparameters,
    data: Data,
    seed: int,
    again: bool = False,
    *,
    learning_rate: float | Literal["default"],
) -> tuple[keras.Model, Optimizer]:
    """Model and optimizer before the first step of a trial, built."""
    # At a reset TensorFlow forgets how it has optimized the graphs of the trials before.
    kept = again and not hyperparameters.own
    model = build_model(hyperparameters, data.image_shape, data.classes, seed, reset=not kept)
    optimizer = create(hyperparameters, learning_rate, batch_size(hyperparameters, len(data.train)))
    exempt_from_decay(optimizer, model.trainable_variables)
    if model.dtype_policy.name == "mixed_float16":
        # As `Model.compile` does: small gradients would vanish in float16.
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    plugins.execute_as_before()
    return model, optimizer


def _course(hyperparameters: Hyperparameters, steps_per_epoch: int) -> Course | None:
    """How the variant's rate and batch change; None: they do not."""

    def steps(epochs: float) -> int:
        return max(1, round(epochs * steps_per_epoch)) if epochs else 0

    course = Course(
        steps(hyperparameters.warm_up),
        steps(hyperparameters.change_every),
        hyperparameters.rate_factor,
        hyperparameters.batch_factor,
        hyperparameters.accumulation,
        steps_per_epoch,
    )
    return course if course.warm_up or course.change_every or course.accumulates else None


def _sums(model: keras.Model) -> list[keras.Variable]:
    """How many gradients wait for an update, and the sum of them for each trained variable."""
    shapes = [(), *(variable.shape for variable in model.trainable_variables)]
    return [keras.Variable(np.zeros(shape, np.float32), trainable=False) for shape in shapes]


def _variables(model: keras.Model, optimizer: Optimizer) -> list[keras.Variable]:
    # Once each, whoever lists them, in an order that a checkpoint can count on.
    unique = {id(v): v for v in [*model.variables, *optimizer.variables]}
    return list(unique.values())


def _inner(optimizer: Optimizer) -> Optimizer:
    """The optimizer itself, or the one whose loss it scales."""
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    return optimizer.inner_optimizer if scales else optimizer


def _assign(variables: Sequence[keras.Variable], values: Sequence[NDArray[Any]]) -> None:
    # All are looked at first: nothing is half restored.
    pairs = list(zip(variables, values, strict=True))
    if any(tuple(variable.shape) != value.shape for variable, value in pairs):
        raise ValueError("the state has other shapes than the session's variables")
    for variable, value in pairs:
        variable.assign(value)


def _fitting_batch_size(hyperparameters: Hyperparameters, train_size: int) -> int:
    size = batch_size(hyperparameters, train_size)
    if size > train_size:
        raise ValueError(f"batch size {size} exceeds {train_size} training images")
    return size


def _lengthened(rows: NDArray[Any], length: int) -> NDArray[Any]:
    """The rows and zeros, `length` together, or four, sixteen, … times as many.

    XLA compiles for each number of rows anew.
    """
    while length < len(rows):
        length *= 4
    more = np.zeros((length - len(rows), *rows.shape[1:]), rows.dtype)
    return np.concatenate([rows, more])


def _repeat(body: Callable[..., tuple[Any, ...]], start: tuple[Any, ...], end: Any) -> Any:
    """A loop in the graph over the first of `start`, as long as it is less than `end`."""
    # Steps depend on each other; more than one at a time would only keep their memory.
    return tf.while_loop(lambda step, *_: step < end, body, start, parallel_iterations=1)


def _guesses(logits: tf.Tensor) -> tf.Tensor:
    return tf.argmax(logits, axis=-1, output_type=tf.int32)


def _count_right(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(_guesses(logits) == labels, tf.int32))
