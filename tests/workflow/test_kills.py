"""Whatever is killed, the next run ends with the tables of an undisturbed one."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tests.workflow.checkout import Checkout
from tests.workflow.running import follow, running, said, stages, strike

# Figures of the clock and what is computed from them differ from run to run.
TABLES = ("trials.csv", "epochs.csv", "draws.csv", "variants.csv")
# Without figures and page: what a kill does to those is asked in test_partial.py.
SUMMARY = "results/tables/summary.csv"
KINDS = {"train": "runs", "probe": "gradients"}


def test_a_killed_stage_is_listed_and_made_again(finished: Checkout, checkout: Checkout) -> None:
    """Before the first report, and so is one whose Snakemake is interrupted.

    Snakemake itself is killed in own/test_hooks.py.
    """
    for kind in KINDS.values():
        _one_result(checkout, kind).unlink()
    for made_of_them in ("results/tables", "reports"):
        shutil.rmtree(checkout.folder / made_of_them)
    with running(checkout) as snakemake:
        strike(snakemake, checkout.folder, *KINDS)
        assert snakemake.wait() == 1
    partial = checkout.folder / "reports" / "partial"
    assert set(pd.read_csv(partial / "tables" / "failures.csv")["kind"]) == set(KINDS.values())
    page = (partial / "index.html").read_text(encoding="utf-8")
    assert "Planned results that are missing:\N{NO-BREAK SPACE}2" in page
    _assert_nothing_is_taken_for_whole(checkout)
    _one_result(checkout, "timings").unlink()
    with running(checkout) as snakemake:
        # The other two are made again before it, which has the machine to itself.
        follow(snakemake, lambda: list(stages(checkout.folder, "stages.time")))
        snakemake.send_signal(signal.SIGINT)
        assert snakemake.wait() != 0
    assert "Traceback" not in said(checkout)
    _assert_nothing_is_taken_for_whole(checkout)
    with running(checkout, SUMMARY) as snakemake:
        strike(snakemake, checkout.folder, "time")
        assert snakemake.wait() == 1
    assert checkout.jobs(SUMMARY) == {"time batch_size", "collect", "analyze"}
    for name in TABLES:
        pd.testing.assert_frame_equal(_table(checkout, name), _table(finished, name))
    assert checkout.jobs(SUMMARY, "--dry-run") == set()
    assert not [p for p in checkout.folder.glob("results/**/.*") if p.is_file()]


def _assert_nothing_is_taken_for_whole(checkout: Checkout) -> None:
    for path in checkout.folder.glob("results/**/*.json"):
        json.loads(path.read_text())
    assert not (checkout.folder / "reports" / "index.html").exists()
    assert not (checkout.folder / "results" / "tables").exists()


def _one_result(checkout: Checkout, kind: str) -> Path:
    return min((checkout.folder / "results" / "local" / "cpu" / kind).glob("*.json"))


def _table(checkout: Checkout, name: str) -> pd.DataFrame:
    return pd.read_csv(checkout.folder / "results" / "tables" / name)


def test_a_request_to_end_is_heeded_cleanly(fresh: Callable[[], Checkout]) -> None:
    """SIGTERM; SIGINT is sent above."""
    checkout = fresh()
    with running(checkout) as snakemake:
        follow(snakemake, lambda: list(checkout.folder.glob("logs/train/cpu/*.log")))
        snakemake.terminate()
        assert snakemake.wait() != 0
    assert "Traceback" not in said(checkout)
    for path in checkout.folder.glob("results/**/*.json"):
        json.loads(path.read_text())
