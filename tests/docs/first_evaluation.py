"""python -m tests.docs.first_evaluation RUN REQUEST MNIST: a run's first evaluation, made again.

RUN is a result of `train`, REQUEST one for the data, MNIST the folder that has them. Prints JSON.
"""

import json
import sys
from pathlib import Path

from batchmark.contract.record import read_result
from batchmark.contract.requests.dataset import DatasetRequest
from batchmark.contract.requests.message import read_request
from batchmark.contract.run import RunResult
from batchmark.dataset.acquire import acquire
from batchmark.dataset.arrays import Dataset
from batchmark.training import environment


def main() -> None:
    run, request, mnist = map(Path, sys.argv[1:])
    environment.apply("cpu", 1)
    from batchmark.training.data import to_device  # noqa: PLC0415
    from batchmark.training.kernels.session import kind_of_session  # noqa: PLC0415
    from batchmark.training.trial import History  # noqa: PLC0415

    packed, asked = read_result(run, RunResult), read_request(request, DatasetRequest)
    found = acquire(asked.model_copy(update={"path": str(mnist)}), lambda _: None)
    data = to_device(Dataset(**vars(found.arrays), facts=found.record.facts))
    trial, chosen = packed.trials[0], packed.variant.hyperparameters
    session = kind_of_session(chosen, data, compiled=False).open(chosen, data, trial.seed)
    history = History(session.steps_per_epoch, session.batches.batch_size)
    while session.step < (last := trial.evaluations.steps[0]):
        history.add_steps(session.train(min(4000, last - session.step)))
    history.add_evaluation(session.step, session.evaluate("validation"))
    print(json.dumps({name: column[0] for name, column in history.columns.items()}))


if __name__ == "__main__":
    main()
