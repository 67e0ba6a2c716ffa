"""The measuring process: it opens a session a subject, keeps them alive and reads the clock."""

import gc
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socketpair
from threading import Thread
from typing import Any, Concatenate, Generic, Literal, ParamSpec, Self, TypeVar

from batchmark.contract.devices import KINDS, Device
from batchmark.contract.errors import UserError, scrubbed
from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.budget import evaluation_steps
from batchmark.contract.requests.time import LoneRun, TimingSubject
from batchmark.dataset.arrays import load_dataset
from batchmark.machine.facts import lacked_ns
from batchmark.timing import protocol
from batchmark.training import environment

State = TypeVar("State")
Given = ParamSpec("Given")
Answer = TypeVar("Answer")

Origin = Literal["new", "shared", "apart"]
# Forks of the workflow's server, or of its second process; where there is none they are new, too.
COMMANDS: dict[Origin, list[str]] = {
    "new": ["batchmark.stages.measure"],
    "shared": ["batchmark.stages", "measure"],
    "apart": ["batchmark.stages", "--apart", "measure"],
}
# Speed does not depend on the learning rate; a small one keeps losses finite for the whole session.
LEARNING_RATE = 1e-5


@dataclass(frozen=True)
class Conditions:
    """Where a process measures what. `threads`: intra-op threads, 0 on a card."""

    device: Device
    threads: int
    npz: Path
    facts: Path
    loop: str = "graph"

    def origin(self, *, apart: bool = False) -> Origin:
        """A fork, unless its switches are others than training's or it needs a card.

        `apart`: of an import of its own, so that libraries lie elsewhere in memory.
        """
        if KINDS[self.device].cards or self.loop in environment.AS_INSTALLED:
            return "new"
        return "apart" if apart else "shared"


class Runtime:
    """TensorFlow with its switches set and the data on the device. Opens training sessions."""

    def __init__(self, conditions: Conditions) -> None:
        environment.in_fork(conditions.threads)
        environment.apply(conditions.device, conditions.threads, loop=conditions.loop)
        # TensorFlow must find the switches set.
        from batchmark.training.data import to_device  # noqa: PLC0415
        from batchmark.training.session import Session  # noqa: PLC0415

        self.device: Device = conditions.device
        self.compiled = KINDS[self.device].compiled
        self.data = to_device(load_dataset(conditions.npz, conditions.facts))
        self._session = Session
        # Nobody looks at all these objects for garbage, 0.2 s each time, nor copies a fork's.
        gc.freeze()

    def check_batch(self, chosen: Hyperparameters) -> None:
        """Raise UserError when there are fewer training images than in a batch."""
        from batchmark.training.session import batch_size, training_images  # noqa: PLC0415

        there = len(training_images(chosen, self.data))
        if (wanted := batch_size(chosen, there)) > there:
            raise UserError(f"batch size {wanted} exceeds {there} training images.")

    def open(self, subject: TimingSubject, seed: int) -> Any:
        """A session of the subject; ValueError when its batch exceeds the training set."""
        return self._session.open(
            subject.hyperparameters,
            self.data,
            seed,
            learning_rate=LEARNING_RATE,
            compiled=self.compiles(subject),
        )

    def open_trial(self, chosen: Hyperparameters, seed: int) -> Any:
        """A session that trains as a trial does, at the variant's own rate."""
        return self._session.open(chosen, self.data, seed, compiled=self.compiled)

    def compiles(self, subject: TimingSubject) -> bool:
        """Whether XLA compiles the subject's graph: on a GPU all of them."""
        return self.compiled


