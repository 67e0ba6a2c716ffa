"""The page as a reader's browser shows it: no request, no error, both themes, phone and desktop."""

import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from batchmark.contract.hyperparameters import Hyperparameters
from tests.report.conftest import Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE, DESKTOP = 360, 1600

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield launched
        launched.close()


class Visit:
    """A page opened from disk, with what went over the network and what it complained about."""

    def __init__(self, page: Page, path: Path, width: int, theme: Literal["light", "dark"]) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._listeners: Mapping[Any, Callable[[Any], None]] = {
            "request": lambda request: self.requests.append(request.url),
            "console": lambda message: self.complaints.append(message.text),
            "pageerror": lambda error: self.complaints.append(str(error)),
        }
        for event, listener in self._listeners.items():
            page.on(event, listener)
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        page.goto(path.as_uri())

    def leave(self) -> None:
        """Forget all that was done there: what the page keeps, and what the test asked of it."""
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)
        self.page.evaluate("localStorage.clear()")
        self.page.emulate_media(media="null")
        self.page.goto("about:blank")


@pytest.fixture(scope="module")
def scripted(browser: Browser) -> Page:
    """One window for all: a new one is a process that takes longer to start than to show a page."""
    return browser.new_page()


@pytest.fixture
def visit(scripted: Page, site: Site) -> Iterator[Callable[..., Visit]]:
    opened: list[Visit] = []

    def open_page(
        width: int = DESKTOP, theme: Literal["light", "dark"] = "light", language: str = "en"
    ) -> Visit:
        leave()
        name = "index.html" if language == "en" else f"index.{language}.html"
        opened.append(Visit(scripted, site.reports / name, width, theme))
        scripted.evaluate("document.querySelectorAll('.more').forEach(o => { o.open = true; })")
        return opened[-1]

    def leave() -> None:
        while opened:
            opened.pop().leave()

    yield open_page
    leave()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_loads_without_a_request_or_a_complaint(
    visit: Callable[..., Visit], width: int, language: str
) -> None:
    seen = visit(width, language=language)
    network = [url for url in seen.requests if not url.startswith(("file:", "data:"))]
    assert not network
    assert len([url for url in seen.requests if url.startswith("file:")]) == 1
    assert not seen.complaints
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


# Rows of the same tags, classes and styles: axe finds of all of them what it finds of two.
WITHOUT_ROWS_ALIKE = """document.querySelectorAll('tbody').forEach(body => {
  const seen = {};
  for (const row of [...body.rows]) {
    const looks = [row, ...row.querySelectorAll('*')]
        .map(one => `${one.tagName} ${one.className} ${one.style.cssText} ${one.role}`).join();
    seen[looks] = (seen[looks] || 0) + 1;
    if (seen[looks] > 2) row.remove();
  }
})"""


@pytest.mark.parametrize(
    ("width", "theme", "language"),
    [(DESKTOP, "light", "en"), (PHONE, "dark", "zh")],
)
def test_axe_finds_no_violation(
    visit: Callable[..., Visit], width: int, theme: str, language: str
) -> None:
    page = visit(width, theme, language).page
    page.evaluate(
        "document.querySelectorAll('details:not(.numbers), #answer details')"
        ".forEach(one => { one.open = true; })"
    )
    page.evaluate(WITHOUT_ROWS_ALIKE)
    # What passes need not be listed, which takes most of its time.
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []


def chosen_by_hand(page: Page) -> list[str]:
    """What the explorer shows of the first study: size, ties, time, sizes tried."""
    return page.locator("#chosen .result").first.locator("dd").all_inner_texts()


@pytest.fixture
def choices(site: Site) -> pd.DataFrame:
    """The table that the explorer reads, at the answer's place."""
    frame = pd.read_csv(site.tables / "choices.csv")
    return frame[(frame["machine"] == "local") & (frame["device"] == "cpu")]


