"""The stage as the workflow calls it, on a few images."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.record import DatasetRecord, read_result, write_result
from batchmark.contract.requests.budget import Budget
from batchmark.contract.requests.message import Variant
from batchmark.contract.requests.time import LoneRun, TimeRequest, TimingSubject
from batchmark.contract.timing import TimingResult
from batchmark.dataset.arrays import save_arrays
from batchmark.machine.locks import shared
from batchmark.stages.forkserver import ForkServer
from batchmark.timing.warnings import find_warnings
from tests.training import tiny

ROOT = Path(__file__).parents[2]
ROUNDS = 2


def subject(name: str, **hyperparameters: Any) -> TimingSubject:
    chosen = Hyperparameters.model_validate({"model": "mlp", **hyperparameters})
    return TimingSubject(id=name, hyperparameters=chosen, variants=[f"variant-{name}"])


def request(baseline: str = "bs4", threads: Sequence[int] = (1, 0)) -> TimeRequest:
    sizes = {f"bs{size}": subject(f"bs{size}", batch_size=size) for size in (4, 16, 32)}
    return TimeRequest(
        study="batch_size",
        machine="here",
        device="cpu",
        subjects=[
            *sizes.values(),
            subject("huge", batch_size=1000),
            subject("broken", model="tests.training.broken_models:raises"),
            subject("exits", model="tests.training.broken_models:exits"),
            subject("untrainable", model="tests.training.own_models:untrainable"),
            subject("float16", model="tests.training.own_models:in_float16", batch_size=4),
        ],
        baseline=baseline,
        threads=list(threads),
        rounds=ROUNDS,
        min_seconds=0.02,
        min_steps=5,
        seed=0,
        loops=(*LOOPS, "torch"),
        lone_runs=(lone("bs4", 0.0), lone("bs16", 0.9999), lone("bs4", 0.0, BROKEN)),
    )


SLUGS = ("tests-timing-own-loops-tires", "tests-timing-own-loops-ends")
LOOPS = ("tests.timing.own_loops:tires", "tests.timing.own_loops:ends")
BROKEN = "tests.training.broken_models:raises"


def lone(name: str, target: float, model: str = "mlp") -> LoneRun:
    size = int(name.removeprefix("bs"))
    chosen = Hyperparameters(model=model, batch_size=size, learning_rate=1e-6)
    budget = Budget(
        epochs=2.0,
        trials=1,
        first_seed=7,
        evaluate_every=48,
        not_learning_after=1,
        sample_epochs_times=1,
        deterministic=True,
    )
    return LoneRun(
        variant=Variant(id=name, hyperparameters=chosen),
        budget=budget,
        targets={tiny.dataset().facts.name: target},
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """That of a workflow's jobs, where processes are forks; without a server: on a cluster."""
    place = tmp_path_factory.mktemp("server")
    environment = {**os.environ, "TMPDIR": str(place)}
    server = ForkServer(place / "forkserver", environment)
    server.start()
    yield environment
    server.stop()


