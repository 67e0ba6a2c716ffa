"""A whole timing session of one study: processes, subjects, rounds, and the record of it all."""

import re
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from math import inf
from pathlib import Path
from random import Random

from batchmark.contract import timing
from batchmark.contract.devices import KINDS
from batchmark.contract.errors import UserError
from batchmark.contract.record import DatasetFacts, read_record
from batchmark.contract.requests.time import LoneRun, TimeRequest, TimingSubject
from batchmark.contract.timing import Clock, Role, Subject, TimingResult, Visit
from batchmark.machine import cards
from batchmark.machine import facts as machine
from batchmark.timing import footprint as memory
from batchmark.timing import protocol
from batchmark.timing.footprint import Footprint, Profiler
from batchmark.timing.process import Conditions, Startup, Timer, Worker
from batchmark.timing.protocol import Length, Reader, Reading
from batchmark.timing.warnings import find_warnings, ratios_to_baseline

ENDED = "not timed: the process of its loop ended"
NO_TORCH = "not timed: PyTorch is not installed here; install torch beside batchmark"
# Where code and data happen to lie in memory is decided once a process: rounds take turns.
PROCESSES = 2

Home = tuple[int, str]
"""A number of threads and a loop: what has processes of its own."""
Timers = dict[Home, list[Worker[Timer]]]
"""The timed processes of each home, the main one first. A loop beside the graph has one."""
Readers = dict[str, Reader]
"""How each subject is visited, by its id."""


@dataclass(frozen=True)
class TimedGraph:
    """A subject at one thread setting, under the id it has in the result."""

    id: str
    subject: TimingSubject
    threads: int
    role: Role

    @property
    def home(self) -> Home:
        """Where it is timed."""
        return self.threads, self.subject.loop


@dataclass(frozen=True)
class MemoryUse:
    """Bytes that libraries and data occupy, None where unknown, and each subject's footprint."""

    resident: int | None
    footprints: dict[str, Footprint]


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

        def timer(each: Conditions, *, apart: bool = False) -> Worker[Timer]:
            worker = Worker(each.origin(apart=apart), Timer, each, length, request.seed)
            return until_done.enter_context(worker)

        # All at once: where they are no forks, importing TensorFlow takes seconds, not timed.
        profiler = until_done.enter_context(Worker(conditions[0].origin(), Profiler, conditions[0]))
        timers: Timers = {
            (each.threads, each.loop): [timer(each), timer(each, apart=True)] for each in conditions
        }
        for each in _of_loops(request, conditions[0]):
            timers[each.threads, each.loop] = [timer(each)]
        timed = timed_graphs(request, settings)
        startups, memory_use = _get_ready(request, timed, timers, profiler)
        # Before anything is timed: its memory is the timers'.
        profiler.close()
        return _record_session(request, facts, timers, startups, memory_use)


def _of_loops(request: TimeRequest, main: Conditions) -> list[Conditions]:
    """Loops have processes of their own: some compute otherwise, and somebody's may end its."""
    there = [loop for loop in request.loops if loop != "torch" or find_spec("torch")]
    return [replace(main, loop=loop) for loop in there]


def versions_beside(loops: Iterable[str]) -> dict[str, str]:
    """The version of what loops train with beside TensorFlow, where it is installed."""
    return {"torch": version("torch")} if "torch" in loops and find_spec("torch") else {}


def _get_ready(
    request: TimeRequest, timed: list[TimedGraph], timers: Timers, profiler: Worker[Profiler]
) -> tuple[dict[str, Startup], MemoryUse]:
    """What needs no machine of its own: all graphs built in all processes, and all footprints."""
    homes = [[graph for graph in timed if graph.home == home] for home in timers]
    with ThreadPoolExecutor() as beside:
        memory_use = beside.submit(_memory_use, request, profiler)
        built = [
            beside.submit(_prepare, graphs, timer, main=process == 0)
            for graphs, home in zip(homes, timers.values(), strict=True)
            for process, timer in enumerate(home)
        ]
    startups: dict[str, Startup] = {}
    # The main process's, unless another's says that it failed there.
    for each in built:
        startups |= {
            name: startup
            for name, startup in each.result().items()
            if startup.message or name not in startups
        }
    return startups, memory_use.result()


def _memory_use(request: TimeRequest, profiler: Worker[Profiler]) -> MemoryUse:
    resident = profiler.ask(Profiler.resident)
    # A rehearsal: the first step ever run loads pages of the libraries, which are no subject's.
    profiler.ask(Profiler.footprint, request.subjects[0])
    footprints = {
        subject.id: profiler.ask(Profiler.footprint, subject) for subject in request.subjects
    }
    return MemoryUse(resident, footprints)


