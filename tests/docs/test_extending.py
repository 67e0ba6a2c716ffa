"""The examples of docs/extending.md do what the page says."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import yaml

from batchmark.contract.hyperparameters import (
    OPTIMIZERS,
    Hyperparameters,
    Optimizer,
    variant_id,
)
from batchmark.contract.requests.message import Variant
from batchmark.plan.grid import check_rules
from batchmark.plan.plan import _sources
from batchmark.plan.schema import StudyConfig
from batchmark.plan.studies import build_study
from batchmark.training.optimizers.catalogue import create
from tests.workflow.checkout import ROOT, Checkout, copy_project

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def _block(name: str) -> str:
    found = re.search(rf"^```\w+\n# {re.escape(name)}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def _executed(name: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": Path(name).stem}
    exec(compile(_block(name), name, "exec"), names)  # noqa: S102
    return names


def test_optimizer() -> None:
    optimizer = _executed("mypackage/optimizers.py")["SignSGD"](0.1)
    weights = keras.Variable([1.0, -1.0])
    optimizer.build([weights])
    optimizer.apply([keras.ops.array([5.0, -0.2])], [weights])
    np.testing.assert_allclose(weights.numpy(), [0.9, -0.9], rtol=1e-6)


def test_short_name_of_an_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:
    block = _block("src/batchmark/contract/hyperparameters.py, in OPTIMIZERS")
    (row,) = eval(f"{{{block}}}", {"Optimizer": Optimizer}).items()  # noqa: S307
    monkeypatch.setitem(OPTIMIZERS, *row)
    chosen = Hyperparameters(optimizer="lion", learning_rate="default")
    check_rules(chosen, "a study")
    optimizer: Any = create(chosen, "default", batch_size=10)
    assert type(optimizer) is keras.optimizers.Lion
    assert float(optimizer.learning_rate) == pytest.approx(row[1].rate)


def test_claim(tmp_path: Path) -> None:
    """The recipe on a copy: the rule errs as seldom as the others, and its words are listed."""
    copy = copy_project(tmp_path)
    shutil.copytree(ROOT / "tests", copy.folder / "tests")
    rule = "src/batchmark/claims/optimizers.py"
    with (copy.folder / rule).open("a") as file:
        file.write(f"\n\n{_block(rule)}")
    rates = "tests/claims/test_error_rates.py"
    case = "@dataclass(frozen=True)\nclass Case"
    copy.edit(rates, case, f"{_block(rates)}\n\n{case}")
    copy.edit(rates, "CASES = [\n", f"CASES = [\n{_block(f'{rates}, in CASES')}")
    words = "src/batchmark/report/claim_words.py"
    start = "OPTIMIZERS: Mapping[str, Words] = {\n"
    copy.edit(words, start, start + _block(f"{words}, in OPTIMIZERS"))
    evidence = "tests/report/page/test_evidence.py"
    tests = ["-k", "nesterov or every_claim", rates, evidence, "--override-ini=addopts="]
    done = _run(copy, "pytest", "-q", "-p", "no:cacheprovider", *tests)
    assert done.returncode == 0, done.stdout
    listed = _run(copy, "batchmark.report.language.untranslated", "workflow/report").stdout
    assert "zh.po lacks: Nesterov momentum is faster than plain.\n" in listed


def _run(copy: Checkout, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _python(copy, "-m", module, *arguments)


def _python(copy: Checkout, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy.folder, env=copy.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip


# How a block of a recipe comes into the text of its file.
Edit = Callable[[str, str], str]


def new(text: str, block: str) -> str:
    assert not text
    return block


def after(line: str) -> Edit:
    def edited(text: str, block: str) -> str:
        assert text.count(line) == 1, line
        return text.replace(line, line + block)

    return edited


def instead_of(line: str) -> Edit:
    return lambda text, block: after(line)(text, block).replace(line, "")


def both(one: Edit, other: Edit) -> Edit:
    return lambda text, block: other(one(text, block), block)


def _followed(folder: Path, title: str, *edits: Edit) -> Checkout:
    """A copy in which a section's blocks were put where they say: one edit a block, no more.

    If there is a copy in the folder already, in that one.
    """
    copy = Checkout(folder) if (folder / "Snakefile").exists() else copy_project(folder)
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    blocks = re.findall(
        r"^```\w+\n# (\S+?)(?:, [^\n]*)?\n(.*?)^```$", section, re.MULTILINE | re.DOTALL
    )
    for (name, block), edit in zip(blocks, edits, strict=True):
        file = copy.folder / name
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        file.write_text(edit(text, block), encoding="utf-8")
    return copy


def _answers(copy: Checkout, code: str) -> Any:
    """What code that runs in the copy prints as JSON."""
    done = _python(copy, "-c", code)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# Of both recipes, which one process can answer: neither is asked of the other's variants.
MODELLED = """
import json
from batchmark.contract.glossary import page
from batchmark.contract.hyperparameters import Hyperparameters, variant_id
from batchmark.contract.tables import TABLES
from batchmark.plan.fingerprint import modules_used, rows_used
from batchmark.plan.schema import StudyConfig
from batchmark.plan.studies import build_study
from batchmark.plan.grid import timing_subjects
from batchmark.training import environment
environment.apply("cpu", 1)
from batchmark.training.model import build_model
chosen = Hyperparameters(model="mlp", normalization="rms")
normalized = {
    "layers": [type(layer).__name__ for layer in build_model(chosen, (8, 8, 1), 10, 0).layers],
    "used": [*modules_used(chosen), *rows_used(chosen)],
}
asked = {"question": {"en": "Which?"}, "grids": [{"model": ["mlp"], "initial_bias": [0.0, 1.0]}],
         "baseline": {"initial_bias": 0.0}}
