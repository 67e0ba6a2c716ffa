"""The closed schema of `config/config.yaml` and of the study files."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Epochs = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
Trials = Annotated[int, Field(ge=1, le=1000)]
Accuracy = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Threads = Annotated[int, Field(ge=1, le=4096)] | Literal["all"]


class Section(BaseModel):
    """A closed part of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())


class DatasetConfig(Section):
    """Where the data come from; see config/README.md."""

    name: Name = "mnist"
    path: str | None = None
    validation: Annotated[int, Field(ge=1)] | Accuracy | None = 10_000
    mirrors: list[str] = []
    fallback: Literal["sample", "none"] = "sample"
    connect_timeout: Seconds = 5.0
    read_timeout: Seconds = 30.0


class TrainingConfig(Section):
    """The budget of every run unless its study says otherwise."""

    epochs: Epochs = 5.0
    trials: Trials = 3
    first_seed: Seed = 0
    evaluate_every: Annotated[int, Field(ge=1)] | None = None
    not_learning_after: Epochs = 2.0
    checkpoint_seconds: Seconds = 60.0
    deterministic: bool = True
    sample_epochs_times: Epochs = 1.0


class TuningConfig(Section):
    """The log grid of `learning_rate: tuned`."""

    low: Rate = 1e-3
    high: Rate = 1.0
    points: Annotated[int, Field(ge=2, le=100)] = 9
    epochs: Epochs = 2.0
    seed: Seed = 1000

    @model_validator(mode="after")
    def _low_below_high(self) -> "TuningConfig":
        if self.low >= self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        return self


class TimingConfig(Section):
    """The protocol of the timing blocks."""

    rounds: Annotated[int, Field(ge=1, le=1000)] = 7
    min_seconds: Seconds = 0.3
    min_steps: Annotated[int, Field(ge=1, le=100_000)] = 20
    max_seconds: Seconds | None = None
    sample_min_seconds: Seconds | None = None
    threads: Annotated[list[Threads], Field(min_length=1)] = ["all"]
    seed: Seed = 0


class ProbingConfig(Section):
    """Gradient probes: how many mini-batches of which sizes, for how many seeds."""

    batch_sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] = [1, 10, 100]
    draws: Annotated[int, Field(ge=2, le=10_000)] = 30
    trials: Trials = 1


Targets = dict[Name, Annotated[list[Accuracy], Field(min_length=1)]]
Words = dict[Literal["en", "zh"], str]
Settings = dict[str, JsonValue]


class StudyBudget(Section):
    """What a study may set for itself; the sections above say what holds otherwise."""

    targets: Targets | None = None
    epochs: Epochs | None = None
    trials: Trials | None = None
    evaluate_every: Annotated[int, Field(ge=1)] | None = None
    not_learning_after: Epochs | None = None
    threads: Annotated[list[Threads], Field(min_length=1)] | None = None
    rounds: Annotated[int, Field(ge=1, le=1000)] | None = None
    min_seconds: Seconds | None = None
    min_steps: Annotated[int, Field(ge=1, le=100_000)] | None = None
    max_seconds: Seconds | None = None


class StudyConfig(StudyBudget):
    """One question, one file. `grids` is a union of Cartesian products over `settings`."""

    question: Words
    description: Words = {}
    settings: Settings = {}
    grids: Annotated[list[Settings], Field(min_length=1, max_length=1000)]
    exclude: list[Settings] = []
    baseline: Settings
    probe: list[Settings] = []
    published: bool = False


class StudyEntry(StudyBudget):
    """What a configuration may say of a study: another file, or overrides of its keys."""

    file: str | None = None
    question: Words | None = None
    description: Words | None = None
    settings: Settings | None = None
    grids: list[Settings] | None = None
    exclude: list[Settings] | None = None
    baseline: Settings | None = None
    probe: list[Settings] | None = None
    published: bool | None = None


class Config(Section):
    """The whole configuration, after overlays."""

    machine: Name = "local"
    scale: Name = "default"
    devices: Literal["auto"] | Annotated[list[Literal["cpu", "gpu"]], Field(min_length=1)] = "auto"
    dataset: DatasetConfig = DatasetConfig()
    targets: Targets
    training: TrainingConfig = TrainingConfig()
    tuning: TuningConfig = TuningConfig()
    timing: TimingConfig = TimingConfig()
    probing: ProbingConfig = ProbingConfig()
    publish: "PublishConfig | None" = None
    studies: dict[Name, StudyEntry | None]

    @model_validator(mode="after")
    def _targets_for_every_dataset(self) -> "Config":
        needed = {self.dataset.name} | ({"sample"} if self.dataset.fallback == "sample" else set())
        missing = sorted(needed - set(self.targets))
        if missing:
            raise ValueError(f"targets has no entry for the dataset {missing[0]!r}")
        return self


class PublishConfig(Section):
    """The branch of a git remote that `publish` adds the report to."""

    remote: str
    branch: str = "gh-pages"


Config.model_rebuild()
