"""Check configuration files before Snakemake reads them, which runs the Python code in some."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from batchmark.plan.reading import read_yaml
from batchmark.stages.command import run

# Read too, whatever files the command line names.
WORKFLOWS_OWN = Path("config/config.yaml")


def main() -> None:
    """Parse, read; a file that is refused ends as one sentence and exit status 1."""
    for path in configuration_files():
        read_yaml(path)


def configuration_files(arguments: Sequence[str] | None = None) -> list[Path]:
    """The files that Snakemake would read when given these arguments; other options are ignored."""
    given = parser().parse_known_args(arguments)[0].configfile
    return [WORKFLOWS_OWN, *given] if WORKFLOWS_OWN.exists() else given


def parser() -> argparse.ArgumentParser:
    """The command line of this stage: Snakemake's own, as far as configuration goes."""
    name = "python -m batchmark.stages.check_config"
    parser = argparse.ArgumentParser(prog=name, description=__doc__)
    names = ("--configfile", "--configfiles")
    parser.add_argument(*names, nargs="+", action="extend", type=Path, default=[], metavar="FILE")
    # Named so that it is not taken for an abbreviation of the other.
    parser.add_argument("--config", nargs="*", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    run(main)
