"""A report that is not whole is never taken for one, also in a folder's first run."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.workflow.checkout import MICRO, Checkout
from tests.workflow.jobs import AFTER_COLLECT, figures
from tests.workflow.running import follow, running, said, stages, strike

BROKEN = """\
import keras


def build(image_shape, classes, **_):
    raise ValueError("no such layer")
"""
MENDED = """\
import keras


def build(image_shape, classes, **_):
    images = keras.Input(image_shape)
    return keras.Model(images, keras.layers.Dense(classes)(keras.layers.Flatten()(images)))
"""


def _with_own_model(folder: Path) -> Path:
    """The micro configuration with one study, in which one model is ours."""
    content = yaml.safe_load(MICRO.read_text())
    study = content["studies"]["optimizer"]
    study["grids"] = [*study["grids"][:1], {"model": "own_model:build", "optimizer": "sgd"}]
    study["baseline"] = {"model": "mlp"}
    content["studies"]["batch_size"] = None
    changed = folder / "own.yaml"
    changed.write_text(yaml.safe_dump(content, sort_keys=False))
    return changed


def test_a_model_that_fails_in_the_first_run_and_is_mended(
    fresh: Callable[[], Checkout], tmp_path: Path
) -> None:
    checkout, config = fresh(), _with_own_model(tmp_path)
    model = checkout.folder / "src" / "own_model.py"
    model.write_text(BROKEN)
    result = checkout.snakemake(config=config)
    words = result.stdout + result.stderr
    assert result.returncode == 1
    sentence = "could not be built for images of shape (28, 28, 1): ValueError: no such layer"
    # When it fails, and in the list at the end.
    assert words.count(sentence) == 2, words
    assert "1 failed:\n  sgd, batch " in words
    assert '"hyperparameters"' not in words
    reports = checkout.folder / "reports"
    assert "no such layer" in (reports / "partial" / "index.html").read_text(encoding="utf-8")
    assert not (reports / "index.html").exists()
    assert not (checkout.folder / "results" / "tables").exists()
    model.write_text(MENDED)
    planned = {job.partition("-")[0] for job in checkout.planned(config)}
    assert {"train build", *AFTER_COLLECT} <= planned
    assert not any(job.startswith("train mlp") for job in planned)


def test_an_interrupt_before_the_first_report(checkout: Checkout) -> None:
    """Of its timing; a training is asked to end in test_kills.py."""
    for made in ("results/tables", "results/local/cpu/timings", "reports"):
        shutil.rmtree(checkout.folder / made)
    with running(checkout) as snakemake:
        follow(snakemake, lambda: list(stages(checkout.folder, "stages.time")))
        snakemake.send_signal(signal.SIGINT)
        assert snakemake.wait() != 0
    assert "Traceback" not in said(checkout)
    for path in checkout.folder.glob("results/**/*.json"):
        json.loads(path.read_text())
    assert not (checkout.folder / "reports" / "index.html").exists()
    assert not (checkout.folder / "results" / "tables").exists()
    assert checkout.planned() >= {"time batch_size", *AFTER_COLLECT}


def test_a_partial_page_leaves_the_report_alone_and_goes_when_it_is_made(
    checkout: Checkout,
) -> None:
    """Made on demand, and by a kill of the job that makes the report."""
    partial, page = (checkout.folder / "reports" / name for name in ("partial", "index.html"))
    assert checkout.snakemake("partial").returncode == 0
    assert (partial / "index.html").exists()
    assert checkout.planned() == set()
    shutil.rmtree(partial)
    page.unlink()
    with running(checkout) as snakemake:
        strike(snakemake, checkout.folder, "render")
        assert snakemake.wait() == 1
    assert (partial / "index.html").exists()
    assert not page.exists()
    assert checkout.jobs() == {"render"}
    assert page.exists()
    assert not partial.exists()


def test_a_deleted_result_is_made_again(checkout: Checkout) -> None:
    """One of each kind at once: what is not looked for would not be listed."""
    results, work = checkout.folder / "results/local/cpu", AFTER_COLLECT | figures(checkout)
    for kind, rule in {"runs": "train", "timings": "time", "gradients": "probe"}.items():
        lost = min((results / kind).glob("*.json"))
        lost.unlink()
        work = work | {f"{rule} {lost.stem}"}
    assert checkout.planned() == work
    publishing = checkout.snakemake("--dry-run", "publish")
    words = publishing.stdout + publishing.stderr
    assert all(f"rule {rule}:" in words for rule in ("train", "time", "probe"))


def test_a_prediction_asks_for_its_results_too(checkout: Checkout) -> None:
    for name in ("quick.json", "quick.html", "quick.zh.html"):
        (checkout.folder / "reports" / name).touch()
    assert checkout.jobs("quick", "--dry-run") == set()
    (lost,) = (checkout.folder / "results/local/cpu/gradients").glob("*.json")
    lost.unlink()
    assert checkout.jobs("quick", "--dry-run") == {f"probe {lost.stem}", "predict", "quick"}
