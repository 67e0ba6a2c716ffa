"""The page never contradicts itself: kinds of faults, looked for wherever they might come back."""

import ast
import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

from batchmark.report.claim_words import POINTS, THEMES
from batchmark.report.figures import headline
from batchmark.report.language.messages import SPACE, from_json
from batchmark.report.page import appendix, original
from batchmark.report.page.claims import claims
from batchmark.report.page.studies import variants_table
from batchmark.report.selection import Tables, fate, study_summary
from tests import synthetic
from tests.report.conftest import Site

REPORT = Path(__file__).parents[2] / "src" / "batchmark" / "report"


@pytest.fixture(scope="module")
def tables(synthetic_tables: Path) -> Tables:
    return Tables(synthetic_tables)


def texts(html: str) -> list[str]:
    """What the page says in sentences: answer, titles, findings, evidence of claims."""
    parts = re.findall(
        r"<(?:p|h[2-4]|dd|li|summary)\b[^>]*>(.*?)</(?:p|h[2-4]|dd|li|summary)>", html, re.S
    )
    return [unescape(re.sub(r"<[^>]+>", "", part)).replace(SPACE, " ").strip() for part in parts]


QUANTITIES = {"examples": "examples", "memory": "memory", "epochs": "epochs", "fast": "time",
              "takes": "time", "as long": "time"}  # fmt: skip


def factors(said: list[str]) -> Iterator[tuple[tuple[str, frozenset[str]], str]]:
    """(what of which two batch sizes, the factor) of every sentence that compares them."""
    sizes = {str(size) for size in synthetic.BATCH_SIZES}
    for sentence in said:
        counted = re.sub(r"\d+ (?:seeds|rounds|trials)", "", sentence)
        numbers = [one.rstrip(".,").replace(",", "") for one in re.findall(r"[\d.,]+", counted)]
        named = frozenset(numbers) & sizes
        kinds = [kind for word, kind in QUANTITIES.items() if word in sentence]
        for value in re.findall(r"(?<![\d.–])([\d.]+)(?: \([^)]*\))? (?:×|times)", sentence):
            if kinds and len(named) == 2:
                yield (kinds[0], named), value


def test_no_quantity_has_two_values(site: Site) -> None:
    found: defaultdict[tuple[str, frozenset[str]], set[str]] = defaultdict(set)
    for key, value in factors(sorted(set(texts(site.html())))):
        found[key].add(value)
    assert {key: values for key, values in found.items() if len(values) > 1} == {}
    predicted = re.findall(r"predicted[^.]*?(\d[\d,]{3,})", " ".join(texts(site.html())))
    assert len(set(predicted)) <= 1


def test_no_ratio_for_what_never_arrived(tables: Tables) -> None:
    missed = 0
    for study in synthetic.example_settings():
        rows = study_summary(tables, study).drop_duplicates("variant")
        table = variants_table(study, rows, tables)
        if not str(table.columns[-1].text).startswith("time to target, "):
            continue
        for (_, row), cells in zip(rows.iterrows(), table.rows, strict=True):
            if pd.isna(row["epochs_to_target"]):
                missed += 1
                assert not re.search(r"\d", f"{cells[-1].text}{cells[-1].under}")
    assert missed > 3


def test_a_claim_that_counts_misses_says_how_many() -> None:
    words = {key: words for theme in THEMES for key, words in theme.claims.items()}
    counting = {key: one for key, one in words.items() if "counts as the budget" in str(one.rule)}
    assert len(counting) >= 4
    for key, one in counting.items():
        assert re.search(r"\{(missed|informative|warning)\}", one.evidence.text), key


# What may be negative is told as a change with its sign: "falls by −0.18 points" rises.
DIRECTIONS = re.compile(
    r"(?<!\{)\b(lower|higher|narrower|closer|raises?|lowers?|falls?|grows?|shrinks?|gains?|loses?)\b"
    r"(?! by a factor)[^.;{]*\{\w+:(?:points|more|less)\}|\}(?: points)? (?:lower|higher|narrower)"
)


def test_a_change_of_either_sign_has_no_direction_in_words() -> None:
    sentences = [str(one.evidence.text) for theme in THEMES for one in theme.claims.values()]
    assert [text for text in sentences if DIRECTIONS.search(text)] == []
    assert DIRECTIONS.search("its test error falls by {effect:points} points")


def test_effects_in_points_are_told_in_points_everywhere(tables: Tables) -> None:
    """A claim's sentence and the line below it have one quantity: no share beside points."""
    words = {key: one for theme in THEMES for key, one in theme.claims.items()}
    in_points = {key for key, one in words.items() if "{effect:" in one.evidence.text}
    in_points -= {"too-small-fails"}  # A share of trials.
    assert {key for key in in_points if words[key].unit != POINTS} == set()
    told = [
        str(card.effect)
        for card in claims(tables, {})
        if words[card.key].unit == POINTS and card.effect
    ]
    assert told
    assert [text for text in told if "points" not in text] == []


