"""Result files with a known truth, for the tests of everything behind `collect`.

`python -m tests.synthetic DIR` writes `DIR/results`, `DIR/collect.json` and `DIR/request.json`.

The truth: a trial needs E(B) = `epochs_min` (1 + B / `critical_batch`) epochs (times a factor for
its optimizer, momentum …) to reach 98 % validation accuracy, and an epoch takes
t(B) = N (`seconds_per_example` + `seconds_per_step` / B). Batch size 1 never learns, 2 diverges.
"""

import hashlib
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from batchmark.contract.devices import Device
from batchmark.contract.gradients import BatchProbe, GradientResult, ProbePoint, ProbeTrial
from batchmark.contract.hyperparameters import Hyperparameters, variant_id
from batchmark.contract.profile import PartOfStep, ProfileResult, StepProfile
from batchmark.contract.record import DatasetFacts, write_result
from batchmark.contract.requests.analyze import AnalyzeRequest, StudyForAnalysis
from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.requests.message import RecordedVariant, Variant
from batchmark.contract.run import (
    Budget,
    Evaluations,
    RunResult,
    Status,
    Trial,
    TrialClock,
    Tuning,
)
from batchmark.contract.timing import Clock, Subject, TimingResult, Visit
from batchmark.plan.schema import StudyConfig
from batchmark.plan.studies import build_study

BATCH_SIZES = (1, 2, 5, 10, 20, 50, 100, 256, 500, 1000, 2000, 5000)
TARGET = 0.98
MNIST = DatasetFacts(
    name="mnist",
    digest="d1" * 32,
    train=50_000,
    validation=10_000,
    test=10_000,
    image_shape=(28, 28, 1),
    classes=10,
)
DEFAULT_RATES = {"sgd": 0.1, "adagrad": 0.001, "adadelta": 0.001, "rmsprop": 0.001, "adam": 0.001}


@dataclass(frozen=True)
class Truth:
    """What the synthetic world is like. Seconds, epochs, examples."""

    epochs_min: float = 0.8
    critical_batch: float = 150.0
    seconds_per_example: float = 5e-5
    seconds_per_step: float = 2e-3
    trial_noise: float = 0.08
    seed_noise: float = 0.05
    timing_noise: float = 0.01
    drift: float = 0.05
    gradient_squared: float = 0.02
    gradient_variance: float = 8.0
    evaluations_per_epoch: int = 5
    rounds: int = 7
    draws: int = 24
    versions: dict[str, str] = field(
        default_factory=lambda: {"python": "3.11.9", "tensorflow": "2.21.0", "keras": "3.15.1"}
    )

    def epochs_to_target(self, batch_size: float) -> float:
        return self.epochs_min * (1 + batch_size / self.critical_batch)

    def seconds_per_epoch(self, examples: int, batch_size: float) -> float:
        return examples * (self.seconds_per_example + self.seconds_per_step / batch_size)

    def best_batch(self) -> float:
        return (self.critical_batch * self.seconds_per_step / self.seconds_per_example) ** 0.5


def variant(**hyperparameters: Any) -> Variant:
    """A variant with the id the workflow would give it."""
    chosen = Hyperparameters(**hyperparameters)
    return Variant(id=variant_id(chosen), hyperparameters=chosen)


def study(
    name: str,
    settings: list[dict[str, Any]],
    baseline: dict[str, Any],
    *,
    epochs: float = 10.0,
    trials: int = 3,
) -> tuple[StudyForAnalysis, list[Variant]]:
    """A study as the workflow would make it. `settings`: one point of the grids a variant."""
    config = StudyConfig(
        question={"en": f"{name}?", "zh": f"{name}?"},
        grids=settings,
        baseline=baseline,
        published=name == "batch_size",
    )
    built = build_study(name, config, name)
    return (
        StudyForAnalysis(
            name=name,
            baseline=built.baseline,
            axes=built.axes,
            settings=built.settings,
            epochs=epochs,
            trials=dict.fromkeys(built.variants, trials),
            published=built.published,
        ),
        list(built.variants.values()),
    )


