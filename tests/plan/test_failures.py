import logging
import sys
import time
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.record import write_result
from batchmark.plan.forecast import Work, expect, minutes
from batchmark.plan.hooks import Hooks, Places
from batchmark.plan.progress import last_words
from batchmark.plan.work import ASSUMED, MNIST_SIZE
from tests.plan.conftest import CONFIG, STUDY, OpenPlan

LOGGER = logging.getLogger("test")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("trial 1\nbatchmark: model 'x' could not be built.\nwarning: leaked\n", "model 'x' could"),
        ("Traceback (most recent call last):\nValueError: 3\n", "it ended after 'ValueError: 3'"),
        (
            "trial-0: epoch 1\nI0000 00:00:1795745147.1 10835 port.cc:153] oneDNN is on.\n",
            "it ended after 'trial-0: epoch 1'",
        ),
        ("I0000 00:00:1795745147.1 10835 port.cc:153] oneDNN is on.\n", "it ended without a word"),
        ("", "it ended without a word"),
        (None, "it ended without a word"),
    ],
)
def test_the_last_words_are_a_sentence_where_there_is_one(
    tmp_path: Path, content: str | None, words: str
) -> None:
    log = tmp_path / "job.log"
    if content is not None:
        log.write_text(content)
    assert last_words(log).startswith(words)


def test_a_start_removes_what_killed_writers_left_and_a_rivals_start_does_not(
    plan_of: OpenPlan, tmp_path: Path
) -> None:
    folders = {name: tmp_path / name for name in ("own", "results", "logs", "reports", "data")}
    runs = folders["results"] / "local/cpu/runs"
    for folder in (*folders.values(), runs):
        folder.mkdir(parents=True, exist_ok=True)
    data = folders.pop("data")
    left = [
        runs / ".mlp-sgd.json.k3_2h1g0.json",
        data / ".mnist.npz.aaaaaaaa.npz",
        folders["reports"] / ".index.html.00000000.html",
    ]
    kept = [runs / "mlp-sgd.json", runs / ".mine.json", runs / ".a.json.k3_2h1g0.csv"]
    places = Places(facts=data / "mnist.json", templates=tmp_path, **folders)
    for path in left + kept:
        path.touch()
    Hooks(plan_of(), places, 1, LOGGER).start({}, here=False)
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)
    left[0].touch()
    with pytest.raises(UserError, match="Another Snakemake works in this folder"):
        Hooks(plan_of(), places, 1, LOGGER).start({}, here=False)
    assert left[0].exists()


@pytest.mark.parametrize("name", ["data", "results", "logs", "reports"])
def test_what_is_no_folder_is_named_before_any_job(tmp_path: Path, name: str) -> None:
    """A file of that name, and a link to a disk that is not there."""
    folders = {each: tmp_path / each for each in ("own", "results", "logs", "reports", "templates")}
    places = Places(facts=tmp_path / "data/mnist.json", **folders)
    places.check()
    (tmp_path / "elsewhere").mkdir()
    place = tmp_path / name
    place.symlink_to("elsewhere")
    places.check()
    (tmp_path / "elsewhere").rmdir()
    with pytest.raises(UserError, match=rf"/{name} is a link that leads nowhere, and"):
        places.check()
    place.unlink()
    place.touch()
    with pytest.raises(UserError, match=rf"/{name} is not a folder, and .*move it away\.$"):
        places.check()


def test_a_calibration_that_fails_costs_the_forecast_alone(
    plan_of: OpenPlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    plan = plan_of()
    folders = dict.fromkeys(("own", "results", "logs", "reports", "templates"), tmp_path)
    hooks = Hooks(plan, Places(facts=tmp_path / "mnist.json", **folders), 1, LOGGER)
    jobs = {n: ("train", {"variant": id_}) for n, id_ in enumerate([*plan.variants] * 10)}
    python = tmp_path / "python"
    # As TensorFlow greets.
    python.write_text("#!/bin/sh\necho 'I0000 00:00:1 port.cc:153] oneDNN is on.' >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with caplog.at_level("INFO"):
        hooks.start(jobs, here=True, done=3)
        hooks.succeed()
    assert caplog.messages == [
        "Jobs to do: 20, train (20); 3 are done already.",
        "Measuring how fast this machine trains, for a forecast.",
    ]


def test_what_a_run_does_before_its_forecast_is_part_of_both_sides(
    plan_of: OpenPlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    plan, clock = plan_of(), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    folders = dict.fromkeys(("own", "results", "logs", "reports", "templates"), tmp_path)
    write_result(tmp_path / plan.machine / "calibration.json", ASSUMED)
    hooks = Hooks(plan, Places(facts=tmp_path / "mnist.json", **folders), 1, LOGGER)
    ids = [*plan.variants] * 10
    with caplog.at_level("INFO"):
        clock[0] = 600.0
        hooks.start({n: ("train", {"variant": id_}) for n, id_ in enumerate(ids)}, here=True)
        seconds = expect(plan, Work(ids, [], [], []), ASSUMED, MNIST_SIZE, 1).total
        clock[0] += seconds
        hooks.succeed()
    taken = minutes(600 + seconds)
    assert caplog.messages[-1] == f"Took {taken}; expected {taken} (+0%)."


def test_the_end_has_the_answer_and_the_link_and_an_idle_run_too(
    plan_of: OpenPlan, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folders = dict.fromkeys(("own", "results", "logs", "reports", "templates"), tmp_path)
    hooks = Hooks(plan_of(), Places(facts=tmp_path / "mnist.json", **folders), 1, LOGGER)
    idle = logging.makeLogRecord({"msg": "Nothing to be done (all requested files are present)."})
    with caplog.at_level("INFO"):
        hooks.progress.handle(idle)
        assert caplog.messages == []
        (tmp_path / "index.html").touch()
        (tmp_path / "answer.rst").write_text("Use batch size 64.\n")
        hooks.progress.handle(idle)
        hooks.start({1: ("report", {})}, here=False)
        hooks.succeed()
    start = "Jobs to do: 1, report."
    end = ["\nUse batch size 64.\n", f"The report: {tmp_path}/index.html"]
    assert caplog.messages == [*end, start, *end]


def test_a_prediction_ends_with_its_own_page(
    plan_of: OpenPlan, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not with the answer that another run in the folder left."""
    folders = dict.fromkeys(("own", "results", "logs", "reports", "templates"), tmp_path)
    for name in ("index.html", "quick.html", "answer.rst"):
        (tmp_path / name).write_text("Use batch size 64.\n")
    hooks = Hooks(
        plan_of(CONFIG | {"studies": {"quick": {}}}, quick=STUDY),
        Places(facts=tmp_path / "f", **folders),
        1,
        LOGGER,
    )
    with caplog.at_level("INFO"):
        hooks.progress.handle(logging.makeLogRecord({"msg": "Nothing to be done."}))
    assert caplog.messages == [f"The prediction: {tmp_path}/quick.html"]