def test_the_explorer_shows_the_numbers_of_the_tables(
    visit: Callable[..., Visit], choices: pd.DataFrame
) -> None:
    page = visit().page
    rows = page.locator("#choices tbody tr")
    assert rows.count() == len(choices)
    main = choices[(choices["study"] == "batch_size")].sort_values("target")
    assert len(main) > 2
    known = main.dropna(subset=["seconds"])[["target", "best_batch_size", "seconds"]]
    for target, best, spent in known.to_numpy(float):
        page.evaluate(f"location.hash = 'explore:target={target:g}'")
        label = f"{100 * target:g}\N{NO-BREAK SPACE}%"
        page.get_by_text(label, exact=True).and_(page.locator("#explorer b")).wait_for()
        size, _, time, *_ = chosen_by_hand(page)
        assert size == f"{best:,.0f}"
        written = float(time.split("\N{NO-BREAK SPACE}")[0])
        seconds = spent / (60 if "min" in time else 1)
        assert written in {float(f"{seconds:.1g}"), float(f"{seconds:.2g}")}


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_the_explorer_by_keyboard_keeps_its_state_everywhere(
    visit: Callable[..., Visit], width: int
) -> None:
    page = visit(width).page
    page.locator("#explorer input[type=range]").focus()
    before = page.locator("#explorer b").inner_text()
    page.keyboard.press("ArrowLeft")
    target = page.locator("#explorer b").inner_text()
    assert target != before
    page.keyboard.press("Tab")
    page.keyboard.type("Adagrad")
    assert page.locator("#explorer select[name=optimizer]").input_value() == "adagrad"
    assert "Not measured in this run." in page.locator("#chosen").inner_text()
    page.locator("#chosen button").focus()
    page.keyboard.press("Enter")
    assert len(chosen_by_hand(page)) > 4
    wanted, shown = page.url, chosen_by_hand(page)
    assert "#explore:target=" in wanted
    page.reload()
    assert (page.url, chosen_by_hand(page)) == (wanted, shown)
    page.locator("a[hreflang]").first.click()
    page.wait_for_url("**/index.zh.html#explore:*")
    assert page.url.partition("#")[2] == wanted.partition("#")[2]
    assert chosen_by_hand(page)[0] == shown[0]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_points_tell_their_values(visit: Callable[..., Visit], width: int) -> None:
    page = visit(width).page
    drawing = page.locator("#figure-optimizer .drawing")
    drawing.focus()
    page.keyboard.press("ArrowRight")
    told = page.locator(".tip").inner_text()
    assert re.search(r"batch size [\d,]+, epochs to target: ", told)
    page.keyboard.press("ArrowRight")
    assert page.locator(".tip").inner_text() != told
    page.keyboard.press("Escape")
    assert not page.locator(".tip").is_visible()
    mark = drawing.locator("[data-tip]").first
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2 + 6, box["y"] + box["height"] / 2)
    assert page.locator(".tip").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_claims_are_found_by_verdict_and_by_words(visit: Callable[..., Visit]) -> None:
    page = visit().page
    every = page.locator("#claims li[id]")
    shown = page.locator("#claims li[id]:visible")
    button = page.locator(".scores [data-verdict=supported] button")
    button.focus()
    page.keyboard.press("Enter")
    assert shown.count() == page.locator("#claims li.supported[id]").count() < every.count()
    page.locator("#claims input").fill("momentum")
    assert 0 < shown.count() < page.locator("#claims li.supported[id]").count()
    assert f"{shown.count()} / {every.count()}" in page.locator("#claims .count").inner_text()
    hidden = page.locator("#claims li[id][hidden]").first.get_attribute("id")
    page.evaluate(f"location.hash = '{hidden}'")
    page.locator(f"#{hidden}").wait_for(state="visible")
    assert page.locator("[aria-pressed=true][data-verdict]").count() == 0


def test_all_tables_come_as_one_file(visit: Callable[..., Visit], site: Site) -> None:
    page = visit().page
    with page.expect_download() as waiting:
        page.locator("#zip").click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == page.locator("#downloads a[download]").count()
        own = (site.tables / "choices.csv").read_bytes()
        assert archive.read("choices.csv") == own


def test_terms_lead_to_the_glossary(visit: Callable[..., Visit]) -> None:
    page = visit().page
    term = page.locator(".limits a.term").first
    meaning = term.get_attribute("title")
    term.click()
    assert page.locator("#glossary dd", has_text=meaning or "?").is_visible()


def test_what_if_is_the_formula_with_the_coefficients_of_the_table(
    visit: Callable[..., Visit], site: Site
) -> None:
    """At factors of one the model's best is its table's; with a step four times as dear, twice."""
    answer = json.loads((site.tables / "answer.json").read_text(encoding="utf-8"))
    fits = pd.read_csv(site.tables / "cost_model.csv").dropna(subset=["b_crit"])
    mine = (fits["machine"] == "local") & (fits["study"] == answer["study"])
    fit = fits[mine & (fits["target"] == answer["target"])].iloc[0]
    page = visit().page
    page.locator(".whatif summary").click()
    said = page.locator(".whatif p")
    assert f"best batch size at {fit['best_batch_size']:,.0f}," in said.inner_text()
    page.locator(".whatif [name=overhead]").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert f"best batch size at {2 * fit['best_batch_size']:,.0f}," in said.inner_text()


