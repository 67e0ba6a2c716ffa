"""Every claim's rule: wrongly supported in at most 5 % of experiments, and rightly when true.

The null is the hardest one: the effect lies on the margin, with all other parts of the rule true.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from batchmark.claims.evidence import Evidence
from batchmark.claims.verdicts import all_claims
from batchmark.statistics.study_data import Rounds, StudyData
from tests.claims.worlds import (
    EPOCHS,
    Array,
    Settings,
    draws,
    evidence,
    gradient_norms,
    magnitudes,
    norms,
    on_other_data,
    study_data,
    with_trials,
)
from tests.synthetic import grid

# Wald's sequential test: rules with 5 % wrong verdicts fail once in a thousand, with 15 % they pass
# once in twenty, as with 200 experiments each, after a quarter of them.
NULLS, PASSED, FAILED = 200, math.log(0.05), math.log(0.95 / 0.001)
WRONG, NOT_WRONG = math.log(0.15 / 0.05), math.log(0.85 / 0.95)
TRUTHS = 20
FEWEST_RIGHT = int(0.8 * TRUTHS)
SEEDS = 5

Random = np.random.Generator
World = Callable[[Random, float], Evidence]


def of(name: str, *settings: Mapping[str, object]) -> StudyData:
    """A study without effects, made once."""
    return _made(name, tuple(tuple(one.items()) for one in settings))


@cache
def _made(name: str, settings: tuple[tuple[tuple[str, object], ...], ...]) -> StudyData:
    return study_data(name, [dict(one) for one in settings], SEEDS)


def noise(random: Random, rows: int, spread: float) -> Array:
    return random.normal(0, spread, (rows, SEEDS))


def column(*values: float) -> Array:
    return np.array(values)[:, None]


def sized(*sizes: int) -> StudyData:
    return of("batch_size", *grid(batch_size=list(sizes)))


# One world a rule: the data of an experiment with the given effect.


def cosines(sizes: tuple[int, ...], largest: Callable[[float], float]) -> World:
    def world(random: Random, effect: float) -> Evidence:
        means = dict.fromkeys(sizes, 0.1) | {sizes[-1]: largest(effect)}
        return evidence(draws=draws(means, random))

    return world


def zigzag(random: Random, cosine: float, excess: float) -> Evidence:
    errors = 0.02 + column(excess, 0, 0) + noise(random, 3, 0.002)
    probed = draws({1: cosine, 100: 0.5}, random)
    return evidence(with_trials(sized(1, 10, 100), best_validation_error=errors), draws=probed)


def spread(random: Random, ratio: float) -> Evidence:
    own = random.normal(0, 0.2, (SEEDS, 1)) + random.normal(0, 0.01, (SEEDS, 6))
    return evidence(magnitudes=magnitudes(ratio * np.exp(own)))


def throughput(random: Random, gain: float) -> Evidence:
    times = column(gain, 1, 1) * np.exp(random.normal(0, 0.05, (3, 7)))
    return evidence(replace(sized(1, 10, 100), ratios=times))


def looped(fit: Array, random: Random, epochs: Array) -> Evidence:
    """Three sizes whose epoch takes the same in the graph, and so much longer in `fit`."""
    rounds = [np.exp(random.normal(0, 0.02, (3, 7))) for _ in range(2)]
    made = with_trials(sized(1, 10, 100), **{EPOCHS: epochs * np.exp(noise(random, 3, 0.05))})
    return evidence(replace(made, ratios=rounds[0], loops={"fit": Rounds(fit * rounds[1])}))


def slower_loop(random: Random, factor: float) -> Evidence:
    return looped(factor * column(1, 1, 1), random, 10 * column(1, 1, 1))


def moved_best(random: Random, cost: float) -> Evidence:
    """In the graph 1 is best by far, in `fit` 10 is by `cost`."""
    return looped(column(3.0 * cost, 1, 1), random, 10 * column(1, 3, 9))


@cache
def ranks(distance: int) -> list[Array]:
    """Orders of five whose Spearman's rho is 1 - distance / 20."""
    every = (np.array(order, float) for order in permutations(range(1, 6)))
    return [one for one in every if ((one - np.arange(1, 6)) ** 2).sum() == distance]


