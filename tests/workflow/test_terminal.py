"""What the run that other tests build on has said, and Snakemake's own report of it."""

import json
import re
from pathlib import Path

from tests.workflow.checkout import Checkout


def test_a_run_says_what_it_does_found_and_ends_with(finished: Checkout) -> None:
    words = (finished.folder / ".locks/terminal.txt").read_text(encoding="utf-8")
    lines = words.splitlines()
    start = next(line for line in lines if line.startswith("Jobs to do: "))
    total = int(re.findall(r"\d+", start)[0])
    ends = [line for line in lines if line.startswith("✓ ")]
    # Data, runs, sessions and probes, and all that takes seconds in one line.
    assert [line for line in ends if line.startswith("✓ download: sample, not MNIST, ")]
    assert [line for line in ends if re.search(r"✓ sgd, batch 50, .*: 50 % (after|not) ", line)]
    assert [line for line in ends if line.startswith("✓ timing of batch size: ")]
    assert [line for line in ends if line.startswith("✓ gradients of ")]
    assert f" · {total} of {total}" in ends[-1]
    assert "collect" in ends[-1]
    after = words[words.index(ends[-1]) :]
    assert "Sample, not MNIST." in after
    assert "What limits this answer" in after
    assert lines[-1] == f"The report: {finished.folder}/reports/index.html"
    assert "\x1b" not in words
    assert not re.search(r"^(rule|localrule|\[|Finished|Select|host:|I0000|WARNING)", words, re.M)


def test_snakemakes_report_opens_on_the_answer_and_lists_what_was_found(
    finished: Checkout, tmp_path: Path
) -> None:
    made = finished.snakemake("--report", str(tmp_path / "report.html"))
    assert made.returncode == 0, made.stderr
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    answer = (finished.folder / "reports/answer.rst").read_text(encoding="utf-8")
    advice = next(line for line in answer.splitlines() if line.startswith("Use batch size"))
    description = html[html.index('id="workflow-desc"') :][:5000]
    assert f"<p>{advice}</p>" in description
    facts = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (finished.folder / "reports/figures").glob("*.json")
    ]
    drawn = {f"{fact['figure']}.svg": fact["measured"] for fact in facts}
    assert {*drawn.values()} == {True, False}
    # Each drawn figure by its name, no stub; tables with rows, too.
    assert {name for name in drawn if f'"name": "{name}"' in html} == {
        name for name, measured in drawn.items() if measured
    }
    assert '"study": "batch size"' in html
    assert '"table": "summary.csv"' in html
    assert '"table": "loops.csv"' not in html
