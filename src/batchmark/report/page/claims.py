"""The claims: a scoreboard and cards grouped by theme."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd

from batchmark.report.claim_words import THEMES, Words
from batchmark.report.messages import Message, say
from batchmark.report.numbers import interval, significant, typeset
from batchmark.report.page import view
from batchmark.report.page.evidence import evidence
from batchmark.report.page.view import Claim, Figure, Score
from batchmark.report.selection import at_home
from batchmark.report.tables import Tables
from batchmark.report.translation import Language

VERDICTS: Mapping[str, Message] = {
    "supported": say("supported"),
    "refuted": say("refuted"),
    "inconclusive": say("inconclusive"),
    "not measured": say("not measured at this scale"),
}
UNMEASURED = "not-measured"
WORDS = {key: words for theme in THEMES for key, words in theme.claims.items()}


def scores(tables: Tables, language: Language) -> list[Score]:
    """How many claims got each verdict, in a fixed order."""
    frame = at_home(tables, "claims")
    counts = Counter(frame["verdict"]) if not frame.empty else Counter()
    return [
        Score(_slug(verdict), language.tell(said), counts.get(verdict, 0))
        for verdict, said in VERDICTS.items()
    ]


def claims(tables: Tables, figures: Mapping[str, Figure], language: Language) -> list[Claim]:
    """All claims of the home machine."""
    frame = at_home(tables, "claims")
    return [_card(row, figures, language) for _, row in frame.iterrows()]


def themes(claims: Iterable[Claim], language: Language) -> list[view.Theme]:
    """The claims that got a verdict, by subject."""
    cards = {one.key: one for one in claims if one.verdict != UNMEASURED}
    placed = [(theme, [cards[key] for key in theme.claims if key in cards]) for theme in THEMES]
    return [view.Theme(language.tell(theme.title), found) for theme, found in placed if found]


def unmeasured(claims: Iterable[Claim]) -> list[Claim]:
    """The claims that nothing at this scale tests."""
    return [one for one in claims if one.verdict == UNMEASURED]


def _card(row: pd.Series, figures: Mapping[str, Figure], language: Language) -> Claim:
    key, verdict = str(row["id"]), str(row["verdict"])
    words = WORDS[key]
    figure = _figure(words, figures)
    return Claim(
        key=key,
        text=_told(words.statement, language),
        verdict=_slug(verdict),
        verdict_text=language.tell(VERDICTS[verdict]),
        effect=_effect(row, words.effect, language),
        evidence=_told(evidence(words, row), language),
        rule=_told(words.rule, language),
        href=f"#figure-{figure.name}" if figure else "",
        figure_title=figure.title if figure else "",
    )


def _figure(words: Words, figures: Mapping[str, Figure]) -> Figure | None:
    """The claim's figure, unless it compares and its figure has nothing to compare."""
    figure = figures.get(words.figure)
    return None if figure and words.compares and len(figure.series) < 2 else figure


def _told(message: Message, language: Language) -> str:
    return typeset(language.tell(message))


def _effect(row: pd.Series, label: Message, language: Language) -> str:
    effect, low, high = (float(row[column]) for column in ("effect", "low", "high"))
    if math.isnan(effect):
        return ""
    shown = {"label": label, "effect": significant(effect)}
    bounds = interval(low, high, 3)
    if not bounds:
        return _told(say("{label}: {effect}", **shown), language)
    return _told(
        say("{label}: {effect} (95 % interval {interval})", interval=bounds, **shown), language
    )


def _slug(verdict: str) -> str:
    return verdict.replace(" ", "-")
