"""What the command lines of stages have in common: errors in one sentence, files in and out."""

import importlib
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from batchmark.contract.errors import UserError
from batchmark.machine.garbage import collect_seldom

if TYPE_CHECKING:
    from batchmark.contract.hyperparameters import Hyperparameters
    from batchmark.contract.requests.probe import ProbeRequest
    from batchmark.contract.requests.train import TrainRequest
    from batchmark.dataset.arrays import Dataset


def run(main: Callable[[], None]) -> None:
    """Run a stage; what the user can mend ends as one line on stderr and exit status 1."""
    collect_seldom()
    try:
        main()
    except UserError as error:
        sys.exit(f"batchmark: {error}")
    except OSError as error:
        # A full disk, a read-only or removed folder: nothing a traceback would explain better.
        sys.exit(f"batchmark: {error.filename or 'a file'}: {error.strerror or error}.")


def measuring(stage: str, description: str | None, request: str, output: str) -> ArgumentParser:
    """The command line of a stage that measures: what is asked for and the data in, a result out.

    `request`: the kind of it; `output`: what is written, for the help.
    """
    parser = ArgumentParser(prog=f"python -m batchmark.stages.{stage}", description=description)
    parser.add_argument("--request", required=True, type=Path, help=f"file with a {request}, JSON")
    parser.add_argument("--dataset", required=True, type=Path, help="the arrays, npz")
    parser.add_argument("--facts", required=True, type=Path, help="the dataset's record, JSON")
    parser.add_argument("--output", required=True, type=Path, help=f"{output}, JSON")
    return parser


def prepare(
    library: str, given: Namespace, request: "type[TrainRequest] | type[ProbeRequest]"
) -> None:
    """Import `library`, read and compile what a job with these arguments needs, on a processor."""
    # Imported here: TensorFlow must find the switches set.
    from batchmark.contract.requests.message import read_request  # noqa: PLC0415
    from batchmark.dataset.arrays import load_dataset  # noqa: PLC0415
    from batchmark.training import environment  # noqa: PLC0415

    environment.apply("cpu", threads=1)
    importlib.import_module(library)
    chosen = read_request(given.request, request).variant.hyperparameters
    compile_kernels(chosen, load_dataset(given.dataset, given.facts))


def import_sessions() -> None:
    """Import TensorFlow and the engine for forks on a processor, whatever their threads."""
    from batchmark.training import environment  # noqa: PLC0415

    # As for training, which may be forked from the same: the number of threads is each one's own.
    environment.apply("cpu", threads=1)
    for each in ("data", "session"):
        importlib.import_module(f"batchmark.training.{each}")


def compile_kernels(chosen: "Hyperparameters", dataset: "Dataset") -> None:
    """Compile what a variant trains with or is scored by, for all forks of this process."""
    # Imported here: other stages have no use for them.
    from batchmark.training.data import pixels_for  # noqa: PLC0415
    from batchmark.training.kernels.choice import scores, serves  # noqa: PLC0415
    from batchmark.training.kernels.network import program  # noqa: PLC0415

    images, size = dataset.train_images, chosen.train_size
    shape = images.shape[1:]
    if scores(chosen, shape):
        pixels = pixels_for(chosen.normalization, images if size == "full" else images[:size])
        trained = (chosen.momentum, chosen.nesterov) if serves(chosen, shape) else (0.0, False)
        program(shape, dataset.facts.classes, pixels, *trained)
