"""Matplotlib's SVG made small and safe to stand inside a page, and its texts translated.

Styles become presentation attributes, so that a strict Content-Security-Policy holds; ids that
nothing refers to go; series keep their name in `data-series`; ink becomes `currentColor`.
"""

import re
from xml.etree import ElementTree

from batchmark.report.messages import Translate
from batchmark.report.palette import INK

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
SERIES = "series-"
FONTS = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', sans-serif"
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
    _remove(root, {"metadata", "style"})
    referred = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', source))
    for element in root.iter():
        _tidy(element, referred)
    _uncolor_markers(root)
    _unwrap_plain_groups(root)
    root.attrib.update({"font-family": FONTS, "stroke-linejoin": "round", "role": "img"})
    root.attrib.pop("version", None)
    root.insert(0, _title(title))
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


def _title(text: str) -> Element:
    element = Element(f"{{{SVG}}}title")
    element.text = text
    return element


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _remove(root: Element, names: set[str]) -> None:
    for parent in root.iter():
        for child in [child for child in parent if _name(child) in names]:
            parent.remove(child)


def _tidy(element: Element, referred: set[str]) -> None:
    attributes = element.attrib
    for key, value in _declarations(attributes.pop("style", "")):
        attributes.update(_presentation(key, value))
    if XLINK in attributes:
        attributes["href"] = attributes.pop(XLINK)
    identity = attributes.get("id", "")
    if identity.startswith(SERIES):
        attributes["data-series"] = identity.removeprefix(SERIES)
    if identity not in referred:
        attributes.pop("id", None)
    for name in ("d", "x", "y", "width", "height", "transform", "font-size"):
        if name in attributes and element.tag != f"{{{SVG}}}svg":
            attributes[name] = _rounded(attributes[name])
    if attributes.get("transform", "").startswith("rotate(0 "):
        del attributes["transform"]
    element.text = element.text if element.text and element.text.strip() else None
    element.tail = None


def _declarations(style: str) -> list[tuple[str, str]]:
    pairs = (part.partition(":") for part in style.split(";") if part.strip())
    return [(key.strip(), value.strip()) for key, _, value in pairs]


def _presentation(key: str, value: str) -> dict[str, str]:
    if key == "font":
        return _font(value)
    if key in {"stroke-linejoin", "stroke-miterlimit", "font-family"}:
        return {}
    return {key: "currentColor" if value.lower() == INK else value.removesuffix("px")}


def _font(value: str) -> dict[str, str]:
    match = re.match(r"(?:(\d+|bold) )?([\d.]+)px", value)
    if match is None:
        return {}
    weight = {"font-weight": match[1]} if match[1] else {}
    return {"font-size": match[2]} | weight


def _rounded(text: str) -> str:
    text = re.sub(r"-?\d+\.\d+(?:e-?\d+)?", lambda match: f"{float(match[0]):.1f}", text)
    text = re.sub(r"\.0(?!\d)", "", text).replace("-0 ", "0 ")
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", text) if text[:1] in "Mm" else text.strip()


def _uncolor_markers(root: Element) -> None:
    """Markers take their colours from each use, where the page's style can reach them."""
    for path in root.iterfind(f".//{{{SVG}}}defs/{{{SVG}}}path"):
        path.attrib.pop("fill", None)
        path.attrib.pop("stroke", None)


def _unwrap_plain_groups(parent: Element) -> None:
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
