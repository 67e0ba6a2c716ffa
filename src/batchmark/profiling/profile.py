"""Tracing the training steps of a study's variants, with TensorFlow's own profiler."""

import sys
import tempfile
import time
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import keras
import tensorflow as tf

from batchmark.contract.devices import KINDS
from batchmark.contract.errors import UserError, scrubbed
from batchmark.contract.profile import PartOfStep, ProfileResult, StepProfile
from batchmark.contract.requests.message import Variant
from batchmark.contract.requests.profile import ProfileRequest
from batchmark.dataset.arrays import Dataset
from batchmark.profiling import trace
from batchmark.profiling.trace import Names, Place
from batchmark.training.data import Data, to_device
from batchmark.training.environment import describe
from batchmark.training.session import Session, batch_size, training_images

# Speed does not depend on the rate; a small one keeps losses finite.
LEARNING_RATE = 1e-5
TRACE_SECONDS = 0.2
FEWEST_STEPS = 3
# The shortest counts: what made another one longer was not the step.
TRACES = 3


def profile(request: ProfileRequest, dataset: Dataset, threads: int) -> ProfileResult:
    """Trace every variant of the request; one that cannot be has a message instead."""
    data = to_device(dataset)
    return ProfileResult(
        study=request.study,
        machine=request.machine,
        device=request.device,
        dataset=dataset.facts,
        environment=describe(request.device, deterministic=False),
        threads=threads,
        profiles=[_attempt(request, variant, data) for variant in request.variants],
    )


def _attempt(request: ProfileRequest, variant: Variant, data: Data) -> StepProfile:
    kind = KINDS[request.device]
    if kind.compiled:
        message = f"not profiled: XLA compiles a step on the {kind.name} to one operation"
        return StepProfile(variant=variant.id, message=message)
    try:
        return _profile(variant, data)
    except (Exception, SystemExit) as error:  # somebody's model, or a profiler that is missing
        print(f"{variant.id} is not profiled: {error}", file=sys.stderr)
        return StepProfile(variant=variant.id, message=f"not profiled: {_public_reason(error)}")


def _public_reason(error: BaseException) -> str:
    """For the record, which is published: nothing that somebody else's code may say."""
    if isinstance(error, UserError) and error.__cause__ is None:
        return scrubbed(str(error)).rstrip(".")
    kind = type(error.__cause__ or error).__name__
    return f"it ended with {kind}, whose words are in the log of the profile"


def _profile(variant: Variant, data: Data) -> StepProfile:
    chosen, images = variant.hyperparameters, len(training_images(variant.hyperparameters, data))
    if (size := batch_size(chosen, images)) > images:
        raise UserError(f"batch size {size} exceeds {images} training images.")
    session = Session.open(chosen, data, seed=0, learning_rate=LEARNING_RATE)
    steps = _steps(session)
    plain, traced = [], []
    for _ in range(TRACES):
        plain.append(_seconds(session, steps))
        traced.append(_traced(session, steps))
    spent = min(traced, key=lambda each: sum(each.values()))
    parts = [
        PartOfStep(part=part, layer=layer, products=products, seconds=time / steps / 1e12)
        for (part, layer, products), time in spent.items()
    ]
    return StepProfile(
        variant=variant.id,
        batch_size=session.batches.batch_size,
        steps=steps,
        seconds_per_step=min(plain) / steps,
        traced_seconds_per_step=sum(part.seconds for part in parts),
        parts=parts,
    )


def _steps(session: Session) -> int:
    """How many make a trace, after as many: TensorFlow learns which operations are short."""
    session.train(1)
    step = _seconds(session, FEWEST_STEPS) / FEWEST_STEPS
    steps = max(FEWEST_STEPS, ceil(TRACE_SECONDS / step))
    session.train(steps)
    return steps


def _seconds(session: Session, steps: int) -> float:
    begun = time.perf_counter()
    session.train(steps)
    return time.perf_counter() - begun


def _traced(session: Session, steps: int) -> dict[Place, int]:
    """Picoseconds by place. Raises UserError where the profiler records no part of a step."""
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            session.train(steps)
        operations = [
            operation
            for file in Path(folder).glob("**/*.xplane.pb")
            for operation in trace.read(file)
        ]
    names = _names(session)
    if not any(names.part(operation) for operation in operations):
        raise UserError("TensorFlow's profiler recorded no operation of a step.")
    return trace.times(operations, names)


def _names(session: Session) -> Names:
    optimizers = [session.optimizer, getattr(session.optimizer, "inner_optimizer", None)]
    return Names(
        layers=frozenset(layer.name for layer in _leaves(session.model)),
        optimizers=frozenset(each.name for each in optimizers if each is not None),
    )


def _leaves(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """The layers of a model that hold no others."""
    inner = getattr(layer, "layers", [])
    for each in inner:
        yield from _leaves(each)
    if not inner:
        yield layer
