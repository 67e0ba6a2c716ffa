"""The short measurement behind every estimate."""

import pytest

from batchmark.timing import calibration


def test_two_batch_sizes_tell_the_cost_of_an_image_from_that_of_a_step() -> None:
    # 1 ms a step and 0.1 ms an image: 1.4 ms at batch size 4, 21 ms at 200.
    found = calibration.per_image_and_step({"small": 1.4e-3, "large": 21e-3})
    assert found == {"image": pytest.approx(1e-4), "step": pytest.approx(1e-3)}


def test_noise_makes_no_cost_negative() -> None:
    assert calibration.per_image_and_step({"small": 2e-3, "large": 1e-3}) == {
        "image": 0.0,
        "step": 2e-3,
    }
    assert calibration.per_image_and_step({"small": 1e-3, "large": 1.0})["step"] == 0.0


def test_what_waits_for_the_disk_costs_nothing() -> None:
    waiting = "import threading; threading.Event().wait(1)"
    assert 0 < calibration.seconds_of(waiting) < 0.5


def test_one_core_is_calibrated_by_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "affinity", lambda: [0])
    found = calibration.calibrate()
    assert found.cores == 1
    starts = (found.startup, found.job, found.report)
    assert min(*starts, found.graph, found.image, found.evaluated_image) > 0
    # TensorFlow alone occupies more than 100 MB.
    assert found.memory_bytes > 1e8
