"""How the hardware is used: threads, throughput, memory, CPU and GPU, and the clock's noise."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import cast

import numpy as np
import pandas as pd

from batchmark.contract.devices import KINDS, Device
from batchmark.report.drawing import curves, style
from batchmark.report.drawing.curves import (
    SECONDS,
    Comparison,
    Curve,
    Quantity,
    apart,
    described,
    numbers,
)
from batchmark.report.drawing.svg import Drawn
from batchmark.report.language import messages
from batchmark.report.language.messages import (
    Message,
    bracketed,
    joined,
    percent,
    say,
    significant,
    times,
    whole,
)
from batchmark.report.language.messages import memory as written_memory
from batchmark.report.selection import (
    HOME,
    Tables,
    at_home,
    headline_everywhere,
    headline_rows,
    headline_study,
    highest,
    lowest,
    measured,
    name,
)

PLACE = {"machine": "machine", "device": "device", "batch_size": "batch size"}
GRAPH = "graph"
RELATIVE = Quantity("relative", "relative time to target", missing="")
MEMORY = Quantity("memory", "peak memory (MiB)", missing="")
MEBIBYTE = 2**20
Place = tuple[str, Device]


def threads(tables: Tables) -> Drawn | None:
    """Seconds per epoch for every number of threads, from the session that timed several."""
    frame = at_home(tables, "threads")
    if not measured(frame, SECONDS.column):
        return None
    return Comparison(
        group=lambda frame, value: curves.by_level(
            frame, "threads", value, lambda count: str(messages.threads(count))
        ),
        quantity=SECONDS,
        columns={"threads": "threads"} | SECONDS.columns,
        title=_gain_of_threads,
        notes=lambda _: [say("Mean over rounds; bars are 95 % intervals.")],
        right=92,
    ).draw(_session(frame[frame["role"] != "control"]))


def loops(tables: Tables) -> Drawn | None:
    """Seconds per epoch over batch size, a line a loop."""
    frame = at_home(tables, "loop_sizes")
    if not measured(frame, SECONDS.column):
        return None
    frame = frame[frame["study"] == frame["study"].iloc[0]]
    ratio = {"ratio_to_graph": "over batchmark's graph (×)", "ratio_to_graph_low": "ratio, low",
             "ratio_to_graph_high": "ratio, high"}  # fmt: skip
    return Comparison(
        group=lambda frame, value: curves.by_group(frame, "loop", value),
        quantity=SECONDS,
        columns={"loop": "loop"} | SECONDS.columns | ratio,
        title=lambda _: _cost_of_loops(frame),
        notes=lambda _: [*_sizes_of_loops(at_home(tables, "loops")), LOOPS],
        right=124,
    ).draw(frame)


LOOPS = say(
    "Mean over rounds; bars are 95 % intervals. Epochs to the target do not depend on the loop."
)


def _cost_of_loops(frame: pd.DataFrame) -> Message | None:
    """What the first other loop costs over the graph in the same rounds, at both ends of sizes."""
    others = frame[frame["loop"] != GRAPH].dropna(subset=["ratio_to_graph"])
    if others.empty:
        return None
    first = others[others["loop"] == others["loop"].iloc[0]].sort_values("batch_size")
    small, large = first.iloc[0], first.iloc[-1]
    return say(
        "In {loop} an epoch takes {low}{bounds} the time of batchmark's graph at batch size {small}"
        if len(first) < 2
        else "In {loop} an epoch takes {low}{bounds} the time of batchmark's graph at batch size "
        "{small}, {high}{ends} at {large}",
        loop=Message(name(str(small["loop"]))),
        low=times(small["ratio_to_graph"]),
        bounds=_bounds(small),
        small=whole(small["batch_size"]),
        high=times(large["ratio_to_graph"]),
        ends=_bounds(large),
        large=whole(large["batch_size"]),
    )


def _bounds(row: pd.Series) -> str:
    return bracketed(row["ratio_to_graph_low"], row["ratio_to_graph_high"])


def _sizes_of_loops(frame: pd.DataFrame) -> Iterator[Message]:
    """Which sizes each loop leaves in the race for the least time to the target."""
    if not measured(frame, "best_batch_size"):
        return
    known = frame.dropna(subset=["best_batch_size"])
    words = [
        say(
            "{loop} {sizes}",
            loop=Message(name(str(row["loop"]))),
            sizes=joined([Message(whole(float(size))) for size in _tied(row)]),
        )
        for _, row in known[known["study"] == known["study"].iloc[0]].iterrows()
    ]
    yield say(
        "Batch sizes that may reach {target} first: {sizes}.",
        target=percent(known["target"].iloc[0]),
        sizes=joined(words, say("{one}; {two}")),
    )


def _tied(row: pd.Series) -> list[str]:
    return str(row["tied_batch_sizes"]).split(";")


def _session(frame: pd.DataFrame) -> pd.DataFrame:
    """The study with more than one thread setting, one row a batch size and setting."""
    counts = frame.groupby("study")["threads"].nunique()
    several = counts[counts > 1]
    if several.empty:
        return frame.iloc[:0]
    sizes = frame[frame["study"].isin(several.index)].groupby("study")["batch_size"].nunique()
    # The study with most batch sizes, where several timed more than one setting.
    rows = frame[frame["study"] == sizes.idxmax()]
    return rows.drop_duplicates(["threads", "batch_size"]).sort_values("batch_size")


def _gain_of_threads(lines: Sequence[Curve]) -> Message | None:
    """Between which batch sizes all threads begin to beat one, and where one beats them."""
    single, most = (line.drawn.set_index("x") for line in (lines[0], lines[-1]))
    sizes = [size for size in single.index if size in most.index]
    if not sizes:
        return None
    helped = [size for size in sizes if apart(most.loc[size], single.loc[size])]
    hurt = [size for size in sizes if apart(single.loc[size], most.loc[size])]
    loss = say(
        "; at batch size {size} one thread is {times} as fast as all",
        size=whole(hurt[0]),
        times=times(most["y"][hurt[0]] / single["y"][hurt[0]]),
    ) if hurt else ""  # fmt: skip
    return say("{gain}{loss}", gain=_from_which_size(sizes, helped), loss=loss)


def _from_which_size(sizes: list[float], helped: list[float]) -> Message:
    if not helped:
        return say("More threads are not shown to help at any batch size")
    before = [size for size in sizes if size < helped[0]]
    if not before:
        return say("More threads help from batch size {size} on", size=whole(helped[0]))
    return say(
        "More threads begin to help between batch sizes {low} and {high}",
        low=whole(before[-1]),
        high=whole(helped[0]),
    )


def throughput(tables: Tables) -> Drawn | None:
    """Examples per second above, their share of the machine's peak below where it was measured."""
    frame = headline_rows(tables)
    if not measured(frame, "examples_per_second"):
        return None
    if "flops_per_second" in frame:
        frame = frame.assign(gigaflops=frame["flops_per_second"] / 1e9)
    shared = measured(frame, "share_of_peak")
    if shared:
        frame = frame.assign(share_of_peak=100 * frame["share_of_peak"])
    frame = _per_second(frame)
    figure, panels = style.panels((150, 90) if shared else (style.HEIGHT,), right=20, left=54)
    line = curves.of_optimizer(frame, "examples_per_second")
    for axes in panels:
        style.batch_axis(axes, frame["batch_size"], "batch size" if axes is panels[-1] else "")
    style.log_axis(panels[0], curves.values([line]), "examples per second")
    curves.draw(panels[0], [line], named=False, missing="")
    if shared:
        share = curves.of_optimizer(frame, "share_of_peak")
        panels[1].set_ylim(0, 1.15 * max(curves.values([share])))
        style.value_axis(panels[1], "share of peak (%)", low=0)
        curves.draw(panels[1], [share], named=False, missing="")
    columns = {
        "batch_size": "batch size",
        "examples_per_second": "examples per second",
        "examples_per_second_low": "low",
        "examples_per_second_high": "high",
        "gigaflops": "GFLOP/s",
        "share_of_peak": "share of peak (%)",
        "seconds_per_epoch": "seconds per epoch",
    }
    return Drawn(
        figure=figure,
        title=_gain_of_size(line),
        alt=described([line], "examples per second"),
        numbers=numbers(frame, columns),
        notes=_of_the_peak(frame),
        series=curves.series([line]),
    )


