"""One lock for the whole machine: a timing block has it alone, training runs share it.

A timing block takes the turnstile before it waits for the machine: training runs that come
later queue behind it, so an endless stream of them cannot keep it waiting.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from batchmark.measuring.locks import EXCLUSIVE, SHARED, announcer, locked

TURNSTILE = "batchmark-turnstile.lock"
MACHINE = "batchmark-machine.lock"


@contextmanager
def shared(description: str, folder: Path | None = None) -> Iterator[None]:
    """Hold the machine together with other training runs; wait while a timing block has it.

    `description` begins the sentence that tells the user about the wait ("train lenet5-sgd").
    """
    announce = announcer(description, "the machine")
    with ExitStack() as until_done:
        with locked(TURNSTILE, SHARED, announce, folder):
            until_done.enter_context(locked(MACHINE, SHARED, announce, folder))
        yield


@contextmanager
def exclusive(description: str, folder: Path | None = None) -> Iterator[None]:
    """Hold the machine alone; wait for every training run and timing block that has it."""
    announce = announcer(description, "the machine")
    with (
        locked(TURNSTILE, EXCLUSIVE, announce, folder),
        locked(MACHINE, EXCLUSIVE, announce, folder),
    ):
        yield
