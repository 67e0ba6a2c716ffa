"""A rendered report and its results, as small as they can be, in a folder of their own."""

import hashlib
import json
import re
from pathlib import Path

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.record import DatasetFacts, read_result, write_result
from batchmark.contract.requests.message import RecordedVariant
from batchmark.contract.run import Budget, Evaluations, RunResult, Trial, TrialClock
from batchmark.publishing.site import PLACE

VARIANT = "lenet5-sgd-bs32-00000000"
ANSWER = {
    "machine": "local",
    "device": "cpu",
    "best_batch_size": 64,
    "best_batch_size_low": 41,
    "best_batch_size_high": 96,
    "decided": True,
}


def write_project(
    folder: Path, *, page: str = "<p>One</p>", started: str = "2026-11-23T17:00:00Z"
) -> None:
    """Write `folder`/reports and `folder`/results as render and the stages before it leave them."""
    tables, reports = folder / "results/tables", folder / "reports"
    for path in (tables, reports / "figures"):
        path.mkdir(parents=True, exist_ok=True)
    write_result(folder / f"results/local/cpu/runs/{VARIANT}.json", run(started=started))
    (tables / "answer.json").write_text(json.dumps(ANSWER))
    (tables / "summary.csv").write_text(
        "variant,batch_size,seconds_per_epoch,status\n"
        f"{VARIANT},32,1.5,done\nother,64,,not_learning\n"
    )
    for name in ("index.html", "index.zh.html"):
        html = f"<!doctype html><html><head></head><body>{page}{PLACE}</body></html>"
        (reports / name).write_text(html)
    declare_whole(folder)
    (reports / "figures/momentum.svg").write_text("<svg/>")
    (reports / "figures/momentum.json").write_text("{}")


def declare_whole(folder: Path) -> None:
    """Have the page say that it is made of the runs that lie there."""
    results = folder / "results"
    runs = {path: read_result(path, RunResult) for path in sorted(results.glob("*/*/runs/*.json"))}
    rows = [f"{path.relative_to(results)},{run.digest}" for path, run in runs.items()]
    listing = "\n".join(["file,digest", *rows, ""]).encode()
    (results / "tables" / "results.csv").write_bytes(listing)
    meta = f'<meta name="batchmark-results" content="{hashlib.sha256(listing).hexdigest()}">'
    for page in (folder / "reports").glob("index*.html"):
        html = re.sub(r"<head>.*</head>", f"<head>{meta}</head>", page.read_text(encoding="utf-8"))
        page.write_text(html, encoding="utf-8")


def run(*, started: str = "2026-11-23T17:00:00Z", message: str = "") -> RunResult:
    none = Evaluations(
        examples=[], steps=[], epoch=[], loss=[], accuracy=[], loss_spread=[], validation_loss=[],
        validation_accuracy=[],
    )  # fmt: skip
    trial = Trial(
        seed=0, status="diverged", message=message, learning_rate=0.1, evaluations=none,
        best_evaluation=None, test_accuracy_at_best=None, final_test_accuracy=None,
        final_train_accuracy=None, small_weight_share=None, gradient_norms={},
        clock=TrialClock(started=started, seconds=1.0),
    )  # fmt: skip
    return RunResult(
        variant=RecordedVariant(id=VARIANT, hyperparameters=Hyperparameters()),
        machine="local", device="cpu",
        dataset=DatasetFacts(
            name="mnist", digest="d" * 64, train=1, validation=1, test=1,
            image_shape=(1, 1, 1), classes=2,
        ),
        budget=Budget(
            epochs=1, evaluate_every=1, steps_per_epoch=1, examples_per_epoch=1, train_size=1,
            batch_size=1, not_learning_after=1, parameters=1,
        ),
        environment={}, trials=[trial],
    )  # fmt: skip
