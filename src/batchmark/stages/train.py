"""Train all trials of one variant: request and dataset in, `runs/{variant}.json` out."""

from argparse import ArgumentParser
from pathlib import Path

from batchmark.stages import command


def main() -> None:
    """Parse, read, train, write."""
    arguments = parser().parse_args()
    # Imported here: --help stays quick, and TensorFlow must find the switches set.
    from batchmark.contract.record import write_result  # noqa: PLC0415
    from batchmark.contract.requests.message import read_request  # noqa: PLC0415
    from batchmark.contract.requests.train import TrainRequest  # noqa: PLC0415
    from batchmark.dataset.arrays import load_dataset  # noqa: PLC0415
    from batchmark.training.environment import beside_others  # noqa: PLC0415

    request = read_request(arguments.request, TrainRequest)
    name = f"train {request.variant.id}"
    with beside_others(name, request.device, request.budget.deterministic):
        from batchmark.training.run import Scratch, run  # noqa: PLC0415

        dataset = load_dataset(arguments.dataset, arguments.facts)
        scratch = Scratch(arguments.checkpoint, arguments.checkpoint_seconds)
        write_result(arguments.output, run(request, dataset, scratch))


def preload(arguments: list[str]) -> None:
    """What such a job on a processor needs, before it is forked."""
    from batchmark.contract.requests.train import TrainRequest  # noqa: PLC0415

    command.prepare("batchmark.training.run", parser().parse_args(arguments), TrainRequest)


def parser() -> ArgumentParser:
    """The command line of this stage."""
    parser = command.measuring("train", __doc__, "TrainRequest", "the run")
    parser.add_argument("--checkpoint", required=True, type=Path, help="folder to resume from")
    parser.add_argument("--checkpoint-seconds", type=float, default=60.0, metavar="N")
    return parser


if __name__ == "__main__":
    command.run(main)
