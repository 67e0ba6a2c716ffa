"""Edits that maintainers and users make, each with the exact jobs that it makes run again.

In process: what Snakemake compares of each job, before and after an edit of a copy of the project,
and what lies downstream. `test_reruns.py` asks Snakemake itself.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchmark.contract.hyperparameters import (
    NORMALIZATIONS,
    OPTIMIZERS,
    Normalization,
    Optimizer,
)
from batchmark.plan import fingerprint
from batchmark.plan.plan import Plan, open_plan
from tests.workflow.checkout import MICRO, ROOT

Jobs = dict[str, Any]
AFTER = "collect analyze judge plot render"
MEASURED = f"train time probe {AFTER}"
DOWNSTREAM = {
    "train": AFTER,
    "time": AFTER,
    "probe": AFTER,
    "collect": "analyze judge plot render",
    "analyze": "plot render",
    "judge": "render",
    "plot": "render",
}


class Project:
    """A copy of the sources, and the plan that they and a configuration make."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.memories: list[Memory] = []
        self.known: dict[str, Jobs] = {}
        for part in ("src", "config", "workflow"):
            shutil.copytree(ROOT / part, folder / part)
        self.config = _merged(
            *(yaml.safe_load(path.read_text()) for path in (folder / "config/config.yaml", MICRO)),
            {"studies": {"optimizer": {"rounds": 3}}},
        )

    def jobs(self, config: Mapping[str, Any], device: str = "cpu") -> Jobs:
        """What Snakemake compares of every job, by name."""
        fingerprint.closure.cache_clear()
        file = self.folder / "config/config.yaml"
        plan = open_plan(config, [str(file)], [file.parent / "studies"], self.folder / "handover")
        return dict(self._jobs(plan, device))

    def before(self, device: str = "cpu") -> Jobs:
        """The same before any edit."""
        if device not in self.known:
            self.known[device] = self.jobs(self.config, device)
        return self.known[device]

    def after(self, path: str, old: str, new: str, device: str = "cpu") -> Jobs:
        """The same while `new` stands for the first `old` in a file."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        try:
            self._write(file, text.replace(old, new, 1))
            return self.jobs(self.config, device)
        finally:
            self._write(file, text)

    def _write(self, file: Path, text: str) -> None:
        file.write_text(text, encoding="utf-8")
        for memory in self.memories:
            memory.forget(file)

    def _jobs(self, plan: Plan, device: Any) -> Iterator[tuple[str, Any]]:
        yield "download", plan.dataset_identity("mnist")
        for id_ in plan.variants:
            yield f"train {id_}", (plan.train_request(id_, device),
                                   plan.sources("train", device, id_))  # fmt: skip
        for study in plan.studies:
            yield f"time {study}", (plan.time_request(study, device),
                                    plan.time_sources(study, device))  # fmt: skip
        for id_ in plan.probed:
            yield f"probe {id_}", (plan.probe_request(id_, device),
                                   plan.sources("probe", device, id_))  # fmt: skip
        yield "collect", (plan.collect_request(), plan.sources("collect"))
        for stage in ("analyze", "judge"):
            yield stage, (plan.analyze_request(), plan.sources(stage))
        for figure in plan.figures():
            yield f"plot {figure}", plan.figure_sources(figure)
        report = self.folder / "workflow/report"
        templates = plan.content(map(str, sorted(report.glob("**/*.*"))))
        yield "render", (plan.render_request(), plan.sources("render"), templates)


def _merged(base: Any, *overlays: Any) -> Any:
    """`base` with the keys of each overlay in turn."""
    return reduce(_over, overlays, base)


def _over(base: Any, over: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return base | {key: _over(base.get(key), value) for key, value in over.items()}


class Memory:
    """What `sources` remembers of a module, until a file of its folder is edited."""

    def __init__(self, function: Any) -> None:
        self.function = function.__wrapped__
        self.known: dict[tuple[Any, ...], Any] = {}

    def __call__(self, *key: Any) -> Any:
        if key not in self.known:
            self.known[key] = self.function(*key)
        return self.known[key]

    def forget(self, file: Path) -> None:
        """Forget the modules beside `file`."""
        beside = str(file.parent).replace("/", ".")
        packages = {key[0].rpartition(".")[0] for key in self.known}
        near = {name for name in packages if name and f".{beside}".endswith(f".{name}")}
        self.known = {k: v for k, v in self.known.items() if k[0].rpartition(".")[0] not in near}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The copy, in which our modules are looked for as long as this module is tested."""
    made = Project(tmp_path_factory.mktemp("project"))
    installed, packages = fingerprint._path, Path(fingerprint.__file__).parents[2]

    def path(name: str) -> Path | None:
        found = installed(name)
        ours = found is not None and found.is_relative_to(packages)
        return made.folder / "src" / found.relative_to(packages) if found and ours else found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprint, "_path", path)
        for name in ("_digest", "_imports", "_source"):
            patch.setattr(fingerprint, name, Memory(getattr(fingerprint, name)))
            made.memories.append(getattr(fingerprint, name))
        yield made
    fingerprint.closure.cache_clear()


