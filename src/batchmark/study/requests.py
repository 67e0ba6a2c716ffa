"""What the workflow asks of each stage: closed, JSON, and nothing that a stage does not use.

A job is rerun when its request changes, so a request holds exactly what can change its result.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from batchmark.study.hyperparameters import Hyperparameters

Device = Literal["cpu", "gpu"]

MNIST_TRAINING_IMAGES = 50_000


class Request(BaseModel):
    """A closed, immutable message to a stage."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Variant(Request):
    """One hyperparameter setting and its id."""

    id: str
    hyperparameters: Hyperparameters


class DatasetRequest(Request):
    """Which data to get. `path` (npz or folder of IDX files) replaces the mirrors when set.

    `validation`: images split off the end of the training set. `fallback: sample` serves the
    embedded sample when no mirror can be had.
    """

    name: str
    path: str | None
    mirrors: list[str]
    fallback: Literal["sample", "none"]
    connect_timeout: float
    read_timeout: float
    validation: int | float | None


class Budget(Request):
    """How long a run trains. Units: epochs, trials, examples, seconds.

    `evaluate_every` None: once per epoch. `sample_epochs_times` is at most how many times as many
    epochs the embedded sample is given, see `on_sample`.
    """

    epochs: float
    trials: int
    first_seed: int
    evaluate_every: int | None
    not_learning_after: float
    sample_epochs_times: float
    deterministic: bool

    def on_sample(self, images: int, train_size: int | Literal["full"]) -> "Budget":
        """The budget when a sample of `images` training images serves.

        Its epochs are short where more images are asked for by `train_size`: there it is given
        more epochs, never more steps, and as many evaluations an epoch.
        """
        wanted = MNIST_TRAINING_IMAGES if train_size == "full" else train_size
        share, every = min(1.0, images / wanted), self.evaluate_every
        times = min(self.sample_epochs_times, 1 / share)
        return self.model_copy(
            update={
                "epochs": self.epochs * times,
                "not_learning_after": self.not_learning_after * times,
                "evaluate_every": None if every is None else max(1, round(every * share)),
            }
        )


class TuningGrid(Request):
    """The log grid of `learning_rate: tuned` and the budget of each of its points."""

    low: float
    high: float
    points: int
    epochs: float
    seed: int


class TrainRequest(Request):
    """All trials of one variant on one device."""

    variant: Variant
    machine: str
    device: Device
    budget: Budget
    tuning: TuningGrid | None


class TimingSubject(Request):
    """One training graph to time and the ids of the variants it stands for."""

    id: str
    hyperparameters: Hyperparameters
    variants: list[str]


class TimeRequest(Request):
    """One timing block. `threads`: 0 means all cores; `anchor` is a subject's id.

    `max_seconds`: how long `min_steps` may make a visit, None for any time. `sample_min_seconds`
    replaces `min_seconds` where the embedded sample serves, unless it is None.
    """

    study: str
    machine: str
    device: Device
    subjects: list[TimingSubject]
    anchor: str
    threads: list[int]
    rounds: int
    min_seconds: float
    min_steps: int
    max_seconds: float | None = None
    sample_min_seconds: float | None = None
    seed: int


class ProbeRequest(Request):
    """Gradient probes of one variant: `draws` mini-batches at each size, at three moments."""

    variant: Variant
    machine: str
    device: Device
    budget: Budget
    batch_sizes: list[int]
    draws: int
    trials: int


class CollectRequest(Request):
    """Which results belong to the plan. `studies` maps a study's name to its variants' ids.

    Results of other machines that lie beside are collected for the same variants.
    """

    machine: str
    devices: list[Device]
    studies: dict[str, list[str]]
    variants: list[Variant]
    probed: list[str]


class StudyForAnalysis(Request):
    """A study as the statistics see it. `baseline` is the id of a variant of the study.

    `settings` maps each variant's id to the values of the study's axes. `published` says that the
    study redoes the published table. `targets` are the study's own, by dataset, first the main one.
    """

    name: str
    baseline: str
    axes: list[str]
    settings: dict[str, dict[str, Any]]
    epochs: float
    trials: int
    published: bool
    targets: dict[str, list[float]] = {}


class AnalyzeRequest(Request):
    """Everything the statistics depend on. Targets are validation accuracies by dataset name.

    `targets[dataset][0]` is the main target; the others are for the sensitivity table.
    """

    scale: str
    machine: str
    targets: dict[str, list[float]]
    studies: list[StudyForAnalysis]
    variants: list[Variant]
    probed: list[str]


class StudyForReport(Request):
    """A study's words, by language ("en", "zh")."""

    name: str
    question: dict[str, str]
    description: dict[str, str]


class RenderRequest(Request):
    """Everything the page shows that is not a result. `lock_digest`: SHA-256 of the lock file."""

    scale: str
    machine: str
    studies: list[StudyForReport]
    config_files: list[str]
    config: dict[str, Any]
    lock_digest: str = ""
