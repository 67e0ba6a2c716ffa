from pathlib import Path

import pandas as pd
import pytest

from batchmark.report.language.translation import translation
from batchmark.report.page.appendix import COLUMNS, clock_table
from batchmark.report.selection import Tables
from tests.report.messages_in_use import TEMPLATES


@pytest.fixture(scope="module")
def tables(synthetic_tables: Path) -> Tables:
    return Tables(synthetic_tables)


def test_every_timed_graph_has_its_separate_figures(tables: Tables) -> None:
    table = clock_table(tables)
    threads = tables.frame("threads")
    assert len(table.rows) == (threads["machine"] == "local").sum()
    heads = [str(head) for head in COLUMNS.values()]
    assert [str(cell.text) for cell in table.columns] == heads
    row = dict(zip(heads, table.rows[0], strict=True))
    assert (str(row["study"].text), str(row["device"].text)) == ("batch size", "CPU")
    # What the synthetic sessions say of every subject.
    assert [row[name].text for name in ("tracing (s)", "compilation (s)", "first step (s)")] == [
        "0.8",
        "0",
        "0.3",
    ]


def test_a_step_is_a_batch_over_the_throughput(tables: Tables) -> None:
    first = tables.frame("threads").query("machine == 'local'").iloc[0]
    heads = list(COLUMNS)
    step = clock_table(tables).rows[0][heads.index("step_milliseconds")]
    seconds = first["batch_size"] / first["examples_per_second"]
    assert float(str(step.key)) == pytest.approx(1e3 * seconds)


def test_its_heads_are_translated(tables: Tables) -> None:
    zh = translation(TEMPLATES / "zh.po")
    heads = {str(cell.text): zh.printed(cell.text) for cell in clock_table(tables).columns}
    assert {head for head, printed in heads.items() if printed == head} == {"GFLOP/s"}


def test_nothing_timed_is_no_table(tmp_path: Path) -> None:
    columns = ["machine", "device", "study", "subject"]
    pd.DataFrame(columns=columns).to_csv(tmp_path / "threads.csv", index=False)
    (tmp_path / "answer.json").write_text('{"machine": "local"}')
    assert not clock_table(Tables(tmp_path)).rows
