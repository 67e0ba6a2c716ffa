"""Two runs of the same machines: what got faster or slower, which verdicts and facts changed."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from batchmark.statistics.epoch_time import (
    SESSION,
    SUBJECT,
    between_processes,
    epoch_times,
    noise,
)
from batchmark.statistics.intervals import (
    LEVEL,
    Array,
    Interval,
    holm,
    mean_of,
    product,
    student_of,
    total,
)

KEY = [*SUBJECT, "threads"]
# A verdict that turned into this, or from it, is a matter of luck or of a lack of data.
_UNSURE = {"inconclusive", "not measured"}


class Run(NamedTuple):
    """The tables of a run, see `contract.tables`, and environment.json."""

    timings: pd.DataFrame
    subjects: pd.DataFrame
    claims: pd.DataFrame
    environment: dict[str, Any]


def time_changes(before: Run, after: Run) -> pd.DataFrame:
    """One row per graph that both runs have timed, the most changed first.

    `ratio` (+ `_low`, `_high`): seconds per step, after over before; Welch's test on the logarithms
    of rounds, wider by what processes of either session differ by. `noise_floor`: the larger one
    of the two A/A controls. `change`: faster or slower where the interval lies beyond the floor and
    Holm's p over all rows allows it, else empty.
    """
    timed_before, timed_after = seconds_by_graph(before), seconds_by_graph(after)
    both = timed_before.index.intersection(timed_after.index, sort=False)
    old, new = timed_before.loc[both], timed_after.loc[both]
    first, second = mean_of(_logs(old)), mean_of(_logs(new))
    test = total(second, first._replace(estimate=-first.estimate))
    ratio = product(Interval(*test.exp()[:3]), product(_factor(old), _factor(new)))
    floors = (rows["noise_floor"].to_numpy(float) for rows in (old, new))
    # Without a control nothing can be told.
    floor = 1 + np.nan_to_num(np.fmax(*floors), nan=np.inf)
    sure = holm(test.p) < 1 - LEVEL
    changes = pd.DataFrame(
        {
            "ratio": ratio.estimate,
            "ratio_low": ratio.low,
            "ratio_high": ratio.high,
            "noise_floor": floor - 1,
            "change": np.select(
                [sure & (ratio.low > floor), sure & (ratio.high < 1 / floor)],
                ["slower", "faster"],
                "",
            ),
        },
        index=both,
    ).reset_index()
    return changes.iloc[np.argsort(-np.abs(np.log(ratio.estimate)), kind="stable")]


def _logs(rows: pd.DataFrame) -> Array:
    return np.log(rows.filter(items=[name for name in rows if isinstance(name, int)]).to_numpy())


def _factor(rows: pd.DataFrame) -> Interval:
    width = rows["processes"].to_numpy(float)
    return Interval(np.ones(len(rows)), np.exp(-width), np.exp(width))


def seconds_by_graph(run: Run) -> pd.DataFrame:
    """Seconds per step by `KEY` in every round (a column each), `noise_floor` and `processes`."""
    timings = run.timings[~run.timings["repeated"].astype(bool)]
    rounds = timings[timings["role"] != "control"].groupby([*KEY, "round"], observed=True)
    wide = rounds["seconds_per_step"].median().unstack("round")
    baselines = timings[timings["role"] == "baseline"].groupby([*SESSION, "round"], observed=True)
    turns = baselines["process"].first().unstack("round").reindex(columns=wide.columns)
    floors = noise(run.timings, epoch_times(run.timings, run.subjects)).groupby(SESSION)
    logs, width = np.log(wide.to_numpy(float)), np.zeros(len(wide))
    for session, rows in wide.groupby(SESSION, observed=True).indices.items():
        turn = turns.loc[[session]].to_numpy(float)[0]
        width[rows] = student_of(between_processes(logs[rows], turn)).high
    sessions = pd.MultiIndex.from_frame(wide.index.to_frame()[SESSION])
    floor = floors["noise_floor"].max().reindex(sessions)
    return wide.assign(noise_floor=floor.to_numpy(float), processes=width)


def verdict_changes(before: Run, after: Run) -> pd.DataFrame:
    """One row per claim whose verdict differs; `opposite`: from supported to refuted or back."""
    place = ["machine", "device", "id"]
    both = before.claims.merge(after.claims, on=place, suffixes=("_before", "_after"))
    both = both.rename(columns={"verdict_before": "before", "verdict_after": "after"})
    changed = both.loc[both["before"] != both["after"], [*place, "before", "after"]]
    unsure = changed["before"].isin(_UNSURE) | changed["after"].isin(_UNSURE)
    return changed.assign(opposite=~unsure)


def environment_changes(before: Run, after: Run) -> list[dict[str, Any]]:
    """What differs in software, hardware and settings: `place`, `key`, `before`, `after`."""
    changes: dict[str, dict[str, Any]] = {}
    for place in before.environment.keys() & after.environment.keys():
        old, new = (dict(_facts(run.environment[place])) for run in (before, after))
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                row = {"place": place, "key": key, "before": old.get(key), "after": new.get(key)}
                changes[f"{place} {key}"] = row
    return [changes[name] for name in sorted(changes)]


def _facts(environment: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Keys with dots. Of the timing sessions what they ran in, not the load of the moment."""
    yield from _leaves({key: value for key, value in environment.items() if key != "timings"})
    for session in environment.get("timings", {}).values():
        yield from _leaves({"timing": session.get("environment", {})})


def _leaves(content: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
