"""What a claim is, and the decorator that registers one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from batchmark.analysis.claims.decision import Decision
from batchmark.analysis.claims.evidence import Evidence

Unit = Literal["plain", "percent", "points"]
Words = dict[str, str]
"""The same text by language: `en` and `zh`."""


@dataclass(frozen=True)
class Finding:
    """A decision and one sentence of evidence; its templates may use any of `numbers`.

    The effect, its bounds, the margin and n are given as `effect`, `low`, `high`, `margin`, `n`.
    """

    decision: Decision
    evidence: Words
    numbers: dict[str, object]


Rule = Callable[[Evidence], Finding | None]


@dataclass(frozen=True)
class Claim:
    """A statement, the study it needs and the rule that decides it (None: not measured)."""

    id: str
    theme: str
    study: str
    statement: Words
    rule: Words
    effect: Words
    decide: Rule
    unit: Unit


CLAIMS: dict[str, Claim] = {}


def claim(  # noqa: PLR0913 one argument a column of the table
    id: str,  # noqa: A002
    *,
    theme: str,
    study: str,
    statement: Words,
    rule: Words,
    effect: Words,
    unit: Unit = "plain",
) -> Callable[[Rule], Rule]:
    """Register a claim.

    `unit`: how sentences show the effect: as it is, a share in percent, or a difference of shares
    in percentage points (a bare number, the sentence names the unit).
    """

    def register(decide: Rule) -> Rule:
        CLAIMS[id] = Claim(id, theme, study, statement, rule, effect, decide, unit)
        return decide

    return register


def finding(decision: Decision, en: str, zh: str, **numbers: object) -> Finding:
    """A finding with its sentence in both languages."""
    return Finding(decision, {"en": en, "zh": zh}, numbers)
