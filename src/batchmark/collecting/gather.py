"""Finding the result files that belong to a plan or come from elsewhere; refusing all others."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from batchmark.contract.devices import DEVICES
from batchmark.contract.errors import UserError
from batchmark.contract.gradients import GradientResult
from batchmark.contract.hyperparameters import dataset_of, on_dataset, variant_id
from batchmark.contract.profile import ProfileResult
from batchmark.contract.record import DatasetFacts, read_result
from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.requests.message import RecordedVariant, Variant
from batchmark.contract.run import RunResult
from batchmark.contract.timing import TimingResult

AnyResult = RunResult | TimingResult | GradientResult | ProfileResult
OfStudy = TypeVar("OfStudy", TimingResult, ProfileResult)

# A table, a curve or a colour each: beyond that nobody reads the page.
MOST_MACHINES = 100
# As `Slug` has it: other folders beside the results are the user's own.
_MACHINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Place:
    """One device of one machine and the folder with its results."""

    machine: str
    device: str
    folder: Path


def find_places(results: Path, request: CollectRequest) -> list[Place]:
    """The planned devices of this machine, then whatever lies beside from other machines."""
    own = [
        Place(request.machine, device, results / request.machine / device)
        for device in request.devices
    ]
    beside = [
        Place(folder.parent.name, folder.name, folder)
        for folder in sorted(_device_folders(results))
        if folder.parent.name != request.machine and _MACHINE.fullmatch(folder.parent.name)
    ]
    refuse_crowd({place.machine for place in own + beside})
    return own + beside


def _device_folders(results: Path) -> list[Path]:
    return [folder for device in DEVICES for folder in results.glob(f"*/{device}")]


def refuse_crowd(machines: Collection[str]) -> None:
    """Raise UserError for more machines than a page can compare."""
    if len(machines) > MOST_MACHINES:
        raise UserError(
            f"Results of {len(machines)} machines are more than the {MOST_MACHINES} that one "
            "report holds: move some of the folders away, or merge fewer."
        )


def read_runs(place: Place, request: CollectRequest) -> Iterator[tuple[Path, RunResult]]:
    """The runs of the plan's variants that exist in `place`, checked against the plan."""
    for variant in request.variants:
        path = place.folder / "runs" / f"{variant.id}.json"
        if path.exists():
            run = read_result(path, RunResult)
            _check_place(path, place, run)
            _check_variant(path, run.variant, variant)
            yield path, run


def read_timings(place: Place, request: CollectRequest) -> Iterator[tuple[Path, TimingResult]]:
    """The timing sessions of the plan's timed studies that exist in `place`."""
    return _of_studies(place, "timings", request.timed, TimingResult)


def read_profiles(place: Place, request: CollectRequest) -> Iterator[tuple[Path, ProfileResult]]:
    """The profiles of the plan's studies that exist in `place`."""
    return _of_studies(place, "profiles", request.profiled, ProfileResult)


def _of_studies(
    place: Place, folder: str, studies: Sequence[str], kind: type[OfStudy]
) -> Iterator[tuple[Path, OfStudy]]:
    for study in studies:
        path = place.folder / folder / f"{study}.json"
        if path.exists():
            result = read_result(path, kind)
            _check_place(path, place, result)
            _check_study(path, result, study)
            yield path, result


def read_gradients(place: Place, request: CollectRequest) -> Iterator[tuple[Path, GradientResult]]:
    """The gradient probes of the plan that exist in `place`."""
    for variant in request.variants:
        path = place.folder / "gradients" / f"{variant.id}.json"
        if variant.id in request.probed and path.exists():
            probe = read_result(path, GradientResult)
            _check_place(path, place, probe)
            _check_variant(path, probe.variant, variant)
            yield path, probe


def _check_place(path: Path, place: Place, result: AnyResult) -> None:
    for key in ("machine", "device"):
        inside, folder = getattr(result, key), getattr(place, key)
        if inside != folder:
            raise UserError(
                f"{path} is refused: {key} is {inside!r} but its folder is {folder!r}. "
                f"Move it below the folder of {inside!r}."
            )


def _check_study(path: Path, result: TimingResult | ProfileResult, study: str) -> None:
    if result.study != study:
        raise UserError(
            f"{path} is refused: study is {result.study!r} but the file is named {study!r}. Give "
            "the file its own name back."
        )


