import zipfile
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.record import write_result
from batchmark.publishing.site import PLACE, add_reports, build_site, refuse_traces, write_listing
from batchmark.publishing.summary import Identity
from tests.publishing.example import VARIANT, run, write_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_project(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def me(project: Path) -> Identity:
    return Identity(("kraken-7",), "ada", (str(project),))


def _build(project: Path, name: str, identity: Identity) -> Path:
    site = project.parent / name
    site.mkdir()
    build_site(site, project / "reports", project / "results")
    refuse_traces(site, identity)
    write_listing(site)
    return site


def _content(site: Path) -> dict[str, bytes]:
    return {str(p.relative_to(site)): p.read_bytes() for p in site.rglob("*") if p.is_file()}


def test_a_site_holds_everything(project: Path, me: Identity) -> None:
    site = _build(project, "site", me)
    names = sorted(_content(site))
    report = next(name for name in names if name.startswith("reports/")).split("/")[1]
    assert report.startswith("2026-11-23-local-")
    assert names == [
        "badge.svg",
        "figures/momentum.svg",
        "index.html",
        "index.zh.html",
        "reports.html",
        f"reports/{report}/index.html",
        f"reports/{report}/index.zh.html",
        f"reports/{report}/summary.json",
        "results.zip",
        "summary.json",
        "tables/results.csv",
        "tables/summary.csv",
    ]


def test_pages_lead_to_the_other_reports(project: Path, me: Identity) -> None:
    site = _build(project, "site", me)
    assert '<a href="reports.html">All reports and files</a>' in (site / "index.html").read_text()
    assert '<a href="reports.html">全部报告与文件</a>' in (site / "index.zh.html").read_text()
    archived = next(site.glob("reports/*/index.html"))
    assert (archived.parent / "../../reports.html").is_file()
    assert '<a href="../../reports.html">' in archived.read_text()


def test_a_report_has_room_for_the_link_in_its_footer() -> None:
    template = Path(__file__).parents[2] / "workflow/report/page.html"
    footer = template.read_text(encoding="utf-8").partition("<footer>")[2]
    assert PLACE in footer.partition("</footer>")[0]


def test_the_same_report_gives_the_same_site(project: Path, me: Identity) -> None:
    assert _content(_build(project, "a", me)) == _content(_build(project, "b", me))


def test_paths_are_taken_out_of_results_and_tables(project: Path, me: Identity) -> None:
    message = f"no file {project}/data/mnist.npz, says /home/bob/lib.py"
    write_result(project / f"results/local/cpu/runs/{VARIANT}.json", run(message=message))
    (project / "results/tables/warnings.csv").write_text(f"text\n{message}\n")
    site = _build(project, "site", me)
    with zipfile.ZipFile(site / "results.zip") as archive:
        packed = archive.read(archive.namelist()[0]).decode()
    for text in (packed, (site / "tables/warnings.csv").read_text()):
        assert "no file …, says …" in text


@pytest.mark.parametrize("where", ["reports/index.html", "results/tables/summary.csv"])
def test_a_name_that_is_left_stops_the_publishing(project: Path, me: Identity, where: str) -> None:
    (project / where).write_text("made on kraken-7")
    with pytest.raises(UserError, match=r"Nothing was published: .* holds 'kraken-7'"):
        _build(project, "site", me)


def test_a_name_in_the_raw_results_stops_the_publishing(project: Path, me: Identity) -> None:
    write_result(project / f"results/local/cpu/runs/{VARIANT}.json", run(message="ada@kraken-7"))
    with pytest.raises(UserError, match=r"results\.zip: results/local/cpu/runs"):
        _build(project, "site", me)


def test_without_a_report_one_is_asked_for(project: Path, me: Identity) -> None:
    (project / "reports/index.html").unlink()
    with pytest.raises(UserError, match="run `make report`"):
        _build(project, "site", me)


def test_earlier_reports_are_taken_in_and_never_replaced(project: Path, me: Identity) -> None:
    first = _build(project, "first", me)
    write_project(project, page="<p>Two</p>", started="2026-11-24T00:00:00Z")
    second = _build(project, "second", me)
    for path in first.glob("reports/*/index.html"):
        path.write_text("old")
    add_reports(second, first / "reports")
    add_reports(second, second / "reports")
    pages = [path.read_text() for path in sorted(second.glob("reports/*/index.html"))]
    assert len(pages) == 2
    assert pages[0] == "old"
    assert "Two" in pages[1]
