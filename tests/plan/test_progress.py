"""What is said of a run while it goes on, from Snakemake's events."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchmark.contract.calibration import Calibration
from batchmark.contract.record import write_result
from batchmark.plan.forecast import expected_by_job
from batchmark.plan.plan import open_plan
from batchmark.plan.progress import Progress, Words
from tests.plan.conftest import OpenPlan
from tests.plan.test_expectation import RATES
from tests.workflow.checkout import ROOT

JOBS: dict[int, Any] = {
    1: ("download", {}),
    2: ("train", {"variant": "mlp-sgd"}),
    3: ("time", {"study": "first"}),
    4: ("plot", {"figure": "a"}),
    5: ("plot", {"figure": "b"}),
    6: ("render", {}),
}


class Run:
    """A run of jobs at a clock that the test moves; job 2 finds 98 %."""

    def __init__(
        self, expected: Mapping[int, float] | None = None, jobs: Mapping[int, Any] = JOBS
    ) -> None:
        self.said: list[str] = []
        self.now, self.idle, self.expected = 0.0, 0, expected or {}
        words = Words(self._label, lambda _stage, path: "98 %" if path.stem == "2" else "")
        self.progress = Progress(words, self._say, self._be_idle, clock=lambda: self.now)
        self.jobs = jobs
        self.progress.start(jobs, lambda: self.expected)
        self.progress.stop()

    def begin(self, *jobs: int, log: str = "none") -> None:
        for job in jobs:
            stage, wildcards = self.jobs.get(job, ("plot", {"figure": "late"}))
            self.tell(
                "job_info", jobid=job, log=[log], output=[f"{job}.json"],
                rule_name=stage, wildcards=wildcards,
            )  # fmt: skip

    def end(self, *jobs: int) -> None:
        for job in jobs:
            self.tell("job_finished", job_id=job)

    def tell(self, event: str | None, **fields: object) -> None:
        self.progress.handle(logging.makeLogRecord({"event": event, **fields}))

    def _label(self, stage: str, wildcards: Mapping[str, str]) -> str:
        return " ".join([stage, *wildcards.values()])

    def _say(self, line: str, **_extra: object) -> None:
        self.said.append(line)

    def _be_idle(self) -> None:
        self.idle += 1


def test_each_measurement_has_a_line_with_what_it_found_and_what_is_left() -> None:
    run = Run({1: 10.0, 2: 600.0, 3: 240.0})
    run.begin(1)
    run.now = 3.0
    # Only the download tells how many images there are.
    run.expected = {2: 400.0, 3: 240.0}
    run.end(1)
    run.begin(2, 3)
    run.now = 67.0
    run.end(2)
    # Half of the job that runs, and nothing of those without a forecast: 120 seconds.
    assert run.said == [
        "✓ download · 3 s · 1 of 6 · 10.7 min left",
        "✓ train mlp-sgd: 98 % · 64 s · 2 of 6 · 2.0 min left",
    ]


def test_the_jobs_of_seconds_have_one_line_together_and_late_ones_count() -> None:
    run = Run()
    run.begin(1, 2, 3)
    run.end(1, 2, 3)
    run.now = 100.0
    run.begin(4, 5)
    run.end(4)
    # A checkpoint has made one more necessary.
    run.begin(7)
    run.end(5, 7)
    assert len(run.said) == 3
    run.begin(6)
    run.now = 140.0
    run.end(6)
    assert run.said[3:] == ["✓ plot (3), render · 40 s · 7 of 7"]


def test_the_default_scale_fits_on_a_few_screens_even_where_it_is_slow() -> None:
    files = ["config/config.yaml"]
    config = yaml.safe_load((ROOT / files[0]).read_text(encoding="utf-8"))
    plan = open_plan(config, files, [ROOT / "config/studies"], Path("unused"))
    jobs: list[Any] = [
        ("download", {}),
        *(("train", {"variant": id_}) for id_ in plan.variants),
        *(("probe", {"variant": id_}) for id_ in plan.probed),
        *(("time", {"study": study}) for study in plan.timed),
        *(("plot", {"figure": figure}) for figure in plan.figures()),
        *((stage, {}) for stage in ("collect", "analyze", "judge", "render", "report")),
    ]
    assert len(jobs) > 90
    run = Run(jobs=dict(enumerate(jobs)))
    for id_, (stage, _) in enumerate(jobs):
        run.begin(id_)
        # Two minutes without news, each session.
        for _ in range(4 * (stage == "time")):
            run.progress.beat()
        run.end(id_)
    # Beside the forecast, what the download says, the answer, its limits and the warnings: 30.
    assert len(run.said) <= 120 - 30


def test_what_is_no_news_of_a_job_says_nothing() -> None:
    run = Run()
    run.tell("shellcmd")
    run.tell("job_finished", job_id=99)
    run.tell(None, msg="Select jobs to execute...")
    assert (run.said, run.idle) == ([], 0)
    run.tell(None, msg="Nothing to be done (all requested files are present and up to date).")
    assert (run.said, run.idle) == ([], 1)


def test_a_failure_is_one_sentence_and_none_once_the_job_has_succeeded(tmp_path: Path) -> None:
    run, log = Run({2: 60.0}), tmp_path / "a.log"
    log.write_text("trial 1\nbatchmark: no room.\n")
    run.begin(2, 3, log=str(log))
    for job in (2, 3):
        run.tell("job_error", jobid=job, log=[str(log)])
    sentences = [f"train mlp-sgd: no room. ({log})", f"time first: no room. ({log})"]
    assert run.said == [f"✗ {sentence}" for sentence in sentences]
    assert run.progress.failures() == sentences
    assert run.progress.remaining() == "Jobs done: 0, left: 6."
    run.begin(2)
    run.end(2)
    assert run.said[2:] == ["✓ train mlp-sgd: 98 % · 0 s · 2 of 6"]
    assert run.progress.failures() == sentences[1:]
    assert run.progress.remaining() == "Jobs done: 1, left: 5."


def test_what_an_interruption_ends_has_not_failed() -> None:
    run = Run()
    run.begin(2, 3)
    run.tell(None, msg="Terminating processes on user request, this might take some time.")
    for job in (2, 3):
        run.tell("job_error", jobid=job, log=["none"])
    assert (run.said, run.progress.failures()) == ([], [])
    assert run.progress.is_interrupted
    assert run.progress.remaining() == "Jobs done: 0, left: 6."


def test_a_bar_shows_what_runs_unless_a_job_writes_to_the_terminal_itself(tmp_path: Path) -> None:
    run, log = Run({2: 60.0}), tmp_path / "a.log"
    log.write_text("trial-0: epoch 1\n")
    assert run.progress.status() == (0, 6, "0 of 6 · 60 s left")
    run.begin(1)
    assert run.progress.status() == (0, 0, "")
    run.end(1)
    run.begin(2, log=str(log))
    run.begin(3)
    words = "1 of 6 · 30 s left · train mlp-sgd (trial-0: epoch 1) · time first"
    assert run.progress.status() == (1, 6, words)


def test_a_run_without_news_shows_what_its_jobs_said_last(tmp_path: Path) -> None:
    run, log = Run(), tmp_path / "2.log"
    noise = "WARNING: All log messages before absl::X\nI0000 00:00:17.8 5 port.cc] oneDNN\n"
    log.write_text(f"trial-0: epoch 1\n{noise}\n")
    run.begin(2, log=str(log))
    run.begin(3, 4, 5)
    run.progress.beat()
    assert run.said == []
    run.now = 120.0
    for _ in range(8):
        run.progress.beat()
    words = (
        "Still running: train mlp-sgd (trial-0: epoch 1) for 2.0 min; time first for 2.0 min; "
        "plot a for 2.0 min; 1 more."
    )
    # After the first, second, fourth and eighth half minute.
    assert run.said == [words] * 4
    run.end(2)
    run.progress.beat()
    assert len(run.said) == 5


def test_jobs_share_the_cores_and_a_timing_session_has_them_all(
    plan_of: OpenPlan, tmp_path: Path
) -> None:
    plan = plan_of()
    write_result(tmp_path / "calibration.json", Calibration(**RATES.model_dump()))
    wanted = {
        1: ("train", {"variant": next(iter(plan.variants)), "device": "cpu"}),
        2: ("time", {"study": "first", "device": "cpu"}),
        3: ("render", {}),
    }
    one, two = (
        expected_by_job(plan, wanted, tmp_path / "calibration.json", tmp_path / "none", cores)
        for cores in (1, 2)
    )
    assert two[1] == pytest.approx(one[1] / 2)
    assert two[2] == one[2]
    assert (one[3], two[3]) == (RATES.report, RATES.report / 2)
