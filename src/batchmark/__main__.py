"""What users call beside make: begin a project of their own, check files from strangers."""

import argparse
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from batchmark.contract.errors import UserError
from batchmark.plan.reading import read_yaml
from batchmark.stages.command import run

HOME = Path(__file__).resolve().parents[2]
# How the files of the template call `HOME`.
BESIDE = "../batchmark"
WORKFLOWS_OWN = Path("config/config.yaml")


def begin(project: Path, home: Path = HOME) -> None:
    """Write the files of `home`'s template to the new folder `project`, all of them or none.

    Raises UserError where the folder exists or cannot be made.
    """
    if os.path.lexists(project):
        raise UserError(f"{project} exists already; name a folder that does not.")
    if not project.parent.is_dir():
        raise UserError(f"{project.parent} is no folder to make {project.name} in; make it first.")
    template, project = home / "template", project.absolute()
    if not template.is_dir():
        raise UserError(f"{template} is missing; run this from a whole clone of batchmark.")
    way = os.path.relpath(home.resolve(), project.parent.resolve() / project.name)
    with tempfile.TemporaryDirectory(prefix=".init-", dir=project.parent) as scratch:
        whole = Path(scratch) / project.name
        shutil.copytree(template, whole, ignore=shutil.ignore_patterns("__pycache__"))
        for file in [path for path in whole.rglob("*") if path.is_file()]:
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace(BESIDE, way), encoding="utf-8")
        (whole / "profiles").symlink_to(f"{way}/profiles")
        whole.rename(project)


def configuration_files(arguments: Sequence[str]) -> list[Path]:
    """The files that Snakemake would read when given these arguments; other options are ignored."""
    parser = argparse.ArgumentParser(add_help=False)
    names = ("--configfile", "--configfiles")
    parser.add_argument(*names, nargs="+", action="extend", type=Path, default=[])
    # Named so that it is not taken for an abbreviation of the other.
    parser.add_argument("--config", nargs="*")
    given = parser.parse_known_args(arguments)[0].configfile
    return [WORKFLOWS_OWN, *given] if WORKFLOWS_OWN.exists() else given


def main() -> None:
    """Parse the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m batchmark", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    init = commands.add_parser("init", help="begin a project of your own beside this batchmark")
    init.add_argument("project", type=Path, metavar="FOLDER", help="where; it must not exist yet")
    words = "read configuration files before Snakemake does, which runs the Python code in some"
    commands.add_parser("check", help=f"{words}; takes Snakemake's arguments", add_help=False)
    asked, others = parser.parse_known_args()
    if asked.command == "check":
        for path in configuration_files(others):
            read_yaml(path)
    elif others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    else:
        begin(asked.project)
        name = asked.project
        print(f"{name} is ready: cd {name}; python make_images.py; snakemake --cores all")


if __name__ == "__main__":
    run(main)
