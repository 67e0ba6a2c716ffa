"""`publish` as the workflow calls it, against a bare repository and opened over HTTP."""

import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dataset.faulty_server import Handler, serving
from tests.publishing import repositories
from tests.publishing.example import write_project
from tests.publishing.repositories import git


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    repositories.isolate(monkeypatch, tmp_path / "home")
    work = repositories.make(tmp_path)
    (work / ".gitignore").write_text("/reports/\n/results/\n")
    write_project(work)
    return work


def _publish(work: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "batchmark.stages.publish", "--reports", "reports"]
    folders = ["--results", "results", "--site", "reports/site", *arguments]
    return subprocess.run(
        [*command, *folders], cwd=work, check=False, capture_output=True, text=True
    )


def _checked_out(work: Path, folder: str) -> Path:
    target = work.parent / folder
    bare = str(work.parent / "remote.git")
    git(work.parent, "clone", "--quiet", "--branch=gh-pages", bare, str(target))
    return target


def _statically(folder: Path) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        path = folder / urllib.request.url2pathname(handler.path).lstrip("/")
        handler.body(path.read_bytes()) if path.is_file() else handler.send_error(404)

    return answer


def test_without_a_remote_the_site_is_built(work: Path) -> None:
    done = _publish(work)
    assert done.returncode == 0, done.stderr
    assert (work / "reports/site/reports.html").is_file()


def test_reports_published_from_here_before_stay_listed(work: Path) -> None:
    _publish(work)
    write_project(work, page="<p>Two</p>", started="2026-11-24T00:00:00Z")
    _publish(work)
    assert len(list((work / "reports/site/reports").iterdir())) == 2


def test_the_pushed_site_can_be_read_over_http_and_every_link_leads_somewhere(work: Path) -> None:
    before = repositories.state(work)
    done = _publish(work, "--remote", "origin")
    assert done.returncode == 0, done.stderr
    assert "pushed to gh-pages of origin" in done.stderr
    assert repositories.state(work) == before
    with serving(_statically(_checked_out(work, "site"))) as url:
        for page in ("index.html", "reports.html"):
            text = urllib.request.urlopen(url + page).read().decode()  # noqa: S310
            for link in re.findall(r'(?:href|src)="([^"]+)"', text):
                assert urllib.request.urlopen(url + link).status == 200  # noqa: S310


def test_reports_accumulate_on_the_branch_and_nothing_new_pushes_nothing(work: Path) -> None:
    _publish(work, "--remote", "origin")
    write_project(work, page="<p>Two</p>", started="2026-11-24T00:00:00Z")
    # Another machine: no archive of its own.
    subprocess.run(["rm", "-rf", "reports/archive"], cwd=work, check=True)
    _publish(work, "--remote", "origin")
    site = _checked_out(work, "site")
    assert len(list((site / "reports").iterdir())) == 2
    assert (site / "reports.html").read_text().count("<tr>") == 3
    tip = git(work.parent / "remote.git", "rev-parse", "gh-pages")
    again = _publish(work, "--remote", "origin")
    assert "already on gh-pages of origin" in again.stderr
    assert git(work.parent / "remote.git", "rev-parse", "gh-pages") == tip


def test_a_refused_push_leaves_the_site_on_disk(work: Path) -> None:
    done = _publish(work, "--remote", str(work.parent / "nowhere.git"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("batchmark: Nothing was published: git ls-rem")
    assert "Traceback" not in done.stderr
    assert (work / "reports/site/index.html").is_file()


@pytest.mark.parametrize("folder", [str(Path.home()), sys.prefix, tempfile.gettempdir()])
def test_a_page_that_names_a_folder_of_this_machine_is_not_published(
    work: Path, folder: str
) -> None:
    page = work / "reports/index.html"
    page.write_text(page.read_text() + f"<p>{folder}/y</p>")
    done = _publish(work, "--remote", "origin")
    assert done.returncode == 1
    assert re.match(r"batchmark: Nothing was published: index.html holds '.+', which", done.stderr)
    assert not (work / "reports/site").exists()


def test_an_earlier_page_with_a_password_stops_the_publishing(work: Path) -> None:
    _publish(work)
    (page,) = (work / "reports/archive").glob("*/index.html")
    page.write_text("mirrors: [https://joe:secret@example.org]")
    write_project(work, page="<p>Two</p>", started="2026-11-24T00:00:00Z")
    done = _publish(work)
    assert f"reports/{page.parent.name}/index.html holds an address with a password" in done.stderr


def test_a_password_in_the_remote_is_never_said(work: Path) -> None:
    remote = {"remote": "https://joe:secret@localhost:1/x.git", "branch": "gh-pages"}
    (work / "request.json").write_text(json.dumps(remote))
    done = _publish(work, "--request", "request.json")
    assert done.returncode == 1
    assert "localhost:1/x.git" in done.stderr
    assert "secret" not in done.stderr
