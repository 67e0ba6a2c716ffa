import json
from pathlib import Path

import html5lib
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from batchmark.publishing.site import draw_listing, report_folders
from tests.publishing.example import ANSWER

LANGUAGES = {"en": "English", "zh": "简体中文"}


def _report(archive: Path, name: str, **known: object) -> None:
    (archive / name).mkdir(parents=True)
    (archive / name / "index.html").write_text("x")
    (archive / name / "summary.json").write_text(json.dumps(known))


def test_reports_are_listed_latest_first(tmp_path: Path) -> None:
    known = {"date": "2025-01-31", "machines": ["local"], "answer": ANSWER}
    _report(tmp_path / "reports", "2025-01-31-local-0123abcd", **known)
    _report(tmp_path / "reports", "2026-02-01-gpu-box-0123abcd", machines=["gpu-box"])
    page = draw_listing(tmp_path, LANGUAGES)
    assert page.index("2026-02-01") < page.index("2025-01-31")
    assert 'href="reports/2025-01-31-local-0123abcd/index.html">English</a>' in page
    assert "64 (41–96)" in page
    assert "gpu-box" in page


def test_a_report_without_a_readable_summary_is_listed_by_its_name(tmp_path: Path) -> None:
    _report(tmp_path / "reports", "2025-01-31-my-laptop-0123abcd")
    (tmp_path / "reports/2025-01-31-my-laptop-0123abcd/summary.json").write_text("{")
    assert "<td>2025-01-31-my-laptop-0123abcd</td>" in draw_listing(tmp_path, LANGUAGES)


def test_what_an_archive_says_stays_text(tmp_path: Path) -> None:
    _report(tmp_path / "reports", "2025-01-31-x-0123abcd", machines=["<script>alert(1)</script>"])
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / '"><img src=x>.csv').write_text("")
    page = draw_listing(tmp_path, LANGUAGES)
    assert "<script" not in page
    assert "<img src=x" not in page
    html5lib.HTMLParser(strict=True).parse(page)


def test_only_report_names_are_reports(tmp_path: Path) -> None:
    for name in ("2025-01-31-x-0123abcd", "tables", "2025-01-31-x y", ".git"):
        (tmp_path / name).mkdir()
    (tmp_path / "2025-02-01-file").write_text("")
    assert [path.name for path in report_folders(tmp_path)] == ["2025-01-31-x-0123abcd"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
ANSWERS = VALUES | st.dictionaries(st.sampled_from(sorted(ANSWER)), VALUES)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(machines=VALUES, datasets=VALUES, answer=ANSWERS)
@example(machines=5, datasets=["\ud800"], answer={"best_batch_size": 10**400})
def test_a_summary_of_anything_is_listed(
    tmp_path: Path, machines: object, datasets: object, answer: object
) -> None:
    folder = tmp_path / "reports" / "2025-01-31-x-0123abcd"
    folder.mkdir(parents=True, exist_ok=True)
    known = {"machines": machines, "datasets": datasets, "answer": answer}
    (folder / "summary.json").write_text(json.dumps(known))
    assert b"2025-01-31" in draw_listing(tmp_path, LANGUAGES).encode()