def _prepare(graphs: list[TimedGraph], timer: Worker[Timer], *, main: bool) -> dict[str, Startup]:
    """All graphs of a home in one of its processes; a loop whose process ends has a message."""
    try:
        built = {
            each.id: timer.ask(Timer.prepare, each.id, each.subject, main=main) for each in graphs
        }
        return {
            each.id: timer.ask(Timer.begin, each.id, each.subject, built[each.id], main=main)
            for each in graphs
        }
    except UserError:
        if any(each.subject.loop == "graph" for each in graphs):
            raise
        return {each.id: Startup(message=ENDED) for each in graphs}


def visit_length(request: TimeRequest, facts: DatasetFacts) -> Length:
    """How long a visit lasts on such data."""
    least = request.sample_min_seconds if facts.is_sample else None
    return Length(least or request.min_seconds, request.min_steps, request.max_seconds or inf)


def thread_settings(request: TimeRequest) -> list[int]:
    """The numbers of intra-op threads to time with, the largest first; [0] on a card."""
    if KINDS[request.device].cards:
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
    rest += [
        TimedGraph(f"{each.id}.{_slug(loop)}", each.model_copy(update=asked), main, "subject")
        for loop in request.loops
        for asked in [{"loop": loop, "variants": []}]
        for each in request.subjects
    ]
    return [*plain, control, *rest]


def _slug(loop: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", loop.lower()).strip("-")


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
    built: dict[str, Startup],
    memory_use: MemoryUse,
) -> TimingResult:
    timed = timed_graphs(request, thread_settings(request))
    startups = _rehearse_all(request, timed, timers, built)
    peaks = _peaks(timers)
    main, *_ = next(iter(timers.values()))
    around = {"machine": machine.describe(), "code": machine.code()}
    environment = main.ask(Timer.environment) | around
    environment["versions"] |= versions_beside(request.loops)
    dataset = read_record(facts).facts
    watched, lost = _observe(request, timed, timers, startups)
    startups |= {name: Startup(message=message) for name, message in lost.items()}
    clock = time.get_clock_info("perf_counter")
    available = _available(request, environment["machine"], memory_use.resident)
    footprints = memory_use.footprints
    return TimingResult(
        study=request.study,
        machine=request.machine,
        device=request.device,
        dataset=dataset,
        clock=Clock(name=clock.implementation, resolution_seconds=clock.resolution),
        baseline=request.baseline,
        control=next(graph.id for graph in timed if graph.role == "control"),
        peak_flops_per_second=peaks,
        subjects=[
            _record(graph, startups[graph.id], footprints[graph.subject.id]) for graph in timed
        ],
        lone_runs=[_train_alone(main, run, dataset) for run in request.lone_runs],
        environment=environment,
        largest_batch_size=largest_batch_sizes(request.subjects, startups, footprints, available),
        warnings=find_warnings(
            watched.visits, request.baseline, watched.before, watched.after, watched.gpus
        ),
        **vars(watched),
    )


def _peaks(timers: Timers) -> dict[str, float]:
    """Arithmetic operations a second of the device, by number of threads."""
    return {
        str(threads): first.ask(Timer.peak)
        for (threads, loop), (first, *_) in timers.items()
        if loop == "graph"
    }


def _observe(
    request: TimeRequest, timed: list[TimedGraph], timers: Timers, startups: dict[str, Startup]
) -> tuple[Observations, dict[str, str]]:
    """The visits and the machine around them, and by subject why it failed on the way."""
    steps = {
        graph.id: startups[graph.id].visit_steps
        for graph in timed
        if not startups[graph.id].message
    }
    lost: dict[str, str] = {}
    readers = [_readers(timed, timers, steps, lost, turn) for turn in range(PROCESSES)]
    family = [timer.pid for home in timers.values() for timer in home if timer.pid]
    started = datetime.now(UTC).replace(microsecond=0)
    before = machine.observe(request.device, family=family)
    visits, gpus = _visit_all(request, readers, lost)
    after = machine.observe(request.device, family=family)
    return Observations(started, before, visits, gpus, after), lost


def _rehearse_all(
    request: TimeRequest, timed: list[TimedGraph], timers: Timers, built: dict[str, Startup]
) -> dict[str, Startup]:
    """With the length of visits, one subject after the other, and all that they call compiled."""
    startups = {graph.id: _calibrate(graph, timers, built) for graph in timed}
    for graph in timed:
        steps = startups[graph.id].visit_steps
        for timer in timers[graph.home] if steps else ():
            timer.ask(Timer.rehearse, graph.id, graph.subject, steps)
    reason = startups[request.baseline].message
    if reason:
        raise UserError(f"study {request.study}: its baseline {request.baseline} is {reason}.")
    return startups


