"""The claims, their verdicts and the sentences that their evidence makes."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from batchmark.report import selection
from batchmark.report.claim_words import THEMES, Words
from batchmark.report.language.messages import (
    SPACE,
    Message,
    Text,
    interval,
    joined,
    say,
    significant,
)
from batchmark.report.page import view
from batchmark.report.page.view import Claim, Figure, Score
from batchmark.report.selection import STATUSES, Tables, at_home


@dataclass(frozen=True)
class Number:
    """A number as sentences write it: `{x}`, `{x:points}`, `{x:percent}`, `{x:about}`, `{x:less}`.

    `about`: one digit of it; `less`: what is lost in points, as a change with its sign.
    """

    value: float | None

    def __format__(self, style: str) -> str:
        if self.value is None or not math.isfinite(self.value):
            return "?"
        if style == "about":
            return significant(self.value, 1)
        if style == "less":
            return f"{-100 * self.value:+.3g}"
        if isinstance(self.value, int):
            return str(self.value)
        # With the nine digits of the tables: 100 * 0.1465 is less than 14.65.
        value = float(f"{100 * self.value:.9g}") if style else self.value
        text = f"{value:.3g}"
        # Three significant digits, no exponent where it can be avoided.
        return f"{f'{value:.0f}' if 'e+' in text and abs(value) < 1e7 else text}{_UNITS[style]}"


# Of points the sentence names the unit.
_UNITS = {"": "", "points": "", "percent": f"{SPACE}%"}
# An interval that reaches as many times beyond a ratio, and below it, tells nothing of it.
TELLING = 100


def _is_open(verdict: "pd.Series[Any]") -> bool:
    """Whether so little stands behind an undecided ratio that its interval would only mislead."""
    effect, low, high = (float(verdict[column]) for column in ("effect", "low", "high"))
    undecided = verdict["verdict"] == "inconclusive"
    # A difference lies in the middle of its interval, never so near to one end.
    return undecided and 0 <= low < effect / TELLING and high > effect * TELLING


def evidence(words: Words, verdict: "pd.Series[Any]") -> Message:
    """What a claim's row of `claims.csv` says, or what would have to be measured."""
    if verdict["verdict"] == "not measured":
        return say("Nothing at this scale measures it: it needs {needs}.", needs=words.needs)
    if _is_open(verdict):
        return say(
            "The {n} networks, seeds or pairs behind it do not bound it: the truth may be over "
            "{times} times more or less.",
            n=int(verdict["n"]),
            times=TELLING,
        )
    shown = {name: verdict[name] for name in ("effect", "low", "high", "margin")}
    fields = {**json.loads(verdict["fields"]), **shown, "n": int(verdict["n"])}
    return _filled(words.evidence, fields, words)


def _filled(text: Message, fields: Mapping[str, Any], words: Words) -> Message:
    return Message(text.text, {name: _field(value, words) for name, value in fields.items()})


def _field(value: Any, words: Words) -> object:
    if isinstance(value, dict):
        return _filled(words.phrases[value["phrase"]], value, words)
    if isinstance(value, list):
        return joined([_part(part, words) for part in value])
    # What a rule does not know of a number.
    return Number(None) if value == "?" else value if isinstance(value, str) else Number(value)


def _part(value: Any, words: Words) -> Message:
    """One of several: a phrase, a number, or a key by its readers' name."""
    field = _field(value, words)
    if isinstance(field, Message):
        return field
    return STATUSES.get(str(value)) or Message(selection.name(format(field)))


VERDICTS: Mapping[str, Message] = {
    "supported": say("supported"),
    "refuted": say("refuted"),
    "inconclusive": say("inconclusive"),
    "not measured": say("not measured at this scale"),
}
UNMEASURED = "not-measured"
WORDS = {key: words for theme in THEMES for key, words in theme.claims.items()}


def scores(tables: Tables) -> list[Score]:
    """How many claims got each verdict, in a fixed order."""
    frame = at_home(tables, "claims")
    counts = Counter(frame["verdict"]) if not frame.empty else Counter()
    return [
        Score(_slug(verdict), words, counts.get(verdict, 0)) for verdict, words in VERDICTS.items()
    ]


def claims(tables: Tables, figures: Mapping[str, Figure]) -> list[Claim]:
    """All claims of the home machine."""
    frame = at_home(tables, "claims")
    return [_card(row, figures) for _, row in frame.iterrows()]


def themes(claims: Iterable[Claim]) -> list[view.Theme]:
    """The claims that got a verdict, by subject."""
    cards = {claim.key: claim for claim in claims if claim.verdict != UNMEASURED}
    parts = [
        view.Theme(theme.title, [cards[key] for key in theme.claims if key in cards])
        for theme in THEMES
    ]
    return [part for part in parts if part.claims]


def unmeasured(claims: Iterable[Claim]) -> list[Claim]:
    """The claims that nothing at this scale tests."""
    return [claim for claim in claims if claim.verdict == UNMEASURED]


def _card(row: pd.Series, figures: Mapping[str, Figure]) -> Claim:
    key, verdict = str(row["id"]), str(row["verdict"])
    words = WORDS[key]
    figure = figures.get(words.figure)
    # A figure of one curve compares nothing, which such a claim is about.
    if figure and words.compares and len(figure.series) < 2:
        figure = None
    return Claim(
        key=key,
        text=words.statement,
        verdict=_slug(verdict),
        verdict_text=VERDICTS[verdict],
        effect=_doubt(row, _effect(row, words.effect)),
        evidence=evidence(words, row),
        rule=say(
            "{rule} Last changed on {date} ({digest}).",
            rule=words.rule,
            date=row["changed"],
            digest=row["digest"],
        ),
        reference=_reference(row),
        href=f"#figure-{figure.name}" if figure else "",
        figure_title=figure.title if figure else "",
    )


def _reference(row: pd.Series) -> Text:
    """The reference's verdict, where it has one and this is not its own page."""
    verdict = row.get("reference")
    if pd.isna(verdict) or row["machine"] == "reference":
        return ""
    return say("The reference: {verdict}.", verdict=VERDICTS[str(verdict)])


def _effect(row: pd.Series, label: Message) -> Text:
    effect, low, high = (float(row[column]) for column in ("effect", "low", "high"))
    if math.isnan(effect):
        return ""
    bounds = "" if _is_open(row) else interval(low, high, 3)
    return say(
        "{label}: {effect} (95 % interval {interval})" if bounds else "{label}: {effect}",
        label=label,
        effect=significant(effect),
        interval=bounds,
    )


def _doubt(row: pd.Series, effect: Text) -> Text:
    """The effect, what the data could have told, and the chance of a false discovery."""
    if pd.isna(row["p_fdr"]):
        return effect
    told = say("{effect}; p = {p} among all claims", effect=effect, p=significant(row["p_fdr"]))
    if row["verdict"] != "inconclusive" or pd.isna(row["detectable"]) or _is_open(row):
        return told
    return say(
        "{told}; an effect of {detectable} would have been supported in 80 % of such experiments",
        told=told,
        detectable=significant(row["detectable"]),
    )


def _slug(verdict: str) -> str:
    return verdict.replace(" ", "-")
