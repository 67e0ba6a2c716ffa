import errno

import pytest

from batchmark.contract.errors import UserError
from batchmark.stages.command import run


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
