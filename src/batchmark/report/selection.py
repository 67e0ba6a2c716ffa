"""The rows of the tables that a figure or a section is about."""

import pandas as pd

from batchmark.report.tables import Tables

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
    axis (joined by "|") gives one row for each.
    """
    rows = in_study(at_home(tables, "summary"), study)
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


def headline_study(tables: Tables) -> str:
    """The study over batch sizes that the answer comes from."""
    return str(tables.document("answer").get("study") or "batch_size")


def headline_rows(tables: Tables) -> pd.DataFrame:
    """The home machine's rows of the headline study that differ in batch size only."""
    frame = study_summary(tables, headline_study(tables))
    return _in_family(tables, frame)


def headline_everywhere(tables: Tables) -> pd.DataFrame:
    """The same rows on every machine and device."""
    frame = in_study(tables.frame("summary"), headline_study(tables))
    return _in_family(tables, frame).sort_values("batch_size") if not frame.empty else frame


def _in_family(tables: Tables, frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["variant"].isin(headline_variants(tables))] if not frame.empty else frame


def headline_variants(tables: Tables) -> set[str]:
    """The variants that share all axes but the batch size with the answer's, or the baseline's."""
    settings = tables.frame("settings")
    settings = settings[settings["study"] == headline_study(tables)]
    known = set(settings["variant"])
    reference = tables.document("answer").get("variant")
    if reference not in known:
        reference = next(iter(settings.loc[settings["baseline"].astype(bool), "variant"]), None)
    others = settings[settings["axis"] != "batch_size"].astype({"value": str})
    wanted = dict(others.loc[others["variant"] == reference, ["axis", "value"]].to_numpy())
    differing = others[others["value"] != others["axis"].map(wanted)]
    return known - set(differing["variant"])


def optimizer_key(optimizer: str, momentum: float, nesterov: bool) -> str:
    """The optimizer as figures tell it apart: with momentum it is another one."""
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
