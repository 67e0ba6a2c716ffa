"""The table `choices` as the page shows it: conditions to choose from, and settings as code."""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import yaml

from batchmark.contract.hyperparameters import AXES, OPTIMIZERS, Hyperparameters
from batchmark.report.language.messages import (
    PAIR,
    Message,
    Text,
    interval,
    joined,
    percent,
    say,
    seconds,
    threads,
    trusted_digits,
    whole,
)
from batchmark.report.page.view import Choice, Code, Control, Explorer, Option, csv_file
from batchmark.report.selection import (
    SETTINGS,
    Tables,
    at_home,
    cost_fit,
    headline_study,
    is_off,
    measured,
    name,
    optimizer_key,
    policy_name,
)

CONTROLS = {
    "target": say("validation accuracy to reach"),
    "optimizer": SETTINGS["optimizer"],
    "rate": say("learning rate"),
    "threads": say("threads"),
    "loop": say("loop"),
}
RESULTS = (
    say("fastest batch size"),
    say("may be the fastest"),
    say("time to target"),
    say("sizes tried"),
    SETTINGS["train_size"],
    say("from the study"),
)
# What else tells families apart, where it is not as usual.
USUAL = {"normalization": "none", "initializer_scale": "1.0"}
FOUND_OTHERWISE = {"optimizer", "momentum", "nesterov", "learning_rate", "learning_rate_rule"}
# Said even where they are the defaults, which may change.
SAID = ("model", "optimizer", "learning_rate", "batch_size")
# What `compile` and `fit` are told; the rest is named in a comment.
IN_CALLS = (*SAID[1:], "momentum", "nesterov", "weight_decay", "optimizer_arguments")
# Tables hold these as JSON.
ARGUMENTS = ("model_arguments", "optimizer_arguments")


def explorer(tables: Tables) -> Explorer | None:
    """None where nothing was timed. The answer's study comes first, the others in their order."""
    frame = at_home(tables, "choices")
    if not measured(frame, "seconds"):
        return None
    frame = frame.assign(
        key=[_key(row) for _, row in frame.iterrows()],
        rate=[policy_name(*pair) for pair in zip(frame["rule"], _rates(frame), strict=True)],
        other=frame["study"] != headline_study(tables),
    ).sort_values("other", kind="stable")
    variants = at_home(tables, "summary").set_index("variant")
    return Explorer(
        controls=_controls(frame, tables),
        heads=[*CONTROLS.values(), *RESULTS],
        choices=[_choice(row, variants, frame["threads"].max()) for _, row in frame.iterrows()],
        download=csv_file("choices", *_kept(frame)),
    )


def _kept(frame: pd.DataFrame) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    kept = frame.drop(columns=["key", "rate", "other", "machine", "device"])
    kept = kept.astype(object).where(kept.notna(), None)
    return list(kept.columns), kept.itertuples(index=False)


def _rates(frame: pd.DataFrame) -> list[float]:
    return frame["learning_rate"].tolist()


def _key(row: "pd.Series[Any]") -> str:
    return optimizer_key(str(row["optimizer"]), float(row["momentum"]), bool(row["nesterov"]))


def _controls(frame: pd.DataFrame, tables: Tables) -> list[Control]:
    """What can be chosen, set to the answer's conditions."""
    answer = tables.document("answer")
    first = frame[frame["target"] == answer.get("target")]
    first = first[first["family"].fillna("") == (answer.get("family") or "")]
    start = _keys(first.iloc[0] if len(first) else frame.iloc[0])
    options = [_options(row) for _, row in frame.sort_values("target").iterrows()]
    return [
        Control(
            key, label, list({one[key].value: one[key] for one in options}.values()), start[key]
        )
        for key, label in CONTROLS.items()
    ]


def _keys(row: "pd.Series[Any]") -> dict[str, str]:
    return {key: option.value for key, option in _options(row).items()}


def _options(row: "pd.Series[Any]") -> dict[str, Option]:
    count = row["threads"]
    return {
        "target": Option(f"{row['target']:g}", Message(percent(row["target"]))),
        "optimizer": Option(row["key"], Message(name(row["key"]))),
        "rate": Option(row["rate"], Message(row["rate"])),
        "threads": Option("", say("n/a"))
        if pd.isna(count)
        else Option(f"{count:g}", threads(count)),
        "loop": Option(row["loop"], Message(name(row["loop"]))),
    }


def _choice(row: "pd.Series[Any]", variants: pd.DataFrame, most: float) -> Choice:
    reached = not pd.isna(row["seconds"])
    return Choice(
        keys=_keys(row),
        labels=[option.label for option in _options(row).values()],
        results=[
            *(
                _best(row)
                if reached
                else [say("no size reached it in the epochs of this study"), "", ""]
            ),
            _sizes(row["batch_sizes"]),
            whole(row["train_size"]),
            _study(row),
        ],
        href=f"#study-{row['study']}",
        code=code_of(variants.loc[row["variant"]], row["threads"], row["threads"] < most)
        if reached and row["variant"] in variants.index
        else None,
    )


