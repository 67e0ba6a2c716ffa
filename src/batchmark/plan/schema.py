"""The closed schema of the configuration and the study files, and what contradicts itself in it.

`python -m batchmark.plan.schema` writes it for editors: `config/schema.json` and that of a study.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    create_model,
)
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import TypeAliasType

from batchmark.contract.devices import Device
from batchmark.contract.files import write_text
from batchmark.contract.hyperparameters import LONGEST_NAME, Hyperparameters
from batchmark.contract.languages import language_codes
from batchmark.contract.record import SAMPLE
from batchmark.contract.requests.time import LOOPS
from batchmark.dataset import local


def _distinct(values: list[Any]) -> list[Any]:
    texts = [json.dumps(value) for value in values]
    for text in texts:
        if texts.count(text) > 1:
            raise ValueError(f"holds {text} twice; list each value once")
    return values


def _count_or_share(value: float) -> float:
    # Nobody knows whether 1.0 means one image or all of them.
    least = 1 if isinstance(value, int) else 2
    if 0 < value < 1 or (value >= least and value == int(value)):
        return value
    raise ValueError("should be a number of images from 1, or a share of them between 0 and 1")


def _name(text: str) -> str:
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", text):
        return text
    raise ValueError(
        "should be 1 to 40 small letters, digits, hyphens and underscores, the first a letter or "
        "a digit"
    )


IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def _loop(name: str) -> str:
    if name in LOOPS or IMPORT_PATH.fullmatch(name):
        return name
    allowed = ", ".join(LOOPS)
    raise ValueError(f"should be {allowed} or an import path like mypackage.loops:train")


def _mirror(text: str) -> str:
    scheme, colon, _ = text.partition("://")
    if text and (not colon or scheme.lower() in ("http", "https", "file")):
        return text
    raise ValueError("should be an https://, http:// or file:// address or a folder")


def _spoken(code: str) -> str:
    if code in (codes := language_codes()):
        return code
    raise ValueError(f"should be a language of the page: {', '.join(codes)}")


Name = Annotated[str, AfterValidator(_name)]
Epochs = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
Trials = Annotated[int, Field(ge=1, le=1000)]
Precision = Annotated[float, Field(ge=0.01, le=10, allow_inf_nan=False)]
Accuracy = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
LARGEST_RATE = 1e6
Rate = Annotated[float, Field(gt=0, le=LARGEST_RATE, allow_inf_nan=False)]
# The last trial's seed is still a signed number of 32 bits.
Seed = Annotated[int, Field(ge=0, le=2_000_000_000)]
Images = Annotated[int, Field(ge=1, le=1_000_000_000)]
# 0: not timed.
Rounds = Annotated[int, Field(ge=0, le=1000)]
Steps = Annotated[int, Field(ge=1, le=100_000)]
Threads = Annotated[
    list[Annotated[int, Field(ge=1, le=4096)] | Literal["all"]],
    Field(min_length=1),
    AfterValidator(_distinct),
]
Loops = Annotated[list[Annotated[str, AfterValidator(_loop)]], AfterValidator(_distinct)]
Share = Annotated[int | float, Field(le=1e9), AfterValidator(_count_or_share)]
Mirror = Annotated[str, AfterValidator(_mirror)]


class Section(BaseModel):
    """A closed part of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())


class DatasetConfig(Section):
    """Where the data come from; see config/README.md."""

    name: Name = "mnist"
    path: str | None = None
    validation: Share | None = 10_000
    mirrors: list[Mirror] | None = None
    fallback: Literal["sample", "none"] = "sample"
    connect_timeout: Seconds = 5.0
    read_timeout: Seconds = 30.0


def _form(dataset: Any) -> Literal["one", "several"]:
    return "several" if isinstance(dataset, list) else "one"


# By its form, so that a mistake is one sentence and not one about each form.
Datasets = Annotated[
    Annotated[DatasetConfig, Tag("one")]
    | Annotated[list[DatasetConfig], Field(min_length=1), Tag("several")],
    Discriminator(_form),
]


