"""Nothing is ever lost: kills, full disks, rivals and broken variants."""

import json
import os
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
import pytest
import yaml

from tests.workflow.checkout import MICRO, Checkout

# Figures of the clock and what is computed from them differ from run to run.
TABLES = {
    "trials.csv": [],
    "epochs.csv": [],
    "draws.csv": [],
    "variants.csv": [],
}
KILLS = 8


def _start(checkout: Checkout, config: Path = MICRO) -> subprocess.Popen[str]:
    return subprocess.Popen(
        checkout.command(config),
        cwd=checkout.folder,
        env=checkout.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _processes(parent: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return [psutil.Process(parent.pid), *psutil.Process(parent.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _tables(checkout: Checkout) -> dict[str, pd.DataFrame]:
    folder = checkout.folder / "results" / "tables"
    return {name: pd.read_csv(folder / name) for name in TABLES}


def test_killed_at_random_moments_it_ends_with_the_same_tables(
    finished: Checkout, fresh: Callable[[], Checkout]
) -> None:
    checkout = fresh()
    chance = random.Random(7)
    for _ in range(KILLS):
        running = _start(checkout)
        try:
            running.wait(timeout=chance.uniform(2, 15))
        except subprocess.TimeoutExpired:
            victims = _processes(running)
            # Snakemake itself, or any process below it: a training, a timing, the renderer.
            chance.choice(victims).kill() if victims else None
            _stop(running)
    result = checkout.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    expected = _tables(finished)
    for name, table in _tables(checkout).items():
        pd.testing.assert_frame_equal(table, expected[name])
    assert checkout.planned() == set()
    assert not [p for p in checkout.folder.glob("results/**/.*") if p.is_file()]


def _stop(running: subprocess.Popen[str]) -> None:
    for process in reversed(_processes(running)):
        process.kill()
    running.wait()
    assert running.stderr
    running.stderr.close()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(fresh: Callable[[], Checkout], ending: signal.Signals) -> None:
    checkout = fresh()
    running = _start(checkout)
    _until(running, lambda: list(checkout.folder.glob("logs/train/cpu/*.log")) != [])
    running.send_signal(ending)
    _, errors = running.communicate(timeout=120)
    assert running.returncode != 0
    assert "Traceback" not in errors
    for path in checkout.folder.glob("results/**/*.json"):
        json.loads(path.read_text())


def _until(running: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    """Follow a process until it has brought a condition about."""
    while not reached():
        try:
            running.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError("it ended before")


def test_a_second_snakemake_refuses_in_a_sentence(checkout: Checkout) -> None:
    import fcntl  # noqa: PLC0415

    lock = checkout.folder / ".snakemake" / "batchmark.lock"
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = checkout.snakemake("--forcerun", "render")
    assert result.returncode != 0
    assert "Another Snakemake works in this folder" in result.stdout + result.stderr
    assert checkout.snakemake("--forcerun", "render").returncode == 0


def test_one_failed_variant_spoils_no_other(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.folder / "src" / "own_model.py").write_text(
        "def build(image_shape, classes, **_):\n    raise ValueError('no such layer')\n"
    )
    content = yaml.safe_load(MICRO.read_text())
    study = content["studies"]["optimizer"]
    study["grids"] = [*study["grids"], {"model": "own_model:build"}]
    study["baseline"] = {"optimizer": "sgd", "model": "mlp", "learning_rate": 0.1}
    changed = tmp_path / "changed.yaml"
    changed.write_text(yaml.safe_dump(content))
    result = checkout.snakemake(config=changed)
    assert result.returncode != 0
    failures = pd.read_csv(checkout.folder / "results" / "tables" / "failures.csv")
    assert failures["log"].str.contains("no such layer").any()
    page = (checkout.folder / "reports" / "index.html").read_text(encoding="utf-8")
    assert "no such layer" in page


def test_read_only_results_end_in_a_sentence(checkout: Checkout) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    folder = checkout.folder / "results" / "tables"
    folder.chmod(0o555)
    try:
        result = checkout.snakemake("--forcerun", "analyze")
    finally:
        folder.chmod(0o755)
    assert result.returncode != 0


@pytest.mark.parametrize("kind", ["runs", "timings"])
def test_a_damaged_result_is_refused_by_name(checkout: Checkout, kind: str) -> None:
    victim = next((checkout.folder / f"results/local/cpu/{kind}").glob("*.json"))
    victim.write_text(victim.read_text()[: victim.stat().st_size // 2])
    result = checkout.snakemake("--forcerun", "collect")
    assert result.returncode != 0
    assert victim.name in result.stdout + result.stderr
    assert "is refused" in result.stdout + result.stderr
