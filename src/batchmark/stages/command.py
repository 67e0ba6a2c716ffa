"""What the command lines of stages have in common: errors in one sentence, files in and out."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from batchmark.contract.errors import UserError
from batchmark.machine.garbage import collect_seldom


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