study = build_study("bias", StudyConfig.model_validate(asked), "bias.yaml")
biased = [v.hyperparameters for v in study.variants.values() if v.hyperparameters.initial_bias]
model = build_model(biased[0], (8, 8, 1), 10, 0)
biases = {float(b) for w in model.weights if w.path.endswith("bias") for b in w.numpy()}
print(json.dumps([variant_id(Hyperparameters()), normalized, {
    "biases": sorted(biases), "axes": study.axes,
    "subjects": len(timing_subjects(study.variants.values())),
    "tables": [name for name, columns in TABLES.items() if "initial_bias" in columns],
    "described": page().count("first value of all biases")}]))
"""


def test_normalization_and_hyperparameter(tmp_path: Path) -> None:
    """What follows from the rows by themselves: layers, columns, study, timing, all older ids."""
    copy = _followed(tmp_path, "A normalization", after("NORMALIZATIONS = {\n"))
    _followed(
        tmp_path,
        "A hyperparameter",
        after("    optimizer_arguments: Annotated[Arguments, Axis({})] = {}\n"),
        after('            "kernel_regularizer": self.regularizer(),\n'),
        after("WORDS = {\n"),
    )
    older, normalized, biased = _answers(copy, MODELLED)
    assert older == variant_id(Hyperparameters())
    hidden = ["Dense", "RMSNormalization", "Activation"]
    assert normalized == {
        "layers": ["InputLayer", "Flatten", *hidden, *hidden, "Dense"],
        "used": ["batchmark.training.models.mlp", "sgd=SGD", "rms=RMSNormalization()"],
    }
    assert biased == {
        "biases": [1.0],
        "axes": ["initial_bias"],
        "subjects": 1,
        "tables": ["variants", "summary"],
        "described": 2,
    }


def test_column(finished: Checkout, tmp_path: Path) -> None:
    copy = _followed(
        tmp_path,
        "A column in summary.csv",
        after("def _errors(medians: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:\n"),
        after(
            "            time_to_target_unbounded relative_epoch_time_base "
            "relative_time_to_target_base missing\n"
        ),
        after("WORDS = {\n"),
    )
    tables = copy.folder / "results" / "tables"
    shutil.copytree(finished.folder / "results" / "tables", tables)
    (request,) = finished.folder.glob(".snakemake/batchmark/analyze-*.json")
    done = _run(
        copy, "batchmark.stages.analyze", "--request", str(request), "--tables", str(tables)
    )
    assert done.returncode == 0, done.stderr
    summary = pd.read_csv(tables / "summary.csv")
    expected = summary["final_test_error"] - summary["best_test_error"]
    np.testing.assert_allclose(summary["overtrained"], expected, atol=1e-12)
    assert "| `overtrained` | number |" in _run(copy, "batchmark.contract.glossary").stdout


TIMED = """
import json
from pathlib import Path
from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.time import TimeRequest, TimingSubject
from batchmark.plan.schema import TimingConfig
from batchmark.plan.work import ASSUMED, session_seconds
from batchmark.timing.process import Runtime
from batchmark.timing.session import timed_graphs

class CpuRuntime(Runtime):
    compiled = False
    def __init__(self):
        pass

def request(protocol):
    subject = TimingSubject(id="a", hyperparameters=Hyperparameters(), variants=["a", "b"])
    return TimeRequest(study="s", machine="m", device="cpu", subjects=[subject], baseline="a",
                       threads=[0], **protocol.model_dump(exclude={"threads"}))

usual, asked, twice = TimingConfig(), TimingConfig(xla=True), TimingConfig(threads=["all", 1])
graphs = {graph.id: graph for graph in timed_graphs(request(asked), [2])}
print(json.dumps({
    "usual": [graph.id for graph in timed_graphs(request(usual), [2])],
    "graphs": {name: graph.subject.variants for name, graph in graphs.items()},
    "compiled": [name for name in graphs if CpuRuntime().compiles(graphs[name].subject)],
    "cost": session_seconds([Hyperparameters()], asked, ASSUMED)
            / session_seconds([Hyperparameters()], twice, ASSUMED)}))