def _per_second(frame: pd.DataFrame) -> pd.DataFrame:
    """With the intervals of what is counted by the second, which are those of the epoch's time."""
    seconds = frame["seconds_per_epoch"]
    # The longest time is the lowest rate.
    for end, other in (("low", "high"), ("high", "low")):
        if f"seconds_per_epoch_{other}" in frame:
            share = seconds / frame[f"seconds_per_epoch_{other}"]
            for column in {"examples_per_second", "share_of_peak"} & set(frame):
                frame = frame.assign(**{f"{column}_{end}": frame[column] * share})
    return frame


def _of_the_peak(frame: pd.DataFrame) -> list[Message]:
    """What arithmetic the fastest size does, and of which peak, where both are known."""
    note = say("Peak: the rate of large float32 matrix products on the same machine, same day.")
    if not (measured(frame, "gigaflops") and measured(frame, "share_of_peak")):
        return [note]
    best = highest(frame, "gigaflops")
    rates = say(
        "At best {rate} GFLOP/s, {share} of the {peak} GFLOP/s of the peak.",
        rate=significant(best["gigaflops"], 2),
        share=percent(best["share_of_peak"] / 100, 2),
        peak=significant(100 * best["gigaflops"] / best["share_of_peak"], 2),
    )
    return [rates, note]