def around(rho: float, random: Random, count: int) -> Array:
    """Columns of five values whose rank correlation with 1 … 5 has the given mean."""
    middle = round(20 * (1 - rho))
    sides = [0] if middle == 0 else [-4, -2, 0, 2, 4]
    found = [ranks(middle + int(side)) for side in random.choice(sides, count)]
    return np.array([orders[random.integers(len(orders))] for orders in found]).T


def epoch_times(random: Random, rho: float) -> Evidence:
    return evidence(replace(sized(1, 10, 100, 500, 1000), ratios=7 - around(rho, random, 7)))


def memory(random: Random, doubled: float) -> Evidence:
    made = of("momentum", *grid(momentum=[0.0, 0.1, 0.2, 0.3, 0.4, 0.5], batch_size=[10, 100]))
    sizes = made.variants["batch_size"].to_numpy()
    own = np.exp(random.normal(0, 0.02, len(sizes)))
    peaks = np.where(sizes == 100, doubled ** np.log2(10) * own, own)
    return evidence(replace(made, memory=peaks))


def powers(name: str, sign: float) -> World:
    def world(random: Random, exponent: float) -> Evidence:
        logs = sign * exponent * np.log(column(10, 30, 100, 300)) + noise(random, 4, 0.05)
        return evidence(with_trials(sized(10, 30, 100, 300), **{name: np.exp(logs)}))

    return world


def failures(random: Random, share: float) -> Evidence:
    missed = random.random((3, SEEDS)) < share
    return evidence(with_trials(sized(1, 2, 5), **{EPOCHS: np.where(missed, np.inf, 10.0)}))


def optimum(name: str, best: float, ratio: bool) -> World:
    """Two sizes in between that are equally good, and two ends that are worse by the effect."""

    def world(random: Random, effect: float) -> Evidence:
        values = column(0, 0, 0, 0) + noise(random, 4, 0.03 if ratio else 0.0005)
        away = column(1, 0, 0, 1) * (np.log(effect) if ratio else effect)
        made = best * np.exp(away + values) if ratio else best + away + values
        return evidence(with_trials(sized(10, 30, 100, 300), **{name: made}))

    return world


def settled(name: str) -> World:
    def world(random: Random, excess: float) -> Evidence:
        accuracies = 0.98 - column(0, 0, 0, excess) + noise(random, 4, 0.0005)
        return evidence(with_trials(sized(10, 30, 100, 1000), **{name: accuracies}))

    return world


def data_sizes(random: Random, exponent: float) -> Evidence:
    """The best batch lies anywhere between the sizes tried, and grows with ten times the data."""
    sizes = [10, 30, 100, 300, 1000]
    settings = grid(train_size=[1000, 10_000], batch_size=sizes)
    best = random.uniform(np.log(20), np.log(60)) + column(0, exponent) * np.log(10)
    away = (np.log(sizes) - best).ravel()[:, None]
    epochs = 10 * np.exp(0.2 * away**2 + noise(random, 10, 0.02))
    return evidence(with_trials(of("train_size", *settings), **{EPOCHS: epochs}))


def penalties(*chosen: tuple[str, float]) -> StudyData:
    """No penalty, then each of the chosen ones alone."""
    none: dict[str, object] = dict.fromkeys(("weight_decay", "l1", "l2"), 0.0)
    return of("regularization", none, *(none | {name: value} for name, value in chosen))


DECAYS = ("weight_decay", 1e-3), ("weight_decay", 1e-2)


def overfitting(random: Random, gap: float, gain: float) -> Evidence:
    test = 0.95 + column(0, gain, gain) + noise(random, 3, 0.001)
    train = 0.99 + column(0, gain - gap, gain - gap) + noise(random, 3, 0.0003)
    accuracies = {"final_test_accuracy": test, "final_train_accuracy": train}
    return evidence(with_trials(penalties(*DECAYS), **accuracies))


def no_speed(random: Random, speed: float, gain: float) -> Evidence:
    epochs = 10 * np.exp(-column(0, np.log(speed), np.log(speed)) + noise(random, 3, 0.01))
    train = 0.97 + column(0, gain, gain) + noise(random, 3, 0.0002)
    made = with_trials(penalties(*DECAYS), final_train_accuracy=train, **{EPOCHS: epochs})
    return evidence(made)


