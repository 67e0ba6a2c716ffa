"""Which subjects a session has, and what memory predicts; the clock itself is tested as a stage."""

from pathlib import Path
from typing import Any

import pytest

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.time import TimeRequest, TimingSubject
from batchmark.machine import facts as machine
from batchmark.timing.footprint import Footprint
from batchmark.timing.process import Conditions, Startup
from batchmark.timing.protocol import Length
from batchmark.timing.session import (
    _prepare,
    largest_batch_sizes,
    thread_settings,
    timed_graphs,
    visit_length,
)
from tests.training import tiny


def subject(size: int, **hyperparameters: Any) -> TimingSubject:
    chosen = Hyperparameters(batch_size=size, **hyperparameters)
    return TimingSubject(id=f"bs{size}", hyperparameters=chosen, variants=[])


def request(**changes: Any) -> TimeRequest:
    fields: dict[str, Any] = {
        "study": "s",
        "machine": "m",
        "device": "cpu",
        "subjects": [subject(8), subject(16)],
        "baseline": "bs16",
        "threads": [0],
        "rounds": 7,
        "min_seconds": 0.3,
        "min_steps": 20,
        "seed": 0,
    }
    return TimeRequest(**(fields | changes))


@pytest.mark.parametrize(
    ("name", "sample_min_seconds", "seconds"),
    [("mnist", 0.1, 0.3), ("sample", 0.1, 0.1), ("sample", None, 0.3)],
)
def test_visits_of_the_sample_may_be_shorter(
    name: str, sample_min_seconds: float | None, seconds: float
) -> None:
    facts = tiny.dataset().facts.model_copy(update={"name": name})
    asked = request(sample_min_seconds=sample_min_seconds, max_seconds=1.0)
    assert visit_length(asked, facts) == Length(seconds, 20, 1.0)


@pytest.mark.parametrize(
    ("asked", "usable", "settings"),
    [([0], 4, [4]), ([1, 0], 4, [4, 1]), ([1, 0], 1, [1]), ([2, 64, 0], 4, [4, 2])],
)
def test_thread_settings_are_numbers_and_distinct(
    monkeypatch: pytest.MonkeyPatch, asked: list[int], usable: int, settings: list[int]
) -> None:
    monkeypatch.setattr(machine, "usable_threads", lambda: usable)
    assert thread_settings(request(threads=asked)) == settings


def test_a_gpu_has_no_thread_settings() -> None:
    assert thread_settings(request(device="gpu", threads=[1, 0])) == [0]


@pytest.mark.parametrize(
    ("changes", "origins"),
    [
        ({}, ("shared", "apart")),
        ({"loop": "fit-tuned"}, ("shared", "apart")),
        ({"loop": "fit"}, ("new", "new")),
        ({"device": "gpu", "threads": 0}, ("new", "new")),
    ],
)
def test_what_may_be_forked(changes: dict[str, Any], origins: tuple[str, str]) -> None:
    fields: dict[str, Any] = {"device": "cpu", "threads": 1, "npz": Path("n"), "facts": Path("f")}
    conditions = Conditions(**(fields | changes))
    assert (conditions.origin(), conditions.origin(apart=True)) == origins


class Listener:
    """In a worker's place: what it is asked, in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def ask(self, method: Any, name: str, *_: Any, **__: Any) -> Startup:
        self.asked.append((method.__name__, name))
        return Startup()


def test_no_graph_is_built_after_a_first_step() -> None:
    """TensorFlow would get all that have begun ready anew, within their first visit."""
    listener: Any = Listener()
    assert _prepare(timed_graphs(request(), [1])[:2], listener, main=True).keys() == {"bs8", "bs16"}
    graphs = ("bs8", "bs16")
    assert listener.asked == [(step, graph) for step in ("prepare", "begin") for graph in graphs]


def test_one_baseline_and_one_control_serve_all_thread_settings() -> None:
    found = [(one.id, one.threads, one.role) for one in timed_graphs(request(), [4, 1])]
    assert found == [
        ("bs8", 4, "subject"),
        ("bs16", 4, "baseline"),
        ("bs16.control", 4, "control"),
        ("bs8.threads1", 1, "subject"),
        ("bs16.threads1", 1, "subject"),
    ]


def test_memory_is_predicted_for_each_model_from_its_own_batch_sizes() -> None:
    # 50 bytes and 10 an image for one model; the other was measured only once.
    subjects = [subject(8), subject(16), subject(32), subject(64, model="mlp")]
    footprints = {
        "bs8": Footprint(peak_memory_bytes=130),
        "bs16": Footprint(peak_memory_bytes=210),
        "bs32": Footprint(peak_memory_bytes=370),
        "bs64": Footprint(peak_memory_bytes=1),
    }
    startups = {one.id: Startup(batch_size=int(one.id[2:])) for one in subjects}
    found = largest_batch_sizes(subjects, startups, footprints, available=1050)
    assert found["bs8"] == found["bs32"] == pytest.approx(100, abs=1)
    assert found["bs64"] is None


def test_no_prediction_where_memory_is_unknown() -> None:
    subjects = [subject(8)]
    startups = {"bs8": Startup(batch_size=8)}
    found = largest_batch_sizes(subjects, startups, {"bs8": Footprint()}, available=None)
    assert found == {"bs8": None}
