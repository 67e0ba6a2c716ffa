"""The plan of jobs: what the workflow needs to know, and nothing else."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from batchmark.contract.calibration import Calibration
from batchmark.contract.devices import DEVICES, Device
from batchmark.contract.errors import UserError
from batchmark.contract.files import write_text
from batchmark.contract.hyperparameters import Hyperparameters, dataset_of, digest
from batchmark.contract.record import SAMPLE
from batchmark.contract.requests.analyze import AnalyzeRequest, StudyForAnalysis
from batchmark.contract.requests.budget import Budget
from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.requests.dataset import DatasetRequest
from batchmark.contract.requests.message import Request, Variant
from batchmark.contract.requests.probe import ProbeRequest
from batchmark.contract.requests.profile import ProfileRequest
from batchmark.contract.requests.publish import PublishRequest
from batchmark.contract.requests.render import ELSEWHERE, RenderRequest, StudyForReport
from batchmark.contract.requests.time import LoneRun, TimeRequest
from batchmark.contract.requests.train import Racing, TrainRequest, TuningGrid
from batchmark.dataset.local import (
    KNOWN,
    TRAINING_IMAGES,
    check_own,
    content_of,
    label_count,
    local_path,
    validation_size,
)
from batchmark.machine.cards import resolve_devices, usable_devices
from batchmark.plan.fingerprint import (
    BY_VALUE,
    check_defined,
    device_used,
    fingerprint,
    modules_used,
    rows_used,
)
from batchmark.plan.grid import timing_key, timing_subjects
from batchmark.plan.schema import (
    Config,
    ProbingConfig,
    StudyBudget,
    TimingConfig,
    TuningConfig,
    own_loops,
    trials_at_most,
)
from batchmark.plan.studies import (
    Study,
    load_config,
    load_studies,
    plain,
    protocol,
    tuning,
    with_numbers,
)
from batchmark.plan.work import (
    ASSUMED,
    MNIST_SIZE,
    DataSize,
    Load,
    Race,
    Reservation,
    batch_and_images,
    probe_load,
    profile_seconds,
    reservation,
    run_load,
    session_seconds,
)
from batchmark.report.catalogue import figures_for, module_of


def save(request: Request, folder: Path) -> Path:
    """Write `request` below `folder` unless it is there; the same content has the same path.

    The folder is for this user alone: addresses in requests may hold passwords.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kind = type(request).__name__.removesuffix("Request").removesuffix("For").lower()
    path = folder / f"{kind}-{digest(request.model_dump(mode='json'), 16)}.json"
    if not path.exists():
        write_text(path, request.model_dump_json(indent=1) + "\n")
    return path


SECTIONS = (
    "scale", "machine", "devices", "targets", "training", "tuning", "timing", "probing", "studies",
)  # fmt: skip
# Where the data lie and where the report goes concern nobody else.
DATASET = ("name", "validation", "fallback", "connect_timeout", "read_timeout")
OUR_OWN = Path("config/config.yaml")


def published_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a valid configuration that say what was measured and how."""
    shown = {key: value for key, value in config.items() if key in SECTIONS}
    if dataset := config.get("dataset"):
        several = isinstance(dataset, list)
        shown["dataset"] = [*map(_public, dataset)] if several else _public(dataset)
    if studies := config.get("studies"):
        shown["studies"] = {name: _without_file(study) for name, study in studies.items()}
    return shown


def published_files(files: Iterable[str]) -> list[str]:
    """Names of configuration files in the working folder; an ellipsis for those elsewhere.

    Our own config.yaml goes by its name in our folder.
    """
    return [_public_name(Path(file)) for file in files]


def _public(dataset: Mapping[str, Any]) -> dict[str, Any]:
    return {key: dataset[key] for key in DATASET if key in dataset}


def _without_file(study: Any) -> Any:
    """A study's overrides; where its file lies is left out."""
    if not isinstance(study, Mapping):
        return study
    return {key: value for key, value in study.items() if key != "file"}


def _public_name(path: Path) -> str:
    if path.parts[-2:] == OUR_OWN.parts:
        return str(OUR_OWN)
    return ELSEWHERE if path.is_absolute() or ".." in path.parts else str(path)


