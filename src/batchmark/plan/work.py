"""The work of a job, and what it costs: calibrated for the forecast, assumed for a reservation."""

import itertools
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from batchmark.contract.calibration import Calibration
from batchmark.contract.hyperparameters import MODELS, Hyperparameters, Model
from batchmark.contract.requests.budget import MNIST_TRAINING_IMAGES, Budget
from batchmark.contract.requests.train import Racing, rungs
from batchmark.plan.schema import ProbingConfig, TimingConfig, TuningConfig
from batchmark.training.kernels.choice import serves
from batchmark.training.racing import FEWEST, student_quantile

# A trial is evaluated before its first step and, on test images, at its end.
_EVALUATIONS_BESIDE = 2
# Where seeds are added: the spread of the log epochs to the target, the share of the budget until
# it is confirmed, and the share of the validation images that are scored until then.
_SPREAD, _CONFIRMED, _SCORED = 0.15, 0.5, 0.4
# Gradients are drawn at the start, in the middle and at the end of training.
_MOMENTS = 3
# Gradients of multiples of so many images are means of parts of the whole one, see probing.probe.
_PROBED_TOGETHER = 500
# A round of a timing session visits the baseline so often for the A/A control and the ratios.
_BASELINE_VISITS = 4
# A timed graph is traced to be timed, and again, but not compiled, to count its operations.
_GRAPHS_A_SUBJECT = 1.5
# Visits begin with steps that are not counted.
_WARMING_UP = 1.1
# A profile trains for so long, and so many steps: warming up, then without and with traces.
_PROFILE_SECONDS, _PROFILE_STEPS = 1.5, 25
# n cores take n**-0.7 of the time of one for a step: small batches leave some of them idle.
_SPEED_UP = 0.7


@dataclass(frozen=True)
class DataSize:
    """The numbers of training and validation images, and whether they are the embedded sample's."""

    images: int
    validation: int
    is_sample: bool = False


# Own images, whose sides are not known beforehand, are counted as if they were as large.
MNIST_SHAPE = (28, 28, 1)
MNIST_SIZE = DataSize(MNIST_TRAINING_IMAGES, 10_000)


@dataclass(frozen=True)
class Load:
    """What a training job does. Images and steps count in those of LeNet-5.

    `kernels`: trained and evaluated by them. `drawn`: images of gradients, which never are.
    """

    images: float
    steps: float
    evaluated: float
    kernels: bool = False
    drawn: float = 0.0

    def seconds(self, rates: Calibration) -> float:
        """Expected seconds of one process that does all of it."""
        costs = (rates.image, rates.step, rates.evaluated_image)
        if self.kernels:
            costs = (rates.kernel_image, rates.kernel_step, rates.kernel_evaluated_image)
        work = zip((self.images, self.steps, self.evaluated), costs, strict=True)
        seconds = sum(count * cost for count, cost in work) + self.drawn * rates.image
        return rates.startup + rates.graph + seconds


def run_load(
    chosen: Hyperparameters,
    budget: Budget,
    tuning: TuningConfig,
    data: DataSize = MNIST_SIZE,
    racing: Racing | None = None,
) -> Load:
    """All trials of a variant, the seeds it is expected to add, and the choice of its rate."""
    batch_size, used = batch_and_images(chosen, data.images)
    given = budget.on_sample(data.images, chosen.train_size) if data.is_sample else budget
    tuned = tuned_epochs(tuning) if chosen.learning_rate == "tuned" else 0.0
    added = expected_trials(given.trials, racing) - given.trials
    raced = added * _CONFIRMED * given.epochs * used
    complete = given.trials * given.epochs * used
    images = complete + raced + tuned * given.epochs / budget.epochs * used
    scored = (complete + _SCORED * raced) / _interval(given, used)
    evaluations = scored + _EVALUATIONS_BESIDE * given.trials + (tuned and _choices(tuning))
    model = _model_cost(chosen)
    return Load(
        images * model.image,
        images / batch_size * model.step,
        evaluations * data.validation * model.image,
        serves(chosen, MNIST_SHAPE),
    )


def tuned_epochs(tuning: TuningConfig) -> float:
    """Epochs that all rates together train, each going on from where the rung before left it."""
    shares = [0.0, *(share for _, share in rungs(tuning.points))]
    steps = zip(rungs(tuning.points), shares, strict=False)
    return tuning.epochs * sum(rates * (share - before) for (rates, share), before in steps)


def _choices(tuning: TuningConfig) -> int:
    """Evaluations of the tuning: a rate has one at the end of each of its rungs."""
    return sum(rates for rates, _ in rungs(tuning.points))


def expected_trials(trials: int, racing: Racing | None) -> int:
    """Seeds that a run ends with where their spread is the usual one, see `training.racing`."""
    if racing is None:
        return trials
    # The fewest seeds whose interval is narrow enough: half of it is t s / sqrt(n).
    needed = next(
        seeds
        for seeds in itertools.count(FEWEST)
        if student_quantile(seeds - 1) * _SPREAD / math.sqrt(seeds) <= math.log1p(racing.precision)
    )
    return min(racing.trials_at_most, max(trials, needed + 1))


