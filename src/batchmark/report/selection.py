"""The tables as the report reads them: which rows a figure or section shows, and their names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from batchmark.contract.hyperparameters import (
    MODELS,
    NORMALIZATIONS,
    OPTIMIZERS,
    Hyperparameters,
)
from batchmark.contract.record import SAMPLE
from batchmark.contract.tables import ANALYZED, read_document, read_table
from batchmark.report.language.messages import Message, say, significant


class Tables:
    """One folder of tables. A table that does not exist reads as an empty frame."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._frames: dict[str, pd.DataFrame] = {}
        self._documents: dict[str, dict[str, Any]] = {}

    def frame(self, name: str) -> pd.DataFrame:
        """The table `{name}.csv`, shared by all who ask for it."""
        if name not in self._frames:
            exists = (self.folder / f"{name}.csv").exists()
            self._frames[name] = read_table(self.folder, name) if exists else pd.DataFrame()
        return self._frames[name]

    def document(self, name: str) -> dict[str, Any]:
        """The document `{name}.json`, empty when it does not exist."""
        if name not in self._documents:
            path = self.folder / f"{name}.json"
            self._documents[name] = read_document(path) if path.exists() else {}
        return self._documents[name]


NAMES: Mapping[str, str] = {
    **{key: row.name for key, row in OPTIMIZERS.items()},
    "nesterov": "Nesterov",
    "rmsprop-momentum": "RMSprop with momentum",
    **{key: row.name for key, row in MODELS.items()},
    **{key: row.name for key, row in NORMALIZATIONS.items()},
    "none": "no normalization",
    "sqrt": "square root",
    "graph": "batchmark's graph",
    "fit": "model.fit",
    "fit-tuned": "tuned model.fit",
    "torch": "PyTorch",
    "forward-products": "forward products",
    "forward-others": "other forward",
    "backward-products": "backward products",
    "backward-others": "other backward",
    "update": "weight update",
    "between": "between operations",
}
# Families by how their rates follow the batch size; of fixed rates the number says more.
POLICIES: Mapping[str, Message] = {
    "fixed": say("rate {n}"),
    "sqrt": say("square-root rate"),
    "linear": say("linear rate"),
    "tuned": say("tuned rate"),
    "own": say("own rates"),
}
# Normalizations that leave the layers as they are.
OUTSIDE_LAYERS = tuple(key for key, row in NORMALIZATIONS.items() if not row.layer)
_SAID = {
    "model": say("model"),
    "model_arguments": say("model arguments"),
    "optimizer": say("optimizer"),
    "optimizer_arguments": say("optimizer arguments"),
    "learning_rate": say("learning rate"),
    "batch_size": say("batch size"),
    "momentum": say("momentum"),
    "nesterov": Message("Nesterov"),
    "normalization": say("normalization"),
    "weight_decay": say("weight decay"),
    "l1": Message("L1"),
    "l2": Message("L2"),
    "dropout": say("dropout"),
    "initializer": say("initializer"),
    "initializer_scale": say("initial scale"),
    "activation": say("activation"),
    "pooling": say("pooling"),
    "train_size": say("training images"),
    "warm_up": say("warm-up (epochs)"),
    "change_every": say("epochs between changes"),
    "rate_factor": say("factor on the rate"),
    "batch_factor": say("factor on the batch"),
    "accumulation": say("accumulated batches"),
    "label_noise": say("wrong labels"),
    "ema_half_life": say("half-life of the weights' mean"),
    "beta_2_half_life": say("half-life of beta 2"),
}
_OTHERS = [axis for axis in Hyperparameters.model_fields if axis not in _SAID]
SETTINGS: Mapping[str, Message] = _SAID | {
    axis: Message(axis.replace("_", " ")) for axis in _OTHERS
}
"""Every hyperparameter, in the order of the page's tables."""
# What does nothing at its default, and needs no word there.
_SWITCHES = {
    axis: float(Hyperparameters.model_fields[axis].default)
    for axis in (
        "warm_up", "change_every", "rate_factor", "batch_factor", "accumulation", "label_noise",
        "ema_half_life", "beta_2_half_life",
    )
}  # fmt: skip