def sparsity(random: Random, lasso: float, ridge: float) -> Evidence:
    made = penalties(("l1", 1e-4), ("l1", 1e-3), ("l2", 1e-4), ("l2", 1e-3))
    share = 0.3 + column(0, lasso, lasso, ridge, ridge) + noise(random, 5, 0.01)
    return evidence(with_trials(made, small_weight_share=share))


def momentum(random: Random, speed: float) -> Evidence:
    made = of("momentum", *grid(momentum=[0.0, 0.9], batch_size=[10, 100]))
    gains = column(0, 0, 1, 1) * np.log(speed) + noise(random, 4, 0.05)
    return evidence(with_trials(made, **{EPOCHS: 10 * np.exp(-gains)}))


def flow(random: Random, ratio: float) -> Evidence:
    made = of("normalization", *grid(normalization=["none", "batch"], batch_size=[10, 100]))
    logs = column(0, 0, 1, 1) * np.log(ratio) + noise(random, 4, 0.1)
    return evidence(with_trials(made, gradient_norms=norms(np.exp(logs))))


def normalized(random: Random, speed: float, error: float) -> Evidence:
    made = of("normalization", *grid(normalization=["none", "batch"], learning_rate=[0.1, 1.0]))
    gains = column(0, 0, 1, 1) * np.log(speed) + noise(random, 4, 0.05)
    errors = 0.2 - column(0, 0, 0, 1) * error + noise(random, 4, 0.002)
    made = with_trials(made, best_validation_error=errors, **{EPOCHS: 10 * np.exp(-gains)})
    return evidence(made)


def initial(random: Random, narrower: float) -> Evidence:
    settings = grid(normalization=["none", "batch"], initializer_scale=[0.1, 1.0])
    errors = 0.02 + column(0.1, 0, 0.1 - narrower, 0) + noise(random, 4, 0.002)
    return evidence(with_trials(of("normalization", *settings), best_validation_error=errors))


def rprop(size: object, **excess: float) -> Callable[[Random, float], Evidence]:
    """Errors of two settings of each optimizer over SGD's; Rprop's is the effect."""

    def world(random: Random, effect: float) -> Evidence:
        rates = [0.001, 0.01]
        settings = grid(optimizer=["rprop", "sgd", "rmsprop"], learning_rate=rates)
        made = of("rprop", *(one | {"batch_size": size} for one in settings))
        errors = 0.05 + column(effect, effect, 0, 0, *(excess.get("rmsprop", 0.0),) * 2)
        return evidence(with_trials(made, best_validation_error=errors + noise(random, 6, 0.001)))

    return world


def rmsprop(random: Random, excess: float) -> Evidence:
    return rprop(100, rmsprop=excess)(random, 0.3)


def tuning(random: Random, gain: float) -> Evidence:
    settings = [
        {"optimizer": name, "learning_rate": rate, "batch_size": 100}
        for name, default in (("sgd", 0.01), ("adam", 0.001), ("rmsprop", 0.001))
        for rate in (default, "tuned")
    ]
    errors = 0.05 - column(0, gain + 0.01, 0, 0.01, 0, 0.01) + noise(random, 6, 0.001)
    return evidence(with_trials(of("optimizer", *settings), best_validation_error=errors))


def table(random: Random, rho: float) -> Evidence:
    """All six rows in order but the last, whose order is as good as the effect says."""
    sizes, order = [1, 10, 100, 500, 1000], np.arange(1.0, 6.0)
    rows = ["time_200_epochs_pu", "epoch_at_099", "time_to_099_pu", "best_validation_error"]
    rows += ["best_test_error", "final_test_error"]
    made = with_trials(
        sized(*sizes),
        best_validation_error=order[:, None] / 100,
        test_accuracy_at_best=1 - order[:, None] / 100,
        final_test_accuracy=1 - around(rho, random, SEEDS) / 100,
        **{EPOCHS: order[:, None]},
    )
    made = replace(made, ratios=np.repeat(order[:, None], 7, axis=1))
    published = pd.DataFrame(dict.fromkeys(rows, order) | {"batch_size": sizes})
    return evidence(made, published=published)


def log_scales(random: Random, variants: int, networks: int, *moments: float) -> Array:
    """Log noise scales [variant, moment, network]; networks differ, and in their growth too.

    Of a single network the scales are these.
    """
    logs = np.log(30) + np.tile(np.array(moments)[:, None], (variants, 1, networks))
    if networks == 1:
        return logs
    return logs + random.normal(0, 0.2, networks) + random.normal(0, 0.15, logs.shape)