class Quick(NamedTuple):
    """A study, the variant of it that is probed, if any, and those whose rate is tuned.

    `variants`: those that differ from the probed one in batch size and rate alone.
    """

    study: str
    probed: list[str]
    tuned: list[str]
    variants: list[str]


@dataclass(frozen=True)
class Plan:
    """All studies, variants and devices of one configuration, and the requests to the stages.

    A request is a JSON file whose path tells its content, so that the path changes exactly when
    the work it asks for does.
    """

    config: Config
    studies: dict[str, Study]
    devices: list[Device]
    merged: dict[str, Any]
    files: list[str]
    handover: Path

    @property
    def machine(self) -> str:
        """The slug under which this machine's results are kept."""
        return self.config.machine

    @cached_property
    def variants(self) -> dict[str, Variant]:
        """Every variant of every study by id; studies that share one share its run."""
        return {id_: v for study in self.studies.values() for id_, v in study.variants.items()}

    @cached_property
    def probed(self) -> list[str]:
        """Ids of the variants whose gradients are probed."""
        return list(dict.fromkeys(id_ for s in self.studies.values() for id_ in s.probed))

    @cached_property
    def timed(self) -> list[str]:
        """Names of the studies that are timed: all but those with no rounds."""
        return [name for name in self.studies if self.protocol(name).rounds]

    @cached_property
    def profiled(self) -> list[str]:
        """Names of the studies of which some variants' steps are profiled."""
        return [name for name, study in self.studies.items() if study.profiled]

    @cached_property
    def quick(self) -> "Quick":
        """What a prediction is made of: the study of that name, or else the first one."""
        study = self.studies.get("quick") or next(iter(self.studies.values()))
        probed = study.probed[:1]
        graphs = {id_: _any_size(each.hyperparameters) for id_, each in study.variants.items()}
        alike = [id_ for id_ in graphs if graphs[id_] in [graphs[each] for each in probed]]
        tuned = [
            id_ for id_ in alike if study.variants[id_].hyperparameters.learning_rate == "tuned"
        ]
        return Quick(study.name, probed, tuned, alike)

    @cached_property
    def first_dataset(self) -> str:
        """The name of the data set of all studies that are not on every one."""
        return next(iter(self.config.datasets))

    def dataset_of(self, variant: str) -> str:
        """The name of the data set that a variant is trained on."""
        return dataset_of(variant) or self.first_dataset

    def dataset_of_study(self, study: str) -> str:
        """The name of the data set that a study is on."""
        return self.studies[study].dataset or self.first_dataset

    def download_request(self, dataset: str) -> str:
        """Path of the request for a data set."""
        return self._save(DatasetRequest(**self.config.datasets[dataset].model_dump()))

    def dataset_identity(self, name: str) -> str:
        """What makes the data what they are: own data by content; no mirrors, no time-outs."""
        dataset = self.config.datasets[name]
        identity = dataset.model_dump_json(include={"name", "path", "validation", "fallback"})
        return f"{identity} {content_of(local_path(dataset.path))}" if dataset.path else identity

    def train_request(self, variant: str, device: Device) -> str:
        """Path of the request for all trials of a variant."""
        chosen = self.variants[variant]
        tuned = chosen.hyperparameters.learning_rate == "tuned"
        return self._save(
            TrainRequest(
                variant=chosen,
                machine=self.machine,
                device=device,
                budget=self.budget(variant),
                tuning=TuningGrid(**self.tuning(variant).model_dump()) if tuned else None,
                racing=self.racing(variant),
                sources=digest(self.sources("train", device, variant), 16),
            )
        )

    def time_request(self, study: str, device: Device) -> str:
        """Path of the request for a study's timing session."""
        chosen = self.studies[study]
        subjects = timing_subjects(chosen.variants.values())
        baseline = next(subject.id for subject in subjects if chosen.baseline in subject.variants)
        protocol = self.protocol(study)
        return self._save(
            TimeRequest(
                study=study,
                machine=self.machine,
                device=device,
                subjects=subjects,
                baseline=baseline,
                threads=[0 if t == "all" else t for t in protocol.threads],
                lone_runs=tuple(self._lone_run(chosen, variant) for variant in chosen.verified),
                loops=tuple(protocol.loops),
                **protocol.model_dump(exclude={"threads", "loops"}),
            )
        )

    def _lone_run(self, study: Study, variant: str) -> LoneRun:
        own, training = study.config, self.config.training
        limits = {
            # Another study's longer budget would have the session timed again.
            key: getattr(own, key) or getattr(training, key)
            for key in ("epochs", "not_learning_after")
        }
        return LoneRun(
            variant=study.variants[variant],
            budget=self.budget(variant).model_copy(update={"trials": 1, **limits}),
            targets={
                name: (own.targets or {}).get(name, common)[0]
                for name, common in self.config.targets.items()
                if name in (self.dataset_of_study(study.name), SAMPLE)
            },
        )

    def probe_request(self, variant: str, device: Device) -> str:
        """Path of the request for a variant's probes, which have a number of seeds of their own."""
        probing = self._probing(variant)
        budget = self.budget(variant).model_copy(update={"trials": probing.trials})
        return self._save(
            ProbeRequest(
                variant=self.variants[variant],
                machine=self.machine,
                device=device,
                budget=budget,
                **probing.model_dump(),
            )
        )

    def _probing(self, variant: str) -> ProbingConfig:
        """How a variant is probed: for as many seeds as one of its studies asks for."""
        common = self.config.probing
        asked = (study.probe_trials or common.trials for study in self._using(variant))
        return common.model_copy(update={"trials": max(asked)})

    def profile_request(self, study: str, device: Device) -> str:
        """Path of the request for a study's profiles, on the threads that it is timed with."""
        threads = self.protocol(study).threads
        return self._save(
            ProfileRequest(
                study=study,
                machine=self.machine,
                device=device,
                variants=self._profiled(study),
                # As `timing.session.thread_settings` has them: the most come first.
                threads=0 if "all" in threads else max(t for t in threads if t != "all"),
            )
        )

    def _profiled(self, study: str) -> list[Variant]:
        """One variant a graph: of equal ones the first."""
        chosen = self.studies[study]
        subjects = timing_subjects(chosen.variants[id_] for id_ in chosen.profiled)
        return [chosen.variants[subject.variants[0]] for subject in subjects]

    def collect_request(self) -> str:
        """Path of the request for the tidy tables."""
        return self._save(
            CollectRequest(
                machine=self.machine,
                devices=self.devices,
                studies={study.name: list(study.variants) for study in self.studies.values()},
                variants=list(self.variants.values()),
                timed=self.timed,
                probed=self.probed,
                profiled=self.profiled,
            )
        )

    def analyze_request(self) -> str:
        """Path of the request for the statistics."""
        return self._save(
            AnalyzeRequest(
                machine=self.machine,
                targets=dict(self.config.targets),
                studies=[self._for_analysis(study) for study in self.studies.values()],
            )
        )

    def render_request(self) -> str:
        """Path of the request for the page."""
        return self._save(
            RenderRequest(
                scale=self.config.scale,
                studies=[self._for_report(study) for study in self.studies.values()],
                config_files=published_files(self.files),
                config=published_config(self.merged),
                lock_digest=_lock_digest(),
            )
        )

    def budget(self, variant: str) -> Budget:
        """The largest budget that a study gives the variant, evaluated at the finest interval.

        And as long at that interval as a study that asks for it, on as many images.
        """
        training, using = self.config.training, self._using(variant)
        values = training.model_dump(include=set(Budget.model_fields))
        for key in ("epochs", "trials", "not_learning_after"):
            values[key] = max(getattr(study, key) or values[key] for study in using)
        intervals = [study.evaluate_every or training.evaluate_every for study in using]
        finest = min((i for i in intervals if i is not None), default=None)
        finely = [
            study.evaluate_finely or training.evaluate_finely
            for study, interval in zip(using, intervals, strict=True)
            if interval == finest
        ]
        limits = [epochs for epochs in finely if epochs is not None]
        for key in ("validation_images", "test_images"):
            scored = [getattr(study, key) or values[key] for study in using]
            values[key] = None if None in scored else max(scored)
        values["evaluate_every"] = finest
        values["evaluate_finely"] = max(limits) if len(limits) == len(finely) else None
        return Budget(**values)

    def racing(self, variant: str) -> Racing | None:
        """How seeds are added to the variant's budget for the studies that allow more of them."""
        training, racing = self.config.training, self._racing(variant)
        if not racing:
            return None
        return Racing(
            trials_at_most=max(trials_at_most(study, training) for study in racing),
            precision=min(study.precision or training.precision for study in racing),
            targets={
                name: sorted({(study.targets or {}).get(name, common)[0] for study in racing})
                for name, common in self.config.targets.items()
                if name in (self.dataset_of(variant), SAMPLE)
            },
        )

    def _racing(self, variant: str) -> list[StudyBudget]:
        """The studies that allow more seeds than all of them ask for."""
        training, trials = self.config.training, self.budget(variant).trials
        return [use for use in self._using(variant) if trials_at_most(use, training) > trials]

    def tuning(self, variant: str) -> TuningConfig:
        """The grid of a variant's tuned rate, the same in all studies that share it."""
        return tuning(self._using(variant)[0], self.config.tuning)

    def target(self, variant: str, dataset: str) -> float:
        """The validation accuracy that a variant is to reach in the first study that has it."""
        own, *_ = [*self._using(variant), None]
        targets = (own.targets if own else None) or {}
        return (targets.get(dataset) or self.config.targets[dataset])[0]

    def _using(self, variant: str) -> list[StudyBudget]:
        """What the studies give a variant, once for each grid that has it."""
        studies = self.studies.values()
        return [budget for study in studies for budget in study.budgets.get(variant, [])]

    def protocol(self, study: str) -> TimingConfig:
        """How the study's timing session is run; `sample_min_seconds` is set."""
        return protocol(self.studies[study].config, self.config.timing)

    def sources(self, stage: str, device: Device = "cpu", variant: str | None = None) -> str:
        """The fingerprint of all source code that the result of a job depends on."""
        return _sources(stage, device, [self.variants[variant]] if variant else [])

    def time_sources(self, study: str, device: Device) -> str:
        """The same for a timing session, which uses the plug-ins of all its variants."""
        loops = [path.partition(":")[0] for path in own_loops(self.protocol(study))]
        return _sources("time", device, self.studies[study].variants.values(), loops)

    def profile_sources(self, study: str, device: Device) -> str:
        """The same for a study's profiles."""
        return _sources("profile", device, self._profiled(study))

    def figures(self) -> list[str]:
        """Names of the figures that this plan's results can fill."""
        axes = {study.name: study.axes for study in self.studies.values()}
        return figures_for(axes, probed=bool(self.probed), profiled=bool(self.profiled))

    def figure_module(self, figure: str) -> str:
        """The module that draws a figure."""
        return module_of(figure)

    def figure_sources(self, figure: str) -> str:
        """The fingerprint of the source code that draws a figure."""
        return fingerprint(["batchmark.stages.plot", module_of(figure)])

    def content(self, paths: Iterable[str]) -> str:
        """A digest of what the files hold, in this order."""
        return digest([hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths], 16)

    def results_of_other_machines(self, results: Path) -> list[str]:
        """Result files that were copied here from other machines."""
        paths = [path for device in DEVICES for path in results.glob(f"*/{device}/*/*.json")]
        # What a killed copy left behind is hidden, and removed when a run starts.
        whole = [path for path in paths if not path.name.startswith(".")]
        others = (str(path) for path in whole if path.parts[-4] != self.machine)
        # Snakemake would take braces for wildcards; the collect stage refuses such a file by name.
        return sorted(path for path in others if "{" not in path)

    def publish_request(self) -> str:
        """Path of the request for publishing the site; empty where it is only built."""
        target = self.config.publish
        return "" if target is None else self._save(PublishRequest(**target.model_dump()))

    def own_data_size(self) -> DataSize | None:
        """Of own data on this machine that can be read; labels tell, not pixels."""
        dataset = self.config.datasets[self.first_dataset]
        labels = label_count(local_path(dataset.path)) if dataset.path is not None else 0
        if not labels:
            return None
        try:
            held_out = validation_size(labels, dataset.validation)
        except UserError:  # the download says so
            return None
        return DataSize(labels - held_out, held_out)

    def run_load(self, variant: str, data: DataSize = MNIST_SIZE) -> Load:
        """The work of a run on such data."""
        chosen, grid = self.variants[variant].hyperparameters, self.tuning(variant)
        studies, racing = self._racing(variant), self.racing(variant)
        lengths = (study.epochs or self.config.training.epochs for study in studies)
        race = Race(racing, max(lengths)) if racing else None
        return run_load(chosen, self.budget(variant), grid, data, race)

    def probe_load(self, variant: str, data: DataSize = MNIST_SIZE) -> Load:
        """The work of a variant's gradient probes on such data."""
        chosen, tuning = self.variants[variant].hyperparameters, self.config.tuning
        return probe_load(chosen, self.budget(variant), tuning, self._probing(variant), data)

    def profile_seconds(self, study: str, rates: Calibration, data: DataSize = MNIST_SIZE) -> float:
        """What a study's profiles take on such data."""
        chosen = [variant.hyperparameters for variant in self._profiled(study)]
        return profile_seconds(chosen, rates, data)

    def session_seconds(self, study: str, rates: Calibration, data: DataSize = MNIST_SIZE) -> float:
        """What a study's timing session takes on such data."""
        alone = [
            replace(load, kernels=False, scores=False).seconds(rates)
            for variant in self.studies[study].verified
            for run in [self._lone_run(self.studies[study], variant)]
            for chosen in [run.variant.hyperparameters]
            for load in [run_load(chosen, run.budget, self.config.tuning, data)]
        ]
        # On all cores, and about half of the budget leads to the target.
        rounds = session_seconds(self._timed(study), self.protocol(study), rates, data)
        return rounds + sum(alone) / (2 * rates.cores**0.5)

    def priority(self, variant: str) -> int:
        """Longest run first: seconds at the assumed rates."""
        return int(self.run_load(variant).seconds(ASSUMED))

    def run_reservation(self, variant: str) -> Reservation:
        """What a run reserves on a cluster."""
        sizes = [_batch_size(self.variants[variant].hyperparameters)]
        return reservation(self.run_load(variant).seconds(ASSUMED), sizes)

    def probe_reservation(self, variant: str) -> Reservation:
        """What a variant's gradient probes reserve on a cluster."""
        chosen, probing = self.variants[variant].hyperparameters, self.config.probing
        sizes = [_batch_size(chosen), *probing.batch_sizes]
        return reservation(self.probe_load(variant).seconds(ASSUMED), sizes)

    def profile_reservation(self, study: str) -> Reservation:
        """What a study's profiles reserve on a cluster."""
        sizes = [_batch_size(variant.hyperparameters) for variant in self._profiled(study)]
        return reservation(self.profile_seconds(study, ASSUMED), sizes)

    def session_reservation(self, study: str) -> Reservation:
        """What a study's timing session reserves on a cluster."""
        sizes = [_batch_size(subject) for subject in self._timed(study)]
        return reservation(self.session_seconds(study, ASSUMED), sizes)

    def _timed(self, study: str) -> list[Hyperparameters]:
        subjects = timing_subjects(self.studies[study].variants.values())
        return [subject.hyperparameters for subject in subjects]

    def _for_analysis(self, study: Study) -> StudyForAnalysis:
        return StudyForAnalysis(
            name=study.name,
            baseline=study.baseline,
            axes=study.axes,
            settings=study.settings,
            epochs=study.config.epochs or self.config.training.epochs,
            trials={
                id_: max(trials_at_most(budget, self.config.training) for budget in budgets)
                for id_, budgets in study.budgets.items()
            },
            published=study.published,
            targets=dict(study.config.targets or {}),
        )

    def _for_report(self, study: Study) -> StudyForReport:
        """Its words; the parts of a study of every data set say which theirs is."""
        name = self.dataset_of_study(study.name)
        title = KNOWN[name].title if name in KNOWN else name
        beside = f" ({title})" if study.config.every_dataset else ""
        words = study.config.question.items()
        return StudyForReport(
            name=study.name,
            question={str(key): f"{text}{beside}" for key, text in words},
            description={str(key): text for key, text in study.config.description.items()},
        )

    def _save(self, request: Request) -> str:
        return str(save(request, self.handover))


