"""One GPU a process, with made-up device ids and real processes."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.machine.cards import claimed, own, visible

PIPE = subprocess.PIPE

# Being alone on a device is proved by a file that only one process can make at a time.
CLAIM = """
import os, sys
from pathlib import Path
from batchmark.machine.cards import claimed
folder = Path(sys.argv[1])
with claimed("train", ["0", "1", "GPU-5f"], "gpu", folder) as device:
    assert os.environ["CUDA_VISIBLE_DEVICES"] == device
    mark = folder / f"in-use-{device}"
    mark.touch(exist_ok=False)
    for _ in range(20):
        mark.read_bytes()
    mark.unlink()
print(device)
"""


def test_twenty_processes_never_share_a_device(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CLAIM, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True) for _ in range(20)]
    answers = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 20, answers
    assert {out.strip() for out, _ in answers} <= {"0", "1", "GPU-5f"}


@pytest.mark.parametrize("freed", ["0", "1", "GPU-5f"])
def test_a_waiting_process_takes_whichever_device_is_left_first(tmp_path: Path, freed: str) -> None:
    with ExitStack() as until_done:
        for device in {"0", "1", "GPU-5f"} - {freed}:
            until_done.enter_context(claimed("train", [device], "gpu", tmp_path))
        with claimed("train", [freed], "gpu", tmp_path):
            command = [sys.executable, "-c", CLAIM, str(tmp_path)]
            waiting = subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True)
            assert waiting.stderr is not None
            assert waiting.stderr.readline() == (
                "train waits for other processes of batchmark to leave the GPU.\n"
            )
        assert waiting.communicate(timeout=60)[0].strip() == freed


def test_two_claims_get_two_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with (
        claimed("train a", ["0", "1"], "gpu", tmp_path) as one,
        claimed("train b", ["0", "1"], "gpu", tmp_path) as other,
    ):
        assert {one, other} == {"0", "1"}


@pytest.mark.parametrize("setting", [None, "0,1"])
def test_a_claim_ends_with_its_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str | None
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if setting is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", setting)
    for _ in range(2):
        with claimed("train", ["0"], "gpu", tmp_path) as device:
            assert device == os.environ["CUDA_VISIBLE_DEVICES"] == "0"
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == setting


def test_no_device_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(UserError, match="asks for a GPU"), own("train", "gpu"):
        pass


@pytest.mark.parametrize(
    ("setting", "devices"),
    [
        (None, ["0", "1"]),
        ("1", ["1"]),
        ("1, 0", ["1", "0"]),
        ("GPU-5f,0", ["GPU-5f", "0"]),
        ("MIG-5f", ["MIG-5f"]),
        ("", []),
        ("-1", []),
        ("1,-1,0", ["1"]),
        ("7", []),
        ("NoDevFiles", []),
    ],
)
def test_the_user_may_narrow_the_choice(
    monkeypatch: pytest.MonkeyPatch, setting: str | None, devices: list[str]
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if setting is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", setting)
    assert visible(["0", "1"], "gpu") == devices
