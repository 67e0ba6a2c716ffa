"""Trace the training steps of one study: request and dataset in, `profiles/{study}.json` out."""

import sys
from argparse import ArgumentParser

from batchmark.stages import command


def main() -> None:
    """Parse, wait for the machine, trace, write."""
    arguments = parser().parse_args()
    # Imported here: --help stays quick, and TensorFlow must find the switches set.
    from batchmark.contract.devices import KINDS  # noqa: PLC0415
    from batchmark.contract.record import write_result  # noqa: PLC0415
    from batchmark.contract.requests.message import read_request  # noqa: PLC0415
    from batchmark.contract.requests.profile import ProfileRequest  # noqa: PLC0415
    from batchmark.dataset.arrays import load_dataset  # noqa: PLC0415
    from batchmark.machine import cards  # noqa: PLC0415
    from batchmark.machine.facts import usable_threads  # noqa: PLC0415
    from batchmark.machine.locks import exclusive  # noqa: PLC0415
    from batchmark.training import environment  # noqa: PLC0415

    request = read_request(arguments.request, ProfileRequest)
    name, usable = f"profile {request.study}", usable_threads()
    threads = 0 if KINDS[request.device].cards else min(request.threads or usable, usable)
    with exclusive(name), cards.own(name, request.device):
        environment.in_fork(threads)
        environment.apply(request.device, threads)
        environment.require(request.device)
        from batchmark.profiling.profile import profile  # noqa: PLC0415

        result = profile(request, load_dataset(arguments.dataset, arguments.facts), threads)
    for each in result.profiles:
        print(f"{name}: {each.variant} {each.message or 'is profiled'}.", file=sys.stderr)
    write_result(arguments.output, result)


def preload(_: list[str]) -> None:
    """Import what such a job on a processor needs, before it is forked."""
    command.import_sessions()


def parser() -> ArgumentParser:
    """The command line of this stage."""
    return command.measuring("profile", __doc__, "ProfileRequest", "the profiles")


if __name__ == "__main__":
    command.run(main)