def _any_size(chosen: Hyperparameters) -> Hyperparameters:
    """What graphs of all batch sizes have in common."""
    return timing_key(chosen).model_copy(update={"batch_size": 1})


def _batch_size(chosen: Hyperparameters) -> int:
    return batch_and_images(chosen, MNIST_SIZE.images)[0]


def open_plan(  # noqa: PLR0913 - what the Snakefile knows, each by its name
    merged: Mapping[str, Any],
    files: Iterable[str],
    folders: Sequence[Path],
    handover: Path,
    *,
    jobs_run_here: bool = True,
    command_line: Mapping[str, Any] = MappingProxyType({}),
) -> Plan:
    """Validate a configuration and plan its jobs.

    `merged`: the configuration after overlays; `files`: where it came from; `folders`: where study
    files are looked for, in order; `handover`: where long requests are written; `jobs_run_here`:
    not on a cluster, whose cards this machine cannot count; `command_line`: what `--config` set.
    Raises UserError.
    """
    content = with_numbers(plain(merged), plain(command_line))
    config = load_config(content, list(files), command_line)
    studies = load_studies(config, folders)
    _check_code(studies, config.timing)
    _check_train_sizes(studies, config)
    for dataset in config.datasets.values():
        if dataset.path is not None and jobs_run_here:
            check_own(local_path(dataset.path))
    return Plan(
        config=config,
        studies={study.name: study for study in studies},
        devices=resolve_devices(config.devices, usable_devices(), elsewhere=not jobs_run_here),
        merged=content,
        files=list(files),
        handover=handover,
    )