def rising_noise(random: Random, ratio: float) -> Evidence:
    logs = log_scales(random, 1, 3, 0, np.log(ratio) / 2, np.log(ratio))
    return evidence(sized(100), draws=gradient_norms(np.exp(logs), sized(100).ids, random))


def predicted(networks: int) -> World:
    """The noise scale is the effect times a critical batch size of 100."""

    def world(random: Random, ratio: float) -> Evidence:
        made = sized(10, 30, 100, 300, 1000)
        epochs = column(1.1, 1.3, 2, 4, 11) * np.exp(noise(random, 5, 0.05))
        later = np.log(100 * ratio / 30)
        logs = log_scales(random, 1, networks, 0, later, later)
        probed = gradient_norms(np.exp(logs), [made.ids[2]], random)
        return evidence(with_trials(made, **{EPOCHS: epochs}), draws=probed)

    return world


def foretold(networks: int) -> World:
    """Noise scale and clock say 100, which costs over batch size 10 by the effect."""

    def world(random: Random, cost: float) -> Evidence:
        sizes = column(10, 100, 1000)
        made = of("batch_size", *grid(learning_rate=["tuned"], batch_size=[10, 100, 1000]))
        seconds = 1 + 100 / sizes
        rounds = seconds * np.exp(random.normal(0, 0.01, (3, 7)))
        epochs = column(1, cost, 3 * cost) / seconds * np.exp(noise(random, 3, 0.05))
        later = np.log(100 / 30)
        logs = log_scales(random, 1, networks, 0, later, later)
        probed = gradient_norms(np.exp(logs), [made.ids[1]], random)
        timed = replace(made, ratios=rounds)
        return evidence(with_trials(timed, **{EPOCHS: 10 * epochs}), draws=probed)

    return world


def wrong_labels(random: Random, ratio: float) -> Evidence:
    made = of("equivalents", *grid(label_noise=[0.0, 0.3], batch_size=[100]))
    logs = log_scales(random, 2, 3, 0, 0, 0)
    logs[1, 1:] += np.log(ratio)
    return evidence(made, draws=gradient_norms(np.exp(logs), made.ids, random))


def strict(random: Random, exponent: float) -> Evidence:
    """Critical sizes at three targets, 100 at the main one."""
    made = sized(10, 30, 100, 300, 1000)
    targets, sizes = [0.98, 0.9, 0.95], np.array([10, 30, 100, 300, 1000])[:, None]
    own, columns = random.normal(0, 0.05, (1, SEEDS)), {}
    for target in targets:
        critical = 100 * (0.02 / (1 - target)) ** exponent
        epochs = 5 * (1 + sizes / critical) * np.exp(own + noise(random, 5, 0.01))
        columns |= {f"epochs_to_{target:g}": epochs, f"step_to_{target:g}": 0.01}
    return evidence(replace(with_trials(made, **columns), targets=targets))


def online(random: Random, slower: float) -> Evidence:
    """A root and a linear rule, equally good."""
    settings = [
        {"batch_size": 1, "learning_rate": 0.01},
        {"batch_size": 1, "learning_rate": 0.001},
        {"batch_size": 100, "learning_rate": 0.1},
    ]
    logs = column(1, 1, 0) * np.log(slower) + noise(random, 3, 0.05)
    return evidence(with_trials(of("equivalents", *settings), **{EPOCHS: 10 * np.exp(logs)}))


def proportional(below: float | None, above: float | None) -> World:
    """Rates in proportion to sizes; None is the effect."""

    def world(random: Random, effect: float) -> Evidence:
        sizes = [5, 20, 100, 500, 1000]
        rule = {"learning_rate_rule": "linear", "learning_rate": 0.1, "reference_batch_size": 100}
        made = of("learning_rate", *({**rule, "batch_size": size} for size in sizes))
        logs, log_sizes = noise(random, 5, 0.05), np.log(sizes)[:, None]
        logs += (effect if below is None else below) * np.minimum(log_sizes, np.log(100))
        logs += (effect if above is None else above) * np.maximum(log_sizes, np.log(100))
        return evidence(with_trials(made, **{EPOCHS: 5 * np.exp(logs)}))

    return world


