"""From the merged configuration to validated studies."""

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import Hyperparameters, on_dataset
from batchmark.contract.requests.message import Variant
from batchmark.plan import grid
from batchmark.plan.grid import Point
from batchmark.plan.reading import ConfigError, check, read_scalar, read_yaml, whole_text
from batchmark.plan.schema import (
    Config,
    StudyBudget,
    StudyConfig,
    StudyEntry,
    TimingConfig,
    TuningConfig,
    in_config,
    in_study,
)


@dataclass(frozen=True)
class Study:
    """A validated study with its variants. `settings` maps a variant's id to its axes' values.

    `budgets`: what holds for a variant, once for each grid that has it. `probed`, `verified`,
    `profiled`, `published`: ids of variants; the last redo the published table. `dataset`: the name
    of its data set, empty for the first.
    """

    name: str
    config: StudyConfig
    variants: dict[str, Variant]
    budgets: dict[str, list[StudyBudget]]
    axes: list[str]
    settings: dict[str, dict[str, Any]]
    baseline: str
    probed: list[str]
    verified: list[str]
    profiled: list[str]
    published: list[str]
    dataset: str = ""


def in_order_of_priority(files: Iterable[str | Path], overlays: Iterable[str | Path]) -> list[str]:
    """Configuration files, overlays last, relative to the working directory where they lie in it.

    Relative paths keep requests equal in every checkout and absolute ones out of the report.
    """
    last = [str(file) for file in overlays]
    ordered = dict.fromkeys([*(str(f) for f in files if str(f) not in last), *last])
    here = Path.cwd()
    paths = [Path(file) for file in ordered]
    return [str(path.relative_to(here) if path.is_relative_to(here) else path) for path in paths]


def load_config(
    merged: Mapping[str, Any], files: Sequence[str], given: Mapping[str, Any]
) -> Config:
    """Validate the merged configuration.

    `files` are its sources, lowest priority first; `given` is what the command line set on top.
    """
    sources = [(file, read_yaml(Path(file))) for file in files] + [("--config", dict(given))]
    try:
        config = check(Config, merged, "config")
    except ConfigError as error:
        raise UserError(f"{_source(error.key, sources)}: {error.problem}") from error
    for keys, problem in in_config(config):
        raise UserError(f"{_last_source(keys, sources)}: {problem}.")
    return config


def load_studies(config: Config, folders: Sequence[Path]) -> list[Study]:
    """All studies that the configuration switches on, in its order."""
    entries = {name: entry for name, entry in config.studies.items() if entry is not None}
    if not entries:
        raise UserError("config: studies: nothing is switched on; name at least one study.")
    loaded = (_load_study(name, entry, config, folders) for name, entry in entries.items())
    studies = [study for each in loaded for study in each]
    _check_names(studies)
    _by_id((variant for study in studies for variant in study.variants.values()), "config: studies")
    _check_tuning(studies, config.tuning)
    _check_probed(studies)
    return studies


def protocol(study: StudyConfig, timing: TimingConfig) -> TimingConfig:
    """How a study's timing session is run; `sample_min_seconds` is set."""
    # A study's `precision` is that of its seeds.
    fields = {*TimingConfig.model_fields} - {"precision"}
    own = study.model_dump(include=fields, exclude_none=True)
    timing = timing.model_copy(update=own)
    least = min(timing.min_seconds, timing.sample_min_seconds or timing.min_seconds)
    return timing.model_copy(update={"sample_min_seconds": least})


def tuning(study: StudyBudget, common: TuningConfig) -> TuningConfig:
    """The grid on which the study's rates are tuned."""
    own = study.tuning.model_dump(exclude_none=True) if study.tuning else {}
    return common.model_copy(update=own)


def _check_tuning(studies: Iterable[Study], common: TuningConfig) -> None:
    """Raise UserError where a run that studies share would have to be tuned in two ways."""
    tuned: dict[str, Study] = {}
    for study in studies:
        for variant in study.variants.values():
            if variant.hyperparameters.learning_rate != "tuned":
                continue
            first = tuned.setdefault(variant.id, study)
            if tuning(first.config, common) != tuning(study.config, common):
                raise UserError(
                    f"study {study.name}: tuning: {variant.id} is a variant of the study "
                    f"{first.name} too, which tunes it on another grid; give both the same."
                )


def _check_probed(studies: Sequence[Study]) -> None:
    """Raise UserError where seeds to probe are asked for in settings that no study probes.

    Not where a scale says `probe: []`: that switches the probes of a file off as it is.
    """
    probed = {id_ for study in studies for id_ in study.probed}
    for study in studies:
        if "probe" in study.config.model_fields_set and not study.config.probe:
            continue
        for key, trials, ids in _asked_to_probe(study):
            if not probed & ids:
                raise UserError(
                    f"study {study.name}: {key} = {trials}: the gradients of none of these "
                    "settings are probed; name some under `probe`, or leave it out."
                )


