from pathlib import Path

import pytest

from batchmark.contract.devices import Device
from batchmark.machine import cards, gpu
from tests.workflow.checkout import copy_project

# Stands for the library and driver of a machine with two cards.
TWO_CARDS = """
def nvmlInit(): pass
def nvmlShutdown(): pass
def nvmlDeviceGetCount(): return 2
"""

TELL = """
print(f"GPUs: {workflow.global_resources['gpu'].value}.", file=sys.stderr)
"""


def test_gpus_of_other_machines_are_believed() -> None:
    assert cards.resolve_devices(["cpu", "gpu"], ["cpu"], elsewhere=True) == ["cpu", "gpu"]
    assert cards.resolve_devices("auto", ["cpu"], elsewhere=True) == ["cpu"]


def test_cuda_sees_only_what_the_user_lets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert cards.card_count() == 0


@pytest.mark.parametrize(
    ("setting", "option", "total"), [("0,1", [], 2), ("1", ["--resources", "gpu=5"], 5)]
)
def test_as_many_gpu_jobs_run_as_there_are_cards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, option: list[str], total: int
) -> None:
    (tmp_path / "checkout").mkdir()
    checkout = copy_project(tmp_path / "checkout")
    (checkout.folder / "src" / "pynvml.py").write_text(TWO_CARDS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", setting)
    with (checkout.folder / "Snakefile").open("a") as snakefile:
        snakefile.write(TELL)
    assert f"GPUs: {total}." in checkout.snakemake("--dry-run", *option).stderr


@pytest.mark.parametrize(
    ("packages", "usable"),
    [({"tensorflow"}, ["cpu", "gpu"]), ({"tensorflow_cpu"}, ["cpu"]), (set(), ["cpu"])],
    ids=str,
)
def test_only_gpus_that_tensorflow_can_use_are_planned_for(
    monkeypatch: pytest.MonkeyPatch, packages: set[str], usable: list[Device]
) -> None:
    monkeypatch.setattr(cards, "_installed", lambda package: package in packages)
    monkeypatch.setattr(gpu, "devices", lambda: ["0", "1"])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert cards.usable_devices() == usable