def _check_variant(path: Path, recorded: RecordedVariant, planned: Variant) -> None:
    """A renamed file would pass off one variant's numbers as another's."""
    if recorded.id != planned.id:
        raise UserError(
            f"{path} is refused: variant.id is {recorded.id!r} but the file is named "
            f"{planned.id!r}. Give the file its own name back, or delete it and run again."
        )
    for key, inside in recorded.hyperparameters:
        expected = getattr(planned.hyperparameters, key)
        if inside != expected:
            raise UserError(
                f"{path} is refused: variant.hyperparameters.{key} is {inside!r} but "
                f"{planned.id!r} stands for {expected!r}. Delete the file and run again."
            )


@dataclass
class Consistency:
    """Notes what each file was made with, to refuse what must not be mixed.

    Results that name the same data set, or none, share it; those of one machine and device share
    library versions. The version of batchmark is a record: its code is tracked by content.
    """

    datasets: dict[str, list[tuple[Path, DatasetFacts]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    versions: dict[tuple[str, str], list[tuple[Path, dict[str, str]]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def note(self, path: Path, result: AnyResult) -> None:
        """Remember the dataset and the versions of a file."""
        self.datasets[_named_dataset(result)].append((path, result.dataset))
        recorded = result.environment.get("versions", {})
        if not isinstance(recorded, dict):
            raise UserError(f"{path} is refused: environment.versions is not a mapping.")
        versions = {str(key): str(value) for key, value in recorded.items() if key != "batchmark"}
        self.versions[result.machine, result.device].append((path, versions))

    def check(self) -> None:
        """Raise UserError naming a file of the minority, the key and both values."""
        remedy = "Results of different data are never averaged: delete or move those of one."
        for files in self.datasets.values():
            _refuse_mixture(
                "dataset.digest", [(path, facts.digest) for path, facts in files], remedy
            )
        for noted in self.versions.values():
            for key in sorted({key for _, versions in noted for key in versions}):
                _refuse_mixture(
                    f"environment.versions.{key}",
                    [(path, versions[key]) for path, versions in noted if key in versions],
                    "Install one version and delete the results of the other, or keep them under "
                    "another `machine:` name.",
                )


def _named_dataset(result: AnyResult) -> str:
    """The data set in the ids of the result's variants; empty: the first."""
    if isinstance(result, TimingResult):
        return dataset_of(result.baseline)
    if isinstance(result, ProfileResult):
        return dataset_of(result.profiles[0].variant) if result.profiles else ""
    return dataset_of(result.variant.id)


def _refuse_mixture(key: str, noted: Sequence[tuple[Path, str]], remedy: str) -> None:
    # The minority is blamed: what most files agree on is likely what was meant.
    common = Counter(value for _, value in noted).most_common()
    if len(common) > 1:
        usual, odd = common[0][0], common[-1][0]
        path = next(path for path, value in noted if value == odd)
        other = next(path for path, value in noted if value == usual)
        raise UserError(
            f"{path} is refused: {key} is {odd!r} but {usual!r} in {other} "
            f"({len(noted)} files looked at). {remedy}"
        )


# By the folder that holds them.
KINDS = {
    "runs": RunResult,
    "timings": TimingResult,
    "gradients": GradientResult,
    "profiles": ProfileResult,
}


def find_incoming(source: Path) -> list[Path]:
    """Paths, relative to `source`, of all result files `{machine}/{device}/{kind}/{name}.json`.

    Raises UserError when there is none, or one is damaged, a link, or says inside that it
    belongs elsewhere.
    """
    folders = _device_folders(source)
    paths = [
        path for kind in KINDS for folder in folders for path in (folder / kind).glob("*.json")
    ]
    if not paths:
        raise UserError(
            f"{source}: no result files; expected {{machine}}/{{{'|'.join(DEVICES)}}}/runs/*.json "
            "or other results below it. Give the other machine's results folder."
        )
    for path in sorted(paths):
        _check(path)
    return sorted(path.relative_to(source) for path in paths)


def _check(path: Path) -> None:
    if path.is_symlink() or not path.is_file():
        raise UserError(f"{path} is refused: not a plain file. Copy the file itself.")
    result = read_result(path, KINDS[path.parent.name])
    own = result.study if isinstance(result, TimingResult | ProfileResult) else result.variant.id
    inside = (result.machine, result.device, own)
    outside = (path.parts[-4], path.parts[-3], path.stem)
    if inside != outside:
        raise UserError(
            f"{path} is refused: its content says {'/'.join(inside)} but it lies under "
            f"{'/'.join(outside)}. Give folder and file their own names back."
        )
    if isinstance(result, TimingResult | ProfileResult):
        return
    expected = on_dataset(variant_id(result.variant.hyperparameters), dataset_of(own))
    if own != expected or dataset_of(own) not in ("", result.dataset.name):
        raise UserError(
            f"{path} is refused: variant.id is {own!r} but its hyperparameters belong to "
            f"{expected!r}. Delete the file and run again."
        )