def messages(*folders: str) -> Iterator[tuple[str, bool]]:
    """(text, whether an alternative is chosen instead of it somewhere) of everything said."""
    for folder in folders:
        for path in sorted((REPORT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                    chosen = isinstance(node.args[0], ast.IfExp)
                    for one in ast.walk(node.args[0]):
                        if isinstance(one, ast.Constant) and isinstance(one.value, str):
                            yield one.value, chosen


WINS = re.compile(r"\b(fastest|fewest|lowest|highest|narrows|trains most|target first)\b")
HEDGES = re.compile(
    r"[Bb]y (?:medians|estimates alone)|not told apart|cannot be told|not shown|[Mm]ost likely"
    r"|may be the fastest|^A batch size from"
)
# What is drawn, how it was measured, and a pair that a test has told apart.
NO_TITLES = re.compile(
    r"^(Line chart|Measured|Intervals|Step chart|Base:|Median|Grey|Workloads|Which|How)"
    r"|\bfirst test\b"
)
TOLD = {
    "Batch size {size}, the fastest at {target}, is beaten at {lost}",
    "Batch size {best} reaches the target first; {worst} takes {most}",
    "Batch size {best} trains most examples a second, {rate}; batch size {first} trains {least}",
}


def test_titles_that_name_a_winner_say_whether_it_is_told_apart() -> None:
    said = [text for text, _ in messages("figures", "drawing") if WINS.search(text)]
    unhedged = {text for text in said if not HEDGES.search(text) and not NO_TITLES.search(text)}
    assert unhedged - TOLD == set()
    # Each of these has an alternative for where the test tells nothing apart.
    assert {text for text, chosen in messages("figures", "drawing") if chosen} >= TOLD


def test_no_advice_without_data() -> None:
    """Whoever is told to do something is told a number of this run."""
    orders = r"^(Use|Take|Choose|Prefer|Measure|Normalize|Try|Do not|Lower|Avoid|Expect)\b"
    told = [text for text, _ in messages("page", "figures") if re.search(orders, text)]
    assert told
    assert [text for text in told if "{" not in text] == []


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        ("not_learning", 0.9, "stayed at chance"),
        ("not_learning", 0.4, "learned, then collapsed"),
        ("diverged", 0.9, "diverged"),
    ],
)
def test_at_chance_stayed_only_what_never_learned(status: str, error: float, words: str) -> None:
    row = pd.Series({"status": status, "best_validation_error": error})
    assert str(fate(row)) == words
    assert fate(pd.Series({"status": "done", "best_validation_error": 0.9})) is None


def test_the_downloaded_table_has_the_units_of_its_heads(tables: Tables) -> None:
    download = original.headline(tables).download
    assert download is not None
    text = unquote(download.uri.partition(",")[2])
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(text))}
    assert "nan" not in text
    errors = [float(value) for value in rows["final test error (%)"] if value]
    summary = study_summary(tables, "batch_size").set_index("batch_size")
    assert errors[0] == pytest.approx(100 * summary["final_test_error"][5000])
    assert rows["total epochs"][0] == "4"


def test_counts_are_not_cut_off(tables: Tables) -> None:
    row = pd.Series({"epochs": 1.5, "steps_per_epoch": 195, "reached": 1, "status": "done"})
    epochs, iterations = original.measures(1, 1)[:2]
    assert epochs.write(epochs.value(row)) == "1.5"
    # What is trained is round(292.5) = 292 steps.
    assert iterations.write(iterations.value(row)) == "292"


def test_names_of_others_keep_their_underscores(tmp_path: Path) -> None:
    (tmp_path / "environment.json").write_text(
        '{"local/cpu": {"switches": {"TF_ENABLE_ONEDNN_OPTS": "1"}, "image_shape": [28]}}',
        encoding="utf-8",
    )
    terms = [str(fact.term) for fact in appendix.environment(Tables(tmp_path))[0].facts]
    assert terms == ["switches · TF_ENABLE_ONEDNN_OPTS", "image shape"]


def test_a_sample_is_not_drawn_beside_published_numbers(tables: Tables, tmp_path: Path) -> None:
    for path in tables.folder.iterdir():
        text = path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(text.replace('"mnist"', '"sample"'), encoding="utf-8")
    for folder, expected in ((tables.folder, True), (tmp_path, False)):
        drawn = headline.time_to_target(Tables(folder))
        assert drawn is not None
        words = [text.get_text() for axes in drawn.figure.axes for text in axes.texts]
        assert ("published" in words) == expected
        assert any(cell.under for cell in original.headline(Tables(folder)).rows[0][1:]) == expected


def test_every_figure_has_intervals_or_says_why_not(site: Site) -> None:
    bare: list[str] = []
    for path in sorted(site.figures.glob("*.json")):
        facts = site.facts(path.stem)
        if facts["measured"]:
            notes = " ".join(str(from_json(note)) for note in facts["notes"])
            bounded = any(re.search(r"\b(low|smallest)\b", column) for column in facts["columns"])
            if not bounded and not re.search(r"without intervals?|too few trials", notes):
                bare.append(path.stem)
    assert bare == []


def test_titles_about_a_target_name_the_learning_rate(site: Site) -> None:
    titles = [
        str(from_json(facts["title"]))
        for path in site.figures.glob("*.json")
        if (facts := site.facts(path.stem))["measured"] and facts["title"]
    ]
    about = [
        title
        for title in titles
        if re.search(r"needs|takes .* as long|not reached|told apart|vary by", title)
    ]
    assert len(about) > 5
    assert [one for one in about if "learning rate" not in one and "target first" not in one] == []