def start_stage(
    folder: Path, environment: dict[str, str], asked: TimeRequest
) -> subprocess.Popen[str]:
    dataset = tiny.dataset()
    save_arrays(folder / "data.npz", dataset)
    record = DatasetRecord(facts=dataset.facts, source="made up", sums={})
    write_result(folder / "data.json", record)
    (folder / "request.json").write_text(asked.model_dump_json())
    names = {"request": "request.json", "dataset": "data.npz", "facts": "data.json"}
    options = {**names, "output": "out.json"}
    arguments = [str(a) for o, n in options.items() for a in (f"--{o}", folder / n)]
    return subprocess.Popen(
        [sys.executable, "-m", "batchmark.stages.time", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def finished(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> TimingResult:
    folder = tmp_path_factory.mktemp("time")
    stage = start_stage(folder, environment, request())
    _, said = stage.communicate()
    assert stage.returncode == 0, said
    assert f"round {ROUNDS} of {ROUNDS}" in said
    assert "Traceback" not in said
    for words in ("broken is not timed: model ", "RuntimeError: out of ideas", "(enough)",
                  "TypeError: not made for this"):  # fmt: skip
        assert words in said
        assert words not in (folder / "out.json").read_text()
    return read_result(folder / "out.json", TimingResult)


def test_every_round_visits_every_subject_at_every_thread_setting(finished: TimingResult) -> None:
    settings = {one.threads for one in finished.subjects}
    ids = {one.id for one in finished.subjects if not one.message}
    assert {"bs4", "bs16", "bs32", "float16", "bs4.control"} <= ids
    ids -= {one.id for one in finished.subjects if one.loop == "torch"}
    assert len(ids) == 4 * len(settings) + 1
    for number in range(ROUNDS):
        found = [visit for visit in finished.visits if visit.round == number]
        counted = [visit for visit in found if not visit.repeated]
        assert Counter(visit.subject for visit in counted) == Counter(ids) + Counter(bs4=2)
        # In order; what was lost later left gaps.
        orders = [visit.order for visit in found]
        assert orders == sorted(set(orders))
        others = {visit.process for visit in found if visit.subject == "bs4.control"}
        assert {visit.process for visit in found if visit.subject == "bs4"} == {number % 2}
        assert others == {(number + 1) % 2}
    starts = [visit.start_ns for visit in finished.visits]
    assert starts == sorted(starts)


def test_variants_train_alone_to_their_target_or_to_the_end(finished: TimingResult) -> None:
    """Chance will do for the first, at its first evaluation; the rate is too small for the next."""
    easy, hard, broken = finished.lone_runs
    per_epoch = {one.id: one.steps_per_epoch for one in finished.subjects}
    assert (easy.variant, easy.seed, easy.reached) == ("bs4", 7, True)
    assert easy.epochs == 12 / per_epoch["bs4"]
    assert (hard.reached, hard.epochs) == (False, 2.0)
    assert min(easy.seconds, hard.seconds) > 0
    assert broken.message.startswith("does not train alone: its code ended with RuntimeError")
    assert "out of ideas" not in broken.message


def test_a_loop_that_fails_is_named_and_spoils_nothing(finished: TimingResult) -> None:
    by_id = {one.id: one for one in finished.subjects}
    for size in ("bs4", "bs16", "bs32"):
        tired, ended, torch = (by_id[f"{size}.{name}"] for name in (*SLUGS, "torch"))
        assert (tired.loop, ended.loop) == LOOPS
        assert tired.message.startswith("not timed: its code ended with RuntimeError")
        assert ended.message == "not timed: the process of its loop ended"
        assert (torch.message != "") == (find_spec("torch") is None)
        assert not tired.variants
    assert not any(visit.subject.endswith(SLUGS) for visit in finished.visits)


def test_visits_are_long_enough(finished: TimingResult) -> None:
    assert all(visit.steps >= 5 for visit in finished.visits)
    # Whoever is counted on a machine that others slow has more steps from then on.
    for subject in {visit.subject for visit in finished.visits}:
        steps = [visit.steps for visit in finished.visits if visit.subject == subject]
        assert steps == sorted(steps)


def test_subjects_carry_what_was_found_about_them(finished: TimingResult) -> None:
    by_id = {one.id: one for one in finished.subjects}
    assert by_id["bs4"].role == "baseline"
    assert (by_id["bs4.control"].role, by_id["bs4.control"].variants) == ("control", [])
    assert by_id["bs16"].variants == ["variant-bs16"]
    assert by_id["bs16"].examples_per_epoch == 16 * by_id["bs16"].steps_per_epoch
    flops = {name: by_id[name].flops_per_step or 0.0 for name in ("bs16", "bs32")}
    assert flops["bs32"] == 2 * flops["bs16"] > 0
    assert all(one.trace_seconds > 0 and one.first_step_seconds > 0 for one in by_id.values()
               if not one.message)  # fmt: skip
    assert all(one.compile_seconds == 0 for one in by_id.values())
    assert set(finished.peak_flops_per_second) == {str(one.threads) for one in finished.subjects}
    assert min(finished.peak_flops_per_second.values()) > 1e9


def test_memory_of_weights_and_activations_is_told(finished: TimingResult) -> None:
    timed = [one for one in finished.subjects if not one.message]
    # The weights of the network alone are more than 100 kB; nothing here needs 1 GB.
    assert all(1e5 < (one.peak_memory_bytes or 0) < 1e9 for one in timed)
    names = {"bs4", "bs16", "bs32", "huge", "broken", "exits", "untrainable", "float16"}
    assert set(finished.largest_batch_size) == names


def test_the_record_tells_when_and_by_which_clock(finished: TimingResult) -> None:
    age = datetime.now(UTC) - finished.started
    assert timedelta(0) <= age < timedelta(days=1)
    assert finished.clock.name
    assert finished.clock.resolution_seconds < 1e-6
    assert finished.gpus == []


def test_warnings_are_one_a_kind_and_those_of_the_readings_recorded(finished: TimingResult) -> None:
    found = find_warnings(finished.visits, finished.baseline, finished.before, finished.after)
    assert finished.warnings == found
    codes = [one.code for one in finished.warnings if one.code != "throttled"]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("huge", "batch size 1000 exceeds"),
        ("broken", "not timed: its code ended with RuntimeError, whose words are in the log"),
        ("exits", "not timed: its code ended with SystemExit, whose words are in the log"),
        ("untrainable", "not timed: its code ended with TypeError, whose words are in the log"),
    ],
)
def test_what_cannot_be_trained_is_a_fact_and_no_failure(
    finished: TimingResult, name: str, reason: str
) -> None:
    (found,) = [one for one in finished.subjects if one.id == name]
    assert reason in found.message
    assert not any(visit.subject == name for visit in finished.visits)


def test_environment_names_versions_and_no_path(finished: TimingResult) -> None:
    assert "tensorflow" in " ".join(finished.environment["versions"])
    assert finished.environment["switches"]["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert str(Path.home()) not in json.dumps([finished.environment, finished.before])


def test_a_session_waits_for_trainings_and_says_why_its_baseline_cannot_be_timed(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    asked = request(baseline="huge", threads=[0])
    # Each loop would be one more process that imports TensorFlow.
    alone = asked.model_copy(update={"loops": (), "lone_runs": ()})
    with shared("train", Path(environment["TMPDIR"])):
        stage = start_stage(tmp_path, environment, alone)
        assert stage.stderr
        assert stage.stderr.readline().startswith("time batch_size waits for ")
    _, said = stage.communicate()
    assert stage.returncode == 1
    assert "its baseline huge is not timed: batch size 1000 exceeds" in said
    assert "Traceback" not in said
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("stage", ["time", "probe"])
def test_help_needs_no_heavy_import(stage: str) -> None:
    code = f"import sys, batchmark.stages.{stage} as s; s.parser().format_help();"
    code += "assert not {'numpy', 'tensorflow', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