class TrainingConfig(Section):
    """The budget of every run unless its study says otherwise."""

    epochs: Epochs = 5.0
    trials: Trials = 3
    trials_at_most: Trials | None = None
    precision: Precision = 0.15
    first_seed: Seed = 0
    evaluate_every: Images | None = None
    evaluate_finely: Epochs | None = None
    validation_images: Images | None = None
    test_images: Images | None = None
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


class TimingConfig(Section):
    """The protocol of the timing sessions."""

    rounds: Rounds = 7
    rounds_at_most: Rounds | None = None
    precision: Precision = 0.03
    min_seconds: Seconds = 0.3
    min_steps: Steps = 20
    max_seconds: Seconds | None = None
    sample_min_seconds: Seconds | None = None
    threads: Threads = ["all"]
    loops: Loops = []
    seed: Seed = 0


class ProbingConfig(Section):
    """Gradient probes: how many mini-batches of which sizes, for how many seeds."""

    batch_sizes: Annotated[list[Images], Field(min_length=1), AfterValidator(_distinct)] = [
        1,
        10,
        100,
    ]
    draws: Annotated[int, Field(ge=2, le=10_000)] = 30
    trials: Trials = 1


Targets = dict[Name, Annotated[list[Accuracy], Field(min_length=1), AfterValidator(_distinct)]]
Devices = Annotated[list[Device], Field(min_length=1), AfterValidator(_distinct)]
Words = dict[Annotated[str, AfterValidator(_spoken)], str]
# Named, so that each is one definition for editors.
Settings = TypeAliasType("Settings", dict[str, JsonValue])
Grid = TypeAliasType("Grid", dict[str, JsonValue])


def _optional(schema: type[BaseModel]) -> dict[str, Any]:
    """The fields of `schema` with their constraints, each of which may be left out."""
    rows = schema.model_fields.items()
    return {name: (row.rebuild_annotation() | None, None) for name, row in rows}


_Tuning = create_model("_Tuning", __base__=Section, **_optional(TuningConfig))


class StudyTuning(_Tuning):
    """What a study says of the grid of its tuned rates; the section `tuning` says the rest."""


class GridBudget(Section):
    """What a grid may set for its variants; its study says what holds otherwise."""

    trials: Trials | None = None
    trials_at_most: Trials | None = None
    precision: Precision | None = None
    probe_trials: Trials | None = None


class StudyBudget(GridBudget):
    """What a study may set for itself; the sections above say what holds otherwise."""

    targets: Targets | None = None
    epochs: Epochs | None = None
    evaluate_every: Images | None = None
    evaluate_finely: Epochs | None = None
    validation_images: Images | None = None
    test_images: Images | None = None
    not_learning_after: Epochs | None = None
    threads: Threads | None = None
    loops: Loops | None = None
    rounds: Rounds | None = None
    rounds_at_most: Rounds | None = None
    min_seconds: Seconds | None = None
    min_steps: Steps | None = None
    max_seconds: Seconds | None = None
    tuning: StudyTuning | None = None


class StudyConfig(StudyBudget):
    """One question, one file. `grids` is a union of Cartesian products over `settings`."""

    question: Words
    description: Words = {}
    settings: Settings = {}
    grids: Annotated[list[Grid], Field(min_length=1, max_length=1000)]
    exclude: list[Settings] = []
    baseline: Settings
    probe: list[Settings] = []
    verify: list[Settings] = []
    profile: list[Settings] = []
    published: bool | Settings = False
    every_dataset: bool = False


_Overrides = create_model("_Overrides", __base__=Section, **_optional(StudyConfig))


class StudyEntry(_Overrides):
    """What a configuration may say of a study: another file, or overrides of its keys."""

    file: str | None = None


class PublishConfig(Section):
    """The branch of a git remote that `publish` adds the report to."""

    remote: str
    branch: str = "gh-pages"