def _asked_to_probe(study: Study) -> Iterator[tuple[str, object, set[str]]]:
    """Each `probe_trials` of the study and of its grids, with the variants that it is for."""
    if study.config.probe_trials is not None:
        yield "probe_trials", study.config.probe_trials, set(study.variants)
    for number, each in enumerate(study.config.grids):
        if each.get("probe_trials") is not None:
            alone = study.config.model_copy(update={"grids": [each], "exclude": []})
            points = grid.points(alone, study.name)
            ids = {on_dataset(point.variant.id, study.dataset) for point in points}
            yield f"grids[{number}].probe_trials", each["probe_trials"], ids


def _check_names(studies: Sequence[Study]) -> None:
    for name, times in Counter(study.name for study in studies).items():
        if times > 1:
            raise UserError(
                f"config: studies.{name}: a study of every data set has a part of this name; give "
                "one of the two another."
            )


def _load_study(
    name: str, entry: StudyEntry, config: Config, folders: Sequence[Path]
) -> list[Study]:
    """The study, or where it is of every data set its part on each of them."""
    path = _study_file(name, entry, folders)
    overrides = entry.model_dump(exclude_unset=True, exclude={"file"})
    own = {key: value for key, value in read_yaml(path).items() if key not in overrides}
    # A null takes the file's value back, so that what is common or usual holds.
    content = {**own, **{key: value for key, value in overrides.items() if value is not None}}
    where = f"{path} with the configuration's studies.{name}" if overrides else str(path)
    study = check(StudyConfig, content, where)
    used = protocol(study, config.timing), tuning(study, config.tuning)
    for _, problem in in_study(study, *used):
        raise UserError(f"{where}: {problem}.")
    if not study.every_dataset:
        return [build_study(name, study, where)]
    first, *others = config.datasets
    parts = {first: "", **{other: other for other in others}}
    return [build_study(f"{name}-{called}", study, where, part) for called, part in parts.items()]


def build_study(name: str, config: StudyConfig, where: str, dataset: str = "") -> Study:
    """Expand a study's grids and find its baseline and probed variants.

    `dataset`: the one that it is on, empty for the first.
    """
    redone = _published(config)
    _check_settings(config, redone, where)
    points = [
        point._replace(variant=_on_dataset(point.variant, dataset))
        for point in grid.points(config, where)
    ]
    axes = grid.axes([point.written for point in points])
    variants = _by_id((point.variant for point in points), where)
    baseline = _only(_matching(points, config.baseline), config.baseline, f"{where}: baseline")
    probed, published = (
        [id_ for partial in partials for id_ in _some(points, partial, f"{where}: {key}")]
        for key, partials in (("probe", config.probe), ("published", redone))
    )
    # A smaller scale may lack some of them.
    verified = [id_ for partial in config.verify for id_ in _matching(points, partial)]
    profiled = [id_ for partial in config.profile for id_ in _matching(points, partial)]
    _refuse_tuned([variants[id_] for id_ in verified], where)
    return Study(
        name,
        config,
        variants,
        _budgets(config, points),
        axes,
        _settings(points, axes),
        baseline,
        probed,
        verified,
        list(dict.fromkeys(profiled)),
        published,
        dataset,
    )


def _on_dataset(variant: Variant, dataset: str) -> Variant:
    return variant.model_copy(update={"id": on_dataset(variant.id, dataset)})


def _budgets(config: StudyConfig, points: Sequence[Point]) -> dict[str, list[StudyBudget]]:
    """The study's budget, what a grid sets for itself laid over it."""
    budgets: dict[str, list[StudyBudget]] = {}
    for point in points:
        own = point.budget.model_dump(exclude_none=True)
        budgets.setdefault(point.variant.id, []).append(config.model_copy(update=own))
    return budgets


def _check_settings(config: StudyConfig, redone: Sequence[dict[str, Any]], where: str) -> None:
    """Raise UserError for a key that no hyperparameter has, wherever the study names some."""
    for key in ("settings", "baseline"):
        _check_keys(getattr(config, key), f"{where}: {key}")
    for partial in (*config.exclude, *config.probe, *config.verify, *config.profile):
        _check_keys(partial, f"{where}: exclude, probe, verify or profile")
    for partial in redone:
        _check_keys(partial, f"{where}: published")


