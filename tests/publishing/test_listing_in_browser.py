"""The pushed site as a reader meets it: over HTTP, in a real browser, in both themes."""

import shutil
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from batchmark.publishing.branch import open_branch, push
from batchmark.publishing.site import build_site, write_listing
from tests.dataset.faulty_server import Handler, serving
from tests.publishing import repositories
from tests.publishing.example import write_project
from tests.publishing.repositories import git

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
KINDS = {".html": "text/html; charset=utf-8", ".svg": "image/svg+xml"}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of the branch that a site was pushed to."""
    repositories.isolate(monkeypatch, tmp_path / "home")
    work = repositories.make(tmp_path)
    write_project(work)
    site = tmp_path / "site"
    site.mkdir()
    build_site(site, work / "reports", work / "results")
    write_listing(site)
    with open_branch(work, "origin", "gh-pages") as branch:
        push(branch, site, "Report")
    remote, clone = str(tmp_path / "remote.git"), tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--branch=gh-pages", remote, str(clone))
    return clone


def _statically(folder: Path) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        path = folder / urllib.request.url2pathname(handler.path).lstrip("/")
        if path.is_file():
            handler.body(path.read_bytes(), ("Content-Type", KINDS.get(path.suffix, "text/plain")))
        else:
            handler.send_error(404)

    return answer


def test_the_list_of_reports_leads_to_a_report(browser: Browser, pushed: Path) -> None:
    with serving(_statically(pushed)) as url:
        page = browser.new_page(viewport={"width": 360, "height": 800})
        said: list[str] = []
        page.on("console", lambda message: said.append(f"{message.location['url']} {message.text}"))
        page.goto(f"{url}reports.html")
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme)
            problems = Axe().run(page).response["violations"]
            assert [(theme, problem["id"]) for problem in problems] == []
        assert page.evaluate("document.images[0].naturalWidth") > 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.get_by_role("link", name="English").click()
        assert page.text_content("p") == "One"
        page.get_by_role("link", name="All reports and files").click()
        assert page.title() == "Reports of batchmark"
        assert [line for line in said if "/favicon.ico" not in line] == []
        page.close()
