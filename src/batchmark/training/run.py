"""One run: all trials of one variant on one device, the choice of a tuned rate included."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from batchmark.contract.devices import KINDS
from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.record import DatasetFacts, ResultWarning
from batchmark.contract.requests.budget import Budget as BudgetRequest
from batchmark.contract.requests.message import RecordedVariant
from batchmark.contract.requests.train import TrainRequest, TuningGrid, rungs
from batchmark.contract.run import (
    ACCURACY_IMAGES,
    Budget,
    Evaluations,
    Race,
    RunResult,
    Trial,
    TrialClock,
    Tuning,
)
from batchmark.dataset.arrays import Dataset
from batchmark.training import plugins
from batchmark.training.data import Data, to_device
from batchmark.training.environment import decisive, describe
from batchmark.training.kernels.session import kind_of_session
from batchmark.training.model import build_model
from batchmark.training.racing import goes_on, reading
from batchmark.training.session import Session, batch_size, training_images
from batchmark.training.trial import UNSCORED, Checkpoint, Schedule, key_of, run_trial, start

Train = Callable[[float], Trial]


def learning_rates(grid: TuningGrid) -> list[float]:
    """Evenly spaced on a log scale, both ends included, six significant digits."""
    return [float(f"{rate:.6g}") for rate in np.geomspace(grid.low, grid.high, grid.points)]


def tune(grid: TuningGrid, epochs: float, train: Callable[[float, float], Trial]) -> Tuning:
    """Choose the rate of the best validation accuracy by successive halving.

    Every rate trains a quarter of `epochs`, the better half of them a half, the better quarter all
    of it (Jamieson & Talwalkar 2016, algorithm 1). `train(rate, epochs)` may go on from fewer. A
    tie goes to the smaller rate. `on_border` says that the best rate may lie outside the grid.
    """
    rates = learning_rates(grid)
    accuracies, trained, left = dict.fromkeys(rates, 0.0), dict.fromkeys(rates, 0.0), rates
    for survivors, share in rungs(len(rates)):
        # At first all accuracies are 0, and the order is the rates' own.
        left = sorted(left, key=lambda rate: (-accuracies[rate], rate))[:survivors]
        for rate in left:
            trained[rate] = epochs * share
            accuracies[rate] = _best_accuracy(train(rate, trained[rate]))
    chosen = min(left, key=lambda rate: (-accuracies[rate], rate))
    return Tuning(
        seed=grid.seed,
        epochs=epochs,
        learning_rates=rates,
        trained_epochs=[trained[rate] for rate in rates],
        validation_accuracies=[accuracies[rate] for rate in rates],
        chosen=chosen,
        on_border=chosen in (rates[0], rates[-1]),
    )


def _best_accuracy(trial: Trial) -> float:
    """0 for a trial that diverged: a rate that cannot finish is not to be chosen."""
    accuracies = [one for one in trial.evaluations.validation_accuracy if one is not None]
    return 0.0 if trial.status == "diverged" else max(accuracies)


# Shares that sum to 1 by chance do so on a few images, not on a hundred.
IMAGES = 100
# 1/255 and 1/127.5 are far below, an intended doubling or halving is above.
SMALL_SCALE = 0.1


def find_warnings(session: Session) -> list[ResultWarning]:
    """At most one a kind."""
    return [*_softmax(session), *_rescaling(session.model), *_hidden_state(session)]


def _softmax(session: Session) -> Iterator[ResultWarning]:
    """Outputs that are shares of 1 for every image."""
    outputs = session.logits(session.data.train.first(IMAGES))
    if outputs.min() >= 0 and np.allclose(outputs.sum(axis=1), 1, atol=1e-2):
        text = (
            "The model's outputs are probabilities and are trained as if they were logits, which "
            "is slow: leave out its softmax."
        )
        yield ResultWarning(code="softmax_outputs", text=text)


def _rescaling(model: keras.Model) -> Iterator[ResultWarning]:
    """A layer that would bring 0 to 255 to the range that pixels have already."""
    scales = [layer.scale for layer in _layers(model) if isinstance(layer, keras.layers.Rescaling)]
    small = [scale for scale in scales if np.max(np.abs(scale)) < SMALL_SCALE]
    if small:
        text = (
            f"The model multiplies its input by {np.max(small[0]):.3g} (Rescaling), but pixels "
            "arrive in 0 to 1: leave that layer out."
        )
        yield ResultWarning(code="rescaled_pixels", text=text)


def _hidden_state(session: Session) -> Iterator[ResultWarning]:
    """Random numbers that neither a seed nor a checkpoint determines."""
    if session.has_hidden_state():
        text = (
            "The model draws random numbers from a state outside of it (tf.random, or keras.random "
            "without a seed), so no trial can be repeated or resumed exactly: give the layer a "
            "keras.random.SeedGenerator of its own."
        )
        yield ResultWarning(code="hidden_state", text=text)


def _same_start(session: Session, seeds: Sequence[int]) -> Iterator[ResultWarning]:
    """Seeds that change no initial weight; the session is left at the second."""
    starts = []
    for seed in seeds[:2]:
        session.restart(seed)
        starts.append([variable.numpy() for variable in session.model.trainable_variables])
    if len(starts) == 2 and all(map(np.array_equal, *starts)):
        text = (
            "Every trial starts from the same weights, so the spread between trials is too small: "
            "the model sets a seed itself, or its initializers draw nothing."
        )
        yield ResultWarning(code="same_start", text=text)


def _layers(layer: Any) -> Iterator[Any]:
    """The layer and all those inside."""
    yield layer
    for inner in getattr(layer, "layers", ()):
        yield from _layers(inner)


@dataclass(frozen=True)
class Scratch:
    """Where checkpoints go, and how many seconds of training a killed run may lose."""

    folder: Path
    seconds: float


@dataclass(frozen=True)
class Setting:
    """What all trials of a run share."""

    request: TrainRequest
    facts: DatasetFacts
    data: Data
    environment: dict[str, Any]
    scratch: Scratch

    @property
    def hyperparameters(self) -> Hyperparameters:
        """The variant's."""
        return self.request.variant.hyperparameters

    @property
    def seeds(self) -> range:
        """One a trial."""
        first = self.request.budget.first_seed
        return range(first, first + self.request.budget.trials)

    @property
    def test_size(self) -> int | None:
        """The number of test images that are scored, where not all are asked for."""
        return None if self.request.budget.test_images is None else len(self.data.test)

    def schedule(self, epochs: float) -> Schedule:
        """`epochs` of this dataset; those of the sample are short, so it is given more."""
        budget = self.request.budget.model_copy(update={"epochs": epochs})
        if self.facts.is_sample:
            budget = budget.on_sample(len(self.data.train), self.hyperparameters.train_size)
        return Schedule(
            budget.epochs,
            budget.evaluate_every,
            budget.evaluate_finely,
            budget.not_learning_after,
            train_images=min(ACCURACY_IMAGES, self.test_size or ACCURACY_IMAGES),
        )

    @property
    def race(self) -> Race | None:
        """How seeds are added to those of the budget, if they are."""
        asked, trials = self.request.racing, self.request.budget.trials
        targets = asked.targets.get(self.facts.name) if asked else None
        if asked is None or not targets:
            return None
        return Race(
            trials=trials,
            trials_at_most=asked.trials_at_most,
            precision=asked.precision,
            targets=sorted(targets),
        )


