"""The claims: a scoreboard and cards grouped by theme."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import pandas as pd

from batchmark.report.messages import say
from batchmark.report.numbers import interval, significant
from batchmark.report.page.view import Claim, Figure, Score, Theme
from batchmark.report.selection import at_home
from batchmark.report.tables import Tables
from batchmark.report.translation import Language

VERDICTS = {
    "supported": "supported",
    "refuted": "refuted",
    "inconclusive": "inconclusive",
    "not measured": "not measured at this scale",
}
THEMES: Mapping[str, Collection[str]] = {
    "Batch size and time": (
        "time-optimum",
        "more-epochs",
        "faster-epochs",
        "hardware-efficiency",
        "memory-bound",
        "grows-with-data",
        "table-rows",
    ),
    "Batch size and accuracy": (
        "accuracy-optimum",
        "too-small-fails",
        "less-oscillation",
        "large-batch-generalization",
        "noise-escapes",
    ),
    "Gradients": (
        "full-batch-direction",
        "half-data-gradient",
        "direction-saturates",
        "online-zigzag",
        "gradient-spread",
    ),
    "Optimizers and momentum": (
        "momentum-speed",
        "rprop-full-batch",
        "rprop-mini-batch",
        "optimizer-rates",
    ),
    "Regularization": ("decay-overfitting", "decay-not-speed", "l1-sparse"),
    "Normalization": ("norm-gradient-flow", "norm-speed", "norm-initialization"),
}
OTHER = "Further claims"
UNMEASURED = "not-measured"
FIGURES: Mapping[str, str] = {
    "full-batch-direction": "gradient_cosine",
    "gradient-spread": "gradient_magnitudes",
    "rprop-full-batch": "rprop",
    "rprop-mini-batch": "rprop",
    "online-zigzag": "gradient_cosine",
    "half-data-gradient": "gradient_cosine",
    "direction-saturates": "gradient_cosine",
    "noise-escapes": "test_error",
    "hardware-efficiency": "throughput",
    "faster-epochs": "time_to_target",
    "less-oscillation": "learning_curves",
    "memory-bound": "memory",
    "too-small-fails": "time_to_target",
    "more-epochs": "time_to_target",
    "time-optimum": "time_to_target",
    "accuracy-optimum": "test_error",
    "large-batch-generalization": "test_error",
    "grows-with-data": "train_size",
    "decay-overfitting": "generalization_gap",
    "decay-not-speed": "generalization_gap",
    "l1-sparse": "sparsity",
    "momentum-speed": "momentum",
    "norm-gradient-flow": "layer_norms",
    "norm-speed": "normalization",
    "norm-initialization": "normalization_scales",
    "optimizer-rates": "optimizer",
    "table-rows": "time_to_target",
}
COMPARING = {"norm-gradient-flow"}


def scores(tables: Tables, language: Language) -> list[Score]:
    """How many claims got each verdict, in a fixed order."""
    frame = at_home(tables, "claims")
    counts = Counter(frame["verdict"]) if not frame.empty else Counter()
    return [
        Score(_slug(verdict), language.text(told), counts.get(verdict, 0))
        for verdict, told in VERDICTS.items()
    ]


def claims(tables: Tables, figures: Mapping[str, Figure], language: Language) -> list[Claim]:
    """All claims of the home machine."""
    frame = at_home(tables, "claims")
    return [_card(row, figures, language) for _, row in frame.iterrows()]


def themes(claims: Iterable[Claim], language: Language) -> list[Theme]:
    """The claims that got a verdict, by subject."""
    cards = {one.key: one for one in claims if one.verdict != UNMEASURED}
    placed = {name: [cards[key] for key in keys if key in cards] for name, keys in THEMES.items()}
    known = {key for keys in THEMES.values() for key in keys}
    placed[OTHER] = [card for key, card in cards.items() if key not in known]
    return [Theme(language.text(name), found) for name, found in placed.items() if found]


def unmeasured(claims: Iterable[Claim]) -> list[Claim]:
    """The claims that nothing at this scale tests."""
    return [one for one in claims if one.verdict == UNMEASURED]


def _card(row: pd.Series, figures: Mapping[str, Figure], language: Language) -> Claim:
    figure = _evidence(str(row["id"]), figures)
    verdict = str(row["verdict"])
    return Claim(
        key=str(row["id"]),
        text=_told(row, "claim", language),
        verdict=_slug(verdict),
        verdict_text=language.text(VERDICTS.get(verdict, verdict)),
        effect=_effect(row, language),
        evidence=_told(row, "evidence", language),
        rule=_told(row, "rule", language),
        href=f"#figure-{figure.name}" if figure else "",
        figure_title=figure.title if figure else "",
    )


def _evidence(claim: str, figures: Mapping[str, Figure]) -> Figure | None:
    """The claim's figure, unless it compares and its figure has nothing to compare."""
    figure = figures.get(FIGURES.get(claim, ""))
    return None if figure and claim in COMPARING and len(figure.series) < 2 else figure


def _told(row: pd.Series, name: str, language: Language) -> str:
    for column in (f"{name}_{language.code}", f"{name}_en"):
        if column in row and isinstance(row[column], str):
            return language.typeset(str(row[column]))
    return ""


def _effect(row: pd.Series, language: Language) -> str:
    effect, low, high = (row.get(column) for column in ("effect", "low", "high"))
    if effect is None or pd.isna(effect):
        return ""
    label = _told(row, "effect", language) or language.text("effect")
    bounds = "" if low is None or pd.isna(low) or pd.isna(high) else interval(low, high, 3)
    if not bounds:
        return f"{label}: {significant(float(effect))}"
    return language.tell(
        say(
            "{label}: {effect} (95 % interval {interval})",
            label=label,
            effect=significant(float(effect)),
            interval=bounds,
        )
    )


def _slug(verdict: str) -> str:
    return verdict.replace(" ", "-")
