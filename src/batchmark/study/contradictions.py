"""Settings that are allowed each and make no sense together."""

from collections.abc import Iterable, Iterator

from batchmark.dataset import mnist
from batchmark.results.schema import SAMPLE
from batchmark.study.config import Config, StudyConfig, TimingConfig

# What guessing reaches on the data sets whose number of classes is known in advance.
CHANCE = {mnist.NAME: 0.1, SAMPLE: 0.1}

# A key path and a sentence without its end.
Contradiction = tuple[tuple[str, ...], str]


def in_config(config: Config) -> Iterator[Contradiction]:
    """What contradicts itself in a configuration, studies aside."""
    low, high = config.tuning.low, config.tuning.high
    if low >= high:
        yield ("tuning", "low"), f"tuning.low = {low}: is not below tuning.high, {high}"
    yield from _in_timing(config.timing, ("timing",))
    yield from _in_targets(config.targets)
    yield from _in_dataset(config)


def in_study(study: StudyConfig, timing: TimingConfig) -> Iterator[Contradiction]:
    """What contradicts itself in a study that is timed by the protocol `timing`."""
    yield from _in_timing(timing, ())
    yield from _in_targets(study.targets or {})


def _in_timing(timing: TimingConfig, section: tuple[str, ...]) -> Iterator[Contradiction]:
    least, most = timing.min_seconds, timing.max_seconds
    if most is not None and least > most:
        key = (*section, "min_seconds")
        yield key, f"{'.'.join(key)} = {least}: is above max_seconds, {most}"


def _in_targets(targets: dict[str, list[float]]) -> Iterator[Contradiction]:
    for dataset, values in targets.items():
        for value in values:
            if value <= CHANCE.get(dataset, 0.0):
                yield (
                    ("targets", dataset),
                    f"targets.{dataset} = {value}: guessing reaches it; list validation accuracies "
                    f"above {CHANCE[dataset]}",
                )


def _in_dataset(config: Config) -> Iterator[Contradiction]:
    dataset = config.dataset
    if dataset.name == SAMPLE and dataset.path is not None:
        yield (
            ("dataset", "path"),
            f"dataset.path = {dataset.path!r}: the dataset {SAMPLE!r} is the one embedded in "
            "batchmark; give your data another dataset.name",
        )
    if dataset.name not in (mnist.NAME, SAMPLE) and dataset.path is None and not dataset.mirrors:
        yield (
            ("dataset", "name"),
            f"dataset.name = {dataset.name!r}: nothing says where these data come from; set "
            "dataset.path, or dataset.mirrors of their own",
        )
    for name in _needed(config):
        if name not in config.targets:
            yield (
                ("targets",),
                f"targets: has no entry for the dataset {name!r}; add it, for example "
                f"{name}: [0.9] (there are {', '.join(config.targets) or 'none'})",
            )


def _needed(config: Config) -> Iterable[str]:
    dataset = config.dataset
    replaceable = dataset.name == mnist.NAME and dataset.path is None
    return [dataset.name, *([SAMPLE] if replaceable and dataset.fallback == SAMPLE else [])]