def _scored(data: Data, budget: BudgetRequest) -> Data:
    """With as many validation and test images as the budget asks for."""
    if budget.validation_images is not None:
        data = replace(data, validation=data.validation.first(budget.validation_images))
    if budget.test_images is not None:
        data = replace(data, test=data.test.first(budget.test_images))
    return data


class Sessions:
    """The sessions of a run, whose graphs are traced once: one, unless its code is somebody's.

    That may have put the learning rate into the graph, so there is one a rate.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._opened: dict[float | None, Session] = {}
        self._begun: tuple[int, float | None] | None = None

    def begin(self, seed: int, rate: float | None) -> Session:
        """The one for a rate, at the start of the trial of this seed; None: the variant's rate."""
        own = self._setting.hyperparameters.own
        key, begun = rate if own else None, (seed, rate)
        if key not in self._opened:
            self._opened[key], self._begun = _open(self._setting, seed, rate), begun
        session = self._opened[key]
        # Somebody's own code may change what it was opened with before it has trained.
        if own or session.step or self._begun != begun:
            session.restart(seed, rate)
        self._begun = begun
        return session


def _open(setting: Setting, seed: int, rate: float | None) -> Session:
    chosen, compiled = setting.hyperparameters, KINDS[setting.request.device].compiled
    kind = kind_of_session(chosen, setting.data, compiled)
    session = kind.open(chosen, setting.data, seed, learning_rate=rate, compiled=compiled)
    # A fault of the user's code is told before anything is trained.
    session.trace()
    return session


