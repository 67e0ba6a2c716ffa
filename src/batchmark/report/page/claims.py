"""The claims, their verdicts and the sentences that their evidence makes."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from batchmark.report import selection
from batchmark.report.claim_words import MIXED, POINTS, THEMES, Words
from batchmark.report.language.messages import (
    SPACE,
    Message,
    Text,
    joined,
    power,
    say,
    significant,
)
from batchmark.report.page import view
from batchmark.report.page.view import Claim, Figure, Score
from batchmark.report.selection import STATUSES, Tables, at_home


@dataclass(frozen=True)
class Number:
    """A number as sentences write it: `{x}`, `{x:points}`, `{x:percent}`, `{x:about}`, `{x:more}`.

    `about`: one digit of it; `more`: a change in points with its sign; `less`: that of a loss.
    """

    value: float | None

    def __format__(self, style: str) -> str:
        if self.value is None or not math.isfinite(self.value):
            return "?"
        if style == "about":
            return significant(self.value, 1)
        if style in _SIGNS:
            return f"{_SIGNS[style] * 100 * self.value:+.3g}"
        if isinstance(self.value, int):
            return str(self.value)
        # With the nine digits of the tables: 100 * 0.1465 is less than 14.65.
        value = float(f"{100 * self.value:.9g}") if style else self.value
        return f"{three_digits(value)}{_UNITS[style]}"


_SIGNS = {"more": 1, "less": -1}


def three_digits(value: float) -> str:
    """With three significant digits; a power of ten where that would be mostly zeros."""
    if value and not LEAST <= abs(value) < MOST:
        return f"{'−' if value < 0 else ''}{power(abs(value))}"
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e+" in text else text


# Outside of these a number is a power of ten.
LEAST, MOST = 1e-4, 1e6
# From here on a chance says no more than that it is small.
SMALL = 0.001


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
        return say(
            "It rests on {needs}, of which this scale has nothing or too little.", needs=words.needs
        )
    if _is_open(verdict):
        return say(
            "The {n} networks, seeds or pairs behind it do not bound it: the truth may be over "
            "{times} times more or less.",
            n=int(verdict["n"]),
            times=TELLING,
        )
    shown = {name: verdict[name] for name in ("effect", "low", "high", "margin")}
    fields = {**json.loads(verdict["fields"]), **shown, "n": int(verdict["n"])}
    alone = math.isnan(float(verdict["low"]))
    if alone and words.alone is None and "{low" in words.evidence.text:
        return say(
            "The number of networks, seeds or pairs behind it, {n}, gives no interval.",
            n=int(verdict["n"]),
        )
    return _filled(words.alone if words.alone and alone else words.evidence, fields, words)


def _filled(text: Message, fields: Mapping[str, Any], words: Words) -> Message:
    return Message(text.text, {name: _field(value, words) for name, value in fields.items()})


def _field(value: Any, words: Words) -> object:
    if isinstance(value, dict):
        return _filled(words.phrases[value["phrase"]], value, words)
    if isinstance(value, list):
        return joined([_part(part, words) for part in value])
    # What a rule does not know of a number.
    if value == "?":
        return Number(None)
    return Message(selection.name(value)) if isinstance(value, str) else Number(value)


def _part(value: Any, words: Words) -> Message:
    """One of several: a phrase, a number, what became of a trial, or a key by its readers' name."""
    if isinstance(value, str) and value in STATUSES:
        return STATUSES[value]
    field = _field(value, words)
    return field if isinstance(field, Message) else Message(selection.name(format(field)))


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
        effect=doubt(row, _effect(row, words), words),
        evidence=evidence(words, row),
        rule=say(
            "The rule: {rule} Last changed on {date} ({digest}).",
            rule=words.rule,
            date=row["changed"],
            digest=row["digest"],
        ),
        reference=_reference(row),
        href=f"#figure-{figure.anchor}" if figure else "",
        figure_title=figure.title if figure else "",
    )


def _reference(row: pd.Series) -> Text:
    """The reference's verdict, where it has one."""
    verdict = row.get("reference")
    if pd.isna(verdict):
        return ""
    return say("The reference: {verdict}.", verdict=VERDICTS[str(verdict)])


def _effect(row: pd.Series, words: Words) -> Text:
    """What was estimated, with its interval; parts of different units have the evidence alone."""
    effect, low, high = (float(row[column]) for column in ("effect", "low", "high"))
    if math.isnan(effect):
        return ""
    if words.unit == MIXED:
        return words.effect
    bounds = "" if _is_open(row) else _between(low, high, words.unit)
    return say(
        "{label}: {effect} (95 % interval {interval})" if bounds else "{label}: {effect}",
        label=words.effect,
        effect=_with_unit(effect, words.unit),
        interval=bounds,
    )


def _in_unit(value: float, unit: str) -> float:
    return 100 * value if unit else value


def _with_unit(value: float, unit: str) -> Text:
    text = three_digits(_in_unit(value, unit)).replace("-", "−")
    return say("{n} points", n=text) if unit == POINTS else text


def _between(low: float, high: float, unit: str) -> str:
    if math.isnan(low) or math.isnan(high):
        return ""
    ends = [three_digits(_in_unit(end, unit)).replace("-", "−") for end in (low, high)]
    return ("–" if low >= 0 else " … ").join(ends)


def doubt(row: pd.Series, effect: Text, words: Words) -> Text:
    """The effect, what the data could have told, and the chance of a false discovery."""
    p = row["p_fdr"]
    if pd.isna(p):
        return effect
    chance = f"< {SMALL}" if p < SMALL else f"= {significant(p, 2)}"
    told = say("{effect}; p {chance} among all claims", effect=effect, chance=chance)
    detectable = row["detectable"]
    decided = row["verdict"] != "inconclusive" or pd.isna(detectable)
    # Like an end of the interval where it is the most, or the least, that there can be.
    if decided or words.unit == MIXED or _is_open(row) or detectable in (row["low"], row["high"]):
        return told
    # Not "supported": of a claim with two margins this is but one.
    return say(
        "{told}; 80 % of such experiments would have told an effect of {detectable} from the "
        "margin, {margin}",
        told=told,
        detectable=_with_unit(detectable, words.unit),
        margin=_with_unit(row["margin"], words.unit),
    )


def _slug(verdict: str) -> str:
    return verdict.replace(" ", "-")