RATES = [float(f"{10 ** (k / 3 - 4):.4g}") for k in range(16)]


def rated(optimizer: str) -> StudyData:
    settings = grid(optimizer=[optimizer], batch_size=[5, 50, 500], learning_rate=RATES)
    return of(f"rates of {optimizer}", *settings)


def best_rates(sgd: float | None, adam: float | None) -> World:
    """Errors with a valley around a rate that follows the size; None is the effect."""

    def world(random: Random, effect: float) -> Evidence:
        studies = []
        for name, exponent in (("sgd", sgd), ("adam", adam)):
            power = effect if exponent is None else exponent
            made = rated(name)
            sizes, rates = (
                np.log(made.variants[axis].to_numpy(float))[:, None]
                for axis in ("batch_size", "learning_rate")
            )
            best = np.log(0.003) + random.uniform(-0.4, 0.4) + power * (sizes - np.log(5))
            # Every network has a best rate of its own at every size.
            own = np.repeat(random.normal(0, 0.2, (3, SEEDS)), len(RATES), axis=0)
            errors = 0.05 + 0.01 * (rates - best - own) ** 2
            studies.append(with_trials(made, best_validation_error=errors.clip(0, 0.9)))
        return evidence(*studies)

    return world


def usable_rates(random: Random, narrowing: float) -> Evidence:
    """Rates are usable over two decades at size 5, and over fewer for every decade of size."""
    made = rated("sgd")
    sizes, rates = (
        np.log10(made.variants[axis].to_numpy(float))[:, None]
        for axis in ("batch_size", "learning_rate")
    )
    middle = -2 + random.uniform(-0.3, 0.3)
    widths = 2.5 - narrowing * (sizes - np.log10(5))
    widths = widths + np.repeat(random.normal(0, 0.2, (3, SEEDS)), len(RATES), axis=0)
    errors = np.where(np.abs(rates - middle) <= widths / 2, 0.05, 0.5)
    errors = errors - 0.001 * (np.abs(rates - middle) < 0.2)
    return evidence(with_trials(made, best_validation_error=errors))


def interaction(name: str, *sides: Mapping[str, object]) -> World:
    """At five rates, of which the best saves more epochs at batch size 1000 by the effect."""

    def world(random: Random, ratio: float) -> Evidence:
        rates = [0.001, 0.003, 0.01, 0.03, 0.1]
        settings = [
            {**side, **one}
            for side in sides
            for one in grid(batch_size=[10, 1000], learning_rate=rates)
        ]
        logs = np.tile([1.0, 0.5, 0.0, 0.0, 0.5], 4)[:, None] + noise(random, 20, 0.05)
        logs[15:] -= np.log(ratio)
        return evidence(with_trials(of(name, *settings), **{EPOCHS: 10 * np.exp(logs)}))

    return world


def effective(random: Random, slower: float) -> Evidence:
    settings = [
        {"momentum": momentum, "learning_rate": rate, "batch_size": size}
        for momentum, rate in ((0.0, 0.1), (0.9, 0.01))
        for size in (20, 100)
    ]
    logs = column(0, 0, 1, 1) * np.log(slower) + noise(random, 4, 0.03)
    return evidence(with_trials(of("equivalents", *settings), **{EPOCHS: 10 * np.exp(logs)}))


def memories(random: Random, speed: float) -> Evidence:
    settings = grid(optimizer=["adam"], beta_2_half_life=[0.0, 7e4], batch_size=[1, 10])
    logs = -column(0, 0, 1, 1) * np.log(speed) + noise(random, 4, 0.05)
    return evidence(with_trials(of("schedules", *settings), **{EPOCHS: 10 * np.exp(logs)}))


def accumulated(random: Random, worse: float, slower: float) -> Evidence:
    settings = [{"batch_size": 25, "accumulation": 4}, {"batch_size": 100, "accumulation": 1}]
    made = of("equivalents", *settings)
    errors = 0.05 + column(worse, 0) + noise(random, 2, 0.0005)
    times = column(slower, 1) * np.exp(random.normal(0, 0.01, (2, 7)))
    return evidence(replace(with_trials(made, best_validation_error=errors), ratios=times))


