"""What a figure's points tell stands in its table of numbers."""

import re
from html import unescape

import pytest

from batchmark.report.drawing.svg import untold
from tests.report.conftest import Site


def tips(site: Site, figure: str, language: str = "en") -> list[str]:
    html = site.html(language)
    own = re.search(rf'id="figure-{figure}".*?</svg>', html, flags=re.DOTALL)
    assert own is not None
    return [unescape(tip) for tip in re.findall(r'data-tip="([^"]*)"', own[0])]


def test_every_point_of_the_picture_tells_its_row(site: Site) -> None:
    facts = site.facts("optimizer_time")
    rows = [dict(zip(facts["columns"], row, strict=True)) for row in facts["rows"]]
    told = tips(site, "optimizer_time")
    assert len(told) == len(rows)
    for row in rows:
        size, value = f"batch size {row['batch size']:,.0f}", row["time to target (s)"]
        mine = [tip for tip in told if tip.startswith(row["optimizer"]) and size in tip]
        assert mine
        if value == "inf":
            assert any("time to target (s): not reached" in tip for tip in mine)
        else:
            assert any(_value(tip) == pytest.approx(value, rel=0.006) for tip in mine)


# Steps, not points.
WITHOUT = {"profile"}


def test_every_figure_with_marks_tells_their_values(site: Site) -> None:
    drawn = [path.stem for path in sorted(site.figures.glob("*.json"))]
    measured = [name for name in drawn if site.facts(name)["measured"] and name not in WITHOUT]
    assert len(measured) > 20
    assert [name for name in measured if not tips(site, name.replace(".", "-"))] == []


def test_a_row_tells_its_setting_and_interval(site: Site) -> None:
    told = tips(site, "timing_noise")
    assert len(told) == len(site.facts("timing_noise")["rows"])
    assert all(", A/A control against baseline (% difference): " in tip for tip in told)


def _value(tip: str) -> float:
    number = re.search(r"time to target \(s\): ([\d.,]+)", tip)
    return float(number[1].replace(",", "")) if number else float("nan")


def test_points_speak_the_language_of_the_page(site: Site) -> None:
    assert any("批量大小" in tip for tip in tips(site, "time_to_target", "zh"))


def test_downloads_hold_no_numbers_of_tips(site: Site) -> None:
    source = (site.figures / "optimizer.svg").read_text(encoding="utf-8")
    assert "data-tip" in source
    assert "data-tip" not in untold(source)
    assert site.html().count("data-tip%3D") == site.html().count("data-tip=%22") == 0
