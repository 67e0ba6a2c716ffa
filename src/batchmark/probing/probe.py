"""Mini-batch gradients against the gradient of all data, at a few moments of training.

Mini-batches are drawn as training draws them: consecutive pieces of a permutation, without
replacement. The mean gradient of a large mini-batch is the mean over smaller ones, so that one
pass over the data serves all large sizes.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batchmark.contract.devices import KINDS
from batchmark.contract.errors import UserError
from batchmark.contract.gradients import BatchProbe, GradientResult, Moment, ProbePoint, ProbeTrial
from batchmark.contract.record import DatasetFacts
from batchmark.contract.requests.message import RecordedVariant
from batchmark.contract.requests.probe import ProbeRequest
from batchmark.dataset.arrays import Dataset
from batchmark.training.data import Data, to_device
from batchmark.training.environment import describe
from batchmark.training.kernels.session import kind_of_session
from batchmark.training.session import Session
from batchmark.training.summaries import layer_norms

Vector = NDArray[np.float64]
Gradient = Callable[[NDArray[np.integer]], Vector]
"""The gradient of the mean loss over the training images of the given numbers, flat."""

# Divides 60,000 and 50,000; the chunks of LeNet-5 take 24 MB, those of 431,080 weights 170 MB.
CHUNK = 500
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class FullGradient:
    """The gradient over `images` images, [parameters].

    `chunks`: the gradients of its whole chunks of `chunk` images, [chunks, parameters].
    """

    images: int
    gradient: Vector
    chunk: int
    chunks: NDArray[np.float32]


def full_gradient(
    gradient: Gradient, images: int, random: np.random.Generator, chunk: int = CHUNK
) -> FullGradient:
    """One pass over all images, in chunks of `chunk` images that are drawn at random."""
    order = random.permutation(images)
    parts = [order[start : start + chunk] for start in range(0, images, chunk)]
    whole: list[NDArray[np.float32]] = []
    total = 0.0
    for part in parts:
        mean = gradient(part)
        total = total + mean * (len(part) / images)
        # A last, smaller part counts in the mean but would be noisier than the chunks.
        if len(part) == chunk:
            whole.append(mean.astype(np.float32))
    return FullGradient(images, np.asarray(total), chunk, np.array(whole))


def probe_batch_size(
    gradient: Gradient,
    full: FullGradient,
    batch_size: int,
    draws: int,
    random: np.random.Generator,
) -> BatchProbe:
    """`draws` mini-batches of `batch_size` images; multiples of a chunk are made of chunks."""
    if batch_size % full.chunk:
        pieces = draw(full.images, batch_size, draws, random)
        gradients = map(gradient, pieces)
    else:
        # The mean gradient of a batch is that of its chunks, which are known: no pass is needed.
        pieces = draw(len(full.chunks), batch_size // full.chunk, draws, random)
        gradients = (full.chunks[piece].mean(axis=0, dtype=np.float64) for piece in pieces)
    return compare(batch_size, gradients, full.gradient)


def draw(
    items: int, size: int, draws: int, random: np.random.Generator
) -> Iterator[NDArray[np.integer]]:
    """`draws` pieces of `size` out of range(items), disjoint within each pass over the items."""
    order = np.array([], np.int64)
    for _ in range(draws):
        if len(order) < size:
            # What is left of a pass is too small for a piece, and dropped: pieces stay disjoint.
            order = random.permutation(items)
        piece, order = order[:size], order[size:]
        yield piece


def compare(batch_size: int, gradients: Iterable[Vector], full: Vector) -> BatchProbe:
    """Angles and squared norms of mini-batch gradients; two at a time are in memory."""
    cosines: list[float] = []
    squares: list[float] = []
    successive: list[float] = []
    previous: Vector | None = None
    for gradient in gradients:
        cosines.append(cosine(gradient, full))
        squares.append(float(gradient @ gradient))
        if previous is not None:
            successive.append(cosine(previous, gradient))
        previous = gradient
    return BatchProbe(
        batch_size=batch_size,
        cosine=cosines,
        squared_norm=squares,
        successive_cosine=successive,
    )


def cosine(one: Vector, other: Vector) -> float:
    """Cosine of the angle between two gradients; 0 if one of them is zero."""
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.clip(one @ other / norms, -1, 1)) if norms else 0.0


def magnitude_quantiles(gradient: Vector) -> dict[str, float]:
    """Quantiles of |dL/dw| over single weights, keyed "0.01" to "0.99"."""
    values = np.quantile(np.abs(gradient), QUANTILES)
    return {f"{q:g}": float(value) for q, value in zip(QUANTILES, values, strict=True)}


def probe(request: ProbeRequest, dataset: Dataset) -> GradientResult:
    """Train and probe every trial of the request.

    Raises UserError when the variant has no fixed learning rate or cannot be built.
    """
    variant = request.variant
    if variant.hyperparameters.learning_rate == "tuned":
        raise UserError(
            f"variant {variant.id}: a probe needs a fixed learning_rate, not 'tuned'; "
            "probe another variant of the study."
        )
    data, first = to_device(dataset), request.budget.first_seed
    kind = kind_of_session(variant.hyperparameters, data, KINDS[request.device].compiled)
    return GradientResult(
        variant=RecordedVariant(id=variant.id, hyperparameters=variant.hyperparameters),
        machine=request.machine,
        device=request.device,
        dataset=dataset.facts,
        environment=describe(request.device, request.budget.deterministic) | kind.recorded,
        trials=[
            _trial(request, kind, data, dataset.facts, seed)
            for seed in range(first, first + request.trials)
        ],
    )


def moments(epochs: float) -> list[tuple[Moment, float]]:
    """When to probe, in epochs. A budget of one epoch or less has no moment of its own after it."""
    between: list[tuple[Moment, float]] = [("first_epoch", 1.0)] if epochs > 1 else []
    return [("initial", 0.0), *between, ("final", epochs)]


def _trial(
    request: ProbeRequest, kind: type[Session], data: Data, facts: DatasetFacts, seed: int
) -> ProbeTrial:
    budget, chosen = request.budget, request.variant.hyperparameters
    if facts.is_sample:
        budget = budget.on_sample(len(data.train), chosen.train_size)
    try:
        session = kind.open(chosen, data, seed, compiled=KINDS[request.device].compiled)
    except ValueError as error:
        raise UserError(f"variant {request.variant.id} cannot be probed: {error}.") from error
    return ProbeTrial(seed=seed, points=list(_points(request, session, budget.epochs)))


def _points(request: ProbeRequest, session: Session, epochs: float) -> Iterator[ProbePoint]:
    """The probes of one trial; they end where training has diverged."""
    for moment, epoch in moments(epochs):
        _train_until(session, round(epoch * session.steps_per_epoch))
        point = _point(request, session, moment)
        if point is None:
            return
        name = f"probe {request.variant.id}: seed {session.batches.seed}"
        print(f"{name}, epoch {epoch:g} probed", file=sys.stderr, flush=True)
        yield point


def _point(request: ProbeRequest, session: Session, moment: Moment) -> ProbePoint | None:
    """All probes of the present weights; None if the gradient is not finite."""
    # Of its own moment: draws do not depend on what was probed before.
    random = np.random.default_rng([session.batches.seed, session.step])
    images = len(session.data.train)

    def gradient(indices: NDArray[np.integer]) -> Vector:
        parts = [array.ravel() for array in session.gradients(indices)]
        # Squares of a hundred thousand small numbers are summed from it.
        return np.concatenate(parts).astype(np.float64)

    full = full_gradient(gradient, images, random)
    if not np.isfinite(full.gradient).all():
        return None
    norms = layer_norms(session.model, _unflat(full.gradient, session))
    return ProbePoint(
        moment=moment,
        epoch=session.step / session.steps_per_epoch,
        full_size=images,
        full_squared_norm=float(full.gradient @ full.gradient),
        layer_norms={layer: norm for layer, norm in norms.items() if norm is not None},
        magnitude_quantiles=magnitude_quantiles(full.gradient),
        batches=[
            probe_batch_size(gradient, full, size, request.draws, random)
            for size in request.batch_sizes
            if size < images
        ],
    )


def _train_until(session: Session, step: int) -> None:
    while session.step < step:
        session.train(min(session.longest_call, step - session.step))


def _unflat(flat: Vector, session: Session) -> list[Vector]:
    """The parts of a flat gradient in the shapes of the model's trainable variables."""
    shapes = [tuple(variable.shape) for variable in session.model.trainable_variables]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    parts = np.split(flat, ends[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
