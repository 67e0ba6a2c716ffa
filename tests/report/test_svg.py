import re
from xml.etree import ElementTree

import pandas as pd
import pytest

from batchmark.report.drawing import style, svg
from batchmark.report.drawing import style as palette
from batchmark.report.drawing.svg import Drawn, to_facts, to_svg
from batchmark.report.language.messages import say


@pytest.fixture
def drawn() -> Drawn:
    figure, (axes,) = style.panels()
    axes.plot([1, 2], [1.23456789, 2], "o-", color=palette.BLUE, gid="series-adam")
    axes.text(1, 1, "<b> $x$ & batch size, Adam", color=palette.INK)
    style.plain_axis(axes, "batch size")
    return Drawn(
        figure, say("A {word}", word="finding"), say("alt"),
        pd.DataFrame({"x": [1.0, float("inf"), float("nan")], "s": ["a", "b", None]}),
        series={"adam": "Adam"},
    )  # fmt: skip


def test_has_real_text_and_follows_the_page(drawn: Drawn) -> None:
    source = to_svg(drawn, "one")
    root = ElementTree.fromstring(source)  # noqa: S314
    texts = [element.text for element in root.iter(f"{{{svg.SVG}}}text")]
    assert "<b> $x$ & batch size, Adam" in texts
    assert "currentColor" in source
    assert palette.INK not in source
    assert 'data-series="adam"' in source
    assert root[0].text == "A finding"


def test_needs_no_style_and_few_digits(drawn: Drawn) -> None:
    source = to_svg(drawn, "one")
    assert "style" not in source
    assert "metadata" not in source
    assert not re.search(r"\d\.\d\d", "".join(re.findall(r' d="([^"]*)"', source)))


def test_is_the_same_every_time(drawn: Drawn) -> None:
    assert to_svg(drawn, "one") == to_svg(drawn, "one")


def test_ids_of_two_figures_differ(drawn: Drawn) -> None:
    def ids(name: str) -> set[str]:
        root = ElementTree.fromstring(to_svg(drawn, name))  # noqa: S314
        return {element.get("id", "") for element in root.iter()} - {""}

    assert ids("one")
    assert not ids("one") & ids("two")


def test_texts_are_translated_part_by_part(drawn: Drawn) -> None:
    words = {"batch size": "批量大小"}
    source = svg.translated(to_svg(drawn, "one"), lambda text: words.get(text, text), "标题")
    assert ">批量大小<" in source
    assert "批量大小, Adam" not in source
    assert "<title>标题</title>" in source


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<path d="M0 0" onclick="alert(1)"/>',
        '<use href="https://example.org/x.svg#a"/>',
        "<foreignObject/>",
    ],
)
def test_refuses_what_could_do_more_than_draw(inside: str) -> None:
    source = f'<svg xmlns="{svg.SVG}">{inside}</svg>'
    with pytest.raises(ValueError, match="figure holds"):
        svg.translated(source, str, "")


def test_facts_are_plain_json(drawn: Drawn) -> None:
    facts = to_facts(drawn, "one")
    assert facts["rows"] == [[1.0, "a"], ["inf", "b"], [None, None]]
    assert facts["series"] == {"adam": "Adam"}
    assert facts["title"] == {"text": "A {word}", "fields": {"word": "finding"}}