def run(request: TrainRequest, dataset: Dataset, scratch: Scratch) -> RunResult:
    """Train all trials of the request's variant.

    Raises UserError naming the variant when its model, optimizer or data cannot be used, when
    memory runs out or TensorFlow fails in a step.
    """
    if request.budget.deterministic and KINDS[request.device].cards:
        tf.config.experimental.enable_op_determinism()
    chosen, compiled = request.variant.hyperparameters, KINDS[request.device].compiled
    environment = describe(request.device, request.budget.deterministic)
    try:
        data = to_device(dataset)
        data = _scored(data, request.budget)
        environment |= kind_of_session(chosen, data, compiled).recorded
        return _run(Setting(request, dataset.facts, data, environment, scratch))
    except UserError as error:
        raise UserError(f"variant {request.variant.id}: {error}") from error
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise UserError(
            f"variant {request.variant.id}: out of memory; choose a smaller batch_size or model."
        ) from error
    except tf.errors.OpError as error:
        raise UserError(
            f"variant {request.variant.id}: training fails ({plugins.reason(error)})."
        ) from error


def _run(setting: Setting) -> RunResult:
    train_size = len(training_images(setting.hyperparameters, setting.data))
    # A grid may ask for batches that a small training set lacks: recorded, not refused.
    possible = batch_size(setting.hyperparameters, train_size) <= train_size
    sessions = Sessions(setting)
    tuning = _tune(setting, sessions) if possible else None
    rate = tuning.chosen if tuning else None
    trials, warnings, model = _trials(setting, sessions, rate) if possible else _oversized(setting)
    return RunResult(
        variant=RecordedVariant(
            id=setting.request.variant.id, hyperparameters=setting.hyperparameters
        ),
        machine=setting.request.machine,
        device=setting.request.device,
        dataset=setting.facts,
        budget=_budget(setting, train_size, model.count_params()),
        environment=setting.environment,
        tuning=tuning,
        race=setting.race if possible else None,
        trials=trials,
        warnings=warnings,
    )


def _budget(setting: Setting, train_size: int, parameters: int) -> Budget:
    schedule = setting.schedule(setting.request.budget.epochs)
    size = batch_size(setting.hyperparameters, train_size)
    per_epoch = train_size // size * size
    return Budget(
        epochs=schedule.epochs,
        evaluate_every=schedule.evaluate_every or per_epoch,
        evaluate_finely=schedule.evaluate_finely,
        steps_per_epoch=train_size // size,
        examples_per_epoch=per_epoch,
        train_size=train_size,
        batch_size=size,
        validation_size=len(setting.data.validation),
        test_size=setting.test_size,
        not_learning_after=schedule.not_learning_after,
        parameters=parameters,
    )


def _tune(setting: Setting, sessions: Sessions) -> Tuning | None:
    """The choice of the learning rate, if the variant leaves it to the run."""
    grid = setting.request.tuning
    if setting.hyperparameters.learning_rate != "tuned":
        return None
    if grid is None:
        raise UserError("learning_rate 'tuned' needs a tuning grid in the configuration.")

    def train(rate: float, epochs: float) -> Trial:
        session = sessions.begin(grid.seed, rate)
        return _train(setting, replace(whole, epochs=epochs), session, f"tuning-{rate:g}")

    # Evaluated at its end alone; the sample has been given its epochs.
    whole = replace(
        setting.schedule(grid.epochs),
        evaluate_every=sys.maxsize,
        evaluate_finely=None,
        scored=False,
    )
    return tune(grid, whole.epochs, train)


