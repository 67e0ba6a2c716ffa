"""A whole timing session of one study: processes, subjects, rounds, and the record of it all."""

import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from pathlib import Path

from batchmark.contract.errors import UserError
from batchmark.contract.record import DatasetFacts, read_record
from batchmark.contract.requests.time import TimeRequest, TimingSubject
from batchmark.contract.timing import Clock, Role, Subject, TimingResult, Visit
from batchmark.machine import facts as machine
from batchmark.machine import gpu
from batchmark.timing import footprint as memory
from batchmark.timing import protocol
from batchmark.timing.footprint import Footprint, Profiler
from batchmark.timing.process import Conditions, Startup, Timer, Worker
from batchmark.timing.protocol import Length, Reading
from batchmark.timing.warnings import find_warnings

Timers = dict[int, Worker[Timer]]
"""The timed process of each thread setting, the main one first."""


@dataclass(frozen=True)
class TimedGraph:
    """A subject at one thread setting, under the id it has in the result."""

    id: str
    subject: TimingSubject
    threads: int
    role: Role


@dataclass(frozen=True)
class Observations:
    """What the rounds left: clock readings, and the machine before, between and after them."""

    started: datetime
    before: machine.Facts
    visits: list[Visit]
    gpus: list[machine.Facts]
    after: machine.Facts


def time_study(request: TimeRequest, npz: Path, facts: Path) -> TimingResult:
    """Time all subjects of a study; the caller sees to it that the machine is free.

    Raises UserError when the baseline cannot be timed; any other subject has a message instead.
    """
    settings = thread_settings(request)
    conditions = [Conditions(request.device, threads, npz, facts) for threads in settings]
    length = visit_length(request, read_record(facts).facts)
    with ExitStack() as until_done:
        # All start at once: importing TensorFlow takes seconds and is not timed.
        profiler = until_done.enter_context(Worker(Profiler, conditions[0]))
        timers = {
            each.threads: until_done.enter_context(Worker(Timer, each, length, request.seed))
            for each in conditions
        }
        resident = profiler.ask(Profiler.resident)
        # A rehearsal: the first step ever run loads pages of the libraries, which are no subject's.
        profiler.ask(Profiler.footprint, request.subjects[0])
        footprints = {
            subject.id: profiler.ask(Profiler.footprint, subject) for subject in request.subjects
        }
        # Before anything is timed: its memory is the timers'.
        profiler.close()
        return _record_session(request, facts, timers, footprints, resident)


def visit_length(request: TimeRequest, facts: DatasetFacts) -> Length:
    """How long a visit lasts on such data."""
    least = request.sample_min_seconds if facts.is_sample else None
    return Length(least or request.min_seconds, request.min_steps, request.max_seconds or inf)


def thread_settings(request: TimeRequest) -> list[int]:
    """The numbers of intra-op threads to time with, the largest first; [0] on a GPU."""
    if request.device == "gpu":
        return [0]
    usable = machine.usable_threads()
    return sorted({min(threads or usable, usable) for threads in request.threads}, reverse=True)


def timed_graphs(request: TimeRequest, settings: list[int]) -> list[TimedGraph]:
    """Every subject at every setting, and the A/A control. The first setting's ids are plain."""
    main, *others = settings
    plain = [
        TimedGraph(each.id, each, main, "baseline" if each.id == request.baseline else "subject")
        for each in request.subjects
    ]
    baseline = next(graph.subject for graph in plain if graph.role == "baseline")
    control = TimedGraph(f"{baseline.id}.control", baseline, main, "control")
    rest = [
        TimedGraph(f"{each.id}.threads{threads}", each, threads, "subject")
        for threads in others
        for each in request.subjects
    ]
    return [*plain, control, *rest]


def largest_batch_sizes(
    subjects: Iterable[TimingSubject],
    startups: dict[str, Startup],
    footprints: dict[str, Footprint],
    available: int | None,
) -> dict[str, int | None]:
    """By subject, the batch size predicted to fill memory, from all batch sizes of its model."""
    points: dict[str, dict[int, int]] = {}
    # What subjects that differ in batch size alone have in common.
    families = {
        subject.id: subject.hyperparameters.model_dump_json(exclude={"batch_size"})
        for subject in subjects
    }
    for name, family in families.items():
        peak, startup = footprints[name].peak_memory_bytes, startups[name]
        if peak is not None and not startup.message:
            points.setdefault(family, {})[startup.batch_size] = peak
    predicted = {
        family: memory.largest_batch_size(list(peaks), list(peaks.values()), available)
        for family, peaks in points.items()
        if available is not None
    }
    return {name: predicted.get(family) for name, family in families.items()}


