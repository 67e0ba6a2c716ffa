"""What lacks a translation is listed."""

import shutil
import subprocess
import sys
from pathlib import Path

from batchmark.report.language.untranslated import said, untranslated
from tests.report.messages_in_use import TEMPLATES


def test_texts_of_templates_and_code_are_found() -> None:
    texts = said(TEMPLATES)
    assert len(texts) > 300
    assert {
        "Skip to the answer",  # of a template
        "{n} epochs",  # of code
        "Momentum speeds up convergence.",  # a claim
        "How does the error fall?",  # a figure's question
        "time to target (s)",  # a table's head
        "peak memory (MiB)",  # a figure's quantity
        "cosine to the full gradient",  # an axis
        "share of batch sizes",  # the head of a figure's numbers
        "at the start",  # a curve
        "All reports and files",  # of the site
    } <= texts


def test_what_a_catalogue_lacks_is_listed(tmp_path: Path) -> None:
    templates = tmp_path / "report"
    shutil.copytree(TEMPLATES, templates)
    chinese = templates / "zh.po"
    before = untranslated(templates)["zh"]
    text = chinese.read_text(encoding="utf-8")
    chinese.write_text(text.replace('msgid "Momentum speeds', 'msgid "Momentum slows'))
    after = untranslated(templates)["zh"]
    assert set(after) - set(before) == {"Momentum speeds up convergence."}
    command = [sys.executable, "-m", "batchmark.report.language.untranslated", str(templates)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "zh.po lacks: Momentum speeds up convergence.\n" in done.stdout
