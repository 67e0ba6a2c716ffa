"""Draw one figure: an SVG in English and, beside it, what it says in words and numbers."""

import argparse
import importlib
from pathlib import Path

from batchmark.contract.files import write_json, write_text
from batchmark.report.drawing.svg import not_measured, not_measured_svg, to_facts, to_svg
from batchmark.report.selection import Tables
from batchmark.stages.command import run


def plot(figure: str, module: str, tables: Tables, output: Path) -> None:
    """Write `output` and its JSON; a figure without data says so in both.

    `module` draws `figure` by the function of that name, which is given the study after a dot.
    """
    # A study's name may have dots of its own.
    name, *study = figure.split(".", maxsplit=1)
    drawn = getattr(importlib.import_module(module), name)(tables, *study)
    write_text(output, to_svg(drawn, figure) if drawn else not_measured_svg())
    facts = to_facts(drawn, figure) if drawn else not_measured(figure)
    write_json(output.with_suffix(".json"), facts)


def main() -> None:
    """`python -m batchmark.stages.plot --figure NAME --module MODULE --tables DIR …`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", required=True, help="a name of batchmark.report.catalogue")
    parser.add_argument("--module", required=True, help="the module that draws it")
    parser.add_argument("--tables", required=True, type=Path)
    parser.add_argument("--output", required=True, type=Path, help="the SVG to write")
    arguments = parser.parse_args()
    plot(arguments.figure, arguments.module, Tables(arguments.tables), arguments.output)


if __name__ == "__main__":
    run(main)
