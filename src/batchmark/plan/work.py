"""The work of a job, and what it costs: calibrated for the forecast, assumed for a reservation."""

import itertools
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from batchmark.contract.calibration import Calibration
from batchmark.contract.hyperparameters import MODELS, NORMALIZATIONS, Hyperparameters
from batchmark.contract.requests.budget import MNIST_TRAINING_IMAGES, Budget
from batchmark.contract.requests.train import Racing, rungs
from batchmark.contract.run import ACCURACY_IMAGES
from batchmark.plan.schema import ProbingConfig, TimingConfig, TuningConfig
from batchmark.training.kernels.choice import scores, serves
from batchmark.training.racing import FEWEST, student_quantile

# To copy the data and to build a model for every seed takes a tenth of TensorFlow's import.
_OPENING = 0.1
# Where seeds are added: the spread of the log epochs to the target, the share of the budget until
# it is confirmed, and the share of the validation images that are scored until then.
_SPREAD, _CONFIRMED, _SCORED = 0.15, 0.7, 0.4
# Of the runs that may add seeds so many do; the first seeds of the others miss the target.
_ARRIVING = 0.7
# A step of an optimizer that keeps more than one number a weight, beside its images.
_ADAPTIVE = 1.8
# Gradients are drawn at the start, after an epoch and at the end of training.
_MOMENTS = 3
# Gradients of multiples of so many images are means of parts of the whole one, see probing.probe.
_PROBED_TOGETHER = 500
# A round of a timing session visits the baseline so often for the A/A control and the ratios.
_BASELINE_VISITS = 4
# A session's processes are forks that read the data; it tells how fast matrices are multiplied.
_STARTS_A_SESSION = 0.3
# A timed graph is built in two processes and once more to count its operations, some at once, and
# its visits are tried out.
_GRAPHS_A_SUBJECT = 2.0
# Another loop is built in one process and takes longer to begin and for a step: as two more
# numbers of threads.
_THREADS_A_LOOP = 2
# Visits begin with steps that are not counted, are longer than asked and sometimes repeated; and
# some 20 ms lie between two.
_WARMING_UP, _BETWEEN_VISITS = 1.4, 0.02
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
    """What a training job does, in counts of LeNet-5.

    `kernels` train it, or only have its `scores`.
    """

    images: float
    steps: float
    evaluated: float
    kernels: bool = False
    scores: bool = False

    def seconds(self, rates: Calibration) -> float:
        """Expected seconds of one process that does all of it."""
        image, step = rates.image, rates.step
        if self.kernels:
            image, step = rates.kernel_image, rates.kernel_step
        scored = rates.kernel_evaluated_image if self.scores else rates.evaluated_image
        begun = rates.job + _OPENING * rates.startup + rates.graph
        return begun + self.images * image + self.steps * step + self.evaluated * scored


@dataclass(frozen=True)
class Race:
    """How seeds are added, and the epochs of the longest study that adds them."""

    racing: Racing
    longest: float

    def epochs(self, trials: int) -> float:
        """Expected of all seeds beyond the first `trials`."""
        added = expected_trials(trials, self.racing) - trials
        return _ARRIVING * added * _CONFIRMED * self.longest


def run_load(
    chosen: Hyperparameters,
    budget: Budget,
    tuning: TuningConfig,
    data: DataSize = MNIST_SIZE,
    race: Race | None = None,
) -> Load:
    """All trials of a variant, the seeds it is expected to add, and the choice of its rate."""
    batch_size, used = batch_and_images(chosen, data.images)
    given = budget.on_sample(data.images, chosen.train_size) if data.is_sample else budget
    tuned = tuned_epochs(tuning) if chosen.learning_rate == "tuned" else 0.0
    longer = given.epochs / budget.epochs
    raced = race.epochs(given.trials) * longer * used if race else 0.0
    complete = given.trials * given.epochs * used
    images = complete + raced + tuned * longer * used
    scored = (complete + _SCORED * raced) / _interval(given, used)
    images_scored = min(data.validation, given.validation_images or data.validation)
    evaluations = scored + (tuned and _choices(tuning))
    # All test images, counted as if they were as many as those of validation, and training ones.
    tested = min(data.validation, given.test_images or data.validation)
    judged = min(used, ACCURACY_IMAGES, given.test_images or ACCURACY_IMAGES)
    image, step = _work(chosen)
    return Load(
        images * image,
        images / batch_size * step,
        (evaluations * images_scored + given.trials * (tested + judged)) * image,
        serves(chosen, MNIST_SHAPE),
        scores(chosen, MNIST_SHAPE),
    )


