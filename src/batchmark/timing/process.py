"""The measuring process: it opens a session a subject, keeps them alive and reads the clock."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from batchmark.contract.errors import UserError, scrubbed
from batchmark.contract.record import Device
from batchmark.contract.requests.time import TimingSubject
from batchmark.dataset.arrays import load_dataset
from batchmark.machine.garbage import collect_seldom
from batchmark.timing import protocol
from batchmark.training import environment
from batchmark.training import environment as switches

# Speed does not depend on the learning rate; a small one keeps losses finite for the whole session.
LEARNING_RATE = 1e-5


@dataclass(frozen=True)
class Conditions:
    """Where a process measures. `threads`: intra-op threads, 0 on a GPU."""

    device: Device
    threads: int
    npz: Path
    facts: Path


class Laboratory:
    """Data on the device, and sessions opened for timing subjects. Builds TensorFlow's runtime."""

    def __init__(self, conditions: Conditions) -> None:
        environment.apply(conditions.device, conditions.threads)
        # TensorFlow must find the switches set.
        from batchmark.training.data import to_device  # noqa: PLC0415
        from batchmark.training.session import Session  # noqa: PLC0415

        self.compiled = conditions.device == "gpu"
        self.data = to_device(load_dataset(conditions.npz, conditions.facts))
        self._session = Session

    def open(self, subject: TimingSubject, seed: int) -> Any:
        """A session of the subject; ValueError when its batch exceeds the training set."""
        return self._session.open(
            subject.hyperparameters,
            self.data,
            seed,
            learning_rate=LEARNING_RATE,
            compiled=self.compiled,
        )


class Worker:
    """A fresh process that builds an object and calls its methods on demand.

    It starts building at once; the first `ask` waits for that. It ends with the `with` block, and
    by itself when this process dies.
    """

    def __init__(self, build: Callable[..., Any], *arguments: Any) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, build, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, method: str, *arguments: Any) -> Any:
        """The answer of `method(*arguments)` in the other process.

        Raises UserError if the method does, or if the process has died of it.
        """
        try:
            self._connection.send((method, arguments))
            failed, answer = self._connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._process.join()
            raise UserError(
                f"a measuring process ended with status {self._process.exitcode} in {method!r}; "
                "its message stands above, or memory ran out."
            ) from None
        if failed:
            raise UserError(answer)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process. Closing it again does nothing."""
        self._connection.close()
        self._process.kill()
        self._process.join()


def _serve(connection: Connection, build: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Answer until the other side hangs up. What the user can mend goes back as a sentence."""
    collect_seldom()
    try:
        served = build(*arguments)
        while True:
            method, values = connection.recv()
            connection.send(_answer(served, method, values))
    except (EOFError, KeyboardInterrupt):
        return
    except UserError as error:
        connection.recv()
        connection.send((True, str(error)))
    except Exception:
        traceback.print_exc()
        sys.exit(1)


def _answer(served: Any, method: str, values: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return False, getattr(served, method)(*values)
    except UserError as error:
        return True, str(error)


@dataclass(frozen=True)
class Opening:
    """What a subject turned out to be, and what it cost to get going (seconds).

    Tracing builds model and graph; XLA compiles before the first step. With `message`, it
    cannot be timed and the numbers are 0.
    """

    batch_size: int = 0
    steps_per_epoch: int = 0
    trace_seconds: float = 0.0
    compile_seconds: float = 0.0
    first_step_seconds: float = 0.0
    message: str = ""


class Stopwatch:
    """Opens subjects and reads the clock around their steps."""

    def __init__(self, conditions: Conditions, length: protocol.Length, seed: int) -> None:
        self._laboratory = Laboratory(conditions)
        import tensorflow as tf  # noqa: PLC0415

        from batchmark.training import plugins as settings  # noqa: PLC0415

        self._settings = settings.in_force()
        self._tf, self._length, self._seed = tf, length, seed
        self._runners: dict[str, protocol.Runner] = {}
        self._steps: dict[str, int] = {}

    def open(self, name: str, subject: TimingSubject) -> Opening:
        """Build the graph of `subject` under `name` and choose the length of its visits."""
        try:
            return self._open(name, subject)
        except Exception as error:  # somebody's model may raise anything; the others are timed
            return Opening(message=f"not timed: {_reason(error)}")

    def visit(self, name: str) -> protocol.Reading:
        """One visit of a subject, after an untimed warm-up."""
        return protocol.visit(self._runners[name], self._steps[name], self._length)

    def peak(self) -> float:
        """This process's matrix-product peak, FLOP/s."""
        from batchmark.timing.arithmetic import matrix_product_peak  # noqa: PLC0415

        return matrix_product_peak("gpu" if self._laboratory.compiled else "cpu")

    def environment(self) -> dict[str, Any]:
        """Versions, switches and TensorFlow's build."""
        from batchmark.training.environment import versions  # noqa: PLC0415

        build = dict(self._tf.sysconfig.get_build_info())
        kept = ("is_cuda_build", "is_rocm_build", "cuda_version", "cudnn_version")
        return {
            "versions": versions(),
            "switches": switches.in_force(),
            "keras": self._settings,
            "tensorflow_build": {key: build[key] for key in kept if key in build},
            "xla": self._laboratory.compiled,
        }

    def _open(self, name: str, subject: TimingSubject) -> Opening:
        sessions: list[Any] = []
        built = protocol.elapsed_seconds(
            lambda: sessions.append(self._laboratory.open(subject, self._seed))
        )
        (session,) = sessions
        traced = protocol.elapsed_seconds(session.trace)
        compiled, first = self._first_step(partial(self._train, session, 1))
        self._prepare(name, partial(self._train, session))
        size = session.batches.batch_size
        return Opening(size, session.steps_per_epoch, built + traced, compiled, first)

    def _first_step(self, step: Callable[[], None]) -> tuple[float, float]:
        """Seconds of compilation, which XLA does within the first call, and of the step itself."""
        first = protocol.elapsed_seconds(step)
        if not self._laboratory.compiled:
            return 0.0, first
        again = protocol.elapsed_seconds(step)
        return max(first - again, 0.0), again

    def _prepare(self, name: str, run: protocol.Runner) -> None:
        """Choose the length of the visits; let XLA compile all that they will call."""
        compiled = self._laboratory.compiled
        self._runners[name] = run
        self._steps[name] = protocol.calibrate(run, self._length, rehearse=compiled)
        for steps in protocol.calls(self._steps[name]) if compiled else ():
            run(steps)

    def _train(self, session: Any, steps: int) -> None:
        session.train(steps)
        self._tf.test.experimental.sync_devices()


def _reason(error: Exception) -> str:
    """Our own sentence, or what went wrong in somebody else's code."""
    from batchmark.training.plugins import reason  # noqa: PLC0415

    own = isinstance(error, UserError) or type(error) is ValueError
    return scrubbed(str(error) if own else reason(error))[:200].rstrip(".")