class Config(Section):
    """The whole configuration, after overlays."""

    machine: Name = "local"
    scale: Name = "default"
    devices: Literal["auto"] | Devices = "auto"
    dataset: Datasets = DatasetConfig()
    targets: Targets
    training: TrainingConfig = TrainingConfig()
    tuning: TuningConfig = TuningConfig()
    timing: TimingConfig = TimingConfig()
    probing: ProbingConfig = ProbingConfig()
    publish: PublishConfig | None = None
    studies: dict[Name, StudyEntry | None]

    @property
    def datasets(self) -> dict[str, DatasetConfig]:
        """Each data set by its name; a study is on the first unless it is on every one."""
        several = self.dataset if isinstance(self.dataset, list) else [self.dataset]
        return {dataset.name: dataset for dataset in several}


def own_loops(timing: TimingConfig) -> set[str]:
    """The import paths among its loops."""
    return {loop for loop in timing.loops if ":" in loop}


def trials_at_most(study: StudyBudget, training: TrainingConfig) -> int:
    """Seeds in all of a variant of a study: as many as `trials` unless more may be added."""
    least = study.trials or training.trials
    return max(least, study.trials_at_most or training.trials_at_most or least)


# What guessing reaches on the data sets whose number of classes is known in advance.
CHANCE = dict.fromkeys((*local.KNOWN, SAMPLE), 0.1)

Key = tuple[str, ...]
# The paths of the keys that it is between, and a sentence without its end.
Contradiction = tuple[tuple[Key, ...], str]


def in_config(config: Config) -> Iterator[Contradiction]:
    """What contradicts itself in a configuration, studies aside."""
    yield from _in_tuning(config.tuning)
    yield from _in_seeds(config.training, ("training",))
    yield from _in_timing(config.timing, ("timing",))
    yield from _in_targets(config.targets)
    yield from _in_dataset(config)


def in_study(
    study: StudyConfig, timing: TimingConfig, tuning: TuningConfig
) -> Iterator[Contradiction]:
    """What contradicts itself in a study timed by the protocol `timing` and tuned on `tuning`."""
    yield from _in_seeds(study, ())
    yield from _in_tuning(tuning)
    yield from _in_timing(timing, ())
    yield from _in_targets(study.targets or {})


def _in_tuning(tuning: TuningConfig) -> Iterator[Contradiction]:
    low, high = tuning.low, tuning.high
    if low >= high:
        keys = (("tuning", "low"), ("tuning", "high"))
        yield keys, f"tuning.low = {low}: is not below tuning.high, {high}"


def _in_seeds(budget: TrainingConfig | StudyBudget, section: Key) -> Iterator[Contradiction]:
    least, most = budget.trials, budget.trials_at_most
    if least is not None and most is not None and most < least:
        key = (*section, "trials_at_most")
        yield (key, (*section, "trials")), f"{'.'.join(key)} = {most}: is below trials, {least}"


def _in_timing(timing: TimingConfig, section: Key) -> Iterator[Contradiction]:
    least, most = timing.min_seconds, timing.max_seconds
    if most is not None and least > most:
        key = (*section, "min_seconds")
        yield (
            (key, (*section, "max_seconds")),
            f"{'.'.join(key)} = {least}: is above max_seconds, {most}",
        )


def _in_targets(targets: dict[str, list[float]]) -> Iterator[Contradiction]:
    for dataset, values in targets.items():
        for value in values:
            if value <= CHANCE.get(dataset, 0.0):
                yield (
                    (("targets", dataset),),
                    f"targets.{dataset} = {value}: guessing reaches it; list validation accuracies "
                    f"above {CHANCE[dataset]}",
                )


def _in_dataset(config: Config) -> Iterator[Contradiction]:
    several = config.dataset if isinstance(config.dataset, list) else None
    for number, dataset in enumerate(several or config.datasets.values()):
        place = ("dataset", str(number)) if several else ("dataset",)
        if number and len(dataset.name) > LONGEST_NAME:
            yield (
                ((*place, "name"),),
                f"{'.'.join(place)}.name = {dataset.name!r}: ids of variants begin with such a "
                f"name; use {LONGEST_NAME} characters at most",
            )
        yield from _in_one(dataset, place, config.targets)
    if several and len(several) > len(config.datasets):
        yield (("dataset",),), "dataset: two have one name; give each its own"