def is_off(axis: str, value: object) -> bool:
    """Whether a hyperparameter's value, as tables write it, does nothing."""
    off = _SWITCHES.get(axis)
    return off is not None and pd.to_numeric(str(value), errors="coerce") == off


def name(key: str) -> str:
    """The readers' name; what has none (numbers, users' own) stays."""
    return NAMES.get(key, key)


# An error of 1 - 1/10 is guessing; below this share of it something had been learned.
GUESSING, LEARNED = 0.9, 0.8
FATES: dict[str, Message] = {
    "diverged": say("diverged"),
    "oversized": say("oversized"),
    "failed": say("failed"),
}


# Of a single trial.
STATUSES = FATES | {
    "not_learning": say("stayed at chance or collapsed"),
    "done": say("trained to the end"),
}


# Larger than the data, or not finished: there is no training to tell of.
NEVER_TRAINED = ("oversized", "failed")


def fate(row: "pd.Series[Any]") -> Message | None:
    """What ended a variant's trials before their time; None where they ran to their end."""
    if row["status"] != "not_learning":
        return FATES.get(row["status"])
    learned = row["best_validation_error"] < LEARNED * GUESSING
    return say("learned, then collapsed") if learned else say("stayed at chance")


def setting(row: "Mapping[str, Any] | pd.Series[Any]", rows: pd.DataFrame | None = None) -> Message:
    """Optimizer and learning rate in words; of `rows`, whether they share the rate."""
    key = optimizer_key(str(row["optimizer"]), float(row["momentum"]), bool(row["nesterov"]))
    fields = {"name": Message(name(key)), "rate": significant(row["learning_rate"])}
    if rows is None or rows["batch_size"].nunique() < 2:
        return say("{name} at learning rate {rate}", **fields)
    if rows["learning_rate"].nunique() == 1:
        return say("{name} at learning rate {rate} for every size", **fields)
    return say("{name}, each size at its own learning rate", **fields)


def is_sample(tables: "Tables") -> bool:
    """Whether the answer is about the embedded sample, which compares with nothing published."""
    known = tables.document("answer").get("dataset")
    frame = tables.frame("summary")
    if known is None and measured(frame, "dataset"):
        known = frame["dataset"].iloc[0]
    return known == SAMPLE


def policy_name(rule: str, rate: float) -> str:
    """The name of a family in a figure that compares policies for the learning rate."""
    return POLICIES[rule].text.replace("{n}", f"{rate:g}")


# A place: what is measured there is compared with nothing measured elsewhere.
HOME = ["machine", "device"]


def home(tables: Tables) -> tuple[str, str]:
    """The machine and device that the answer is about."""
    answer = tables.document("answer")
    if "device" in answer:
        return str(answer["machine"]), str(answer["device"])
    summary = tables.frame("summary")
    if summary.empty:
        return "", ""
    return str(summary["machine"].iloc[0]), str(summary["device"].iloc[0])


def at_home(tables: Tables, name: str) -> pd.DataFrame:
    """A table's rows of the home machine and device."""
    frame = tables.frame(name)
    if frame.empty:
        return frame
    machine, device = home(tables)
    return frame[(frame["machine"] == machine) & (frame["device"] == device)]


def in_study(frame: pd.DataFrame, study: str) -> pd.DataFrame:
    """The rows whose `study` (names joined by semicolons) holds `study`."""
    if frame.empty:
        return frame
    return frame[[study in str(names).split(";") for names in frame["study"]]]


def study_summary(tables: Tables, study: str) -> pd.DataFrame:
    """The home machine's summary rows of a study, by batch size, with the study's axis values.

    An axis is a column `axis_{name}` of texts. A variant that stands for several values of an
    axis (joined by "|") gives one row for each. `baseline`: whether it is the study's; `told`:
    whether its epochs to target are told apart from the baseline's, NaN where that was not tested.
    What studies share stands in the summary as the first of them sees it; here as this one does.
    """
    rows = in_study(at_home(tables, "summary"), study)
    rows = _tested(_seen_by(rows, tables, study), tables, study)
    settings = tables.frame("settings")
    if rows.empty or settings.empty:
        return rows
    settings = settings[settings["study"] == study]
    settings = settings.assign(value=settings["value"].astype(str).str.split("|")).explode("value")
    wide = pd.DataFrame({"variant": rows["variant"].unique()})
    for axis, values in settings.groupby("axis"):
        column = values[["variant", "value"]].rename(columns={"value": f"axis_{axis}"})
        wide = wide.merge(column, on="variant", how="left")
    return rows.merge(wide, on="variant").sort_values("batch_size").reset_index(drop=True)


