"""What the run that other tests build on has said: pipes get lines, no bar and no chatter."""

import re

from tests.workflow.checkout import Checkout


def test_a_run_says_what_it_does_found_and_ends_with(finished: Checkout) -> None:
    words = (finished.folder / ".locks/terminal.txt").read_text(encoding="utf-8")
    lines = words.splitlines()
    start = next(line for line in lines if " jobs: " in line)
    total = int(start.split()[0])
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