def _in_one(dataset: DatasetConfig, place: Key, targets: Targets) -> Iterator[Contradiction]:
    """What contradicts itself in a data set, whose keys lie below `place`."""
    called = ".".join(place)
    if dataset.name == SAMPLE and dataset.path is not None:
        yield (
            ((*place, "path"), (*place, "name")),
            f"{called}.path = {dataset.path!r}: the dataset {SAMPLE!r} is the one embedded in "
            f"batchmark; give your data another {called}.name",
        )
    if dataset.name not in (*local.KNOWN, SAMPLE) and dataset.path is None and not dataset.mirrors:
        yield (
            ((*place, "name"),),
            f"{called}.name = {dataset.name!r}: nothing says where these data come from; set "
            f"{called}.path, or {called}.mirrors of their own",
        )
    replaceable = dataset.name == local.NAME and dataset.path is None
    stand_in = [SAMPLE] if replaceable and dataset.fallback == SAMPLE else []
    for name in [dataset.name, *stand_in]:
        if name not in targets:
            yield (
                (("targets",), (*place, "name")),
                f"targets: has no entry for the dataset {name!r}; add it, for example "
                f"{name}: [0.9] (there are {', '.join(targets) or 'none'})",
            )


class _Untitled(GenerateJsonSchema):
    """Titles would only repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def for_editors(page: str) -> dict[str, dict[str, Any]]:
    """JSON schemas of a configuration and of a study's file, by their paths below `config/`.

    `page`: config/README.md, whose tables describe the keys. A configuration may be an overlay, in
    which any key may be missing.
    """
    of_config, _, of_study = page.partition("## A study")
    config, study = _described(Config, of_config), _described(StudyConfig, of_study)
    for section in (config, *config["$defs"].values()):
        section.pop("required", None)
    return {"schema.json": config, "studies/schema.json": study}


def _described(model: type[BaseModel], page: str) -> dict[str, Any]:
    schema = model.model_json_schema(schema_generator=_Untitled)
    sections = schema.setdefault("$defs", {})
    for key, meaning in _meanings(page):
        section, _, name = key.rpartition(".")
        holder = sections[f"{section.capitalize()}Config"] if section else schema
        holder["properties"][name]["description"] = meaning
    sections["Settings"] = _settings()
    sections["Grid"] = _grid(sections["Settings"])
    return schema


def _meanings(page: str) -> Iterator[tuple[str, str]]:
    """Keys with their dots, and what the last column of the first table of keys says of them."""
    page = page.partition("\n| key |")[2].partition("\n\n")[0]
    row = re.compile(r"^\| (`[a-z_., `]+`) \|(?:.* \|)? (.+) \|$", re.MULTILINE)
    for names, meaning in row.findall(page):
        section = ""
        for name in re.findall(r"`([a-z_.]+)`", names):
            section = name.rpartition(".")[0] or section
            yield f"{section}.{name.rpartition('.')[2]}".lstrip("."), meaning.replace("`", "")


def _settings() -> dict[str, Any]:
    """Hyperparameters with one value each or, in a grid, a list of them."""
    schema = Hyperparameters.model_json_schema(schema_generator=_Untitled)
    rule = {"enum": ["fixed", "sqrt", "linear"]}
    rows = {**schema["properties"], "learning_rate_rule": rule, "reference_batch_size": {}}
    properties = {
        name: {"anyOf": [row, {"type": "array", "items": row}]} for name, row in rows.items()
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _grid(settings: dict[str, Any]) -> dict[str, Any]:
    """The same, and beside them what a grid says of its seeds."""
    axes = {
        name: {"$ref": f"#/$defs/Settings/properties/{name}"} for name in settings["properties"]
    }
    budget = GridBudget.model_json_schema(schema_generator=_Untitled)["properties"]
    return {**settings, "properties": {**axes, **budget}}


if __name__ == "__main__":
    folder = Path("config")
    for place, schema in for_editors((folder / "README.md").read_text(encoding="utf-8")).items():
        write_text(folder / place, json.dumps(schema, indent=1, ensure_ascii=False) + "\n")
