"""The finished page: valid, self-contained, escaped, translated, and nobody's address in it."""

import re
from html import unescape
from pathlib import Path

import html5lib
import pytest
import yaml

from tests.report.conftest import HOSTILE, Site
from tests.report.messages_in_use import ROOT


@pytest.fixture(params=["en", "zh"])
def html(request: pytest.FixtureRequest, site: Site) -> str:
    return site.html(request.param)


def test_is_valid_html(html: str) -> None:
    parser = html5lib.HTMLParser(strict=True)
    parser.parse(html)


def test_ids_are_words(html: str) -> None:
    ids = re.findall(r' id="([^"]*)"', html)
    assert ids
    assert [one for one in ids if not re.fullmatch(r"[A-Za-z][\w-]*", one)] == []


def test_uses_elements_as_they_are_meant(html: str) -> None:
    assert 'role="region"' not in html
    assert re.findall(r"</figcaption>\s*<(?!/figure>)", html) == []


def test_ids_are_unique_and_links_lead_somewhere(html: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    inside = set(re.findall(r'href="#([^"]+)"', html))
    assert inside <= set(ids)


def test_links_to_pages_that_are_there(html: str, site: Site) -> None:
    pages = re.findall(r'href="([^"#:]+)"', html)
    assert pages
    assert [one for one in pages if not (site.reports / one).is_file()] == []


def test_no_value_is_left_empty(html: str) -> None:
    text = re.sub(r"<(style|script)\b.*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL)
    assert re.findall(r".{30}(?:\(\s*\)|（\s*）|\bnan\b|\bNone\b|\binf\b).{9}", text) == []


def test_refers_to_nothing_outside(html: str) -> None:
    addresses = re.findall(r'(?:href|src|action)="([^"#][^"]*)"', html)
    outside = [one for one in addresses if not one.startswith(("data:", "index."))]
    assert not outside
    assert "default-src 'none'" in unescape(html)
    assert "@import" not in html
    assert "unsafe" not in html


def test_is_small(html: str) -> None:
    assert len(html.encode()) < 3_000_000


def test_escapes_what_others_wrote(html: str) -> None:
    assert HOSTILE not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;" in html


def test_holds_no_path_of_the_machine_that_made_it(html: str, site: Site) -> None:
    assert "somebody" not in html
    assert str(site.reports) not in html
    assert not re.search(r"(?<![\w/:.])/(?:home|root|work|tmp|Users)/", html)


def test_answers_first(site: Site) -> None:
    html = site.html()
    sentence = html.index('class="sentence"')
    assert sentence < html.index("<svg", html.index("<body")) < html.index('id="claims"')
    assert re.search(r'class="sentence">Use batch size [\d,]+', html)


def test_a_study_shows_a_row_of_figures_and_folds_the_others(html: str) -> None:
    """Wide sections first, then those that stand beside each other, then those without a figure."""
    inside = html[html.index('id="studies"') : html.index('id="hood"')]
    studies = inside.split('<section class="study')[1:]
    shown = [study.split('<details class="more"')[0].count("<figure") for study in studies]
    assert max(shown) == 2
    assert shown == sorted(shown, reverse=True)
    assert sum(study.count("<figure") for study in studies) > sum(shown)


def test_languages_link_to_each_other(site: Site) -> None:
    assert 'href="index.zh.html"' in site.html("en")
    assert 'href="index.html"' in site.html("zh")
    assert '<html lang="zh-Hans">' in site.html("zh")
    assert "达标用时" in site.html("zh")


def test_every_figure_has_words_and_numbers(html: str) -> None:
    figures = re.findall(r"<figure.*?</figure>", html, flags=re.DOTALL)
    assert len(figures) >= 25
    for figure in figures:
        assert re.search(r'class="hidden">[^<]{20,}', figure)
        assert "<table" in figure
        assert 'download="' in figure


def test_headline_table_shows_the_published_values(site: Site) -> None:
    table = re.search(r'id="headline".*?</table>', site.html(), flags=re.DOTALL)
    assert table is not None
    assert table[0].count('scope="col"') == 13
    assert table[0].count('scope="row"') == 9
    assert "<small>199,999 · " in table[0]
    assert "stayed at chance" in table[0]


def test_failures_are_shown_with_their_log(site: Site) -> None:
    html = site.html()
    assert 'id="failures"' in html
    assert "File …, line 1" in html


def test_figures_are_small(site: Site) -> None:
    sizes = {path.name: path.stat().st_size for path in Path(site.figures).glob("*.svg")}
    assert max(sizes.values()) < 80_000


def test_the_citation_is_that_of_the_project(site: Site) -> None:
    known = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    citation = re.search(r'id="cite".*?</pre>', site.html(), flags=re.DOTALL)
    assert citation is not None
    assert f"title = {{{known['title']}}}" in citation[0]
    assert f"version = {{{known['version']}}}" in citation[0]
    assert f"{{{{{known['authors'][0]['name']}}}}}" in citation[0]
