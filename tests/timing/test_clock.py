"""Readings of a clock that only the runner moves."""

from batchmark.timing.protocol import Length, calibrate, calls, elapsed_seconds, train_to, visit

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
    assert calls(40) == (2, 40, 4)


def test_a_visit_leaves_out_its_warm_up() -> None:
    machine = Machine(0.01)
    reading = visit(machine.run, 40, LENGTH, machine.clock)
    assert machine.calls == [2, 40]
    assert (reading.steps, reading.elapsed_ns) == (40, 400_000_000)
    assert reading.start_ns == 1000 + 20_000_000


def test_a_visit_that_ends_too_early_goes_on() -> None:
    # 40 steps take 0.28 s, which is too short; 4 more make 0.308 s.
    machine = Machine(0.007)
    reading = visit(machine.run, 40, LENGTH, machine.clock)
    assert machine.calls == [2, 40, 4]
    assert (reading.steps, reading.elapsed_ns) == (44, 308_000_000)


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