def test_another_machine_stands_beside_this_one(
    visit: Callable[..., Visit], tmp_path: Path
) -> None:
    page = visit().page
    page.locator("#compare > summary").click()
    said = page.locator("#compare [role=status]")
    chosen = page.locator("#compare input")
    for content in ("{", "[]", "null", '{"schema_version": "batchmark.site/1"}'):
        (tmp_path / "summary.json").write_text(content, encoding="utf-8")
        chosen.set_input_files(tmp_path / "summary.json")
        said.filter(has_text="This file is not the summary.json").wait_for()
    key = page.locator("#to-compare tbody th").first.get_attribute("data-key")
    row = {"machine": "b", "device": "cpu", "variant": key, "time_to_target": 12.3456}
    answer = {"machine": "b", "device": "cpu", "best_batch_size": 32}
    content = {"schema_version": "batchmark.site/1", "answer": answer, "variants": [row]}
    (tmp_path / "summary.json").write_text(json.dumps(content), encoding="utf-8")
    chosen.set_input_files(tmp_path / "summary.json")
    said.filter(has_text="b: 32 looks fastest").wait_for()
    cells = page.locator("#to-compare tbody tr").first.locator("td").all_inner_texts()
    assert (cells[1], cells[3]) == ("12.3", "not measured")


