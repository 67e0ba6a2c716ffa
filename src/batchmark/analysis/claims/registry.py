"""What the rule of a claim finds, and the decorator that registers a rule.

The words of the claims are the page's (`batchmark.report.claim_words`): whether a claim holds does
not depend on how it is said.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from batchmark.analysis.claims.decision import Decision
from batchmark.analysis.claims.evidence import Evidence


@dataclass(frozen=True)
class Finding:
    """A decision, and what the sentence of evidence says beside it, by field.

    Fields are numbers, texts, lists of them, or a `phrase`. Shares are shares, not percentages.
    """

    decision: Decision
    fields: Mapping[str, object]


Rule = Callable[[Evidence], Finding | None]

CLAIMS: dict[str, Rule] = {}


def claim(id: str) -> Callable[[Rule], Rule]:  # noqa: A002
    """Register the rule that decides a claim; it returns None when nothing measures it."""

    def register(rule: Rule) -> Rule:
        CLAIMS[id] = rule
        return rule

    return register


def finding(decision: Decision, /, **fields: object) -> Finding:
    """A finding with the fields of its sentence."""
    return Finding(decision, fields)


def phrase(name: str, /, **fields: object) -> dict[str, object]:
    """A part of the sentence that the claim's words have under `name`, with its own fields."""
    return {"phrase": name, **fields}


def bounds(name: str, decision: Decision) -> dict[str, float]:
    """The effect of one part of a claim, with its interval, as the fields `name`, `name_low`, …"""
    return {name: decision.effect, f"{name}_low": decision.low, f"{name}_high": decision.high}
