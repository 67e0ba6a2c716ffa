"""Where the time of a training step goes, and what that makes of the share of peak."""

from collections.abc import Iterator

import pandas as pd

from batchmark.report.drawing import curves, style
from batchmark.report.drawing.curves import described, numbers
from batchmark.report.drawing.svg import Drawn
from batchmark.report.language.messages import Message, joined, percent, say, whole
from batchmark.report.selection import Tables, at_home, headline_study, measured

SHARE = "share of a step (%)"
KINDS = (
    *("forward-products", "forward-others", "backward-products", "backward-others"),
    *("update", "between"),
)


def step_parts(tables: Tables) -> Drawn | None:
    """Shares of a step over batch size, a line a part; the layers in the numbers."""
    frame = _one_study(at_home(tables, "step_parts"), headline_study(tables))
    if not measured(frame, "share"):
        return None
    frame = frame.assign(percent=100 * frame["share"], microseconds=1e6 * frame["seconds"])
    lines = curves.by_group(_by_kind(frame), "kind", "percent")
    figure, (axes,) = style.panels((style.HEIGHT,), right=138)
    style.batch_axis(axes, frame["batch_size"])
    axes.set_ylim(0, 1.15 * max(curves.values(lines)))
    style.value_axis(axes, SHARE, low=0)
    curves.draw(axes, lines, missing="")
    columns = {
        "batch_size": "batch size",
        "part": "part",
        "layer": "layer",
        "products": "products",
        "microseconds": "microseconds",
        "percent": SHARE,
    }
    return Drawn(
        figure=figure,
        title=_not_arithmetic(frame),
        alt=described(lines, SHARE),
        numbers=numbers(frame, columns),
        notes=[*_at_work(frame, tables), *_measured_how(frame)],
        series=curves.series(lines),
    )


def _one_study(frame: pd.DataFrame, headline: str) -> pd.DataFrame:
    """The rows of the headline study, else of the first; one variant a batch size."""
    if frame.empty:
        return frame
    studies = list(frame["study"])
    rows = frame[frame["study"] == (headline if headline in studies else studies[0])]
    first = rows.drop_duplicates("batch_size")["variant"]
    rows = rows[rows["variant"].isin(first)]
    return rows.sort_values(["batch_size", "share"], ascending=[True, False])


def _by_kind(frame: pd.DataFrame) -> pd.DataFrame:
    """Percent by batch size and kind: the passes divide into products and others."""
    passes = frame["part"].isin(["forward", "backward"])
    inside = frame["products"].astype(bool).map({True: "-products", False: "-others"})
    kinds = frame.assign(kind=frame["part"] + inside.where(passes, ""))
    sums = kinds.groupby(["kind", "batch_size"], as_index=False)["percent"].sum()
    # As a step goes, so that colours and names do.
    places = {kind: place for place, kind in enumerate(KINDS)}
    return sums.iloc[sums["kind"].map(places).argsort(kind="stable")]


def _products(frame: pd.DataFrame) -> pd.Series:
    """The share of products by batch size."""
    arithmetic = frame["share"].where(frame["products"].astype(bool), 0.0)
    return arithmetic.groupby(frame["batch_size"]).sum()


def _not_arithmetic(frame: pd.DataFrame) -> Message:
    rest = 1 - _products(frame)
    if len(rest) == 1:
        return say(
            "{share} of a step is not arithmetic at batch size {size}",
            size=whole(rest.index[0]),
            share=percent(rest.iloc[0], 2),
        )
    return say(
        "{share} of a step is not arithmetic at batch size {size}, {rest} at {last}",
        size=whole(rest.index[0]),
        share=percent(rest.iloc[0], 2),
        last=whole(rest.index[-1]),
        rest=percent(rest.iloc[-1], 2),
    )


def _at_work(frame: pd.DataFrame, tables: Tables) -> Iterator[Message]:
    """The share of peak of a whole step over the share of its time that products take."""
    timed = at_home(tables, "threads")
    if not measured(timed, "share_of_peak"):
        return
    timed = timed[(timed["study"] == frame["study"].iloc[0]) & (timed["role"] != "control")]
    peaks = timed.dropna(subset=["share_of_peak"]).drop_duplicates("batch_size")
    shares, products = peaks.set_index("batch_size")["share_of_peak"], _products(frame)
    words = [
        say(
            "batch size {size}: {whole} = {products} of the time × {peak}",
            size=whole(size),
            whole=percent(shares[size], 2),
            products=percent(share, 2),
            peak=percent(shares[size] / share, 2),
        )
        for size, share in zip(products.index.astype(int), products, strict=True)
        if size in shares.index and share > 0
    ]
    if words:
        yield say("Share of peak, and what its products reach: {sizes}.", sizes=joined(words))


def _measured_how(frame: pd.DataFrame) -> Iterator[Message]:
    yield say(
        "Arithmetic are products: convolutions and matrix products, which the share of peak counts."
    )
    longer = (frame["traced_seconds_per_step"] / frame["seconds_per_step"] - 1).abs().max()
    yield say(
        "The shortest of three traces by TensorFlow's profiler, so without intervals; with it a "
        "step's time differs by up to {share}. What takes about a microsecond it does not record, "
        "which then counts as between operations.",
        share=percent(longer, 2),
    )