def _sources(
    stage: str, device: Device, variants: Iterable[Variant], beside: Iterable[str] = ()
) -> str:
    chosen = [variant.hyperparameters for variant in variants]
    # What is chosen by name is not found by following imports.
    plugins = {module for each in chosen for module in modules_used(each)} | {*beside}
    if not chosen:
        return fingerprint([f"batchmark.stages.{stage}"])
    drivers, row = device_used(device)
    code = fingerprint([f"batchmark.stages.{stage}", *plugins, *drivers], BY_VALUE)
    return " ".join([code, row, *sorted({row for each in chosen for row in rows_used(each)})])


def _check_code(studies: Iterable[Study], timing: TimingConfig) -> None:
    """Raise UserError when code that a study names by import path is not there."""
    for study in studies:
        chosen = [variant.hyperparameters for variant in study.variants.values()]
        loops = own_loops(protocol(study.config, timing))
        used = {module for each in chosen for module in modules_used(each)}
        try:
            for module in sorted(used | {path.partition(":")[0] for path in loops}):
                fingerprint([module])
            for path in sorted({path for each in chosen for path in each.own} | loops):
                check_defined(path)
        except UserError as error:
            raise UserError(f"study {study.name}: {error}") from error


def _check_train_sizes(studies: Iterable[Study], config: Config) -> None:
    """Raise UserError for a train_size above what known data leave; of others the run tells."""
    first, *_ = config.datasets
    for study in studies:
        dataset = config.datasets[study.dataset or first]
        if dataset.name not in KNOWN or dataset.path is not None:
            continue
        there = TRAINING_IMAGES - validation_size(TRAINING_IMAGES, dataset.validation)
        for variant in study.variants.values():
            wanted = variant.hyperparameters.train_size
            if wanted != "full" and wanted > there:
                raise UserError(
                    f"study {study.name}: train_size = {wanted}: dataset.validation leaves {there} "
                    f"training images of {KNOWN[dataset.name].title}; lower one, or write full."
                )


def _lock_digest() -> str:
    """SHA-256 of the lock file beside this code, empty where there is none."""
    lock = Path(__file__).parents[3] / "requirements" / "run.txt"
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else ""