def _gain_of_size(line: Curve) -> Message | None:
    """Where most examples are trained; the tested ratio is the claim's to say."""
    if len(line.drawn) < 2:
        return None
    first, best = line.drawn.iloc[0], highest(line.drawn, "y")
    return say(
        "Batch size {best} trains most examples a second, {rate}; batch size {first} trains {least}"
        if apart(first, best)
        else "By medians batch size {best} trains most examples a second, {rate}, not told apart "
        "from {least} at {first}",
        best=whole(best["x"]),
        rate=significant(best["y"], 2),
        first=whole(first["x"]),
        least=significant(first["y"], 2),
    )


def devices(tables: Tables) -> Drawn | None:
    """Seconds per epoch on CPU and GPU of one machine or several; None where there is no GPU."""
    frame = headline_everywhere(tables)
    if not measured(frame, SECONDS.column):
        return None
    frame = frame.dropna(subset=[SECONDS.column])
    if frame["device"].nunique() < 2:
        return None
    frame = _gains(frame)
    return Comparison(
        group=_places,
        quantity=SECONDS,
        columns=PLACE | SECONDS.columns | {"gain": "as fast as the CPU (×)"},
        title=lambda _: _gain_of_gpu(frame),
        notes=lambda _: [
            say("Solid: CPU. Dashed: GPU. Seconds belong to these machines on their day.")
        ],
        right=104,
    ).draw(frame)