def grown(random: Random, worse: float) -> Evidence:
    stages = [(1, 0.5), (2, 1.0)]
    settings = [
        {"batch_factor": batch, "rate_factor": rate, "change_every": 100.0}
        for batch, rate in stages
    ]
    accuracies = 0.98 - column(0, worse) + noise(random, 2, 0.0005)
    made = with_trials(of("schedules", *settings), final_test_accuracy=accuracies)
    return evidence(made)


def twice(name: str, settings: Settings, here: Array, there: Array, random: Random) -> Evidence:
    """A study on two data sets, with log epochs [setting, 1] on each."""
    first = of(f"{name}-mnist", *settings)
    other = on_other_data(replace(first, study=first.study.model_copy(update={"name": name})))
    logs = [each + noise(random, len(each), 0.03) for each in (here, there)]
    pairs = zip((first, other), logs, strict=True)
    return evidence(*(with_trials(data, **{EPOCHS: 10 * np.exp(log)}) for data, log in pairs))


def carried(random: Random, cost: float) -> Evidence:
    """30 is fastest on the first data set; on the other it takes `cost` times as long as 100."""
    settings = grid(batch_size=[10, 30, 100, 300])
    here, there = column(4, 1, 1.1, 4), column(4, cost, 1, 4)
    return twice("workload", settings, np.log(here), np.log(there), random)


def ordered(axis: str, *values: object) -> World:
    """The second setting is twice as fast on the first data set; on the other by the effect."""

    def world(random: Random, speed: float) -> Evidence:
        slow = [2.0] * (len(values) - 2)
        here, there = column(0, -np.log(2), *slow), column(0, -np.log(speed), *slow)
        return twice("workload", grid(**{axis: [*values]}), here, there, random)

    return world


@dataclass(frozen=True)
class Case:
    """A claim, a world, an effect on the margin, and one that makes the claim true."""

    claim: str
    world: World
    margin: float
    true: float