def _calibrate(graph: TimedGraph, timers: Timers, built: dict[str, Startup]) -> Startup:
    """What a subject turned out to be; a loop whose process ends, or is not here, has a message."""
    if graph.home not in timers:
        return Startup(message=NO_TORCH)
    startup, (main, *_) = built[graph.id], timers[graph.home]
    if startup.message:
        return startup
    try:
        return main.ask(Timer.calibrate, graph.id, graph.subject, startup)
    except UserError:
        if graph.subject.loop == "graph":
            raise
        return Startup(message=ENDED)


def _readers(
    timed: list[TimedGraph],
    timers: Timers,
    steps: dict[str, int],
    lost: dict[str, str],
    turn: int,
) -> Readers:
    """How each timeable subject is visited at that turn; `lost` takes in those that failed.

    And `steps` how many the latest visit had.
    """
    readers: Readers = {}
    for graph in timed:
        if graph.id in steps:
            home = timers[graph.home]
            # The control in another process than the baseline: what that makes is noise as well.
            process = (turn + (graph.role == "control")) % len(home)
            read = partial(_read, home[process], graph, steps, lost)
            readers[graph.id] = Reader(process, read)
    return readers


def _read(
    timer: Worker[Timer], graph: TimedGraph, steps: dict[str, int], lost: dict[str, str]
) -> Reading | None:
    """A visit; None of a loop that failed, which then is `lost` with the reason."""
    try:
        visit = Timer.visit if graph.subject.loop == "graph" else Timer.visit_loop
        reading = timer.ask(visit, graph.id, steps[graph.id])
    except UserError:
        if graph.subject.loop == "graph":
            raise
        reading = ENDED
    if isinstance(reading, str):
        lost[graph.id] = reading
        return None
    # More, where they were far too few.
    steps[graph.id] = reading.steps
    return reading


def _visit_all(
    request: TimeRequest, readers: Sequence[Readers], lost: dict[str, str]
) -> tuple[list[Visit], list[machine.Facts]]:
    random = Random(request.seed)  # noqa: S311
    origin = time.perf_counter_ns()
    visits: list[Visit] = []
    gpus: list[machine.Facts] = []
    number = 0
    while number < request.rounds or _goes_on(request, number, visits):
        left = [name for name in readers[0] if name not in lost]
        order = protocol.round_order(left, request.baseline, random)
        turn = readers[number % PROCESSES]
        visits += protocol.measure(turn, order, number, visits, origin)
        # What failed has no times: its earlier ones may be wrong as well.
        visits = [visit for visit in visits if visit.subject not in lost]
        # At once: an idle GPU soon forgets what slowed it.
        gpus += cards.observe(request.device)
        number += 1
        _say_progress(request, number, (time.perf_counter_ns() - origin) / 1e9)
    return visits, gpus


def _goes_on(request: TimeRequest, rounds: int, visits: list[Visit]) -> bool:
    """Whether another round is made: a ratio is not known, and limits are not reached."""
    most = max(request.rounds, request.rounds_at_most or 0)
    a_round = sum(visit.round == 0 and not visit.repeated for visit in visits)
    if rounds >= most or len(visits) >= most * a_round:
        return False
    ratios = ratios_to_baseline(visits, request.baseline)
    others = [ratios[name] for name in ratios if name != request.baseline]
    return not all(protocol.known(each.tolist(), request.precision) for each in others)


def _train_alone(timer: Worker[Timer], run: LoneRun, dataset: DatasetFacts) -> timing.LoneRun:
    target, budget = run.targets[dataset.name], run.budget
    if dataset.is_sample:
        budget = budget.on_sample(dataset.train, run.variant.hyperparameters.train_size)
    sized = run.model_copy(update={"budget": budget})
    return timing.LoneRun(
        variant=run.variant.id,
        seed=budget.first_seed,
        target=target,
        **vars(timer.ask(Timer.train_alone, sized, target)),
    )


def _say_progress(request: TimeRequest, number: int, spent: float) -> None:
    sure = number <= request.rounds
    rounds = request.rounds if sure else request.rounds_at_most or number
    left = spent / number * (rounds - number)
    limit = f"of {rounds}, " if sure else f"of at most {rounds}, at most "
    text = f"time {request.study}: round {number} {limit}{left:.0f} s left"
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
        loop=graph.subject.loop,
        steps_per_execution=startup.steps_per_execution,
        message=startup.message,
    )


def _available(request: TimeRequest, facts: machine.Facts, resident: int | None) -> int | None:
    """Bytes for training: the device's memory less what libraries and data occupy."""
    if KINDS[request.device].cards is None:
        whole = facts["memory_bytes"]
    else:
        whole = facts["gpus"][0]["memory_bytes"] if facts["gpus"] else None
    return None if resident is None or whole is None else whole - resident