def _gains(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with `gain`: a GPU's speed over the CPU it is compared with, by batch size."""
    pair = _pair(frame)
    if pair is None:
        return frame
    processor, card = ((frame[HOME] == list(place)).all(axis="columns") for place in pair)
    rows = frame[processor].drop_duplicates("batch_size").set_index("batch_size")
    gain = frame["batch_size"].map(rows["seconds_per_epoch"]) / frame["seconds_per_epoch"]
    return frame.assign(gain=gain.where(card))


def _pair(frame: pd.DataFrame) -> tuple[Place, Place] | None:
    """The processor and the card to compare: those of one machine where it has both."""
    places: list[Place] = list(frame[HOME].drop_duplicates().itertuples(index=False, name=None))
    pairs = [
        (processor, card)
        for processor, card in product(places, repeat=2)
        if not KINDS[processor[1]].cards and KINDS[card[1]].cards
    ]
    # `min` keeps the first of equals, in the order of the table.
    return min(pairs, key=lambda pair: pair[0][0] != pair[1][0], default=None)


def _gain_of_gpu(frame: pd.DataFrame) -> Message | None:
    pair = _pair(frame)
    if pair is None or not measured(frame, "gain"):
        return None
    gain = frame.dropna(subset=["gain"]).set_index("batch_size")["gain"]
    faster = gain.index[np.asarray(_told_faster(frame, pair, gain.index))]
    start = (
        say("from batch size {size} on", size=whole(faster[0]))
        if len(faster)
        else say("at no batch size")
    )
    return say(
        "The {kind} is faster {start}; at {most} it is {times} as fast"
        if pair[0][0] == pair[1][0]
        else "The {kind} of {gpu} is faster than the CPU of {cpu} {start}; at {most} it is {times} "
        "as fast",
        kind=KINDS[pair[1][1]].name,
        cpu=pair[0][0],
        gpu=pair[1][0],
        start=start,
        most=whole(float(str(gain.idxmax()))),
        times=times(gain.max()),
    )


def _told_faster(frame: pd.DataFrame, pair: tuple[Place, Place], sizes: pd.Index) -> pd.Series:
    """At which sizes the card's interval of seconds per epoch ends below the processor's begins."""
    processor, card = (
        frame[(frame[HOME] == list(place)).all(axis="columns")]
        .drop_duplicates("batch_size")
        .set_index("batch_size")
        .reindex(sizes)
        for place in pair
    )
    return card["seconds_per_epoch_high"] < processor["seconds_per_epoch_low"]


def machines(tables: Tables) -> Drawn | None:
    """Time to target over that of each place's own best size; None where there is one place."""
    frame = headline_everywhere(tables)
    if not measured(frame, "time_to_target"):
        return None
    # Relative to itself, so that machines of any speed can be compared in shape.
    best = frame.groupby(HOME)["time_to_target"].transform("min")
    frame = frame.assign(relative=frame["time_to_target"] / best).dropna(subset=["relative"])
    if len(frame.drop_duplicates(HOME)) < 2:
        return None
    return Comparison(
        group=_places,
        quantity=RELATIVE,
        columns=PLACE | {RELATIVE.column: RELATIVE.label, "time_to_target": "seconds"},
        title=_best_by_machine,
        notes=lambda _: [
            say(
                "Base: the fastest batch size on the same machine and device; medians, without "
                "intervals."
            )
        ],
        right=104,
    ).draw(frame)


def _best_by_machine(lines: Sequence[Curve]) -> Message:
    best = [whole(lowest(line.drawn, "y")["x"]) for line in lines]
    if len(set(best)) == 1:
        return say("By medians the fastest batch size is {size} on every machine", size=best[0])
    pairs = ", ".join(f"{size} ({line.label})" for size, line in zip(best, lines, strict=True))
    return say("By medians the fastest batch size depends on the machine: {sizes}", sizes=pairs)


def memory(tables: Tables) -> Drawn | None:
    """Peak memory on each machine and device, over the state before training."""
    frame = headline_everywhere(tables)
    if not measured(frame, "peak_memory_bytes"):
        return None
    frame = frame.dropna(subset=["peak_memory_bytes"])
    note = say(
        "High-water mark of training over the state before it, measured once, so without interval; "
        "on a GPU the allocator's."
    )
    return Comparison(
        group=_places,
        quantity=MEMORY,
        columns=PLACE | {MEMORY.column: MEMORY.label},
        title=lambda lines: _smallest_and_largest(lines[0]),
        notes=lambda _: [note],
        right=110,
    ).draw(frame.assign(memory=frame["peak_memory_bytes"] / MEBIBYTE))


def _smallest_and_largest(line: Curve) -> Message | None:
    if len(line.drawn) < 2:
        return None
    first, last = line.drawn.iloc[0], line.drawn.iloc[-1]
    return say(
        "Training takes {low} at batch size {first} and {high} at {last}",
        low=written_memory(first["y"] * MEBIBYTE),
        first=whole(first["x"]),
        high=written_memory(last["y"] * MEBIBYTE),
        last=whole(last["x"]),
    )


def _places(frame: pd.DataFrame, value: str) -> list[Curve]:
    """One curve for each machine (its hue) and device (dashed: a card)."""
    known = list(dict.fromkeys(frame["machine"]))
    lines: list[Curve] = []
    for (machine, device), rows in frame.groupby(["machine", "device"], sort=False):
        key, kind = f"{machine}-{device}", KINDS[cast(Device, device)]
        line = Curve(
            name=key,
            color=style.hue(key, known.index(machine)),
            marker=style.marker(key, known.index(machine)),
            points=curves.points(rows, value),
            label=f"{machine}, {kind.name}" if len(known) > 1 else kind.name,
            dashed=kind.cards is not None,
        )
        lines.append(line)
    return lines


def timing_noise(tables: Tables) -> Drawn | None:
    """The A/A test of every timing session, the control against the baseline: one interval each."""
    frame = at_home(tables, "noise")
    # A single round has a ratio and no interval.
    if not measured(frame, "low"):
        return None
    frame = frame.dropna(subset=["ratio", "low", "high"]).reset_index(drop=True)
    columns = {
        "study": "study",
        "ratio": "A/A control / baseline",
        "low": "low",
        "high": "high",
        "baseline_drift": "baseline drift",
        "spread": "spread",
    }
    alt = say("Intervals of the ratio between two timings of the same code, one a timing session.")
    return Drawn(
        figure=_ratios(frame),
        title=_noise_floor(frame, headline_study(tables)),
        alt=alt,
        numbers=numbers(frame, columns),
        notes=[say("Mean and 95 % interval over rounds. Both ran the same code.")],
    )


def _ratios(frame: pd.DataFrame) -> style.Figure:
    figure, (axes,) = style.panels((30 + 30 * len(frame),), left=118, right=24, top=6)
    percents = 100 * (frame[["ratio", "low", "high"]] - 1)
    names = [str(study).replace("_", " ") for study in frame["study"]]
    label = str(say("A/A control against baseline (% difference)"))
    axes.axvline(0, color=style.INK, alpha=0.6, linewidth=1)
    curves.draw_rows(axes, percents.rename(columns={"ratio": "y"}), names, label)
    widest = float(percents[["low", "high"]].abs().to_numpy().max())
    axes.set_xlim(-1.2 * widest, 1.2 * widest)
    style.plain_axis(axes, label)
    style.names_axis(axes, names)
    return figure


def _noise_floor(frame: pd.DataFrame, study: str) -> Message:
    """The noise floor of the answer's study, and of the noisiest."""
    known = measured(frame, "noise_floor")
    widest_by_row = (frame[["low", "high"]] - 1).abs().max(axis=1)
    floors = frame["noise_floor"] if known else widest_by_row
    widest = percent(floors.max(), 2)
    own = floors[frame["study"] == study]
    if own.empty:
        return say("Differences below {noise} cannot be told from noise", noise=widest)
    if floors.nunique() == 1:
        return say("Differences below {noise} cannot be told from noise", noise=widest)
    return say(
        "In the study of the answer differences below {noise} cannot be told from noise; in the "
        "noisiest below {widest}"
        if own.iloc[0] < floors.max()
        else "In the study of the answer differences below {noise} cannot be told from noise; "
        "elsewhere from {least} on they can",
        noise=percent(own.iloc[0], 2),
        widest=widest,
        least=percent(floors.min(), 2),
    )
