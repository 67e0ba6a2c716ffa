"""The words of the claims, and the sentences they make with what the rules found."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from batchmark.claims.verdicts import all_claims
from batchmark.report.catalogue import BY_NAME, OWN, figures_for
from batchmark.report.claim_words import THEMES, Words
from batchmark.report.language.messages import Message, say
from batchmark.report.language.translation import Language, english, languages
from batchmark.report.page.claims import WORDS, Number, doubt, evidence
from tests.report.messages_in_use import ROOT, TEMPLATES

STUDIES = [path.stem for path in (ROOT / "config" / "studies").glob("*.yaml")]
LANGUAGES = {language.code: language for language in languages(TEMPLATES)}


def test_every_claim_has_words_and_every_word_a_claim() -> None:
    assert set(WORDS) == set(all_claims())
    assert sum(len(theme.claims) for theme in THEMES) == len(WORDS)


def test_the_figures_that_claims_point_to_exist() -> None:
    figures = {words.figure for words in WORDS.values()} - {""}
    own = {name for name in figures if name.startswith(f"{OWN}.")}
    assert figures - own <= set(BY_NAME)
    assert own <= set(figures_for({name: [] for name in STUDIES}))


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_every_verdict_has_a_whole_sentence(synthetic_tables: Path, language: Language) -> None:
    table = pd.read_csv(synthetic_tables / "claims.csv")
    assert len(table) == 2 * len(WORDS)
    for _, row in table.iterrows():
        sentence = language.tell(evidence(WORDS[row["id"]], row))
        assert sentence.endswith((".", "。"))
        assert not any(word in sentence for word in ("{", "}", "nan", "None"))


def row(**fields: object) -> "pd.Series[Any]":
    decision = {"effect": 0.0123, "low": -0.01, "high": float("nan"), "margin": 0.0, "n": 3}
    return pd.Series({"verdict": "supported", **decision, "fields": json.dumps(fields)})


def words(text: str, **phrases: Message) -> Words:
    none = Message("")
    needs = say("{one} and {other}", one="momentum", other=say("timings"))
    return Words(none, none, none, Message(text), needs, phrases=phrases)


def test_a_sentence_has_the_numbers_of_the_decision_and_of_the_rule() -> None:
    text = words("{effect:points} points ({low:percent} to {high}, {n} seeds) at {sizes}{more}.")
    message = evidence(text, row(sizes=[10, 25000], more=""))
    assert english().tell(message) == (
        "1.23 points (-1\N{NO-BREAK SPACE}% to ?, 3 seeds) at 10, 25000."
    )


def test_a_phrase_is_part_of_a_sentence_in_its_language() -> None:
    text = words("{what}", networks=say("{count} networks"))
    message = evidence(text, row(what={"phrase": "networks", "count": 5}))
    assert LANGUAGES["zh"].tell(message) == "5 个网络"
    assert LANGUAGES["zh"].tell(evidence(text, row(what=["diverged", 7]))) == "发散、7"
    ended = evidence(text, row(what=["done", "not_learning"]))
    assert str(ended) == "trained to the end, stayed at chance or collapsed"


def test_what_is_not_measured_says_what_it_needs() -> None:
    nothing = row()
    nothing["verdict"] = "not measured"
    message = evidence(words(""), nothing)
    assert str(message) == (
        "It rests on momentum and timings, of which this scale has nothing or too little."
    )


def test_a_single_replicate_has_no_interval_to_print() -> None:
    text = words("It grows {effect} ({low} to {high}) times.")
    single = pd.Series({**row(), "low": float("nan"), "n": 1})
    assert str(evidence(text, single)) == (
        "The number of networks, seeds or pairs behind it, 1, gives no interval."
    )
    assert str(evidence(words("{n} seeds."), single)) == "1 seeds."


def test_an_interval_that_bounds_nothing_is_not_printed() -> None:
    """Two networks whose noise scales grow 20 times and shrink 500 times."""
    text = words("It grows {effect} ({low} to {high}) times.")
    # Student's t of one degree of freedom, 12.7, over logarithms: 0.2 and e^(-13.8), e^(+13.8).
    seen = {"effect": 0.2, "low": 2e-7, "high": 2e5, "n": 2, "verdict": "inconclusive"}
    wide = pd.Series({**row(), **seen})
    assert str(evidence(text, wide)) == (
        "The 2 networks, seeds or pairs behind it do not bound it: the truth may be over 100 times "
        "more or less."
    )
    for told in (
        {"low": 0.01},  # A tenth to a million times: a bound, if on one side only.
        {"verdict": "supported"},
        {"effect": 0.005, "low": 1e-9, "high": 0.01},  # A difference, in the middle.
        {"effect": -1.0, "low": -3.0, "high": 1.0},
    ):
        assert str(evidence(text, pd.Series({**wide, **told}))).startswith("It grows ")


def test_what_is_not_translated_appears_in_english() -> None:
    message = evidence(words("New: {count} of {n}."), row(count=2))
    assert LANGUAGES["zh"].tell(message) == "New: 2 of 3."


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (12345.6, "", "12346"),
        (0.012345, "", "0.0123"),
        (200.0, "", "200"),
        (25000, "", "25000"),
        (float("nan"), "", "?"),
        (None, "points", "?"),
        (0.1465, "points", "14.7"),
        (0.01234, "percent", "1.23\N{NO-BREAK SPACE}%"),
    ],
)
def test_numbers_have_three_digits_and_the_sentence_s_unit(
    value: float | None, style: str, text: str
) -> None:
    assert format(Number(value), style) == text


@pytest.mark.parametrize(("detectable", "told"), [(0.9, True), (1.0, False)])
def test_an_effect_that_cannot_be_is_not_called_detectable(detectable: float, told: bool) -> None:
    """A rank correlation whose interval and detectable effect end at 1."""
    seen = {"effect": 0.6, "low": -0.2, "high": 1.0, "verdict": "inconclusive", "p_fdr": 0.3}
    judged = pd.Series({**row(), **seen, "detectable": detectable})
    assert ("80 % of such experiments" in str(doubt(judged, "", words("")))) == told


def test_an_effect_beyond_the_other_margin_is_not_called_supported() -> None:
    """Equal to within 15 % by so few seeds that 0.87 is told from 1.3, which would be refuted."""
    seen = {"effect": 0.95, "low": 0.66, "high": 1.36, "margin": 1 / 1.15, "p_fdr": 0.5}
    judged = pd.Series({**row(), **seen, "verdict": "inconclusive", "detectable": 1.3})
    assert str(doubt(judged, "", words(""))).endswith(
        "would have told an effect of 1.3 from the margin, 0.87"
    )
