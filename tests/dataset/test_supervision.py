import threading

import pytest

from batchmark.dataset.mirrors import Limits, MirrorError, finish_within, keep_pace

SHORT = Limits(connect=0.05, read=0.05, total=5, slowest=100)


def test_what_ends_in_time_is_waited_for():
    done: list[int] = []
    finish_within(10, lambda: done.append(1), "too late")
    keep_pace(lambda: done.append(2), lambda: 0, Limits())
    assert done == [1, 2]


def test_what_fails_raises_its_own_error():
    def fail() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        finish_within(10, fail, "too late")
    with pytest.raises(KeyError, match="mine"):
        keep_pace(fail, lambda: 0, Limits())


def test_a_blocking_call_is_left_behind():
    never = threading.Event()
    with pytest.raises(MirrorError, match="too late"):
        finish_within(0.05, never.wait, "too late")
    never.set()


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (SHORT, "slower than 100 bytes per second"),
        (Limits(connect=0.05, read=0.05, total=0.2, slowest=0), "not finished after 0.2 s"),
    ],
)
def test_a_trickle_is_left_behind(limits: Limits, reason: str):
    never, received = threading.Event(), iter(range(10**6))
    with pytest.raises(MirrorError, match=reason):
        keep_pace(never.wait, lambda: next(received), limits)
    never.set()
