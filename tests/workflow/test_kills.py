"""Whatever is killed, the next run ends with the tables of an undisturbed one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tests.workflow.checkout import Checkout
from tests.workflow.running import follow, kill, running, said, stages

# Figures of the clock and what is computed from them differ from run to run.
TABLES = ("trials.csv", "epochs.csv", "draws.csv", "variants.csv")
KINDS = {"train": "runs", "time": "timings", "probe": "gradients"}


def test_a_killed_stage_is_listed_and_made_again(finished: Checkout, checkout: Checkout) -> None:
    for kind in KINDS.values():
        _one_result(checkout, kind).unlink()
    for made_of_them in ("results/tables", "reports"):
        shutil.rmtree(checkout.folder / made_of_them)
    with running(checkout) as snakemake:
        victims = set(KINDS)
        follow(snakemake, lambda: _strike(checkout.folder, victims))
        assert snakemake.wait() == 1
    partial = checkout.folder / "reports" / "partial"
    assert set(pd.read_csv(partial / "tables" / "failures.csv")["kind"]) == set(KINDS.values())
    page = (partial / "index.html").read_text(encoding="utf-8")
    assert "Planned results that are missing:\N{NO-BREAK SPACE}3" in page
    with running(checkout) as snakemake:
        follow(snakemake, lambda: list(stages(checkout.folder, "stages.train")))
        snakemake.kill()
        snakemake.wait()
        # Its orphans work on while the next one starts.
        with running(checkout) as second:
            victims = {"render"}
            follow(second, lambda: _strike(checkout.folder, victims))
            assert second.wait() == 1
    result = checkout.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    for name in TABLES:
        pd.testing.assert_frame_equal(_table(checkout, name), _table(finished, name))
    assert checkout.planned() == set()
    assert not [p for p in checkout.folder.glob("results/**/.*") if p.is_file()]


def _one_result(checkout: Checkout, kind: str) -> Path:
    return min((checkout.folder / "results" / "local" / "cpu" / kind).glob("*.json"))


def _table(checkout: Checkout, name: str) -> pd.DataFrame:
    return pd.read_csv(checkout.folder / "results" / "tables" / name)


def _strike(folder: Path, victims: set[str]) -> bool:
    """Kill every stage of those asked for once; whether all have been."""
    for stage in sorted(victims):
        for process in stages(folder, f"batchmark.stages.{stage}"):
            if kill(process):
                victims.discard(stage)
    return not victims


def test_a_request_to_end_is_heeded_cleanly(fresh: Callable[[], Checkout]) -> None:
    """SIGTERM; SIGINT is sent in test_partial.py."""
    checkout = fresh()
    with running(checkout) as snakemake:
        follow(snakemake, lambda: list(checkout.folder.glob("logs/train/cpu/*.log")))
        snakemake.terminate()
        assert snakemake.wait() != 0
    assert "Traceback" not in said(checkout)
    for path in checkout.folder.glob("results/**/*.json"):
        json.loads(path.read_text())