def grid(**axes: list[Any]) -> list[dict[str, Any]]:
    """The cartesian product of the axes' values."""
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def example_settings() -> dict[str, tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Each study's settings and its baseline."""
    rated = [
        {"optimizer": name, "learning_rate": rate, "momentum": momentum, "batch_size": size}
        for name, rate, momentum in [
            *((name, rate, 0.0) for name, rate in DEFAULT_RATES.items()),
            *((name, "tuned", 0.0) for name in DEFAULT_RATES),
            ("sgd", 0.1, 0.9),
        ]
        for size in (32, 128, 512)
    ]
    strengths = [
        *({"weight_decay": value} for value in (1e-4, 1e-3, 1e-2)),
        *({"l1": value} for value in (1e-5, 1e-4, 1e-3)),
        *({"l2": value} for value in (1e-5, 1e-4, 1e-3)),
        *({"dropout": value} for value in (0.25, 0.5)),
    ]
    regularized = [
        {**strength, "train_size": size} for size in ("full", 2000) for strength in [{}, *strengths]
    ]
    kinds = ["none", "input", "batch", "layer", "group"]
    normalized = [
        *grid(normalization=kinds, batch_size=[4, 32, 512]),
        *grid(normalization=kinds, learning_rate=[0.03, 1.0]),
        *grid(normalization=kinds, initializer_scale=[0.3, 3.0]),
    ]
    rules = [
        {"batch_size": size, "learning_rate_rule": rule, "learning_rate": rate}
        | {"reference_batch_size": 32}
        for size in (32, 128, 512, 2048)
        for rule, rate in [("fixed", 0.1), ("sqrt", 0.1), ("linear", 0.1), ("fixed", "tuned")]
    ]
    rprops = [
        {"optimizer": name, "learning_rate": DEFAULT_RATES.get(name, 0.001), "batch_size": size}
        for name in ("sgd", "rmsprop", "rprop")
        for size in ("full", 128)
    ]
    momenta = [
        one
        for one in grid(
            momentum=[0.0, 0.5, 0.9, 0.99], nesterov=[False, True], batch_size=[32, 512]
        )
        if one["momentum"] or not one["nesterov"]
    ]
    sizes = grid(train_size=[2000, 10_000, "full"], batch_size=[8, 32, 128, 512])
    models = grid(model=["lenet5", "lenet_theano", "mlp"], batch_size=[32, 256])
    plain = dict.fromkeys(("weight_decay", "l1", "l2", "dropout"), 0.0)
    started = {"learning_rate": 0.1, "initializer_scale": 1.0}
    return {
        "batch_size": (grid(batch_size=list(BATCH_SIZES)), {"batch_size": 100}),
        "optimizer": (rated, rated[0]),
        "momentum": (momenta, {"momentum": 0.0, "batch_size": 32}),
        "regularization": (regularized, plain | {"train_size": "full"}),
        "normalization": (normalized, {"normalization": "none", "batch_size": 32, **started}),
        "learning_rate": (rules, rules[0]),
        "rprop": (rprops, {"optimizer": "sgd", "batch_size": "full"}),
        "train_size": (sizes, {"train_size": "full", "batch_size": 32}),
        "model": (models, {"model": "lenet5", "batch_size": 32}),
    }


# The study of which steps are profiled.
PROFILED = "batch_size"
DEFAULT_SCALE = ("batch_size", "optimizer", "momentum", "regularization", "normalization")


class Example(AnalyzeRequest):
    """A request for statistics and, beside what is handed over, the variants it is about."""

    variants: list[Variant] = Field(exclude=True)
    probed: list[str] = Field(exclude=True)


def example_request(
    trials: int = 3, epochs: float = 10.0, studies: tuple[str, ...] | None = None
) -> Example:
    """All studies of the full scale, or the named ones (`DEFAULT_SCALE`)."""
    chosen: list[StudyForAnalysis] = []
    variants: dict[str, Variant] = {}
    for name, (settings, baseline) in example_settings().items():
        if studies is None or name in studies:
            one, made = study(name, settings, baseline, epochs=epochs, trials=trials)
            chosen.append(one)
            variants |= {each.id: each for each in made}
    probed = [{"batch_size": 32}, {"normalization": "batch"}]
    return Example(
        machine="local",
        targets={"mnist": [TARGET, 0.95, 0.97, 0.985, 0.99], "sample": [0.93, 0.9, 0.95]},
        studies=chosen,
        variants=list(variants.values()),
        probed=[one.id for one in (variant(**setting) for setting in probed) if one.id in variants],
    )


def collect_request(request: Example, devices: tuple[Device, ...] = ("cpu",)) -> CollectRequest:
    """The request to collect what `request` analyzes."""
    return CollectRequest(
        machine=request.machine,
        devices=list(devices),
        studies={one.name: list(one.settings) for one in request.studies},
        timed=[one.name for one in request.studies],
        variants=request.variants,
        probed=request.probed,
        profiled=[one.name for one in request.studies if one.name == PROFILED],
    )


def write_results(
    folder: Path,
    request: Example,
    seed: int,
    *,
    machine: str = "local",
    device: str = "cpu",
    truth: Truth | None = None,
    dataset: DatasetFacts | None = None,
) -> None:
    """Write one machine's result files under `folder/{machine}/{device}/`."""
    truth = truth or Truth()
    home = folder / machine / device
    place = {"machine": machine, "device": device, "dataset": dataset or MNIST}
    for each in request.variants:
        trials = max(one.trials.get(each.id, 0) for one in request.studies)
        epochs = max(one.epochs for one in request.studies if each.id in one.settings)
        run = run_result(each, trials, epochs, seed, truth, **place)
        write_result(home / "runs" / f"{each.id}.json", run)
    for number, one in enumerate(request.studies):
        session = timing_result(
            request, one, np.random.default_rng([seed, 1, number]), truth, **place
        )
        write_result(home / "timings" / f"{one.name}.json", session)
        if one.name == PROFILED:
            own = {each.id: each for each in request.variants if each.id in one.settings}
            sizes = {id_: int(each.hyperparameters.batch_size) for id_, each in own.items()}
            profiled = profile_result(one.name, sizes, truth, **place)
            write_result(home / "profiles" / f"{one.name}.json", profiled)
    for each in request.variants:
        if each.id in request.probed:
            write_result(
                home / "gradients" / f"{each.id}.json", gradient_result(each, seed, truth, **place)
            )


def run_result(
    made: Variant, trials: int, epochs: float, seed: int, truth: Truth, **place: Any
) -> RunResult:
    facts: DatasetFacts = place["dataset"]
    chosen = made.hyperparameters
    train_size = facts.train if chosen.train_size == "full" else chosen.train_size
    batch_size = train_size if chosen.batch_size == "full" else chosen.batch_size
    tuning = None
    if chosen.learning_rate == "tuned":
        rates = [0.001 * 10 ** (k * 3 / 8) for k in range(9)]
        accuracies = [0.97 - 0.01 * abs(k - 5) for k in range(9)]
        tuning = Tuning(
            seed=99,
            epochs=2.0,
            learning_rates=rates,
            trained_epochs=[2.0] * len(rates),
            validation_accuracies=accuracies,
            chosen=rates[5],
            on_border=False,
        )
    budget = Budget(
        epochs=epochs,
        evaluate_every=train_size // truth.evaluations_per_epoch,
        steps_per_epoch=max(1, train_size // batch_size),
        examples_per_epoch=train_size // batch_size * batch_size,
        train_size=train_size,
        batch_size=batch_size,
        not_learning_after=1.0,
        parameters=61_706,
    )
    return RunResult(
        variant=RecordedVariant(id=made.id, hyperparameters=chosen),
        budget=budget,
        environment=_environment(truth),
        tuning=tuning,
        trials=[
            _trial(made, budget, (seed, one), truth, tuning.chosen if tuning else None)
            for one in range(trials)
        ],
        **place,
    )


def factor(chosen: Hyperparameters) -> float:
    """How many times the epochs of plain SGD a setting needs: the truth behind the claims."""
    by_optimizer = {"rmsprop": 0.7, "adam": 0.6, "adagrad": 4.0, "adadelta": 8.0, "rprop": 2.0}
    by_normalization = {"none": 1.0, "input": 0.85, "batch": 0.45, "layer": 0.5, "group": 0.55}
    speed = by_optimizer.get(chosen.optimizer, 1.0) * by_normalization[chosen.normalization]
    speed *= {0.0: 1.0, 0.5: 0.75, 0.9: 0.4, 0.99: 0.9}.get(chosen.momentum, 1.0)
    if chosen.normalization in ("none", "input"):
        speed *= 1 + abs(np.log(chosen.initializer_scale))
        rate = chosen.learning_rate
        speed *= 3.0 if isinstance(rate, float) and rate >= 1 and chosen.optimizer == "sgd" else 1.0
    if chosen.optimizer in ("adagrad", "adadelta") and chosen.learning_rate == "tuned":
        speed /= 5
    return speed


def floor_error(chosen: Hyperparameters, batch_size: int, train_size: int) -> tuple[float, float]:
    """(training error, validation error) after endless training."""
    strength = chosen.weight_decay * 50 + chosen.l2 * 300 + chosen.l1 * 300 + chosen.dropout
    overfit = 0.9 / (1 + strength) * (50_000 / train_size) ** 0.5
    train = 0.0005 + 0.002 * strength
    return train, train + 0.008 * overfit * (1 + 0.05 * np.log(batch_size / 32) ** 2)


def _trial(
    made: Variant, budget: Budget, seeds: tuple[int, int], truth: Truth, tuned: float | None
) -> Trial:
    seed, trial_seed = seeds
    chosen = made.hyperparameters
    words = np.frombuffer(hashlib.sha256(made.id.encode()).digest()[:8], dtype=np.uint32)
    random = np.random.default_rng([seed, trial_seed, *words.tolist()])
    shared = np.random.default_rng([seed, trial_seed]).normal(0, truth.seed_noise)
    status = _status(chosen, budget)
    epochs = {"not_learning": budget.not_learning_after, "diverged": 0.4, "oversized": 0.0}.get(
        status, budget.epochs
    )
    count = int(epochs * truth.evaluations_per_epoch)
    epoch = np.arange(1, count + 1) / truth.evaluations_per_epoch
    needed = truth.epochs_to_target(budget.batch_size) * factor(chosen)
    needed *= np.exp(shared + random.normal(0, truth.trial_noise))
    train_floor, floor = floor_error(chosen, budget.batch_size, budget.train_size)
    floor *= np.exp(random.normal(0, 0.03))
    power, aim = 1.5, max(1 - TARGET, floor * 1.1)
    tau = needed / (((0.9 - floor) / (aim - floor)) ** (1 / power) - 1)
    error = floor + (0.9 - floor) / (1 + epoch / tau) ** power
    train_error = train_floor + (0.9 - train_floor) / (1 + epoch / tau) ** power
    if status in ("not_learning", "diverged"):
        error = train_error = np.full(count, 0.9)
    # Rounded as a count over the validation set is, so that no noise undoes the crossing.
    accuracy = np.round(1 - error, 4).clip(0, 1)
    loss = 2.3 * train_error + 0.002
    columns = Evaluations(
        examples=(np.arange(1, count + 1) * budget.evaluate_every).tolist(),
        steps=(np.arange(1, count + 1) * budget.evaluate_every // budget.batch_size).tolist(),
        epoch=epoch.tolist(),
        loss=[
            None if status == "diverged" and k == count - 1 else float(x)
            for k, x in enumerate(loss)
        ],
        accuracy=(1 - train_error).clip(0, 1).tolist(),
        loss_spread=(
            loss * 2 / np.sqrt(budget.batch_size) * np.exp(random.normal(0, 0.1))
        ).tolist(),
        validation_loss=(2.3 * error + 0.004).tolist(),
        validation_accuracy=accuracy.tolist(),
    )
    best = int(accuracy.argmax()) if count else None
    small = 0.02 + (0.6 * min(1.0, chosen.l1 * 2000)) + 0.01 * random.random()
    depth = 1.0 if chosen.normalization in ("batch", "layer", "group") else 0.35
    layers = ["convolution_1", "convolution_2", "dense_1", "dense_2", "output"]
    rate = tuned if tuned is not None else chosen.learning_rate
    return Trial(
        seed=trial_seed,
        status=status,
        message={"diverged": "the loss is not finite after 0.4 epochs"}.get(status, ""),
        learning_rate=float(rate),
        evaluations=columns,
        best_evaluation=best,
        test_accuracy_at_best=None if best is None else float(np.round(accuracy[best] + 0.001, 4)),
        final_test_accuracy=None if best is None else float(np.round(accuracy[-1] + 0.0005, 4)),
        final_train_accuracy=float(1 - train_error[-1]) if count else None,
        small_weight_share=float(small) if count else None,
        gradient_norms={
            name: float(0.1 * depth ** (4 - k)) * (1 + 0.1 * random.random())
            for k, name in enumerate(layers)
        },
        clock=TrialClock(started="2026-01-01T00:00:00+00:00", seconds=float(epochs)),
    )


def _status(chosen: Hyperparameters, budget: Budget) -> Status:
    if budget.batch_size > budget.train_size:
        return "oversized"
    if chosen.optimizer == "rprop" and chosen.batch_size != "full":
        return "not_learning"
    if chosen.optimizer != "sgd":
        return "done"
    ends: dict[int, Status] = {1: "not_learning", 2: "diverged"}
    return ends.get(budget.batch_size, "done")


def timing_result(
    request: Example,
    one: StudyForAnalysis,
    random: np.random.Generator,
    truth: Truth,
    threads: tuple[int, ...] = (2,),
    **place: Any,
) -> TimingResult:
    """One session: shuffled rounds, a baseline visit at least every fifth, drift in between."""
    subjects = _subjects(request, one, truth, threads, place["dataset"])
    baseline = next(subject for subject in subjects if subject.role == "baseline")
    visits: list[Visit] = []
    clock = 0
    for round_number in range(truth.rounds):
        others = [subject for subject in subjects if subject.role != "baseline"]
        random.shuffle(others)
        order = [baseline]
        for position, subject in enumerate(others):
            order += [subject, baseline] if position % 4 == 3 else [subject]
        order += [baseline] if order[-1] is not baseline else []
        for position, subject in enumerate(order):
            steps = max(1, 2000 // subject.batch_size)
            slow = 1 + truth.drift * np.sin(clock / 2e10)
            step = truth.seconds_per_epoch(subject.batch_size, subject.batch_size) * _cost(subject)
            elapsed = int(1e9 * steps * step * slow * np.exp(random.normal(0, truth.timing_noise)))
            visits.append(
                Visit(
                    subject=subject.id,
                    round=round_number,
                    order=position,
                    process=(round_number + (subject.role == "control")) % 2,
                    steps=steps,
                    start_ns=clock,
                    elapsed_ns=elapsed,
                    taken_ns=0,
                    repeated=False,
                )
            )
            clock += elapsed + 1000
    return TimingResult(
        study=one.name,
        baseline=baseline.id,
        control="control",
        peak_flops_per_second={str(count): 7e10 * count for count in threads},
        subjects=subjects,
        visits=visits,
        lone_runs=[],
        started=datetime(2024, 1, 1, tzinfo=UTC),
        clock=Clock(name="made up", resolution_seconds=1e-9),
        gpus=[],
        before={"load": 0.1},
        after={"load": 0.2},
        environment=_environment(truth),
        largest_batch_size={str(count): 60_000 for count in threads},
        warnings=[],
        **place,
    )


def _subjects(
    request: Example,
    one: StudyForAnalysis,
    truth: Truth,
    threads: tuple[int, ...],
    facts: DatasetFacts,
) -> list[Subject]:
    by_graph: dict[str, list[Variant]] = defaultdict(list)
    for each in request.variants:
        if each.id in one.settings:
            chosen = each.hyperparameters
            kinds = [chosen.momentum > 0, chosen.l1 > 0, chosen.l2 > 0, chosen.dropout > 0]
            flags = "".join(str(int(kind)) for kind in kinds)
            name = f"{chosen.model}-{chosen.optimizer}-{chosen.normalization}-{flags}"
            by_graph[f"{name}-{chosen.train_size}-bs{chosen.batch_size}"].append(each)
    made: list[Subject] = []
    for count in threads:
        for name, variants in by_graph.items():
            chosen = variants[0].hyperparameters
            ids = [each.id for each in variants]
            made.append(
                _subject(
                    f"{name}-t{count}",
                    ids,
                    role="subject",
                    threads=count,
                    chosen=chosen,
                    facts=facts,
                )
            )
    reference = Hyperparameters(batch_size=100)
    made += [
        _subject(role, [], role=role, threads=threads[0], chosen=reference, facts=facts)
        for role in ("baseline", "control")
    ]
    return made


def _subject(
    name: str,
    ids: list[str],
    *,
    role: Any,
    threads: int,
    chosen: Hyperparameters,
    facts: DatasetFacts,
) -> Subject:
    train_size = facts.train if chosen.train_size == "full" else chosen.train_size
    batch_size = train_size if chosen.batch_size == "full" else min(chosen.batch_size, train_size)
    return Subject(
        id=name,
        variants=ids,
        threads=threads,
        role=role,
        batch_size=batch_size,
        steps_per_epoch=train_size // batch_size,
        examples_per_epoch=train_size // batch_size * batch_size,
        trace_seconds=0.8,
        compile_seconds=0.0,
        first_step_seconds=0.3,
        flops_per_step=2.5e6 * batch_size,
        peak_memory_bytes=2_000_000 + 20_000 * batch_size,
    )


def _cost(subject: Subject) -> float:
    slower = {"batch": 1.25, "layer": 1.3, "group": 1.35, "adam": 1.1, "rmsprop": 1.08, "mlp": 0.3}
    return float(np.prod([slower.get(word, 1.0) for word in subject.id.split("-")]))


def gradient_result(made: Variant, seed: int, truth: Truth, **place: Any) -> GradientResult:
    facts: DatasetFacts = place["dataset"]
    random = np.random.default_rng([seed, 2])
    points = [("initial", 0.0, 0.2), ("first_epoch", 1.0, 1.0), ("final", 10.0, 5.0)]
    return GradientResult(
        variant=RecordedVariant(id=made.id, hyperparameters=made.hyperparameters),
        environment=_environment(truth),
        trials=[
            ProbeTrial(
                seed=trial,
                points=[_point(moment, made, facts, random, truth) for moment in points],
            )
            for trial in range(3)
        ],
        **place,
    )


def _point(
    moment: tuple[Any, float, float],
    made: Variant,
    facts: DatasetFacts,
    random: np.random.Generator,
    truth: Truth,
) -> ProbePoint:
    name_of_moment, epoch, times = moment
    depth = 0.9 if made.hyperparameters.normalization in ("batch", "layer", "group") else 0.35
    layers = ["convolution_1", "convolution_2", "dense_1", "dense_2", "output"]
    return ProbePoint(
        moment=name_of_moment,
        epoch=epoch,
        full_size=facts.train,
        full_squared_norm=truth.gradient_squared,
        layer_norms={
            name: 0.1 * depth ** (4 - k) * float(np.exp(random.normal(0, 0.05)))
            for k, name in enumerate(layers)
        },
        magnitude_quantiles={"0.01": 1e-7, "0.1": 1e-6, "0.5": 3e-5, "0.9": 8e-4, "0.99": 6e-3},
        batches=[
            _batch_probe(size, facts.train, times, random, truth)
            for size in (1, 4, 16, 64, 256, 1024, 4096, 25_000)
        ],
    )


def profile_result(study: str, sizes: dict[str, int], truth: Truth, **place: Any) -> ProfileResult:
    """Steps of the smallest and the largest size: their examples are products, the rest is not."""
    rising = sorted(sizes, key=lambda id_: (sizes[id_], id_))
    return ProfileResult(
        study=study,
        threads=2,
        environment=_environment(truth),
        profiles=[_step_profile(id_, sizes[id_], truth) for id_ in (rising[0], rising[-1])],
        **place,
    )


def _step_profile(id_: str, size: int, truth: Truth) -> StepProfile:
    products, rest = size * truth.seconds_per_example, truth.seconds_per_step / 2
    return StepProfile(
        variant=id_,
        batch_size=size,
        steps=10,
        seconds_per_step=products + 2 * rest,
        traced_seconds_per_step=products + 2 * rest,
        parts=[
            PartOfStep(part="forward", layer="c1", products=True, seconds=products / 3),
            PartOfStep(part="backward", layer="c1", products=True, seconds=2 * products / 3),
            PartOfStep(part="update", layer="", products=False, seconds=rest),
            PartOfStep(part="between", layer="", products=False, seconds=rest),
        ],
    )


def _batch_probe(
    size: int, train_size: int, times: float, random: np.random.Generator, truth: Truth
) -> BatchProbe:
    """Draws g = G + noise of variance tr(Σ)/B (1 - B/N), in 400 dimensions."""
    dimensions = 400
    full = np.zeros(dimensions)
    full[0] = truth.gradient_squared**0.5
    variance = truth.gradient_variance * times / size * (1 - size / train_size) / dimensions
    draws = full + random.normal(0, variance**0.5, size=(truth.draws, dimensions))
    norms = np.linalg.norm(draws, axis=1)
    following = (draws[1:] * draws[:-1]).sum(axis=1) / norms[1:] / norms[:-1]
    return BatchProbe(
        batch_size=size,
        cosine=(draws[:, 0] / norms).tolist(),
        squared_norm=(norms**2).tolist(),
        successive_cosine=following.tolist(),
    )


def _environment(truth: Truth) -> dict[str, Any]:
    return {
        "versions": truth.versions,
        "machine": {"cpu": "Synthetic 2-core CPU", "cores": 2, "memory_bytes": 8 * 2**30},
        "switches": {"TF_ENABLE_ONEDNN_OPTS": "1"},
    }


def main() -> None:
    folder = Path(sys.argv[1])
    request = example_request()
    write_results(folder / "results", request, seed=0)
    (folder / "request.json").write_text(request.model_dump_json(indent=1), encoding="utf-8")
    asked = collect_request(request).model_dump_json(indent=1)
    (folder / "collect.json").write_text(asked, encoding="utf-8")


if __name__ == "__main__":
    main()
