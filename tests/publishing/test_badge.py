import xml.etree.ElementTree as ET

from batchmark.publishing.site import draw_badge

SVG = "{http://www.w3.org/2000/svg}"


def test_a_badge_is_an_image_that_speaks() -> None:
    badge = ET.fromstring(draw_badge("best batch size", "64 (41–96)"))  # noqa: S314
    assert badge.get("aria-label") == "best batch size: 64 (41–96)"
    assert [text.text for text in badge.iter(f"{SVG}text")] == ["best batch size", "64 (41–96)"]


def test_text_fits_into_its_box() -> None:
    badge = ET.fromstring(draw_badge("ab", "a much longer message"))  # noqa: S314
    boxes = [rect for rect in badge.iter(f"{SVG}rect") if rect.get("fill")]
    for box, text in zip(boxes, badge.iter(f"{SVG}text"), strict=True):
        left, width = float(box.get("x", 0)), float(box.get("width", 0))
        middle, length = float(text.get("x", 0)), float(text.get("textLength", 0))
        assert left < middle - length / 2 < middle + length / 2 < left + width


def test_markup_stays_text() -> None:
    badge = ET.fromstring(draw_badge("<script>", 'a"b&c'))  # noqa: S314
    assert badge.findtext(f".//{SVG}text") == "<script>"
