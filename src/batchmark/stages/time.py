"""Time all training graphs of one study: request and dataset in, `timings/{study}.json` out."""

import sys
from argparse import ArgumentParser

from batchmark.stages import command


def main() -> None:
    """Parse, wait for the machine, time, write."""
    arguments = parser().parse_args()
    # Imported here: --help stays quick.
    from batchmark.contract.record import write_result  # noqa: PLC0415
    from batchmark.contract.requests.message import read_request  # noqa: PLC0415
    from batchmark.contract.requests.time import TimeRequest  # noqa: PLC0415
    from batchmark.machine import cards  # noqa: PLC0415
    from batchmark.machine.locks import exclusive  # noqa: PLC0415
    from batchmark.timing.session import time_study  # noqa: PLC0415

    request = read_request(arguments.request, TimeRequest)
    name = f"time {request.study}"
    with exclusive(name), cards.own(name, request.device):
        result = time_study(request, arguments.dataset, arguments.facts)
    for warning in result.warnings:
        print(f"{name}: {warning.subject or request.machine}: {warning.text}", file=sys.stderr)
    write_result(arguments.output, result)


def parser() -> ArgumentParser:
    """The command line of this stage."""
    return command.measuring("time", __doc__, "TimeRequest", "the session")


if __name__ == "__main__":
    command.run(main)