def _seen_by(rows: pd.DataFrame, tables: Tables, study: str) -> pd.DataFrame:
    """With the study's own target and clock, if it has one, where others' stand in the summary."""
    asked, timed = _to_its_target(tables, study), _on_its_clock(tables, study)
    if rows.empty or asked.empty:
        return rows
    others = rows["target"] != asked["target"].iloc[0]
    others |= (rows["timed_in"] != study) & rows["timed_in"].notna()
    shared = rows.loc[others, ["variant"]]
    rows = _replaced(rows, shared.merge(asked, on="variant"))
    return _replaced(rows, shared.merge(timed, on="variant", how="left"))


def _to_its_target(tables: Tables, study: str) -> pd.DataFrame:
    """What a study's variants need to its main target, which comes first."""
    frame = at_home(tables, "sensitivity")
    if frame.empty:
        return frame
    frame = frame[frame["study"] == study]
    return frame[frame["target"] == frame["target"].head(1).squeeze()]


def _on_its_clock(tables: Tables, study: str) -> pd.DataFrame:
    """Seconds per epoch by a study's own session, on the most threads that it timed."""
    frame = at_home(tables, "threads")
    if frame.empty:
        return pd.DataFrame({"variant": pd.Series(dtype=str)})
    frame = frame[(frame["study"] == study) & frame["variants"].notna()]
    frame = frame[frame["threads"] == frame["threads"].max()]
    timed = frame.assign(variant=frame["variants"].astype(str).str.split(";")).explode("variant")
    return timed[["variant", *(name for name in timed if str(name).startswith("seconds_"))]]


