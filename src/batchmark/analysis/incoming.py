"""Checking a folder of results that somebody else made."""

from pathlib import Path

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.errors import UserError
from batchmark.results.gradients import GradientResult
from batchmark.results.run import RunResult
from batchmark.results.schema import read_result
from batchmark.results.timing import TimingResult
from batchmark.study.naming import variant_id

KINDS = {"runs": RunResult, "timings": TimingResult, "gradients": GradientResult}


def find_incoming(source: Path) -> list[Path]:
    """Paths, relative to `source`, of all result files `{machine}/{device}/{kind}/{name}.json`.

    Raises UserError when there is none, or one is damaged, a link, or says inside that it
    belongs elsewhere.
    """
    found = [path for kind in KINDS for path in sorted(source.glob(f"*/[cg]pu/{kind}/*.json"))]
    if not found:
        raise UserError(
            f"{source}: no result files; expected {{machine}}/{{cpu|gpu}}/runs/*.json or other "
            "results below it. Give the other machine's results folder."
        )
    for path in found:
        _check(path)
    return [path.relative_to(source) for path in found]


def _check(path: Path) -> None:
    if path.is_symlink() or not path.is_file():
        raise UserError(f"{path} is refused: not a plain file. Copy the file itself.")
    result = read_result(path, KINDS[path.parent.name])
    own = result.study if isinstance(result, TimingResult) else result.variant.id
    inside = (result.machine, result.device, own)
    outside = (path.parts[-4], path.parts[-3], path.stem)
    if inside != outside:
        raise UserError(
            f"{path} is refused: its content says {'/'.join(inside)} but it lies under "
            f"{'/'.join(outside)}. Give folder and file their own names back."
        )
    if not isinstance(result, TimingResult):
        _check_id(path, result.variant.id, result.variant.hyperparameters)


def _check_id(path: Path, own: str, hyperparameters: dict) -> None:
    try:
        expected = variant_id(Hyperparameters(**hyperparameters))
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{path} is refused: variant.hyperparameters are not those of this version of "
            "batchmark. Run the same version on both machines."
        ) from error
    if own != expected:
        raise UserError(
            f"{path} is refused: variant.id is {own!r} but its hyperparameters belong to "
            f"{expected!r}. Delete the file and run again."
        )
