"""Nothing is ever lost: full disks, read-only folders, broken variants."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.workflow.checkout import MICRO, Checkout
from tests.workflow.jobs import AFTER_COLLECT
from tests.workflow.running import follow, running, said, stages

OWN_MODELS = """\
import keras


def broken(image_shape, classes, **_):
    raise ValueError("no such layer")


def huge(image_shape, classes, **_):
    images = keras.Input(image_shape)
    wide = keras.layers.Dense(2_000_000_000)(keras.layers.Flatten()(images))
    return keras.Model(images, keras.layers.Dense(classes)(wide))
"""


def test_failed_variants_spoil_no_other_and_are_mended(checkout: Checkout, tmp_path: Path) -> None:
    model = checkout.folder / "src" / "own_model.py"
    model.write_text(OWN_MODELS)
    content = yaml.safe_load(MICRO.read_text())
    study = content["studies"]["optimizer"]
    study["grids"] = [*study["grids"], {"model": ["own_model:broken", "own_model:huge"]}]
    study["baseline"] = {"optimizer": "sgd", "model": "mlp", "learning_rate": 0.1}
    changed = tmp_path / "changed.yaml"
    changed.write_text(yaml.safe_dump(content, sort_keys=False))
    result = checkout.snakemake(config=changed)
    assert result.returncode != 0
    partial = checkout.folder / "reports" / "partial"
    failures = pd.read_csv(partial / "tables" / "failures.csv").fillna("")
    runs = failures[failures["kind"] == "runs"].sort_values("variant")["log"].tolist()
    assert len(runs) == 2
    assert "no such layer" in runs[0]
    assert "own_model:huge' could not be built" in runs[1]
    assert "ResourceExhaustedError" in runs[1]
    assert "no such layer" in (partial / "index.html").read_text(encoding="utf-8")
    assert "no such layer" not in (checkout.folder / "reports" / "index.html").read_text()
    assert "2 failed:\n  sgd, batch " in _words(result)
    sentence = "could not be built for images of shape (28, 28, 1): ValueError: no such layer"
    # When it fails, and in the list at the end.
    assert _words(result).count(sentence) == 2, _words(result)
    assert '"hyperparameters"' not in _words(result)
    model.write_text(OWN_MODELS.replace('raise ValueError("no such layer")', "return mended()"))
    planned = {job.partition("-")[0] for job in checkout.planned(changed)}
    assert {"train broken", *AFTER_COLLECT} <= planned
    assert "train mlp" not in planned
    # Taken back, the report before it serves again.
    assert checkout.planned() == set()


def test_a_failure_far_from_the_report_leaves_it_alone(checkout: Checkout) -> None:
    page = checkout.folder / "reports" / "index.html"
    before = page.stat().st_mtime_ns
    shutil.rmtree(checkout.folder / "results" / "local" / "cpu")
    (checkout.folder / "data" / "mnist.json").write_text("{}")
    result = checkout.snakemake("results/local/cpu/timings/batch_size.json")
    assert result.returncode != 0
    assert page.stat().st_mtime_ns == before


def test_results_removed_in_the_middle(checkout: Checkout) -> None:
    lost = _forget_one_run(checkout)
    with running(checkout) as snakemake:
        follow(snakemake, lambda: list(stages(checkout.folder, "stages.train")))
        shutil.rmtree(checkout.folder / "results")
        assert snakemake.wait() == 1
    assert "Traceback" not in said(checkout)
    planned = checkout.planned()
    # What had not begun when it happened is safe; all else is made again.
    names = {path.stem for path in (checkout.folder / "logs/train/cpu").glob("*.log")}
    assert {f"train {name}" for name in names - {lost}} <= planned
    assert {"time batch_size", "collect", "analyze", "render"} <= planned


def test_read_only_results_end_in_a_sentence(checkout: Checkout) -> None:
    tables = checkout.folder / "results" / "tables"
    with _read_only(tables):
        result = checkout.snakemake("--forcerun", "analyze")
    assert result.returncode != 0
    assert "Write-protected output files for rule analyze" in _words(result)
    assert "Traceback" not in _words(result)
    assert checkout.snakemake().returncode == 0
    handed_over = checkout.folder / ".snakemake/batchmark"
    for request in handed_over.glob("collect-*.json"):
        request.unlink()
    with _read_only(handed_over):
        result = checkout.snakemake("--dry-run")
    assert result.returncode != 0
    assert re.search(r"\.json: (Read-only file system|Permission denied)\.$", _words(result), re.M)
    assert "Traceback" not in _words(result)


def test_a_full_disk_ends_in_a_sentence_and_harms_no_other(checkout: Checkout) -> None:
    lost = _forget_one_run(checkout)
    runs = checkout.folder / "results" / "local" / "cpu" / "runs"
    others = {path.name: path.read_bytes() for path in runs.glob("*.json")}
    with _mounted(["-t", "tmpfs", "-o", "size=1m", "tmpfs"], runs):
        for name, content in others.items():
            (runs / name).write_bytes(content)
        _fill(runs)
        # For the run alone: after a report's failure there would be a page of the others.
        result = checkout.snakemake(f"results/local/cpu/runs/{lost}.json")
        assert {path.name: path.read_bytes() for path in runs.glob("*.json")} == others
        assert {path.name for path in runs.iterdir()} == {*others, "filler"}
    assert result.returncode != 0
    log = (checkout.folder / "logs/train/cpu" / f"{lost}.log").read_text()
    sentence = f"batchmark: results/local/cpu/runs/{lost}.json: No space left on device."
    assert log.splitlines()[-1] == sentence
    assert "Traceback" not in log


def _forget_one_run(checkout: Checkout) -> str:
    """Remove a run and all that was made of it."""
    run = min((checkout.folder / "results/local/cpu/runs").glob("*.json"))
    run.unlink()
    for made_of_it in ("results/tables", "reports"):
        shutil.rmtree(checkout.folder / made_of_it)
    return run.stem


def _words(result: subprocess.CompletedProcess[str]) -> str:
    return result.stdout + result.stderr


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """By its modes; for root, who may write whatever they are, by a mount."""
    if os.geteuid() == 0:
        with _mounted(["--bind", str(folder)], folder):
            subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
            yield
        return
    modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@contextmanager
def _mounted(arguments: list[str], place: Path) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    done = subprocess.run(["mount", *arguments, place], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True)


def _fill(folder: Path) -> None:
    """Leave no block free."""
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


@pytest.mark.parametrize("kind", ["runs", "timings"])
def test_a_damaged_result_is_refused_by_name(checkout: Checkout, kind: str) -> None:
    victim = next((checkout.folder / f"results/local/cpu/{kind}").glob("*.json"))
    victim.write_text(victim.read_text()[: victim.stat().st_size // 2])
    result = checkout.snakemake("--forcerun", "collect")
    assert result.returncode != 0
    # When it happens, by the partial page that fails too, and in the list at the end.
    assert _words(result).count(f"{victim.name} is refused") == 3