def tuned_epochs(tuning: TuningConfig) -> float:
    """Epochs that all rates together train, each going on from where the rung before left it."""
    shares = [0.0, *(share for _, share in rungs(tuning.points))]
    steps = zip(rungs(tuning.points), shares, strict=False)
    return tuning.epochs * sum(rates * (share - before) for (rates, share), before in steps)


def _choices(tuning: TuningConfig) -> int:
    """Evaluations of the tuning: a rate has one at the end of each of its rungs."""
    return sum(rates for rates, _ in rungs(tuning.points))


def expected_trials(trials: int, racing: Racing) -> int:
    """Seeds that a run ends with where their spread is the usual one, see `training.racing`."""
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
    moments = _MOMENTS if budget.epochs > 1 else _MOMENTS - 1
    drawn = moments * probing.trials * a_moment * _work(chosen)[0]
    return replace(training, images=training.images + drawn, evaluated=0)


def session_seconds(
    subjects: Collection[Hyperparameters],
    timing: TimingConfig,
    rates: Calibration,
    data: DataSize = MNIST_SIZE,
) -> float:
    """A timing session: at each number of threads, in each loop, all are traced and timed."""
    if data.is_sample and timing.sample_min_seconds:
        timing = timing.model_copy(update={"min_seconds": timing.sample_min_seconds})
    visits = [visit_seconds(timing, _step_seconds(each, rates, data)) for each in subjects]
    settings = len(timing.threads) + _THREADS_A_LOOP * len(timing.loops)
    a_round = settings * sum(visits) + _BASELINE_VISITS * timing.min_seconds
    number = settings * len(visits) + _BASELINE_VISITS
    # Few machines are calm enough to know the ratios before the most rounds are made.
    most = max(timing.rounds, timing.rounds_at_most or 0)
    rounds = most * (_WARMING_UP * a_round + _BETWEEN_VISITS * number)
    tracing = settings * len(visits) * rates.graph * _GRAPHS_A_SUBJECT
    return _STARTS_A_SESSION * rates.startup + tracing + rounds


def profile_seconds(
    chosen: Collection[Hyperparameters], rates: Calibration, data: DataSize = MNIST_SIZE
) -> float:
    """Profiles in one fork: a graph each, and training steps for a while."""
    steps = [_step_seconds(each, rates, data) for each in chosen]
    traced = sum(max(_PROFILE_SECONDS, _PROFILE_STEPS * step) for step in steps)
    begun = rates.job + _OPENING * rates.startup
    return begun + len(chosen) * rates.graph + traced


def visit_seconds(timing: TimingConfig, step_seconds: float) -> float:
    """How long a visit of a timing session takes when a step takes `step_seconds`."""
    steps = timing.min_steps * step_seconds
    most = max(timing.max_seconds, step_seconds) if timing.max_seconds else steps
    return max(timing.min_seconds, min(steps, most))


def _step_seconds(chosen: Hyperparameters, rates: Calibration, data: DataSize) -> float:
    """On all cores."""
    size, (image, step) = batch_and_images(chosen, data.images)[0], _work(chosen)
    return size * rates.image * image / rates.cores**_SPEED_UP + rates.step * step


def _work(chosen: Hyperparameters) -> tuple[float, float]:
    """Of a training image and of a step beside its images, in those of LeNet-5 under SGD.

    An own model counts as LeNet-5.
    """
    model = MODELS.get(chosen.model, MODELS["lenet5"])
    adaptive = 1.0 if chosen.optimizer == "sgd" else _ADAPTIVE
    return model.image * NORMALIZATIONS[chosen.normalization].image, model.step * adaptive


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
    job=0.0,
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