"""


def test_axis_of_timing(tmp_path: Path) -> None:
    """Every graph once more, for no variant, at the cost of one more number of threads."""
    field = "    variants: list[str]\n"
    copy = _followed(
        tmp_path,
        "An axis of timing",
        after('    threads: Threads = ["all"]\n'),
        both(after(field), after("    threads: list[int]\n")),
        after("        for threads in others\n        for each in request.subjects\n    ]\n"),
        instead_of("        return self.compiled\n"),
        instead_of("    settings = len(timing.threads) + _THREADS_A_LOOP * len(timing.loops)\n"),
    )
    assert _answers(copy, TIMED) == {
        "usual": ["a", "a.control"],
        "graphs": {"a": ["a", "b"], "a.control": ["a", "b"], "a.xla": []},
        "compiled": ["a.xla"],
        "cost": 1.0,
    }


ON_CARDS = """
import json
from pathlib import Path
from batchmark.contract.devices import KINDS
from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.message import Variant
from batchmark.contract.requests.time import TimeRequest
from batchmark.machine import cards, rocm
from batchmark.plan import plan
from batchmark.timing.session import thread_settings
from batchmark.training import environment

rocm.ROOT = Path("drm")
for number in (0, 1):
    folder = rocm.ROOT / f"card{number}" / "device"
    folder.mkdir(parents=True)
    (folder / "mem_info_vram_total").write_text("8192")
    (folder / "mem_info_vram_used").write_text("4096")
cards._installed = lambda package: package == "tensorflow_rocm"
variants = [Variant(id="a", hyperparameters=Hyperparameters())]
sources = {device: plan._sources("time", device, variants) for device in KINDS}
request = TimeRequest.model_construct(device="rocm", threads=[1, 0])
answers = {
    "usable": cards.usable_devices(), "seen": cards.usable("rocm"),
    "threads": thread_settings(request),
    "peak": cards.observe("rocm"), "resource": cards.cards_of_job("rocm"), "others": sources["cpu"],
    "driver": [each.split(":")[0] for each in sources["rocm"].split() if "machine.rocm" in each],
}
with cards.own("time a", "rocm"):
    environment.apply("rocm", 0)
    answers["rocm"] = environment.in_force()
environment.apply("cpu", 1)
print(json.dumps({**answers, "cpu": environment.in_force()}))
"""


def test_kind_of_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cards that only one process sees, and nothing of the other kinds runs again."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    copy = _followed(
        tmp_path,
        "A kind of device",
        instead_of('Device = Literal["cpu", "gpu"]\n'),
        after("KINDS: Mapping[Device, Kind] = {\n"),
        new,
    )
    answers = _answers(copy, ON_CARDS)
    variants = [Variant(id="a", hyperparameters=Hyperparameters())]
    assert answers.pop("others") == _sources("time", "cpu", variants)
    on_cards, on_cpu = answers.pop("rocm"), answers.pop("cpu")
    assert answers == {
        "usable": ["cpu", "rocm"],
        "seen": ["0", "1"],
        "threads": [0],
        "peak": [{"memory_used_bytes": 4096, "slowed_by": []}] * 2,
        "resource": 1,
        "driver": ["batchmark.machine.rocm"],
    }
    hidden = ("HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")
    assert [on_cards[name] for name in hidden] == ["0", "-1"]
    assert on_cards["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert [on_cpu[name] for name in hidden] == ["-1", "-1"]


def test_language(checkout: Checkout) -> None:
    file = "workflow/report/de.po"
    (checkout.folder / file).write_text(_block(file), encoding="utf-8")
    assert checkout.planned() == {"render"}
    done = checkout.snakemake()
    assert done.returncode == 0, done.stderr
    page = (checkout.folder / "reports" / "index.de.html").read_text(encoding="utf-8")
    assert '<html lang="de">' in page
    assert "Mit welcher Batchgröße soll ich trainieren?" in page
    assert "What textbooks claim" in page
    for other in ("index.html", "index.zh.html"):
        html = (checkout.folder / "reports" / other).read_text(encoding="utf-8")
        assert '<a class="tool" href="index.de.html" hreflang="de" lang="de">Deutsch</a>' in html


DRAWN = """
import json
from pathlib import Path
from batchmark.report.catalogue import figures_for, module_of
from batchmark.report.selection import Tables
from batchmark.stages.plot import plot

assert "best_epoch" in figures_for({{"batch_size": ["batch_size"]}}, probed=False, profiled=False)
plot("best_epoch", module_of("best_epoch"), Tables(Path({tables!r})), Path("drawn.svg"))
print(Path("drawn.json").read_text())
"""


def test_figure(finished: Checkout, tmp_path: Path) -> None:
    copy = _followed(tmp_path, "A figure", lambda text, block: text + block, after("ENTRIES = (\n"))
    tables = str(finished.folder / "results" / "tables")
    facts = _answers(copy, DRAWN.format(tables=tables))
    assert facts["columns"] == ["batch size", "best epoch"]
    assert len(facts["rows"]) == 2
    listed = _run(copy, "batchmark.report.language.untranslated", "workflow/report").stdout
    assert "zh.po lacks: When is a batch size at its best?\n" in listed


def test_study() -> None:
    config = StudyConfig.model_validate(yaml.safe_load(_block("config/studies/dropout.yaml")))
    study = build_study("dropout", config, "dropout.yaml")
    assert study.axes == ["dropout"]
    assert len(study.variants) == 4