def _replaced(rows: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """The rows with the values that `own` has of them."""
    values, variants = own.set_index("variant"), rows["variant"]
    known = variants.isin(values.index)
    told = {
        str(name): variants.map(values[name]).where(known, rows[name]).astype(rows[name].dtype)
        for name in values
        if name in rows and name not in (*HOME, "study")
    }
    return rows.assign(**told)


def _tested(rows: pd.DataFrame, tables: Tables, study: str) -> pd.DataFrame:
    """With `baseline` and `told`, of the paired test for the main target, which comes first."""
    pairs = at_home(tables, "comparisons")
    if rows.empty or pairs.empty:
        return rows
    pairs = pairs[(pairs["study"] == study) & (pairs["metric"] == "epochs_to_target")]
    distinct = pairs.drop_duplicates("variant").set_index("variant")["distinguishable"]
    return rows.assign(
        baseline=rows["variant"].isin(pairs["baseline"]),
        told=rows["variant"].map(distinct.astype(float)),
    )


def headline_study(tables: Tables) -> str:
    """The study over batch sizes that the answer comes from."""
    return str(tables.document("answer").get("study") or "batch_size")


def headline_rows(tables: Tables) -> pd.DataFrame:
    """The home machine's rows of the headline study that differ in batch size only."""
    frame = study_summary(tables, headline_study(tables))
    return _in_family(frame, headline_variants(tables))


def published_rows(tables: Tables) -> pd.DataFrame:
    """The home machine's rows that redo the published table, for the network of the headline.

    Those of the headline where no variant is to redo it.
    """
    frame = study_summary(tables, headline_study(tables))
    return _in_family(frame, _published_variants(tables) or headline_variants(tables))


def cost_fit(tables: Tables) -> pd.Series | None:
    """The model fitted to the answer's rows, None where nothing could be fitted."""
    fits = at_home(tables, "cost_model")
    if not measured(fits, "b_crit"):
        return None
    answer = tables.document("answer")
    # The answer names one target; a fit for another would answer another question.
    main = (fits["study"] == headline_study(tables)) & (fits["target"] == answer.get("target"))
    fits = fits[main & fits["b_crit"].notna()]
    family = answer.get("family")
    fits = fits[fits["family"].fillna("") == family] if family else fits
    return None if fits.empty else fits.iloc[0]


def policy_rows(tables: Tables) -> dict[str, pd.DataFrame]:
    """The answer's rows, and those of its other policies for the rate, by the policy's name."""
    answer = tables.document("answer")
    every = answer.get("policies", [])
    if len(every) < 2:
        return {"": headline_rows(tables)}
    frame = study_summary(tables, headline_study(tables))
    # The answer's own comes first: False sorts before True.
    first = answer["policy"]["family"]
    return {
        policy_name(policy["rule"], policy["learning_rate"]): _in_family(
            frame, _alike(tables, policy["settings"])
        )
        for policy in sorted(every, key=lambda policy: policy["family"] != first)
    }


def headline_everywhere(tables: Tables) -> pd.DataFrame:
    """The same rows on every machine and device."""
    frame = in_study(tables.frame("summary"), headline_study(tables))
    family = _in_family(frame, headline_variants(tables))
    return family.sort_values("batch_size") if not family.empty else family


def _in_family(frame: pd.DataFrame, variants: set[str]) -> pd.DataFrame:
    """One row a variant and place: one that stands for several values of an axis has more."""
    if frame.empty:
        return frame
    return frame[frame["variant"].isin(variants)].drop_duplicates([*HOME, "variant"])


# What tells a policy for the learning rate: families that differ in these only are one network's.
RATE_AXES = {"learning_rate", "learning_rate_rule", "reference_batch_size"}


def headline_variants(tables: Tables) -> set[str]:
    """The variants that share all axes but the batch size with the answer's, or the baseline's."""
    return _alike(tables, _headline_settings(tables))


def _published_variants(tables: Tables) -> set[str]:
    settings = _headline_table(tables)
    wanted = {axis: of for axis, of in _headline_settings(tables).items() if axis not in RATE_AXES}
    return _alike(tables, wanted) & set(settings.loc[settings["published"].astype(bool), "variant"])


def _headline_table(tables: Tables) -> pd.DataFrame:
    settings = tables.frame("settings")
    if settings.empty:
        return settings.reindex(columns=list(ANALYZED["settings"]))
    return settings[settings["study"] == headline_study(tables)]


def _headline_settings(tables: Tables) -> dict[str, str]:
    """The values of the axes but the batch size, of the answer's family or else the baseline."""
    answer = tables.document("answer")
    if "settings" in answer:
        return dict(answer["settings"])
    settings = _headline_table(tables)
    rows = settings[settings["baseline"].astype(bool) & (settings["axis"] != "batch_size")]
    return {axis: str(of).split("|")[0] for axis, of in rows[["axis", "value"]].to_numpy()}


def _alike(tables: Tables, wanted: Mapping[str, str]) -> set[str]:
    """The headline study's variants with these values, maybe among others (`fixed|sqrt`)."""
    settings = _headline_table(tables)
    rows = zip(settings["axis"], settings["value"].astype(str), strict=True)
    fits = [axis not in wanted or wanted[axis] in value.split("|") for axis, value in rows]
    return set(settings["variant"]) - set(settings["variant"][[not fit for fit in fits]])


def optimizer_key(optimizer: str, momentum: float, nesterov: bool) -> str:
    """The optimizer as figures tell it apart: with momentum it is another one."""
    # Nor where it is not known.
    if not momentum > 0:
        return optimizer
    kind = "nesterov" if nesterov else "momentum"
    return kind if optimizer == "sgd" else f"{optimizer}-{kind}"


def optimizer_keys(frame: pd.DataFrame) -> pd.Series:
    """The same for every row."""
    columns = (frame[name] for name in ("optimizer", "momentum", "nesterov"))
    keys = [
        optimizer_key(str(name), rate, bool(flag))
        for name, rate, flag in zip(*columns, strict=True)
    ]
    return pd.Series(keys, index=frame.index, dtype=str)


def lowest(frame: pd.DataFrame, column: str) -> pd.Series:
    """The row with the smallest value, missing ones aside."""
    return frame.sort_values(column).iloc[0]


def highest(frame: pd.DataFrame, column: str) -> pd.Series:
    """The row with the largest value, missing ones aside."""
    return frame.sort_values(column, ascending=False).iloc[0]


def measured(frame: pd.DataFrame, column: str) -> bool:
    """Whether a column exists and holds at least one number."""
    return not frame.empty and column in frame and bool(frame[column].notna().any())