def _record_session(
    request: TimeRequest,
    facts: Path,
    timers: Timers,
    footprints: dict[str, Footprint],
    resident: int | None,
) -> TimingResult:
    timed = timed_graphs(request, list(timers))
    startups = _prepare_all(request, timed, timers)
    peaks = {str(threads): timer.ask(Timer.peak) for threads, timer in timers.items()}
    main = next(iter(timers.values()))
    environment = main.ask(Timer.environment) | {
        "machine": machine.describe(),
        "code": machine.code(),
    }
    timeable = [graph for graph in timed if not startups[graph.id].message]
    watched = _observe(request, timeable, timers)
    clock = time.get_clock_info("perf_counter")
    available = _available(request, environment["machine"], resident)
    return TimingResult(
        study=request.study,
        machine=request.machine,
        device=request.device,
        dataset=read_record(facts).facts,
        clock=Clock(name=clock.implementation, resolution_seconds=clock.resolution),
        baseline=request.baseline,
        control=next(graph.id for graph in timed if graph.role == "control"),
        peak_flops_per_second=peaks,
        subjects=[
            _record(graph, startups[graph.id], footprints[graph.subject.id]) for graph in timed
        ],
        environment=environment,
        largest_batch_size=largest_batch_sizes(request.subjects, startups, footprints, available),
        warnings=find_warnings(
            watched.visits, request.baseline, watched.before, watched.after, watched.gpus
        ),
        **vars(watched),
    )


def _observe(request: TimeRequest, timed: list[TimedGraph], timers: Timers) -> Observations:
    started, before = datetime.now(UTC).replace(microsecond=0), machine.observe(request.device)
    visits, gpus = _visit_all(request, timed, timers)
    return Observations(started, before, visits, gpus, machine.observe(request.device))


def _prepare_all(
    request: TimeRequest, timed: list[TimedGraph], timers: Timers
) -> dict[str, Startup]:
    startups = {
        graph.id: timers[graph.threads].ask(Timer.prepare, graph.id, graph.subject)
        for graph in timed
    }
    reason = startups[request.baseline].message
    if reason:
        raise UserError(f"study {request.study}: its baseline {request.baseline} is {reason}.")
    return startups


def _visit_all(
    request: TimeRequest, timed: list[TimedGraph], timers: Timers
) -> tuple[list[Visit], list[machine.Facts]]:
    readers = {graph.id: _reader(timers[graph.threads], graph.id) for graph in timed}
    orders = protocol.round_orders(list(readers), request.baseline, request.rounds, request.seed)
    origin = time.perf_counter_ns()
    visits: list[Visit] = []
    gpus: list[machine.Facts] = []
    for number, of_round in enumerate(protocol.measure(readers, orders, origin), start=1):
        # At once: an idle GPU soon forgets what slowed it.
        gpus += gpu.observe() if request.device == "gpu" else []
        visits += of_round
        _say_progress(request, number, (time.perf_counter_ns() - origin) / 1e9)
    return visits, gpus


def _reader(timer: Worker[Timer], name: str) -> Callable[[], Reading]:
    return lambda: timer.ask(Timer.visit, name)


def _say_progress(request: TimeRequest, number: int, spent: float) -> None:
    left = spent / number * (request.rounds - number)
    text = f"time {request.study}: round {number} of {request.rounds}, {left:.0f} s left"
    print(text, file=sys.stderr, flush=True)


def _record(graph: TimedGraph, startup: Startup, footprint: Footprint) -> Subject:
    return Subject(
        id=graph.id,
        variants=[] if graph.role == "control" else graph.subject.variants,
        threads=graph.threads,
        role=graph.role,
        batch_size=startup.batch_size,
        steps_per_epoch=startup.steps_per_epoch,
        examples_per_epoch=startup.batch_size * startup.steps_per_epoch,
        trace_seconds=startup.trace_seconds,
        compile_seconds=startup.compile_seconds,
        first_step_seconds=startup.first_step_seconds,
        flops_per_step=footprint.flops,
        peak_memory_bytes=footprint.peak_memory_bytes,
        message=startup.message,
    )


def _available(request: TimeRequest, facts: machine.Facts, resident: int | None) -> int | None:
    """Bytes for training: the device's memory less what libraries and data occupy."""
    if request.device == "cpu":
        whole = facts["memory_bytes"]
    else:
        whole = facts["gpus"][0]["memory_bytes"] if facts["gpus"] else None
    return None if resident is None or whole is None else whole - resident
