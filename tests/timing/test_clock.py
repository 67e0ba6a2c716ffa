"""Readings of a clock that only the runner moves."""

from batchmark.timing.protocol import (
    Length,
    Reading,
    calibrate,
    calls,
    elapsed_seconds,
    train_to,
    visit,
)

LENGTH = Length(min_seconds=0.3, min_steps=20)


class Machine:
    """Its clock, in nanoseconds, stands still except while it trains."""

    def __init__(self, step_seconds: float) -> None:
        self.now, self.step_time, self.calls = 1000, int(step_seconds * 1e9), []

    def clock(self) -> int:
        return self.now

    def run(self, steps: int) -> None:
        self.calls.append(steps)
        self.now += steps * self.step_time


def test_elapsed_seconds() -> None:
    machine = Machine(0.5)
    assert elapsed_seconds(lambda: machine.run(3), machine.clock) == 1.5


def test_short_steps_are_calibrated_to_last_long_enough() -> None:
    machine = Machine(0.001)
    assert calibrate(machine.run, LENGTH, False, machine.clock) == 330
    assert machine.calls == [1, 4, 16, 64, 256]


def test_long_steps_keep_the_least_number() -> None:
    machine = Machine(0.2)
    assert calibrate(machine.run, LENGTH, False, machine.clock) == 20
    assert machine.calls == [1]


def test_few_steps_do_where_they_take_very_long() -> None:
    # 20 steps of 0.3 s would take 6 s; 4 of them pass 1 s.
    capped = Length(min_seconds=0.3, min_steps=20, max_seconds=1.0)
    machine = Machine(0.3)
    assert calibrate(machine.run, capped, False, machine.clock) == 4
    assert [capped.steps(seconds) for seconds in (5.0, 0.05, 0.001)] == [1, 20, 330]


def test_the_least_time_goes_before_the_limit() -> None:
    assert Length(min_seconds=2.0, min_steps=1, max_seconds=1.0).steps(0.1) == 22


def test_where_xla_compiles_every_number_of_steps_is_rehearsed() -> None:
    machine = Machine(0.05)
    assert calibrate(machine.run, LENGTH, True, machine.clock) == 20
    assert machine.calls == [1, 1, 4, 4]


def test_a_visit_makes_no_other_calls_than_announced() -> None:
    assert calls(40) == (2, 40)


def test_a_visit_leaves_out_its_warm_up() -> None:
    machine = Machine(0.01)
    reading = visit(machine.run, 40, LENGTH, machine.clock)
    assert machine.calls == [2, 40]
    assert (reading.steps, reading.elapsed_ns) == (40, 400_000_000)
    assert reading.start_ns == 1000 + 20_000_000


def test_a_call_costs_what_it_costs_as_often_for_what_is_fast() -> None:
    """A call takes 2 steps' time beside its steps: once, though 0.294 s are less than 0.3 s."""
    machine = Machine(0.007)

    def run(steps: int) -> None:
        machine.run(steps + 2)

    assert visit(run, 40, LENGTH, machine.clock) == Reading(40, 1000 + 28_000_000, 294_000_000)


def test_a_visit_that_was_counted_on_a_slow_machine_is_made_anew() -> None:
    # 40 steps of 5 ms take 0.2 s, which is less than four fifths of 0.3 s; so do twice as many.
    machine = Machine(0.005)
    reading = visit(machine.run, 40, LENGTH, machine.clock)
    assert machine.calls == [2, 40, 4, 80]
    assert (reading.steps, reading.elapsed_ns) == (80, 400_000_000)


def test_the_fastest_try_tells_how_many_steps_a_visit_has() -> None:
    # 1, 4 and 16 steps in 20, 40 and 192 ms: 10 ms a step, though the last took 12.
    machine, delays = Machine(0.001), iter([19, 36, 176])
    calls: list[int] = []

    def run(steps: int) -> None:
        calls.append(steps)
        machine.run(steps + next(delays))

    assert calibrate(run, LENGTH, False, machine.clock) == 33
    assert calls == [1, 4, 16]


def test_training_ends_at_the_target_and_the_clock_stands_while_it_is_looked_for() -> None:
    machine = Machine(0.5)
    accuracies = iter([0.1, 0.5, 0.93, 0.95])

    def accuracy() -> float:
        machine.now += 10**9
        return next(accuracies)

    # 4 steps and 3 more and 3 more of half a second; each look takes a second.
    arrival = train_to(0.9, [4, 7, 10, 13], machine.run, accuracy, machine.clock)
    assert arrival == (10, 5.0, True)
    assert machine.calls == [4, 3, 3]
    # It never comes, whose last look says 0.95.
    assert train_to(0.96, [2], machine.run, accuracy, machine.clock) == (2, 1.0, False)