def _best(row: "pd.Series[Any]") -> list[Text]:
    low, high = row["seconds_low"], row["seconds_high"]
    time = seconds(row["seconds"], trusted_digits(low, high))
    ends = interval(low, float("inf") if row["seconds_unbounded"] else high)
    return [
        whole(row["best_batch_size"]),
        _sizes(row["tied_batch_sizes"]),
        say("{time} ({interval})", time=time, interval=ends) if ends else time,
    ]


def _sizes(cell: object) -> Message:
    return joined([Message(whole(float(size))) for size in str(cell).split(";")], PAIR)


def _study(row: "pd.Series[Any]") -> Message:
    """The study's name, and what else its family differs in."""
    axes = dict(part.split("=", 1) for part in str(row["family"]).split(", ") if "=" in part)
    others = [
        say("{axis} {value}", axis=SETTINGS[axis], value=Message(name(value)))
        for axis, value in axes.items()
        if axis in SETTINGS and axis not in FOUND_OTHERWISE and not _goes_unsaid(axis, value)
    ]
    return joined([Message(str(row["study"]).replace("_", " ")), *others])


def _goes_unsaid(axis: str, value: str) -> bool:
    return USUAL.get(axis) == value or is_off(axis, value)


def answer_code(tables: Tables) -> Code | None:
    """The settings of the answer, None where there is none."""
    answer = tables.document("answer")
    known = answer.get("best_known") or answer
    rows = at_home(tables, "summary")
    rows = rows[rows["variant"] == known.get("variant")] if not rows.empty else rows
    if rows.empty:
        return None
    row = rows.iloc[0]
    count = known.get("threads", row["threads"])
    return code_of(row, count, bool(count < row["threads"]))


def code_of(row: "pd.Series[Any]", threads: float = math.nan, fewer: bool = False) -> Code:
    """How to train the variant of this row of the summary.

    `threads`: which it is timed at; `fewer`: than TensorFlow takes by itself.
    """
    settings = {axis: _plain(row[axis]) for axis in AXES if axis in row and is_said(row, axis)}
    settings |= {axis: json.loads(settings[axis]) for axis in ARGUMENTS if axis in settings}
    return Code(
        yaml=yaml.safe_dump({"settings": settings}, sort_keys=False, allow_unicode=True),
        keras="\n".join([*_threads(threads if fewer else math.nan), *_keras(settings)]) + "\n",
    )


def is_said(row: "pd.Series[Any]", axis: str) -> bool:
    """Whether settings name this axis: the usual ones always, others where they are unusual."""
    value, default = _plain(row[axis]), Hyperparameters.model_fields[axis].default
    return axis in SAID or (value is not None and value not in (default, "{}"))


def _plain(value: Any) -> Any:
    """As YAML writes it."""
    if value is None or isinstance(value, str | bool):
        return value
    number = float(value)
    return None if math.isnan(number) else int(number) if number.is_integer() else number


def _threads(count: float) -> list[str]:
    if math.isnan(count):
        return []
    return [
        "import tensorflow as tf",
        f"tf.config.threading.set_intra_op_parallelism_threads({count:g})",
    ]


def _keras(settings: dict[str, Any]) -> list[str]:
    others = [f"{axis}={settings[axis]}" for axis in settings if axis not in IN_CALLS]
    given = ("learning_rate", "momentum", "nesterov", "weight_decay")
    told = {axis: settings[axis] for axis in given if settings.get(axis)}
    told |= settings.get("optimizer_arguments", {})
    arguments = ", ".join(f"{axis}={value!r}" for axis, value in told.items())
    return [
        "import keras",
        f"# {', '.join(others)}",
        "model.compile(",
        f"    {_optimizer(settings['optimizer'])}({arguments}),",
        "    keras.losses.SparseCategoricalCrossentropy(from_logits=True),",
        '    metrics=["accuracy"],',
        ")",
        f"model.fit(images, labels, batch_size={settings['batch_size']})",
    ]


def _optimizer(key: str) -> str:
    """The class in Python; one of the project's or the user's own by its name."""
    if ":" in key:
        return key.rpartition(":")[2]
    row = OPTIMIZERS.get(key)
    if row and not row.keras:
        return name(key)
    return f"keras.optimizers.{row.keras if row else key}"


def cost_model(tables: Tables) -> dict[str, float]:
    """What the page computes other conditions from: coefficients of `cost_model.csv`."""
    fit = cost_fit(tables)
    kept = ("e_min", "b_crit", "c", "o", "examples")
    known = {} if fit is None else {name: float(fit[name]) for name in kept}
    # Of a step that costs the same at all sizes nothing can be supposed.
    return known if all(0 < value < math.inf for value in known.values()) else {}
