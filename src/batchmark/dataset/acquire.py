"""Get the requested data: own data, the mirrors in order, or the embedded sample in their place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from batchmark.contract.errors import LOCAL, UserError, public_address
from batchmark.contract.record import SAMPLE, DatasetRecord, MirrorProblem
from batchmark.contract.requests.dataset import DatasetRequest
from batchmark.dataset import local, own
from batchmark.dataset.arrays import Arrays, describe
from batchmark.dataset.local import KNOWN, Known, local_path
from batchmark.dataset.mirrors import Limits, MirrorError, read_mirror
from batchmark.dataset.own import Loaded, count_classes, from_idx, load_own, notes

Say = Callable[[str], None]


@dataclass(frozen=True)
class Acquired:
    """The arrays to save and the record to write beside them."""

    arrays: Arrays
    record: DatasetRecord


def acquire(
    request: DatasetRequest,
    say: Say,
    known: Mapping[str, Known] = KNOWN,
    limits: Limits | None = None,
) -> Acquired:
    """Get the data `request` asks for; `say` receives progress and warnings for the terminal.

    The sums of a `known` name are verified; `limits` replaces those that follow from the request.
    Raises UserError naming each mirror and why it did not serve.
    """
    named = known.get(request.name)
    expected = named.sums if named else {}
    if request.name == SAMPLE:
        return _sample()
    if request.path is not None:
        loaded = load_own(local_path(request.path), request.validation, expected)
        acquired = _acquired(request.name, loaded, LOCAL)
    else:
        # Of known data it is known how large a file may be.
        largest = local.LARGEST_FILE if named else Limits.largest
        mirrors = request.mirrors
        if mirrors is None:
            mirrors = named.sources() if named else []
        usual = Limits(request.connect_timeout, request.read_timeout, largest=largest)
        acquired = _from_mirrors(request, mirrors, say, expected, limits or usual)
        _check_name(acquired, known)
    for note in acquired.record.facts.notes:
        say(f"NOTE: {acquired.record.facts.name}: {note.text}")
    return acquired


def _check_name(acquired: Acquired, known: Mapping[str, Known]) -> None:
    """Raise UserError when mirrors gave known data under another name."""
    name, sums = acquired.record.facts.name, acquired.record.sums
    for other, data in known.items():
        if name != other and sums == data.sums:
            raise UserError(
                f"dataset.name = {name!r}: what dataset.mirrors gave is {data.title}; set "
                f"dataset.path or mirrors of your own, or call it {other!r}."
            )


def _from_mirrors(
    request: DatasetRequest,
    mirrors: Sequence[str],
    say: Say,
    expected: Mapping[str, str],
    limits: Limits,
) -> Acquired:
    problems: list[MirrorProblem] = []
    for mirror in mirrors:
        shown = _shown(mirror)
        say(f"getting {request.name} from {shown}")
        try:
            loaded = from_idx(read_mirror(mirror, expected, limits), request.validation, shown)
        except MirrorError as fault:
            say(f"mirror {shown} does not serve: {fault}")
            problems.append(MirrorProblem(mirror=public_address(mirror), reason=str(fault)))
        else:
            return _acquired(request.name, loaded, public_address(mirror), problems)
    if request.fallback == "sample" and request.name == local.NAME:
        say("WARNING: sample, not MNIST: no mirror served, 5,000 embedded digits stand in for it")
        return _sample(stands_in_for=request.name, problems=problems)
    raise UserError(_no_mirror(request, mirrors, problems))


def _shown(mirror: str) -> str:
    """How the terminal calls a mirror: a folder by its path, an address without its password."""
    name = public_address(mirror)
    return mirror if name == LOCAL else name


def _acquired(
    name: str, loaded: Loaded, source: str, problems: list[MirrorProblem] | None = None
) -> Acquired:
    classes = count_classes(loaded.arrays, f"dataset {name}")
    noted = {"notes": tuple(notes(loaded.arrays, classes))}
    facts = describe(name, loaded.arrays, classes).model_copy(update=noted)
    record = DatasetRecord(
        facts=facts, source=source, sums=loaded.sums, problems=tuple(problems or ())
    )
    return Acquired(loaded.arrays, record)


def _sample(
    stands_in_for: str | None = None, problems: list[MirrorProblem] | None = None
) -> Acquired:
    arrays = own.load_sample()
    record = DatasetRecord(
        facts=describe(SAMPLE, arrays, own.CLASSES),
        source=own.SOURCE,
        sums={},
        problems=tuple(problems or ()),
        stands_in_for=stands_in_for,
    )
    return Acquired(arrays, record)


def _no_mirror(
    request: DatasetRequest, mirrors: Sequence[str], problems: list[MirrorProblem]
) -> str:
    tried = "; ".join(
        f"{_shown(mirror)}: {problem.reason}"
        for mirror, problem in zip(mirrors, problems, strict=True)
    )
    folder = KNOWN[request.name].folder if request.name in KNOWN else None
    hint = f" or put the four files into {folder}" if folder else ""
    if request.name == local.NAME:
        hint = " or set dataset.fallback to sample"
    return (
        f"{request.name} could not be had from any of {len(problems)} dataset.mirrors "
        f"({tried or 'none is configured'}); add a mirror that serves{hint}."
    )
