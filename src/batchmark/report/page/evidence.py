"""The sentence of evidence for a verdict: the claim's words with what its rule found."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from batchmark.report.claim_words import Words
from batchmark.report.messages import Message, say
from batchmark.report.numbers import SPACE
from batchmark.report.phrases import joined


@dataclass(frozen=True)
class Number:
    """A number that sentences write as `{x}`, in points `{x:points}` or percent `{x:percent}`."""

    value: float | None

    def __format__(self, style: str) -> str:
        if self.value is None or not math.isfinite(self.value):
            return "?"
        if isinstance(self.value, int):
            return str(self.value)
        return f"{_rounded(_hundredfold(self.value) if style else self.value)}{_UNITS[style]}"


# Of points the sentence names the unit.
_UNITS = {"": "", "points": "", "percent": f"{SPACE}%"}


def evidence(words: Words, verdict: "pd.Series[Any]") -> Message:
    """What a claim's row of `claims.csv` says, or what would have to be measured."""
    if verdict["verdict"] == "not measured":
        return say("Nothing at this scale measures it: it needs {needs}.", needs=words.needs)
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
    return value if isinstance(value, str) else Number(value)


def _part(value: Any, words: Words) -> Message:
    field = _field(value, words)
    return field if isinstance(field, Message) else Message(format(field))


def _hundredfold(share: float) -> float:
    """With the nine digits of the tables: 100 * 0.1465 is less than 14.65."""
    return float(f"{100 * share:.9g}")


def _rounded(value: float) -> str:
    """Three significant digits, no exponent where it can be avoided."""
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e+" in text and abs(value) < 1e7 else text
