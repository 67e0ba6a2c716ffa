"""Gradient probes of one variant: at initialization, after one epoch and at the end."""

import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from batchmark.contract.requests.probe import ProbeRequest
from batchmark.dataset.arrays import Dataset
from batchmark.errors import UserError
from batchmark.measuring import gradients
from batchmark.results.gradients import GradientResult, Moment, ProbePoint, ProbeTrial
from batchmark.results.run import RunVariant
from batchmark.results.schema import DatasetFacts
from batchmark.training.data import Data, to_device
from batchmark.training.environment import describe
from batchmark.training.session import Session
from batchmark.training.summaries import layer_norms

IMAGES_PER_CALL = 50_000


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
    return GradientResult(
        variant=RunVariant(id=variant.id, hyperparameters=variant.hyperparameters.model_dump()),
        machine=request.machine,
        device=request.device,
        dataset=dataset.facts,
        environment=describe(request.device, request.budget.deterministic),
        trials=[
            _trial(request, data, dataset.facts, seed)
            for seed in range(first, first + request.trials)
        ],
    )


def moments(epochs: float) -> list[tuple[Moment, float]]:
    """When to probe, in epochs. A budget of one epoch or less has no moment of its own after it."""
    between: list[tuple[Moment, float]] = [("first_epoch", 1.0)] if epochs > 1 else []
    return [("initial", 0.0), *between, ("final", epochs)]


def _trial(request: ProbeRequest, data: Data, facts: DatasetFacts, seed: int) -> ProbeTrial:
    budget = request.budget
    if facts.is_sample:
        budget = budget.on_sample(len(data.train), request.variant.hyperparameters.train_size)
    try:
        session = Session.open(
            request.variant.hyperparameters, data, seed, compiled=request.device == "gpu"
        )
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
    random = np.random.default_rng([session.batches.seed, session.step])
    images = len(session.data.train)

    def gradient(indices: NDArray[np.integer]) -> gradients.Vector:
        return _flat(session.gradients(indices))

    full = gradients.full_gradient(gradient, images, random)
    if not np.isfinite(full.gradient).all():
        return None
    norms = layer_norms(session.model, _unflat(full.gradient, session))
    return ProbePoint(
        moment=moment,
        epoch=session.step / session.steps_per_epoch,
        full_size=images,
        full_squared_norm=float(full.gradient @ full.gradient),
        layer_norms={layer: norm for layer, norm in norms.items() if norm is not None},
        magnitude_quantiles=gradients.magnitude_quantiles(full.gradient),
        batches=[
            gradients.probe_batch_size(gradient, full, size, request.draws, random)
            for size in request.batch_sizes
            if size < images
        ],
    )


def _train_until(session: Session, step: int) -> None:
    longest = max(1, IMAGES_PER_CALL // session.batches.batch_size)
    while session.step < step:
        session.train(min(longest, step - session.step))


def _flat(arrays: list[NDArray[np.float32]]) -> gradients.Vector:
    return np.concatenate([array.ravel() for array in arrays]).astype(np.float64)


def _unflat(flat: gradients.Vector, session: Session) -> list[gradients.Vector]:
    """The parts of a flat gradient in the shapes of the model's trainable variables."""
    shapes = [tuple(variable.shape) for variable in session.model.trainable_variables]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    parts = np.split(flat, ends[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
