"""The process that is timed: the sessions of all subjects at one thread setting, kept alive."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from batchmark.contract.requests.time import TimingSubject
from batchmark.errors import UserError
from batchmark.measuring import clock
from batchmark.measuring.setup import Conditions, Laboratory
from batchmark.privacy import scrubbed
from batchmark.training import switches


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

    def __init__(self, conditions: Conditions, length: clock.Length, seed: int) -> None:
        self._laboratory = Laboratory(conditions)
        import tensorflow as tf  # noqa: PLC0415

        from batchmark.training import settings  # noqa: PLC0415

        self._settings = settings.in_force()
        self._tf, self._length, self._seed = tf, length, seed
        self._runners: dict[str, clock.Runner] = {}
        self._steps: dict[str, int] = {}

    def open(self, name: str, subject: TimingSubject) -> Opening:
        """Build the graph of `subject` under `name` and choose the length of its visits."""
        try:
            return self._open(name, subject)
        except Exception as error:  # somebody's model may raise anything; the others are timed
            return Opening(message=f"not timed: {_reason(error)}")

    def visit(self, name: str) -> clock.Reading:
        """One visit of a subject, after an untimed warm-up."""
        return clock.visit(self._runners[name], self._steps[name], self._length)

    def peak(self) -> float:
        """This process's matrix-product peak, FLOP/s."""
        from batchmark.measuring.peak import matrix_product_peak  # noqa: PLC0415

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
        built = clock.elapsed_seconds(
            lambda: sessions.append(self._laboratory.open(subject, self._seed))
        )
        (session,) = sessions
        traced = clock.elapsed_seconds(session.trace)
        compiled, first = self._first_step(partial(self._train, session, 1))
        self._prepare(name, partial(self._train, session))
        size = session.batches.batch_size
        return Opening(size, session.steps_per_epoch, built + traced, compiled, first)

    def _first_step(self, step: Callable[[], None]) -> tuple[float, float]:
        """Seconds of compilation, which XLA does within the first call, and of the step itself."""
        first = clock.elapsed_seconds(step)
        if not self._laboratory.compiled:
            return 0.0, first
        again = clock.elapsed_seconds(step)
        return max(first - again, 0.0), again

    def _prepare(self, name: str, run: clock.Runner) -> None:
        """Choose the length of the visits; let XLA compile all that they will call."""
        compiled = self._laboratory.compiled
        self._runners[name] = run
        self._steps[name] = clock.calibrate(run, self._length, rehearse=compiled)
        for steps in clock.calls(self._steps[name]) if compiled else ():
            run(steps)

    def _train(self, session: Any, steps: int) -> None:
        session.train(steps)
        self._tf.test.experimental.sync_devices()


def _reason(error: Exception) -> str:
    """Our own sentence, or what went wrong in somebody else's code."""
    from batchmark.training.plugins import reason  # noqa: PLC0415

    own = isinstance(error, UserError) or type(error) is ValueError
    return scrubbed(str(error) if own else reason(error))[:200].rstrip(".")