def run_again(before: Jobs, after: Jobs) -> set[str]:
    """The jobs that are new or differ, and all behind them."""
    again = {name for name, job in after.items() if job != before.get(name)}
    behind = {kind for name in again for kind in DOWNSTREAM.get(name.split()[0], "").split()}
    if "download" in again:
        behind |= set(MEASURED.split())
    return again | {name for name in after if name.split()[0] in behind}


def expected(jobs: Jobs, described: str) -> set[str]:
    """`kind` for all jobs of a kind, `kind:word` for those whose name holds the word."""
    parts = [part.partition(":") for part in described.split()]
    return {
        name for name in jobs for kind, _, word in parts if name.split()[0] == kind and word in name
    }


Edit = tuple[str, str, str, str]
SRC = "src/batchmark"
EDITS: list[Edit] = [
    # Words that nobody measures by.
    (f"{SRC}/contract/record.py", "run again to measure it anew", "run it again", ""),
    (f"{SRC}/contract/files.py", "not a regular file", "no regular file", ""),
    (f"{SRC}/machine/locks.py", "to leave {what}", "to go from {what}", ""),
    (f"{SRC}/dataset/npz.py", "save plain numbers", "save numbers", ""),
    (f"{SRC}/plan/reading.py", "did you mean", "is it", ""),
    (f"{SRC}/training/plugins.py", "cannot be loaded", "was not loaded", ""),
    (f"{SRC}/training/trial.py", "starting over", "beginning again", ""),
    (f"{SRC}/training/trial.py", "is at chance level", "is what chance gives", ""),
    (f"{SRC}/timing/warnings.py", "the machine drifts", "it drifts", ""),
    (f"{SRC}/timing/process.py", "or memory ran out", "or there was no memory", ""),
    (f"{SRC}/stages/train.py", 'help="folder to resume from"', 'help="a folder"', ""),
    (f"{SRC}/training/session.py", '"""', '"""Documented. ', ""),
    # Code that decides when and where a job runs.
    (f"{SRC}/contract/errors.py", "class UserError",
     "class _Other:\n    pass\n\n\nclass UserError", ""),
    (f"{SRC}/machine/garbage.py", "_ALLOCATIONS = 10_000", "_ALLOCATIONS = 20_000", ""),
    (f"{SRC}/contract/files.py", "0o644", "0o640", ""),
    (f"{SRC}/stages/command.py", "collect_seldom()", "print('begun')\n    collect_seldom()", ""),
    (f"{SRC}/stages/forkserver.py", "1 << 16", "1 << 15", ""),
    (f"{SRC}/machine/cards.py", "_PAUSE = 0.2", "_PAUSE = 0.5", ""),
    (f"{SRC}/machine/gpu.py", '"power_limit_watts"', '"limit_watts"', ""),
    # Names and fields that others use.
    (f"{SRC}/contract/devices.py", "        products=10,", "        products=20,", AFTER),
    (f"{SRC}/contract/hyperparameters.py", '"adam": Opt',
     '"lion": Optimizer("Lion", "Lion"),\n    "adam": Opt', AFTER),
    (f"{SRC}/plan/grid.py", "INITIALIZERS = (", 'INITIALIZERS = (\n    "own",', ""),
    (f"{SRC}/contract/hyperparameters.py", "    optimizer: ",
     "    smoothing: Annotated[float, Axis(0.0)] = 0.0\n    optimizer: ", AFTER),
    (f"{SRC}/contract/requests/render.py", "    scale: str", "    scale: str\n    footer: str = ''",
     "render"),
    (f"{SRC}/contract/requests/time.py", "    study: str", "    study: str\n    more: int = 0",
     f"time {AFTER}"),
    (f"{SRC}/contract/run.py", "    seconds: float", "    seconds: float\n    more: int = 0",
     f"train {AFTER}"),
    (f"{SRC}/contract/requests/collect.py", "    machine: str", "    machine: str\n    x: int = 0",
     AFTER),
    # Code that computes.
    (f"{SRC}/training/models/mlp.py", "(300, 100)", "(300, 50)", MEASURED),
    (f"{SRC}/training/models/lenet5.py", '"c5", 120', '"c5", 100', ""),
    (f"{SRC}/training/optimizers/rprop.py", "increase: float = 1.2", "increase: float = 1.3",
     f"train:rprop time:optimizer {AFTER}"),
    (f"{SRC}/training/session.py", "import ", "import math\nimport ", MEASURED),
    (f"{SRC}/training/trial.py", "import ", "import math\nimport ", f"train {AFTER}"),
    (f"{SRC}/timing/warnings.py", "DRIFT_LIMIT = 0.05", "DRIFT_LIMIT = 0.06", f"time {AFTER}"),
    (f"{SRC}/dataset/arrays.py", "SPLITS = (", "OTHER = 1\nSPLITS = (", MEASURED),
    (f"{SRC}/stages/train.py", "default=60.0", "default=61.0", f"train {AFTER}"),
    # Statistics, claims, figures, page.
    (f"{SRC}/statistics/cost_model.py", "import ", "import math\nimport ",
     "analyze judge plot render"),
    (f"{SRC}/statistics/outcomes.py", "import ", "import math\nimport ",
     "analyze judge plot render"),
    (f"{SRC}/statistics/published.csv", "0.0134", "0.0135", "analyze judge plot render"),
    (f"{SRC}/report/catalogue.py", "How does the error fall?", "How do errors fall?", "render"),
    (f"{SRC}/report/claim_words.py", "times as fast", "as fast", "render"),
    (f"{SRC}/claims/optimizers.py", "gains.decide(1.1)", "gains.decide(1.2)",
     "judge render"),
    (f"{SRC}/report/figures/gradients.py", "import ", "import math\nimport ",
     "plot:gradient plot:noise_scale plot:layer_norms render"),
    ("workflow/report/zh.po", "msgid", "#\nmsgid", "render"),
    ("workflow/report/style.css", "{", "{ /* */", "render"),
    ("config/studies/batch_size.yaml", "Which batch size", "What batch size", "render"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "old", "new", "again"), EDITS)
