"""Probe the gradients of one variant: request and dataset in, `gradients/{variant}.json` out."""

from argparse import ArgumentParser

from batchmark.stages import command


def main() -> None:
    """Parse, read, probe, write."""
    arguments = parser().parse_args()
    # Imported here: --help stays quick, and TensorFlow must find the switches set.
    from batchmark.contract.record import write_result  # noqa: PLC0415
    from batchmark.contract.requests.message import read_request  # noqa: PLC0415
    from batchmark.contract.requests.probe import ProbeRequest  # noqa: PLC0415
    from batchmark.dataset.arrays import load_dataset  # noqa: PLC0415
    from batchmark.training.environment import beside_others  # noqa: PLC0415

    request = read_request(arguments.request, ProbeRequest)
    name = f"probe {request.variant.id}"
    with beside_others(name, request.device, request.budget.deterministic):
        from batchmark.probing.probe import probe  # noqa: PLC0415

        dataset = load_dataset(arguments.dataset, arguments.facts)
        write_result(arguments.output, probe(request, dataset))


def preload(arguments: list[str]) -> None:
    """What such a job on a processor needs, before it is forked."""
    from batchmark.contract.requests.probe import ProbeRequest  # noqa: PLC0415

    command.prepare("batchmark.probing.probe", parser().parse_args(arguments), ProbeRequest)


def parser() -> ArgumentParser:
    """The command line of this stage."""
    return command.measuring("probe", __doc__, "ProbeRequest", "the probes")


if __name__ == "__main__":
    command.run(main)
