from batchmark.report.drawing import style as palette
from tests.report.messages_in_use import TEMPLATES


def test_the_style_sheet_knows_every_colour_of_the_figures() -> None:
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    for color in (*palette.HUES, *palette.RAMP):
        assert f'svg [stroke="{color}"]' in style
        assert f'svg [fill="{color}"]' in style


def test_fixed_names_keep_their_colour_wherever_they_stand() -> None:
    assert palette.hue("adam", 0) == palette.hue("adam", 5)
    assert palette.marker("adam", 0) == palette.marker("adam", 5)
    assert palette.hue("mine", 11) == palette.HUES[1]


def test_ramps_reach_from_dark_to_light() -> None:
    assert palette.ramp(2) == [palette.RAMP[0], palette.RAMP[-1]]
    assert len(set(palette.ramp(9))) == 9
    assert len(palette.ramp(1)) == 1