def _interval(budget: Budget, epoch: int) -> float:
    """Training images between two evaluations, on average over the budget's epochs."""
    fine = budget.evaluate_every or epoch
    share = min(1.0, (budget.evaluate_finely or budget.epochs) / budget.epochs)
    return 1 / (share / fine + (1 - share) / max(epoch, fine))


def probe_load(
    chosen: Hyperparameters,
    budget: Budget,
    tuning: TuningConfig,
    probing: ProbingConfig,
    data: DataSize = MNIST_SIZE,
) -> Load:
    """A run of as many trials as are probed, mini-batches and the whole gradient at each moment."""
    training = run_load(chosen, budget.model_copy(update={"trials": probing.trials}), tuning, data)
    passed = sum(size for size in probing.batch_sizes if size % _PROBED_TOGETHER)
    a_moment = probing.draws * passed + data.images
    drawn = _MOMENTS * probing.trials * a_moment * _model_cost(chosen).image
    return replace(training, drawn=drawn)


def session_seconds(
    subjects: Collection[Hyperparameters],
    timing: TimingConfig,
    rates: Calibration,
    data: DataSize = MNIST_SIZE,
) -> float:
    """A timing session: at each number of threads all subjects are traced and timed in rounds."""
    if data.is_sample and timing.sample_min_seconds:
        timing = timing.model_copy(update={"min_seconds": timing.sample_min_seconds})
    steps = [_step_seconds(subject, rates, data) for subject in subjects]
    a_round = sum(visit_seconds(timing, step) for step in steps)
    # Few machines are calm enough to know the ratios before the most rounds are made.
    most = max(timing.rounds, timing.rounds_at_most or 0)
    rounds = most * (a_round + _BASELINE_VISITS * timing.min_seconds) * _WARMING_UP
    tracing = len(steps) * rates.graph * _GRAPHS_A_SUBJECT
    # Another loop is another set of threads to the clock, in a process that starts meanwhile.
    rounds += len(timing.loops) / len(timing.threads) * (tracing + rounds)
    return len(timing.threads) * (rates.startup + tracing + rounds)


def profile_seconds(
    chosen: Collection[Hyperparameters], rates: Calibration, data: DataSize = MNIST_SIZE
) -> float:
    """Profiles in one process: a graph each, and training steps for a while."""
    steps = [_step_seconds(each, rates, data) for each in chosen]
    traced = sum(max(_PROFILE_SECONDS, _PROFILE_STEPS * step) for step in steps)
    return rates.startup + len(chosen) * rates.graph + traced


def visit_seconds(timing: TimingConfig, step_seconds: float) -> float:
    """How long a visit of a timing session takes when a step takes `step_seconds`."""
    steps = timing.min_steps * step_seconds
    most = max(timing.max_seconds, step_seconds) if timing.max_seconds else steps
    return max(timing.min_seconds, min(steps, most))


def _step_seconds(chosen: Hyperparameters, rates: Calibration, data: DataSize) -> float:
    """On all cores."""
    size, cost = batch_and_images(chosen, data.images)[0], _model_cost(chosen)
    return size * rates.image * cost.image / rates.cores**_SPEED_UP + rates.step * cost.step


def _model_cost(chosen: Hyperparameters) -> Model:
    """The row with the work of a model; an own one counts as LeNet-5."""
    return MODELS.get(chosen.model, MODELS["lenet5"])


def batch_and_images(chosen: Hyperparameters, available: int) -> tuple[int, int]:
    """Batch size and training images of a variant when the dataset has `available` images."""
    images = available if chosen.train_size == "full" else min(chosen.train_size, available)
    batch_size = images if chosen.batch_size == "full" else min(chosen.batch_size, images)
    return batch_size, images


# A slow core: 1,000 images a second, a tenth of a current one, and 6 ms a step beside them.
# Memory: Snakemake twice, TensorFlow and MNIST as floats. Starting has minutes of its own.
ASSUMED = Calibration(
    cores=1,
    startup=0.0,
    graph=10.0,
    image=1e-3,
    step=6e-3,
    evaluated_image=3e-4,
    kernel_image=1e-3,
    kernel_step=6e-3,
    kernel_evaluated_image=3e-4,
    report=0.0,
    memory_bytes=1_500_000_000,
)
# For Snakemake and TensorFlow to start from a network's file system that is busy.
_START_MINUTES = 10
# Activations and their gradients, with room for larger models than LeNet-5.
_MEGABYTES_PER_IMAGE = 0.3


@dataclass(frozen=True)
class Reservation:
    """Minutes and megabytes (10^6 bytes) of a job's first attempt."""

    minutes: int
    megabytes: int

    def runtime(self, attempt: int) -> int:
        """Minutes that the given attempt, counted from 1, may take."""
        return self.minutes * 2 ** (attempt - 1)

    def mem_mb(self, attempt: int) -> int:
        """Megabytes that the given attempt, counted from 1, may take."""
        return self.megabytes * 2 ** (attempt - 1)


def reservation(seconds: float, batch_sizes: Iterable[int]) -> Reservation:
    """For a job of `seconds` at the assumed rates with batches of these sizes."""
    return Reservation(
        minutes=_START_MINUTES + math.ceil(seconds / 60),
        megabytes=ASSUMED.memory_bytes // 10**6
        + math.ceil(_MEGABYTES_PER_IMAGE * max(batch_sizes)),
    )