def test_settings_are_there_to_copy(visit: Callable[..., Visit], site: Site) -> None:
    page = visit().page
    page.locator(".words .settings summary").click()
    code = page.locator(".words .settings pre").all_inner_texts()
    settings = yaml.safe_load(code[0])["settings"]
    answer = json.loads((site.tables / "answer.json").read_text(encoding="utf-8"))
    known = answer.get("best_known") or answer
    summary = pd.read_csv(site.tables / "summary.csv").set_index("variant")
    row = summary.loc[known["variant"]]
    row = row.iloc[0] if isinstance(row, pd.DataFrame) else row
    assert Hyperparameters(**settings).batch_size == row["batch_size"]
    assert settings["learning_rate"] == row["learning_rate"]
    compile(code[1], "keras", "exec")
    assert f"batch_size={row['batch_size']}" in code[1]
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = page.locator(".words .settings button").first
    button.click()
    button.filter(has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == code[0]


def test_a_study_that_recommends_no_size_has_its_fastest_settings_to_copy(
    visit: Callable[..., Visit], site: Site
) -> None:
    page = visit().page
    page.locator("#study-momentum .settings summary").click()
    settings = yaml.safe_load(page.locator("#study-momentum .settings pre").first.inner_text())
    summary = pd.read_csv(site.tables / "summary.csv")
    home = (summary["machine"] == "local") & (summary["device"] == "cpu")
    rows = summary[home & summary["study"].str.contains(r"\bmomentum\b")]
    best = rows.sort_values("time_to_target").iloc[0]
    assert settings["settings"].get("momentum", 0) == best["momentum"]
    assert settings["settings"]["batch_size"] == best["batch_size"]


def test_theme_follows_the_system_and_the_switch(visit: Callable[..., Visit]) -> None:
    page = visit(theme="dark").page
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(paper)
    page.click("#theme")
    light = page.evaluate(paper)
    assert (dark, light) == ("rgb(20, 23, 27)", "rgb(255, 255, 255)")
    page.reload()
    assert page.evaluate(paper) == light


def test_tables_sort_and_filter(visit: Callable[..., Visit]) -> None:
    page = visit().page
    holder = page.locator("#numbers-time_to_target")
    page.locator("#figure-time_to_target details.numbers > summary").click()
    holder.locator("thead button").first.click()
    holder.locator("thead button").first.click()
    first = holder.locator("tbody tr").first.locator("th")
    assert first.inner_text() == "5,000"
    holder.locator("input[type=search]").fill("2,000")
    assert holder.locator("tbody tr:visible").count() < 12
    assert holder.locator("th[aria-sort=descending]").count() == 1


def test_highlights_one_variant_in_all_figures(visit: Callable[..., Visit]) -> None:
    page = visit().page
    page.locator("#figure-optimizer [data-highlight=adam]").click()
    assert page.locator("#figure-optimizer .dim[data-series=sgd]").count() > 0
    assert page.locator("#figure-optimizer_time .dim[data-series=sgd]").count() > 0
    assert page.locator(".dim[data-series=adam]").count() == 0
    page.keyboard.press("Escape")
    assert page.locator(".dim").count() == 0


WIDE = "document.querySelector('{} svg').clientWidth"


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_figures_enlarge(visit: Callable[..., Visit], width: int) -> None:
    page = visit(width).page
    before = page.evaluate(WIDE.format("#figure-throughput"))
    page.locator("[data-zoom=figure-throughput]").click()
    assert page.locator("dialog[open] svg").count() == 1
    assert page.locator("dialog strong").inner_text()
    assert page.evaluate(WIDE.format("dialog")) > before
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate(WIDE.format("#figure-throughput")) == before


def test_the_answer_fits_the_first_screen(visit: Callable[..., Visit]) -> None:
    page = visit(1280).page
    box = page.locator("#figure-time_to_target .drawing svg").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 900
    phone = visit(PHONE).page.locator("#figure-time_to_target .drawing svg").bounding_box()
    assert phone is not None
    assert phone["y"] + phone["height"] <= 2 * 780


def test_the_pictures_caption_is_above_the_fold(visit: Callable[..., Visit]) -> None:
    box = visit(1280).page.locator("#figure-time_to_target figcaption p:not(.hidden)").first
    found = box.bounding_box()
    assert found is not None
    assert found["y"] + found["height"] <= 900


def test_a_place_is_kept_in_the_other_language(visit: Callable[..., Visit]) -> None:
    page = visit().page
    page.locator("#claim-momentum-speed summary").click()
    page.evaluate("location.hash = 'study-momentum'")
    page.locator("a[hreflang]").first.click()
    page.wait_for_url("**/index.zh.html#study-momentum")


def test_downloads_come_from_the_page(visit: Callable[..., Visit], tmp_path: Path) -> None:
    page = visit().page
    with page.expect_download() as waiting:
        page.locator("#figure-time_to_target a[download$='.csv']").first.click()
    waiting.value.save_as(tmp_path / "numbers.csv")
    assert (tmp_path / "numbers.csv").read_text(encoding="utf-8").startswith("batch size,")


def test_small_text_stays_readable_on_a_phone(visit: Callable[..., Visit]) -> None:
    smallest = """Math.min(...[...document.querySelectorAll('.drawing text')].map(text =>
        parseFloat(text.getAttribute('font-size')) * text.ownerSVGElement.clientWidth
        / text.ownerSVGElement.viewBox.baseVal.width))"""
    assert visit(PHONE).page.evaluate(smallest) >= 11


def test_reads_without_javascript(browser: Browser, site: Site) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto((site.reports / "index.html").as_uri())
    assert page.locator(".sentence").inner_text()
    assert page.locator("figure svg").count() >= 25
    assert not page.locator("#theme").is_visible()
    assert not page.locator("#explorer").is_visible()
    page.locator("#choices > summary").click()
    assert page.locator("#choices tbody tr").first.is_visible()


def test_prints_light_after_choosing_dark(visit: Callable[..., Visit]) -> None:
    page = visit(theme="light").page
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.emulate_media(media="print")
    colors = [f"getComputedStyle(document.body).{name}" for name in ("backgroundColor", "color")]
    assert [page.evaluate(one) for one in colors] == ["rgb(255, 255, 255)", "rgb(29, 33, 38)"]


def test_the_narrowest_phones_need_no_scrolling(visit: Callable[..., Visit]) -> None:
    page = visit(320).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_prints(visit: Callable[..., Visit], tmp_path: Path) -> None:
    page = visit(672).page
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 672
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


CLASHES = """() => [...document.querySelectorAll('.drawing')].flatMap(drawing => {
  const frame = drawing.querySelector('svg').getBoundingClientRect();
  const texts = [...drawing.querySelectorAll('text')]
      .map(text => [text.textContent, text.getBoundingClientRect()]);
  const outside = texts.filter(([_, box]) => box.right > frame.right + 2
      || box.left < frame.left - 2 || box.bottom > frame.bottom + 2 || box.top < frame.top - 2);
  const name = drawing.closest('figure').id;
  const pairs = texts.flatMap(([a, one], i) => texts.slice(i + 1)
      .filter(([_, other]) => Math.min(one.right, other.right) - Math.max(one.left, other.left) > 2
          && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 5)
      .map(([b]) => `${name}: ${a} over ${b}`));
  return [...outside.map(([text]) => `${name}: ${text} outside`), ...pairs];
})"""


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_texts_of_figures_stay_inside_and_apart(
    visit: Callable[..., Visit], width: int, language: str
) -> None:
    assert visit(width, language=language).page.evaluate(CLASHES) == []
