"""What is said of a run while it goes on, from Snakemake's events."""

import logging
import time
from pathlib import Path

import pytest

from batchmark.contract.calibration import Calibration
from batchmark.contract.record import write_result
from batchmark.plan.forecast import Progress, expected_by_job
from tests.plan.conftest import OpenPlan
from tests.plan.test_expectation import RATES

NOON = time.mktime((2024, 1, 1, 12, 0, 0, 0, 0, -1))


def event(name: str, **fields: object) -> logging.LogRecord:
    return logging.makeLogRecord({"event": name, **fields})


def test_each_job_that_ends_tells_what_is_left() -> None:
    said: list[str] = []
    expected = {1: 600.0, 2: 240.0, 3: 60.0}
    progress = Progress(lambda: expected, [], said.append, clock=lambda: NOON)
    for job in (1, 2):
        progress.emit(event("job_info", jobid=job))
    progress.emit(event("job_finished", job_id=2))
    # Half of the job that runs, and the one to come: 300 + 60 seconds.
    assert said == ["1 of 3 jobs done, 1 running, about 6.0 min left: until 12:06."]
    progress.emit(event("job_error", jobid=1))
    assert said[1:] == ["2 of 3 jobs done, 0 running, about 60 s left: until 12:01."]
    progress.emit(event("job_finished", job_id=3))
    progress.emit(event("job_finished", job_id=99))
    progress.emit(event("shellcmd"))
    assert len(said) == 2


def test_after_the_download_the_rest_is_expected_anew() -> None:
    said: list[str] = []
    expected = {1: 10.0, 2: 600.0, 3: 120.0}
    progress = Progress(lambda: expected, [1], said.append, clock=lambda: NOON)
    expected = {1: 10.0, 2: 60.0, 3: 20.0}
    progress.emit(event("job_finished", job_id=1))
    assert said == ["1 of 3 jobs done, 0 running, about 80 s left: until 12:01."]
    expected = {}
    progress.emit(event("job_finished", job_id=2))
    assert said[1:] == ["2 of 3 jobs done, 0 running, about 20 s left: until 12:00."]


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
