import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from batchmark.contract.errors import UserError
from batchmark.plan.hooks import Failures, Hooks, Places, Pulse, last_words
from tests.plan.conftest import OpenPlan


def _tell(failures: Failures, **facts: object) -> None:
    failures.handle(logging.makeLogRecord(facts))


def test_a_job_that_succeeds_when_tried_again_has_not_failed(tmp_path: Path) -> None:
    failures, log = Failures(), tmp_path / "a.log"
    log.write_text("batchmark: no room.\n")
    for job in (1, 2):
        _tell(failures, event="job_error", jobid=job, rule_name="train", log=[str(log)])
    _tell(failures, event="job_finished", job_id=1)
    _tell(failures, event="job_info", jobid=3)
    assert list(failures.sentences()) == [f"train: no room. ({log})"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("trial 1\nbatchmark: model 'x' could not be built.\nwarning: leaked\n", "model 'x' could"),
        ("Traceback (most recent call last):\nValueError: 3\n", "it ended after 'ValueError: 3'"),
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


def test_a_run_without_news_shows_what_its_jobs_said_last(tmp_path: Path) -> None:
    said: list[str] = []
    now = 0.0
    jobs: dict[int, Any] = {
        1: ("train", {"variant": "mlp-sgd", "device": "cpu"}),
        2: ("time", {"study": "first", "device": "cpu"}),
        **{id_: ("train", {"variant": f"v{id_}"}) for id_ in (3, 4)},
    }
    pulse = Pulse(jobs, said.append, clock=lambda: now)

    def begin(*ids: int) -> None:
        for id_ in ids:
            pulse.handle(
                logging.makeLogRecord(
                    {"event": "job_info", "jobid": id_, "log": [str(tmp_path / f"{id_}.log")]}
                )
            )

    pulse.beat()
    begin(1, 2)
    pulse.beat()
    assert said == []
    now = 120.0
    noise = "WARNING: All log messages before absl::X\nI0000 00:00:17.8 5 port.cc] oneDNN\n"
    (tmp_path / "1.log").write_text(f"trial-0: epoch 1\n{noise}\n")
    (tmp_path / "2.log").write_text(noise)
    pulse.beat()
    assert said == [
        "train mlp-sgd has been running for 2.0 min (trial-0: epoch 1); "
        "time first has been running for 2.0 min (no word yet)."
    ]
    begin(3, 4)
    pulse.handle(logging.makeLogRecord({"event": "progress"}))
    pulse.beat()
    assert len(said) == 1
    pulse.beat()
    assert said[1].endswith("train v3 has been running for 0 s (no word yet); 1 more run.")
    for id_ in jobs:
        pulse.handle(logging.makeLogRecord({"event": "job_finished", "job_id": id_}))
    pulse.beat()
    pulse.beat()
    assert len(said) == 2


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
    Hooks(plan_of(), places, cores=1).start({}, here=False)
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)
    left[0].touch()
    with pytest.raises(UserError, match="Another Snakemake works in this folder"):
        Hooks(plan_of(), places, cores=1).start({}, here=False)
    assert left[0].exists()


def test_a_calibration_that_fails_costs_the_forecast_alone(
    plan_of: OpenPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of()
    folders = dict.fromkeys(("own", "results", "logs", "reports", "templates"), tmp_path)
    hooks = Hooks(plan, Places(facts=tmp_path / "mnist.json", **folders), cores=1)
    jobs = {n: ("train", {"variant": id_}) for n, id_ in enumerate([*plan.variants] * 10)}
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert [type(one) for one in hooks.start(jobs, here=True)] == [Failures, Pulse]
    hooks.succeed()