CASES = [
    Case("full-batch-direction", cosines((1, 100), lambda gain: 0.1 + gain), 0.1, 0.3),
    Case("half-data-gradient", cosines((10, 500), lambda cosine: cosine), 0.9, 0.96),
    Case("direction-saturates", cosines((10, 200), lambda left: 1 - left), 0.1, 0.04),
    Case("online-zigzag", lambda random, cosine: zigzag(random, cosine, 0.3), 0.2, 0.0),
    Case("online-zigzag", lambda random, excess: zigzag(random, 0.0, excess), 0.01, 0.3),
    Case("gradient-spread", spread, 10.0, 30.0),
    Case("hardware-efficiency", throughput, 1.5, 2.0),
    Case("loop-changes-speed", slower_loop, 1.25, 2.0),
    Case("loop-changes-best-size", moved_best, 1.05, 1.5),
    Case("faster-epochs", epoch_times, 0.8, 1.0),
    Case("memory-bound", memory, 1.02, 1.1),
    Case("less-oscillation", powers("oscillation", -1.0), 0.1, 0.3),
    Case("too-small-fails", failures, 0.5, 1.0),
    Case("more-epochs", powers(EPOCHS, 1.0), 0.05, 0.2),
    Case("time-optimum", optimum(EPOCHS, 10.0, ratio=True), 1.1, 1.5),
    Case("accuracy-optimum", optimum("best_validation_error", 0.02, ratio=False), 0.003, 0.012),
    Case("noise-escapes", settled("final_train_accuracy"), 0.003, 0.012),
    Case("large-batch-generalization", settled("final_test_accuracy"), 0.003, 0.012),
    Case("grows-with-data", data_sizes, 0.1, 1.0),
    Case("decay-overfitting", lambda random, gap: overfitting(random, gap, 0.05), 0.003, 0.02),
    Case("decay-overfitting", lambda random, gain: overfitting(random, 0.05, gain), -0.003, 0.01),
    Case("decay-not-speed", lambda random, speed: no_speed(random, speed, -0.02), 1.1, 1.0),
    Case("decay-not-speed", lambda random, gain: no_speed(random, 0.5, gain), 0.003, 0.0),
    Case("l1-sparse", lambda random, lasso: sparsity(random, lasso, -0.2), 0.05, 0.4),
    Case("l1-sparse", lambda random, lasso: sparsity(random, lasso, 0.2), 0.25, 0.5),
    Case("momentum-speed", momentum, 1.1, 2.0),
    Case("norm-gradient-flow", flow, 1.25, 2.0),
    Case("norm-speed", lambda random, speed: normalized(random, speed, 0.1), 1.1, 2.0),
    Case("norm-speed", lambda random, error: normalized(random, 2.0, error), 0.01, 0.1),
    Case("norm-initialization", initial, 0.005, 0.05),
    Case("rprop-full-batch", rprop("full"), 0.005, 0.0),
    Case("rprop-mini-batch", rprop(100), 0.01, 0.1),
    Case("rprop-mini-batch", rmsprop, 0.005, 0.0),
    Case("optimizer-rates", tuning, 0.003, 0.02),
    Case("table-rows", table, 0.5, 1.0),
    Case("noise-scale-grows", rising_noise, 3.0, 30.0),
    Case("noise-scale-predicts", predicted(3), 3.0, 1.0),
    Case("noise-scale-predicts", predicted(1), 1 / 3, 1.0),
    Case("prediction-holds", foretold(3), 1.25, 0.8),
    Case("prediction-holds", foretold(1), 1.25, 1.0),
    Case("label-noise-batch", wrong_labels, 1.5, 6.0),
    Case("critical-grows-with-target", strict, 0.1, 0.6),
    Case("online-works", online, 1.5, 1.0),
    Case("linear-rate-rule", proportional(None, 0.6), 0.1, 0.0),
    Case("linear-rate-rule", proportional(None, 0.6), -0.1, 0.0),
    Case("linear-rate-rule", proportional(0.0, None), 0.3, 0.6),
    Case("rate-exponent", best_rates(None, 0.5), 0.7, 0.95),
    Case("rate-exponent", best_rates(None, 0.5), 1.2, 0.95),
    Case("rate-exponent", best_rates(0.95, None), 0.3, 0.5),
    Case("rate-exponent", best_rates(0.95, None), 0.7, 0.5),
    Case("range-narrows", usable_rates, 0.2, 0.8),
    Case(
        "optimizer-gap-grows",
        interaction("rates", {"optimizer": "sgd"}, {"optimizer": "adam"}),
        1.25,
        2.0,
    ),
    Case(
        "momentum-large-batch",
        interaction("rates", {"momentum": 0.0}, {"momentum": 0.9}),
        1.25,
        2.0,
    ),
    Case("momentum-is-rate", effective, 1.15, 1.0),
    Case("momentum-is-rate", effective, 1 / 1.15, 1.0),
    Case("half-life-rule", memories, 1.1, 2.0),
    Case("accumulation-equal", lambda random, worse: accumulated(random, worse, 1.5), 0.003, 0.0),
    Case("accumulation-equal", lambda random, slower: accumulated(random, 0, slower), 1.05, 1.5),
    Case("batch-for-decay", grown, 0.003, 0.0),
    Case("workload-batch-size", carried, 1.25, 1.0),
    Case("workload-optimizers", ordered("optimizer", "sgd", "adam", "rmsprop"), 1.0, 1.5),
    Case("workload-normalization", ordered("normalization", "none", "batch"), 1.0, 1.5),
]
CLAIMS = all_claims()


def verdicts(case: Case, effect: float, count: int) -> Iterator[str]:
    """What experiments with that effect come to on the claim, one after the other."""
    random = np.random.default_rng([len(case.claim), count])
    for _ in range(count):
        outcome = CLAIMS[case.claim](case.world(random, effect))
        assert outcome, "not measured"
        yield outcome.decision.verdict


def test_every_claim_is_simulated() -> None:
    assert {case.claim for case in CASES} == set(CLAIMS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_on_the_margin_at_most_five_percent_are_supported_or_refuted(case: Case) -> None:
    evidence_against = {"supported": 0.0, "refuted": 0.0}
    for verdict in verdicts(case, case.margin, NULLS):
        for wrong in evidence_against:
            evidence_against[wrong] += WRONG if verdict == wrong else NOT_WRONG
        most = max(evidence_against.values())
        assert most < FAILED, evidence_against
        if most < PASSED:
            return


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_a_clear_effect_is_supported(case: Case) -> None:
    assert [*verdicts(case, case.true, TRUTHS)].count("supported") >= FEWEST_RIGHT