def _refuse_tuned(verified: Sequence[Variant], where: str) -> None:
    for variant in verified:
        if variant.hyperparameters.learning_rate == "tuned":
            raise UserError(
                f"{where}: verify: {variant.id} has a tuned learning rate, which is not known "
                "when it is timed; name a variant with a number."
            )


def _published(config: StudyConfig) -> list[dict[str, Any]]:
    """The settings whose variants redo the published table: none, or one that `true` fills up."""
    if isinstance(config.published, bool):
        return [{}] if config.published else []
    return [config.published]


def _by_id(variants: Iterable[Variant], where: str) -> dict[str, Variant]:
    """Equal ids mean equal settings, or a run would pass for another's: digests are short."""
    by_id: dict[str, Variant] = {}
    for variant in variants:
        if by_id.setdefault(variant.id, variant) != variant:
            raise UserError(f"{where}: two settings have the id {variant.id}; change one a little.")
    return by_id


def _settings(points: Sequence[Point], axes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Axis values by variant; where points coincide in a variant, differing values join by `|`."""
    settings: dict[str, dict[str, Any]] = {}
    for written, variant, _ in points:
        own = settings.setdefault(variant.id, {})
        for axis in axes:
            value = written.get(axis, grid.DEFAULTS.get(axis))
            # As it is written in YAML: tables would read nothing, or a number that is missing.
            value = "null" if value is None else value
            own[axis] = value if own.get(axis, value) == value else f"{own[axis]}|{value}"
    return settings


def _matching(points: Sequence[Point], partial: dict[str, Any]) -> list[str]:
    ids = (point.variant.id for point in points if grid.matches(point.written, partial))
    return list(dict.fromkeys(ids))


def _only(ids: list[str], partial: dict[str, Any], where: str) -> str:
    if len(ids) != 1:
        raise UserError(f"{where} = {partial}: matches {len(ids)} variants; it must match one.")
    return ids[0]


def _some(points: Sequence[Point], partial: dict[str, Any], where: str) -> list[str]:
    ids = _matching(points, partial)
    if not ids:
        raise UserError(f"{where} = {partial}: matches no variant of the study.")
    return ids


def _check_keys(partial: dict[str, Any], where: str) -> None:
    known = [*Hyperparameters.model_fields, "learning_rate_rule", "reference_batch_size"]
    for key in partial:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"allowed are {', '.join(known)}"
            raise UserError(f"{where}: unknown key {key}; {hint}.")


def _study_file(name: str, entry: StudyEntry, folders: Sequence[Path]) -> Path:
    candidates = (
        [Path(entry.file)] if entry.file else [folder / f"{name}.yaml" for folder in folders]
    )
    for path in candidates:
        if _is_file(path):
            return path
    tried = ", ".join(str(path) for path in candidates)
    raise UserError(f"config: studies.{name}: no such study file ({tried}); set its `file` key.")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than file systems have
        return False


def plain(content: Any) -> Any:
    """Plain dicts and lists, whatever mapping type the caller's YAML reader made, and whole text.

    Raises UserError for text that no file can hold.
    """
    if isinstance(content, Mapping):
        return {plain(key): plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    return whole_text(content) if isinstance(content, str) else content


def with_numbers(merged: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`merged`, and what the command line set inside of brackets, `given`, read as YAML.

    Snakemake leaves every value there text: `--config 'training={epochs: 3}'`.
    """
    nested = {key: value for key, value in given.items() if isinstance(value, Mapping | list)}
    return {**merged, **{key: _read(merged[key], nested[key]) for key in nested if key in merged}}


def _read(content: Any, given: Any) -> Any:
    if isinstance(content, Mapping) and isinstance(given, Mapping):
        common = {key: _read(content[key], given[key]) for key in given if key in content}
        return {**content, **common}
    if content != given:
        return content
    if isinstance(content, list):
        return [_read(value, value) for value in content]
    return read_scalar(content) if isinstance(content, str) else content


def _source(key: Sequence[str], sources: Sequence[tuple[str, Any]]) -> str:
    """Which of the sources, the last one first, sets the key or else a parent of it."""
    for length in range(len(key), 0, -1):
        for name, content in reversed(sources):
            if _has(content, key[:length]):
                return name
    return "config"


def _last_source(keys: Sequence[Sequence[str]], sources: Sequence[tuple[str, Any]]) -> str:
    """Which of the sources, the last one first, sets any of the keys: it broke what held."""
    setting = (name for name, content in reversed(sources) if any(_has(content, k) for k in keys))
    return next(setting, "config")


def _has(content: Any, path: Sequence[str]) -> bool:
    for part in path:
        if isinstance(content, list) and part.isdigit() and int(part) < len(content):
            content = content[int(part)]
        elif isinstance(content, dict) and part in content:
            content = content[part]
        else:
            return False
    return True
