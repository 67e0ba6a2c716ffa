import errno
from typing import Any

import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.stages.command import compile_kernels, run
from tests.training.tiny import dataset


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UserError("config.yaml: epochs = -1: too small."), "config.yaml: epochs = -1"),
        (OSError(errno.ENOSPC, "No space left on device", "a.json"), "a.json: No space left"),
        (OSError("odd"), "odd"),
    ],
)
def test_what_a_user_can_mend_is_one_line(error: Exception, words: str) -> None:
    with pytest.raises(SystemExit) as ending:
        run(lambda: _raise(error))
    message = str(ending.value.code)
    assert words in message
    assert "\n" not in message


def test_a_defect_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run(lambda: _raise(ZeroDivisionError()))


@pytest.mark.parametrize(
    "changes",
    [
        *({}, {"momentum": 0.9, "nesterov": True}),
        {"normalization": "input", "train_size": 20, "batch_size": 5},
        {"optimizer": "adam"},
    ],
)
def test_kernels_compiled_before_are_those_of_a_session(changes: dict[str, Any]) -> None:
    from batchmark.training.data import to_device  # noqa: PLC0415 - others wait for no TensorFlow
    from batchmark.training.kernels.network import program  # noqa: PLC0415
    from batchmark.training.kernels.session import kind_of_session  # noqa: PLC0415

    chosen, data = Hyperparameters(**changes), dataset(side=16)
    compile_kernels(chosen, data)
    compiled = program.cache_info().misses
    there = to_device(data)
    session = kind_of_session(chosen, there, compiled=False).open(chosen, there, seed=0)
    session.train(1)
    session.evaluate("test")
    assert program.cache_info().misses == compiled


def test_nothing_is_compiled_for_what_kernels_do_not_serve() -> None:
    from batchmark.training.kernels.network import program  # noqa: PLC0415

    compiled = program.cache_info().misses
    compile_kernels(Hyperparameters(activation="relu"), dataset(side=16))
    assert program.cache_info().misses == compiled