def _trials(
    setting: Setting, sessions: Sessions, rate: float | None
) -> tuple[list[Trial], list[ResultWarning], keras.Model]:
    """All trials in one session, whose graphs are traced once; what to say of it; its model."""
    schedule = setting.schedule(setting.request.budget.epochs)
    session = sessions.begin(setting.seeds[0], rate)
    fewer = _fewer_images(setting.hyperparameters.train_size, len(setting.data.train))
    warnings = [*fewer, *_own_warnings(setting, session)]
    for warning in warnings:
        print(f"warning: {warning.text}", file=sys.stderr)
    trials: list[Trial] = []
    for seed in setting.seeds:
        sessions.begin(seed, rate)
        trials.append(_train(setting, schedule, session, f"trial-{seed}"))
    if race := setting.race:
        until = replace(schedule, targets=tuple(race.targets), scored=False)
        trials = _raced(setting, until, session, trials)
    return trials, warnings, session.model


def _own_warnings(setting: Setting, session: Session) -> Iterator[ResultWarning]:
    """Of faults that own code alone may have."""
    own = setting.hyperparameters.own
    if own:
        yield from find_warnings(session)
    if setting.hyperparameters.model in own:
        yield from _same_start(session, setting.seeds)


def _raced(
    setting: Setting, schedule: Schedule, session: Session, trials: list[Trial]
) -> list[Trial]:
    """The trials and those that are added until the epochs to all of their targets are known."""
    # What a killed run had added comes back from checkpoints, so that the same is decided again.
    race, first = setting.race, setting.seeds[0]
    while race and any(_goes_on(trials, target, race) for target in schedule.targets):
        seed = first + len(trials)
        session.restart(seed)
        trials = [*trials, _train(setting, schedule, session, f"trial-{seed}")]
    return trials


def _goes_on(trials: list[Trial], target: float, race: Race) -> bool:
    readings = [reading(trial.evaluations, target) for trial in trials]
    return goes_on(readings, race.trials, race.trials_at_most, race.precision)


def _train(setting: Setting, schedule: Schedule, session: Session, label: str) -> Trial:
    """One trial from its checkpoint, if there is one, to the end of its schedule."""
    key = _checkpoint_key(setting, schedule, session)
    checkpoint = Checkpoint(setting.scratch.folder / f"{label}.npz", key, setting.scratch.seconds)
    progress = checkpoint.load(session, schedule) or start(session, schedule)
    return run_trial(session, schedule, progress, checkpoint.save, label)


def _fewer_images(wanted: int | Literal["full"], there: int) -> Iterator[ResultWarning]:
    """A train_size that the data do not have."""
    if wanted != "full" and wanted > there:
        text = f"train_size is {wanted}, but there are only {there} training images."
        yield ResultWarning(code="fewer_images", text=text)


def _checkpoint_key(setting: Setting, schedule: Schedule, session: Session) -> str:
    """Everything the state after a given step depends on, and for what it is evaluated.

    Not how long it trains, nor when it is evaluated: see `Checkpoint.load`.
    """
    return key_of(
        {
            "hyperparameters": setting.hyperparameters.changed(),
            "learning_rate": session.learning_rate,
            "seed": session.batches.seed,
            "data": setting.facts.digest,
            "device": setting.request.device,
            "environment": decisive(setting.environment),
            "targets": schedule.targets,
            "validation": len(session.data.validation),
            "sources": setting.request.sources,
        }
    )


def _oversized(setting: Setting) -> tuple[list[Trial], list[ResultWarning], keras.Model]:
    """The record of a batch size that exceeds the training set: nothing to train."""
    data = setting.data
    model = build_model(setting.hyperparameters, data.image_shape, data.classes, setting.seeds[0])
    empty: dict[str, list] = {name: [] for name in Evaluations.model_fields}
    trial = Trial(
        seed=0,
        status="oversized",
        message="the batch size exceeds the number of training images",
        learning_rate=None,
        evaluations=Evaluations(**empty),
        clock=TrialClock(started="", seconds=0.0),
        **UNSCORED,
    )
    return [trial.model_copy(update={"seed": seed}) for seed in setting.seeds], [], model
