"""Matplotlib's SVG made small and safe to stand inside a page, with its words and numbers.

Styles become presentation attributes, so that a strict Content-Security-Policy holds; ids that
nothing refers to go; series keep their name in `data-series`; ink becomes `currentColor`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import pandas as pd
from matplotlib.figure import Figure

from batchmark.report.drawing import tips
from batchmark.report.drawing.style import INK
from batchmark.report.language.messages import Message, Translate

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
SERIES = "series-"
# The reader's own fonts: embedding one would cost more than the whole drawing.
FONTS = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', sans-serif"
# What draws and does nothing else: a page that shows more could be made to run or load something.
ALLOWED = {
    "svg",
    "g",
    "path",
    "text",
    "tspan",
    "use",
    "defs",
    "clipPath",
    "rect",
    "line",
    "circle",
    "title",
    "image",
}

ElementTree.register_namespace("", SVG)

Element = ElementTree.Element


def tidied(source: str, title: str) -> str:
    """The drawing in `source` with few digits, no styles or metadata, and a title."""
    root = ElementTree.fromstring(source)  # noqa: S314 (written by matplotlib in this process)
    for parent in root.iter():
        for child in [child for child in parent if _name(child) in {"metadata", "style"}]:
            parent.remove(child)
    # Ids that a clip path, a gradient or a <use> points to; all others are matplotlib's counters.
    referred = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', source))
    for element in root.iter():
        _tidy(element, referred)
    # Markers take their colours from each use, where the page's style can reach them.
    for path in root.iterfind(f".//{{{SVG}}}defs/{{{SVG}}}path"):
        path.attrib.pop("fill", None)
        path.attrib.pop("stroke", None)
    _unwrap_plain_groups(root)
    root.attrib.update({"font-family": FONTS, "stroke-linejoin": "round", "role": "img"})
    root.attrib.pop("version", None)
    heading = Element(f"{{{SVG}}}title")
    heading.text = title
    root.insert(0, heading)
    return ElementTree.tostring(root, encoding="unicode")


def translated(source: str, translate: Translate, title: str) -> str:
    """The drawing with every text node translated, part by part where commas join parts.

    Raises ValueError when an element could do more than draw.
    """
    root = ElementTree.fromstring(source)  # noqa: S314 (no entities: checked below)
    for element in root.iter():
        _check(element)
        if _name(element) == "text" and element.text:
            element.text = ", ".join(translate(part) for part in element.text.split(", "))
    heading = root.find(f"{{{SVG}}}title")
    if heading is not None:
        heading.text = title
    return ElementTree.tostring(root, encoding="unicode")


def _check(element: Element) -> None:
    if _name(element) not in ALLOWED:
        raise ValueError(f"a figure holds <{_name(element)}>, which is not a drawing element")
    for name, value in element.attrib.items():
        if name.startswith("on") or ("href" in name and not value.startswith("#")):
            raise ValueError(f"a figure holds {name}={value!r}, which could load or run something")


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _tidy(element: Element, referred: set[str]) -> None:
    attributes = element.attrib
    for declaration in filter(str.strip, attributes.pop("style", "").split(";")):
        key, _, value = declaration.partition(":")
        attributes.update(_presentation(key.strip(), value.strip()))
    if XLINK in attributes:
        attributes["href"] = attributes.pop(XLINK)
    identity = attributes.get("id", "")
    if identity.startswith(SERIES):
        attributes["data-series"], _, first = identity.removeprefix(SERIES).partition("#")
        for place, mark in enumerate(element.iter(f"{{{SVG}}}use") if first else ()):
            mark.set("data-tip", str(int(first) + place))
    if identity not in referred:
        attributes.pop("id", None)
    for name in ("d", "x", "y", "width", "height", "transform", "font-size"):
        if name in attributes and element.tag != f"{{{SVG}}}svg":
            attributes[name] = _rounded(attributes[name])
    # Every text that stands upright says that it is turned by nothing.
    if attributes.get("transform", "").startswith("rotate(0 "):
        del attributes["transform"]
    element.text = element.text if element.text and element.text.strip() else None
    element.tail = None


def _presentation(key: str, value: str) -> dict[str, str]:
    if key == "font":
        return _font(value)
    # The root says them once for all, and round joins know no miter limit.
    if key in {"stroke-linejoin", "stroke-miterlimit", "font-family"}:
        return {}
    return {key: "currentColor" if value.lower() == INK else value.removesuffix("px")}


def _font(value: str) -> dict[str, str]:
    # Matplotlib writes the shorthand: "12.5px 'DejaVu Sans'" or "bold 12.5px 'DejaVu Sans'".
    match = re.match(r"(?:(\d+|bold) )?([\d.]+)px", value)
    if match is None:
        return {}
    weight = {"font-weight": match[1]} if match[1] else {}
    return {"font-size": match[2]} | weight


def _rounded(text: str) -> str:
    """A path, number or transform with one digit after the point: a tenth of a pixel."""
    text = re.sub(r"-?\d+\.\d+(?:e-?\d+)?", lambda match: f"{float(match[0]):.1f}", text)
    # "3.0" is "3", and "-0.04" has become "-0".
    text = re.sub(r"\.0(?!\d)", "", text).replace("-0 ", "0 ")
    # A path begins with a move; its letters part the numbers without spaces: "M1 2L3 4".
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", text) if text[:1] in "Mm" else text.strip()


def _unwrap_plain_groups(parent: Element) -> None:
    # A group without attributes says nothing of its children; matplotlib writes one a drawn thing.
    children: list[Element] = []
    for child in parent:
        _unwrap_plain_groups(child)
        if _name(child) == "g" and not child.attrib:
            children.extend(child)
        elif not _invisible(child):
            children.append(child)
    parent[:] = children


def _invisible(element: Element) -> bool:
    """Empty containers, and paths with neither fill nor stroke."""
    if _name(element) in {"g", "defs"}:
        return len(element) == 0
    unfilled = element.attrib.get("fill") == "none" and "stroke" not in element.attrib
    return _name(element) == "path" and unfilled


@dataclass(frozen=True)
class Drawn:
    """A drawn figure.

    `title`: its finding, computed from the data; None when the data hold none. `alt`: what a
    reader who cannot see it needs. `numbers`: the values behind it, one row a mark. `notes`: what
    stands under it (numbers of trials, what a bar is). `series`: the names that can be
    highlighted, by key.
    """

    figure: Figure
    title: Message | None
    alt: Message
    numbers: pd.DataFrame
    notes: Sequence[Message] = ()
    series: Mapping[str, str] = field(default_factory=dict)


def to_svg(drawn: Drawn, name: str) -> str:
    """The drawing as a small SVG whose ids are unique to `name`."""
    import matplotlib as mpl  # noqa: PLC0415 (its settings are read when the figure is written)

    tips.number(drawn.figure)

    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "svg.id": None}):
        buffer = StringIO()
        drawn.figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return tidied(buffer.getvalue(), str(drawn.title or drawn.alt))


def to_facts(drawn: Drawn, name: str) -> dict[str, Any]:
    """What the page needs beside the SVG, as plain containers."""
    return {
        "figure": name,
        "measured": True,
        "title": drawn.title.to_json() if drawn.title else None,
        "alt": drawn.alt.to_json(),
        "tips": [tip.to_json() for tip in tips.tips(drawn.figure)],
        "notes": [note.to_json() for note in drawn.notes],
        "columns": [str(column) for column in drawn.numbers.columns],
        "rows": [[plain(value) for value in row] for row in drawn.numbers.itertuples(index=False)],
        "series": dict(drawn.series),
    }


TIP = re.compile(r' data-tip="(\d+)"')


def told(source: str, tips: Sequence[str]) -> str:
    """The drawing whose marks say their tips, by number."""
    return TIP.sub(lambda mark: f' data-tip="{escape(tips[int(mark[1])])}"', source)


def untold(source: str) -> str:
    """The drawing without the numbers of tips."""
    return TIP.sub("", source)


def not_measured(name: str) -> dict[str, Any]:
    """The facts of a figure whose data do not exist."""
    return {"figure": name, "measured": False}


def not_measured_svg() -> str:
    """A drawing that says so, since the job promised a file."""
    return (
        f'<svg xmlns="{SVG}" viewBox="0 0 440 60" width="440" height="60" role="img">'
        "<title>not measured</title>"
        '<text x="220" y="34" text-anchor="middle" font-size="13" font-family="sans-serif" '
        'fill="currentColor">not measured</text></svg>'
    )


def plain(value: Any) -> float | str | bool | None:
    """A table's cell as JSON can hold it; infinity as text, missing as null."""
    if isinstance(value, (bool, str)) or value is None:
        return value
    if pd.isna(value):
        return None
    number = float(value)
    return str(number) if number in (float("inf"), float("-inf")) else number
