import logging
from pathlib import Path

import pytest

from batchmark.plan.hooks import Failures, last_words


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