def test_edit_of_a_file(project: Project, path: str, old: str, new: str, again: str) -> None:
    """Also when the file keeps its time: contents are compared."""
    before = project.before()
    after = project.after(path, old, new)
    assert run_again(before, after) == expected(after, again)


def test_the_code_of_gpus_counts_on_a_gpu(project: Project) -> None:
    before = project.before("gpu")
    after = project.after(f"{SRC}/machine/gpu.py", "import ", "import math\nimport ", "gpu")
    assert run_again(before, after) == expected(after, MEASURED)


SIZES = {"grids": [{"batch_size": [50, 100, 250]}]}


def test_a_new_short_name_and_what_an_old_one_stands_for(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = project.before()
    monkeypatch.setitem(OPTIMIZERS, "lion", Optimizer("Lion", "Lion"))
    assert project.jobs(project.config) == before
    monkeypatch.setitem(OPTIMIZERS, "adam", Optimizer("Adam", "Nadam"))
    after = project.jobs(project.config)
    assert run_again(before, after) == expected(after, f"train:adam time:optimizer {AFTER}")


def test_what_a_normalization_stands_for(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own variants run again, and those alone."""
    grid = {"normalization": ["none", "group"], "batch_size": [50, 100]}
    study = {"grids": [grid], "baseline": {"normalization": "none", "batch_size": 100}}
    config = _merged(project.config, {"studies": {"batch_size": study}})
    before = project.jobs(config)
    monkeypatch.setitem(NORMALIZATIONS, "rms", Normalization("RMS norm", "RMSNormalization"))
    monkeypatch.setitem(NORMALIZATIONS, "batch", Normalization("batch norm", "RMSNormalization"))
    assert project.jobs(config) == before
    in_two = NORMALIZATIONS["group"]
    monkeypatch.setitem(NORMALIZATIONS, "group", in_two._replace(arguments={"groups": 4}))
    grouped = {name for name, job in before.items() if "group=GroupNormalization" in str(job)}
    assert len([name for name in grouped if name.startswith("train ")]) == 2
    after = project.jobs(config)
    assert run_again(before, after) == grouped | expected(after, AFTER)


CHANGES: dict[str, tuple[Any, str]] = {
    "the scale's name": ({"scale": "other"}, "render"),
    "a time-out": ({"dataset": {"read_timeout": 3.0}}, "render"),
    "how often a run is saved": ({"training": {"checkpoint_seconds": 7}}, "render"),
    # Neither stands on the page: both may hold a password.
    "mirrors": ({"dataset": {"mirrors": ["https://example.org"]}}, ""),
    "where it is published": (
        {"publish": {"remote": "git@example.org:a/b.git", "branch": "gh-pages"}}, "",
    ),
    "a target": (
        {"targets": {"sample": [0.4, 0.3]}}, "analyze judge plot render",
    ),
    "one batch size more": (
        {"studies": {"batch_size": SIZES}}, f"train:bs250 time:batch_size {AFTER}",
    ),
    "a seed more": ({"studies": {"optimizer": {"trials": 2}}}, f"train:bs100 {AFTER}"),
    # The probed variant is one of them.
    "more epochs": ({"studies": {"optimizer": {"epochs": 2}}}, f"train:bs100 probe {AFTER}"),
    # The study of optimizers has rounds of its own.
    "rounds of timing": ({"timing": {"rounds": 4}}, f"time:batch_size {AFTER}"),
    "draws of gradients": ({"probing": {"draws": 5}}, f"probe {AFTER}"),
    "the split": ({"dataset": {"validation": 100}}, f"download {MEASURED}"),
    "a question": ({"studies": {"optimizer": {"question": {"en": "Why?", "zh": "?"}}}}, "render"),
    "another machine": ({"machine": "other"}, MEASURED),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_change_of_the_configuration(project: Project, name: str) -> None:
    overlay, again = CHANGES[name]
    before = project.before()
    after = project.jobs(_merged(project.config, overlay))
    assert run_again(before, after) == expected(after, again)


def test_no_two_requests_share_a_file(project: Project) -> None:
    """What is compared is a path: it names the content."""
    project.jobs(project.config)
    for path in (project.folder / "handover").glob("*.json"):
        assert json.loads(path.read_text())