class Worker(Generic[State]):
    """A process that builds an object and calls its methods on demand.

    It starts building at once; the first `ask` waits for that. It ends with the `with` block, and
    by itself when this process dies.
    """

    def __init__(
        self,
        origin: Origin,
        build: Callable[Given, State],
        *arguments: Given.args,
        **named: Given.kwargs,
    ) -> None:
        ours, theirs = socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *COMMANDS[origin]], stdin=theirs.fileno()
            )
        self._line = Connection(ours.detach())
        self._line.send(partial(build, *arguments, **named))
        # Of the process that works, which may be another's fork; 0 until the object is built.
        self.pid = 0

    def ask(
        self,
        method: Callable[Concatenate[State, Given], Answer],
        *arguments: Given.args,
        **named: Given.kwargs,
    ) -> Answer:
        """The answer of the object's `method` in the other process.

        Raises what the user can mend as UserError, so also the end of the process; anything else
        that building or the method raised as RuntimeError with its traceback.
        """
        try:
            self.pid = self.pid or self._receive()
            self._line.send((method, arguments, named))
            return self._receive()
        except (EOFError, OSError):
            raise UserError(
                f"a measuring process ended in {method.__name__!r}; "
                "its message stands above, or memory ran out."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process. Closing it again does nothing."""
        self._line.close()
        self._process.wait()

    def _receive(self) -> Any:
        value = self._line.recv()
        if isinstance(value, _Failure):
            raise UserError(value.text) if value.mendable else RuntimeError(value.text)
        return value


@dataclass(frozen=True)
class _Failure:
    """An exception on its way to who asked, for not every one can be sent."""

    text: str
    mendable: bool


def work() -> None:
    """Be a worker's process: build and call what is asked for on standard input, a socket.

    It ends with who asks, at Ctrl-C at once and without a traceback.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    line = Connection(os.dup(0))
    # Lest somebody's code reads from it.
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    Thread(target=_end_with, args=[line.fileno()], daemon=True).start()
    built = _outcome(line.recv())
    failed = isinstance(built, _Failure)
    line.send(built if failed else os.getpid())
    # Who asks may be gone.
    with suppress(EOFError, BrokenPipeError):
        while not failed:
            method, arguments, named = line.recv()
            line.send(_outcome(partial(method, built, *arguments, **named)))


def _end_with(line: int) -> None:
    # A worker in the midst of work would outlive a killed parent, and keep the GPU.
    hung_up = select.poll()
    hung_up.register(line, 0)
    hung_up.poll()
    os._exit(1)


def _outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except UserError as error:
        return _Failure(str(error), mendable=True)
    except Exception:
        return _Failure(traceback.format_exc(), mendable=False)


@dataclass(frozen=True)
class Startup:
    """What a subject turned out to be, and what it cost to get going (seconds).

    Tracing builds model and graph; XLA compiles before the first step. With `message`, it
    cannot be timed and the numbers are 0. `visit_steps`: so many make a visit, 0 where not told.
    """

    visit_steps: int = 0
    batch_size: int = 0
    steps_per_epoch: int = 0
    trace_seconds: float = 0.0
    compile_seconds: float = 0.0
    first_step_seconds: float = 0.0
    steps_per_execution: int = 0
    message: str = ""


@dataclass(frozen=True)
class Arrival:
    """Epochs and seconds of training until the target was `reached`, or the budget's end."""

    epochs: float = 0.0
    seconds: float = 0.0
    reached: bool = False
    message: str = ""


class Timer:
    """Prepares subjects and reads the clock around their steps."""

    def __init__(self, conditions: Conditions, length: protocol.Length, seed: int) -> None:
        self._runtime = Runtime(conditions)
        import tensorflow as tf  # noqa: PLC0415

        from batchmark.training import plugins as settings  # noqa: PLC0415

        self._settings = settings.in_force()
        self._tf, self._length, self._seed = tf, length, seed
        self._runners: dict[str, protocol.Runner] = {}
        # On a card what the cores do says little about the time of a step.
        self._lacked = partial(lacked_ns, conditions.threads) if conditions.threads else lambda: 0

    def prepare(self, name: str, subject: TimingSubject, *, main: bool) -> Startup:
        """Build the graph of `subject` under `name`; the `main` process says what fails."""
        try:
            return self._prepare(name, subject)
        except (Exception, SystemExit) as error:  # somebody's model may raise anything: time others
            return _untimed(name, error, said=main)

    def begin(self, name: str, subject: TimingSubject, built: Startup, *, main: bool) -> Startup:
        """With the first step, once all graphs are built: building one makes all begin anew."""
        if built.message:
            return built
        step, xla = partial(self._runners[name], 1), self._runtime.compiles(subject)
        try:
            compiled, first = _first_step(step, xla)
        except (Exception, SystemExit) as error:
            return _untimed(name, error, said=main)
        return replace(built, compile_seconds=compiled, first_step_seconds=first)

    def calibrate(self, name: str, subject: TimingSubject, startup: Startup) -> Startup:
        """With the length of its visits, which needs the machine to itself."""
        whole = max(startup.steps_per_execution, 1)
        rehearse = subject.loop == "graph" and self._runtime.compiles(subject)
        try:
            steps = protocol.calibrate(self._runners[name], self._length, rehearse)
        except (Exception, SystemExit) as error:
            return _untimed(name, error)
        # Whole executions, as a long training has them.
        return replace(startup, visit_steps=-(-steps // whole) * whole)

    def rehearse(self, name: str, subject: TimingSubject, steps: int) -> None:
        """Let XLA compile all that visits of so many steps will call."""
        for each in protocol.calls(steps) if self._runtime.compiles(subject) else ():
            self._runners[name](each)

    def visit(self, name: str, steps: int) -> protocol.Reading:
        """One visit of a subject, after an untimed warm-up; how many steps, the reading says."""
        return protocol.visit(self._runners[name], steps, self._length, taken=self._lacked)

    def visit_loop(self, name: str, steps: int) -> protocol.Reading | str:
        """The same of a loop that may fail any time; then why, in words that may be published."""
        try:
            return self.visit(name, steps)
        except (Exception, SystemExit) as error:
            return _untimed(name, error).message

    def train_alone(self, run: LoneRun, target: float) -> Arrival:
        """Train a variant to the target and read the clock; a failure has a message instead."""
        try:
            return self._arrive(run, target)
        except (Exception, SystemExit) as error:
            print(f"{run.variant.id} does not train alone: {_reason(error)}.", file=sys.stderr)
            return Arrival(message=f"does not train alone: {_public_reason(error)}")

    def peak(self) -> float:
        """This process's matrix-product peak, FLOP/s."""
        from batchmark.timing.arithmetic import matrix_product_peak  # noqa: PLC0415

        return matrix_product_peak(self._runtime.device)

    def environment(self) -> dict[str, Any]:
        """Versions, switches and TensorFlow's build."""
        build = dict(self._tf.sysconfig.get_build_info())
        kept = ("is_cuda_build", "is_rocm_build", "cuda_version", "cudnn_version")
        return {
            "versions": environment.versions(),
            "switches": environment.in_force(),
            "keras": self._settings,
            "tensorflow_build": {key: build[key] for key in kept if key in build},
            "xla": self._runtime.compiled,
        }

    def _prepare(self, name: str, subject: TimingSubject) -> Startup:
        self._runtime.check_batch(subject.hyperparameters)
        if subject.loop != "graph":
            return self._prepare_loop(name, subject)
        sessions: list[Any] = []
        built = protocol.elapsed_seconds(
            lambda: sessions.append(self._runtime.open(subject, self._seed))
        )
        (session,) = sessions
        traced = protocol.elapsed_seconds(session.trace)
        self._runners[name] = partial(self._train, session)
        size = session.batches.batch_size
        return Startup(0, size, session.steps_per_epoch, built + traced)

    def _prepare_loop(self, name: str, subject: TimingSubject) -> Startup:
        """A loop is opened, checked and, if it can be, tuned; then as a graph."""
        from batchmark.timing.loops import open_loop  # noqa: PLC0415

        chosen, data = subject.hyperparameters, self._runtime.data
        opened: list[Any] = []
        built = protocol.elapsed_seconds(
            lambda: opened.append(open_loop(subject.loop, chosen, data, self._seed, LEARNING_RATE))
        )
        (loop,) = opened
        self._runners[name] = loop.train
        return Startup(
            batch_size=loop.batch_size,
            steps_per_epoch=loop.steps_per_epoch,
            trace_seconds=built,
            steps_per_execution=loop.steps_per_execution,
        )

    def _arrive(self, run: LoneRun, target: float) -> Arrival:
        chosen, budget = run.variant.hyperparameters, run.budget
        session = self._runtime.open_trial(chosen, budget.first_seed)
        epoch, size = session.steps_per_epoch, session.batches.batch_size
        total = max(1, round(budget.epochs * epoch))
        marks = evaluation_steps(total, epoch, size, budget.evaluate_every, budget.evaluate_finely)
        lengths = {mark - before for before, mark in pairwise([0, *marks])}
        begun = session.state()
        # Graphs are traced, and compiled for each length of calls, before the clock is read.
        for steps in lengths if self._runtime.compiled else {1}:
            session.train(steps)
        session.evaluate("validation")
        session.restore(begun, step=0)
        steps, seconds, reached = protocol.train_to(
            target,
            marks,
            partial(self._train, session),
            lambda: session.evaluate("validation").accuracy,
        )
        return Arrival(steps / epoch, seconds, reached)

    def _train(self, session: Any, steps: int) -> None:
        session.train(steps)
        self._tf.test.experimental.sync_devices()


def _first_step(step: Callable[[], object], xla: bool) -> tuple[float, float]:
    """Seconds of compilation, which XLA does within the first call, and of the step itself."""
    first = protocol.elapsed_seconds(step)
    if not xla:
        return 0.0, first
    again = protocol.elapsed_seconds(step)
    return max(first - again, 0.0), again


def _untimed(name: str, error: Exception | SystemExit, *, said: bool = True) -> Startup:
    """What failed, with a reason that may be published; the whole of it is `said` in the log."""
    if said:
        print(f"{name} is not timed: {_reason(error)}.", file=sys.stderr)
    return Startup(message=f"not timed: {_public_reason(error)}")


def _reason(error: Exception | SystemExit) -> str:
    """Our own sentence, or what went wrong in somebody else's code."""
    from batchmark.training.plugins import reason  # noqa: PLC0415

    if isinstance(error, SystemExit):
        return f"its code ends the program ({error})"
    return (str(error) if isinstance(error, UserError) else reason(error)).rstrip(".")


def _public_reason(error: Exception | SystemExit) -> str:
    """The same for the record, which is published: nothing that somebody else's code may say."""
    if isinstance(error, UserError) and error.__cause__ is None:
        return scrubbed(str(error)).rstrip(".")
    kind = type(error.__cause__ if isinstance(error, UserError) else error).__name__
    return f"its code ended with {kind}, whose words are in the log of the timing session"
